"""Print a composition, write it as JSON, and make it again from that."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.functions import name_of_function, takes_rng
from headrace.core.items import same
from headrace.core.plain import WHOLE, functions_in, is_function, where_is
from headrace.core.recipe import Recipe
from headrace.core.registry import components, find, name_of
from headrace.core.stream import Stream
from headrace.errors import RegistryError, StreamConfigError

_SHOWN = 8  # members of one node that are printed


class Description(NamedTuple):
    """One node of a composition and those below it. ``str()`` draws the tree.

    Examples
    --------
    >>> import headrace as hr
    >>> print(hr.describe(hr.Streamer("abc") | hr.batch(2)))
    batch(n=2)  size 2 · cursor · resumes exactly
       ! its items have no numbers, because of streamer('abc')
    └─ streamer('abc')  size 3 · cursor · resumes exactly
    """

    line: str
    size: float | None
    access: str
    resume: str
    fingerprint: str
    remarks: tuple[str, ...]
    children: tuple[tuple[str, Description], ...]
    hidden: int = 0

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        size = "size not known" if self.size is None else "endless" if self.size == inf else f"size {self.size:.0f}"
        resumes = {"exact": "resumes exactly", "replay": "resumes by replay", "none": "cannot resume"}[self.resume]
        lines = [f"{self.line}  {size} · {self.access} · {resumes}"]
        lines += [f"   ! {remark}" for remark in self.remarks]
        below = [(label, child._lines()) for label, child in self.children]
        if self.hidden:
            below.append(("", [f"... and {self.hidden} more"]))
        for k, (label, child) in enumerate(below):
            last = k == len(below) - 1
            lines.append(("└─ " if last else "├─ ") + label + child[0])
            lines += [("   " if last else "│  ") + line for line in child[1:]]
        return lines


def describe(stream: Any, *, members: int = _SHOWN, told: tuple[str, ...] = ()) -> Description:
    """Return a composition as a tree: parameters, size, access, how it resumes, and what to know about it.

    Parameters
    ----------
    stream
        Any stream, or what has one to offer, such as a tree.
    members
        How many members of one mux to include.
    told
        Remarks that have been made above, and are not made again.
    """
    stream = as_stream(stream)  # of a handle, its recipe
    labels = stream.child_labels() if hasattr(stream, "child_labels") else None
    children = stream.children
    named = [
        (("" if len(children) == 1 else f"[{k}] " if labels is None else f"{labels[k]} "), child)
        for k, child in enumerate(children[:members])
    ]
    remarks = (*_assumed_pure(stream), *stream.remarks())
    return Description(
        one_line(stream),
        stream.size,
        stream.access,
        stream.resume,
        stream.fingerprint,
        tuple(remark for remark in remarks if remark not in told),
        tuple((label, describe(child, members=members, told=(*told, *remarks))) for label, child in named),
        max(0, len(children) - members),
    )


def _assumed_pure(stream: Recipe) -> tuple[str, ...]:
    if stream.keyed:
        return ()
    functions = [f for value in stream.params().values() for f in functions_in(value) if not isinstance(f, type)]
    return tuple(
        f"{name_of_function(f)} takes no rng: it is assumed to give the same items each time"
        for f in functions
        if not takes_rng(f)
    )


def one_line(recipe: Recipe) -> str:
    """Return a node as a call: what was asked for, without children and defaults, long values cut."""
    told = []
    defaults = {name: p.default for name, p in inspect.signature(type(recipe)).parameters.items()}
    for name, value in recipe.params().items():
        if name == "args":
            told += [_value(part) for part in value]
        elif name == "kwargs":
            told += [f"{key}={_value(part)}" for key, part in value.items()]
        elif isinstance(value, Recipe) or _all_recipes(value) or _untold(name, value, defaults):
            continue
        else:
            told.append(_value(value) if name in ("function", "source") else f"{name}={_value(value)}")
    seed = getattr(recipe, "seed", None)
    if seed is not None:
        told.append(f"seed={seed}")
    divided = getattr(recipe, "divided", "")
    if divided and not hasattr(recipe, "stamped"):  # which has it among its parameters
        told.append(f"divided={divided!r}")
    return f"{name_of(type(recipe))}({', '.join(told)})"


def _untold(name: str, value: Any, defaults: dict[str, Any]) -> bool:
    """Tell whether a parameter says nothing: its default, equal weights, names that stand before the members."""
    if isinstance(value, np.ndarray):
        return name == "weights" and bool((value == value[0]).all())
    return value is None or name == "names" or same(value, defaults.get(name, inspect.Parameter.empty))


def _all_recipes(value: Any) -> bool:
    return isinstance(value, tuple | list) and bool(value) and all(isinstance(part, Recipe) for part in value)


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"array({value.dtype}, {value.shape})"
    if is_function(value):
        return name_of_function(value)
    if isinstance(value, Path):
        return repr(value.name)
    if isinstance(value, dict) and any(isinstance(part, np.ndarray) for part in value.values()):
        parts = [f"{name!r}: {_value(part)}" for name, part in value.items()]
        return "{" + ", ".join(parts[:_SHOWN]) + (", ...}" if len(parts) > _SHOWN else "}")
    if isinstance(value, list | tuple) and len(value) > _SHOWN:  # which may be very long
        value, more = value[:_SHOWN], True
    else:
        more = False
    text = repr(value)
    if more:
        text = f"{text[:-1]}, ...{text[-1]}"
    return text if len(text) <= 40 else text[:37] + "..."


# --- JSON ---------------------------------------------------------------------------------------


def dump(stream: Stream[Any]) -> str:
    """Return a description as JSON text that :func:`load` turns back into the stream.

    Raises
    ------
    StreamConfigError
        When a parameter cannot be written down: an open file, a running generator, an array above 1 MiB.

    Examples
    --------
    >>> import headrace as hr
    >>> text = dump(hr.Streamer("abc") | hr.batch(2))
    >>> hr.load(text) == hr.Streamer("abc") | hr.batch(2)
    True
    """
    return json.dumps(_write(stream, name_of(type(stream))), ensure_ascii=False)


def load(text: str, functions: Mapping[str, Callable[..., Any]] | None = None) -> Stream[Any]:
    """Return the stream that ``text`` describes.

    Only registered components are made, and a function comes back only from ``functions`` or the registry: nothing is
    imported because a description says so.

    Parameters
    ----------
    text
        What :func:`dump` returned.
    functions
        ``{"module:qualname": function}`` for the functions named in it.

    Raises
    ------
    RegistryError
        For an unknown component or function; names it.
    """
    found = _read(json.loads(text), dict(functions or {}))
    if not isinstance(found, Stream):
        raise StreamConfigError(f"load got the description of {found!r}, wanted that of a stream.")
    return found


def _write(value: Any, path: str) -> Any:
    if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, np.generic)):
        return value
    if isinstance(value, Recipe):
        params = {name: _write(part, f"{path}.{name}") for name, part in value.params().items()}
        seed = getattr(value, "seed", None)
        divided = getattr(value, "divided", "")
        own = {**({} if seed is None else {"seed": seed}), **({"divided": divided} if divided else {})}
        return {"make": name_of(type(value)), "with": params, **own}
    if isinstance(value, tuple):
        return {"tuple": [_write(part, f"{path}[{k}]") for k, part in enumerate(value)]}
    if isinstance(value, list):
        return [_write(part, f"{path}[{k}]") for k, part in enumerate(value)]
    if isinstance(value, range):
        return {"range": [value.start, value.stop, value.step]}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {"dict": {name: _write(part, f"{path}.{name}") for name, part in value.items()}}
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if not array.dtype.hasobject and array.dtype.names is None and array.nbytes <= WHOLE:
            data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
            made = {"array": data, "dtype": array.dtype.str, "shape": list(array.shape)}
            return {**made, "scalar": True} if isinstance(value, np.generic) else made
    elif is_function(value) and hasattr(value, "__qualname__"):
        return {"function": where_is(value)}
    raise StreamConfigError(
        f"{path} got {_value(value)}, which cannot be written as JSON.\n"
        "  Use names, numbers, small arrays and named functions, or pickle the stream instead."
    )


def _read(value: Any, functions: dict[str, Callable[..., Any]]) -> Any:
    if isinstance(value, list):
        return [_read(part, functions) for part in value]
    if not isinstance(value, dict):
        return value
    if "make" in value:
        component = find(value["make"])
        params = {name: _read(part, functions) for name, part in value["with"].items()}
        made = component.make.from_params(params)
        own = {name: value[name] for name in ("seed", "divided") if value.get(name) is not None}
        return made.with_(**own) if own else made
    if "tuple" in value:
        return tuple(_read(part, functions) for part in value["tuple"])
    if "range" in value:
        return range(*value["range"])
    if "path" in value:
        return Path(value["path"])
    if "dict" in value:
        return {name: _read(part, functions) for name, part in value["dict"].items()}
    if "array" in value:
        data = np.frombuffer(base64.b64decode(value["array"]), value["dtype"])
        return data[0] if value.get("scalar") else data.reshape(value["shape"]).copy()
    name = value["function"]
    found = registered_function(name, functions)
    if found is None:
        raise RegistryError(
            f"load got the function {name!r}, which is neither in functions= nor registered.\n"
            f"  Pass load(text, functions={{{name!r}: the_function}})."
        )
    return found


def registered_function(name: str, functions: Mapping[str, Any]) -> Any:
    """Return what a description calls by ``name``: one of ``functions``, or a registered one; None where there is none."""
    if name in functions:
        return functions[name]
    made = (each.make for each in components() if each.kind == "function")
    return next((function for function in made if where_is(function) == name), None)
