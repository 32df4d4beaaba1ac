"""A graph over whole columns at once: mappings of arrays or tensors, DataFrames, xarray objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.core.block import ROWS, Block
from headrace.errors import DataError
from headrace.signals.forms import is_dataset, is_frame


def whole(graph: Any, columns: Any) -> Any:
    """Return what a graph makes of whole columns, in the form they came in."""
    if is_frame(columns):
        return _frame(graph, columns)
    if is_dataset(columns):
        return _dataset(graph, columns)
    if not isinstance(columns, Mapping):
        if len(graph.reads) != 1:
            raise DataError(
                f"the graph got {type(columns).__name__}, wanted columns by name: it reads {', '.join(map(repr, graph.reads))}."
            )
        columns = {graph.reads[0]: columns}
    return _computed(graph, columns)


def _computed(graph: Any, columns: Mapping[str, Any]) -> Block:
    run = graph.run()  # which reads the knobs
    made: Block = run(columns)
    return made


def _frame(graph: Any, frame: Any) -> Any:
    """A DataFrame has one index: columns of another pace, or of more than one channel, are told to be had otherwise."""
    import pandas as pd

    block = _computed(graph, {str(name): frame[name].to_numpy() for name in frame.columns})
    found: dict[str, Any] = {}
    for name, each in block.items():
        if block.pace(name) != ROWS:
            raise DataError(
                f"the graph got a DataFrame, and its column {name!r} has a row for every {block.pace(name).every} of them.\n"
                "  Leave it out with outputs=, make it with upsample=True, or hand over a dict of arrays."
            )
        if each.ndim == 1:
            found[name] = each
        else:
            flat = each.reshape(len(each), -1)
            found.update({f"{name}_{i}": flat[:, i] for i in range(flat.shape[1])})
    return pd.DataFrame(found, index=frame.index)


def _dataset(graph: Any, dataset: Any) -> Any:
    """The dimension of time is the first one of the first variable that is read."""
    import xarray as xr

    read = [name for name in graph.reads if name in dataset]
    if not read or not dataset[read[0]].ndim:
        raise DataError(
            f"the graph reads {', '.join(map(repr, graph.reads))}, and the Dataset has none of it with a time."
        )
    time = dataset[read[0]].dims[0]
    columns = {
        str(name): each.transpose(time, ...).to_numpy() for name, each in dataset.data_vars.items() if time in each.dims
    }
    dims = {str(name): each.transpose(time, ...).dims for name, each in dataset.data_vars.items() if time in each.dims}
    for name in graph.reads:
        if name not in columns and name in dataset.coords and dataset[name].dims == (time,):
            columns[name], dims[name] = dataset[name].to_numpy(), (time,)
    given = {name: each for name, each in columns.items() if name in graph.reads or graph.outputs is None}
    block = _computed(graph, given)
    found: dict[str, Any] = {}
    for name, each in block.items():
        pace = block.pace(name)
        along = time if pace == ROWS else f"{time}_{name}"
        inner = dims[name][1:] if name in dims else tuple(f"{name}_{i}" for i in range(each.ndim - 1))
        found[name] = ((along, *inner), each)
        if pace != ROWS and time in dataset.coords and pace.every.denominator == pace.offset.denominator == 1:
            rows = [int(pace.row(k)) for k in block.numbers(name)]
            found[along] = ((along,), dataset[time].to_numpy()[rows])
    coords = {name: each for name, each in dataset.coords.items() if name not in found}
    return xr.Dataset(found, coords=coords)
