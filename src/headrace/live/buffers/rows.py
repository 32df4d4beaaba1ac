"""What rows a mapping brings to each column of a buffer: which belong together, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from math import lcm
from typing import Any, NamedTuple

import numpy as np

from headrace.core.block import ROWS, Block, Pace
from headrace.errors import DataError
from headrace.live.buffers.base import BufferShapeError
from headrace.live.buffers.ring import Ring, Rows

Paces = Mapping[str, "Pace | None"]


class Arrival(NamedTuple):
    """Rows for every column of a buffer that gets some.

    Attributes
    ----------
    arrays : dict
        The rows by column; as many for all columns that are in neither of the other two.
    n : int
        How many moments pass: rows at the pace of the input.
    paces : dict
        The pace of each column that has another one, None where it is not known.
    places : dict
        The moment, counted from the first of these, that each row of such a column stands at.
    """

    arrays: dict[str, Rows]
    n: int
    paces: dict[str, Pace | None]
    places: dict[str, Rows]


def brought(data: Mapping[str, Any], rings: Mapping[str, Ring], paces: Paces, unborn: set[str]) -> Arrival:
    """Return the rows that a mapping brings, and which of them are at the pace of the input.

    Raises
    ------
    BufferShapeError
        When rows have no axis of time.
    DataError
        When columns of one pace differ in length, or rows in shape.
    """
    arrays = {name: _rows(name, each) for name, each in data.items()}
    n, own = _of_block(data, arrays) if isinstance(data, Block) else _of_mapping(arrays, rings, paces, unborn)
    places = {name: _places(data, name, pace, n, len(arrays[name])) for name, pace in own.items()}
    return Arrival(arrays, n, own, places)


def arrange(arrival: Arrival, rings: Mapping[str, Ring], paces: Paces, unborn: set[str]) -> Arrival:
    """Return an arrival that fits the columns, rows added that say that a column got none.

    Raises
    ------
    BufferShapeError
        When rows have another shape than those before.
    DataError
        When their dtype cannot be joined with that of those before.
    """
    arrays, n, own, places = arrival
    for name, ring in rings.items():
        rows = arrays.get(name)
        if name in unborn:
            continue
        if rows is not None:
            _check(name, rows, ring)
        elif name not in paces:
            if n:
                arrays[name] = missing(n, ring)
        elif (pace := paces[name]) is not None:
            sibling = next((each for each in own if own[each] == pace), None)
            if sibling is not None:
                arrays[name], own[name], places[name] = missing(len(arrays[sibling]), ring), pace, places[sibling]
    return arrival


def missing(n: int, ring: Ring) -> Rows:
    """Return ``n`` rows that say that there is nothing: NaN, NaT, None or "", whole numbers and truths as NaN."""
    kind = ring.dtype.kind
    if kind in "biu":
        return np.full((n, *ring.lead), np.nan)
    if kind in "fc":
        return np.full((n, *ring.lead), np.nan, ring.dtype)
    if kind in "mM":
        return np.full((n, *ring.lead), "NaT", ring.dtype)
    made: Rows = np.zeros((n, *ring.lead), ring.dtype)
    if kind == "O":
        made[...] = None
    return made


def _rows(name: str, value: Any) -> Rows:
    try:
        rows = value if type(value) is np.ndarray else np.asarray(value)
    except ValueError:
        raise DataError(
            f"extend got rows of several shapes for column {name!r}, wanted one shape.\n"
            "  Pad or crop them before, or keep them as an array of objects."
        ) from None
    if rows.ndim == 0:
        raise BufferShapeError(
            f"extend got {value!r} for column {name!r}, wanted an array whose axis 0 is time.\n"
            "  append(point) adds one value per column."
        )
    return rows


def _check(name: str, rows: Rows, ring: Ring) -> None:
    if len(rows) and rows.shape[1:] != ring.lead:
        raise BufferShapeError(
            f"extend got rows of shape {rows.shape[1:]} for column {name!r}, wanted {ring.lead}.\n"
            f"  Reshape the rows, or del buffer[{name!r}] to start the column again."
        )
    if rows.dtype != ring.dtype and len(rows):
        ring.promoted(rows.dtype)  # raises before anything is changed


def _of_block(block: Block, arrays: Mapping[str, Rows]) -> tuple[int, dict[str, Pace | None]]:
    own: dict[str, Pace | None] = {name: pace for name, pace in block.paces.items() if name in arrays and pace != ROWS}
    main = {name: len(rows) for name, rows in arrays.items() if name not in own}
    if len(set(main.values()) | {block.n}) > 1:
        raise _unequal(main, block.n)
    return block.n, own


def _of_mapping(
    arrays: Mapping[str, Rows], rings: Mapping[str, Ring], paces: Paces, unborn: set[str]
) -> tuple[int, dict[str, Pace | None]]:
    lengths = {name: len(rows) for name, rows in arrays.items()}
    known = {name: n for name, n in lengths.items() if name in rings and name not in paces and name not in unborn}
    new = {name: n for name, n in lengths.items() if name not in rings or name in unborn}
    if len(set(known.values())) > 1:
        raise _unequal(known, known.get("timestamp", max(known.values())))
    # Nothing says what is one row a moment: what is as long as the times, or the longest; the others have their own pace.
    n = next(iter(known.values()), new.get("timestamp", max(new.values(), default=0)))
    own = {name: paces.get(name) for name in lengths if (name in new and lengths[name] != n) or name in paces}
    return n, own


def _unequal(lengths: Mapping[str, int], wanted: int) -> DataError:
    return DataError(
        f"extend got columns of lengths {dict(lengths)}, wanted {wanted} rows for each of them: they have had one pace.\n"
        "  Bring all rows of a moment together; say which columns have a pace of their own with Block(..., paces=)."
    )


def _places(data: Mapping[str, Any], name: str, pace: Pace | None, n: int, rows: int) -> Rows:
    """Return the moment that each row stands at; where the pace is not known they are spread, the last of them at the end."""
    if not isinstance(data, Block) or pace is None or not rows:
        return np.arange(1, rows + 1, dtype=np.int64) * n // max(rows, 1) - 1
    whole = lcm(pace.every.denominator, pace.offset.denominator)
    numbers = np.asarray(data.numbers(name), np.int64)
    places: Rows = (int(pace.offset * whole) + numbers // pace.burst * int(pace.every * whole)) // whole - data.first
    return places
