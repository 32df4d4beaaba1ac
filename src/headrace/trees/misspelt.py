"""Keys beside branches that were not meant for a branch: ``prob`` with a list of numbers is a slip, not a branch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import SequenceMatcher
from math import isfinite
from typing import Any

import numpy as np

from headrace.errors import StreamConfigError
from headrace.trees.forms import ParameterOutOfRangeStrategy
from headrace.trees.parameter import Parameter
from headrace.trees.schedule import Schedule

_ALIKE = 0.7  # of two words, by difflib: prob and probs have 0.89, speed and seed too
Looks = Callable[[str, Any, Mapping[Any, Any]], bool]


def refuse_misspelt(name: str, branches: Mapping[Any, Any], given: Iterable[str]) -> None:
    """Raise where a key among branches is nearly a word with a meaning, and its value is what that word wants.

    Both have to be: ``{"same": ..., "probe": ...}`` are branches, whatever they are called, unless what they hold is no
    branch.

    Parameters
    ----------
    name
        The name of the branching.
    branches
        The branches by key.
    given
        The words that have been given beside them: no other key was meant for one of these.

    Raises
    ------
    StreamConfigError
        Naming the key and what was meant.

    Examples
    --------
    >>> refuse_misspelt("coin", {"heads": "heads", "tails": "tails"}, ())
    >>> refuse_misspelt("coin", {"heads": "heads", "tails": "tails", "prob": [0.5, 0.5]}, ())
    Traceback (most recent call last):
    headrace.errors.StreamConfigError: branching 'coin' got the branch 'prob' with [0.5, 0.5], wanted probs.
      Write 'probs': [0.5, 0.5]. If it is a branch, give it another key.
    """
    known = set(given)
    for key, value in branches.items():
        if not isinstance(key, str):
            continue
        for word, looks in _WORDS.items():
            if word not in known and _near(key, word) and looks(key, value, branches):
                raise StreamConfigError(_message(name, key, value, word))


def _message(name: str, key: str, value: Any, word: str) -> str:
    text = repr(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    wanted = word if word in _BESIDE else f"it inside probs, as {word}"
    write = f"{word!r}: {text}" if word in _BESIDE else f"'probs': {{'value': [...], {word!r}: {text}}}"
    return (
        f"branching {name!r} got the branch {key!r} with {text}, wanted {wanted}.\n"
        f"  Write {write}. If it is a branch, give it another key."
    )


def _near(key: str, word: str) -> bool:
    """Tell whether a key may be a word with a slip: beginning alike, or of the same letters. ``game`` is no ``name``."""
    low = key.casefold()
    if low == word or (word == "probs" and low in _SYNONYMS):
        return True
    if any(c.isdigit() for c in low) or (low[:1] != word[0] and sorted(low) != sorted(word)):
        return False  # with a number it is one of several, as name1 and name2
    alike = SequenceMatcher(None, low, word)
    return alike.quick_ratio() >= _ALIKE and alike.ratio() >= _ALIKE  # the first, as most of a thousand keys end there


# --- what the words want --------------------------------------------------------------------------


def _chances(key: str, value: Any, branches: Mapping[Any, Any]) -> bool:
    others = [other for other in branches if other != key]
    if isinstance(value, Schedule | Parameter):
        return True
    if isinstance(value, dict):
        if value.keys() & {"value", "schedule"}:
            return any(_numbers(part) for part in (value.get("value"), *_rows(value.get("schedule"))))
        return bool(value) and value.keys() <= set(others) and _numbers(list(value.values()))
    if not _numbers(value):
        return False
    # Whole numbers in a list are labels too: one for each of the other branches, with a sum of 1, are none.
    return bool(np.asarray(value).dtype.kind == "f") or (len(value) == len(others) and sum(value) == 1)


def _rows(schedule: Any) -> list[Any]:
    return list(schedule)[:1] if isinstance(schedule, list | tuple | np.ndarray) else []


def _numbers(value: Any) -> bool:
    """Tell whether something is a row of numbers, each of which could be a probability."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(isinstance(x, int | float | np.number) and not isinstance(x, bool) and isfinite(x) for x in value)


def _text(key: str, value: Any, branches: Mapping[Any, Any]) -> bool:
    return isinstance(value, str) and value != key  # a branch of one label is often called like it


def _seed(key: str, value: Any, branches: Mapping[Any, Any]) -> bool:
    whole = [isinstance(each, int | np.integer) and not isinstance(each, bool) for each in branches.values()]
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and sum(whole) == 1  # else: labels


def _schedule(key: str, value: Any, branches: Mapping[Any, Any]) -> bool:
    return isinstance(value, Schedule) or any(map(_numbers, _rows(value)))


def _strategy(key: str, value: Any, branches: Mapping[Any, Any]) -> bool:
    return isinstance(value, str) and value in set(ParameterOutOfRangeStrategy)


_BESIDE = ("name", "probs", "seed")
_SYNONYMS = ("p", "weights", "probability", "probabilities")
_WORDS: dict[str, Looks] = {
    "probs": _chances,
    "name": _text,
    "seed": _seed,
    "schedule": _schedule,
    "strategy": _strategy,
}
