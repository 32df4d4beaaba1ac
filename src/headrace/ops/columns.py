"""Walk columns, the tree that ``batch`` makes of n items: how many rows they have, some of them, several joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
