"""Turn what stands in a description into JSON values, the same in every process."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from types import BuiltinFunctionType, ModuleType, NoneType
from typing import Any

import numpy as np

from headrace.core.key import Key
from headrace.core.knob import Knob
from headrace.core.recipe import Recipe

WHOLE = 1 << 20  # arrays up to this many bytes count by content,
SAMPLE = 1 << 16  # larger ones by a strided sample of this many
LONG = 10_000  # items of a sequence beyond which a sample counts
MANY = 1000  # parts of a container in a function's closure that count


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
    if isinstance(value, range):
        return {"range": [value.start, value.stop, value.step]}
    if isinstance(value, tuple | list):
        if len(value) <= LONG:
            return [plain(part) for part in value]
        return {"items": len(value), "sample": [plain(part) for part in value[:: len(value) // MANY]]}
    if isinstance(value, partial):
        return {"partial": plain(value.func), "args": plain(value.args), "kwargs": plain(value.keywords)}
    if is_dataclass(value) and not isinstance(value, type):
        inside = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        return {"dataclass": where_is(type(value)), **inside}
    if callable(value):
        return where_is(value)
    if hasattr(value, "__plain__"):
        return value.__plain__()
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
        step = array.nbytes // SAMPLE | 1  # odd, so that rows of a power of two do not give one column only
        array = array.reshape(-1)[::step] if array.flags.c_contiguous else array.flat[::step]  # neither reads it all
    return digest(np.ascontiguousarray(array).tobytes())


def code_of(function: Any) -> bytes:
    """Return what a function does as bytes: its own code, constants and names, those of functions inside it, and the
    values it was made with: defaults, what its closure holds, the attributes of a callable object.

    Built-in functions, and objects without code, count by their name.
    """
    return _code_of(function, set())


def _code_of(function: Any, seen: set[int]) -> bytes:
    if isinstance(function, partial):
        return _code_of(function.func, seen)
    if id(function) in seen:  # one that calls itself
        return where_is(function).encode()
    seen.add(id(function))
    try:
        function = inspect.unwrap(function)
    except ValueError:  # wrapped in a circle
        return where_is(function).encode()
    held: list[Any] = []
    owner = getattr(function, "__self__", None)
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None and not isinstance(function, type):
        owner = owner if isinstance(function, BuiltinFunctionType) else function
        code = getattr(type(function).__call__, "__code__", None)
    else:
        held += [getattr(function, "__defaults__", None), getattr(function, "__kwdefaults__", None)]
        held += map(_cell, getattr(function, "__closure__", None) or ())
    if not isinstance(owner, type | ModuleType | NoneType):
        held.append(getattr(owner, "__dict__", None))
    parts = [where_is(function).encode() if code is None else _code_bytes(code)]
    parts += [repr(_value(value, seen)).encode() for value in held if value]
    return b"|".join(parts)


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _value(value: Any, seen: set[int]) -> Any:
    """Return what a function holds as :func:`plain` does, functions by their code; what is long, by its beginning."""
    if isinstance(value, dict | list | tuple | set | frozenset):
        if id(value) in seen:
            return len(value)
        seen.add(id(value))
        if isinstance(value, dict):
            names = [n if isinstance(n, str | int | float) else where_is(type(n)) for n in islice(value, MANY)]
            return [len(value), names, [_value(part, seen) for part in islice(value.values(), MANY)]]
        found = [_value(part, seen) for part in islice(value, MANY)] if isinstance(value, list | tuple) else []
        return [len(value), found or sorted(repr(_value(part, seen)) for part in value)]
    if callable(value) and not hasattr(value, "start") and not isinstance(value, type):
        return digest(_code_of(value, seen))
    try:
        return plain(value)
    except Exception:  # a path that cannot be looked at, an object in a circle: by its type then
        return where_is(type(value))


def _code_bytes(code: Any) -> bytes:
    inside = (_code_bytes(c) if hasattr(c, "co_code") else _constant(c).encode() for c in code.co_consts)
    return b"|".join([code.co_code, repr(code.co_names).encode(), *inside])


def _constant(value: Any) -> str:
    """Return a constant's repr, the same in every process: a frozenset's own follows the hash seed."""
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_constant, value))})"
    return f"({', '.join(map(_constant, value))})" if isinstance(value, tuple) else repr(value)


def is_function(value: Any) -> bool:
    """Tell whether a parameter is the user's code: a function, method, class or callable object."""
    return callable(value) and not hasattr(value, "start") and not isinstance(value, Recipe)


def functions_in(value: Any) -> list[Callable[..., Any]]:
    """Return the functions among a recipe's own parameters, not those of recipes inside it."""
    if is_function(value):
        return [value]
    if isinstance(value, tuple | list):
        return [function for part in value for function in functions_in(part)]
    if isinstance(value, Recipe):
        return functions_in(value.params()) if value.valued else []
    return [f for part in value.values() for f in functions_in(part)] if isinstance(value, dict) else []
