"""A stream from a function that makes one item, or many at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from math import inf
from typing import Any, TypeVar

from headrace.core.granular import GRANULE, Granular
from headrace.core.indexed import Bound, Indexed, Places, numbers
from headrace.core.key import Key
from headrace.core.notes import told
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import StreamConfigError

T = TypeVar("T")
OFFERED = ("rng", "i")  # what a function is handed when it has a parameter of that name
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def functional(
    function: Callable[..., T], *args: Any, size: int | None = None, batched: bool = False, **kwargs: Any
) -> Functional[T]:
    """A stream whose every item is one call of ``function``, and can be had by its number.

    Parameters
    ----------
    function
        Called as ``function(*args, **kwargs)``. A parameter named ``rng`` is filled with a generator that belongs to
        the item's number alone and is valid during the call; a parameter named ``i`` with that number, from 0. A
        function without ``rng`` is assumed to give the same item each time.
    *args, **kwargs
        Its other arguments, handed over as they are.
    size
        How many items a pass gives; endless by default.
    batched
        Let one call make many items: ``i`` is then an array of numbers, and the function returns their columns, arrays
        with the item on axis 0. With ``rng`` it is called for numbers 0 to 1023, 1024 to 2047, and so on, so that no
        item depends on how many are asked for; without, for whatever numbers are wanted at once.

    Raises
    ------
    StreamConfigError
        When ``function`` cannot be called with these arguments, or ``size`` is no number of items.

    Examples
    --------
    >>> import numpy as np, headrace as hr
    >>> def noise(scale, *, rng):
    ...     return rng.normal(scale=scale, size=3)
    >>> stream = hr.functional(noise, 2.0).seeded(7)
    >>> [item.shape for item in stream(2)]
    [(3,), (3,)]
    >>> stream[10**9].shape  # no item before it is made
    (3,)
    >>> def waves(i, rng):
    ...     return {"X": np.sin(i[:, None] * np.arange(8)) + rng.normal(size=(len(i), 8)), "i": i}
    >>> hr.functional(waves, batched=True).seeded(7)[10**6 : 10**6 + 100]["X"].shape
    (100, 8)
    >>> list(hr.functional(lambda i: i * i, size=4))
    [0, 1, 4, 9]
    """
    return Functional(function, args, kwargs, size, batched)


@register("functional", example=lambda: Functional(_draw, (3,), {}, 40))
@recipe
class Functional(Indexed[T]):
    """The recipe of :func:`functional`."""

    function: Callable[..., T]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None
    limit: int | None = None
    batched: bool = False

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise StreamConfigError(
                f"functional(function) got {self.function!r}, wanted a function that returns one item.\n"
                "  For something that makes several, use hr.Streamer."
            )
        if inspect.isgeneratorfunction(self.function):
            raise StreamConfigError(
                f"functional(function) got the generator function {self.function.__qualname__}, wanted a function that "
                "returns one item.\n  Use hr.Streamer for a function that yields."
            )
        self.fix(args=tuple(self.args), kwargs=dict(self.kwargs or {}), limit=_limit(self.limit))
        wanted = offered(self.function, self.args, self.kwargs or {})
        if self.batched and "i" not in wanted:
            raise StreamConfigError(
                f"functional(function, batched=True) got {self.function!r}, wanted a parameter i: the array of numbers.\n"
                "  Without it the function cannot know how many items to make."
            )

    @property
    def size(self) -> float | None:
        return inf if self.limit is None else self.limit

    @property
    def draws(self) -> bool:
        return "rng" in offered(self.function, self.args, self.kwargs or {})

    @property
    def grain(self) -> int:
        return GRANULE if self.batched and self.draws else 1

    def bind(self, key: Key) -> Bound[T]:
        return _Many(self, key) if self.batched else _Calls(self, key)


class _Calls(Bound[T]):
    """One call an item."""

    stream: Functional[T]

    def __init__(self, stream: Functional[T], key: Key) -> None:
        super().__init__(stream, key)
        wanted = offered(stream.function, stream.args, stream.kwargs or {})
        self.lane = key.child("functional").lane() if "rng" in wanted else None
        self.call = stream.function, stream.args, "i" in wanted, stream.limit
        self.kwargs: dict[str, Any] = dict(stream.kwargs or {})

    def walk(self, at: Places) -> Iterator[T]:
        function, args, numbered, limit = self.call
        lane, kwargs = self.lane, self.kwargs.copy()
        for i in at if isinstance(at, range) else at.tolist():
            if lane is not None:
                kwargs["rng"] = lane.at(i)
            if numbered:
                kwargs["i"] = i if limit is None else i % limit
            try:
                made = function(*args, **kwargs)
            except StopIteration as error:
                raise told(error) from error
            yield made


class _Many(Granular[T]):
    """One call for many items."""

    def __init__(self, stream: Functional[T], key: Key) -> None:
        self.wanted = offered(stream.function, stream.args, stream.kwargs or {})
        super().__init__(stream, key, key.child("functional").lane() if "rng" in self.wanted else None)

    def make(self, at: Places, rng: Any) -> Any:
        recipe = self.stream
        offers = {"i": numbers(at) if self.size == inf else numbers(at) % int(self.size), "rng": rng}
        return recipe.function(*recipe.args, **(recipe.kwargs or {}), **{name: offers[name] for name in self.wanted})


def offered(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
    """Return which of ``rng`` and ``i`` a call with these arguments leaves open.

    Raises
    ------
    StreamConfigError
        When the arguments do not fit the function.

    Examples
    --------
    >>> offered(lambda i, rng, scale=1: 0, (), {"i": 3}), offered(len, ("abc",), {})
    (('rng',), ())
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # built-in functions without a signature
        return ()
    try:
        given = signature.bind_partial(*args, **kwargs).arguments
        parameters = signature.parameters
        names = tuple(n for n in OFFERED if n in parameters and n not in given and parameters[n].kind in _NAMED)
        signature.bind(*args, **kwargs, **dict.fromkeys(names))
    except TypeError as error:
        name = getattr(function, "__qualname__", type(function).__qualname__)
        told = ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())])
        raise StreamConfigError(
            f"functional got {name}{signature} with the arguments ({told}): {error}.\n"
            "  Give every parameter but rng and i a value, those behind rng or i by name."
        ) from None
    return names


def _limit(size: Any) -> int | None:
    if size is None:
        return None
    try:
        whole = int(size)
        if whole != size or whole < 0:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StreamConfigError(
            f"functional(size=) got {size!r}, wanted a whole number of items, or None for an endless stream."
        ) from None
    return whole


def _draw(n: int, rng: Any, i: int) -> dict[str, Any]:
    return {"X": rng.normal(size=n), "i": i}
