"""An op: the difference of each item and the one before it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from headrace.core import Cursor, Key, Op, Stream, as_stream, recipe, register
from headrace.ops.base import OpCursor


def differences() -> Op[Any, Any]:
    """Give the difference of each item and the one before it; one item fewer than there were."""
    return Op(Differences)


@register("example_differences", example=lambda: Differences(as_stream(range(0, 120, 2))))
@recipe
class Differences(Stream[Any]):
    """The recipe of :func:`differences`."""

    source: Stream[Any]

    @property
    def size(self) -> float | None:
        """One less than the source has."""
        return None if self.source.size is None else max(0, self.source.size - 1)

    def start(self, key: Key) -> Cursor[Any]:
        """Return a cursor before the first difference."""
        return _Subtracting(self, key)


class _Subtracting(OpCursor[Any]):
    """``before`` is the item before the next one, in a list so that "none yet" is plain data, too."""

    saves = ("count", "before")

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.before: list[Any] = []

    def run(self) -> Generator[Any, None, None]:
        for item in self.source.items:
            before, self.before = self.before, [item]
            if before:
                self.count += 1
                yield item - before[0]
