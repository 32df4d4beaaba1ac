"""``Streamer`` and ``streamable`` as Pescador has them."""

from __future__ import annotations

import inspect
from abc import ABCMeta
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from itertools import islice
from typing import Any, ClassVar, ParamSpec, Self

from headrace.compat.pescador.exceptions import PescadorError
from headrace.compat.pescador.util import Deprecated, rename_kw
from headrace.core.cursor import Cursor
from headrace.core.stream import Stream, whole
from headrace.sources import streamer as native

__all__ = ["PescadorError", "Streamer", "streamable"]

P = ParamSpec("P")
_UNUSED = Deprecated()


class Runs(Stream[Any]):
    """What old code does with a stream besides drawing from it: ``with``, the count of activations, older names."""

    _run: Cursor[Any] | None = None  # the run of an activated copy
    _copies: tuple[Any, ...] = ()  # copies made by ``with``, the innermost last

    def iterate(
        self, max_iter: float | None = None, *, max_items: Any = _UNUSED, max_batches: Any = _UNUSED
    ) -> Iterator[Any]:
        """Yield the items of one pass, at most ``max_iter`` of them; never draws one more than it gives.

        An activated copy goes on where it is. ``max_items`` and ``max_batches`` are older names of ``max_iter``.
        """
        max_iter = rename_kw("max_items", max_items, "max_iter", max_iter, "2.0", "a later version")
        max_iter = rename_kw("max_batches", max_batches, "max_iter", max_iter, "2.0", "a later version")
        return super().iterate(max_iter) if self._run is None else islice(self._run, whole(max_iter))

    def cycle(
        self, max_iter: float | None = None, *, max_items: Any = _UNUSED, max_batches: Any = _UNUSED
    ) -> Iterator[Any]:
        """Yield lap after lap, each with numbers of its own, at most ``max_iter`` items; ends when a lap is empty."""
        max_iter = rename_kw("max_items", max_items, "max_iter", max_iter, "2.0", "a later version")
        max_iter = rename_kw("max_batches", max_batches, "max_iter", max_iter, "2.0", "a later version")
        return super().cycle(max_iter)

    def __call__(
        self,
        max_iter: float | None = None,
        cycle: bool = False,
        *,
        max_items: Any = _UNUSED,
        max_batches: Any = _UNUSED,
    ) -> Iterator[Any]:
        """Return :meth:`cycle` or :meth:`iterate`."""
        max_iter = rename_kw("max_items", max_items, "max_iter", max_iter, "2.0", "a later version")
        max_iter = rename_kw("max_batches", max_batches, "max_iter", max_iter, "2.0", "a later version")
        return self.cycle(max_iter) if cycle else self.iterate(max_iter)

    def generate(
        self, max_iter: float | None = None, *, max_items: Any = _UNUSED, max_batches: Any = _UNUSED
    ) -> Iterator[Any]:
        """Return :meth:`iterate`, whose older name this is."""
        rename_kw("generate", None, "iterate", None, "2.0", "a later version")
        max_iter = rename_kw("max_items", max_items, "max_iter", max_iter, "2.0", "a later version")
        max_iter = rename_kw("max_batches", max_batches, "max_iter", max_iter, "2.0", "a later version")
        return self.iterate(max_iter)

    # --- activation -----------------------------------------------------------------------------

    @property
    def active_count_(self) -> int:
        """How many passes are under way: :attr:`active` by its older name."""
        return self.active

    @property
    def is_activated_copy(self) -> bool:
        """Whether this is what ``with`` gave: a copy with a run of its own."""
        return self._run is not None

    @property
    def stream_(self) -> Cursor[Any] | None:
        """The run of an activated copy; None on a recipe."""
        return self._run

    def __enter__(self) -> Self:
        if self._run is not None:
            return self
        copy: Self = self.with_()
        copy.fix(_run=self.open())
        self.fix(_copies=(*self._copies, copy))
        self._activate(1)
        return copy

    def __exit__(self, *error: object) -> None:
        if self._run is not None:
            return
        if not self._copies:
            raise PescadorError(f"{self.node_name} has been left more often than entered.")
        *copies, copy = self._copies
        self.fix(_copies=tuple(copies))
        self._activate(-1)
        copy._run.close()


class Streamer(Runs, native.Streamer[Any], metaclass=ABCMeta):
    """A recipe for a stream: something that makes items, and the arguments to start it with.

    As :class:`headrace.Streamer`, but each pass works on copies of the source and of the arguments of its own, where
    they can be copied; and a parameter ``rng`` that has a default keeps it.

    Parameters
    ----------
    streamer
        A generator function, any iterable, another stream.
    *args, **kwargs
        The function's arguments.

    Raises
    ------
    PescadorError
        When ``streamer`` makes no items.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> def countdown(n):
    ...     yield from range(n, 0, -1)
    >>> streamer = pescador.Streamer(countdown, 3)
    >>> list(streamer), list(streamer(max_iter=5, cycle=True))
    ([3, 2, 1], [3, 2, 1, 3, 2])
    """

    isolate: ClassVar[bool] = True

    def __init__(self, streamer: Any, *args: Any, **kwargs: Any) -> None:
        native.Streamer.__init__(self, streamer, *args, **kwargs)

    @property
    def streamer(self) -> Any:
        """What makes the items: the function, the iterable, the stream inside."""
        return getattr(self.source, "__wrapped__", self.source) if _is_marked(self.source) else self.source

    def hands_rng(self, function: Callable[..., Any]) -> bool:
        """Tell whether ``function`` is handed a generator: where its ``rng`` has a default, old code means that."""
        if not super().hands_rng(function):
            return False
        return inspect.signature(function).parameters["rng"].default is inspect.Parameter.empty


def _is_marked(source: Any) -> bool:
    return callable(source) and hasattr(source, "__streamable__")


def streamable(generator: Callable[P, Iterable[Any]]) -> Callable[P, Streamer]:
    """Make a generator function return a :class:`Streamer` of itself when called.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> @pescador.streamable
    ... def countdown(n):
    ...     yield from range(n, 0, -1)
    >>> list(countdown(3))
    [3, 2, 1]
    """
    native.streamable(generator)  # checks it

    @wraps(generator)
    def recipe_of(*args: P.args, **kwargs: P.kwargs) -> Streamer:
        return Streamer(recipe_of, *args, **kwargs)

    recipe_of.__streamable__ = True  # type: ignore[attr-defined]  # typing knows no attributes of functions
    return recipe_of
