"""Rows out of messages that each are whole, by a function of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.live.wires.parsers import Parser


class Messages:
    """A function of a message, as a parser.

    Parameters
    ----------
    function
        ``function(data)`` of bytes gives a row, as a dict of numbers or arrays; a list of rows; or None.

    Attributes
    ----------
    bad : int
        Always 0: what is no row is known to the function.

    Examples
    --------
    >>> heart = Messages(lambda data: {"bpm": data[1]})
    >>> heart.feed(bytes([0, 61])), heart.names
    ({'bpm': array([61])}, ('bpm',))
    """

    function: Callable[[bytes], Any]

    def __init__(self, function: Callable[[bytes], Any]) -> None:
        self.function = function
        self.bad: int = 0
        self._names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, once a row has come."""
        return self._names

    def feed(self, data: bytes) -> dict[str, Any]:
        """Return the rows of a message.

        Raises
        ------
        DataError
            When the function gives anything else.
        """
        columns = columns_of_rows(self.function(data), self)
        self._names = tuple(columns) or self._names
        return columns

    def reset(self) -> None:
        """Do nothing: messages come whole."""

    def __repr__(self) -> str:
        return f"Messages({self.function!r})"


def columns_of_rows(rows: Any, who: Any) -> dict[str, Any]:
    """Return a row, or a list of them, as columns.

    Raises
    ------
    DataError
        When they are none, or have different names.

    Examples
    --------
    >>> columns_of_rows([{"x": 1.5}, {"x": 2.5}], "a parser"), columns_of_rows(None, "a parser")
    ({'x': array([1.5, 2.5])}, {})
    """
    found = [] if rows is None else [rows] if isinstance(rows, Mapping) else rows
    if not isinstance(found, list | tuple) or not all(isinstance(row, Mapping) for row in found):
        raise DataError(
            f"{who} gave {rows!r}, wanted a dict of values, a list of such, or None.\n  {{'x': 1.5}} is a row of one column."
        )
    if any(row.keys() != found[0].keys() for row in found):
        raise DataError(
            f"{who} gave rows of {[list(row) for row in found]}, wanted the same columns in each.\n"
            "  What comes at another pace wants a device of its own."
        )
    return {name: np.stack([np.asarray(row[name]) for row in found]) for name in found[0]} if found else {}


def as_parser(parser: Any, who: str) -> Parser:
    """Return a parser, or a function as one.

    Raises
    ------
    StreamConfigError
        When it is neither.
    """
    if isinstance(parser, type):
        parser = parser()
    if all(hasattr(parser, name) for name in ("feed", "reset", "names", "bad")):
        found: Parser = parser
        return found
    if not callable(parser):
        raise StreamConfigError(
            f"{who} got parser={parser!r}, wanted a parser or a function of bytes.\n"
            "  Lines(['x', 'y']) takes text, Records([('x', '<f4')]) and CobsRecords take binary."
        )
    return Messages(parser)
