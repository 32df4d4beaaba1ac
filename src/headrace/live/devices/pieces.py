"""Blocks as they are handed on: arrays that cannot be written to, cut anywhere and joined again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headrace.core.block import Block
from headrace.errors import DataError


def as_block(found: Any, first: int, rate: float | None) -> Block:
    """Return what a source gave as a block of arrays that nobody can write to; arrays are not copied.

    Parameters
    ----------
    found
        A :class:`headrace.core.Block`, a mapping of columns ``(n, ...)``, or None for no rows.
    first
        The number of its first row, where it does not say it.
    rate
        Rows a second, where it does not say it.

    Raises
    ------
    DataError
        When it is none of these, or columns of one pace differ in length.

    Examples
    --------
    >>> block = as_block({"x": [1.0, 2.0]}, first=10, rate=None)
    >>> block["x"], block.first, block["x"].flags.writeable
    (array([1., 2.]), 10, False)
    """
    if isinstance(found, Block):
        return sealed(found, rate)
    if found is None:
        return Block({}, first=first, rate=rate)
    if not isinstance(found, Mapping):
        raise DataError(
            f"the source's read() gave {type(found).__name__}, wanted a Block or another mapping of columns.\n"
            "  Return a dict of arrays whose axis 0 is time."
        )
    columns = {name: each if hasattr(each, "shape") else np.asarray(each) for name, each in found.items()}
    return sealed(Block(columns, first=first, rate=rate), rate)


def sealed(block: Block, rate: float | None = None) -> Block:
    """Return the block with arrays that cannot be written to, so that one consumer cannot change what others get."""
    columns: dict[str, Any] = {}
    times = block.times
    for name, column in block.items():
        shown = column
        if type(column) is np.ndarray and column.flags.writeable:
            shown = column.view()
            shown.flags.writeable = False
        if column is times:
            times = shown
        columns[name] = shown
    return Block.of(
        columns, block.first, block.n, block.rate or rate, block.paces, block.latencies, times, block.before
    )


def again(block: Block) -> Block:
    """Return the same columns in a mapping of their own."""
    made = Block.of(block, block.first, block.n, block.rate, block.paces, block.latencies, block.times, block.before)
    return begins(made) if block.__dict__.get("_begins") else made


def has_rows(block: Block) -> bool:
    """Return whether there is a row in any column."""
    return block.n > 0 or any(len(column) for column in block.values())


def size_of(block: Block) -> int:
    """Return about how many bytes a block takes: its columns, and the objects around them, which are most of one row."""
    return sum(getattr(column, "nbytes", 64) for column in block.values()) + 180 * len(block) + 800


def begins(block: Block) -> Block:
    """Return a block marked as the first of a run of signals: what they remember does not go on there."""
    block.__dict__["_begins"] = True
    return block


def goes_on(block: Block, after: Block) -> bool:
    """Return whether the two can be joined: the same columns, no row missing between them, and one run of the signals."""
    if after.__dict__.get("_begins"):
        return False
    if block.first + block.n != after.first or block.keys() != after.keys() or block.rate != after.rate:
        return False
    if (block.times is None) != (after.times is None) or block.paces != after.paces:
        return False
    if block.latencies != after.latencies:
        return False
    for name, column in block.items():
        other = after[name]
        if type(column) is not np.ndarray or type(other) is not np.ndarray:
            return False
        if column.dtype != other.dtype or column.shape[1:] != other.shape[1:]:
            return False
    return True


def joined(blocks: Sequence[Block]) -> Block:
    """Return consecutive blocks, each of which goes on from the one before, as one.

    Examples
    --------
    >>> a, b = as_block({"x": [1, 2]}, 0, None), as_block({"x": [3]}, 2, None)
    >>> joined([a, b])["x"], joined([a, b]).n
    (array([1, 2, 3]), 3)
    """
    head = blocks[0]
    if len(blocks) == 1:
        return again(head)
    columns: dict[str, Any] = {}
    times = None
    for name, column in head.items():
        columns[name] = np.concatenate([each[name] for each in blocks])
        if column is head.times:
            times = columns[name]
    if times is None and head.times is not None:
        times = np.concatenate([np.asarray(each.times) for each in blocks])
    rows = sum(each.n for each in blocks)
    made = Block.of(columns, head.first, rows, head.rate, head.paces, head.latencies, times, head.before)
    return begins(made) if head.__dict__.get("_begins") else made
