"""What models and functions consist of that no name tells apart: two models of one class, two lambdas of one module."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from headrace.core.plain import array_digest, code_of, digest, plain, where_is
from headrace.errors import DataError

CODE = "code:"  # what code is depends on the version of Python: it tells apart, and is no promise to a file


def content_of(thing: Any) -> str:
    """Return a digest of what a model or function consists of, or an empty text where its name or file says it.

    Of a torch module these are its layers and weights, of other objects their type and attributes, of a function that no
    module has under its name its code and what that holds. Large arrays count by a sample.

    Examples
    --------
    >>> import numpy as np
    >>> content_of(np.mean), content_of(lambda x: 2 * x) == content_of(lambda x: 3 * x)
    ('', False)
    """
    if isinstance(thing, Path | bytes) or _has_a_name(thing):
        return ""
    if hasattr(thing, "state_dict") and hasattr(thing, "named_parameters"):
        return digest("|".join([where_is(thing), repr(thing), *_weights(thing)]))
    if isinstance(thing, partial):
        inner = content_of(thing.func) or where_is(thing.func)
        return CODE + digest(repr([inner, _parts(thing.args, set()), _parts(thing.keywords, set())]))
    if hasattr(thing, "__code__") or hasattr(thing, "__func__"):
        return CODE + digest(code_of(thing))
    return digest(repr(_parts(thing, set())))


def check_content(thing: Any, wanted: str, what: str) -> None:
    """Raise unless something consists of what it did when its content was written down.

    Raises
    ------
    DataError
        When it does not; code may have changed since, a model may not.
    """
    found = content_of(thing)
    if found != wanted and not (wanted.startswith(CODE) and found[: len(CODE)] in ("", CODE)):
        raise DataError(
            f"from_json got for {what} a {where_is(thing)} of content {found!r}, wanted {wanted!r}: it is another model.\n"
            "  Hand over the one that the graph was written with."
        )


def _has_a_name(thing: Any) -> bool:
    """Tell whether it is what its module has under its name."""
    at: Any = sys.modules.get(getattr(thing, "__module__", None) or "")
    if not hasattr(thing, "__qualname__") or at is None:
        return hasattr(thing, "__qualname__") and "<" not in thing.__qualname__ and not hasattr(thing, "__code__")
    for name in thing.__qualname__.split("."):
        at = getattr(at, name, None)
    return at is thing


def _weights(module: Any) -> list[str]:
    found = []
    for name, each in sorted(module.state_dict().items()):
        if hasattr(each, "detach"):
            each = each.detach().cpu()
            each = each.float() if str(each.dtype) == "torch.bfloat16" else each
            found.append(f"{name}={each.numpy().dtype.str}{tuple(each.shape)}{array_digest(each.numpy())}")
    return found


def _parts(value: Any, seen: set[int]) -> Any:
    """Return what an object consists of as plain values, its attributes by name; private ones are how, not what."""
    if isinstance(value, dict | list | tuple | set | frozenset) or hasattr(value, "__dict__"):
        if id(value) in seen:
            return "..."
        seen.add(id(value))
    if isinstance(value, dict):
        return [(str(name), _parts(part, seen)) for name, part in value.items()]
    if isinstance(value, list | tuple):
        return [_parts(part, seen) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(repr(_parts(part, seen)) for part in value)
    if isinstance(value, type | ModuleType):
        return getattr(value, "__qualname__", value.__name__)
    if hasattr(value, "__code__") or hasattr(value, "__func__"):
        return digest(code_of(value))
    if isinstance(value, np.ndarray):  # fields one by one: what lies between them is nothing
        return [_parts(value[name], seen) for name in value.dtype.names] if value.dtype.names else plain(value)
    if hasattr(value, "__dict__"):
        private = hasattr(value, "get_params")  # an estimator learns, and then only answers
        inside = {name: part for name, part in vars(value).items() if private or not name.startswith("_")}
        return [where_is(type(value)), *_parts(inside, seen)]
    if type(value).__module__ not in ("builtins", "numpy"):
        state = value.__reduce__()[2:3] if hasattr(value, "__setstate__") else ()  # of a compiled class
        return [plain(value), _parts(state, seen)]
    return plain(value)
