"""A handle as a stream: whatever is composed of it takes its recipe as it is at that moment, and moves nothing.

A base class with one child, and on purpose: what streams can do is one idea, what the tree does with its own position is
another, and both in one class would be a file of twice the length that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from headrace.core.cursor import Cursor, State
from headrace.core.key import Key, Seed
from headrace.core.op import Op
from headrace.core.stream import Resume, Spec, Stream
from headrace.trees.recipe import Tree


class AsStream:
    """What streams can do, for a handle that says what its recipe is.

    Examples
    --------
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _, *, rng: rng.random(), {"a": "a", "b": "b"}])
    >>> [label for _, label in tree.iterate(3)] == [tree[i][1] for i in range(3)], tree.access, tree.position
    (True, 'index', 0)
    """

    def __recipe__(self) -> Tree:
        """Return the frozen description of this tree with the parameters it has now."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __recipe__()")

    # --- runs -----------------------------------------------------------------------------------

    def open(self, key: Key | None = None, at: State | int | None = None) -> Cursor[Any]:
        """Start a pass over the stream of this tree, as it is now; see :meth:`headrace.Stream.open`."""
        return self.__recipe__().open(key, at)

    def iterate(self, max_iter: float | None = None) -> Iterator[Any]:
        """Yield the samples from the first on, at most ``max_iter`` of them, of this tree as it is now. Moves nothing."""
        return self.__recipe__().iterate(max_iter)

    def cycle(self, max_iter: float | None = None) -> Iterator[Any]:
        """Yield lap after lap: as a tree has no end, one lap with numbers of its own. Moves nothing."""
        return self.__recipe__().cycle(max_iter)

    def __call__(self, max_iter: float | None = None, cycle: bool = False) -> Iterator[Any]:
        """Return :meth:`cycle` or :meth:`iterate`."""
        return self.__recipe__()(max_iter, cycle)

    def block(self, key: Key | None, lo: int, hi: int) -> Any:
        """Return samples ``lo`` to ``hi`` as columns; None for this tree's own seed."""
        return self.__recipe__().block(key, lo, hi)

    def __getitem__(self, index: Any) -> Any:
        """Return the sample with a number, or the columns of a slice or of several numbers. Moves nothing."""
        return self.__recipe__()[index]

    # --- algebra --------------------------------------------------------------------------------

    def __or__(self, op: Op[Any, Any]) -> Stream[Any]:
        """Return the stream of this tree, as it is now, changed by ``op``: ``tree | hr.batch(32)``."""
        return self.__recipe__() | op

    def shard(self, i: int, n: int) -> Stream[Any]:
        """Return part ``i`` of ``n`` of the stream of this tree: samples i, i + n, i + 2 n, ...

        Raises
        ------
        StreamConfigError
            When there is no such part, or samples have no numbers.
        """
        return self.__recipe__().shard(i, n)

    def seeded(self, seed: Seed) -> Tree:
        """Return the stream of this tree with another seed."""
        return self.__recipe__().seeded(seed)

    # --- what it is -----------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that equal trees share."""
        return self.__recipe__().fingerprint

    @property
    def size(self) -> float | None:
        """Endless: ``math.inf``."""
        return self.__recipe__().size

    @property
    def access(self) -> Literal["index", "cursor"]:
        """``"index"`` when sample i can be had without those before it, else ``"cursor"``."""
        return self.__recipe__().access

    @property
    def resume(self) -> Resume:
        """``"exact"`` when a pass over it continues from a state at once; ``"none"`` when never."""
        return self.__recipe__().resume

    @property
    def spec(self) -> Spec | None:
        """Names, shapes, dtypes and axes of a sample's leaves, where they are known before the first one."""
        return self.__recipe__().spec

    @property
    def children(self) -> tuple[Stream[Any], ...]:
        """The streams inside, which are none: the nodes behind a node are in :attr:`Node.children`."""
        return self.__recipe__().children
