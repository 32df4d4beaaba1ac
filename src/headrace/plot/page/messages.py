"""What a browser may say to the server: few words, each looked at before anything is done."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from headrace.errors import DataError

LARGEST: Final = 4096  # bytes of one message
NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")  # never a path, never hidden
LONGEST: Final = 3600.0  # seconds across the page
_WORDS: Final = ("start", "stop", "stop recording")  # those that need nothing more


@dataclass(frozen=True)
class Message:
    """What was said.

    Attributes
    ----------
    what : str
        ``"drawn"``, ``"view"``, ``"set"``, ``"start"``, ``"stop"``, ``"record"``, ``"stop recording"``, ``"mark"``.
    frame : int
        The last that was drawn.
    seconds, pixels : float, int
        What is to be seen.
    path, value : str, number
        What is to be turned.
    name : str
        Of a recording, or a mark.
    """

    what: str
    frame: int = 0
    seconds: float = 10.0
    pixels: int = 1000
    path: str = ""
    value: float | int | bool = 0
    name: str = ""


def parse(text: str) -> Message:
    """Return what a message says.

    Raises
    ------
    DataError
        When it is not one that the page sends.

    Examples
    --------
    >>> parse('{"what": "drawn", "frame": 7}').frame
    7
    >>> parse('{"what": "record", "name": "../../etc"}')
    Traceback (most recent call last):
    headrace.errors.DataError: a message has name='../../etc', wanted letters, digits, "_", "-", ".", at most 64.
    """
    if len(text) > LARGEST:
        raise DataError(f"a message has {len(text)} characters, wanted {LARGEST} at most.")
    try:
        said = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DataError(f"a message is no JSON: {str(error)[:100]}.") from None
    if not isinstance(said, dict):
        raise DataError(f"a message is a {type(said).__name__}, wanted an object.")
    what = said.get("what")
    if isinstance(what, str) and what in _WORDS:
        return Message(what)
    if what == "drawn":
        return Message("drawn", frame=_whole(said, "frame", 0, 2**53))
    if what == "view":
        return Message("view", seconds=_number(said, "seconds", 0.01, LONGEST), pixels=_whole(said, "pixels", 16, 8192))
    if what == "set":
        return Message("set", path=_text(said, "path"), value=_value(said))
    if what == "record":
        return Message("record", name=_name(said))
    if what == "mark":
        return Message("mark", name=_text(said, "name"))
    raise DataError(f"a message has what={str(what)[:40]!r}, wanted one that the page sends.")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _number(said: dict[str, Any], key: str, low: float, high: float) -> float:
    value: Any = said.get(key)
    if type(value) not in (int, float) or not low <= value <= high:
        raise DataError(f"a message has {key}={str(value)[:40]}, wanted a number from {low:g} to {high:g}.")
    return float(value)


def _whole(said: dict[str, Any], key: str, low: int, high: int) -> int:
    value = said.get(key)
    if type(value) is not int or not low <= value <= high:
        raise DataError(f"a message has {key}={str(value)[:40]}, wanted a whole number from {low} to {high}.")
    return value


def _value(said: dict[str, Any]) -> float | int | bool:
    value: Any = said.get("value")
    if type(value) is int and abs(value) > 2**53:
        raise DataError("a message has a value that is too large for a number of a page.")
    if type(value) not in (bool, int, float) or not math.isfinite(value):
        raise DataError(f"a message has value={str(value)[:40]}, wanted a number.")
    found: float | int | bool = value
    return found


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise DataError(f"a message has {key}={str(value)[:40]!r}, wanted a text of 1 to 200 characters.")
    return value


def _name(said: dict[str, Any]) -> str:
    value = said.get("name", "session")
    if not isinstance(value, str) or NAME.fullmatch(value) is None:
        raise DataError(f'a message has name={str(value)[:40]!r}, wanted letters, digits, "_", "-", ".", at most 64.')
    return value
