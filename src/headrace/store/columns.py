"""Columns of any type as files hold them, and back: the same values, of the same types, to the bit.

A file holds integers, floats and texts. A column of anything else is stored as one of these, in the form that other
readers understand best, with a *mark*: JSON data that say what it was.

========================  ==============================================================================
booleans                  0 and 1; with None among them, -1 for None
dates, durations          64-bit integers with their unit, as CF conventions have it
complex numbers           as they are where the file can, else pairs of floats along one more axis
texts                     texts; None or NaN among them as a text that no other element is, "" where that is free
integers and None         64-bit integers, None as one that no other element is
long doubles, bytes       bytes along one more axis
any other objects         JSON, one text each (ragged arrays, lists, dicts, mixed types)
========================  ==============================================================================
"""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.errors import DataError, ResumeError
from headrace.store import plainjson

_UNITS: Final = {
    "D": "days",
    "h": "hours",
    "m": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
_NAT: Final = np.iinfo(np.int64).min
Array = np.ndarray[Any, Any]


class Stored(NamedTuple):
    """A column as a file holds it.

    Attributes
    ----------
    data : array
        With one axis more than the column where :attr:`extra` names it.
    mark : dict
        How to read it; ``mark["own"]`` are the attributes that other readers need for it.
    extra : str or None
        A name for the axis that was added.
    """

    data: Any
    mark: dict[str, Any]
    extra: str | None = None


class Format(NamedTuple):
    """What a kind of file can hold as it is."""

    complex: bool
    half: bool  # float16


def store(data: Any, held: Format, what: str, *, bare: bool = False, allow_pickle: bool = False) -> Stored:
    """Return a column as a file holds it.

    Parameters
    ----------
    data
        A NumPy array, or a dask array, which stays one unless it holds texts or objects.
    what
        Names it in messages.
    bare
        No axis may be added.
    allow_pickle
        Pickle objects that have no other form.

    Raises
    ------
    DataError
        When there are such objects and ``allow_pickle`` is false.
    """
    kind, dtype = data.dtype.kind, data.dtype
    own: dict[str, Any] = {}
    mark: dict[str, Any] = {"kind": "plain"}
    extra = None
    if kind in "OUT" or (bare and (kind in "SV" or dtype.char in "gG" or (kind == "c" and not held.complex))):
        array = np.asarray(data)
        if not array.size:
            return Stored(np.zeros(array.shape, np.int8), {"kind": "empty", "was": _name(dtype), "own": own})
        return _texts(array, what, allow_pickle)
    if kind == "b":
        own["dtype"] = "bool"  # xarray's own way
        mark["was"] = _name(dtype)
        data = _each(data, lambda block: block.astype(np.int8), np.int8)
    elif kind in "mM":
        unit, step = np.datetime_data(dtype)
        mark = {"kind": "date", "was": _name(dtype)}
        data = _each(data, lambda block: _viewed(_native(block), np.int64).reshape(block.shape), np.int64)
        if step == 1 and unit in _UNITS:
            own["_FillValue"] = _NAT
            if kind == "M":
                own |= {"units": f"{_UNITS[unit]} since 1970-01-01", "calendar": "proleptic_gregorian"}
            else:
                own |= {"units": _UNITS[unit], "dtype": f"timedelta64[{unit}]"}
    elif kind == "c" and dtype.char != "G" and not held.complex:
        mark, extra = {"kind": "pair", "was": _name(dtype)}, "re_im"
        part = np.float32 if dtype.itemsize == 8 else np.float64
        data = _each(data, lambda block: _split(block, part), part, grows=2)
    elif kind in "SV" or dtype.char in "gG":
        mark, extra = {"kind": "raw", "was": _name(dtype)}, f"bytes_{dtype.itemsize}"
        size = dtype.itemsize
        data = _each(data, _bytes, np.uint8, grows=size)
    elif dtype == np.float16 and not held.half:
        mark["was"] = _name(dtype)
        data = _each(data, lambda block: block.astype(np.float32), np.float32)
    elif not dtype.isnative:
        mark["was"] = _name(dtype)
        native = dtype.newbyteorder("=")
        data = _each(data, lambda block: block.astype(native), native)
    mark["own"] = own
    return Stored(data, mark, extra)


def restore(data: Any, mark: dict[str, Any], what: str, *, allow_pickle: bool = False) -> Any:
    """Return a column from what :func:`store` made of it; a dask array stays one.

    Raises
    ------
    DataError
        When it holds pickled objects and ``allow_pickle`` is false.
    """
    kind = mark["kind"]
    if kind == "plain":
        if "was" not in mark:
            return data
        was = _dtype(mark["was"])
        return _each(data, lambda block: block.astype(was), was)
    if kind == "empty":
        return np.empty(data.shape, _dtype(mark["was"]))
    if kind == "date":
        was = _dtype(mark["was"])
        native = was.newbyteorder("=")
        return _each(data, lambda block: _viewed(block, native).reshape(block.shape).astype(was), was)
    if kind == "pair":
        was = _dtype(mark["was"])
        return _each(data, lambda block: _joined(block, was), was, shrinks=True)
    if kind == "raw":
        was = _dtype(mark["was"])
        return _each(data, lambda block: _from_bytes(block, was), was, shrinks=True)
    return _each(data, lambda block: _from_texts(block, mark, what, allow_pickle), _dtype(mark["was"]))


def _texts(array: Array, what: str, allow_pickle: bool) -> Stored:
    """Store a column of texts or of objects, of which there is at least one."""
    flat = array.ravel().tolist() if array.dtype.kind in "OUT" else list(array.ravel())
    kinds = set(map(type, flat))
    mark: dict[str, Any] = {"kind": "text", "was": _name(array.dtype), "own": {}}
    if kinds <= {bool, type(None)} and bool in kinds:
        numbers = [-1 if each is None else each for each in flat]
        return Stored(
            np.array(numbers, np.int8).reshape(array.shape), {**mark, "kind": "bools", "own": {"_FillValue": -1}}
        )
    if kinds <= {int, type(None)} and int in kinds:
        stored = _integers(flat)
        if stored is not None:
            own = {} if stored[1] is None else {"_FillValue": stored[1]}
            return Stored(stored[0].reshape(array.shape), {**mark, "kind": "integers", "own": own})
    nan = float in kinds and all(each != each for each in flat if type(each) is float)
    missing = [None] * (type(None) in kinds) + [float("nan")] * nan
    if not (str in kinds and kinds <= {str, type(None), *([float] if nan else [])}):
        flat = [_json(each, what, allow_pickle) for each in flat]
        mark["kind"], missing = "json", []
    texts = {each for each in flat if type(each) is str}
    holes: dict[str, str] = {}
    for each in missing:
        free = next(text for text in _free() if text not in texts and text not in holes.values())
        holes["None" if each is None else "nan"] = free
    if holes:
        mark["holes"] = holes
        flat = [each if type(each) is str else holes["None" if each is None else "nan"] for each in flat]
    if any("\0" in text or not _encodable(text) for text in texts):
        mark["escaped"] = True
        flat = [json.dumps(each) for each in flat]
    stored_as = np.empty(len(flat), object)
    stored_as[:] = flat
    return Stored(stored_as.reshape(array.shape), mark)


def _from_texts(block: Array, mark: dict[str, Any], what: str, allow_pickle: bool) -> Array:
    was, kind = _dtype(mark["was"]), mark["kind"]
    flat = block.ravel().tolist()
    if kind in ("bools", "integers"):
        fill = mark["own"].get("_FillValue")
        flat = [None if each == fill else (bool(each) if kind == "bools" else each) for each in flat]
    else:
        if mark.get("escaped"):
            flat = [json.loads(each) for each in flat]
        if "holes" in mark:
            holes = {text: None if name == "None" else np.nan for name, text in mark["holes"].items()}
            flat = [holes.get(each, each) for each in flat]
        if kind == "json":
            flat = [_from_json(each, what, allow_pickle) for each in flat]
    made = np.empty(len(flat), object)
    for k, each in enumerate(flat):  # `made[:] = flat` would spread lists and arrays of one length
        made[k] = each
    return (made if was.kind == "O" else np.array(flat, was)).reshape(block.shape)


def _integers(flat: list[int | None]) -> tuple[Array, int | None] | None:
    """Return integers as an array and the one that stands for None; None where 64 bits are too few."""
    numbers = {each for each in flat if each is not None}
    if min(numbers) < _NAT or max(numbers) >= 2**63:
        return None
    fill = next(n for n in range(_NAT, 2**63) if n not in numbers) if None in flat else None
    return np.array([fill if each is None else each for each in flat], np.int64), fill


def _free() -> Any:
    yield ""
    k = 0
    while True:
        yield f"<missing{k or ''}>"
        k += 1


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


def _json(value: Any, what: str, allow_pickle: bool) -> str:
    try:
        return plainjson.dumps(value)
    except ResumeError:
        if allow_pickle:
            data = base64.b64encode(pickle.dumps(value)).decode()
            return json.dumps({"__pickle__": data})
    raise DataError(
        f"{what} holds a {type(value).__module__}.{type(value).__qualname__}, wanted numbers, texts, dates, arrays, or "
        "lists, tuples and dicts of those.\n"
        "  Store what you need of it, or pass allow_pickle=True, when saving and when loading."
    )


def _from_json(text: str, what: str, allow_pickle: bool) -> Any:
    value = json.loads(text)
    if isinstance(value, dict) and "__pickle__" in value:
        if not allow_pickle:
            raise DataError(
                f"{what} holds pickled objects, and loading a pickle runs code.\n"
                "  Pass allow_pickle=True if you trust who made the file."
            )
        return pickle.loads(base64.b64decode(value["__pickle__"]))
    return plainjson.loads_plain(value)


def _each(data: Any, fn: Callable[[Array], Array], dtype: Any, *, grows: int = 0, shrinks: bool = False) -> Any:
    """Apply a function to an array, or to each block of a dask array."""
    if not hasattr(data, "map_blocks"):
        return fn(np.asarray(data))
    if grows:
        return data.map_blocks(
            fn, dtype=dtype, chunks=(*data.chunks, (grows,)), new_axis=[data.ndim], meta=np.zeros((0,), dtype)
        )
    if shrinks:
        whole = data.rechunk({data.ndim - 1: -1})
        return whole.map_blocks(fn, dtype=dtype, drop_axis=[data.ndim - 1], meta=np.zeros((0,), dtype))
    return data.map_blocks(fn, dtype=dtype, meta=np.zeros((0,), dtype))


def _viewed(block: Array, dtype: Any) -> Array:
    """Return the bytes of an array as numbers of another kind, in one row."""
    return np.ascontiguousarray(block).reshape(-1).view(dtype)


def _native(block: Array) -> Array:
    return block.astype(block.dtype.newbyteorder("="), copy=False)


def _split(block: Array, part: Any) -> Array:
    return _viewed(_native(block), part).reshape(*block.shape, 2)


def _joined(block: Array, was: np.dtype[Any]) -> Array:
    made: Array = _viewed(block, was.newbyteorder("=")).reshape(block.shape[:-1]).astype(was)
    return made


def _bytes(block: Array) -> Array:
    return _viewed(block, np.uint8).reshape(*block.shape, block.dtype.itemsize)


def _from_bytes(block: Array, was: np.dtype[Any]) -> Array:
    return _viewed(block, was).reshape(block.shape[:-1])


def _name(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "T":
        return "T"
    return plainjson.dumps_plain(np.lib.format.dtype_to_descr(dtype)) if dtype.kind != "O" else "O"


def _dtype(name: Any) -> np.dtype[Any]:
    if name == "T":
        return np.dtypes.StringDType()
    return np.dtype(object) if name == "O" else np.lib.format.descr_to_dtype(plainjson.loads_plain(name))
