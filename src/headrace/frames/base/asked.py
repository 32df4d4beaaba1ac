"""What a reader gave, held against what it was asked for: frames that are too few are lost without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import DataError
from headrace.frames.base.layout import Array

if TYPE_CHECKING:
    from headrace.frames.base.footage import FrameReader, Header

Shape = tuple[int | None, ...]


def as_asked(found: Any, known: Header, n: int | None, reader: FrameReader, verb: str, *asked: Any) -> Array:
    """Return what a reader gave, when it is what it was asked for.

    Parameters
    ----------
    found
        What it gave.
    known
        The header, which tells of one frame.
    n
        How many were asked for as columns; None for one alone.
    reader, verb, asked
        Who was asked, and how, for the message.

    Raises
    ------
    DataError
        When it is no array, of another number of frames, or of others than the header tells of.
    """
    shape = known.shape if n is None else (n, *known.shape)
    if isinstance(found, np.ndarray) and found.dtype == known.dtype:
        array: Array = found
        if array.shape == shape or _fits(array.shape, shape):
            return array
    given = ", ".join(f"{len(part)} numbers" if isinstance(part, np.ndarray) else str(part) for part in asked)
    got, wanted, told = _differ(found, shape, known.dtype, n)
    raise DataError(f"{type(reader).__name__}.{verb}({given}) got {got}, wanted {wanted}.\n  {told}")


def _fits(shape: tuple[int, ...], wanted: Shape) -> bool:
    """Tell whether a shape is as wanted, where it is known."""
    return len(shape) == len(wanted) and all(b in (None, a) for a, b in zip(shape, wanted, strict=True))


def _differ(found: Any, shape: Shape, dtype: np.dtype[Any], n: int | None) -> tuple[str, str, str]:
    """Return what was got, what was wanted, and what to do."""
    wanted = f"{dtype} of shape ({', '.join('any' if part is None else str(part) for part in shape)})"
    if not isinstance(found, np.ndarray):
        got = "None" if found is None else f"a {type(found).__name__}"
        return got, f"an array of {wanted}", "Return the frames that are asked for, as one array."
    if n is not None and found.dtype == dtype and found.ndim == len(shape) and _fits(found.shape[1:], shape[1:]):
        got = f"{len(found)} frame{'' if len(found) == 1 else 's'}"
        return got, str(n), "Return as many as are asked for, or raise; the header says how many there are."
    told = "Return frames as the header tells of them, with astype(header.dtype), or correct the header."
    return f"{found.dtype} of shape {found.shape}", wanted, told
