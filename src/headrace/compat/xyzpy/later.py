"""Names whose rooms are still to come: they exist with their arguments, and say so when they are used."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from headrace.errors import HeadraceError

__all__ = ["CROPS", "PLOTS", "What", "function", "kind", "not_yet"]


class What(NamedTuple):
    """What comes later, and what to do until then."""

    told: str
    instead: str


CROPS = What(
    "crops and cluster scripts come",
    "A Harvester keeps every call that is done, and harvest_combos(..., missing_only=True) goes on where it stopped;\n"
    "  executor= takes what dask, Ray, submitit and MPI offer.",
)
PLOTS = What("plots come", "Datasets draw themselves: ds['y'].plot(x='a', hue='b').")


def not_yet(name: str, what: What) -> HeadraceError:
    """Return the error of a name that cannot be used yet."""
    return HeadraceError(f"{name} is not in this headrace: {what.told} with a later version.\n  {what.instead}")


def function(name: str, what: What, like: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with the arguments of ``like`` that says that it comes later.

    Examples
    --------
    >>> heatmap = function("heatmap", PLOTS, lambda ds, x, y, z, **kwargs: None)
    >>> inspect.signature(heatmap)
    <Signature (ds, x, y, z, **kwargs)>
    >>> heatmap(1, 2, 3, 4)
    Traceback (most recent call last):
    headrace.errors.HeadraceError: heatmap is not in this headrace: plots come with a later version...
    """

    def later(*args: Any, **kwargs: Any) -> Any:
        raise not_yet(name, what)

    made: Any = later
    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"Say that {what.told} with a later version."
    made.__signature__ = inspect.signature(like)
    return later


def kind(name: str, what: What, like: Callable[..., Any]) -> Any:
    """Return a class with the arguments of ``like`` that says that it comes later; for ``isinstance`` it is there."""

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        raise not_yet(name, what)

    doc = f"What says that {what.told} with a later version."
    return type(name, (), {"__init__": init, "__doc__": doc, "__signature__": inspect.signature(like)})
