"""Datasets as files hold them, and back: every type, name, attribute and index as it was.

What a file says to any reader stays in words that any reader knows; what it cannot say stands in one attribute named
``headrace``, of the dataset and of each variable. Where another program has since changed what such a mark is about,
the mark is passed over, and the file read as anyone would read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.store import plainjson
from headrace.store.attributes import from_disk, is_name, to_disk
from headrace.store.columns import Format, Stored, restore, store

MARK: Final = "headrace"
WAS: Final = "headrace_dtype"  # in a variable's encoding: the integers that it held before it had holes
_VERSION: Final = 1
# With one of these in `encoding=`, how a variable is stored is the user's affair, and xarray's.
_THEIRS: Final = frozenset(
    ("dtype", "scale_factor", "add_offset", "_FillValue", "missing_value", "units", "calendar", "_Unsigned")
)


def to_plain(
    ds: Any, held: Format, encoding: Mapping[Hashable, Any], *, allow_pickle: bool
) -> tuple[Any, dict[str, Any]]:
    """Return a dataset that any file can hold, and its encoding; ``ds`` stays as it is.

    Raises
    ------
    DataError
        When it holds what has no written form.
    """
    xr = optional("xarray", "sweeps", "saving a dataset")
    unknown = [name for name in encoding if name not in ds.variables]
    if unknown:
        raise DataError(
            f"encoding= got the name {unknown[0]!r}, wanted variables of the dataset: {list(ds.variables)}."
        )
    about: dict[str, Any] = {"version": _VERSION}
    ds, levels = _without_multi_indexes(ds)
    if levels:
        about["levels"] = levels
    names = _names(ds)
    if any(name != disk for name, disk in names.items()):
        about["names"] = {disk: plainjson.dumps_plain(name) for name, disk in names.items() if name != disk}
    variables, made = {}, {}
    sizes = {names[dim]: size for dim, size in ds.sizes.items()}
    for name, variable in ds.variables.items():
        given = dict(encoding.get(name, {}))
        disk = names[name]
        dims = tuple(names[dim] for dim in variable.dims)
        variables[disk] = _plain_variable(
            xr, variable, dims, held, given, f"the variable {name!r}", sizes, name in ds.dims, allow_pickle
        )
        made[disk] = _encoding(variables[disk], given)
    attrs, exact = to_disk(ds.attrs, "the dataset")
    about["attrs"] = exact
    coords = {names[name]: variables.pop(names[name]) for name in ds.coords}
    whole = xr.Dataset(variables, coords=xr.Coordinates(coords, indexes={}), attrs=attrs)
    whole.attrs[MARK] = json.dumps(about)
    return whole, made


def _plain_variable(
    xr: Any,
    variable: Any,
    dims: tuple[str, ...],
    held: Format,
    given: Mapping[str, Any],
    what: str,
    sizes: dict[str, int],
    axis: bool,
    allow_pickle: bool,
) -> Any:
    attrs, exact = to_disk(variable.attrs, what)
    theirs = not _THEIRS.isdisjoint(given)
    data = variable._data if hasattr(variable._data, "map_blocks") else variable.values
    mark: dict[str, Any]
    if theirs or _is_cftime(data):
        mark = {"kind": "theirs"}
    else:
        data, outer = _without_extension(variable, data)
        stored = store(data, held, what, bare=axis, allow_pickle=allow_pickle)
        was = variable.encoding.get(WAS)
        mark = {**stored.mark, **outer}
        if was is not None and data.dtype.kind == "f" and as_integers(data, was) is not None:
            mark["of"] = was
        mark["disk"] = "O" if stored.data.dtype == object else stored.data.dtype.str
        data, dims = stored.data, _with_extra(dims, stored, sizes)
        attrs = {
            **{name: value for name, value in attrs.items() if name not in stored.mark["own"]},
            **stored.mark["own"],
        }
    if exact or set(variable.attrs) - set(attrs):
        mark["attrs"] = exact
    hidden = {
        str(name): plainjson.dumps_plain(variable.attrs[name]) for name in variable.attrs if name in mark.get("own", ())
    }
    if hidden:
        mark["hidden"] = hidden
    attrs[MARK] = json.dumps(mark)
    return xr.Variable(dims, data, attrs=attrs, fastpath=isinstance(data, np.ndarray))


def _with_extra(dims: tuple[str, ...], stored: Stored, sizes: dict[str, int]) -> tuple[str, ...]:
    if stored.extra is None:
        return dims
    name, size = stored.extra, stored.data.shape[-1]
    while sizes.setdefault(name, size) != size or name in dims:
        name += "_"
    return (*dims, name)


def _encoding(variable: Any, given: dict[str, Any]) -> dict[str, Any]:
    if variable.dtype.kind == "f" and "_FillValue" not in given:
        given["_FillValue"] = None  # NaN are numbers like others: xarray need not mark them
    return given


def _is_cftime(data: Any) -> bool:
    if data.dtype != object or not data.size or hasattr(data, "map_blocks"):
        return False
    return type(data.ravel()[0]).__module__.partition(".")[0] == "cftime"


def _without_extension(variable: Any, data: Any) -> tuple[Any, dict[str, Any]]:
    """Return the values of one of pandas' own arrays as a NumPy array, and what it was."""
    dtype = variable.dtype
    if isinstance(dtype, np.dtype):
        return data, {}
    pd = optional("pandas", "sweeps", "saving a dataset")
    outer: dict[str, Any] = {"extension": str(dtype)}
    if isinstance(dtype, pd.CategoricalDtype):
        outer["categories"] = [plainjson.dumps_plain(each) for each in np.asarray(dtype.categories, object).tolist()]
        outer["ordered"] = bool(dtype.ordered)
    held = getattr(variable._data, "array", variable._data)  # its `values` may be floats, with fewer digits
    objects = np.asarray(held, dtype=object)
    objects[pd.isna(objects)] = None
    return objects, outer


def _without_multi_indexes(ds: Any) -> tuple[Any, dict[str, Any]]:
    pd = optional("pandas", "sweeps", "saving a dataset")
    levels: dict[str, Any] = {}
    for dim in [dim for dim in ds.dims if dim in ds.indexes and isinstance(ds.indexes[dim], pd.MultiIndex)]:
        levels[str(dim)] = [str(name) for name in ds.indexes[dim].names]
    return ds.reset_index(list(levels)) if levels else ds, levels


def _names(ds: Any) -> dict[Hashable, str]:
    """Return how variables and axes are called in a file, where not every name is possible."""
    made: dict[Hashable, str] = {}
    taken = {name for name in (*ds.variables, *ds.dims) if isinstance(name, str)}
    for name in (*ds.variables, *ds.dims):
        if name in made:
            continue
        fits = is_name(name) and name not in ("zarr.json", MARK)
        # The names of coordinates stand in an attribute with spaces between them.
        spaced = isinstance(name, str) and name in ds.coords and name not in ds.dims and " " in name
        if fits and not spaced:
            made[name] = str(name)
            continue
        base = re.sub(r"\W+", "_", str(name)).strip("_") or "unnamed"
        disk, k = base, 0
        while disk in taken:
            k += 1
            disk = f"{base}_{k}"
        taken.add(disk)
        made[name] = disk
    return made


def is_marked(raw: Any) -> bool:
    """Tell whether a file was written by :func:`to_plain`."""
    return MARK in raw.attrs and _marks(raw.attrs[MARK]).get("version") is not None


def _marks(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def from_plain(raw: Any, *, allow_pickle: bool) -> Any:
    """Return the dataset of :func:`to_plain` from a file that was opened with nothing decoded but coordinates.

    Raises
    ------
    DataError
        When it was written by a later headrace, or holds pickles and ``allow_pickle`` is false.
    """
    xr = optional("xarray", "sweeps", "loading a dataset")
    about = _marks(raw.attrs[MARK])
    if about.get("version") != _VERSION:
        raise DataError(
            f"the file was written by a later headrace (its version is {about.get('version')}). Update headrace."
        )
    variables: dict[Hashable, Any] = {}
    foreign: list[Hashable] = []
    for name, variable in raw.variables.items():
        mark = _marks(variable.attrs.get(MARK))
        if not mark or mark["kind"] == "theirs" or not _holds(variable, mark):
            foreign.append(name)
        else:
            variables[name] = _variable(xr, variable, mark, f"the variable {name!r}", allow_pickle)
    if foreign:
        decoded = xr.decode_cf(raw[foreign].drop_vars([name for name in raw[foreign].variables if name not in foreign]))
        for name in foreign:
            variable = decoded.variables[name].copy(deep=False)
            mark = _marks(variable.attrs.pop(MARK, None))
            variable.attrs = from_disk(variable.attrs, mark.get("attrs", {}))
            variables[name] = variable
    attrs = {name: value for name, value in raw.attrs.items() if name != MARK}
    coords = {name: variables.pop(name) for name in [name for name in raw.variables if name in raw.coords]}
    order = [name for name in raw.variables if name in variables]
    ds = xr.Dataset(
        {name: variables[name] for name in order}, coords=coords, attrs=from_disk(attrs, about.get("attrs", {}))
    )
    names = {disk: plainjson.loads_plain(name) for disk, name in about.get("names", {}).items()}
    present = {disk: name for disk, name in names.items() if disk in ds.variables or disk in ds.dims}
    if present:
        ds = ds.rename(present)
    for dim, levels in about.get("levels", {}).items():
        if dim in ds.dims and all(level in ds.coords for level in levels):
            ds = ds.set_index({dim: levels})
    return ds


def _holds(variable: Any, mark: dict[str, Any]) -> bool:
    """Tell whether a mark is still about what is in the file."""
    for name, value in mark.get("own", {}).items():
        if name not in variable.attrs or variable.attrs[name] != value:
            return False
    if mark.get("disk") == "O":
        return variable.dtype.kind in "OUT"
    return bool(variable.dtype == np.dtype(mark["disk"]))


def _variable(xr: Any, variable: Any, mark: dict[str, Any], what: str, allow_pickle: bool) -> Any:
    held = {name: value for name, value in variable.attrs.items() if name != MARK and name not in mark["own"]}
    attrs = from_disk(held, mark.get("attrs", {}))
    for name, value in mark.get("hidden", {}).items():
        attrs[name] = plainjson.loads_plain(value)
    encoding = {WAS: mark["of"]} if "of" in mark else {}
    dims = variable.dims[:-1] if mark["kind"] in ("pair", "raw") else variable.dims
    untouched = mark["kind"] == "plain" and "was" not in mark
    data = variable._data if untouched or hasattr(variable._data, "map_blocks") else variable.values
    data = restore(data, mark, what, allow_pickle=allow_pickle)
    if "extension" in mark:
        pd = optional("pandas", "sweeps", "loading a dataset")
        if "categories" in mark:
            categories = [plainjson.loads_plain(each) for each in mark["categories"]]
            data = pd.Categorical(np.asarray(data), categories=categories, ordered=mark["ordered"])
        else:
            data = pd.array(np.asarray(data), dtype=mark["extension"])
    # The fast path leaves None as it is, which pandas takes for NaN among texts.
    fast = untouched or (isinstance(data, np.ndarray) and data.dtype.kind == "O")
    return xr.Variable(dims, data, attrs=attrs, encoding=encoding, fastpath=fast)


def as_integers(data: Any, dtype: Any) -> Any:
    """Return floats as the integers they are, holes left out; None if one is not an integer of that type."""
    flat = np.asarray(data).ravel()
    flat = flat[flat == flat]
    info = np.iinfo(np.dtype(dtype))
    if not np.all((flat == np.floor(flat)) & (flat >= float(info.min)) & (np.abs(flat) <= 2.0**53)):
        return None
    return flat.astype(dtype) if np.all(flat <= float(info.max)) else None
