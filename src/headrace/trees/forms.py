"""How a parameter is written: as a dict, as a text, and what it does behind the end of its schedule."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal, TypedDict


class ParameterOutOfRangeStrategy(StrEnum):
    """What a parameter does behind the last value of its schedule."""

    HOLD = "hold"
    CYCLE = "cycle"
    RAISE_EXCEPTION = "raise exception"


ParameterOutOfRangeStrategyLit = Literal["hold", "cycle", "raise exception"]

MOST_SHOWN = 80  # letters of a value, in a node's text


class ParameterDict(TypedDict, total=False):
    """A parameter as a dict."""

    name: str
    value: Any
    schedule: Iterable[Any]
    strategy: ParameterOutOfRangeStrategyLit


ScopedParameterDict = dict[str, ParameterDict | dict[str, ParameterDict]]


def is_parameter(candidate: dict[str, Any]) -> bool:
    """Tell whether a dict describes a parameter: whether it has a value or a schedule.

    Examples
    --------
    >>> from headrace.trees import is_parameter
    >>> is_parameter({"schedule": [1, 2]}), is_parameter({"offset": 0.0})
    (True, False)
    """
    return isinstance(candidate, dict) and ("value" in candidate or "schedule" in candidate)


def shown_value(value: Any) -> str:
    """Return a value as a short text on one line."""
    if hasattr(value, "shape") and hasattr(value, "dtype") and getattr(value, "size", 0) > MOST_SHOWN // 4:
        return f"<{value.dtype} of shape {tuple(value.shape)}>"
    text = " ".join(f"{value}".split())
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
