"""Rows set aside: a thread that must be quick notes its numbers, and they become columns many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

TOGETHER: Final = 64  # rows that are set aside until they are written
PLAIN: Final = frozenset({float, int, bool})  # what cannot change after it was given

Rows = list[tuple[Any, ...]]


def kind_of(value: Any) -> Any:
    """Return what is alike in values that a column takes without a second look."""
    kind = type(value)
    if kind in PLAIN:
        return kind
    dtype = getattr(value, "dtype", None)
    return None if dtype is None else (dtype, value.shape)  # None: a list, whose next may hold wider numbers


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
