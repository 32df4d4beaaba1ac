"""Look at items as they pass."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.notes import told
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream
from headrace.ops.base import OpCursor
from headrace.ops.map import check_callable

T = TypeVar("T")


def tap(function: Callable[[Any], Any]) -> Op[T, T]:
    """Call ``function(item)`` for what it does, and give the item as it came. What it returns is not used.

    A resumed run calls it for the items after the saved place; a run that is replayed calls it again.

    Raises
    ------
    StreamConfigError
        When ``function`` cannot be called.

    Examples
    --------
    >>> import headrace as hr
    >>> seen = []
    >>> list(hr.Streamer("ab") | hr.tap(seen.append) | hr.map(str.upper)), seen
    (['A', 'B'], ['a', 'b'])
    """
    return Op(Tap, function)


@register("tap", example=lambda: Tap(as_stream(range(50)), _look))
@recipe
class Tap(Stream[T]):
    """The recipe of :func:`tap`."""

    source: Stream[T]
    function: Callable[[Any], Any]

    def __post_init__(self) -> None:
        check_callable("tap", self.function)

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def spec(self) -> Spec | None:
        return self.source.spec

    def start(self, key: Key) -> Cursor[T]:
        return _Tapping(self, key)


class _Tapping(OpCursor[T]):
    stream: Tap[T]

    def run(self) -> Generator[T, None, None]:
        function = self.stream.function
        for item in self.pending():
            try:
                function(item)
            except BaseException as error:  # Ctrl-C too: nothing is lost around it
                self.held = [item]
                if isinstance(error, StopIteration):
                    raise told(error) from error
                raise
            self.count += 1
            yield item


def _look(item: Any) -> None:
    """Do nothing with it."""
