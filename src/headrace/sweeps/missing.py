"""Which settings a labelled dataset has no results for: looked up for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.sweeps.labels import coordinate
from headrace.sweeps.place import Array
from headrace.sweeps.points import Points

_METHODS = ("isnull", "isfinite")


def is_case_missing(ds: Any, setting: Mapping[str, Any], method: str = "isnull") -> bool:
    """Tell whether a dataset has nothing at a setting: no such coordinates, or no data there in any variable.

    Parameters
    ----------
    ds : xarray.Dataset or xarray.DataArray
        Where to look.
    setting
        Values of some or all coordinates.
    method
        ``"isnull"``: NaN, NaT and None are no data; ``"isfinite"``: infinities neither.

    Raises
    ------
    StreamConfigError
        When there is no such method.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"y": ("x", [1.0, float("nan")])}, {"x": [3, 4]})
    >>> [is_case_missing(ds, {"x": x}) for x in (3, 4, 5)]
    [False, True, True]
    """
    _check(method)
    try:
        there = ds.sel(dict(setting))
    except (KeyError, ValueError, IndexError, TypeError):
        return True
    if not hasattr(there, "data_vars"):
        return not _has_data(np.asarray(there.values), method).any()
    return not any(_has_data(np.asarray(there[name].values), method).any() for name in there.data_vars)


def find_missing_cases(
    ds: Any, ignore_dims: str | Iterable[str] | None = None, method: str = "isnull", show_progbar: bool = False
) -> list[dict[str, Any]]:
    """The settings at which no variable of a dataset has data.

    Parameters
    ----------
    ds : xarray.Dataset or xarray.DataArray
        Where to look.
    ignore_dims
        Axes that are no arguments; by default those that not all variables have.
    method
        As for :func:`is_case_missing`.
    show_progbar
        Makes no difference: nothing here takes long.

    Returns
    -------
    cases : list of dict
        In the order of the dataset.

    Raises
    ------
    StreamConfigError
        When there is no such method, or no such axis.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"y": (("a", "b"), [[1.0, float("nan")], [2.0, 3.0]])}, {"a": [1, 2], "b": ["u", "v"]})
    >>> find_missing_cases(ds)
    [{'a': 1, 'b': 'v'}]
    """
    _check(method)
    ds = _dataset(ds)
    variables = list(ds.data_vars)
    if ignore_dims is None:
        ignored = {dim for dim in ds.dims if not all(dim in ds[name].dims for name in variables)}
    else:
        ignored = {ignore_dims} if isinstance(ignore_dims, str) else set(ignore_dims)
        unknown = ignored - set(ds.dims)
        if unknown:
            raise StreamConfigError(
                f"find_missing_cases(ignore_dims) got {sorted(unknown)}, wanted some of the axes {list(ds.dims)}."
                "\n  By default those are left out that not all variables have."
            )
    names = [dim for dim in ds.dims if dim not in ignored]
    missing = ~_there(ds, names, method)
    at = np.nonzero(missing)
    columns = [_values(ds, name, where) for name, where in zip(names, at, strict=True)]
    if not names:
        return [{}] if missing.all() else []
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def parse_into_cases(
    combos: Any = None, cases: Any = None, ds: Any = None, method: str = "isnull", *, fn_args: Any = None
) -> list[dict[str, Any]]:
    """Cases with every combination, as dicts; those that a dataset has data for are left out.

    Parameters
    ----------
    combos, cases, fn_args
        As for :class:`headrace.sweeps.Points`.
    ds : xarray.Dataset or xarray.DataArray, optional
        Where results may be already.
    method
        As for :func:`is_case_missing`.

    Returns
    -------
    cases : list of dict

    Raises
    ------
    StreamConfigError
        When there is no such method, or settings cannot be read.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"y": ("x", [1.0, 2.0])}, {"x": [3, 4]})
    >>> parse_into_cases({"x": [3, 4, 5]}, ds=ds)
    [{'x': 5}]
    """
    _check(method)
    points = Points(combos, cases, fn_args=fn_args)
    if ds is None:
        return list(points)
    return [dict(settings) for settings in points.walk({}, missing_points(points, ds, method).tolist())]


def missing_points(points: Points, ds: Any, method: str = "isnull") -> Array:
    """Return the numbers of the points that a dataset has no data for.

    Examples
    --------
    >>> import xarray as xr
    >>> missing_points(Points({"x": range(4)}), xr.Dataset({"y": ("x", [1.0, 2.0])}, {"x": [3, 1]})).tolist()
    [0, 2]
    """
    ds = _dataset(ds)
    everything = np.arange(len(points))
    names = points.names
    if not len(ds.data_vars) or any(name not in ds.dims for name in names):
        return everything
    there = _there(ds, list(names), method)
    on_axis = [_indexer(ds, name, points.axes[name]) for name in names]
    grid = np.zeros(points.shape, dtype=bool)
    known = [np.flatnonzero(at >= 0) for at in on_axis]
    if names:
        picked = there[np.ix_(*(at[at >= 0] for at in on_axis))]
        grid[np.ix_(*known)] = picked
    else:
        grid[...] = there
    return everything[~grid.reshape(-1)[points.places()]] if names else everything[: 0 if there else None]


def _there(ds: Any, names: Sequence[Any], method: str) -> Array:
    """Return where on the axes ``names`` some variable has data. Variables without these axes say nothing of them."""
    variables = [ds[name] for name in ds.data_vars]
    full = [variable for variable in variables if set(names) <= set(variable.dims)] or variables
    found = np.zeros([ds.sizes[name] for name in names], dtype=bool)
    for variable in full:
        data: Array = _has_data(np.asarray(variable.values), method)
        inside = tuple(k for k, dim in enumerate(variable.dims) if dim not in names)
        data = np.asarray(data.any(axis=inside)) if inside else data
        dims = [dim for dim in variable.dims if dim in names]
        data = data.transpose([dims.index(name) for name in names if name in dims])
        found |= data[tuple(slice(None) if name in dims else None for name in names)]
    return found


def _has_data(values: Array, method: str) -> Array:
    kind = values.dtype.kind
    if kind in "fc":
        return np.isfinite(values) if method == "isfinite" else ~np.isnan(values)
    if kind in "Mm":
        return ~np.isnat(values)
    if kind == "O":
        pd = optional("pandas", "sweeps", "a look for missing cases")
        found: Array = np.asarray(pd.notnull(values.reshape(-1)), dtype=bool).reshape(values.shape)
        return found
    return np.ones(values.shape, dtype=bool)


def _indexer(ds: Any, name: Any, axis: Sequence[Any]) -> Array:
    """Return where each value of an argument is on an axis of a dataset, -1 where it is not."""
    wanted = coordinate(axis)
    if name not in ds.indexes:
        at = np.asarray([int(v) if isinstance(v, int | np.integer) and 0 <= v < ds.sizes[name] else -1 for v in axis])
        return at.astype(np.intp)
    pd = optional("pandas", "sweeps", "a look for missing cases")
    index = ds.indexes[name]
    targets = pd.Index(wanted, dtype=object) if wanted.dtype.kind == "O" else pd.Index(wanted)
    if index.is_unique:
        found: Array = index.get_indexer(targets)
        return found
    places = {value: k for k, value in enumerate(index)}
    return np.asarray([places.get(value, -1) for value in targets], dtype=np.intp)


def _values(ds: Any, name: Any, at: Array) -> list[Any]:
    if name not in ds.coords:
        listed: list[Any] = at.tolist()
        return listed
    values = np.asarray(ds[name].values)[at]
    return list(values) if values.dtype.kind in "Mm" else list(values.tolist())


def _dataset(ds: Any) -> Any:
    if hasattr(ds, "data_vars"):
        return ds
    return ds.to_dataset(name="result" if ds.name is None else ds.name)


def _check(method: str) -> None:
    if method not in _METHODS:
        raise StreamConfigError(
            f"a look for missing cases got method={method!r}, wanted one of {', '.join(_METHODS)}.\n  By default NaN, NaT and None are missing."
        )
