"""Signals and functions that remember, computed one after the other on one block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.core.block import ROWS, Block, Pace, seconds
from headrace.errors import DataError
from headrace.signals.function import Function
from headrace.signals.order import nearest, ordered, paces_of, without_knobs


def compute_signal_functions(data: Mapping[str, Any], functions: Sequence[Any]) -> Block:
    """Return a block of ``data`` with what signals make of it; ``data`` stays as it is.

    An exception leaves all functions where they were.

    Parameters
    ----------
    data
        Columns by name.
    functions
        Signals, each begun afresh, or :class:`Function` objects, which go on where they are; in any order.

    Raises
    ------
    StreamConfigError
        For two of one name, or a circle.
    DataError
        When one reads a column that is not there; names the nearest.

    Examples
    --------
    >>> import headrace.signals as s
    >>> block = s.compute_signal_functions({"x": [1.0, 2.0]}, [s.Scale("x", name="y", scale_factor=3.0)])
    >>> block["y"].tolist()
    [3.0, 6.0]
    """
    by_name = {each.name: each for each in functions}
    in_order = [getattr(each, "signal", each) for each in functions]
    if len(by_name) < len(in_order) or any(_reads_later(in_order)):
        in_order = list(ordered(in_order))
    values = dict(data)
    block = data if isinstance(data, Block) else None
    going = [
        each for each in functions if isinstance(each, Function) and all(name in data for name in each.signal.inputs)
    ]
    first = block.first if block is not None else max((each.rows for each in going), default=0)
    paces: Mapping[str, Pace] = {} if block is None else block.paces
    late: Mapping[str, Any] = {} if block is None else block.latencies
    done = []
    for signal in in_order:
        rows = []
        for name in signal.inputs:
            if name not in values:
                raise DataError(f"{signal!r} reads {name!r}, which is not there.\n  {nearest(name, values)}")
            rows.append(values[name])
        if signal.name in data:
            raise DataError(f"{signal!r} has the name of a column there is.\n  Give it another one.")
        function = by_name[signal.name]
        above = paces.get(signal.inputs[0], ROWS) if signal.inputs else ROWS
        paces, late = paces_of((signal,), paces, late)
        pace = without_knobs(signal).pace
        try:
            if isinstance(function, Function):
                values[signal.name], after = function.computed(*rows)
                done.append((function, after))
                began = above.rows_before(first) - (after.rows - (len(rows[0]) if rows else 0))
            else:
                values[signal.name] = function(*rows)
                began = above.rows_before(first)
            if pace != ROWS:
                paces[signal.name] = above.then(pace.later(began))
        except Exception as error:
            error.add_note(f"  while computing {signal!r}")
            raise
    for function, after in done:
        function.go(after)
    if block is not None:
        return Block.of(values, first, block.n, block.rate, paces, late, block.times, block.before)
    n = max((len(data[name]) for name in data), default=0)
    return Block.of(values, first, n, None, paces, late, seconds(data.get("timestamp")), None)


def _reads_later(signals: Sequence[Any]) -> Any:
    made = {signal.name for signal in signals}
    for signal in signals:
        yield any(name in made for name in signal.inputs)
        made.discard(signal.name)
