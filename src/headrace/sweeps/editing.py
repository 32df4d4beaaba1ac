"""Changes to the points of a ledger: a dataset added, an argument added, places removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from headrace.core.notes import warn
from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.store.ledger import FAILED, Point
from headrace.sweeps.canonical import encoded, point_key
from headrace.sweeps.harvesting import layout_of
from headrace.sweeps.ingest import args_of, own_points_of, points_of
from headrace.sweeps.merging import Conflict, exactly, merger, raise_conflicts
from headrace.sweeps.points import Points
from headrace.sweeps.provenance import storable


def as_dataset(ds: Any) -> Any:
    """Return what users add to a harvest as a dataset.

    Raises
    ------
    DataError
        When it is none.
    """
    xr = optional("xarray", "sweeps", "a harvest")
    if isinstance(ds, xr.DataArray):
        return ds.to_dataset(name="data" if ds.name is None else ds.name)
    if not isinstance(ds, xr.Dataset):
        raise DataError(
            f"a harvest got a {type(ds).__name__}, wanted an xarray Dataset or DataArray.\n  A table becomes one by df.set_index([...]).to_xarray()."
        )
    return ds


def add_dataset(
    ledger: Any, ds: Any, runner: Any, known: Sequence[str] | None, rule: bool | None, who: str, *,
    source: str | None = None, only: bool = False, holes: bool = False,
) -> None:  # fmt: skip
    """Add the results that are in a dataset: all of them, or none.

    Parameters
    ----------
    known
        The arguments of the points that are there.
    rule
        What to do about those that are there and differ.
    source
        The file that the dataset is from, for errors.
    only
        Remove all others: the dataset is all that there is.
    holes
        Whether an empty text beside nothing but missing values is one too, as in files of other programs.

    Raises
    ------
    DataError
        When they differ and there is no rule, or axes do not fit.
    """
    labels = runner.labels
    own = {dim for dims in labels.var_dims.values() if dims is not ... for dim in dims} | set(labels.var_coords)
    if labels.own_names:
        own |= {dim for dim in ds.dims if dim not in (runner.fn_args or ())}
    args = args_of(ds, sorted(map(str, own)), known)
    bare = [name for name in args if name not in ds.coords]
    if bare:
        raise DataError(
            f"{who} got a dataset without values along {bare[0]!r}, wanted some for each argument.\n"
            f"  Use ds.assign_coords({bare[0]}=...); its places have numbers, which are no values."
        )
    dims = {name: [dim for dim in each.dims if dim not in args] for name, each in ds.data_vars.items()}
    coords = {name: np.asarray(each.values) for name, each in ds.coords.items() if not {name, *each.dims} & set(args)}
    for name, each in ds.coords.items():
        if name not in args and set(each.dims) & set(args):
            warn(f"the coordinate {name!r} lies along arguments, and is not taken in: it is no result.")
    layout = {
        **layout_of(runner, Points(cases=[])),
        "args": args,
        "vars": None if labels.own_names else list(dims),
        "dims": {} if labels.own_names else dims,
        "coords": coords,
        "attrs": {name: storable(value) for name, value in ds.attrs.items()},
        "constants": {},
    }
    points = own_points_of(ds, args) if labels.own_names else points_of(ds, args, holes=holes)
    conflicts: list[Conflict] = []
    inside = merger(rule, conflicts)

    def merge(old: Point, new: Point) -> Point | None:
        made = inside(old, new)
        raise_conflicts(conflicts, who, source=source)
        return made

    guard = None if only else same_args(ledger, args, who)
    session = {"host": None, "added": True}
    ledger.put(points, layout=layout, session=session, merge=exactly if only else merge, guard=guard, only=only)


def same_args(ledger: Any, args: Sequence[str], who: str) -> Callable[[], None]:
    """Return what raises when the points of a ledger have other arguments: asked when nobody else can write."""

    def check() -> None:
        point = ledger.first()
        if point is not None and set(point.layout["args"]) != set(args):
            raise StreamConfigError(
                f"{who} got results with the arguments {list(args)}, and its points have {list(point.layout['args'])} by "
                "now, wanted the same: another process has called expand_dims.\n  These results are not kept, and are in "
                "last_ds. Begin anew, with all arguments."
            )

    return check


def expanded(ledger: Any, name: str, value: Any, who: str) -> None:
    """Give all points that lack it one more argument, in front of the others.

    Raises
    ------
    StreamConfigError
        When all have it, or a result or an axis has this name; nothing is changed then.
    """
    lacked = False

    def grown(point: Point) -> Point:
        nonlocal lacked
        layout = point.layout
        if name in layout["args"]:
            return point  # of somebody who knew of it already
        lacked = True
        axes = [dim for dims in layout["dims"].values() if dims is not ... for dim in dims]
        own = (
            []
            if layout["vars"] is not None or point.state == FAILED
            else list(getattr(point.value[0], "variables", ()))
        )
        if name in (layout["vars"] or own) or name in axes or name in layout["coords"]:
            raise StreamConfigError(
                f"{who} got the new argument {name!r}, which is the name of a result or of its axis, wanted another name."
                "\n  An argument is an axis of the dataset."
            )
        args, coords = [name, *point.layout["args"]], (value, *point.coords)
        constants = {key: each for key, each in point.layout["constants"].items() if key != name}
        layout = {**point.layout, "args": args, "constants": constants}
        return point._replace(key=point_key(dict(zip(args, coords, strict=True))), coords=coords, layout=layout)

    ledger.change(grown)
    if not lacked and len(ledger):
        raise StreamConfigError(
            f"{who} got the new argument {name!r}, and has it already, wanted another name.\n  What points have of it is in full_ds."
        )


def dropped(ledger: Any, wanted: Mapping[str, Any], strict: bool, who: str) -> None:
    """Remove the points that have one of the wanted values of some argument.

    Raises
    ------
    KeyError
        When ``strict`` and no point has a value.
    """
    told = {name: {encoded(value): value for value in _several(values)} for name, values in wanted.items()}
    whole = {name: encoded(values) for name, values in wanted.items() if isinstance(values, tuple)}
    if whole:  # a tuple may be one value
        axes: dict[str, set[bytes]] = {name: set() for name in whole}
        for point in ledger.rows(values=False):
            for name, value in zip(point.layout["args"], point.coords, strict=True):
                if name in axes and isinstance(value, tuple):
                    axes[name].add(encoded(value))
        told.update({name: {code: wanted[name]} for name, code in whole.items() if code in axes[name]})
    found: dict[str, set[bytes]] = {name: set() for name in wanted}
    keys = []
    for point in ledger.rows(values=False):
        here = dict(zip(point.layout["args"], point.coords, strict=True))
        drop = False
        for name, values in told.items():
            code = encoded(here[name]) if name in here else None
            if code in values:
                found[name].add(code)
                drop = True
        if drop:
            keys.append(point.key)
    for name, values in told.items():
        missing = [value for code, value in values.items() if code not in found[name]]
        if missing and strict:
            raise KeyError(f"{who} has no point with {name}={missing[0]!r}")
    ledger.drop(keys)


def _several(values: Any) -> list[Any]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        return [values]
    return list(values)
