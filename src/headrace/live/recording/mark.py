"""Something that happened while it was recorded."""

from __future__ import annotations

from typing import Any, NamedTuple


class Mark(NamedTuple):
    """Something that happened while it was recorded.

    Attributes
    ----------
    name : str
        What.
    value : object
        JSON value.
    row : int
        How many rows had been recorded.
    now : float
        When, on the recorder's clock.
    time : float
        When, in Unix seconds by the recording's first anchor: as the timestamps are.
    """

    name: str
    value: Any
    row: int
    now: float
    time: float
