"""What a source is called with: the time, or nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from headrace.errors import StreamConfigError

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
