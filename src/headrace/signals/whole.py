"""A graph over whole columns at once: mappings of arrays or tensors, DataFrames, xarray objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.core.block import ROWS, Block
from headrace.errors import DataError
from headrace.signals.forms import is_data_array, is_dataset, is_frame


def whole(graph: Any, columns: Any) -> Any:
    """Return what a graph makes of whole columns, in the form they came in."""
    if is_frame(columns):
        return _frame(graph, columns)
    if is_dataset(columns):
        return _dataset(graph, columns)
    if is_data_array(columns) and len(graph.reads) == 1:
        return _dataset(graph, columns.rename(graph.reads[0]).to_dataset())
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
            parts = {f"{name}_{i}": flat[:, i] for i in range(flat.shape[1])}
            if taken := [part for part in parts if part in block]:
                raise DataError(
                    f"the graph got a DataFrame that has a column {taken[0]!r}, wanted that name for a part of {name!r}.\n"
                    "  Give one of them another name, or hand over a dict of arrays."
                )
            found.update(parts)
    return pd.DataFrame(found, index=frame.index)


def _dataset(graph: Any, dataset: Any) -> Any:
    """Time is the dimension of that name, the graph's ``timestamp``, or the only one of the variables that are read."""
    time = _time_of(graph, dataset)
    variables = {str(name): each for name, each in dataset.variables.items() if time in each.dims}
    turned = {name: each.transpose(time, ...) for name, each in variables.items()}
    there = [name for name in turned if name in graph.reads or (name in dataset.data_vars and graph.outputs is None)]
    block = _computed(graph, {name: turned[name].to_numpy() for name in there})
    dims = {name: turned[name].dims for name in there}
    found: dict[str, Any] = {}
    for name, each in block.items():
        if name in there:
            continue
        pace = block.pace(name)
        along = time if pace == ROWS else f"{time}_{name}"
        above = graph[name].inputs[0] if graph[name].inputs else ""
        inner = tuple(f"{name}_{i}" for i in range(each.ndim - 1))
        if above in dims and each.shape[1:] == block.get(above, each[:0]).shape[1:]:
            inner = dims[above][1:]  # as many channels as its input has: the same ones
        dims[name] = (along, *inner)
        found[name] = (dims[name], each)
        if pace != ROWS and time in dataset.coords and pace.every.denominator == pace.offset.denominator == 1:
            rows = [int(pace.row(k)) for k in block.numbers(name)]
            found[along] = ((along,), dataset[time].to_numpy()[rows])
    made = dataset.assign({name: each for name, each in found.items() if name in block})
    made = made.assign_coords({name: each for name, each in found.items() if name not in block})
    return made if graph.outputs is None else made[list(graph.outputs)]


def _time_of(graph: Any, dataset: Any) -> Any:
    read = [dataset[name] for name in graph.reads if name in dataset and dataset[name].ndim]
    if not read:
        raise DataError(
            f"the graph reads {', '.join(map(repr, graph.reads))}, and the Dataset has none of it with a time.\n"
            f"  It has {', '.join(map(repr, dataset.variables))}."
        )
    common = [dim for dim in read[0].dims if all(dim in each.dims for each in read)]
    named = [dim for dim in (graph.timestamp, "time") if dim in common]
    if named or len(common) == 1:
        return named[0] if named else common[0]
    raise DataError(
        f"the graph got a Dataset whose variables have the dimensions {', '.join(map(str, read[0].dims))}, wanted to know "
        "which of them is time.\n  Call it 'time', or what timestamp= says."
    )


def named(signal: Any, arrays: Any) -> Any:
    """Return what a signal makes of DataArrays, one for each input: a DataArray."""
    import xarray as xr

    from headrace.signals.graph import Graph

    if len(arrays) != len(signal.inputs) or not all(map(is_data_array, arrays)):
        raise DataError(
            f"{signal!r} got {len(arrays)} columns, DataArrays among them, wanted a DataArray for each of "
            f"{', '.join(map(repr, signal.inputs))}."
        )
    dataset = xr.Dataset(dict(zip(signal.inputs, arrays, strict=True)))
    return Graph([signal], outputs=[signal.name])(dataset)[signal.name]
