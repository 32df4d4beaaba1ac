"""What a form to make a signal needs to know of its arguments: name, type, default, and between which numbers it lies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

from headrace.core.knob import Knob
from headrace.signals.ranges import RANGES

_KINDS: dict[Any, str] = {bool: "bool", int: "int", float: "float", str: "str", complex: "complex"}
_HIDDEN = ("content", "xs", "settings_")  # set by signals themselves


def config_json(make: Callable[..., Any]) -> dict[str, Any]:
    """Return what a form to make a signal needs: the name, and each argument with its type, default and range.

    Types are ``"str"``, ``"int"``, ``"float"``, ``"bool"``, ``"tuple[float, float]"`` and the like; ``"Any"`` is left for
    models, functions and what takes several types. Bounds are ``least`` and ``most``, which are allowed, and ``above`` and
    ``below``, which are not; ``below`` may name another argument.

    Examples
    --------
    >>> import headrace.signals as s
    >>> config_json(s.MovingAverage)["args"][-1]
    {'name': 'length', 'type': 'int', 'least': 1}
    """
    args = []
    bounds: Mapping[str, Any] = {**RANGES, **getattr(make, "ranges", {})}
    for name, parameter in signature(make).parameters.items():
        if name in _HIDDEN:
            continue
        found: dict[str, Any] = {"name": name, "type": _type(parameter)}
        if parameter.kind is Parameter.VAR_POSITIONAL:
            found["type"] = "list[str]"
        if parameter.default is not Parameter.empty:
            default = parameter.default
            found["default"] = default.value if isinstance(default, Knob) else default
        if name in bounds and not found["type"].startswith(("str", "list[str]")):
            found.update(bounds[name].told())
        args.append(found)
    return {"sig_name": getattr(make, "__name__", str(make)), "args": args}


def _type(parameter: Parameter) -> str:
    told = parameter.annotation
    told = told if isinstance(told, str) else getattr(told, "__name__", "Any")
    told = plain_type(told).partition(" |")[0]
    if told in ("Any", "_empty"):
        told = _KINDS.get(type(parameter.default), "Any")
    return told


def plain_type(told: str) -> str:
    """Return an annotation without what says that it may be a knob.

    Examples
    --------
    >>> plain_type("Turnable[int | None]")
    'int | None'
    """
    return re.sub(r"^Turnable\[(.*)\]$", r"\1", told)
