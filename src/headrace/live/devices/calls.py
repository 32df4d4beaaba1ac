"""What a source is called with, the time or nothing; and which columns its value makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from headrace.errors import DataError, StreamConfigError

TIMES: Final = ("t", "time", "seconds")


def takes_time(source: Callable[..., Any], name: str) -> bool:
    """Return whether a source is ``f(t)``, and not ``f()``; its signature says, once.

    A parameter without a default is the time, and so is one with a default that is called ``t``, ``time`` or
    ``seconds``. Any other default is a value of the function's own, as in ``lambda i=i: table[i]``.

    Parameters
    ----------
    source
        The function.
    name
        What it is called, for messages.

    Raises
    ------
    StreamConfigError
        When it cannot be called, or wants more than one argument.

    Examples
    --------
    >>> (
    ...     takes_time(lambda t: t, "x"),
    ...     takes_time(lambda: 0, "x"),
    ...     takes_time(lambda i=3: i, "x"),
    ...     takes_time(np.sin, "x"),
    ... )
    (True, False, False, True)
    """
    if not callable(source):
        advice = (
            f"Merge(sampler, {{{name!r}: device}}) adds it to each row"
            if hasattr(source, "read")
            else "a constant is lambda: 7"
        )
        raise StreamConfigError(
            f"source {name!r} is {source!r}, wanted a function of the time or of nothing.\n  To do: {advice}."
        )
    if isinstance(source, np.ufunc):
        return source.nin == 1
    try:
        parameters = inspect.signature(source).parameters.values()
    except ValueError:  # some built-in functions have none, such as time.time
        return False
    wanted = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(wanted) > 1 or any(p.kind is p.KEYWORD_ONLY for p in wanted):
        raise StreamConfigError(
            f"source {name!r} wants the arguments {[p.name for p in wanted]}, wanted f(t) or f().\n"
            "  Bind what it needs besides the time with functools.partial."
        )
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    return bool(wanted) or bool(
        places and (places[0].name in TIMES or places[0].kind is inspect.Parameter.VAR_POSITIONAL)
    )


def named(follower: str, key: str) -> str:
    """Return the column of a follower's value: ``follower_key``, or ``follower`` alone where both are one."""
    return follower if key == follower else f"{follower}_{key}"


def row_of(names: Sequence[str], values: Sequence[Any], *, prefix: bool) -> dict[str, Any]:
    """Return a row of sources' values, by column; a dict makes a column of each of its own.

    Parameters
    ----------
    names, values
        The sources.
    prefix
        Whether columns of a dict are called ``name_key``, and not ``key``.

    Raises
    ------
    DataError
        When two would have one name.

    Examples
    --------
    >>> row_of(("t", "key"), (0.5, {"a": 1, "b": 0}), prefix=True)
    {'t': 0.5, 'key_a': 1, 'key_b': 0}
    """
    row: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        parts = (
            {f"{name}_{key}" if prefix else key: part for key, part in value.items()}
            if isinstance(value, Mapping)
            else {name: value}
        )
        for column, part in parts.items():
            if column in row:
                raise DataError(
                    f"Sampler got two values for column {column!r}, wanted a name for each.\n"
                    "  Rename a source, or have the keys of dicts prefixed with prefix=True."
                )
            row[column] = part
    return row
