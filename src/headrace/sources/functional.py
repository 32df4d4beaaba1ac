"""A stream from a function that makes one item."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from math import inf
from typing import Any, TypeVar

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Resume, Stream
from headrace.errors import StreamConfigError

T = TypeVar("T")
OFFERED = ("rng", "i")  # what a function is handed when it has a parameter of that name
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def functional(function: Callable[..., T], *args: Any, size: int | None = None, **kwargs: Any) -> Stream[T]:
    """A stream whose every item is one call of ``function``.

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

    Raises
    ------
    StreamConfigError
        When ``function`` cannot be called with these arguments, or ``size`` is no number of items.

    Examples
    --------
    >>> import headrace as hr
    >>> def noise(scale, *, rng):
    ...     return rng.normal(scale=scale, size=3)
    >>> stream = hr.functional(noise, 2.0).seeded(7)
    >>> [item.shape for item in stream(2)]
    [(3,), (3,)]
    >>> last = next(stream.open(at=10**9))  # no item before it is made
    >>> list(hr.functional(lambda i: i * i, size=4))
    [0, 1, 4, 9]
    """
    return Functional(function, args, kwargs, size)


@register("functional", example=lambda: Functional(_draw, (3,), {}, 40))
@recipe
class Functional(Stream[T]):
    """The recipe of :func:`functional`."""

    function: Callable[..., T]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None
    limit: int | None = None

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
        offered(self.function, self.args, self.kwargs or {})

    @property
    def size(self) -> float | None:
        return inf if self.limit is None else self.limit

    @property
    def resume(self) -> Resume:
        """Exact: an item needs its number and the key, nothing before it."""
        return "exact"

    def start(self, key: Key) -> Cursor[T]:
        return _Calls(self, key)


class _Calls(Cursor[T]):
    """``count`` is the number of the next item, and all there is to save."""

    stream: Functional[T]

    def run(self) -> Generator[T, None, None]:
        recipe = self.stream
        function, args, limit = recipe.function, recipe.args, recipe.limit
        kwargs: dict[str, Any] = dict(recipe.kwargs or {})
        wanted = offered(function, args, kwargs)
        lane = self.key.child("functional").lane() if "rng" in wanted else None
        indexed = "i" in wanted
        i = self.count
        while limit is None or i < limit:
            if lane is not None:
                kwargs["rng"] = lane.at(i)
            if indexed:
                kwargs["i"] = i
            item = function(*args, **kwargs)
            self.count = i = i + 1
            yield item

    def pass_failed(self) -> None:
        self.count += 1
        self.restart()

    def skip(self, n: int = 1) -> int:
        """Pass ``n`` items without making them; return how many there were."""
        slow = min(n, len(self._kept) + (self._failed is not None))
        passed = super().skip(slow) if slow > 0 else 0
        limit = self.stream.limit
        jump = max(0, n - passed if limit is None else min(n - passed, limit - self.count))
        self.count += jump
        self.restart()
        return passed + jump


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
