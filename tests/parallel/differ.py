"""Whether an item came as it was sent, to the bit."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def differ(a: Any, b: Any) -> str:
    """What keeps ``b`` from being what ``a`` was sent as; nothing where it is."""
    if type(a) is np.memmap and type(b) is np.ndarray:  # as which it arrives
        return _arrays(a.view(np.ndarray), b)
    if type(a) is not type(b):
        return f"{type(a).__name__} came as {type(b).__name__}"
    if isinstance(a, np.ma.MaskedArray):
        return differ(a.data, b.data) or differ(np.ma.getmaskarray(a), np.ma.getmaskarray(b))
    if isinstance(a, np.ndarray):
        return _arrays(a, b)
    if isinstance(a, np.generic) and not isinstance(a, str | bytes):
        return _arrays(np.asarray(a), np.asarray(b))
    if isinstance(a, dict):
        if len(a) != len(b):
            return f"{list(a)} came as {list(b)}"
        for (name, part), (other, came) in zip(a.items(), b.items(), strict=True):
            if found := differ(name, other) or differ(part, came):
                return f"{name!r}: {found}"
        return ""
    if isinstance(a, tuple | list):
        if len(a) != len(b):
            return f"{len(a)} parts came as {len(b)}"
        return next((found for x, y in zip(a, b, strict=True) if (found := differ(x, y))), "")
    if is_dataclass(a) and not isinstance(a, type):
        return next((found for f in fields(a) if (found := differ(getattr(a, f.name), getattr(b, f.name)))), "")
    if isinstance(a, float | complex):
        return "" if repr(a) == repr(b) else f"{a!r} came as {b!r}"
    return "" if a == b else f"{a!r} came as {b!r}"


def _arrays(a: Any, b: Any) -> str:
    if a.dtype != b.dtype or a.dtype.isalignedstruct != b.dtype.isalignedstruct:
        return f"{a.dtype!r} came as {b.dtype!r}"
    if a.shape != b.shape:
        return f"{a.shape} came as {b.shape}"
    if type(b) is np.ndarray:
        if not b.flags.aligned:
            return "not aligned"
        fortran = a.flags.f_contiguous and not a.flags.c_contiguous
        if not (b.flags.f_contiguous if fortran else b.flags.c_contiguous):
            return f"another order: {a.flags} came as {b.flags}"
    if a.dtype.hasobject or a.dtype.kind == "T":
        return differ(a.ravel().tolist(), b.ravel().tolist())
    if a.dtype.names is not None:
        return next(
            (
                f"{name}: {found}"
                for name in a.dtype.names
                if (found := _arrays(np.array(a[name], order="C"), np.array(b[name], order="C")))
            ),
            "",
        )
    if a.tobytes() != b.tobytes() and not _longs(a, b):
        return f"{a!r} came as {b!r}"
    return ""


def _longs(a: Any, b: Any) -> bool:
    return a.dtype.char in "gG" and bool(np.array_equal(a, b, equal_nan=True))  # they have bytes of no meaning
