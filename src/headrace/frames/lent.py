"""A frame stream as a stream: whatever is composed of it takes its recipe as it is at that moment, and moves nothing.

A base class with one child, and on purpose: what streams can do is one idea, what a handle does with its own place is
another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from headrace.core.cursor import Cursor, State
from headrace.core.indexed import Indexed
from headrace.core.key import Key, Seed
from headrace.core.op import Op
from headrace.core.stream import Resume, Spec, Stream, no_numbers


class AsStream:
    """What streams can do, for a handle that says what its recipe is.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import SequenceStream
    >>> stream = SequenceStream(np.zeros((10, 4, 5)))
    >>> stream[3].shape, stream[3:7].shape, stream.access, stream.i
    ((4, 5), (4, 4, 5), 'index', 0)
    """

    def __recipe__(self) -> Stream[Any]:
        """Return the frozen description of the frames, as it is now."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __recipe__()")

    # --- runs -----------------------------------------------------------------------------------

    def open(self, key: Key | None = None, at: State | int | None = None) -> Cursor[Any]:
        """Start a pass over the frames, one item each; see :meth:`headrace.Stream.open`. Moves nothing."""
        return self.__recipe__().open(key, at)

    def iterate(self, max_iter: float | None = None) -> Iterator[Any]:
        """Yield the frames from the first on, at most ``max_iter`` of them. Moves nothing."""
        return self.__recipe__().iterate(max_iter)

    def cycle(self, max_iter: float | None = None) -> Iterator[Any]:
        """Yield lap after lap of the frames. Moves nothing."""
        return self.__recipe__().cycle(max_iter)

    def __call__(self, max_iter: float | None = None, cycle: bool = False) -> Iterator[Any]:
        """Return :meth:`cycle` or :meth:`iterate`."""
        return self.__recipe__()(max_iter, cycle)

    def block(self, key: Key | None, lo: int, hi: int) -> Any:
        """Return frames ``lo`` to ``hi`` as columns, ``(hi - lo, rows, cols[, channels])``. Moves nothing.

        Raises
        ------
        AddressError
            When there are no such frames, or they have no numbers.
        """
        made = self.__recipe__()
        if not isinstance(made, Indexed):
            raise no_numbers(made)
        return made.block(key, lo, hi)

    def __getitem__(self, index: Any) -> Any:
        """Return the frame with a number, or the columns of a slice or of several numbers. Moves nothing."""
        return self.__recipe__()[index]

    # --- algebra --------------------------------------------------------------------------------

    def __or__(self, op: Op[Any, Any]) -> Stream[Any]:
        """Return the stream of the frames, as it is now, changed by ``op``: ``video | hr.batch(32)``."""
        return self.__recipe__() | op

    def shard(self, i: int, n: int) -> Stream[Any]:
        """Return part ``i`` of ``n`` of the frames: frames i, i + n, i + 2 n, ... where they have numbers."""
        return self.__recipe__().shard(i, n)

    def seeded(self, seed: Seed) -> Stream[Any]:
        """Return the stream of the frames with another seed."""
        return self.__recipe__().seeded(seed)

    # --- what it is -----------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that equal sources share."""
        return self.__recipe__().fingerprint

    @property
    def access(self) -> Literal["index", "cursor"]:
        """``"index"`` when frame i can be had without those before it, else ``"cursor"``."""
        return self.__recipe__().access

    @property
    def resume(self) -> Resume:
        """``"exact"`` when a run continues from a state at once; ``"replay"`` by running again; ``"none"`` never."""
        return self.__recipe__().resume

    @property
    def spec(self) -> Spec | None:
        """Shape, dtype and axes of a frame, where they are known before the first."""
        return self.__recipe__().spec

    @property
    def children(self) -> tuple[Stream[Any], ...]:
        """The streams that the frames are made of."""
        return self.__recipe__().children

    def __len__(self) -> int:
        return len(self.__recipe__())

    def __bool__(self) -> bool:
        return True
