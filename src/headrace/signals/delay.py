"""A signal as it was some rows ago."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from headrace.signals.base import Array, Signal, Turnable, signal_class
from headrace.signals.checks import a_length
from headrace.signals.history import no_rows


@signal_class(lambda: Delay("x", 7, "y"))
class Delay(Signal[Any]):
    """The input ``n`` rows later; zeros before its first row.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    n
        How many rows, at least 0.
    name
        What to call the output, of the input's shape and dtype.

    Raises
    ------
    StreamConfigError
        When n is no whole number of at least 0.

    Examples
    --------
    >>> Delay("x", 2, name="y")([1, 2, 3, 4]).tolist()
    [0, 0, 1, 2]
    """

    x: str
    n: Turnable[int]
    name: str

    def check(self) -> None:
        self.fix(n=a_length("Delay(n=)", self.n, zero=True))

    @property
    def latency(self) -> Fraction:
        return Fraction(self.n)

    def init(self, *head: Array) -> Any:
        return no_rows(repr(self), self.n, head[0])

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x, late, n = rows[0], self.n, len(rows[0])
        if n < late:
            both = np.concatenate((state, x))
            return both[:n].copy(), both[n:].copy()
        found = np.empty_like(x)
        found[:late] = state
        found[late:] = x[: n - late]
        return found, x[n - late :].copy()
