"""What came of one call."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Outcome"]


class Outcome(NamedTuple):
    """What came of one call: a value, or an error.

    Attributes
    ----------
    value
        What the function returned; None where it raised.
    error
        What it raised, with the number of the call as a note, and with the traceback of the worker as its cause where
        it comes from another process; None where it returned.
    seconds
        How long it ran, where it ran; NaN where nobody is left to say so.

    Examples
    --------
    >>> Outcome(3.5, None, 0.2).value
    3.5
    """

    value: Any
    error: BaseException | None
    seconds: float
