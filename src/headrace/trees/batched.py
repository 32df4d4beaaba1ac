"""Functions that treat many samples at once, and what a node's function asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple, TypeVar, overload

from headrace.core.functions import once_each
from headrace.errors import StreamConfigError

F = TypeVar("F", bound=Callable[..., Any])
OFFERED = ("rng", "i", "n")  # what a function of columns is handed when it has a parameter of that name
_BATCHED = "__headrace_batched__"
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@overload
def batched(function: F) -> F: ...
@overload
def batched(*, per_row: str | Sequence[str]) -> Callable[[F], F]: ...
def batched(function: Any = None, *, per_row: str | Sequence[str] = ()) -> Any:
    """Mark a node's function as one of columns: it is called once for many samples.

    It is handed the columns of the samples that take one path, item on axis 0 (None at the root), and returns columns
    of as many rows. A parameter named ``rng`` is filled with a generator, ``n`` with the number of rows, ``i`` with
    their numbers, an array of shape (n,). With ``rng`` it is called for samples 0 to 1023, 1024 to 2047, and so on, so
    that no sample depends on how many are asked for; rows must be treated apart.

    Parameters
    ----------
    function
        The function.
    per_row
        Names of parameters that it wants as arrays of shape (n,), one value for each row. Any other parameter has one
        value in a call: where it moves with the sample's number, rows of different values come in different calls.

    Raises
    ------
    StreamConfigError
        When it cannot be called, or has no parameter of a name in ``per_row``.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.trees import SamplingTree, batched
    >>> @batched
    ... def noise(nothing, scale, *, rng, n):
    ...     return rng.normal(scale=scale, size=(n, 8))
    >>> X, y = SamplingTree([noise, {"low": "low", "high": [lambda x: x + 1, "high"]}], {"scale": 0.1}).read(100)
    >>> X.shape, sorted(set(y.tolist()))
    ((100, 8), ['high', 'low'])
    """
    names = (per_row,) if isinstance(per_row, str) else tuple(per_row)
    if function is None:
        return partial(_marked, names=names)
    return _marked(function, names)


def _marked(function: Any, names: tuple[str, ...]) -> Any:
    if not callable(function):
        raise StreamConfigError(f"batched(function) got {function!r}, wanted a function of columns.")
    known = needs_of(function)
    strange = [name for name in names if name not in known.takes]
    if strange:
        raise StreamConfigError(
            f"batched(per_row=) got {strange[0]!r}, wanted names of parameters of {function.__name__}{known.signature}."
        )
    setattr(function, _BATCHED, names)
    return function


def per_row_of(function: Any) -> tuple[str, ...] | None:
    """Return the parameters a function wants by row; None for a function of one sample."""
    while isinstance(function, partial):
        function = function.func
    found: tuple[str, ...] | None = getattr(function, _BATCHED, None)
    return found


class Needs(NamedTuple):
    """What a function asks for besides its first argument."""

    takes: tuple[str, ...]  # names it can be handed, without the first argument and rng
    required: tuple[str, ...]  # those of them without a default
    any_name: bool  # whether it has **kwargs
    rng: bool
    first: bool  # whether it has a first positional argument
    known: bool  # whether it tells its parameters at all
    signature: str


def needs_of(function: Any) -> Needs:
    """Return what a function asks for; asked once of each.

    Examples
    --------
    >>> needs_of(lambda signal, height, length=3, *, rng: 0)[:4]
    (('height', 'length'), ('height',), False, True)
    """
    return _of_plain(function) if type(function) is FunctionType else _asked(function)


def _asked(function: Any) -> Needs:
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # built-in functions without one
        return Needs((), (), False, False, True, False, "(...)")
    found = list(signature.parameters.values())
    stars = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in found)
    first = found[0].name if found and found[0].kind in _POSITIONAL else None
    rest = [p for p in found if p.name != first and p.kind in _NAMED]
    rng = any(p.name == "rng" for p in rest)
    takes = [p for p in rest if p.name != "rng"]
    return Needs(
        tuple(p.name for p in takes),
        tuple(p.name for p in takes if p.default is inspect.Parameter.empty),
        any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found),
        rng,
        first is not None or stars,
        True,
        str(signature),
    )


_of_plain = once_each(_asked)  # others may own much, and are not kept


def contains_kwarg(func: Callable[..., Any], name: str) -> bool:
    """Tell whether a function has an argument of that name which can be given by keyword; ``**kwargs`` is none.

    Examples
    --------
    >>> contains_kwarg(lambda x, *, rng: x, "rng"), contains_kwarg(lambda **rng: 0, "rng")
    (True, False)
    """
    try:
        parameters = inspect.signature(func).parameters
    except (ValueError, TypeError):
        return False
    return name in parameters and parameters[name].kind in _NAMED
