"""Functions that treat many samples at once, and what a node's function asks for."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from types import FunctionType
from typing import Any, NamedTuple, TypeVar, overload

from headrace.core.functions import name_of_function, once_each
from headrace.errors import StreamConfigError

F = TypeVar("F", bound=Callable[..., Any])
OFFERED = ("rng", "i", "n")  # what a function of columns is handed when it has a parameter of that name
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@overload
def batched(function: F) -> F: ...
@overload
def batched(*, per_row: str | Sequence[str]) -> Callable[[F], F]: ...
def batched(function: Any = None, *, per_row: str | Sequence[str] = ()) -> Any:
    """Make a function of columns of a function: as a node, it is called once for many samples.

    It is handed the columns of the samples that take one path, item on axis 0 (None at the root), and returns columns
    of as many rows. A parameter named ``rng`` is filled with a generator, ``n`` with the number of rows, ``i`` with
    their numbers, an array of shape (n,). With ``rng`` it is called for samples 0 to 1023, 1024 to 2047, and so on, so
    that no sample depends on how many are asked for; rows must be treated apart. Behind branches that meet again, the
    rows of all of them come in one call, where they stack.

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


def _marked(function: Any, names: tuple[str, ...]) -> Batched:
    if not callable(function):
        raise StreamConfigError(
            f"batched(function) got {function!r}, wanted a function of columns.\n"
            "  Write @batched above it, or @batched(per_row='name') where a parameter comes by row."
        )
    known = needs_of(function)
    strange = [name for name in names if name not in known.takes]
    if strange:
        raise StreamConfigError(
            f"batched(per_row=) got {strange[0]!r}, wanted names of parameters of "
            f"{name_of_function(function)}{known.signature}.\n  It takes {', '.join(map(repr, known.takes)) or 'none'}."
        )
    return Batched(function, names)


class Batched:
    """A function of columns: what :func:`batched` returns. The function itself stays as it is.

    Attributes
    ----------
    function
        The function.
    per_row : tuple of str
        Parameters that it wants as arrays, one value for each row.
    """

    def __init__(self, function: Any, per_row: tuple[str, ...]) -> None:
        inner = function
        while isinstance(inner, partial):
            inner = inner.func
        update_wrapper(self, inner, updated=())
        self.__wrapped__ = function
        self.function: Any = function
        self.per_row: tuple[str, ...] = per_row

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __get__(self, owner: Any, kind: Any = None) -> Batched:
        return self if owner is None else Batched(self.function.__get__(owner, kind), self.per_row)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Batched) and (self.function, self.per_row) == (other.function, other.per_row)

    def __hash__(self) -> int:
        return hash((self.function, self.per_row))

    def __reduce__(self) -> Any:
        # By name where the name is of this, as functions are: the one inside has no name then. In the main program by
        # value, which cloudpickle knows to do: a worker has another main program.
        name = getattr(self, "__qualname__", "")
        found: Any = None if self.__module__ == "__main__" else sys.modules.get(self.__module__)
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (Batched, (self.function, self.per_row))

    def __repr__(self) -> str:
        return f"<batched {name_of_function(self.function)}>"


def per_row_of(function: Any) -> tuple[str, ...] | None:
    """Return the parameters a function wants by row; None for a function of one sample."""
    while isinstance(function, partial):
        function = function.func
    return function.per_row if isinstance(function, Batched) else None


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
