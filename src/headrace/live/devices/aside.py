"""Rows set aside: a thread that must be quick notes its numbers, and they become columns many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.ma import MaskedArray

from headrace.errors import DataError

TOGETHER: Final = 64  # rows that are set aside until they are written
PLAIN: Final = frozenset({float, int, bool})  # what cannot change after it was given

Rows = list[tuple[Any, ...]]


def kind_of(value: Any) -> Any:
    """Return what is alike in values that a column takes without a second look."""
    kind = type(value)
    if kind in PLAIN:
        return kind
    dtype = None if isinstance(value, MaskedArray) else getattr(value, "dtype", None)
    return None if dtype is None else (dtype, value.shape)  # None: a list, whose next may hold wider numbers


def as_array(value: Any, name: str, who: str) -> np.ndarray[Any, Any]:
    """Return a value as an array; one with a mask has NaN where it is masked, and is float64 where it was whole numbers.

    Raises
    ------
    DataError
        When it is of no one shape, or masked and no number.
    """
    if isinstance(value, MaskedArray):
        if value.dtype.kind not in "biufc":
            raise DataError(
                f"{who} got a masked array of {value.dtype} for {name!r}, wanted numbers where something is masked.\n"
                "  Fill it first: value.filled(...)."
            )
        found: Any = value if value.dtype.kind in "fc" else value.astype(np.float64)
        return np.asarray(found.filled(np.nan))
    try:
        return np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"{who} got a value for {name!r} that is of no one shape, wanted a number or an array: {error}\n"
            "  Pad it to one length, or give its parts names of their own."
        ) from error


class Aside:
    """Rows of numbers that are not written yet. One thread adds; whoever has the lock of what is written to, writes.

    Examples
    --------
    >>> aside, written = Aside(), []
    >>> aside.add(("x", "y"), (1, 2))
    False
    >>> aside.write(lambda names, rows: False, written.append)
    >>> written, len(aside)
    ([{'x': 1, 'y': 2}], 0)
    """

    def __init__(self) -> None:
        self.fault: Exception | None = None  # of a row that could not be written, for the thread that added it
        self._rows: deque[tuple[tuple[str, ...], tuple[Any, ...]]] = deque()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, names: tuple[str, ...], values: tuple[Any, ...]) -> bool:
        """Set a row aside; return whether it is time to write."""
        self._rows.append((names, values))
        return len(self._rows) >= TOGETHER or self.fault is not None

    def write(self, together: Callable[[tuple[str, ...], Rows], bool], one: Callable[[dict[str, Any]], object]) -> None:
        """Give all rows to ``together``, those of the same names at once, or else each to ``one``."""
        while self._rows:
            names = self._rows[0][0]
            rows: Rows = []
            while self._rows and self._rows[0][0] is names:
                rows.append(self._rows.popleft()[1])
            try:
                if together(names, rows):
                    continue
            except Exception:  # one of them will say what is wrong with it
                pass
            for row in rows:
                try:
                    one(dict(zip(names, row, strict=True)))
                except Exception as error:
                    self.fault = self.fault or error

    def raise_fault(self) -> None:
        """Raise, once, what writing a row has raised."""
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault


class Segment:
    """Columns of which the rows ``lo`` to ``hi`` wait."""

    __slots__ = ("columns", "hi", "lo", "row_bytes")

    columns: dict[str, Any]
    lo: int
    hi: int
    row_bytes: float

    def __init__(self, columns: dict[str, Any], hi: int, row_bytes: float) -> None:
        self.columns, self.lo, self.hi, self.row_bytes = columns, 0, hi, row_bytes
