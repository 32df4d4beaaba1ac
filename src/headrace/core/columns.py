"""Walk columns, the tree that ``batch`` makes of n items: how many rows they have, some of them, several joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from headrace.core.batch import Batch
from headrace.core.items import branches, leaves, rebuilt, stack
from headrace.errors import DataError


def rows_in(columns: Any, who: str) -> int:
    """Return how many items columns hold; 0 for columns without fields.

    Raises
    ------
    DataError
        When a leaf is no column, or the columns have different lengths.
    """
    lengths = {path: _length(leaf, path, who) for path, leaf in leaves(columns)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{who} got columns of lengths {lengths}, wanted one length: batches, as hr.batch makes them.")
    return next(iter(lengths.values()), 0)


def _length(leaf: Any, path: str, who: str) -> int:
    if isinstance(leaf, np.ndarray) and leaf.ndim:
        return len(leaf)
    if isinstance(leaf, list):
        return len(leaf)
    kind = "an array of shape ()" if isinstance(leaf, np.ndarray) else f"a {type(leaf).__name__}"
    where = f" for field '{path}'" if path else ""
    raise DataError(f"{who} got {kind}{where}, wanted columns.\n  Give it batches, as hr.batch(n) makes them.")


def cut(columns: Any, start: int, stop: int | None = None) -> Any:
    """Return rows ``start`` to ``stop`` of columns; arrays are views.

    Examples
    --------
    >>> cut({"X": np.arange(6), "Y": (np.arange(6) * 10,)}, 2, 4)
    {'X': array([2, 3]), 'Y': (array([20, 30]),)}
    """
    parts = branches(columns)
    if parts is None:
        return columns[start:stop]
    return _as(columns, {name: cut(part, start, stop) for name, part in parts})


def each_leaf(function: Callable[[Any], Any], columns: Any) -> Any:
    """Return columns with ``function`` applied to every column; a Batch stays one.

    Examples
    --------
    >>> each_leaf(lambda column: column[::2], Batch(X=np.arange(4)))
    {'X': array([0, 2])}
    """
    kind = type(columns)
    if kind is np.ndarray:
        return function(columns)
    if kind is Batch:
        return Batch.of({name: each_leaf(function, part) for name, part in columns.items()})
    parts = branches(columns)
    if parts is None:
        return function(columns)
    return _as(columns, {name: each_leaf(function, part) for name, part in parts})


def merged(pieces: Sequence[Any], order: np.ndarray[Any, Any] | None = None) -> Any:
    """Return columns that hold the rows of all pieces: row k of them all, in a row, comes to place ``order[k]``.

    Parameters
    ----------
    pieces
        Columns of arrays, one structure.
    order
        Shape (rows,): where each row goes; None leaves them in a row.

    Raises
    ------
    Unlike
        When the pieces differ in structure, dtype or shape of a row: then only items can say what they make.
    """
    if order is None:
        return _merged(pieces, None)
    at = np.empty_like(order)
    at[order] = np.arange(len(order))
    return _merged(pieces, at)


def _merged(pieces: Sequence[Any], at: np.ndarray[Any, Any] | None) -> Any:
    """Return the rows of all pieces, ``at`` saying which comes where: to take rows is quicker than to put them."""
    first = pieces[0]
    kind = type(first)
    if kind is np.ndarray:
        row = first
        if len(pieces) > 1:
            if set(map(type, pieces)) != {kind}:
                raise Unlike
            try:  # which tells other dtypes and shapes by failing, faster than they are looked at
                row = np.concatenate(pieces, dtype=first.dtype, casting="no")
            except (TypeError, ValueError):
                raise Unlike from None
        return row if at is None else row.take(at, axis=0)
    if kind is Batch or kind is dict:
        names = list(first)
        if set(map(type, pieces)) != {kind} or not all(map(names.__eq__, map(list, pieces))):
            raise Unlike
        made = {name: _merged(list(map(itemgetter(name), pieces)), at) for name in names}
        return Batch.of(made) if kind is Batch else made
    parts = branches(first)
    if parts is None:
        raise Unlike
    names = [name for name, _ in parts]
    below = [dict(branches(piece) or ()) for piece in pieces]
    if any(type(piece) is not kind for piece in pieces) or any(list(part) != names for part in below):
        raise Unlike
    return _as(first, {name: _merged([part[name] for part in below], at) for name in names})


def as_batches(columns: Any) -> Any:
    """Return columns with a Batch for every dict, as stacking makes them.

    Examples
    --------
    >>> type(as_batches({"X": {"a": np.zeros(2)}})["X"]).__name__
    'Batch'
    """
    parts = branches(columns)
    if parts is None:
        return columns
    below = {name: as_batches(part) for name, part in parts}
    return Batch.of(below) if isinstance(columns, Mapping) else rebuilt(columns, below)


def narrowed(column: Any) -> Any:
    """Return a column as stacking its items would make it: strings no wider than the longest, numbers in native order.

    Examples
    --------
    >>> narrowed(np.array(["a", "bcd"])[:1]).dtype.str[1:]
    'U1'
    """
    if type(column) is not np.ndarray or column.ndim != 1:
        return column
    if column.dtype.kind in "SU":
        return np.array(column.tolist()) if len(column) else column
    if not column.dtype.isnative and column.dtype.kind in "iufcb":
        return column.astype(column.dtype.newbyteorder("="))
    return column


class Unlike(Exception):
    """Columns that differ, so that their rows make no columns without looking at each."""


def joined(pieces: Sequence[Any], who: str) -> Any:
    """Return columns with the rows of all pieces, in order.

    Raises
    ------
    DataError
        When they differ in fields, or in the shape of a row; names the field.
    """
    first = pieces[0]
    if len(pieces) == 1:
        return first
    if any(isinstance(leaf, list) for piece in pieces for _, leaf in leaves(piece)):
        return _joined_lists(pieces, who)
    return _kinds(first, stack(pieces, axis=0, who=who))


def _joined_lists(pieces: Sequence[Any], who: str) -> Any:
    """Join columns of which some are lists, because their values make no array."""
    parts = branches(pieces[0])
    if parts is None:
        return [value for piece in pieces for value in piece]
    below = [dict(branches(piece) or ()) for piece in pieces]
    names = [name for name, _ in parts]
    for i, piece in enumerate(below):
        if set(piece) != set(names):
            raise DataError(f"{who} cannot join batches: batch 0 has fields {names}, batch {i} has {list(piece)}.")
    return _as(pieces[0], {name: joined([piece[name] for piece in below], who) for name in names})


def _kinds(like: Any, columns: Any) -> Any:
    """Return columns with a Batch wherever ``like`` has one."""
    parts = branches(columns)
    if parts is None:
        return columns
    kinds = dict(branches(like) or ())
    return _as(like, {name: _kinds(kinds[name], part) for name, part in parts})


def _as(like: Any, parts: Mapping[Any, Any]) -> Any:
    return Batch.of(dict(parts)) if isinstance(like, Batch) else rebuilt(like, parts)
