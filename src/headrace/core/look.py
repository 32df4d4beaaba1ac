"""What ``[i]`` and ``block`` ask of a stream whose items have numbers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from headrace.core.key import Key
from headrace.core.notes import explain
from headrace.errors import DataError

if TYPE_CHECKING:
    from headrace.core.indexed import Bound, Indexed, Places

T = TypeVar("T")


class Look(Generic[T]):
    """A stream bound to a key, for one thread: a Bound is used by one, and files are not shared by two."""

    def __init__(self, stream: Indexed[T], key: Key) -> None:
        twin: Indexed[T] = object.__new__(type(stream))  # so that the stream is in no circle, and files close with it
        twin.__dict__.update({name: value for name, value in stream.__dict__.items() if name != "_looks"})
        self.stream: Indexed[T] = twin
        self.key: Key = key
        self.process: int = os.getpid()
        # A seed of the stream's own replaces the root of the key, as in a pass.
        self.bound: Bound[T] = twin.bound(key)
        self.top: int = int(min(twin.extent(), twin.reach))
        self.count: int = 0
        self.busy: bool = False

    def item(self, i: int) -> T:
        """Return item ``i``."""
        made: T = self.run(_first, range(i, i + 1))
        return made

    def columns(self, at: Places) -> Any:
        """Return the items at these places as columns."""
        return self.run(_columns, at)

    def label_of(self, bound: Any) -> str | None:
        return "" if bound is self.bound else None

    def run(self, ask: Callable[[Bound[T], Places], Any], at: Places) -> Any:
        """Return ``ask(bound, at)``. A function that asks the same stream while it is asked gets another Bound."""
        if self.busy:
            return Look(self.stream, self.key).run(ask, at)
        self.count, self.busy = int(at[0]), True
        try:
            return ask(self.bound, at)
        except Exception as error:
            explain(error, self)
            raise
        finally:
            self.busy = False

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:  # a default outlives the module
        bound = self.__dict__.get("bound")
        if bound is not None and not ending():  # nobody else closes its files: the description goes, or its thread
            bound.close()


def _first(bound: Bound[T], at: Places) -> T:
    for item in bound.walk(at):
        return item
    # A bare StopIteration would end the caller's loop or generator without a word.
    raise DataError(
        f"{bound.stream.node_name} gave nothing for item {at[0]}, wanted one: it said that there is such an item.\n"
        "  What it reads from may have been changed; in a class of your own, walk() yields an item for each number."
    )


def _columns(bound: Bound[Any], at: Places) -> Any:
    return bound.columns(at)
