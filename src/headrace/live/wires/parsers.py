"""What makes rows of the bytes that a device sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Parser(Protocol):
    """Makes rows of what a device sends.

    Attributes
    ----------
    bad : int
        Pieces that were no row.
    names : tuple of str
        The columns, as far as they are known.
    """

    @property
    def bad(self) -> int:
        """Pieces that were no row."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, as far as they are known."""

    def feed(self, data: bytes) -> Mapping[str, Any]:
        """Return the rows that are complete now, ``(n, ...)`` for each column; without columns when there is none."""

    def reset(self) -> None:
        """Forget the beginning of a row whose end will not come."""
