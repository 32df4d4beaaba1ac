"""Cut blocks, join them, make them of rows, and write them into states."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from headrace.core.batch import Batch
from headrace.core.block import ROWS, Block, Pace, seconds, times_before
from headrace.core.items import stack
from headrace.errors import DataError


def cut_block(block: Block, start: int, stop: int) -> Block:
    """Return input rows ``start`` to ``stop`` of a block, with what its slower and faster columns have there.

    Examples
    --------
    >>> slow = Pace(Fraction(2), Fraction(1))
    >>> block = Block({"x": np.arange(6), "y": np.arange(3)}, first=10, paces={"y": slow})
    >>> part = cut_block(block, 3, 6)
    >>> part.first, part["x"].tolist(), part["y"].tolist()
    (13, [3, 4, 5], [1, 2])
    """
    columns = {}
    for name, column in block.items():
        pace = block.paces.get(name, ROWS)
        lo, hi = start, stop
        if pace != ROWS:
            given = pace.rows_before(block.first)
            lo, hi = (pace.rows_before(block.first + at) - given for at in (start, stop))
        columns[name] = column[lo:hi]
    times, before = block.times, block.before
    if times is not None:
        if start:
            before = times_before(before, times[:start], block.paces.values())
        times = times[start:stop]
    return Block.of(columns, block.first + start, stop - start, block.rate, block.paces, block.latencies, times, before)


def join_blocks(pieces: list[Block], who: str, first: int, rate: float | None, before: Any) -> Block:
    """Return a block with the rows of all pieces, the first of which has the number ``first``.

    Raises
    ------
    DataError
        When they do not join.
    """
    one = pieces[0]
    if one.paces:
        at = first
        for piece in pieces:
            if piece.first != at:
                raise DataError(
                    f"{who} got a block that begins with row {piece.first}, wanted row {at}: it has columns of paces of "
                    "their own.\n  Give whole runs of blocks, and leave first= out."
                )
            at += piece.n
    for piece in pieces[1:]:
        if list(piece) != list(one) or piece.paces != one.paces:
            raise DataError(
                f"{who} cannot join blocks: one has columns {_told(one)}, the next {_told(piece)}.\n"
                "  Choose the columns that all have before the blocks are made."
            )
    columns = {name: _column([piece[name] for piece in pieces], name, who) for name in one}
    times = one.times
    if times is not None and len(pieces) > 1:
        times = seconds(columns.get("timestamp"))
        if times is None:
            times = np.concatenate([piece.times for piece in pieces])
    n = sum(piece.n for piece in pieces)
    before = one.before if before is None else before
    return Block.of(columns, first, n, rate or one.rate, one.paces, one.latencies, times, before)


def _column(parts: list[Any], name: str, who: str) -> Any:
    if len(parts) == 1:
        return parts[0]
    if len({part.shape[1:] for part in parts}) > 1:
        shapes = sorted({part.shape[1:] for part in parts})
        raise DataError(f"{who} cannot join column {name!r}: its rows have shapes {shapes}, wanted one shape.")
    return np.concatenate(parts)


def _told(block: Block) -> list[str]:
    told = {name: f"{name} (every {pace.every} from {pace.offset} on)" for name, pace in block.paces.items()}
    told |= {name: f"{told[name][:-1]}, {pace.burst} at once)" for name, pace in block.paces.items() if pace.burst > 1}
    return [told.get(name, name) for name in block]


def joined_rows(items: list[Any], who: str) -> list[Block]:
    """Return pieces, with one block for all rows that follow each other."""
    pieces: list[Block] = []
    rows: list[Any] = []
    for item in items:
        if isinstance(item, Block):
            if rows:
                pieces.append(block_of(stack(rows, who=who), who))
                rows = []
            pieces.append(item)
        else:
            rows.append(item)
    if rows:
        pieces.append(block_of(stack(rows, who=who), who))
    return pieces


def block_of(batch: Any, who: str) -> Block:
    """Return a batch as a block whose first row is 0, or raise a DataError when a column is no array."""
    for name, column in batch.items():
        if not isinstance(column, np.ndarray):
            raise DataError(
                f"{who} got {type(column).__name__} for column {name!r}, wanted numbers or arrays of one shape.\n"
                "  A block has no columns inside columns: give each a name of its own with hr.map."
            )
    return Block.of(dict(batch), 0, batch.n, None, {}, {}, seconds(batch.get("timestamp")), None)


def to_plain(item: Any) -> dict[str, Any]:
    """Return a row, batch or block as plain data, which :func:`from_plain` turns back."""
    if not isinstance(item, Block):
        return {"batch" if isinstance(item, Batch) else "row": dict(item)}
    paces = {name: _pace_to_plain(pace) for name, pace in item.paces.items()}
    late = {name: str(value) for name, value in item.latencies.items()}
    about = {"first": item.first, "n": item.n, "rate": item.rate, "before": item.before}
    times = {} if item.times is None or "timestamp" in item else {"times": item.times}
    return {"block": dict(item), **about, **times, "paces": paces, "latencies": late}


def from_plain(saved: Mapping[str, Any]) -> Any:
    """Return what :func:`to_plain` was given."""
    if "row" in saved:
        return dict(saved["row"])
    if "batch" in saved:
        return Batch.of(dict(saved["batch"]))
    columns = dict(saved["block"])
    paces = {name: _pace_from_plain(pace) for name, pace in saved["paces"].items()}
    late = {name: Fraction(value) for name, value in saved["latencies"].items()}
    times = seconds(saved.get("times", columns.get("timestamp")))
    return Block.of(columns, saved["first"], saved["n"], saved["rate"], paces, late, times, saved["before"])


def _pace_to_plain(pace: Pace) -> tuple[Any, ...]:
    through = (tuple(map(_pace_to_plain, pace.through)),) if pace.through else ()
    return str(pace.every), str(pace.offset), pace.burst, *through


def _pace_from_plain(saved: Any) -> Pace:
    every, offset, *rest = saved
    burst, *through = rest or [1]
    return Pace(Fraction(every), Fraction(offset), burst, tuple(map(_pace_from_plain, through[0])) if through else ())
