"""What components there are: a name, the thing, and an example that the laws are run on.

``@register("name", example=lambda: ...)`` in the component's own file is all it takes. A plug-in does the same and
names its module under the entry-point group ``headrace.components``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import walk_packages
from typing import Any, Literal, NamedTuple, TypeVar

from headrace.errors import RegistryError

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["stream", "sink", "function", "view", "signal"]
GROUP = "headrace.components"


class Component(NamedTuple):
    """A registered component: ``example()`` makes one to run the laws on."""

    name: str
    make: Any
    example: Callable[..., Any] | None
    kind: Kind


_components: dict[str, Component] = {}
_names: dict[Any, str] = {}
# What lower rooms ask upper ones for by name; the module is imported when it is first asked for.
_HOMES = {
    "streamer": "headrace.sources.streamer",
    "shard": "headrace.ops.shard",
    "plot.tree_svg": "headrace.plot.tree_svg",
    "plot.to_svg": "headrace.plot.files",
    "plot.to_dotfile": "headrace.plot.files",
    "plot.to_mermaid": "headrace.plot.files",
    "plot.buffer": "headrace.plot.samples",
    "plot.graph_svg": "headrace.plot.signal_graph",
    "plot.graph_mermaid": "headrace.plot.signal_graph",
    "plot.data_buffer": "headrace.plot.buffer_plots",
    "plot.frames": "headrace.plot.frames_lines",
    "plot.preview": "headrace.plot.frames_preview",
    "plot.event_raster": "headrace.plot.frames_events",
    "plot.time_surface": "headrace.plot.frames_events",
}


def register(name: str, *, example: Callable[..., Any] | None, kind: Kind = "stream") -> Callable[[F], F]:
    """Return a decorator that makes a component known under ``name``.

    Parameters
    ----------
    name
        How it is called in descriptions and paths; unique.
    example
        Makes one on which the laws of :mod:`headrace.testing` hold: a small stream for a source, an op or a mux; a
        sink for a folder it is given. Functions registered for ``load`` need none.
    kind
        What it is: ``"stream"``, ``"sink"``, a ``"function"`` that descriptions may name, or a ``"view"``: what an upper
        room shows of a lower one's objects, which have methods that ask for it; a ``"signal"``.

    Raises
    ------
    RegistryError
        When something else has that name.
    """

    def known(component: F) -> F:
        taken = _components.get(name)
        if taken is not None and _home(taken.make) != _home(component):
            raise RegistryError(f"register got {name!r}, which {taken.make!r} has already. Choose another name.")
        _components[name] = Component(name, component, example, kind)
        _names[component] = name
        return component

    return known


def _home(component: Any) -> tuple[str, str]:
    return component.__module__, component.__qualname__


def find(name: str) -> Component:
    """Return the component called ``name``.

    Raises
    ------
    RegistryError
        When there is none; lists the known names.
    """
    if name not in _components and name in _HOMES:
        import_module(_HOMES[name])
    if name not in _components:
        load_components()
    if name not in _components:
        raise RegistryError(f"no component is called {name!r}.\n  Known: {', '.join(sorted(_components))}.")
    return _components[name]


def name_of(component: Any) -> str:
    """Return the registered name of a class, or its own name."""
    return _names.get(component) or str(component.__name__)


def components() -> tuple[Component, ...]:
    """Return every component there is, built in or of a plug-in, by name."""
    load_components()
    return tuple(_components[name] for name in sorted(_components))


def load_components() -> None:
    """Import every module of the built-in rooms and every plug-in, so that what they register is known."""
    for room in ("sources", "ops", "mux", "signals", "parallel", "store", "sweeps", "live", "trees", "frames"):
        package = import_module(f"headrace.{room}")
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    for point in entry_points(group=GROUP):
        point.load()
