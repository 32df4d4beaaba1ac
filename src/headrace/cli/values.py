"""What a command line says of values: numbers, texts, ranges, cases in a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from headrace.errors import StreamConfigError

HELP = (
    "NAME=VALUES: values between commas; LO:HI:N are N numbers at equal steps, LO:HI:N:log at equal ratios, LO..HI "
    "whole numbers; True, False, None; anything else is a text, and so is what stands in quotes"
)

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9_]*)\Z")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\Z", re.IGNORECASE)
_NAMED = {"True": True, "False": False, "None": None}
_LOOKS = re.compile(r"(true|false|none|[+-]?0[xob][0-9a-f_]+|[\[({].*[\])}])\Z", re.IGNORECASE)  # like what it is not
_NOT_FINITE = ("nan", "inf", "+inf", "-inf")


def scalar(text: str) -> Any:
    """Return what one word means.

    Examples
    --------
    >>> [scalar(word) for word in ("3", "-2.5", "1e-3", "nan", "True", "None", "adam", "007", "'3'")]
    [3, -2.5, 0.001, nan, True, None, 'adam', '007', '3']
    """
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text in _NAMED:
        return _NAMED[text]
    if _INTEGER.match(text):
        return int(text)
    if text in _NOT_FINITE or (_NUMBER.match(text) and not re.match(r"[+-]?0[0-9]", text)):
        return float(text)
    if _LOOKS.match(text):
        from headrace.core.notes import warn

        meant = {"true": "True", "false": "False", "none": "None"}.get(text.lower())
        known = f"{meant} is written so" if meant else "values stand between commas, numbers in digits"
        warn(f"{text} is taken as a text; {known}. A text that is meant stands in quotes: \"'{text}'\".")
    return text


def values(text: str) -> Any:
    """Return the values of one argument: a list, or ``...`` for all that a harvest has already.

    Raises
    ------
    StreamConfigError
        When there is nothing between two commas, a quote is not closed, or a range is none.

    Examples
    --------
    >>> values("1,2,3"), values("0:1:3,5"), values("1:100:3:log"), values("8..10"), values("adam,'a,b'")
    ([1, 2, 3], [0.0, 0.5, 1.0, 5], [1.0, 10.0, 100.0], [8, 9, 10], ['adam', 'a,b'])
    """
    if text == "...":
        return ...
    made: list[Any] = []
    for word in words(text):
        if not word.strip():
            raise StreamConfigError(f"{text!r} has nothing between two commas, wanted values.\n  An empty text is ''.")
        made += _range(word.strip()) or [scalar(word)]
    return made


def words(text: str) -> list[str]:
    """Return what stands between commas outside quotes."""
    found, quote, word = [], "", ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and not word.strip():
            quote = letter
        elif letter == ",":
            found.append(word)
            word = ""
            continue
        word += letter
    if quote:
        raise StreamConfigError(
            f"{text!r} has a quote {quote} that is not closed, wanted two.\n  The shell takes a pair of them for itself."
        )
    return [*found, word]


def _range(word: str) -> list[Any]:
    """Return the numbers of a range; nothing for a word that is none."""
    ends = word.split("..")
    if len(ends) == 2 and all(_INTEGER.match(end) for end in ends):
        lo, hi = map(int, ends)
        if hi < lo:
            raise StreamConfigError(
                f"{word!r} is an empty range, wanted LO..HI with HI of at least LO.\n  Write {hi}..{lo}."
            )
        return list(range(lo, hi + 1))
    parts = word.split(":")
    log = len(parts) == 4 and parts[3] == "log"
    if len(parts) < 2 or not all(_NUMBER.match(part) for part in parts[:2]):
        return []
    if not (len(parts) == 3 or log) or not _NUMBER.match(parts[2]):
        raise StreamConfigError(
            f"{word!r} is no range, wanted LO:HI:N or LO:HI:N:log, as in 0:1:5.\n  A text stands in quotes: '{word}'."
        )
    if not _INTEGER.match(parts[2]) or int(parts[2]) < 1:
        raise StreamConfigError(
            f"{word!r} got {parts[2]!r} numbers, wanted LO:HI:N with N of at least 1.\n  A text stands in quotes: '{word}'."
        )
    return _spaced(word, float(parts[0]), float(parts[1]), int(parts[2]), log=log)


def _spaced(word: str, lo: float, hi: float, n: int, *, log: bool) -> list[float]:
    from headrace.sweeps import linspace

    if not log:
        return linspace(lo, hi, n)
    if lo <= 0 or hi <= 0:
        raise StreamConfigError(
            f"{word!r} has no ratios, wanted two numbers above 0.\n  Without :log the steps are equal."
        )
    import numpy as np

    found: list[float] = np.geomspace(lo, hi, n).tolist()
    return found


def assigned(texts: list[str], option: str) -> dict[str, str]:
    """Return what stands behind each name of ``NAME=...``.

    Raises
    ------
    StreamConfigError
        When there is no name, or one comes twice.
    """
    made: dict[str, str] = {}
    for text in texts:
        name, sign, told = text.partition("=")
        if not sign or not name.isidentifier() or not told:
            raise StreamConfigError(f"{option} got {text!r}, wanted NAME=VALUES.\n  Write {option} a=1,2,3.")
        if name in made:
            raise StreamConfigError(
                f"{option} got {name!r} twice, wanted each name once.\n  Values stand between commas."
            )
        made[name] = told
    return made


def cases_in(path: str) -> list[dict[str, Any]]:
    """Return the rows of a csv file, whose first line has the names of arguments.

    Raises
    ------
    StreamConfigError
        When there is no such file, or a row has more or fewer values than there are names.
    """
    import csv

    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            names, *rows = [row for row in csv.reader(file, skipinitialspace=True) if row] or [[]]
    except (OSError, UnicodeDecodeError) as error:
        raise StreamConfigError(
            f"--cases {path} cannot be read: {error}, wanted a csv file.\n  Its first line has names of arguments, the others values."
        ) from error
    if not names or not all(name.isidentifier() for name in names):
        raise StreamConfigError(
            f"--cases {path} has the first line {names}, wanted names of arguments.\n  Such as: a,b"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StreamConfigError(
            f"--cases {path} has {twice[0]!r} twice in its first line, wanted each name once.\n  Leave out one of the columns."
        )
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise StreamConfigError(
                f"--cases {path} has {len(row)} values in row {number}, wanted {len(names)}: one for each of {', '.join(names)}."
                "\n  A value with a comma stands in quotes."
            )
    return [dict(zip(names, map(scalar, row), strict=True)) for row in rows]
