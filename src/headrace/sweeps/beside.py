"""What a dataset has besides results, and what somebody else has done to one: attributes, gaps, axes without names."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.errors import DataError
from headrace.store.datasets import load_ds
from headrace.store.ledger import Point
from headrace.sweeps.ingest import points_of
from headrace.sweeps.merging import equal
from headrace.sweeps.provenance import storable

ATTRS: Final = "attrs"  # the note of a ledger: attributes by the names of variables, those of the dataset under ""

Attrs = dict[str, dict[str, Any]]


def attrs_beside(ds: Any, ours: Any) -> Attrs:
    """Return the attributes of a dataset and its variables that ours has not, or other values of."""
    pairs = [("", ds, ours), *((name, ds[name], ours[name]) for name in ours.variables if name in ds.variables)]
    made = {}
    for name, theirs, mine in pairs:
        more = {
            str(key): storable(value)
            for key, value in theirs.attrs.items()
            if key not in mine.attrs or not equal(mine.attrs[key], value)
        }
        if more:
            made[str(name)] = more
    return made


def joined_attrs(one: Mapping[str, Mapping[str, Any]], two: Mapping[str, Mapping[str, Any]]) -> Attrs:
    """Return attributes of both, the second ones where they differ.

    Examples
    --------
    >>> joined_attrs({"": {"a": 1}}, {"": {"a": 2}, "y": {"units": "K"}})
    {'': {'a': 2}, 'y': {'units': 'K'}}
    """
    return {name: {**one.get(name, {}), **two.get(name, {})} for name in dict.fromkeys((*one, *two))}


def with_attrs(ds: Any, attrs: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a dataset that nobody else has, with these attributes too."""
    if ds is None or not attrs:
        return ds
    for name, more in attrs.items():
        if name == "":
            ds.attrs.update(more)
        elif name in ds.variables:
            ds[name].attrs.update(more)
    return ds


def as_one(make: Callable[[], Any], who: str, points: Any) -> Any:
    """Return the dataset that ``make`` makes; where results do not fit into one, say which, and where they are.

    Parameters
    ----------
    points
        Those that are in it, or what returns them.

    Raises
    ------
    DataError
        Then.
    """
    try:
        return make()
    except (DataError, ValueError) as error:  # xarray's own of axes that clash are of the second kind
        odd = _odd(points() if callable(points) else points)
        way = "harvester.table has all results, and drop_sel removes some"
        if isinstance(error, DataError):
            if odd:
                error.add_note(f"  which came at {odd}; {way}")
            raise
        raise DataError(
            f"{who} has results that cannot be one dataset{f', such as that at {odd}' if odd else ''}: {error}\n  Use what there is instead: {way}."
        ) from error


def _odd(points: list[Point]) -> dict[str, Any] | None:
    """Return where the first result is that has another shape than its axes say, or than the first has."""
    shapes: dict[Any, Any] = {}
    for point in points:
        names, dims = point.layout["vars"], point.layout["dims"]
        here = dict(zip(point.layout["args"], point.coords, strict=True))
        if names is None:
            value = point.value[0] if point.value else None
            parts: Any = getattr(value, "sizes", value)
            told = tuple(sorted(map(str, parts))) if hasattr(parts, "__iter__") else ()
            if set(told) & set(here) or shapes.setdefault(None, told) != told:
                return here
            continue
        for name, value in zip(names, point.value or (), strict=False):
            wanted = dims.get(name, ())
            shape = value.shape if isinstance(value, np.ndarray) else ()
            if wanted is not ... and len(shape) != len(wanted):
                return here
    return None


def keep_arrays(ds: Any) -> None:
    """Make the arrays of a dataset read-only, in place: who changes one would change what others are given."""
    for variable in ds.data_vars.values():
        data = variable.variable.values  # the very array: put back as another, xarray would guess its type anew
        if isinstance(data, np.ndarray):
            data.flags.writeable = False


def dataset_there(path: Path, allow_pickle: bool) -> Any:
    """Return the dataset of a file that somebody else may have written.

    Raises
    ------
    DataError
        When it is none, or its axes have no names.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*phony_dim|.*no dimension scale", category=UserWarning)
        ds = load_ds(path, allow_pickle=allow_pickle)
    nameless = [
        name for name, each in ds.data_vars.items() if any(str(dim).startswith("phony_dim_") for dim in each.dims)
    ]
    if nameless:
        raise DataError(
            f"{path} has {nameless[0]!r}, whose axes have no names, wanted a dataset: it is HDF5 of another program.\n"
            "  Choose another data_name; nothing of the file was changed."
        )
    return ds


def gaps(before: Any, ds: Any, path: Path) -> list[str]:
    """Return what to say of a file that somebody has changed and that lacks what was in it: the ledger keeps that."""
    lacks = [str(name) for name in before.data_vars if name not in ds.data_vars]
    args = [dim for dim in before.dims if dim in ds.dims and dim in before.coords and dim in ds.coords]
    gone = 0
    if (
        not lacks
        and args
        and all(set(args) <= set(each.dims) for each in (*before.data_vars.values(), *ds.data_vars.values()))
    ):
        there = {point.key for point in points_of(ds, args)}
        gone = sum(point.key not in there for point in points_of(before, args))
    if lacks or gone:
        what = f"the variable {lacks[0]!r}" if lacks else f"{gone} points" if gone > 1 else "a point"
        return [
            f"{path} was changed by another program, and lacks {what} now, which the ledger has, and which comes back."
            "\n  Use harvester.drop_sel to remove points, and save_full_ds(ds) to make a dataset all that there is."
        ]
    return []
