"""Small changes of labelled data: trim, sort axes, rename, look for gaps, label bare arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError

_AXES: Final = "yzwvu"


def trimna(obj: Any) -> Any:
    """Return a dataset or data array without the labels at which there is nothing: no value of any variable.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"v": ("a", [1.0, float("nan")])}, coords={"a": [10, 20]})
    >>> trimna(ds).a.values
    array([10])
    """
    for dim in list(obj.dims):
        obj = obj.dropna(dim, how="all")
    return obj


def sort_dims(ds: Any) -> None:
    """Put the axes of every variable in the order that the dataset has them in; changes the dataset itself.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"v": (("a", "b"), [[1, 2]]), "w": (("b", "a"), [[1], [2]])})
    >>> sort_dims(ds)
    >>> ds.w.dims
    ('a', 'b')
    """
    order = list(ds.dims)
    for name in ds.data_vars:
        dims = tuple(dim for dim in order if dim in ds[name].dims)
        if ds[name].dims != dims:
            ds[name] = ds[name].transpose(*dims)


def post_fix(ds: Any, postfix: str) -> Any:
    """Return a dataset with ``_<postfix>`` at the end of the name of each variable.

    Examples
    --------
    >>> import xarray as xr
    >>> list(post_fix(xr.Dataset({"loss": 1.0}), "test"))
    ['loss_test']
    """
    return ds.rename({name: f"{name}_{postfix}" for name in ds.data_vars})


def check_runs(obj: Any, dim: str = "run", var: str | None = None, sel: Mapping[str, Any] | tuple[()] = ()) -> None:
    """Print which numbers along ``dim`` have any value: the first and last, how many, and the gaps.

    Parameters
    ----------
    obj
        A dataset or a data array.
    dim
        An axis of integers.
    var
        Look at this variable of a dataset only.
    sel
        Look at these labels of other axes only.

    Raises
    ------
    TypeError
        When the labels along ``dim`` are no integers.
    StreamConfigError
        When there is no such axis.

    Examples
    --------
    >>> import xarray as xr
    >>> check_runs(xr.Dataset({"v": ("run", [1.0, 2.0, 3.0])}, coords={"run": [1, 2, 5]}))
    RANGE: 1 -> 5 | TOTAL: 3 | MISSING: 3 to 4
    """
    if var is not None:
        obj = obj[var]
    if dim not in obj.dims:
        raise StreamConfigError(f"check_runs got dim={dim!r}, wanted one of {list(obj.dims)}.")
    obj = obj.sel(dict(sel))
    if obj[dim].dtype.kind not in "iu":
        raise TypeError(f"check_runs got {dim!r} of dtype {obj[dim].dtype}, wanted integers.")
    there = obj.notnull()
    there = there.any([other for other in there.dims if other != dim])
    if hasattr(there, "data_vars"):
        there = there.to_array("variable").any("variable")
    numbers = np.sort(obj[dim].values[np.asarray(there.values)])
    if not len(numbers):
        print("* NO DATA *")
        return
    gaps = np.flatnonzero(np.diff(numbers) > 1)
    missing = [(int(numbers[k]) + 1, int(numbers[k + 1]) - 1) for k in gaps]
    told = ", ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in missing) or "none"
    print(f"RANGE: {numbers[0]} -> {numbers[-1]} | TOTAL: {len(numbers)} | MISSING: {told}")


def auto_xyz_ds(x: Any, y_z: Any = None) -> Any:
    """Return bare arrays as a dataset, to be drawn: ``y`` over ``x``, one line for each ``z``.

    Parameters
    ----------
    x
        1-d: where each line has its points. 2-d: a row for each line, each with points of its own.
    y_z
        1-d, or 2-d with one axis as long as ``x``. None: ``x`` alone, any number of axes up to five.

    Raises
    ------
    DataError
        When the shapes do not go together.

    Examples
    --------
    >>> auto_xyz_ds([0.0, 0.5], [[1, 2], [3, 4], [5, 6]]).y.dims
    ('z', 'x')
    """
    xr = optional("xarray", "sweeps", "auto_xyz_ds")
    x = np.asarray(x)
    if y_z is None:
        if x.ndim > len(_AXES):
            raise DataError(f"auto_xyz_ds got an array with {x.ndim} axes, wanted at most {len(_AXES)}.")
        return xr.Dataset({"x": (tuple(_AXES[: x.ndim]), x)})
    y = np.atleast_2d(np.squeeze(np.asarray(y_z)))
    if y.ndim > 2:
        raise DataError(f"auto_xyz_ds got y_z of shape {y.shape}, wanted one or two axes.")
    if x.ndim == 2:
        if y.shape != x.shape:
            raise DataError(f"auto_xyz_ds got x of shape {x.shape} and y_z of shape {y.shape}, wanted the same.")
        return xr.Dataset({"y": (("z", "_x"), y), "x": (("z", "_x"), x)})
    x = np.atleast_1d(np.squeeze(x))
    if y.shape[0] == len(x) and x.ndim == 1 and not (y.shape[0] == 1 and y.shape[1] == len(x)):
        y = y.T
    if x.ndim != 1 or y.shape[1] != len(x):
        raise DataError(
            f"auto_xyz_ds got x of shape {x.shape} and y_z of shape {np.shape(y_z)}, wanted an axis as long as x."
        )
    return xr.Dataset({"y": (("z", "x"), y)}, coords={"z": np.arange(len(y)), "x": x})
