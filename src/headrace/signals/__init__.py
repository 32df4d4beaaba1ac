"""Causal functions of columns in time: what is derived from measurements, the same live and offline, to the bit.

Here live the functions, the graph that joins them by name, and their exports. What has a clock or a device is in
``live``; what draws is in ``plot``.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for module in iter_modules(__path__):
            found = getattr(import_module(f"headrace.signals.{module.name}"), name, None)
            if getattr(found, "__module__", "").startswith("headrace.signals"):
                return found
    raise AttributeError(f"module 'headrace.signals' has no attribute {name!r}")
