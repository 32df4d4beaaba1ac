"""Tell what other libraries' tables and arrays are, by what they can do, and return their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from headrace.core.items import branches, rebuilt, stack
from headrace.errors import DataError, StreamConfigError
from headrace.sources.files_parquet import arrow_values
from headrace.sources.stored import Stored


def as_columns(data: Any) -> Any:
    """Return ``data`` as a tree of columns, or None when it is a sequence of items, or nothing known.

    Raises
    ------
    StreamConfigError
        When it is a table that cannot be given row by row; names the column.
    """
    if isinstance(data, list | range | str | bytes):
        return None
    if isinstance(data, Mapping):
        return _mapping(data)
    if isinstance(data, tuple):
        return _tuple(data)
    if hasattr(data, "data_vars"):
        return _dataset(data)
    if hasattr(data, "iloc"):
        return _frame(data) if getattr(data, "ndim", 1) == 2 else _array(_series(data))
    if hasattr(data, "get_columns") and hasattr(data, "to_numpy"):  # polars
        return {column.name: _array(column.to_numpy()) for column in data.get_columns()}
    if hasattr(data, "column_names") and hasattr(data, "to_pydict") and hasattr(data, "num_rows"):
        if hasattr(data, "schema") and hasattr(data, "column"):  # an Arrow table or record batch
            return {name: _values(arrow_values(data.column(k))) for k, name in enumerate(data.column_names)}
        return None
    return _array(data) if is_column(data) else None


def is_column(value: Any) -> bool:
    """Tell whether a value is an array, of whichever library."""
    shape = getattr(value, "shape", None)
    return shape is not None and len(shape) > 0 and hasattr(value, "dtype") and hasattr(value, "__getitem__")


def _array(value: Any) -> Any:
    """Return an array as a column."""
    if isinstance(value, np.ma.MaskedArray):
        raise StreamConfigError(
            "source(data) got a masked array, wanted one without a mask, which items would lose.\n"
            "  Write array.filled(value), or give the mask as a column of its own."
        )
    if isinstance(value, np.memmap):
        return Stored(value)
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    if hasattr(value, "detach") and hasattr(value, "numpy"):  # a tensor of PyTorch
        return value.detach().cpu().numpy()
    inside = getattr(value, "variable", None)
    if inside is not None and hasattr(value, "dims"):  # an xarray DataArray
        return np.asarray(value.data) if isinstance(value.data, np.ndarray) else Stored(value)
    if hasattr(value, "__array_interface__") or hasattr(value, "to_numpy"):
        return np.asarray(value)
    return Stored(value)


def _tuple(data: tuple[Any, ...]) -> Any:
    """Return a tuple of columns, which has an array among them; None for one that is a sequence of items."""
    found: dict[Any, Any] = {}
    for k, part in branches(data) or ():
        if isinstance(part, Mapping | tuple) or is_column(part) or hasattr(part, "iloc"):
            found[k] = as_columns(part)
        elif isinstance(part, list):
            found[k] = _values(part)
    arrays = any(not isinstance(part, list) for part in data)
    if not arrays or len(found) < len(data) or any(column is None for column in found.values()):
        return None
    return rebuilt(data, found)


def _mapping(data: Mapping[Any, Any]) -> dict[Any, Any]:
    columns = {}
    for name, value in data.items():
        inside = value if not isinstance(value, Mapping | tuple) else as_columns(value)
        if isinstance(value, Mapping | tuple) and inside is not None:
            columns[name] = inside
        elif is_column(value) or hasattr(value, "iloc"):
            columns[name] = as_columns(value)
        elif isinstance(value, list | tuple | range):
            columns[name] = _values(list(value))
        else:
            raise StreamConfigError(
                f"source(data) got a {type(value).__name__} for column {name!r}, wanted an array or a list.\n"
                "  A constant belongs in a function: source(...) | hr.map(lambda item: {**item, ...})."
            )
    return columns


def _values(values: Any) -> Any:
    """Return a list as an array, of Python objects where no dtype holds all of its values as they are."""
    if isinstance(values, np.ndarray):
        return values
    try:
        made = stack(list(values))
    except DataError:
        made = None
    if isinstance(made, np.ndarray) and made.ndim:
        return made
    held = np.empty(len(values), object)
    held[:] = values
    return held


def _frame(data: Any) -> dict[Any, Any]:
    names = list(data.columns)
    if len(set(names)) < len(names):
        raise StreamConfigError(f"source(data) got a table with the columns {names}, wanted different names.")
    return {name: _array(_series(data.iloc[:, k])) for k, name in enumerate(names)}


def _series(column: Any) -> Any:
    """Return a pandas column; integers and truth values among missing ones as objects, since floats would round them."""
    if getattr(column.dtype, "kind", "O") in "iub" and not isinstance(column.dtype, np.dtype) and column.isna().any():
        return column.astype(object).to_numpy()
    return column.to_numpy()


def _dataset(data: Any) -> dict[Any, Any]:
    first = {name: tuple(variable.dims[:1]) for name, variable in data.data_vars.items()}
    if len(set(first.values())) > 1 or () in first.values():
        dims = {name: tuple(variable.dims) for name, variable in data.data_vars.items()}
        raise StreamConfigError(
            f"source(data) got a Dataset with variables along {dims}, wanted one first axis for all: that of the items.\n"
            "  Choose variables with dataset[[...]], or turn them with dataset.transpose(...)."
        )
    return {str(name): _array(variable) for name, variable in data.data_vars.items()}
