"""Attributes of datasets as files hold them: what any reader understands, and what the value was, exactly.

Files hold texts, numbers and arrays of them. What a value was, where that says less, is written as JSON beside.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any, Final
from unicodedata import is_normalized

import numpy as np

from headrace.core.notes import warn
from headrace.errors import ResumeError
from headrace.store import plainjson

_NAME = re.compile(r"\w[^/\x00-\x1f\x7f]*(?<!\s)")
_LARGE: Final = 1 << 15  # bytes: HDF5 refuses attributes above 64 KB
# Names that tell xarray, HDF5 or netCDF how to read the data: as attributes of the user's they would change it.
_MEANT: Final = frozenset(
    ("_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype", "calendar", "coordinates")
    + ("grid_mapping", "bounds", "headrace", "DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_Netcdf4Dimid")
    + ("_Netcdf4Coordinates", "_nc3_strict", "_NCProperties", "_ARRAY_DIMENSIONS", "_Encoding", "_ChunkSizes")
)


def to_disk(attrs: Mapping[Hashable, Any], who: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes as a file holds them, and as JSON those that it does not hold exactly.

    Parameters
    ----------
    attrs
        Nothing of it is changed.
    who
        Whose attributes, for a warning about a value that has no written form: its ``repr`` is stored.

    Examples
    --------
    >>> to_disk({"name": "run 3", "tol": None}, "the dataset")
    ({'name': 'run 3', 'tol': 'None'}, {'tol': None})
    """
    held: dict[str, Any] = {}
    exact: dict[str, Any] = {}
    for name, value in attrs.items():
        fits = is_name(name) and name not in _MEANT
        form = natural(value)
        if type(value) is not str or form is None or not fits:
            key = name if isinstance(name, str) else f"__name__{len(exact)}"
            plain = _plain(value, f"{name!r} of {who}")
            exact[key] = plain if key is name else {"__name__": _plain(name, who), "value": plain}
            form = natural(plainjson.loads_plain(plain))  # as it will be, should it not be kept as it is
        if form is not None and fits:
            held[str(name)] = form
    return held, exact


def from_disk(held: Mapping[str, Any], exact: Mapping[str, Any]) -> dict[Hashable, Any]:
    """Return the attributes of :func:`to_disk`; where another program has changed one in the file, as it is there."""
    attrs: dict[Hashable, Any] = {}
    values: dict[str, tuple[Hashable, Any]] = {}
    for key, plain in exact.items():
        if isinstance(plain, dict) and "__name__" in plain:
            values[key] = plainjson.loads_plain(plain["__name__"]), plainjson.loads_plain(plain["value"])
        else:
            values[key] = key, plainjson.loads_plain(plain)
    for name, form in held.items():
        if name in values and _same(form, natural(values[name][1])):
            attrs[name] = values[name][1]
        else:
            attrs[name] = form
    for key, (original, value) in values.items():
        if key not in held and (original is not key or natural(value) is None or key in _MEANT or not is_name(key)):
            attrs[original] = value
    return attrs


def natural(value: Any) -> Any:
    """Return a value as any reader of a file would like it; None when a file cannot hold it."""
    if isinstance(value, str):
        return str(value) if _is_text(value) and len(value) < _LARGE else None
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if callable(value):
        return _name_of(value)
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, np.generic | np.ndarray | list | tuple):
        return _natural_array(value)
    text = repr(value)
    return text if _is_text(text) and len(text) < _LARGE else None


def _natural_array(value: Any) -> Any:
    if isinstance(value, list | tuple) and value and all(isinstance(each, str) for each in value):
        return [str(each) for each in value] if all(map(_is_text, value)) and len(str(value)) < _LARGE else None
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        array = np.array(None)
    if array.dtype.kind in "iuf" and array.ndim <= 1 and array.size and array.nbytes < _LARGE:
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if array.dtype.itemsize <= 8 and array.dtype != np.float16:
            return array[()] if array.ndim == 0 else array
    text = str(array.tolist()) if isinstance(value, np.ndarray | np.generic) else repr(value)
    return text if _is_text(text) and len(text) < _LARGE else None


def _is_text(value: str) -> bool:
    """Tell whether a file can hold a text: neither NUL nor half of a surrogate pair."""
    return "\0" not in value and (value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value))


def is_name(name: object) -> bool:
    """Tell whether something can be called so in any file."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name)) and is_normalized("NFC", name) and _is_text(name)


def _plain(value: Any, what: str) -> Any:
    """Return a value as JSON data; its ``repr``, with a warning, where it has no written form."""
    try:
        return plainjson.dumps_plain(value)
    except ResumeError:
        pass
    if callable(value):
        return _name_of(value)
    if isinstance(value, Mapping):
        return plainjson.dumps_plain({k: plainjson.loads_plain(_plain(v, what)) for k, v in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        kept = [plainjson.loads_plain(_plain(each, what)) for each in value]
        if isinstance(value, set | frozenset):
            warn(f"the attribute {what} is a {type(value).__name__}: it is stored as a list.")
        return plainjson.dumps_plain(tuple(kept) if isinstance(value, tuple) else kept)
    if isinstance(value, np.ndarray) and value.dtype == object:
        warn(f"the attribute {what} is an array of objects: it is stored as a list.")
        return _plain(value.tolist(), what)
    if isinstance(value, str | int | float) and not isinstance(value, bool):  # a subclass, of an enumeration say
        base = next(kind for kind in (str, int, float) if isinstance(value, kind))
        return plainjson.dumps_plain(base(value))
    warn(f"the attribute {what} is a {type(value).__name__}, which has no written form: its repr is stored.")
    return repr(value)


def _name_of(value: Any) -> str:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    return f"{module}:{name}" if module and name else str(value)


def _same(one: Any, other: Any) -> bool:
    if other is None:
        return False
    a, b = np.asarray(one), np.asarray(other)
    if a.size != b.size or (a.dtype.kind in "iuf") != (b.dtype.kind in "iuf"):
        return False
    if a.dtype.kind in "iuf":
        return bool(np.all((a.ravel() == b.ravel()) | ((a.ravel() != a.ravel()) & (b.ravel() != b.ravel()))))
    return [str(x) for x in a.ravel()] == [str(x) for x in b.ravel()]
