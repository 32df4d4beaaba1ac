"""A handle as a stream: whatever is composed of it takes its recipe as it is at that moment, and moves nothing."""

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

    What streams can do is one idea, what a handle does with its own place is another: a tree and a film differ in the
    second alone.

    Examples
    --------
    >>> import headrace as hr
    >>> class Numbers(AsStream):
    ...     def __recipe__(self):
    ...         return hr.source([5, 6, 7])
    >>> numbers = Numbers()
    >>> numbers[2], list(numbers | hr.skip(1)), numbers.access
    (7, [6, 7], 'index')
    """

    def __recipe__(self) -> Stream[Any]:
        """Return the frozen description of what the handle gives, as it is now."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __recipe__()")

    # --- runs -----------------------------------------------------------------------------------

    def open(self, key: Key | None = None, at: State | int | None = None) -> Cursor[Any]:
        """Start a pass over the stream of this handle, as it is now; see :meth:`headrace.Stream.open`. Moves nothing."""
        return self.__recipe__().open(key, at)

    def iterate(self, max_iter: float | None = None) -> Iterator[Any]:
        """Yield the items from the first on, at most ``max_iter`` of them. Moves nothing."""
        return self.__recipe__().iterate(max_iter)

    def cycle(self, max_iter: float | None = None) -> Iterator[Any]:
        """Yield lap after lap of the items; without an end, one lap with numbers of its own. Moves nothing."""
        return self.__recipe__().cycle(max_iter)

    def __call__(self, max_iter: float | None = None, cycle: bool = False) -> Iterator[Any]:
        """Return :meth:`cycle` or :meth:`iterate`."""
        return self.__recipe__()(max_iter, cycle)

    def block(self, key: Key | None, lo: int, hi: int) -> Any:
        """Return items ``lo`` to ``hi`` as columns, ``(hi - lo, ...)``; None for the handle's own seed. Moves nothing.

        Raises
        ------
        AddressError
            When there are no such items, or they have no numbers.
        """
        made = self.__recipe__()
        if not isinstance(made, Indexed):
            raise no_numbers(made)
        return made.block(key, lo, hi)

    def __getitem__(self, index: Any) -> Any:
        """Return the item with a number, or the columns of a slice or of several numbers. Moves nothing."""
        return self.__recipe__()[index]

    # --- algebra --------------------------------------------------------------------------------

    def __or__(self, op: Op[Any, Any]) -> Stream[Any]:
        """Return the stream of this handle, as it is now, changed by ``op``: ``video | hr.batch(32)``."""
        return self.__recipe__() | op

    def shard(self, i: int, n: int) -> Stream[Any]:
        """Return part ``i`` of ``n`` of the stream: items i, i + n, i + 2 n, ... where they have numbers.

        Raises
        ------
        StreamConfigError
            When there is no such part, or the stream cannot be divided.
        """
        return self.__recipe__().shard(i, n)

    def seeded(self, seed: Seed) -> Stream[Any]:
        """Return the stream of this handle with another seed."""
        return self.__recipe__().seeded(seed)

    # --- what it is -----------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that equal recipes share."""
        return self.__recipe__().fingerprint

    @property
    def access(self) -> Literal["index", "cursor"]:
        """``"index"`` when item i can be had without those before it, else ``"cursor"``."""
        return self.__recipe__().access

    @property
    def resume(self) -> Resume:
        """``"exact"`` when a run continues from a state at once; ``"replay"`` by running again; ``"none"`` never."""
        return self.__recipe__().resume

    @property
    def spec(self) -> Spec | None:
        """Names, shapes, dtypes and axes of an item, where they are known before the first."""
        return self.__recipe__().spec

    @property
    def children(self) -> tuple[Stream[Any], ...]:
        """The streams that the items are made of."""
        return self.__recipe__().children
