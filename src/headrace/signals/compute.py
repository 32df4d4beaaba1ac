"""Signals and functions that remember, computed one after the other on one block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from headrace.core.block import ROWS, Block, Pace, seconds
from headrace.errors import DataError
from headrace.signals.forms import is_dataset, is_frame
from headrace.signals.function import Function
from headrace.signals.graph import Graph
from headrace.signals.order import nearest, ordered, paces_of, without_knobs


@overload
def compute_signal_functions(data: dict[str, Any], functions: Sequence[Any]) -> Block: ...
@overload
def compute_signal_functions(data: Any, functions: Sequence[Any]) -> Any: ...
def compute_signal_functions(data: Any, functions: Sequence[Any]) -> Any:
    """Return a block of ``data`` with what signals make of it; ``data`` stays as it is.

    A DataFrame or xarray Dataset gives one, as from a graph.

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
    done: Done = []
    if is_frame(data) or is_dataset(data):
        from headrace.signals.whole import whole

        graph = Graph([getattr(each, "signal", each) for each in functions])
        made = whole(graph, data, lambda columns: _computed(columns, functions, done))
    else:
        made = _computed(data, functions, done)
    for function, after in done:
        function.go(after)
    return made


Done = list[tuple[Function, Any]]  # functions that were computed, and where they are then


def _computed(data: Mapping[str, Any], functions: Sequence[Any], done: Done) -> Block:
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
    if block is not None:
        return Block.of(values, first, block.n, block.rate, paces, late, block.times, block.before)
    n = max((len(data[name]) for name in data), default=0)
    return Block.of(values, first, n, None, paces, late, seconds(data.get("timestamp")), None)


def _reads_later(signals: Sequence[Any]) -> Any:
    made = {signal.name for signal in signals}
    for signal in signals:
        yield any(name in made for name in signal.inputs)
        made.discard(signal.name)
