"""Results that come with their names: dicts, datasets and data arrays, put together along the arguments of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.sweeps.place import Column, Columns, dense
from headrace.sweeps.points import Points


def as_dataset(result: Any) -> Any:
    """Return a function's result as a dataset.

    In a dict, a bare array is a variable with axes of its own, ``name_0``, ...; where another variable has its name as
    an axis, the values along that axis.

    Raises
    ------
    DataError
        When it has no names.
    """
    xr = optional("xarray", "sweeps", "a sweep with var_names=None")
    if isinstance(result, xr.Dataset):
        return result
    if isinstance(result, xr.DataArray):
        return result.to_dataset(name="result" if result.name is None else result.name)
    if not isinstance(result, Mapping):
        raise DataError(
            f"a sweep with var_names=None got a {type(result).__name__} from a call, wanted a dict, a Dataset or a "
            "DataArray.\n  Name what the function returns: var_names=."
        )
    axes = {dim for value in result.values() for dim in _dims_of(value)}
    made = {}
    for name, value in result.items():
        bare = isinstance(value, np.ndarray | list) and np.ndim(value) > 0
        if bare and not (np.ndim(value) == 1 and name in axes):
            value = (tuple(f"{name}_{k}" for k in range(np.ndim(value))), np.asarray(value))
        made[name] = value
    return xr.Dataset(made)


def _dims_of(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple) and len(value) >= 2:
        return (value[0],) if isinstance(value[0], str) else tuple(value[0])
    return tuple(getattr(value, "dims", ()))


def nan_dataset(result: Any) -> Any:
    """Return a dataset or data array like ``result`` that holds NaN, None for texts and booleans."""
    xr = optional("xarray", "sweeps", "a sweep with var_names=None")
    if isinstance(result, xr.DataArray):
        return _hollow(result)
    made = as_dataset(result)
    return made.map(_hollow, keep_attrs=True) if made.data_vars else made


def _hollow(array: Any) -> Any:
    kind = array.dtype.kind
    fill: Any
    fill, dtype = (None, object) if kind in "bUSO" else (np.nan, array.dtype if kind in "fc" else float)
    if kind in "Mm":
        fill, dtype = np.array("NaT", array.dtype), array.dtype
    return array.copy(data=np.full(array.shape, fill, dtype))


def joined(points: Points, columns: Columns) -> Any:
    """Return the datasets that came from the calls as one, with an axis for each argument of the sweep."""
    xr = optional("xarray", "sweeps", "a sweep with var_names=None")
    done = columns.done
    held = columns.columns[0].data
    where = np.flatnonzero(done)
    if held is None or not len(where):
        return xr.Dataset(coords=_coords(points))
    found = [as_dataset(held[i]) for i in where]
    found = [each.drop_vars([name for name in points.names if name in each.coords]) for each in found]
    taken = [dim for dim in found[0].dims if dim in points.names]
    if taken:
        raise DataError(
            f"a sweep got results with the axis {taken[0]!r}, an argument of the sweep, wanted another name."
            "\n  Rename it in what the function returns."
        )
    if not points.names:
        return found[0].copy()
    return _stacked(points, done, where, found) if _alike(found) else _merged(points, where, found)


def _coords(points: Points) -> dict[str, Any]:
    from headrace.sweeps.labels import coordinate

    return {name: (name, coordinate(axis)) for name, axis in points.axes.items()}


def _alike(found: list[Any]) -> bool:
    """Tell whether datasets have the same variables on the same axes with the same coordinates."""
    first = found[0]
    names, sizes = set(first.variables), dict(first.sizes)
    return all(
        set(each.variables) == names
        and dict(each.sizes) == sizes
        and all(each[name].dims == first[name].dims for name in names)
        and all(each[dim].equals(first[dim]) for dim in first.dims if dim in first.coords)
        for each in found[1:]
    )


def _stacked(points: Points, done: Any, where: Any, found: list[Any]) -> Any:
    xr = optional("xarray", "sweeps", "a sweep with var_names=None")
    first = found[0]
    coords = _coords(points)
    variables: dict[str, Any] = {}
    for name in first.variables:
        one = first[name].variable
        same = name in first.coords and all(each[name].variable.equals(one) for each in found[1:])
        if same:
            coords[name] = one
            continue
        column = Column(name, len(points), one.dims if one.dims else ())
        for i, each in zip(where.tolist(), found, strict=True):
            values = each[name].values
            column.put([i], [values if one.dims else values[()]])
        grid = dense(column.filled(None if done.all() else done), done, points)
        made = xr.Variable((*points.names, *one.dims), grid, attrs=one.attrs)
        (coords if name in first.coords else variables)[name] = made
    return xr.Dataset(variables, coords=coords, attrs=first.attrs)


def _merged(points: Points, where: Any, found: list[Any]) -> Any:
    """Return datasets of different axes put together one argument after the other, as ``xarray.concat`` joins them."""
    xr = optional("xarray", "sweeps", "a sweep with var_names=None")
    hole = nan_dataset(found[0])
    places = points.places()
    cells: list[Any] = [hole] * points.cells
    for i, each in zip(where.tolist(), found, strict=True):
        cells[places[i]] = each
    for name, size in reversed(list(zip(points.names, points.shape, strict=True))):
        cells = [
            xr.concat(cells[k : k + size], dim=name, data_vars="all", coords="different", compat="equals", join="outer")
            for k in range(0, len(cells), size)
        ]
    return cells[0].assign_coords(_coords(points))
