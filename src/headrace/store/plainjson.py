"""States as JSON text and back: plain data in, the same plain data out, to the bit, and never a pickle.

JSON knows neither arrays, tuples, NaN nor keys that are not strings; those become small objects with one telling name,
``{"__array__": ..., "dtype": ..., "shape": ...}``.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from typing import Any

import numpy as np

from headrace.core import Batch
from headrace.errors import ResumeError


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Return plain data as JSON text.

    Parameters
    ----------
    value
        None, booleans, numbers, strings, bytes, dates and times, NumPy arrays and scalars without objects in them, and
        lists, tuples, dicts and batches of those.
    indent
        As in :func:`json.dumps`.

    Raises
    ------
    ResumeError
        For anything else; names where it stands.

    Examples
    --------
    >>> text = dumps({"held": [np.arange(3), (1, 2.5)], 7: float("nan")})
    >>> loads(text)
    {'held': [array([0, 1, 2]), (1, 2.5)], 7: nan}
    """
    # ASCII, as half of a surrogate pair, which file names may hold, has no UTF-8.
    return json.dumps(dumps_plain(value), ensure_ascii=True, allow_nan=False, indent=indent)


def loads(text: str | bytes) -> Any:
    """Return what :func:`dumps` was given. Runs nothing and imports nothing.

    Raises
    ------
    ValueError
        When ``text`` is not JSON, or not of :func:`dumps`.
    """
    return loads_plain(json.loads(text))


def dumps_plain(value: Any) -> Any:
    """Return what :func:`dumps` writes as text: dicts with texts as keys, lists, texts, numbers, booleans and None.

    Raises
    ------
    ResumeError
        As :func:`dumps` does.
    """
    return _write(value, "")


def loads_plain(value: Any) -> Any:
    """Return what :func:`dumps_plain` was given.

    Raises
    ------
    ValueError
        When ``value`` is not of :func:`dumps_plain`.
    """
    return _read(value)


def _write(value: Any, path: str) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if isfinite(value) else {"__float__": repr(value)}
    if kind is list:
        return [_write(part, f"{path}[{k}]") for k, part in enumerate(value)]
    if kind is tuple:
        return {"__tuple__": [_write(part, f"{path}[{k}]") for k, part in enumerate(value)]}
    if kind is dict or kind is Batch:
        named = {name: _write(part, f"{path}.{name}" if path else str(name)) for name, part in value.items()}
        if kind is dict and all(type(name) is str and not name.startswith("__") for name in named):
            return named
        pairs = [[_write(name, path), part] for name, part in named.items()]
        return {"__batch__" if kind is Batch else "__dict__": pairs}
    if kind is bytes:
        return {"__bytes__": base64.b64encode(value).decode()}
    if kind is complex:
        return {"__complex__": [_write(value.real, path), _write(value.imag, path)]}
    if kind in _TIMES and (kind is date or (value.tzinfo in (None, UTC) and not value.fold)):
        return {f"__{kind.__name__}__": value.isoformat()}
    if kind is timedelta:
        return {"__timedelta__": [value.days, value.seconds, value.microseconds]}
    if isinstance(value, np.generic) or kind in (np.ndarray, np.memmap):
        array = np.asarray(value)
        if not array.dtype.hasobject:
            tag = "__scalar__" if isinstance(value, np.generic) else "__array__"
            data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
            descr = np.lib.format.dtype_to_descr(array.dtype)
            return {tag: data, "dtype": _write(descr, path), "shape": list(array.shape)}
    raise ResumeError(
        f"the state cannot be written as JSON: {path or 'it'} is a {_type_of(value)}, wanted numbers, strings, arrays, "
        "or tuples and dicts of those.\n"
        "  Let the stream hold items of arrays, or run it without saving its state (--no-resume)."
    )


_TIMES = {kind: kind.fromisoformat for kind in (datetime, date, time)}
_TIMES_OF = {f"__{kind.__name__}__": read for kind, read in _TIMES.items()}


def _type_of(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{type(value).__name__} of dtype {value.dtype}"
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _read(value: Any) -> Any:
    if type(value) is list:
        return [_read(part) for part in value]
    if type(value) is not dict:
        return value
    tag = next(iter(value), "")
    if not tag.startswith("__"):
        return {name: _read(part) for name, part in value.items()}
    inside = value[tag]
    if tag in ("__array__", "__scalar__"):
        dtype = np.lib.format.descr_to_dtype(_read(value["dtype"]))
        shape = value["shape"]
        data = bytearray(base64.b64decode(inside))  # a bytearray makes an array that can be written to
        array = np.frombuffer(data, dtype, count=int(np.prod(shape))).reshape(shape) if data else np.zeros(shape, dtype)
        return array[()] if tag == "__scalar__" else array
    if tag == "__tuple__":
        return tuple(_read(part) for part in inside)
    if tag == "__dict__":
        return {_read(name): _read(part) for name, part in inside}
    if tag == "__batch__":
        return Batch.of({_read(name): _read(part) for name, part in inside})
    if tag == "__float__":
        return float(inside)
    if tag == "__complex__":
        return complex(_read(inside[0]), _read(inside[1]))
    if tag in _TIMES_OF:
        return _TIMES_OF[tag](inside)
    if tag == "__timedelta__":
        return timedelta(*inside)
    if tag == "__bytes__":
        return base64.b64decode(inside)
    raise ValueError(f"this is no state of headrace: it has {tag!r}")
