"""What headrace asks of a user's function: does it take ``rng``, how many items does it want."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from functools import lru_cache, partial
from math import inf
from types import FunctionType, MethodType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from headrace.errors import StreamConfigError

A = TypeVar("A")
_FILLER = getattr(functools, "Placeholder", object())  # of a partial, since Python 3.14


def once_each(ask: Callable[[Any], A]) -> Callable[[Any], A]:
    """Return ``ask``, a question about a plain function, so that it is asked once of each; no closure is kept alive."""
    of_code = lru_cache(4096)(ask)  # a function without a closure owns nothing to speak of
    of_closures: WeakKeyDictionary[Any, A] = WeakKeyDictionary()

    def answer(function: Any) -> A:
        if function.__closure__ is None:
            return of_code(function)
        try:
            return of_closures[function]
        except KeyError:
            of_closures[function] = found = ask(function)
            return found

    return answer


def takes_rng(function: Callable[..., Any]) -> bool:
    """Tell whether a function has a free parameter named ``rng``, and so is handed a generator.

    Examples
    --------
    >>> takes_rng(lambda item, rng: item), takes_rng(len)
    (True, False)
    """
    return place_of_rng(function) >= 0


def place_of_rng(function: Any) -> float:
    """Return how many positional arguments leave the parameter ``rng`` free, -1 when there is no such parameter.

    Methods and partials are asked for the function they hold: nothing they own, however large, is kept.

    Examples
    --------
    >>> place_of_rng(lambda item, rng: item), place_of_rng(lambda *, rng: 0), place_of_rng(len)
    (1, inf, -1)
    """
    kind = type(function)
    if kind is FunctionType:
        return _place_of_rng(function)
    if kind is MethodType:
        place = place_of_rng(function.__func__)
        return place - 1 if place > 0 else -1
    if kind is partial and all(arg is not _FILLER for arg in function.args):
        place = place_of_rng(function.func)
        return -1 if "rng" in function.keywords or place < len(function.args) else place - len(function.args)
    return _asked(function)


def _asked(function: Any) -> float:
    try:
        parameters = inspect.signature(function).parameters
    except (ValueError, TypeError):  # built-in functions without a signature
        return -1
    if "rng" not in parameters:
        return -1
    keyword = parameters["rng"].kind is inspect.Parameter.KEYWORD_ONLY
    return inf if keyword else list(parameters).index("rng")


_place_of_rng = once_each(_asked)


_verdicts_of: Callable[[Any], dict[Any, str | None]] = once_each(lambda function: {})


def check_call(function: Any, n: int, names: tuple[str, ...]) -> None:
    """Raise unless ``function`` can be called with ``n`` positional arguments and those names; ``rng`` is filled later.

    Raises
    ------
    StreamConfigError
        When it cannot. A function that does not tell its parameters is taken to fit.
    """
    held, kind = function, type(function)
    while kind is not FunctionType:
        if kind is MethodType:
            held, n = held.__func__, n + 1
        elif kind is partial and all(arg is not _FILLER for arg in held.args):
            names = (*names, *(name for name in held.keywords if name not in names))
            held, n = held.func, n + len(held.args)
        else:
            return
        kind = type(held)
    verdicts = _verdicts_of(held)
    try:
        verdict = verdicts[n, names]
    except KeyError:
        verdict = verdicts[n, names] = _misfit(held, n, names)
    if verdict is not None:
        raise StreamConfigError(
            f"Streamer got arguments that do not fit {name_of_function(function)}: {verdict}.\n"
            "  They are handed over as they are; only a parameter named rng is filled."
        )


def _misfit(function: Any, n: int, names: tuple[str, ...]) -> str | None:
    if "rng" not in names and n <= _place_of_rng(function):
        names = (*names, "rng")
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return None
    try:
        signature.bind(*range(n), **dict.fromkeys(names))
    except TypeError as error:
        return str(error)
    return None


def name_of_function(function: Any) -> str:
    """Return a function's short name for printing.

    Examples
    --------
    >>> name_of_function(len)
    'len'
    """
    inner = getattr(function, "func", None)
    if inner is not None and not hasattr(function, "__qualname__"):
        return f"partial({name_of_function(inner)})"
    return str(getattr(function, "__qualname__", type(function).__qualname__)).replace("<locals>.", "")
