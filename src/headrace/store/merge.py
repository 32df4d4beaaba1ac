"""Two datasets as one, by labels: no value is changed on the way, and none lost that nothing replaces.

Where neither has a value there is a hole: NaN, NaT, and None among texts and booleans. Integers with holes are floats
as long as these hold each of them exactly, objects otherwise; they are integers again when the holes are filled.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.store.datasets import load_ds, write
from headrace.store.exact import WAS, as_integers
from headrace.store.names import dataset_path, find_dataset
from headrace.store.swap import held, real, remove

Array = np.ndarray[Any, Any]
_EXACT: Final = 2**53  # integers up to here are floats too
_SUFFIXES: Final = (".h5", ".nc", ".zarr", ".dmp")


def merge_ds(old: Any, new: Any, overwrite: bool | None = None) -> Any:
    """Return both datasets as one, over the union of their labels; neither is changed.

    Parameters
    ----------
    old, new
        ``xarray.Dataset``. Labels that are not the same on both sides come out sorted, if they can be.
    overwrite
        Where both have a value: None wants them equal, True takes the new one, False the old one. A hole is always
        filled from the other side.

    Raises
    ------
    xarray.MergeError
        When values differ and ``overwrite`` is None; names the variable and where.

    Examples
    --------
    >>> import xarray as xr
    >>> one, two = (xr.Dataset({"n": ("a", [n])}, coords={"a": [n]}) for n in (1, 2))
    >>> both = merge_ds(one, two)
    >>> both.n.values
    array([1, 2])
    """
    xr = optional("xarray", "sweeps", "merging datasets")
    if not old.variables:
        return new.copy()
    if _is_odd(old, new):
        return _merged_by_xarray(xr, old, new, overwrite)
    axes = _axes(xr, old, new)
    data: dict[Hashable, Any] = {}
    coords: dict[Hashable, Any] = {dim: axis.variable for dim, axis in axes.items() if axis.variable is not None}
    for name in dict.fromkeys([*old.variables, *new.variables]):
        if name in coords:
            continue
        a, b = old.variables.get(name), new.variables.get(name)
        made = _merged(xr, name, a, b, axes, overwrite)
        (coords if name in old.coords or name in new.coords else data)[name] = made
    return xr.Dataset(data, coords=coords, attrs=old.attrs)


class _Axis(NamedTuple):
    """One dimension of the union."""

    size: int
    variable: Any  # None without labels
    old: Array | None  # where the labels of the old dataset are; None where it has no such axis
    new: Array | None


class _Part(NamedTuple):
    """The values of one side, what is in a hole being of no account, and where there are any; None: everywhere."""

    values: Array
    there: Array | None


def _is_odd(old: Any, new: Any) -> bool:
    """Tell whether variables lie in chunks, on different axes, or labels repeat: xarray knows what to do then."""
    pd = optional("pandas", "sweeps", "merging datasets")
    for ds in (old, new):
        if any(
            hasattr(each._data, "map_blocks") or not isinstance(each.dtype, np.dtype) for each in ds.variables.values()
        ):
            return True
        for index in ds.indexes.values():
            if isinstance(index, pd.MultiIndex) or not index.is_unique:
                return True
    return any(
        set(old.variables[name].dims) != set(new.variables[name].dims)
        for name in old.variables
        if name in new.variables
    )


def _merged_by_xarray(xr: Any, old: Any, new: Any, overwrite: bool | None) -> Any:
    if any(old.chunks) or any(new.chunks):
        old, new = (ds if any(ds.chunks) else ds.chunk() for ds in (old, new))  # else xarray would compute the result
    if overwrite is None:
        return xr.merge([old, new], compat="no_conflicts", join="outer", combine_attrs="override")
    made = new.combine_first(old) if overwrite else old.combine_first(new)
    return made.assign_attrs(old.attrs) if made.attrs != old.attrs else made


def _axes(xr: Any, old: Any, new: Any) -> dict[Hashable, _Axis]:
    axes = {}
    for dim in dict.fromkeys([*old.dims, *new.dims]):
        sides = [ds for ds in (old, new) if dim in ds.dims]
        labelled = [ds for ds in sides if dim in ds.variables]
        sizes = {ds.sizes[dim] for ds in sides}
        if len(labelled) < len(sides) and len(sizes) > 1:
            raise DataError(
                f"datasets to be merged have lengths {old.sizes[dim]} and {new.sizes[dim]} along {dim!r}, wanted labels on both "
                "or one length.\n  Give the axis coordinates: ds.assign_coords(...)."
            )
        if len(labelled) < 2 or old.indexes[dim].equals(new.indexes[dim]):
            every = np.arange(next(iter(sizes)))
            variable = labelled[0].variables[dim] if labelled else None
            axes[dim] = _Axis(len(every), variable, every if old in sides else None, every if new in sides else None)
            continue
        axes[dim] = _joined(xr, dim, old, new)
    return axes


def _joined(xr: Any, dim: Hashable, old: Any, new: Any) -> _Axis:
    a, b = old.indexes[dim], new.indexes[dim]
    extra = np.flatnonzero(~b.isin(a))
    values = together([old.variables[dim].values, new.variables[dim].values[extra]])
    at = a.get_indexer(b)
    at[extra] = len(a) + np.arange(len(extra))
    order = _order(values)
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    values = values[order]
    variable = xr.Variable((dim,), values, attrs=old.variables[dim].attrs, fastpath=values.dtype.kind == "O")
    return _Axis(len(values), variable, place[: len(a)], place[at])


def _order(values: Array) -> Array:
    try:
        if values.dtype.kind == "O":
            return np.array(sorted(range(len(values)), key=values.__getitem__), int)
        return np.argsort(values, kind="stable")
    except TypeError:  # labels that have no order stay as they came
        return np.arange(len(values))


def together(parts: list[Array]) -> Array:
    """Return 1-d arrays end to end, of a dtype that holds each value as it is: objects if need be."""
    dtype = _common([part.dtype for part in parts], parts)
    return np.concatenate([objects(part) if dtype.kind == "O" else part.astype(dtype) for part in parts])


def objects(values: Array) -> Array:
    """Return an array's items as Python's own objects, dates as NumPy's."""
    if values.dtype.kind in "Mm":
        made = np.empty(values.size, object)
        made[:] = list(values.ravel())
        return made.reshape(values.shape)
    return values.astype(object)


def _common(dtypes: list[np.dtype[Any]], parts: list[Array]) -> np.dtype[Any]:
    """Return the dtype that holds all values of some arrays exactly."""
    kinds = {dtype.kind for dtype in dtypes}
    if len(set(dtypes)) == 1:
        return dtypes[0]
    if kinds <= set("iufc"):
        dtype = np.result_type(*dtypes)
        inexact = dtype.kind in "fc" and any(part.dtype.kind in "iu" and not _fits(part) for part in parts)
        return np.dtype(object) if inexact else dtype
    if len(kinds) == 1 and kinds <= set("UMmS"):
        return np.result_type(*dtypes)
    return np.dtype(object)


def _fits(values: Array) -> bool:
    """Tell whether integers are floats too."""
    return not values.size or (int(values.max()) <= _EXACT and int(values.min()) >= -_EXACT)


def _merged(xr: Any, name: Hashable, a: Any, b: Any, axes: dict[Hashable, _Axis], overwrite: bool | None) -> Any:
    first = b if a is None else a
    shape = tuple(axes[dim].size for dim in first.dims)
    parts: list[tuple[_Part, Any]] = []
    for variable, side in ((a, "old"), (b, "new")):
        if variable is not None:
            at = tuple(getattr(axes[dim], side) for dim in first.dims)
            values = variable.transpose(*first.dims).values
            # A scalar is a row of one: an element of an array without axes comes without the array.
            parts.append(
                (_part(values if at else values.reshape(1), variable.encoding), np.ix_(*at) if at else slice(1))
            )
    dtype = _common([part.values.dtype for part, _ in parts], [part.values for part, _ in parts])
    if overwrite is False:
        parts.reverse()  # who comes last wins
    values, there = np.zeros(shape or 1, dtype), np.zeros(shape or 1, bool)
    if dtype.kind == "O":
        values[...] = None
    for part, at in parts:
        more = objects(part.values) if dtype.kind == "O" else part.values
        mine = np.ones(more.shape, bool) if part.there is None else part.there
        if overwrite is None:
            _check(xr, name, values[at], more, there[at] & mine, first.dims, axes, at)
        values[at] = np.where(mine, more, values[at])
        there[at] |= mine
    made, encoding = _with_holes(values, there, [part.values.dtype for part, _ in parts])
    # The fast path leaves None as it is, which pandas takes for NaN among texts.
    made = made.reshape(shape)
    return xr.Variable(first.dims, made, attrs=first.attrs, encoding=encoding, fastpath=made.dtype.kind == "O")


def _part(values: Array, encoding: Any) -> _Part:
    kind = values.dtype.kind
    if kind == "f" and WAS in encoding:
        numbers = as_integers(values, encoding[WAS])
        if numbers is not None:
            there = values == values
            whole = np.zeros(values.shape, numbers.dtype)
            whole[there] = numbers
            return _Part(whole, there)
    if kind in "fcmM":
        return _Part(values, ~(np.isnat(values) if kind in "mM" else np.isnan(values)))
    if kind == "O":
        pd = optional("pandas", "sweeps", "merging datasets")
        return _Part(values, np.asarray(~pd.isnull(values.ravel())).reshape(values.shape))
    return _Part(values, None)


def _check(xr: Any, name: Hashable, one: Array, other: Array, both: Array, dims: Any, axes: Any, at: Any) -> None:
    differ = np.zeros(both.shape, bool)
    if one.dtype.kind == "O":
        where = np.argwhere(both)
        for place in map(tuple, where):
            differ[place] = not _equal(one[place], other[place])
    else:
        differ[both] = one[both] != other[both]
    if differ.any():
        first = tuple(np.argwhere(differ)[0])
        found = {
            dim: axes[dim].variable.values[at[k].ravel()[first[k]]]
            for k, dim in enumerate(dims)
            if axes[dim].variable is not None
        }
        where_ = ", ".join(f"{dim}={_told(value)}" for dim, value in found.items())
        count = int(differ.sum())
        raise xr.MergeError(
            f"{count} value{'s' if count > 1 else ''} of {name!r} differ{'' if count > 1 else 's'}: {_told(one[first])} is there, "
            f"{_told(other[first])} is new{', at ' + where_ if where_ else ''}.\n"
            "  Pass overwrite=True to take the new values, overwrite=False to keep the old ones."
        )


def _told(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.number | np.bool_ | np.str_) else value)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        a, b = np.asarray(one), np.asarray(other)
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc")
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other) and isinstance(one, bool | np.bool_) == isinstance(other, bool | np.bool_)


def _with_holes(values: Array, there: Array, dtypes: list[np.dtype[Any]]) -> tuple[Array, dict[str, Any]]:
    """Return values with holes where there are none, and what the encoding is to remember."""
    kind, whole = values.dtype.kind, bool(there.all())
    if kind == "O":
        values[~there] = None
        plain = [dtype for dtype in dtypes if dtype.kind != "O"]
        return (_tightened(values, plain) if whole and plain else values), {}
    if whole:
        return values, {}
    if kind in "fcmM":
        hole = values.dtype.type("NaT") if kind in "mM" else np.nan
        values[~there] = hole
        return values, {}
    if kind in "iu" and _fits(values):
        made = values.astype(np.float64)
        made[~there] = np.nan
        return made, {WAS: values.dtype.str}
    made = objects(values)
    made[~there] = None
    return made, {}


def _tightened(values: Array, plain: list[np.dtype[Any]]) -> Array:
    """Return a column of objects, of which one side was none, as what that side was, if each value is that."""
    kinds = set(map(type, values.ravel().tolist()))
    for dtype in plain:
        if dtype.kind == "b" and kinds == {bool}:
            return values.astype(bool)
        if dtype.kind in "US" and kinds == {str if dtype.kind == "U" else bytes}:
            return values.astype(dtype.kind)
        if dtype.kind in "iu" and kinds == {int}:
            info = np.iinfo(dtype)
            if info.min <= min(values.ravel()) and max(values.ravel()) <= info.max:
                return values.astype(dtype)
    return values


def save_merge_ds(
    ds: Any,
    fname: str | os.PathLike[str],
    overwrite: bool | None = None,
    *,
    engine: str | None = None,
    allow_pickle: bool = False,
    **kwargs: Any,
) -> None:
    """Add a dataset to the one at ``fname``, which nobody else writes to meanwhile; make it where there is none.

    Parameters
    ----------
    overwrite
        Where both have a value: None wants them equal, True takes the new one, False keeps the old one.
    engine, allow_pickle, **kwargs
        As in :func:`~headrace.store.save_ds`.

    Raises
    ------
    xarray.MergeError
        When values differ and ``overwrite`` is None; the file is as it was.
    SinkError
        When the disk takes no more, or another process has been writing the same file for minutes.
    """
    xr = optional("xarray", "sweeps", "merging datasets")
    if isinstance(ds, xr.DataArray):
        ds = ds.to_dataset(name="data" if ds.name is None else ds.name)
    path = find_dataset(fname, engine) or dataset_path(fname, engine)
    with held(path):
        if path.exists():
            ds = merge_ds(load_ds(path, engine, allow_pickle=allow_pickle), ds, overwrite)
        write(ds, path, engine, allow_pickle=allow_pickle, **kwargs)


def merge_sync_conflict_datasets(
    base_name: str | os.PathLike[str], engine: str | None = None, combine_first: bool = False
) -> Path | None:
    """Merge the copies of a dataset that a synchronised folder is left with after a conflict, and delete the others.

    Parameters
    ----------
    base_name
        The copies are what its name begins: ``"scan"`` finds ``scan.h5`` and ``scan (conflicted copy).h5``, and not
        ``scan2.h5``. With ``*``, ``?`` or ``[`` in it, what it matches. The one with the shortest name is kept.
    combine_first
        Where values differ, keep those of the shortest name, then of the next; otherwise they must not differ.

    Returns
    -------
    path
        Of the merged dataset; None when there were not two.

    Raises
    ------
    xarray.MergeError
        When values differ; nothing is changed or deleted.
    """
    base = real(base_name)
    given = glob.has_magic(base.name)
    pattern = base.name if given else glob.escape(base.name) + "*"
    found = [
        path
        for path in base.parent.glob(pattern)
        if path.suffix in _SUFFIXES
        and not path.name.startswith(".")
        and ".BAK-" not in path.name
        and (given or not path.name[len(base.name) : len(base.name) + 1].isalnum())
    ]
    found.sort(key=lambda path: (len(path.name), path.name))
    if len(found) < 2:
        return None
    target = found[0]
    with held(target):
        ds = load_ds(target, engine)
        for path in found[1:]:
            ds = merge_ds(ds, load_ds(path, engine), False if combine_first else None)
        write(ds, target, engine)
    for path in found[1:]:
        with held(path):
            remove(path)
    return target
