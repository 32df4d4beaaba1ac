"""A labelled dataset taken apart into the points that it has results for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.store.ledger import Point
from headrace.sweeps.canonical import point_key
from headrace.sweeps.merging import nulls

_AS_PYTHON = frozenset("?dlDU")  # dtypes whose Python values are as exact


def args_of(ds: Any, own: Sequence[str], known: Sequence[str] | None = None) -> list[str]:
    """Return the axes of a dataset that are arguments: all but those of results, ``own``, or those that are ``known``.

    Raises
    ------
    DataError
        When one that is known is not there.
    """
    if known is None:
        return [dim for dim in ds.dims if dim not in own]
    missing = [name for name in known if name not in ds.dims]
    if missing:
        raise DataError(
            f"a dataset with the axes {list(ds.dims)} came for points with the arguments {list(known)}, wanted an axis for "
            f"each: {missing[0]!r} is missing.\n  Use ds.expand_dims, or harvester.expand_dims."
        )
    return list(known)


def points_of(ds: Any, args: Sequence[str], *, holes: bool = False) -> Iterator[Point]:
    """Yield a point for each place of a dataset where some variable has data.

    Parameters
    ----------
    ds : xarray.Dataset
        All of whose variables have the axes ``args``.
    holes
        Whether empty texts are no data where there is another variable that is no text: what is missing among texts has
        no other form in files of other programs.

    Raises
    ------
    DataError
        When a variable lacks one.
    """
    all_texts = all(map(_is_text, ds.data_vars.values()))
    columns, there = [], np.zeros([ds.sizes[arg] for arg in args], dtype=bool)
    for name, variable in ds.data_vars.items():
        lacks = [arg for arg in args if arg not in variable.dims]
        if lacks:
            raise DataError(
                f"a dataset came whose variable {name!r} has no axis {lacks[0]!r}, wanted all of {list(args)}, the arguments."
                f"\n  Use ds[{name!r}].expand_dims, or drop the variable."
            )
        data = np.asarray(variable.transpose(*args, ...).values)
        missing = nulls(data) | (_empty(data) if holes and not all_texts else False)
        there |= ~missing.reshape((*there.shape, -1)).all(axis=-1) if data.size else False
        columns.append(data.reshape((there.size, *data.shape[len(args) :])))
    labels = [_labels(ds, arg) for arg in args]
    flat = np.flatnonzero(there.reshape(-1))
    at = np.unravel_index(flat, there.shape) if args else [np.zeros(len(flat), int)]
    values = [_values(column, flat) for column in columns]
    coords = [[label[k] for k in where] for label, where in zip(labels, at, strict=False)]
    for k in range(len(flat)):
        here = tuple(column[k] for column in coords)
        value = tuple(column[k] for column in values)
        yield Point(point_key(dict(zip(args, here, strict=True))), here, value)


def _is_text(variable: Any) -> bool:
    if variable.dtype.kind in "US":
        return True
    return variable.dtype == object and all(
        each is None or isinstance(each, str | bytes) for each in np.ravel(variable.values)
    )


def _empty(data: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where texts are empty."""
    if data.dtype.kind in "US":
        return np.asarray(data == data.dtype.type(""))
    if data.dtype == object:
        found = [isinstance(each, str | bytes) and not each for each in data.reshape(-1)]
        return np.array(found, dtype=bool).reshape(data.shape)
    return np.zeros(data.shape, dtype=bool)


def own_points_of(ds: Any, args: Sequence[str]) -> Iterator[Point]:
    """Yield a point for each place of a dataset, its value the dataset that is there."""
    labels = [_labels(ds, arg) for arg in args]
    for at in np.ndindex(*[ds.sizes[arg] for arg in args]):
        here = tuple(label[k] for label, k in zip(labels, at, strict=True))
        part = ds.isel(dict(zip(args, at, strict=True))).drop_vars(args, errors="ignore").load()
        if all(nulls(np.asarray(part[name].values)).all() for name in part.data_vars):
            continue
        yield Point(point_key(dict(zip(args, here, strict=True))), here, (part,))


def _labels(ds: Any, name: str) -> list[Any]:
    if name not in ds.coords:
        return list(range(ds.sizes[name]))
    values = np.asarray(ds[name].values)
    return _values(values, np.arange(len(values)))


def _values(column: np.ndarray[Any, Any], at: np.ndarray[Any, Any]) -> list[Any]:
    """Return the values at some places: numbers and texts as Python has them where that is as exact."""
    if column.ndim > 1:
        return [column[k].copy() for k in at]
    found = column[at]
    if found.dtype.char in _AS_PYTHON:
        return list(found.tolist())
    return list(found)
