"""Items that wait inside a run: they are drawn, and nobody was given them yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from headrace.core.cursor import Cursor, State
from headrace.core.items import stack
from headrace.core.stream import Stream
from headrace.errors import DataError

T = TypeVar("T")


def taken(run: Cursor[T], n: int) -> list[T]:
    """Return the next ``n`` items of a run, fewer before one that fails: the next call raises what it raised.

    Examples
    --------
    >>> import headrace as hr
    >>> with (hr.Streamer([4, 2, 0, 1]) | hr.map(lambda n: 8 // n)).open() as run:
    ...     taken(run, 3)
    [2, 4]
    """
    try:
        return run.take(n)
    except Exception:
        before = run.count - run.position
        if not before:
            raise
        return run.take(before)


def columns_of(run: Cursor[Any], n: int) -> Any:
    """Return the next ``n`` items of a run as columns, fewer before one that fails or does not stack with the first.

    Examples
    --------
    >>> import headrace as hr
    >>> with hr.Streamer([[1, 2], [3, 4], [5], [6]]).open() as run:
    ...     [columns_of(run, 4).tolist() for _ in range(2)]
    [[[1, 2], [3, 4]], [[5], [6]]]
    """
    try:
        return run.read(n)
    except Exception:
        before = min(n, run.count - run.position)
        if not before:
            raise
        found = run.take(before)
        run.give_back(found)
        alike = _alike(found)
        try:
            return run.read(alike)
        except DataError:  # two and two they stack, all of them do not
            if alike == 1:
                raise
        return run.read(1)


def _alike(items: Sequence[Any]) -> int:
    """Return how many items, from the first on, stack with it."""
    first = items[0]
    shape = _shape(first)
    for k, item in enumerate(items):
        if shape is None or _shape(item) != shape:
            try:
                stack([first, item])
            except DataError:
                return max(1, k)
    return len(items)


def _shape(item: Any) -> tuple[Any, ...] | None:
    return (item.shape, item.dtype) if isinstance(item, np.ndarray) else None


def state_of(run: Cursor[T], made: Stream[T], marked: tuple[int, State] | None) -> State:
    """Return the state of a run, without the items that wait in it, where they can be had again.

    Parameters
    ----------
    run
        The run.
    made
        What it is a run of.
    marked
        A place, and the state there before items were drawn ahead.

    Raises
    ------
    ResumeError
        When the items cannot be had again.

    Examples
    --------
    >>> import headrace as hr
    >>> letters = hr.Streamer("abc")
    >>> with letters.open() as run:
    ...     marked = run.position, run.state()
    ...     run.give_back(run.take(2))
    ...     "kept" in run.state(), "kept" in state_of(run, letters, marked)
    (True, False)
    """
    if run.count != run.position:
        if made.access == "index":
            with made.open(run.key, at=run.position) as other:
                return other.state()
        if marked is not None:
            place, state = marked
            if place == run.position:
                return state
            if made.resume == "exact":  # those that were taken of the ones drawn ahead are made again
                with made.open(at=state) as other:
                    other.skip(run.position - place)
                    return other.state()
    return run.state()
