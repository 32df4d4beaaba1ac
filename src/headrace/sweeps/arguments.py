"""Whether the settings of a sweep fit its function: looked at before the first call, not in the first hour."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import Any, Final

from headrace.core.functions import name_of_function, takes_rng
from headrace.errors import StreamConfigError
from headrace.sweeps.parse import GIVEN

_OPEN: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def check_swept_once(fn: Callable[..., Any], swept: Iterable[str], **others: Collection[str]) -> None:
    """Raise when an argument that is swept is given as a constant or a resource as well: points would tell another value
    than the function was called with.

    Parameters
    ----------
    fn
        The function, for the error.
    swept
        Names of the arguments that vary.
    **others
        Names of those that do not, by what they were given as.

    Raises
    ------
    StreamConfigError
        Naming the argument.
    """
    names = tuple(swept)
    for what, given in others.items():
        both = [name for name in names if name in given]
        if both:
            raise StreamConfigError(
                f"a sweep of {name_of_function(fn)} got the argument {both[0]!r} among those that vary and in {what}, "
                f"wanted it in one place.\n  Leave it out of {what} to sweep it, or out of combos and cases to keep it fixed."
            )


def check_arguments(fn: Callable[..., Any], given: Collection[str]) -> None:
    """Raise when a function cannot be called with keywords of these names.

    A function that does not tell its parameters, or takes any keyword, is called to find out.

    Raises
    ------
    StreamConfigError
        When it has no such parameter, another one without a default, or one that has no name for callers; when calling it
        would make a coroutine.

    Examples
    --------
    >>> check_arguments(lambda a, b=1: a, ["a"])
    """
    if inspect.iscoroutinefunction(fn):
        raise StreamConfigError(
            f"a sweep got the coroutine function {name_of_function(fn)}, wanted one that returns its result."
            "\n  Run it to its end: lambda **settings: asyncio.run(fn(**settings))."
        )
    try:  # not that of what a decorator hides, which may fill in some
        parameters = inspect.signature(fn, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return
    hidden = [each.name for each in parameters if each.kind is each.POSITIONAL_ONLY and each.default is each.empty]
    if hidden:
        raise StreamConfigError(
            f"a sweep got {name_of_function(fn)}, whose parameter {hidden[0]!r} has no name for callers, wanted arguments "
            f"that can be given by name.\n  Wrap it: lambda {hidden[0]}: {name_of_function(fn)}({hidden[0]})."
        )
    named = [each for each in parameters if each.kind not in (*_OPEN, each.POSITIONAL_ONLY)]
    known = [each.name for each in named]
    if not any(each.kind is each.VAR_KEYWORD for each in parameters):
        for name in given:
            if name not in known:
                raise StreamConfigError(_unknown(fn, name, [each for each in known if each != GIVEN]))
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return
    filled = {*given, GIVEN} if takes_rng(fn) else set(given)
    missing = [each.name for each in named if each.default is each.empty and each.name not in filled]
    if missing:
        told = ", ".join(map(repr, missing))
        hint = (
            "A method has its object when it is taken from one: Runner(thing.method, ...)."
            if missing[0] == "self"
            else "Give it in combos, cases or constants, or a default in the function."
        )
        raise StreamConfigError(
            f"a sweep of {name_of_function(fn)} got no value for {told}, wanted one for each argument without a default."
            f"\n  {hint}"
        )


def parameters_needed(fn: Callable[..., Any]) -> list[str]:
    """Return the parameters that a caller must give, ``rng`` left out; none of a function that does not tell.

    Examples
    --------
    >>> parameters_needed(lambda a, b=1, *, rng: a)
    ['a']
    """
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.default is p.empty and p.kind not in _OPEN and p.name != GIVEN]


def _unknown(fn: Callable[..., Any], name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1, 0.5)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    wanted = f"wanted one of {', '.join(known)}" if known else "which takes none, wanted none"
    return (
        f"a sweep of {name_of_function(fn)} got the argument {name!r}, {wanted}.{meant}"
        "\n  Arguments are named as in the function's definition."
    )
