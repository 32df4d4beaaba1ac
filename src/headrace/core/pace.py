"""Which input row each row of a slower or faster column stands at, and when it comes."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, lcm
from typing import Any, NamedTuple

import numpy as np

from headrace.errors import StreamConfigError

ONE, ZERO = Fraction(1), Fraction(0)


class Pace(NamedTuple):
    """Which input row each row of a rate group stands at.

    Attributes
    ----------
    every : Fraction
        Input rows from one row of the group to the next: 128 for windows that move on by 128 samples.
    offset : Fraction
        The input row that row 0 of the group stands at, counted from the first row of the run: the last sample of the
        first window.
    burst : int
        How many rows come at once, every ``every`` input rows: what a model says about parts of each window.
    through : tuple of Pace
        The paces, one in rows of the other, that say when rows come, where they come later than they stand: between two
        rows of a slower group, with the second.

    Examples
    --------
    >>> windows = Pace(Fraction(128), Fraction(255))
    >>> windows.rows_before(255), windows.rows_before(256), windows.rows_before(384)
    (0, 1, 2)
    >>> windows.row(1)
    Fraction(383, 1)
    >>> Pace(Fraction(96), Fraction(127), 16).rows_before(2000)
    320
    """

    every: Fraction = ONE
    offset: Fraction = ZERO
    burst: int = 1
    through: tuple[Any, ...] = ()

    def rows_before(self, n: int) -> int:
        """Return how many rows the group has once ``n`` input rows have come."""
        if self.through:
            for pace in self.through:
                n = pace.rows_before(n)
            return n
        return self.burst * max(0, floor((n - 1 - self.offset) / self.every) + 1)

    def row(self, k: int) -> Fraction:
        """Return the input row that row ``k`` of the group stands at."""
        return self.offset + k // self.burst * self.every

    def places(self, numbers: range) -> tuple[np.ndarray[Any, np.dtype[np.int64]], int]:
        """Return the input rows that some rows of the group stand at, as whole numbers of a part of a row, and of which."""
        parts = lcm(self.every.denominator, self.offset.denominator)
        bursts = np.arange(numbers.start, numbers.stop, dtype=np.int64) // self.burst
        return bursts * int(self.every * parts) + int(self.offset * parts), parts

    def later(self, rows: int) -> Pace:
        """Return the pace of a group that begins some rows later."""
        first = tuple(pace.later(rows) for pace in self.through[:1])
        return self._replace(offset=self.offset + rows, through=first + self.through[1:])

    @property
    def behind(self) -> int:
        """How many input rows before the one it comes with a row may stand, one more for the part of a row."""
        step, found = ONE, ONE
        for pace in self.through:
            found += step * max(pace.every, ONE)
            step *= pace.every
        return ceil(found) if self.through else 1

    def then(self, inner: Pace) -> Pace:
        """Return the pace, in input rows, of what has the pace ``inner`` in rows of this group.

        Raises
        ------
        StreamConfigError
            When rows that come in bursts give other numbers of rows from burst to burst.
        """
        found = self._placed(inner)
        whole = inner.every.denominator == inner.offset.denominator == 1
        at_once = self.every == 1 and self.offset.denominator == 1
        if not self.through and not inner.through and (self.burst > 1 or whole or at_once):
            return found
        return found._replace(through=(self.through or (self,)) + (inner.through or (inner,)))

    def _placed(self, inner: Pace) -> Pace:
        if self.burst == 1:
            return Pace(self.every * inner.every, self.offset + self.every * inner.offset, inner.burst)
        first, late = divmod(inner.offset, self.burst)
        if inner.every % self.burst == 0:
            first += late > self.burst - 1  # behind the last row of a burst: it comes with the next
            return Pace(self.every * inner.every / self.burst, self.offset + self.every * first, inner.burst)
        each = self.burst / inner.every
        if each.denominator == 1 and late <= inner.every - 1:  # all of them stand within the burst
            return Pace(self.every, self.offset + self.every * first, int(each) * inner.burst)
        raise StreamConfigError(
            f"rows that come {self.burst} at once cannot be read every {inner.every} rows from row {inner.offset} on.\n"
            f"  Let every divide {self.burst} or be a multiple of it, or make the rows with upsample=True."
        )


ROWS = Pace()
