"""A handle as a stream: whatever is composed of it takes its recipe as it is at that moment, and moves nothing."""

from __future__ import annotations

from math import inf
from typing import Any

from headrace.core.cursor import Cursor, State
from headrace.core.key import Key, Seed
from headrace.core.op import Op
from headrace.core.stream import Stream
from headrace.trees.recipe import Tree


class AsStream:
    """What streams can do, for a handle that says what its recipe is."""

    def __recipe__(self) -> Tree:
        """Return the frozen description of this tree with the parameters it has now."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __recipe__()")

    def __or__(self, op: Op[Any, Any]) -> Stream[Any]:
        """Return the stream of this tree, as it is now, changed by ``op``: ``tree | hr.batch(32)``."""
        return self.__recipe__() | op

    def open(self, key: Key | None = None, at: State | int | None = None) -> Cursor[Any]:
        """Start a pass over the stream of this tree, as it is now."""
        return self.__recipe__().open(key, at)

    def shard(self, i: int, n: int) -> Stream[Any]:
        """Return part ``i`` of ``n`` of the stream of this tree: samples i, i + n, i + 2 n, ..."""
        return self.__recipe__().shard(i, n)

    def seeded(self, seed: Seed) -> Tree:
        """Return the stream of this tree with another seed."""
        return self.__recipe__().seeded(seed)

    def block(self, key: Key | None, lo: int, hi: int) -> Any:
        """Return samples ``lo`` to ``hi`` as columns; None for this tree's own seed."""
        return self.__recipe__().block(key, lo, hi)

    def __getitem__(self, index: Any) -> Any:
        """Return the sample with a number, or the columns of a slice or of several numbers. Moves nothing."""
        return self.__recipe__()[index]

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that equal trees share."""
        return self.__recipe__().fingerprint

    @property
    def size(self) -> float:
        """Endless: ``math.inf``."""
        return inf
