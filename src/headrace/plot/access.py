"""Which numbers of a system's columns a picture shows, and on which scale."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, Literal, TypeAlias

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.plot.marks import Array, LinearScale, LogScale, Scale
from headrace.plot.readers import lines, numbers

Access: TypeAlias = str | tuple[str, int | Sequence[int]]
Ends: TypeAlias = tuple[float | None, float | None]
Kind: TypeAlias = Literal["linear", "log"]
_SCALES: dict[str, type[Scale]] = {"linear": LinearScale, "log": LogScale}


class Accessor:
    """Which numbers of which column: called with a buffer, it gives ``(n,)``, or ``(lines, n)``."""

    def __init__(self, who: str, access: Any) -> None:
        self.at: int | list[int] | None = None
        try:
            if isinstance(access, str):
                self.name: str = access
            else:
                self.name, at = access
                self.at = [index(each) for each in at] if isinstance(at, Sequence | np.ndarray) else index(at)
        except (TypeError, ValueError):
            self.name = ""
        if not self.name or not isinstance(self.name, str):
            raise StreamConfigError(
                f"{who} got the access {access!r}, wanted 'name', ('name', 1) or ('name', [0, 2]).\n"
                "  It is a column of the system, and which numbers of its rows."
            )
        self.label: str = f"{self.name}_{self.at}" if isinstance(self.at, int) else self.name

    def __call__(self, buffer: Any) -> Array:
        rows = numbers(buffer[self.name], self.name)
        if self.at is None:
            return lines(rows, self.name)
        wanted = [self.at] if isinstance(self.at, int) else self.at
        if rows.ndim != 2 or not all(-rows.shape[1] <= each < rows.shape[1] for each in wanted):
            raise DataError(
                f"access ({self.name!r}, {self.at!r}) got rows of shape {rows.shape[1:]}, wanted ({max(wanted, default=0) + 1},) "
                "or more.\n  Say which numbers of a row, from 0 on."
            )
        found: Array = rows[:, self.at]
        return found if isinstance(self.at, int) else found.T


def scale_of(who: str, axis: str, kind: Any, span: Any, flip: bool) -> Scale:
    """Return a scale of its documented arguments.

    Raises
    ------
    StreamConfigError
        When they are none.
    """
    if kind not in _SCALES:
        raise StreamConfigError(
            f"{who} got {axis}_scale={kind!r}, wanted 'linear' or 'log'.\n  The default is 'linear'."
        )
    try:
        low, high = span
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"{who} got {axis}_range={span!r}, wanted (lowest, highest).\n  None stands for that of the data."
        ) from None
    if low is not None and high is not None and not low < high:
        raise StreamConfigError(
            f"{who} got {axis}_range={span!r}, wanted the lowest first.\n  flip_{axis}=True turns an axis round."
        )
    if kind == "log" and any(end is not None and end <= 0 for end in (low, high)):
        raise StreamConfigError(
            f"{who} got {axis}_range={span!r} on a log scale, wanted more than 0.\n  Take 'linear'."
        )
    return _SCALES[kind](low, high, flip)
