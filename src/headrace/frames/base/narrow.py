"""Values in a narrower type: as they are, or an error that names the first that cannot be.

NumPy lets whole numbers wrap when they are copied into a smaller type, and rounds those that a float cannot hold. Values
are looked at only where the type narrows: two passes over whole numbers, none over floats that are rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.frames.base.footage import DIMS
from headrace.frames.base.layout import Array


def fitting(frames: Array, dtype: np.dtype[Any], who: str, owner: str, advice: str) -> Array:
    """Return frames as ``dtype``: whole numbers as they are, floats rounded where they are finer.

    Parameters
    ----------
    frames
        Columns of frames, ``(n, rows, cols[, channels])``.
    dtype
        The type that is wanted.
    who
        What messages begin with.
    owner
        Who has this type, for messages: ``"as the file has it"``.
    advice
        What to do, for messages.

    Raises
    ------
    DataError
        When the type is of a kind that holds no such values, or one of them would change: a whole number that is too
        large for it, or lies between those that a float can hold; a float beyond its largest.

    Examples
    --------
    >>> fitting(np.full((1, 2, 2), 7), np.dtype("u1"), "put", "as the file has it", "Clip it.").dtype.name
    'uint8'
    >>> fitting(np.full((1, 2, 2), 300), np.dtype("u1"), "put", "as the file has it", "Clip it.")
    Traceback (most recent call last):
    headrace.errors.DataError: put got 300 at frame 0, row 0, col 0 of int64, wanted what uint8 holds (0 to 255), as the file has it.
      Clip it.
    """
    if frames.dtype == dtype:
        return frames
    whole = frames.dtype.kind in "iu" and dtype.kind in "iu"  # with a sign or without: their values say if they fit
    if not whole and not np.can_cast(frames.dtype, dtype, "same_kind"):
        raise DataError(
            f"{who} got frames of {frames.dtype}, wanted {dtype}, {owner}.\n"
            f"  Convert them: put(block.astype({dtype.name!r}))."
        )
    made: Array | None
    try:
        with np.errstate(over="raise"):
            made = frames.astype(dtype)
    except FloatingPointError:
        made = None
    rounded = made is not None and made.dtype.kind == frames.dtype.kind == "f"
    wrong = None if rounded else first_wrong(frames, dtype)
    if wrong is not None:
        what = told(frames, dtype, wrong, ("frame", *DIMS[frames.ndim - 1]))
        raise DataError(f"{who} got {what}, {owner}.\n  {advice}")
    return frames.astype(dtype) if made is None else made


def told(values: Array, dtype: np.dtype[Any], at: tuple[int, ...], axes: tuple[str, ...]) -> str:
    """Return which value stands where, and what was wanted.

    Examples
    --------
    >>> told(np.full((2, 2), 2**24 + 1), np.dtype("f4"), (0, 1), ("row", "col"))
    '16777217 at row 0, col 1 of int64, wanted what float32 holds (whole numbers to 2**24, and some beyond)'
    """
    where = ", ".join(f"{name} {k}" for name, k in zip(axes, at, strict=True))
    if dtype.kind in "iu":
        held = f"{np.iinfo(dtype).min} to {np.iinfo(dtype).max}"
    elif values.dtype.kind in "iu":
        held = f"whole numbers to 2**{np.finfo(dtype).nmant + 1}, and some beyond"
    else:
        held = f"up to {np.finfo(dtype).max:.3g}"
    return f"{values[at].item()} at {where} of {values.dtype}, wanted what {dtype.name} holds ({held})"


def first_wrong(frames: Array, dtype: np.dtype[Any]) -> tuple[int, ...] | None:
    """Return where the first value stands that ``dtype`` cannot hold; None where it holds all.

    Floats count as rounded to whole numbers for a type of these, and may be rounded for a coarser float.

    Examples
    --------
    >>> first_wrong(np.array([[1, 255], [256, 3]]), np.dtype("u1"))
    (1, 0)
    >>> first_wrong(np.array([[254.6, -0.4]]), np.dtype("u1")), first_wrong(np.array([[np.nan]]), np.dtype("u1"))
    (None, (0, 0))
    """
    if not frames.size or frames.dtype.kind == "b":
        return None
    if dtype.kind in "iu":
        wrong = _outside(frames, dtype) if frames.dtype.kind in "iu" else _no_whole_number(frames, dtype)
    elif frames.dtype.kind in "iu":
        wrong = _between(frames, dtype)
    else:
        wrong = _beyond(frames, dtype)
    if wrong is None or not wrong.any():
        return None
    return tuple(int(k) for k in np.unravel_index(int(wrong.argmax()), wrong.shape))


def _outside(frames: Array, dtype: np.dtype[Any]) -> Array | None:
    """Whole numbers outside of another type's range."""
    have, want = np.iinfo(frames.dtype), np.iinfo(dtype)
    if want.min <= have.min and have.max <= want.max:
        return None
    if want.min <= int(frames.min()) and int(frames.max()) <= want.max:
        return None
    return np.asarray((frames < max(want.min, have.min)) | (frames > min(want.max, have.max)))


def _no_whole_number(frames: Array, dtype: np.dtype[Any]) -> Array | None:
    """Floats that are, rounded, outside of a type of whole numbers, or are no numbers."""
    want = np.iinfo(dtype)
    low, high = float(frames.min()), float(frames.max())
    if np.isfinite(low) and np.isfinite(high) and want.min <= round(low) and round(high) <= want.max:
        return None
    near: Array = np.rint(frames.astype(np.float64))
    return ~((near >= float(want.min)) & (near < float(want.max + 1)))  # both are powers of two, or 0: exact as floats


def _between(frames: Array, dtype: np.dtype[Any]) -> Array | None:
    """Whole numbers that a float does not hold: with more digits than it has, or beyond its largest."""
    want = np.finfo(dtype)
    digits, have = want.nmant + 1, np.iinfo(frames.dtype)
    surely = min(1 << digits, int(want.max))
    if -surely <= have.min and have.max <= surely:
        return None
    if -surely <= int(frames.min()) and int(frames.max()) <= surely:
        return None
    size = frames.astype(np.uint64) if have.min == 0 else np.abs(frames.astype(np.int64)).view(np.uint64)
    last = size & (~size + np.uint64(1))  # the lowest bit that is set: what is above it are the digits
    found = size // np.maximum(last, np.uint64(1)) >= np.uint64(1 << digits)
    most = int(want.max)
    return np.asarray(found | (size > np.uint64(most)) if most < have.max else found)


def _beyond(frames: Array, dtype: np.dtype[Any]) -> Array | None:
    """Floats beyond the largest of a coarser type, which would become infinite."""
    if np.can_cast(frames.dtype, dtype, "safe"):
        return None
    try:
        with np.errstate(over="raise"):
            frames.astype(dtype)
    except FloatingPointError:
        with np.errstate(over="ignore"):
            return np.asarray(np.isfinite(frames) & ~np.isfinite(frames.astype(dtype)))
    return None
