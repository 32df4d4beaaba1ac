"""xarray objects through a graph: dimensions and coordinates stay, time is found by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.core.block import ROWS, Block
from headrace.errors import DataError
from headrace.signals.forms import is_data_array
from headrace.signals.whole import Compute, places_of


def labelled(graph: Any, dataset: Any, compute: Compute) -> tuple[Any, Block]:
    """Return a Dataset with what a graph makes of one, and the block of it.

    Time is the dimension of that name, the graph's ``timestamp``, or the only one that all variables have which are read.
    """
    time = _time_of(graph, dataset)
    taken = {*map(str, dataset.variables), *map(str, dataset.dims)}
    for node in graph:
        if node.name in taken:
            raise DataError(f"{node!r} has the name of a variable or dimension of the Dataset.\n  Give it another one.")
    variables = {str(name): each for name, each in dataset.variables.items() if time in each.dims}
    turned = {name: each.transpose(time, ...) for name, each in variables.items()}
    there = [name for name in turned if name in graph.reads or (name in dataset.data_vars and graph.outputs is None)]
    columns = {name: turned[name].to_numpy() for name in there}
    block = compute(columns)
    dims = {name: turned[name].dims for name in there}
    rows = {name: each.shape[1:] for name, each in columns.items()}
    found: dict[str, Any] = {}
    for name, each in block.items():
        if name in there:
            continue
        pace = block.pace(name)
        along = time if pace == ROWS else f"{time}_{name}"
        above = graph[name].inputs[0] if graph[name].inputs else ""
        inner = tuple(f"{name}_{i}" for i in range(each.ndim - 1))
        if above in dims and each.shape[1:] == rows[above]:
            inner = dims[above][1:]  # as many channels as its input has: the same ones
        _check_new({along, *inner} - {time, *dims.get(above, ())}, name, {*taken, *block})
        dims[name], rows[name] = (along, *inner), each.shape[1:]
        found[name] = (dims[name], each)
        if pace != ROWS and time in dataset.coords and pace.every.denominator == pace.offset.denominator == 1:
            places = places_of(block, name)
            if all(0 <= at < block.n for at in places):
                found[along] = ((along,), dataset[time].to_numpy()[places])
    made = dataset.assign({name: each for name, each in found.items() if name in block})
    made = made.assign_coords({name: each for name, each in found.items() if name not in block})
    return (made if graph.outputs is None else made[list(graph.outputs)]), block


def _check_new(dims: Any, name: str, taken: Any) -> None:
    if both := sorted(map(str, dims & taken)):
        raise DataError(
            f"{name!r} has a dimension that is to be called {both[0]!r}, wanted a name that nothing else has.\n"
            f"  Rename what is called {both[0]!r}, or give {name!r} another name."
        )


def _time_of(graph: Any, dataset: Any) -> Any:
    read = [dataset[name] for name in graph.reads if name in dataset and dataset[name].ndim]
    if not read:
        raise DataError(
            f"the graph reads {', '.join(map(repr, graph.reads))}, and the Dataset has none of it with a time.\n"
            f"  It has {', '.join(map(repr, dataset.variables))}."
        )
    common = [dim for dim in read[0].dims if all(dim in each.dims for each in read)]
    named = [dim for dim in (graph.timestamp, "time") if dim in common]
    if len(named or common) != 1:  # that of a slower column, as a graph calls it
        named = named or [dim for dim in common if str(dim).startswith((f"{graph.timestamp}_", "time_"))]
    if named or len(common) == 1:
        return named[0] if named else common[0]
    raise DataError(
        f"the graph got a Dataset whose variables have the dimensions {', '.join(map(str, read[0].dims))}, wanted to know "
        "which of them is time.\n  Call it 'time', or what timestamp= says."
    )


def of_data_arrays(graph: Any, columns: Mapping[str, Any], compute: Compute) -> Block:
    """Return a block of DataArrays for a mapping of them; columns that are not read stay as they are."""
    read = {name: columns[name] for name in graph.reads if name in columns}
    if others := [name for name, each in read.items() if not is_data_array(each)]:
        raise DataError(
            f"the graph got DataArrays, and {type(read[others[0]]).__name__} for {others[0]!r}, wanted DataArrays for all "
            "that it reads.\n  Name its dimensions, or give the arrays of all: their first axis is time."
        )
    rest = {name: each for name, each in columns.items() if name not in read and not is_data_array(each)}
    arrays = {name: each for name, each in columns.items() if is_data_array(each)}
    made, block = labelled(graph, together(arrays), lambda found: compute({**rest, **found}))
    for name in list(block):
        if name in made:
            block[name] = columns[name] if name in columns else made[name]
    return block


def signal_of_data_arrays(signal: Any, arrays: Any, compute: Compute | None = None) -> Any:
    """Return what a signal makes of DataArrays, one for each input: a DataArray.

    ``compute(columns)`` gives the block of a graph of it, where that is not the one of a fresh start.
    """
    from headrace.signals.graph import Graph

    if len(arrays) != len(signal.inputs) or not all(map(is_data_array, arrays)):
        raise DataError(
            f"{signal!r} got {len(arrays)} columns, DataArrays among them, wanted a DataArray for each of "
            f"{', '.join(map(repr, signal.inputs))}.\n  Name the dimensions of all, or give the arrays of all."
        )
    dataset = together(dict(zip(signal.inputs, arrays, strict=True)))
    graph = Graph([signal], outputs=[signal.name])
    return labelled(graph, dataset, compute or graph)[0][signal.name]


def together(arrays: Mapping[str, Any]) -> Any:
    """Return a Dataset of DataArrays of the same moments; to fill up what is missing is the caller's to decide."""
    import xarray as xr

    try:
        return xr.Dataset(dict(zip(arrays, xr.align(*arrays.values(), join="exact", copy=False), strict=True)))
    except ValueError as error:
        raise DataError(
            f"the DataArrays {', '.join(map(repr, arrays))} have other coordinates ({error}).\n"
            "  Bring them together first: xarray.align(a, b, join='inner'), or a.reindex_like(b, method='nearest')."
        ) from error
