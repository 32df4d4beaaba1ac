"""Long lines with as many points as a page has room for: the lowest and the highest of each stretch stay."""

from __future__ import annotations

import numpy as np

from headrace.plot.marks import Array

STRETCHES = 800  # of a line that is drawn alone
POINTS = 24_000  # of all lines together


def thinned(x: Array, y: Array, stretches: int = STRETCHES, first: int = 0) -> tuple[Array, Array]:
    """Return the points of a line that make its outline: of each stretch the lowest and the highest, in their order.

    Stretches are a power of two rows long and begin at multiples of that in the numbers of all rows there have ever been:
    a line that moves on keeps its points, and does not shimmer.

    Parameters
    ----------
    x, y
        ``(n,)``, from left to right.
    stretches
        How many there may be, but for those at the ends that are there in part.
    first
        The number of the first row.

    Examples
    --------
    >>> x, y = thinned(np.arange(8), np.array([0, 9, 1, 2, 3, 1, 7, 8]), stretches=2)
    >>> x.tolist(), y.tolist()
    ([0, 1, 5, 7], [0, 9, 1, 8])
    """
    n = len(y)
    if n <= 2 * stretches:
        return x, y
    length = 1 << (-(-n // stretches) - 1).bit_length()
    head = -first % length
    whole = head + (n - head) // length * length
    at = _ends(y[head:whole].reshape(-1, length)) + np.arange(head, whole, length)[:, np.newaxis]
    kept = [at.reshape(-1)]
    for lo, hi in ((0, head), (whole, n)):
        if lo < hi:
            kept.insert(lo, np.unique(lo + _ends(y[np.newaxis, lo:hi])))  # 0: in front; else behind
    found = np.concatenate(kept)
    return x[found], y[found]


def _ends(cut: Array) -> Array:
    """Return the places of the lowest and the highest of each row, ``(rows, 2)``, in their order; NaN is neither."""
    found = np.stack([cut.argmin(axis=1), cut.argmax(axis=1)], axis=1)
    if cut.dtype.kind == "f":
        none = np.isnan(np.take_along_axis(cut, found, axis=1)).any(axis=1)  # for numpy NaN is both
        if none.any():
            gaps = np.isnan(cut[none])
            low, high = (
                np.where(gaps, np.inf, cut[none]).argmin(axis=1),
                np.where(gaps, -np.inf, cut[none]).argmax(axis=1),
            )
            found[none] = np.stack([low, high], axis=1)
    found.sort(axis=1)
    return found


def parts(x: Array, y: Array, first: int = 0) -> list[tuple[Array, Array]]:
    """Return each line of ``y``, ``(n,)`` or ``(lines, n)``, with as many points as there is room for.

    A line that does not run from left to right keeps every so-many-th point, and the last one.
    """
    rows = np.atleast_2d(y)
    stretches = min(STRETCHES, max(32, POINTS // (2 * max(len(rows), 1))))
    step = -(-len(x) // (4 * stretches))
    if step > 1 and bool((np.diff(x) < 0).any()):
        at = np.arange((len(x) - 1) % step, len(x), step)
        return [(x[at], row[at]) for row in rows]
    return [thinned(x, np.ascontiguousarray(row), stretches, first) for row in rows]
