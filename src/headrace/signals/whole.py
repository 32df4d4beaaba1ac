"""Columns as other libraries hold them, through a graph: a mapping, DataFrame or xarray object gives one of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from headrace.core.block import ROWS, Block, Pace
from headrace.errors import DataError
from headrace.signals.forms import is_data_array, is_dataset, is_frame, is_series, one_library, tensors_back

Compute = Callable[[Mapping[str, Any]], Block]


def whole(graph: Any, columns: Any, compute: Compute) -> Any:
    """Return what a graph makes of columns, in the form they came in.

    Parameters
    ----------
    graph
        The graph.
    columns
        A mapping of arrays, tensors, Series or DataArrays; a DataFrame, Dataset or DataArray; an array where one is read.
    compute
        ``compute(columns)`` gives the Block for a mapping of arrays.
    """
    if is_frame(columns):
        return _frame(graph, columns, compute)
    if is_dataset(columns) or is_data_array(columns):
        from headrace.signals.labelled import labelled

        if is_data_array(columns):
            columns = columns.rename(_only(graph, columns)).to_dataset()
        return labelled(graph, columns, compute)[0]
    if not isinstance(columns, Mapping):
        columns = {_only(graph, columns): columns}
    return of_mapping(graph, columns, compute)


def _only(graph: Any, column: Any) -> str:
    if len(graph.reads) != 1:
        raise DataError(
            f"the graph got one {type(column).__name__}, wanted columns by name: it reads "
            f"{', '.join(map(repr, graph.reads)) or 'none'}.\n  "
            + ("Give its columns: .raw" if hasattr(type(column), "raw") else "Give a dict of them.")
        )
    return str(graph.reads[0])


def of_mapping(graph: Any, columns: Mapping[str, Any], compute: Compute) -> Block:
    """Return a block whose columns are of the kind that those are which the graph reads."""
    read = [columns[name] for name in graph.reads if name in columns]
    if any(map(is_data_array, read)):
        from headrace.signals.labelled import of_data_arrays

        return of_data_arrays(graph, columns, compute)
    one_library([name for name in graph.reads if name in columns], read, "the graph")
    block = compute(columns)
    if any(map(is_series, read)):
        lead = next(filter(is_series, read))
        for name, each in block.items():
            if is_series(columns.get(name)):
                block[name] = columns[name]
            elif isinstance(each, np.ndarray) and each.ndim == 1:
                places = places_of(block, name)
                block[name] = series(each, lead, name, None if block.pace(name) == ROWS else places)
    else:
        tensors_back(block, columns, graph.reads)
    return block


def series(values: Any, lead: Any, name: str, places: list[int] | None) -> Any:
    """Return one-dimensional values as a Series: with the index of another, or of the rows of it at some places."""
    import pandas as pd

    if places is None:
        return pd.Series(values, index=lead.index, name=name)
    if all(0 <= at < len(lead) for at in places):
        return pd.Series(values, index=lead.index.take(places), name=name)
    return pd.Series(values, name=name)


def places_of(block: Block, name: str) -> list[int]:
    """Return the row of a block that each row of a column stands at, or behind which it stands."""
    pace: Pace = block.pace(name)
    return [int(pace.row(k) // 1) - block.first for k in block.numbers(name)]


def signal_of_series(signal: Any, made: Any, lead: Any) -> Any:
    """Return what a signal makes of whole Series: a Series where it is one number a row, else the array."""
    if not isinstance(made, np.ndarray) or made.ndim != 1:
        return made
    pace = signal.pace
    return series(made, lead, signal.name, None if pace == ROWS else [int(pace.row(k) // 1) for k in range(len(made))])


def _frame(graph: Any, frame: Any, compute: Compute) -> Any:
    """A DataFrame has one index: columns of another pace, or of more than one channel, are told to be had otherwise."""
    import pandas as pd

    paces, _ = graph.paces({}, {})
    for name in graph.outputs if graph.outputs is not None else paces:
        if paces.get(name, ROWS) != ROWS:
            raise DataError(
                f"the graph got a DataFrame, and its column {name!r} has a row for every {paces[name].every} of them.\n"
                "  Leave it out with outputs=, make it with upsample=True, or hand over a dict of arrays."
            )
    if len(set(map(str, frame.columns))) < len(frame.columns):
        told = list(map(str, frame.columns))
        twice = next(name for name in told if told.count(name) > 1)
        raise DataError(
            f"the graph got a DataFrame with several columns {twice!r}, wanted one of each name.\n"
            "  Give each a name of its own, or drop those that are not wanted."
        )
    block = compute({str(name): frame[name].to_numpy() for name in frame.columns})
    found: dict[str, Any] = {}
    for name, each in block.items():
        if each.ndim == 1:
            found[name] = each
        else:
            flat = each.reshape(len(each), -1)
            parts = {f"{name}_{i}": flat[:, i] for i in range(flat.shape[1])}
            if taken := [part for part in parts if part in block]:
                raise DataError(
                    f"the graph got a DataFrame that has a column {taken[0]!r}, wanted that name for a part of {name!r}.\n"
                    "  Give one of them another name, or hand over a dict of arrays."
                )
            found.update(parts)
    return pd.DataFrame(found, index=frame.index)
