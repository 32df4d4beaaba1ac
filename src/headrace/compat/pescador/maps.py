"""Pescador's maps: what they return is drawn like a generator, and composed like a stream."""

from __future__ import annotations

from typing import Any, Generic, Self, TypeVar

from headrace import ops
from headrace.compat.pescador.exceptions import DataError, PescadorError
from headrace.compat.pescador.util import get_rng
from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor, State
from headrace.core.items import stack
from headrace.core.stream import Stream

__all__ = ["DataError", "PescadorError", "buffer_stream", "cache", "keras_tuples", "tuples"]

T = TypeVar("T")


class MapIterator(Generic[T]):
    """An iterator over one pass of a stream: a loop that was left goes on in the next one, and an ended pass stays so.

    ``Streamer(mapped)``, a mux and other maps take the recipe instead, and so start passes of their own.
    """

    def __init__(self, recipe: Stream[T], state: State | None = None) -> None:
        self._recipe, self._state = recipe, state
        self._run: Cursor[T] | None = None

    def __recipe__(self) -> Stream[T]:
        return self._recipe

    def _cursor(self) -> Cursor[T]:
        if self._run is None:
            self._run = self._recipe.open(at=self._state)
        return self._run

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return next(self._cursor())

    def close(self) -> None:
        """End the pass, as closing a generator does."""
        self._recipe, self._state = as_stream(()), None
        run, self._run = self._run, None
        if run is not None:
            run.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return MapIterator, (self._recipe, self._state if self._run is None else self._run.state())

    def __repr__(self) -> str:
        return f"<iterator of {self._recipe!r}>"


def buffer_stream(
    stream: Any, buffer_size: int, partial: bool = False, axis: int | None = None
) -> MapIterator[dict[Any, Any]]:
    """Return an iterator over batches of ``buffer_size`` dict items; a short last one is dropped unless ``partial``.

    Parameters
    ----------
    stream
        Anything that makes dict items.
    buffer_size
        Items in a batch.
    partial
        Keep a short last batch.
    axis
        ``None`` stacks along a new first axis; an integer joins along an axis the arrays have already.

    Raises
    ------
    PescadorError
        When ``buffer_size`` is no whole number of at least 1.
    DataError
        While running, when items are no dicts or do not fit together.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> batches = pescador.buffer_stream([{"X": 1}, {"X": 2}, {"X": 3}], 2)
    >>> next(batches)["X"].tolist()
    [1, 2]
    >>> [batch["X"].tolist() for batch in pescador.Streamer(batches)(max_iter=3, cycle=True)]
    [[1, 2], [1, 2], [1, 2]]
    """
    return MapIterator(ops.buffer_stream(stream, buffer_size, partial, axis) | ops.map(_of_dicts))


def _of_dicts(columns: Any) -> Any:
    if not isinstance(columns, dict):
        raise DataError(
            f"buffer_stream got items that make a {type(columns).__name__}, wanted dict items.\n"
            "  hr.batch groups items of any kind."
        )
    return columns


def tuples(stream: Any, *keys: Any) -> MapIterator[tuple[Any, ...]]:
    """Return an iterator over the fields ``keys`` of each item, as a tuple.

    Raises
    ------
    PescadorError
        When no key is given.
    KeyError, DataError
        While running, when an item lacks a field, or is no dict.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> list(pescador.tuples([{"X": 1, "y": 2}], "y", "X"))
    [(2, 1)]
    """
    return MapIterator(ops.tuples(as_stream(stream), *keys))


def keras_tuples(stream: Any, inputs: Any = None, outputs: Any = None) -> MapIterator[tuple[Any, Any]]:
    """Return an iterator over ``(x, y)``: a name gives that field, a list of names a list, nothing None.

    Raises
    ------
    PescadorError
        When neither inputs nor outputs are given.
    KeyError, DataError
        While running, when an item lacks a field, or is no dict.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> list(pescador.keras_tuples([{"X": 1, "y": 2}], ["X"], "y"))
    [([1], 2)]
    """
    return MapIterator(ops.keras_tuples(as_stream(stream), inputs, outputs))


def cache(stream: Any, n_cache: int, prob: float = 0.5, random_state: Any = None) -> MapIterator[Any]:
    """Return an iterator that gives items of a cache of ``n_cache`` again and again, renewing them now and then.

    See :func:`headrace.ops.cache.cache`.

    Raises
    ------
    PescadorError
        When ``n_cache`` is below 1, or ``prob`` not above 0 and at most 1.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> list(pescador.cache("abcdef", 3, prob=1)) == list("abcdef")
    True
    """
    return MapIterator(as_stream(stream) | ops.cache(n_cache, prob, seed=seed_for(random_state)))


def seed_for(random_state: Any) -> Any:
    """Return what headrace takes for ``random_state``: booleans count as integers, as they did."""
    get_rng(random_state)
    return int(random_state) if isinstance(random_state, bool) else random_state


def __stack_data(data: Any, axis: int | None) -> Any:
    """Return the columns of a list of dicts; private, and imported all the same."""
    if not all(isinstance(item, dict) for item in data):
        raise DataError("buffer_stream got items that are no dicts.\n  hr.batch groups items of any kind.")
    return stack(data, axis=axis, who="buffer_stream")
