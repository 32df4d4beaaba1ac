"""What every buffer does: take rows at the new end, keep the newest, give them away at the old end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from difflib import get_close_matches
from operator import index
from typing import Any

from headrace.errors import AddressError, DataError, StreamConfigError


class UnknownColumnError(KeyError):
    """A buffer has no such column; it says which it has, and what is spelt alike.

    Parameters
    ----------
    name
        What was asked for.
    names
        What there is.

    Examples
    --------
    >>> print(UnknownColumnError("sinee", ["sine", "noise"]))
    DataBuffer got the column 'sinee', wanted one of sine, noise.
      Did you mean 'sine'?
    """

    names: tuple[str, ...]

    def __init__(self, name: object, names: Iterable[str] = ()) -> None:
        super().__init__(name)
        self.names = tuple(names)

    def __str__(self) -> str:  # not before it is shown: whether a column is there is asked often
        name = self.args[0]
        near = get_close_matches(name, self.names) if isinstance(name, str) else []
        advice = f"Did you mean {' or '.join(map(repr, near))}?" if near else "list(buffer) says which there are."
        there = f"one of {', '.join(self.names)}" if self.names else "one that is there, and it has none yet"
        return f"DataBuffer got the column {name!r}, wanted {there}.\n  {advice}"


class BufferShapeError(DataError, AssertionError):
    """Rows whose shape or columns are not those of the buffer; also an ``AssertionError``."""


class Buffer(ABC):
    """A queue of rows in time that keeps the newest ``maxlen``.

    Parameters
    ----------
    maxlen
        How many rows stay; all by default.

    Raises
    ------
    StreamConfigError
        For a ``maxlen`` below 1, or no whole number.
    """

    maxlen: int | None

    def __init__(self, maxlen: int | None = None) -> None:
        try:
            self.maxlen = None if maxlen is None else index(maxlen)
        except TypeError:
            self.maxlen = 0
        if self.maxlen is not None and self.maxlen < 1:
            raise StreamConfigError(
                f"{type(self).__name__} got maxlen={maxlen!r}, wanted a whole number of rows of at least 1, or None.\n"
                "  Say how many of the newest rows stay; None keeps all."
            )

    @abstractmethod
    def extend(self, data: Any) -> None:
        """Add rows behind the newest; of more than ``maxlen`` the newest stay."""

    @abstractmethod
    def append(self, point: Any) -> None:
        """Add one row."""

    @abstractmethod
    def view(self, n: int | None = None) -> Any:
        """Return the oldest ``n`` rows, or all; they never change."""

    @abstractmethod
    def newest(self, n: int) -> Any:
        """Return the newest ``n`` rows, or as many as there are; they never change."""

    @abstractmethod
    def _drop(self, n: int) -> Any:
        """Remove the oldest ``n`` rows, ``0 <= n``, and return them."""

    @abstractmethod
    def __len__(self) -> int: ...

    def popleft(self, n: int) -> Any:
        """Remove the oldest ``n`` rows, or as many as there are, and return them.

        Raises
        ------
        AddressError
            For ``n`` above 0 when there are none; also an ``IndexError``.
        DataError
            For an ``n`` that is no number of rows.
        """
        n = self._count(n, "popleft")
        if n and not len(self):
            raise AddressError(
                f"popleft({n}) got an empty {type(self).__name__}, wanted one with rows.\n"
                "  Ask len(buffer) before, or use popleft_all(), which may give none."
            )
        return self._drop(n)

    def popleft_all(self) -> Any:
        """Remove all rows and return them; maybe none."""
        return self._drop(len(self))

    def _count(self, n: Any, who: str) -> int:
        try:
            found = index(n)
        except TypeError:
            found = -1
        if found < 0:
            raise DataError(
                f"{who} of a {type(self).__name__} got n={n!r}, wanted a whole number of rows of at least 0.\n"
                "  Say how many rows."
            )
        return found
