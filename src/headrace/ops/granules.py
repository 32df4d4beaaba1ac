"""Functions of columns: called for many items at once, and no item depends on how many are asked for.

A function that draws is called on *granules*, items 0 to 1023, 1024 to 2047, ... of a lap, with a generator for each.
What is common to ``map(batched=True)`` and to sources of that kind is in ``core.granular``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from headrace.core.functions import takes_rng
from headrace.core.granular import GRANULE, Granular
from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import find, register
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.ops.base import inside, lane_of

U = TypeVar("U")


@register("map_batched", example=lambda: BatchedMap(find("functional").make(_row, (), {}, 60), _plus_noise))
@recipe
class BatchedMap(Indexed[U]):
    """The recipe of :func:`headrace.map` with ``batched=True``, over a stream whose items have numbers."""

    source: Stream[Any]
    function: Callable[..., Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise StreamConfigError(f"map(function, batched=True) got {self.function!r}, wanted a function of columns.")

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def draws(self) -> bool:
        return takes_rng(self.function)

    @property
    def grain(self) -> int:
        return max(GRANULE, super().grain) if self.draws else super().grain

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Any:
        from headrace.ops.map import batched_map  # which chooses between this and batches, for other sources

        return batched_map(**params)

    def bind(self, key: Key) -> Bound[U]:
        return _Mapped(self, key)


class _Mapped(Granular[U]):
    def __init__(self, stream: BatchedMap[U], key: Key) -> None:
        super().__init__(stream, key, lane_of(stream, key, "map") if stream.draws else None)
        source: Any = stream.source
        self.source: Bound[Any] = source.bound(inside(stream, key))

    def make(self, at: Places, rng: Any) -> Any:
        columns = self.source.columns(at)
        function = self.stream.function
        return function(columns) if rng is None else function(columns, rng=rng)


def _row(i: int) -> dict[str, Any]:
    return {"X": i * 1.5, "i": i}


def _plus_noise(columns: Any, rng: Any) -> Any:
    return {**columns, "X": columns["X"] + rng.normal(size=len(columns["X"]))}
