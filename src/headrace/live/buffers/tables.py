"""Columns of a buffer as tables of other libraries, and back."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.live.buffers.columns import Columns
from headrace.live.buffers.ring import Rows

SIDECAR = "headrace.live.DataBuffer"
# As documented: a name without digits, then one to three numbers.
_CELL = re.compile(r"([^0-9]+?)((?:_[0-9]+){1,3})")
SPARSE = 64  # cells that a gathered column may have beside twice those that are there


def to_frame(columns: Mapping[str, Rows]) -> Any:
    """Return a DataFrame of a column per number."""
    pandas = optional("pandas", "trees", "DataBuffer.to_dataframe")
    cells: dict[str, Rows] = {}
    for name, rows in columns.items():
        if rows.ndim > 4:
            raise DataError(
                f"to_dataframe got column {name!r} with rows of shape {rows.shape[1:]}, wanted at most three axes.\n"
                "  Reshape it, or leave it out with names=[...]; to_arrow() and to_xarray() take any shape."
            )
        for index in np.ndindex(rows.shape[1:]):
            cell = "_".join([str(name), *map(str, index)])
            if cell in cells:
                raise DataError(
                    f"to_dataframe got two columns for the name {cell!r}, wanted each once.\n"
                    "  Rename one of the columns, or leave it out with names=[...]."
                )
            cells[cell] = rows[(slice(None), *index)]
    frame = pandas.DataFrame(cells)
    kept = {name: {"shape": list(rows.shape[1:]), "dtype": rows.dtype.str} for name, rows in columns.items()}
    frame.attrs[SIDECAR] = kept
    return frame


def from_frame(frame: Any) -> dict[str, Rows]:
    """Return the columns of a DataFrame: those it was made of where it says so, else gathered by name."""
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = sorted(name for name, n in Counter(names).items() if n > 1)
        raise DataError(f"from_dataframe got columns of one name, {twice}, wanted each once.\n  Rename them.")
    cells = {name: np.asarray(frame.iloc[:, i]) for i, name in enumerate(names)}
    made: dict[str, Rows] = {}
    for name, kept in (frame.attrs.get(SIDECAR) or {}).items():
        own = {"_".join([name, *map(str, index)]) for index in np.ndindex(*kept["shape"])}
        if own <= cells.keys():  # else some were dropped or renamed
            made[name] = _kept(name, kept, cells, len(frame))
            cells = {cell: rows for cell, rows in cells.items() if cell not in own}
    return {**made, **_gathered(cells, len(frame))}


def _kept(name: str, kept: Mapping[str, Any], cells: Mapping[str, Rows], n: int) -> Rows:
    shape: tuple[int, ...] = tuple(kept["shape"])
    dtype = np.dtype(kept["dtype"])
    parts = [cells["_".join([name, *map(str, index)])] for index in np.ndindex(shape)]
    common = np.result_type(dtype, *{part.dtype for part in parts})
    rows: Rows = np.empty((n, *shape), common)
    for index, part in zip(np.ndindex(shape), parts, strict=True):
        rows[(slice(None), *index)] = part
    return rows.astype(dtype) if common.kind == "O" and dtype.kind in "USMm" and not _any_missing(rows) else rows


def _any_missing(rows: Rows) -> bool:
    return any(each is None or each != each for each in rows.ravel())


def _gathered(cells: Mapping[str, Rows], n: int) -> dict[str, Rows]:
    groups: dict[str, dict[str, tuple[int, ...]]] = {}
    for cell in cells:
        found = _CELL.fullmatch(cell)
        if found is not None:
            groups.setdefault(found[1], {})[cell] = tuple(map(int, found[2][1:].split("_")))
    groups = {name: places for name, places in groups.items() if name not in cells and _makes_rows(places)}
    owner = {cell: name for name, places in groups.items() for cell in places}
    made: dict[str, Rows] = {}
    for cell, rows in cells.items():
        name = owner.get(cell)
        if name is None:
            made[cell] = rows
        elif name not in made:
            places = groups[name]
            made[name] = np.zeros((n, *_shape(places)), np.result_type(*{cells[each].dtype for each in places}))
            for each, place in places.items():
                index: tuple[Any, ...] = (slice(None), *place)
                made[name][index] = cells[each]
    return made


def _makes_rows(places: Mapping[str, tuple[int, ...]]) -> bool:
    """Say whether the places are of one array, each once, and fill a good part of it: device_20240101 is a name."""
    if len({len(place) for place in places.values()}) > 1 or len(set(places.values())) < len(places):
        return False
    return prod(_shape(places)) <= 2 * len(places) + SPARSE


def _shape(places: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(max(axis) + 1 for axis in zip(*places.values(), strict=True))


def to_arrow(columns: Mapping[str, Rows]) -> Any:
    """Return a pyarrow table."""
    arrow = optional("pyarrow", "store", "DataBuffer.to_arrow")
    return arrow.table({str(name): _arrow(arrow, rows) for name, rows in columns.items()})


def _arrow(arrow: Any, rows: Rows) -> Any:
    if rows.dtype.kind == "c":
        return arrow.StructArray.from_arrays([_arrow(arrow, part) for part in (rows.real, rows.imag)], ["real", "imag"])
    if rows.ndim == 1:
        return arrow.array(rows)
    lead = rows.shape[1:]
    values = arrow.array(np.ascontiguousarray(rows).reshape(-1))
    kind = arrow.fixed_shape_tensor(values.type, lead)
    storage = arrow.FixedSizeListArray.from_arrays(values, prod(lead)) if prod(lead) and len(rows) else None
    if storage is None:
        storage = arrow.array([[]] * len(rows) if len(rows) else [], arrow.list_(values.type, prod(lead)))
    return arrow.ExtensionArray.from_storage(kind, storage)


def from_arrow(table: Any) -> dict[str, Rows]:
    """Return the columns of a pyarrow table."""
    arrow = optional("pyarrow", "store", "DataBuffer.from_arrow")
    return {name: _rows(arrow, name, table.column(name).combine_chunks()) for name in table.column_names}


def _rows(arrow: Any, name: str, column: Any) -> Rows:
    if isinstance(column, arrow.ChunkedArray):
        column = arrow.concat_arrays(column.chunks) if column.num_chunks else arrow.array([], column.type)
    kind = column.type
    if arrow.types.is_struct(kind) and [kind.field(i).name for i in range(kind.num_fields)] == ["real", "imag"]:
        real, imag = (_rows(arrow, name, column.field(part)) for part in ("real", "imag"))
        made: Rows = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
        made.real, made.imag = real, imag
        return made
    if isinstance(kind, arrow.FixedShapeTensorType):
        flat = column.storage.flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat).reshape(len(column), *kind.shape)
    if arrow.types.is_nested(kind):
        raise DataError(
            f"from_arrow got column {name!r} of type {kind}, wanted values, tensors of fixed shape or complex structs.\n"
            "  Flatten the table before, or leave the column out."
        )
    rows = np.asarray(column.to_numpy(zero_copy_only=False))
    if rows.dtype.kind == "O" and not column.null_count and arrow.types.is_string(kind):
        return rows.astype(np.str_)
    return rows


def to_dataset(columns: Columns) -> Any:
    """Return an xarray Dataset, a dimension of time for each pace."""
    xarray = optional("xarray", "trees", "DataBuffer.to_xarray")
    main = columns.level([name for name in columns.rings if name not in columns.paces], "to_xarray")
    time = "time" if "time" not in columns.rings else "row"
    stamps = columns.rings["timestamp"].rows if "timestamp" in main else None
    dims: dict[Any, str] = {}
    variables, coords = {}, {}
    for name, ring in columns.rings.items():
        rows, pace = main.get(name, ring.rows), columns.paces.get(name)
        dim = time if name in main else dims.setdefault((pace or name, len(rows)), f"{time}_{name}")
        variables[name] = ((dim, *(f"{name}_{i}" for i in range(rows.ndim - 1))), rows)
        if stamps is not None and (name not in main or name == "timestamp"):
            coords[dim] = (dim, main[name] if name in main else columns.times(name, stamps), {"units": "s"})
    made = xarray.Dataset(variables, coords)
    made.attrs[SIDECAR] = json.dumps({"time": time})
    return made


def from_dataset(dataset: Any) -> dict[str, Rows]:
    """Return the variables of a Dataset."""
    made = {}
    for name, variable in dataset.data_vars.items():
        if not variable.dims:
            raise DataError(
                f"from_xarray got variable {name!r} without a dimension, wanted time as the first one.\n"
                "  Drop it, or expand it along time."
            )
        made[str(name)] = np.asarray(variable.values)
    return made
