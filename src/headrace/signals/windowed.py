"""Windows of rows: what every signal that works on them shares, whatever it makes of a window."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from headrace.core.block import ONE, ZERO
from headrace.signals.base import Array, Signal, Turnable, signal_class, turnable
from headrace.signals.checks import any_number, holding, windows

_WINDOWS = 32_768  # values of windows that are worked on at once


class Windowed(Signal[Any]):
    """A signal that makes something of every ``window_size`` rows, again and again, ``window_overlap`` of them anew.

    A subclass has the fields ``x``, ``name``, ``window_size``, ``window_overlap``, ``upsample`` and ``default_value``,
    its own among them, and writes :meth:`frames`. Its first output row comes with the last row of the first window,
    one more every ``window_size - window_overlap`` rows.

    With ``upsample`` there is an output row for every input row: what came of the last complete window, and
    ``default_value`` until there is one.

    Attributes
    ----------
    hop : int
        Rows from one window to the next.
    latency : Fraction
        From the end of a window back to its middle; 0 with ``upsample``, where it changes from row to row.
    """

    window_size: Turnable[int]
    window_overlap: Turnable[int]
    upsample: Turnable[bool]
    default_value: Turnable[complex]

    def frames(self, windows: Array) -> Array:
        """Return what is made of windows ``(n, window_size, ...)``, a row for each: ``(n, ...)``, n being 0 or more.

        The windows are views, not to be written to. A row must be the same bytes whatever windows stand beside it.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method frames(windows)")

    def check(self) -> None:
        who = type(self).__name__
        size, overlap = windows(who, self.window_size, self.window_overlap)
        default = any_number(f"{who}(default_value=)", self.default_value)
        self.fix(window_size=size, window_overlap=overlap, upsample=bool(self.upsample), default_value=default)

    @property
    def hop(self) -> int:
        return self.window_size - self.window_overlap

    @property
    def every(self) -> Fraction:
        return ONE if self.upsample else Fraction(self.hop)

    @property
    def offset(self) -> Fraction:
        return ZERO if self.upsample else Fraction(self.window_size - 1)

    @property
    def latency(self) -> Fraction:
        return ZERO if self.upsample else Fraction(self.window_size - 1, 2)

    def init(self, *head: Array) -> Any:
        rows = np.ascontiguousarray(head[0][:0])
        none = self.frames(_views(rows, 0, self.window_size, self.hop))
        if not self.upsample:
            return rows, none
        first = np.empty((1, *none.shape[1:]), none.dtype)
        first[...] = holding(f"{type(self).__name__}(default_value=)", self.default_value, none.dtype)
        return rows, none, first, 0

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x, past, none = rows[0], state[0], state[1]
        if self.upsample:
            found, past = self._frames(past, none, x)
            return self._repeated(state, found, past, len(x))
        if len(past) + len(x) < self.window_size:
            return none, (np.concatenate((past, x)), none)
        found, past = self._frames(past, none, x)
        return found, (past, none)

    def _frames(self, past: Array, none: Array, x: Array) -> tuple[Array, Array]:
        """Return (what came of the windows that are complete now, the rows that the next ones need)."""
        size, hop, before = self.window_size, self.hop, len(past)
        n = (before + len(x) - size) // hop + 1 if before + len(x) >= size else 0
        if not n:
            return none, np.concatenate((past, x))
        used = n * hop
        rest = x[used - before :].copy() if used >= before else np.concatenate((past[used:], x))
        width = x.size // len(x) * size
        step = max(1, _WINDOWS // max(1, width))
        if n <= step:
            return self.frames(_views(np.concatenate((past, x)), n, size, hop)), rest
        x = np.ascontiguousarray(x)
        found = np.empty((n, *none.shape[1:]), none.dtype)
        for first in range(0, n, step):
            count = min(step, n - first)
            lo, hi = first * hop - before, (first + count - 1) * hop + size - before
            both = x[lo:hi] if lo >= 0 else np.concatenate((past[lo:], x[:hi]))
            found[first : first + count] = self.frames(_views(both, count, size, hop))
        return found, rest

    def _repeated(self, state: Any, found: Array, past: Array, n: int) -> tuple[Array, Any]:
        """Return a row for each input row: number k of the run shows the last window that was complete by then."""
        _, none, last, row = state
        shown = np.concatenate((last, found)) if len(found) else last
        size, hop = self.window_size, self.hop
        # The first of `shown` is the window that was complete before this block, or the default.
        done = (row - size) // hop + 1 if row >= size else 0
        at = np.maximum(np.arange(row + 1, row + n + 1) - size, -hop) // hop + 1
        return shown[at - done], (past, none, shown[-1:].copy() if len(found) else last, row + n)


def _views(rows: Array, n: int, size: int, hop: int) -> Array:
    """Return ``n`` windows of contiguous rows, ``(n, size, ...)``, without a copy."""
    if not n:
        return np.empty((0, size, *rows.shape[1:]), rows.dtype)
    step, *inner = rows.strides
    return np.ndarray((n, size, *rows.shape[1:]), rows.dtype, rows, 0, (hop * step, step, *inner))


@signal_class(lambda: Windows("x", "y", 8, 5))
class Windows(Windowed):
    """The windows themselves.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, ``(windows, window_size, ...)``.
    window_size
        Rows in a window.
    window_overlap
        How many of them the next one has too.
    upsample
        Whether there is an output row for every input row: the last complete window.
    default_value
        What stands there before there is one.

    Raises
    ------
    StreamConfigError
        When the overlap is not less than the size.

    Examples
    --------
    >>> Windows("x", name="y", window_size=3, window_overlap=1)([1, 2, 3, 4, 5, 6]).tolist()
    [[1, 2, 3], [3, 4, 5]]
    """

    x: str
    name: str
    window_size: Turnable[int]
    window_overlap: Turnable[int] = turnable(0)
    upsample: Turnable[bool] = turnable(False)
    default_value: Turnable[complex] = turnable(0)

    def frames(self, windows: Array) -> Array:
        return windows.copy()
