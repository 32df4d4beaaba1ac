"""An op is a change of items that waits for its stream: ``stream | op``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.registry import name_of
from headrace.core.stream import Stream

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


class Op(Generic[T, U]):
    """A stream class and its arguments, all but the source.

    Parameters
    ----------
    recipe
        A function or class that is called with a stream and the arguments and returns a stream.
    *args, **kwargs
        Its other arguments. They are checked at once, on an empty stream.

    Examples
    --------
    >>> import headrace as hr
    >>> squares_in_pairs = hr.map(lambda i: i * i) | hr.batch(2)
    >>> [pair.tolist() for pair in range(5) | squares_in_pairs]
    [[0, 1], [4, 9], [16]]
    """

    recipe: Callable[..., Stream[U]]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    __array_ufunc__ = None  # so that `array | op` comes to us whole, not element by element

    def __init__(self, recipe: Callable[..., Stream[U]], *args: Any, **kwargs: Any) -> None:
        self.recipe, self.args, self.kwargs = recipe, args, kwargs
        self.apply(Nothing())

    def apply(self, source: Any) -> Stream[U]:
        """Return ``source``, a stream or anything that makes one, changed by this op."""
        return self.recipe(as_stream(source), *self.args, **self.kwargs)

    def __call__(self, source: Any) -> Stream[U]:
        """Return :meth:`apply`, so that an op is a function of a stream."""
        return self.apply(source)

    def __ror__(self, source: Any) -> Stream[U]:
        return self.apply(source)

    def __or__(self, other: Op[U, V]) -> Op[T, V]:
        """Return both ops as one."""
        return Op(_both, self, other)

    def __repr__(self) -> str:
        if self.recipe is _both:
            return " | ".join(map(repr, self.args))
        named = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())]
        return f"{name_of(self.recipe)}({', '.join(named)})"


def _both(source: Stream[Any], first: Op[Any, Any], second: Op[Any, Any]) -> Stream[Any]:
    return second.apply(first.apply(source))


class Nothing(Stream[Any]):
    """A stream that is only there so that the arguments of an op can be checked without its source."""

    @staticmethod
    def within(stream: Stream[Any]) -> bool:
        """Tell whether ``stream`` stands on it, so that what the source is cannot be checked yet."""
        return isinstance(stream, Nothing) or any(Nothing.within(child) for child in stream.children)
