"""Name the node whose function a pickle cannot take, where pickle itself names a lambda alone."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from multiprocessing.reduction import ForkingPickler
from types import FunctionType
from typing import Any

from headrace.core.functions import name_of_function
from headrace.trees.batched import Batched
from headrace.trees.plan import Plan

_PLAIN = (pickle.Pickler, pickle._Pickler, ForkingPickler)


def check_picklable(tree: Any, plan: Plan, more: Mapping[str, Any]) -> None:
    """Raise for a function that pickle will not find by its name, where pickle is what asks.

    Picklers that write functions by value, as cloudpickle does, are left alone, and so is ``copy``.

    Parameters
    ----------
    tree
        What is pickled.
    plan
        Its plan.
    more
        Other functions it has, by what they are called.

    Raises
    ------
    pickle.PicklingError
        Naming the node.
    """
    lost = next(_lost(plan, more), None)
    if lost is not None and _by_name():
        where, function = lost
        raise pickle.PicklingError(
            f"{type(tree).__name__} got pickled, and {where} has the function {name_of_function(function)}, which is no name "
            "of a module, wanted functions that another process finds by name.\n"
            "  Write def at the top of a module in place of a lambda or an inner function, or pickle with cloudpickle."
        )


def _lost(plan: Plan, more: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (whose, function) of functions that are not what their name leads to."""
    named = [(f"node {entry['name']!r}", entry.get("function")) for entry in plan]
    for where, function in [*named, *more.items()]:
        inner = function
        while isinstance(inner, partial) or (isinstance(inner, Batched) and not _is_found(inner)):
            inner = inner.func if isinstance(inner, partial) else inner.function
        if isinstance(inner, FunctionType) and not _is_found(inner):
            yield where, inner


def _is_found(function: Any) -> bool:
    found: Any = sys.modules.get(str(function.__module__))
    for part in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return found is function


def _by_name() -> bool:
    """Tell whether who asks can write functions by name alone: no ``copy``, and no pickler that can do more is at work."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_globals.get("__name__") == copy.__name__:
            return False
        asks = frame.f_locals.get("self")
        if isinstance(asks, pickle.Pickler | pickle._Pickler) and type(asks) not in _PLAIN:
            return False
    return True
