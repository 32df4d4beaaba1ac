"""A sweep as a stream: item i is the settings of point i and what the function gives there."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import update_wrapper
from importlib import import_module
from typing import Any, ClassVar

from headrace.core.functions import takes_rng
from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.items import fresh
from headrace.core.key import Key
from headrace.core.notes import told
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.sweeps.failures import note
from headrace.sweeps.points import Points
from headrace.sweeps.run import Task


@register("sweep", example=lambda: Sweep(_draw, Points({"a": range(8), "b": [0.5, 2.0, 4.0]}), {"c": 1}))
@recipe
class Sweep(Indexed[tuple[dict[str, Any], Any]]):
    """The recipe of :meth:`headrace.sweeps.Runner.stream`.

    Attributes
    ----------
    function
        What is called.
    points : Points
        Where.
    fixed : dict
        Its further arguments.

    Notes
    -----
    With a seed of its own, which that of a runner is, a point's numbers follow that seed and the point alone: they are
    those of every other way to run it, wherever in a composition it stands. Later laps draw numbers of their own.
    """

    function: Callable[..., Any]
    points: Points
    fixed: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.fix(fixed=dict(self.fixed or {}))

    @property
    def size(self) -> float:
        return len(self.points)

    @property
    def draws(self) -> bool:
        return takes_rng(self.function) and "rng" not in (self.fixed or {})

    def bind(self, key: Key) -> Bound[tuple[dict[str, Any], Any]]:
        return _Calls(self, key)


class _Calls(Bound[tuple[dict[str, Any], Any]]):
    """A sweep bound to a key: one call an item, its generator at the address of the point."""

    stream: Sweep
    inner: ClassVar[tuple[str, ...]] = ()

    def __init__(self, stream: Sweep, key: Key) -> None:
        super().__init__(stream, key)
        self.root: Key = key if stream.seed is None else Key(stream.seed)
        self.task: Task = Task(stream.function, stream.fixed or {}, self.root)

    def walk(self, at: Places) -> Iterator[tuple[dict[str, Any], Any]]:
        points, task, lap = self.stream.points, self.task, 0
        n = len(points)
        for i in at if isinstance(at, range) else at.tolist():
            if i // n != lap:
                lap = i // n
                task = Task(task.fn, task.fixed, self.root.child("lap", lap) if lap else self.root)
            settings = fresh(points[i % n])  # no container is shared with later items
            try:
                made = task(**settings)
            except BaseException as error:
                note(error, task.fn, settings)
                if isinstance(error, StopIteration):
                    raise told(error) from error
                raise
            yield settings, made


class Undecorated:
    """A function whose name in its module is that of what a decorator made of it: pickles find it inside."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn: Callable[..., Any] = fn
        update_wrapper(self, fn, updated=())

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undecorated) and self.fn is other.fn

    def __hash__(self) -> int:
        return hash(self.fn)

    def __reduce__(self) -> Any:
        return _undecorated, (self.fn.__module__, self.fn.__qualname__)


def portable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``fn`` itself, or so that plain pickles take it where ``@label`` has taken its name."""
    try:
        found = _named(fn.__module__, fn.__qualname__)
        hidden = found is not fn and inspect.unwrap(found) is fn
    except (AttributeError, KeyError, ValueError):
        return fn
    return Undecorated(fn) if hidden else fn


def _undecorated(module: str, name: str) -> Undecorated:
    import_module(module)
    return Undecorated(inspect.unwrap(_named(module, name)))


def _named(module: str, name: str) -> Any:
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _draw(a: int, b: float, c: int, *, rng: Any) -> dict[str, Any]:
    return {"x": a * b + c + rng.normal(size=2), "a": a}
