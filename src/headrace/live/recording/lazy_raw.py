"""A recording as columns that are read when they are looked at; and what a graph makes of them, likewise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

from headrace.core.block import ROWS, Block
from headrace.live.recording.lazy import Column, Raw
from headrace.live.recording.recording import Recording

Walk = Callable[[], Iterator[Block]]


def raw_of(recording: Recording) -> Raw:
    """Return the columns that all blocks of a recording have, each read when it is looked at."""
    columns = {name: _stored(recording, name) for name in recording.names()}
    if not len(recording):
        return Raw.over(Block(), recording.blocks)
    schema = recording.schemas[int(recording.schema[0])]
    first = recording.front(0)
    paces = {name: pace for name, pace in schema.paces.items() if name in columns}
    late = {name: value for name, value in schema.latencies.items() if name in columns}
    times = None
    if schema.times is not None:
        name = schema.columns[schema.times].name
        times = columns.get(name) if name is not None else _hidden_times(recording, schema.times)
    rows = int(recording.rows.sum())
    whole = Block.of(columns, first.first, rows, schema.rate, paces, late, times, first.before)
    return Raw.over(whole, recording.blocks)


def _stored(recording: Recording, name: str) -> Column:
    dtype, shape = recording.kind(name)
    ends = recording.ends(name)
    return Column(
        lambda lo, hi: _rows(ends, lo, hi, dtype, shape, lambda i: recording.column(i, name)),
        int(ends[-1]),
        dtype,
        shape,
        name,
    )


def _hidden_times(recording: Recording, k: int) -> Column:
    """The times of rows where they are no column of the blocks."""
    ends = np.cumsum(recording.rows)
    dtype = np.dtype(np.float64)

    def times(i: int) -> Any:
        return recording.block(i).times

    return Column(lambda lo, hi: _rows(ends, lo, hi, dtype, (), times), int(ends[-1]), dtype, (), "times")


def _rows(ends: Any, lo: int, hi: int, dtype: Any, shape: tuple[int, ...], column: Callable[[int], Any]) -> Any:
    """Return rows ``lo`` to ``hi`` of what lies in blocks that end at ``ends``."""
    if hi <= lo:
        return np.empty((0, *shape), dtype)
    i = int(np.searchsorted(ends, lo, "right"))
    last = int(np.searchsorted(ends, hi, "left"))
    begin = int(ends[i - 1]) if i else 0
    if i == last:
        found = column(i)[lo - begin : hi - begin]
        return found if found.dtype == dtype else found.astype(dtype)
    made = np.empty((hi - lo, *shape), dtype)
    at = 0
    for k in range(i, last + 1):
        part = column(k)[max(0, lo - begin) : hi - begin]
        made[at : at + len(part)] = part
        at += len(part)
        begin = int(ends[k])
    return made


def derived_of(
    raw: Raw, start: Callable[[], Callable[[Block], Block | None]], gone: Collection[str] = (), left_out: int = 0
) -> Raw:
    """Return what a graph makes of a recording, computed when it is looked at, a block at a time.

    Parameters
    ----------
    raw
        The recording.
    start
        Returns a run from its beginning: what makes of each block the next result.
    gone
        Columns that only some results have: they are in its blocks.
    left_out
        How many rows are in blocks of which nothing is made.
    """

    def walk() -> Iterator[Block]:
        step = start()
        for block in raw.blocks():
            made = step(block)
            if made is not None:
                yield made

    head, rows = start()(raw[0:0]), raw.n - left_out
    assert head is not None
    columns: dict[str, Any] = {}
    for name, kind in head.items():
        if name in gone:
            continue
        if name in raw and not left_out:
            columns[name] = raw[name]
            continue
        pace = head.paces.get(name, ROWS)
        n = pace.rows_before(head.first + rows) - pace.rows_before(head.first)
        columns[name] = Column(_Derived(walk, name), n, kind.dtype, kind.shape[1:], name)
    times: Any = raw.times
    if left_out and times is not None:
        times = next((columns[name] for name, column in raw.items() if column is times), None)
    whole = Block.of(columns, head.first, rows, head.rate, head.paces, head.latencies, times, head.before)
    return Raw.over(whole, walk, computed=True)


class _Derived:
    """The rows of one computed column: all blocks up to the last wanted are gone through."""

    def __init__(self, walk: Walk, name: str) -> None:
        self.walk, self.name = walk, name

    def __call__(self, lo: int, hi: int) -> Any:
        parts, at, kind = [], 0, None
        for block in self.walk():
            part = block[self.name]
            kind = part[:0] if kind is None else kind
            if at + len(part) > lo:
                parts.append(part[max(0, lo - at) : hi - at])
            at += len(part)
            if at >= hi and parts:
                break
        if not parts:
            return np.empty(0) if kind is None else kind
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
