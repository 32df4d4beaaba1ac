"""Streams whose items have numbers, and that break one law each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

import headrace as hr
from headrace.core import Bound, Indexed, Key, recipe
from headrace.core.indexed import IndexedCursor


class _Plain(Bound[Any]):
    inner = ()

    def walk(self, at: Any) -> Iterator[Any]:
        for i in at:
            yield {"i": int(i) % 20}


class _Base(Indexed[Any]):
    kind: type[Bound[Any]] = _Plain

    @property
    def size(self) -> float:
        return 20

    def bind(self, key: Key) -> Bound[Any]:
        return self.kind(self, key)


@recipe
class CountsWronglyFromTheEnd(_Base):
    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(index - 1 if isinstance(index, int) and -20 < index < 0 else index)


class _Wide(_Plain):
    def columns(self, at: Any) -> Any:
        found = super().columns(at)
        return found if isinstance(at, range) else {"i": found["i"].astype(np.int32)}


@recipe
class OtherDtypeInColumns(_Base):
    kind = _Wide


@recipe
class CountsFromZeroAgain(_Base):
    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(index % 20 if isinstance(index, int | np.integer) else index)


class _Lapless(_Plain):
    def walk(self, at: Any) -> Iterator[Any]:
        for i in at:
            yield {"i": int(i) % 19 if i >= 20 and len(at) == 1 else int(i) % 20}


@recipe
class LapsDiffer(_Base):
    kind = _Lapless


@recipe
class OverlappingParts(_Base):
    def shard(self, i: int, n: int) -> Any:
        from headrace.ops.shard import Shard

        return Shard(self, 0 if n == 3 else i, n)


class _Threaded(_Plain):
    def walk(self, at: Any) -> Iterator[Any]:
        for i in at:
            yield {"i": int(i) % 20 + (threading.current_thread() is not threading.main_thread())}


@recipe
class DependsOnTheThread(_Base):
    kind = _Threaded


@recipe
class GrowsByQuestions(_Base):
    def __getitem__(self, index: Any) -> Any:
        self.fix(made=[*self.__dict__.get("made", ()), 1])
        return super().__getitem__(index)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return 1


class _Own(IndexedCursor[Any]):
    def save(self) -> Any:
        return {"count": self.count}

    def load(self, saved: Any) -> None:
        super().load(saved["count"] if isinstance(saved, dict) else saved)


@recipe
class SavesMore(_Base):
    def start_indexed(self, key: Key) -> Any:
        return _Own(self, key)


class _Swallowing(Bound[Any]):
    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.source: Any = stream.source.bound(key)

    def walk(self, at: Any) -> Iterator[Any]:
        for i in at:
            try:
                yield from self.source.walk(range(i, i + 1))
            except Exception:  # the fault
                yield {"i": -1}


@recipe
class Swallows(Indexed[Any]):
    source: Any

    @property
    def size(self) -> float | None:
        return int(self.source.size)

    def bind(self, key: Key) -> Bound[Any]:
        return _Swallowing(self, key)


BROKEN: dict[str, Any] = {
    "items by number": CountsWronglyFromTheEnd(),
    "columns by number": OtherDtypeInColumns(),
    "numbers end": CountsFromZeroAgain(),
    "laps by number": LapsDiffer(),
    "shards": OverlappingParts(),
    "by number from two threads": DependsOnTheThread(),
    "by number from a copy": GrowsByQuestions(),
    "a state is a number": SavesMore(),
    "a failed item by number": Swallows(hr.source([{"i": i} for i in range(20)])),
}
