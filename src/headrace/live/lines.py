"""Rows of numbers out of lines of text that come in pieces, cut anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from headrace.errors import DataError, StreamConfigError

Array = np.ndarray[Any, Any]
LONGEST: Final = 1 << 16  # bytes without the end of a line, after which they are given up


class Lines:
    r"""Rows of numbers in lines of text.

    Parameters
    ----------
    names
        The columns. None: the first line has them.
    sep
        What is between two numbers; None for any white space.
    whole
        Whether the first line after connecting is whole. By default it is not, and passed over, where the names are
        given: who connects to a device that is sending begins in the middle of a line.

    Attributes
    ----------
    bad : int
        Lines that had not a number for each column, the first after connecting left aside.

    Raises
    ------
    StreamConfigError
        When there are no names in ``names``, or one twice.

    Examples
    --------
    >>> lines = Lines(["t", "x"])
    >>> lines.feed(b"5,2\n1.5,3\n2.5,"), lines.feed(b"4\r\n")
    ({'t': array([1.5]), 'x': array([3.])}, {'t': array([2.5]), 'x': array([4.])})
    >>> Lines().feed(b"a,b\n1,2\n?\n3,4\n")
    {'a': array([1., 3.]), 'b': array([2., 4.])}
    """

    sep: str | None

    def __init__(self, names: Sequence[str] | None = None, *, sep: str | None = ",", whole: bool | None = None) -> None:
        self._given = None if names is None else _checked(names)
        self.sep = sep
        self.bad: int = 0
        self._names: tuple[str, ...] = self._given or ()
        self._whole = names is None if whole is None else whole
        self._rest, self._skip = b"", not self._whole

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, as far as they are known."""
        return self._names

    def feed(self, data: bytes) -> dict[str, Array]:
        """Return the rows of the lines that are complete now.

        Raises
        ------
        DataError
            When the names were to come in the first line, and numbers did.
        """
        *lines, rest = (self._rest + bytes(data)).split(b"\n")
        rows = []
        for line in lines:
            if self._skip:
                self._skip = False
            elif line.strip():
                row = self._row(line)
                if row is not None:
                    rows.append(row)
        if len(rest) > LONGEST:
            self.bad += not self._skip
            self._skip, rest = True, b""
        self._rest = rest
        if not rows:
            return {}
        return dict(zip(self._names, np.array(rows).T, strict=True))

    def _row(self, line: bytes) -> list[float] | None:
        parts = line.decode("utf-8", "replace").strip().split(self.sep)
        try:
            numbers = [float(part) for part in parts]
        except ValueError:
            names = [part.strip() for part in parts]
            if self._given is None and not self._names:
                self._names = _checked(names)
            elif names != list(self._names):  # a device that begins again says its names again
                self.bad += 1
            return None
        if self._given is None and not self._names:
            raise DataError(
                f"Lines got {line[:60]!r} as the first line, wanted the names of columns.\n"
                "  Give them with names=, where the device does not say them."
            )
        if len(numbers) != len(self._names):
            self.bad += 1
            return None
        return numbers

    def reset(self) -> None:
        """Forget the beginning of a line whose end will not come."""
        self._rest, self._skip = b"", not self._whole

    def __repr__(self) -> str:
        return f"Lines({list(self._names)}, sep={self.sep!r})"


def _checked(names: Sequence[str]) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(names)
    if (
        isinstance(names, str)
        or not found
        or len(set(found)) != len(found)
        or not all(isinstance(name, str) and name for name in found)
    ):
        raise StreamConfigError(
            f"Lines got the names {names!r}, wanted a different one for each column, in a list.\n"
            "  Name them in the order in which the device sends them."
        )
    return found
