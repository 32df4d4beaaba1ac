"""Turn what stands in a description into JSON values, the same in every process."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.key import Key
from headrace.core.knob import Knob

WHOLE = 1 << 20  # arrays up to this many bytes count by content,
SAMPLE = 1 << 16  # larger ones by a strided sample of this many


def digest(text: str | bytes) -> str:
    """Return sixteen hex digits for some text."""
    return blake2b(text.encode() if isinstance(text, str) else text, digest_size=8).hexdigest()


def plain(value: Any) -> Any:
    """Return ``value`` as JSON values: what of it makes two descriptions equal.

    Functions are ``module:qualname``, arrays their dtype, shape and a digest, files their name and size, recipes their
    parameters; of any other object only its type.

    Examples
    --------
    >>> plain((1, 2.5, "a", None)), plain(len)
    ([1, 2.5, 'a', None], 'builtins:len')
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biufU" else {"scalar": repr(value)}
    if isinstance(value, np.ndarray):
        return {"array": value.dtype.str, "shape": list(value.shape), "digest": array_digest(value)}
    if isinstance(value, bytes):
        return {"bytes": digest(value)}
    if isinstance(value, Path):
        return {"file": value.name, "size": value.stat().st_size if value.is_file() else None}
    if isinstance(value, Key):
        return {"key": value.plain()}
    if isinstance(value, Knob):
        return {"knob": plain(value.initial)}
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(part) for part in value), key=repr)
    if isinstance(value, tuple | list | range):
        return [plain(part) for part in value]
    if isinstance(value, partial):
        return {"partial": plain(value.func), "args": plain(value.args), "kwargs": plain(value.keywords)}
    if is_dataclass(value) and not isinstance(value, type):
        inside = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        return {"dataclass": where_is(type(value)), **inside}
    if callable(value):
        return where_is(value)
    return {"object": where_is(type(value))}


def where_is(thing: Any) -> str:
    """Return ``module:qualname`` of a function, method or class; of a callable object, of its type.

    Examples
    --------
    >>> where_is(np.linalg.norm)
    'numpy.linalg:norm'
    """
    if not hasattr(thing, "__qualname__"):
        thing = type(thing)
    return f"{thing.__module__}:{thing.__qualname__}"


def array_digest(array: np.ndarray[Any, Any]) -> str:
    """Return a digest of an array's bytes, or of a strided sample when it is large (so a memmap is not read)."""
    if array.dtype.hasobject:
        return digest(repr(array.shape))
    if array.nbytes > WHOLE:
        array = array.reshape(-1) if array.flags.c_contiguous else array[:: max(1, len(array) * SAMPLE // array.nbytes)]
        array = array[:: max(1, array.nbytes // SAMPLE)]
    return digest(np.ascontiguousarray(array).tobytes())


def code_of(function: Any) -> bytes:
    """Return what a function does as bytes: its own code, constants and names, and those of functions inside it.

    Built-in functions, and objects without code, count by their name.
    """
    if isinstance(function, partial):
        return code_of(function.func)
    function = inspect.unwrap(function) if callable(function) else function
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return where_is(function).encode() if code is None else _code_bytes(code)


def _code_bytes(code: Any) -> bytes:
    inside = (_code_bytes(c) if hasattr(c, "co_code") else repr(c).encode() for c in code.co_consts)
    return b"|".join([code.co_code, repr(code.co_names).encode(), *inside])


def is_function(value: Any) -> bool:
    """Tell whether a parameter is the user's code: a function, method, class or callable object."""
    return callable(value) and not hasattr(value, "start")


def functions_in(value: Any) -> list[Callable[..., Any]]:
    """Return the functions among a recipe's own parameters, not those of recipes inside it."""
    if is_function(value):
        return [value]
    if isinstance(value, tuple | list):
        return [function for part in value for function in functions_in(part)]
    return [f for part in value.values() for f in functions_in(part)] if isinstance(value, dict) else []
