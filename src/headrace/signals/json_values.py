"""Parameters as JSON values: what JSON has no form for is told by a mark, what cannot be written by a name."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.describe import registered_function
from headrace.core.knob import Knob
from headrace.core.plain import where_is
from headrace.errors import DataError, RegistryError

Functions = Mapping[str, Any] | None


class Names:
    """What functions, models and knobs are called in one document, where each has a name of its own.

    A function or model is called ``module:qualname``, a model by its class. Where a document has several of one such
    name, each has ``@node`` behind it: the first node that it is a parameter of. What several nodes share has one name.
    """

    def __init__(self) -> None:
        self.node = ""  # that is being written
        self.knobs: list[Knob[Any]] = []
        self.functions: dict[str, list[tuple[Any, str]]] = {}  # by name, each and the node it was found in

    def knob(self, knob: Knob[Any]) -> int:
        """Return the number of a knob."""
        if not any(each is knob for each in self.knobs):
            self.knobs.append(knob)
        return next(i for i, each in enumerate(self.knobs) if each is knob)

    def function(self, thing: Any) -> str:
        """Return the name of a function or model, as far as those are known that there are."""
        name = where_is(thing)
        found = self.functions.setdefault(name, [])
        place = next((i for i, (each, _) in enumerate(found) if each is thing or _equal(each, thing)), len(found))
        if place == len(found):
            found.append((thing, self.node))
        if len(found) == 1:
            return name
        node = found[place][1]
        before = sum(each[1] == node for each in found[:place])
        return f"{name}@{node}" + (f".{before + 1}" if before else "")


def _equal(a: Any, b: Any) -> bool:
    """Tell whether two functions are one: methods of one object are, objects only where they are the same."""
    return hasattr(a, "__func__") and hasattr(b, "__func__") and bool(a == b)


def value_to_plain(value: Any, names: Names | None = None) -> Any:
    """Return a parameter as JSON values; tuples, arrays, knobs, complex and odd floats are told apart by a mark.

    Raises
    ------
    DataError
        When it has no form in JSON.
    """
    names = Names() if names is None else names
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, complex):
        return {"$complex": [value_to_plain(value.real), value_to_plain(value.imag)]}
    if isinstance(value, tuple):
        return [value_to_plain(part, names) for part in value]
    if isinstance(value, list):
        return {"$list": [value_to_plain(part, names) for part in value]}
    if isinstance(value, dict):
        return {"$dict": [[value_to_plain(name), value_to_plain(part, names)] for name, part in value.items()]}
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, Knob):
        now = {} if value.initial is value.value else {"now": value_to_plain(value.value, names)}
        return {"$knob": value_to_plain(value.initial, names), **now, "id": names.knob(value)}
    if isinstance(value, Path):
        return {"$path": str(value), "sha256": _sha256(value)}
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if hasattr(value, "roles"):
        from headrace.signals.json import node_to_plain  # a signal among the parameters of another

        return {"$signal": node_to_plain(value, names)}
    if callable(value) or hasattr(value, "__dict__"):
        return {"$function": names.function(value)}
    raise DataError(
        f"to_json got {value!r} for a parameter, wanted a number, a text, an array, a function, or tuples, lists and dicts "
        "of them.\n  Give it as one of these."
    )


def _array(value: Any) -> dict[str, Any]:
    flat = value.ravel()
    data = np.stack([flat.real, flat.imag], -1) if value.dtype.kind == "c" else flat
    told = value_to_plain(tuple(data.ravel().tolist()))
    return {"$array": value.dtype.str, "shape": list(value.shape), "data": told}


def value_from_plain(plain: Any, functions: Functions = None, knobs: dict[int, Knob[Any]] | None = None) -> Any:
    """Return the parameter that :func:`value_to_plain` described; a JSON array is a tuple.

    Parameters
    ----------
    plain
        What it returned.
    functions
        Functions and models by the names they were given.
    knobs
        Those of the document by their numbers, to which it adds: a knob that several parameters share is one.

    Raises
    ------
    DataError
        When it describes no parameter.
    RegistryError
        When a function is not known.
    """
    if not isinstance(plain, list | Mapping):
        return plain
    try:
        return _from_plain(plain, functions, {} if knobs is None else knobs)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"from_json got {str(plain)[:80]} for a parameter, which is not in the form of its mark: {error}.\n"
            "  Write the graph again with to_json."
        ) from None


def _from_plain(plain: Any, functions: Functions, knobs: dict[int, Knob[Any]]) -> Any:
    def parts(values: Any) -> list[Any]:
        return [value_from_plain(part, functions, knobs) for part in values]

    if isinstance(plain, list):
        return tuple(parts(plain))
    if "$list" in plain:
        return parts(plain["$list"])
    if "$dict" in plain:
        return {name: value_from_plain(part, functions, knobs) for name, part in plain["$dict"]}
    if "$float" in plain:
        return float(plain["$float"])
    if "$complex" in plain:
        return complex(*parts(plain["$complex"]))
    if "$array" in plain:
        dtype = np.dtype(plain["$array"])
        data = value_from_plain(plain["data"])
        if dtype.kind == "c":
            real = np.array(data, dtype=np.float64).reshape(-1, 2)
            data = real[:, 0] + 1j * real[:, 1]
        return np.array(data, dtype=dtype).reshape(plain["shape"])
    if "$knob" in plain:
        number = plain.get("id", -1 - len(knobs))  # older documents have no numbers
        if number not in knobs:
            knobs[number] = made = Knob(value_from_plain(plain["$knob"], functions, knobs))
            if "now" in plain:
                made.set(value_from_plain(plain["now"], functions, knobs))
        return knobs[number]
    if "$signal" in plain:
        from headrace.signals.json import node_from_plain

        return node_from_plain(plain["$signal"], functions, knobs)
    if "$path" in plain:
        return _path(Path(plain["$path"]), plain["sha256"])
    if "$bytes" in plain:
        return b64decode(plain["$bytes"])
    if "$function" in plain:
        return _function(plain["$function"], functions or {})
    raise DataError(
        f"from_json got {str(plain)[:80]} for a parameter, wanted a mark that this version knows.\n  Use a newer headrace."
    )


def _sha256(path: Path) -> str | None:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _path(path: Path, digest: str | None) -> Path:
    found = _sha256(path)
    if digest is not None and found is not None and found != digest:
        raise DataError(
            f"from_json got the file {str(path)!r}, and its content is another than when this was written.\n"
            f"  Wanted sha256 {digest}. Put the file back, or write the graph again."
        )
    return path


def _function(name: str, functions: Mapping[str, Any]) -> Any:
    found = registered_function(name, functions)
    if found is None:
        raise RegistryError(
            f"from_json got {name!r}, which is neither in functions= nor registered.\n"
            f"  Pass from_json(text, functions={{{name!r}: the function or model}})."
        )
    return found
