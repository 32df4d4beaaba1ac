"""Streams whose items have addresses: element i is a pure function of (recipe, key, i).

A subclass of :class:`Indexed` writes ``bind``, which derives the keys once and returns a :class:`Bound`: what is asked
for items by number. State, resume at any place, ``[i]``, ``[a:b]``, shards and columns follow from that.

Elements beyond ``size`` are the later laps of a finite stream: number i is element ``i % size`` of lap ``i // size``.
So a repetition costs nothing, and an order or a random number differs from lap to lap without new keys.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from itertools import compress, repeat
from math import inf
from operator import index as as_index
from operator import length_hint
from threading import local
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar, cast

import numpy as np

from headrace.core.columns import cut
from headrace.core.cursor import Cursor
from headrace.core.items import each_of, stack
from headrace.core.key import Key
from headrace.core.look import Look
from headrace.core.recipe import children_of
from headrace.core.registry import find
from headrace.core.stream import Resume, Split, Stream, check_shard, no_numbers, why_not
from headrace.errors import AddressError, DataError, StateMismatchError, StreamConfigError

T = TypeVar("T")
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Places = range | Numbers  # which elements: in steps, or any
ENDLESS = 1 << 62  # where a range over an endless stream ends
AHEAD = 4096  # rows made early at most where no code of the user's runs: a cache, never state
FIRST = 16  # rows made early at first, so that a first item does not wait for the last of many


def numbers(at: Places) -> Numbers:
    """Return places as an array."""
    return np.arange(at.start, at.stop, at.step, dtype=np.int64) if isinstance(at, range) else at


def runs(at: Places, most: int = AHEAD, first: int = FIRST) -> Iterator[Places]:
    """Yield places in runs, the first of at most ``first``, later ones longer up to ``most``."""
    lo, step, n = 0, min(first, most), len(at)
    while lo < n:
        yield at[lo : lo + step]
        lo, step = lo + step, min(4 * step, most)


class Bound(Generic[T]):
    """An Indexed stream with its keys derived: gives items by number, in any order, as often as asked.

    Used by one thread. What it keeps is a cache: never saved, and no item depends on it. A subclass writes ``walk``,
    ``columns`` or both; numbers beyond the size are later laps.

    Attributes
    ----------
    stream, key
        What it is bound from.
    ahead : int
        How many rows may be made before they are wanted; 0 where that runs code of the user's.
    row_bytes : int
        About how large one row is.
    inner : tuple of str
        Names of the attributes that hold the Bounds inside.
    """

    inner: ClassVar[tuple[str, ...]] = ("source",)
    ahead: int = 0
    row_bytes: int = 64

    def __init__(self, stream: Any, key: Key) -> None:
        self.stream = stream
        self.key = key

    def walk(self, at: Places) -> Iterator[T]:
        """Yield the items at these places, one by one: none is made before it is asked for, unless ``ahead`` says so."""
        for run in runs(at, self.ahead or 1):
            yield from each_of(self.columns(run))

    def columns(self, at: Places) -> Any:
        """Return the items at these places as columns, as :func:`headrace.core.items.stack` would: at least one."""
        return stack(list(self.walk(at)))

    def held(self, at: range) -> Sequence[T]:
        """Return the very items of a range within the first lap, not to be handed out: where the stream ``holds`` them."""
        raise NotImplementedError(f"{type(self).__name__} needs a method held(at)")

    @classmethod
    def together(cls, bounds: list[Any], places: list[Places]) -> list[Any]:
        """Return ``columns`` of several Bounds of this class; for those that share work."""
        return [bound.columns(at) for bound, at in zip(bounds, places, strict=True)]

    def label_of(self, bound: Any) -> str | None:
        """Return what an error path adds to this node's name for the Bound inside it; None when it is not inside."""
        return "" if any(getattr(self, name, None) is bound for name in self.inner) else None

    def close(self) -> None:
        """Let go of files. Twice is fine, and a later question opens them again."""
        for name in self.inner:
            found = getattr(self, name, None)
            if found is not None:
                found.close()


class Indexed(Stream[T]):
    """A stream whose element i is a pure function of (recipe, key, i).

    An op is Indexed where the streams inside it are: :attr:`access` says so, and :func:`describe` because of whom not.

    Examples
    --------
    >>> import headrace as hr
    >>> squares = hr.functional(lambda i: i * i, size=10)
    >>> squares[3], squares[-1], squares[2:5].tolist()
    (9, 81, [4, 9, 16])
    >>> hr.Streamer(range(10)) | hr.map(abs) | hr.take(3)
    take(n=3)
    """

    # --- what a subclass says -------------------------------------------------------------------

    def bind(self, key: Key) -> Bound[T]:
        """Return this stream bound to ``key``. Runs no code of the user's and opens no file."""
        raise NotImplementedError(f"{type(self).__name__} needs a method bind(key)")

    @property
    def draws(self) -> bool:
        """Whether this node itself takes random numbers."""
        return False

    @property
    def access(self) -> Literal["index", "cursor"]:
        """``"index"`` when every stream inside has items by number."""
        known: Literal["index", "cursor"] | None = self.__dict__.get("_access")
        if known is None:
            known = "index" if all(child.access == "index" for child in self.children) else "cursor"
            self.fix(_access=known)
        return known

    @property
    def resume(self) -> Resume:
        """Exact where items have numbers: the state is one."""
        return "exact" if self.access == "index" else super().resume

    @property
    def gathers(self) -> bool:
        """Whether its items are rows of columns in memory, had without running code of the user's."""
        return False

    @property
    def holds(self) -> bool:
        """Whether its items lie in memory one by one, for :meth:`Bound.held` to give."""
        return False

    @property
    def inert(self) -> bool:
        """Whether its items are there already, so that none can fail and no code of the user's runs for them."""
        return self.gathers or self.holds

    def remarks(self) -> tuple[str, ...]:
        """Name the stream because of which items have no numbers."""
        if self.access == "index":
            return ()
        label, culprit = why_not(self)
        return (f"its items have no numbers, because of {label}{culprit!r}",)

    # --- items by number ------------------------------------------------------------------------

    def block(self, key: Key | None, lo: int, hi: int) -> Any:
        """Return elements ``lo`` to ``hi`` as columns, equal however the numbers are cut.

        Parameters
        ----------
        key
            Where random numbers come from; None for the recipe's own seed.
        lo, hi
            ``0 <= lo <= hi <= size``.

        Raises
        ------
        AddressError
            When there are no such elements, or items of this stream have no numbers.
        DataError
            When the items do not stack.

        Examples
        --------
        >>> import headrace as hr
        >>> hr.functional(lambda i: i * i).block(hr.Key(7), 10**6, 10**6 + 2).tolist()
        [1000000000000, 1000002000001]
        """
        if key is not None and not isinstance(key, Key):
            raise StreamConfigError(
                f"{self.node_name}.block(key, lo, hi) got {key!r} for its key, wanted a Key or None.\n"
                "  Write block(hr.Key(7), lo, hi) for a seed, block(None, lo, hi) for the recipe's own."
            )
        top = self._top(self._end())
        if not 0 <= lo <= hi <= top:
            raise AddressError(f"{self.node_name}.block(lo, hi) got lo={lo}, hi={hi}, wanted 0 <= lo <= hi <= {top}.")
        return self._columns(self._look(key), range(lo, hi))

    def __getitem__(self, index: Any) -> Any:
        """Return the item with a number, or the columns of a slice or of several numbers."""
        if type(index) is int:  # most questions, by the look at hand
            look: Look[T] | None = getattr(self.__dict__.get("_looks"), "own", None)
            if look is not None and 0 <= index < look.top and look.process == os.getpid():
                return look.item(index)
        end = self._end()
        if isinstance(index, slice):
            return self._columns(self._look(None), self._range(index, end))
        if isinstance(index, list) or (isinstance(index, np.ndarray) and index.ndim):
            return self._columns(self._look(None), self._several(index, end))
        try:
            if isinstance(index, bool):  # a mistaken mask, mostly
                raise TypeError
            i = as_index(index)
        except TypeError:
            raise AddressError(
                f"{self.node_name}[i] got {index!r}, wanted a whole number, a slice or several whole numbers."
            ) from None
        if i < 0 and end != inf:
            i += int(end)
        if not 0 <= i < self._top(end):
            raise AddressError(f"{self.node_name}[i] got {index!r}, wanted a number {self._within(end)}.")
        return self._look(None).item(i)

    @property
    def reach(self) -> int:
        """The number from which on none can be asked for: 2**62, less where one item takes several of the source's."""
        known: int | None = self.__dict__.get("_reach")
        if known is None:
            known = reach_of(self.children) // self.stride
            self.fix(_reach=known)
        return known

    @property
    def stride(self) -> int:
        """How many numbers of the source one number of ours passes."""
        return 1

    @property
    def grain(self) -> int:
        """How many neighbours are made together at least, so that who makes fewer makes them again."""
        inside = max((child.grain for child in self.children if isinstance(child, Indexed)), default=1)
        return -(-inside // self.stride)

    def _range(self, index: slice, end: float) -> range:
        if end == inf:
            parts = (index.start, index.stop, index.step)
            if index.stop is None or any(part is not None and part < 0 for part in parts):
                raise AddressError(
                    f"{self.node_name}[a:b] got {index}, wanted both ends, counted from the first item, "
                    "and steps forward: it has no end of its own."
                )
            if index.stop > self._top(end):
                raise AddressError(f"{self.node_name}[a:b] got b={index.stop}, wanted numbers {self._within(end)}.")
            return range(*index.indices(ENDLESS))
        return range(*index.indices(int(end)))

    def _several(self, index: Any, end: float) -> Numbers:
        found = np.asarray(index)
        if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
            mask = "\n  For a mask write stream[numpy.flatnonzero(mask)]." if found.dtype.kind == "b" else ""
            raise AddressError(
                f"{self.node_name}[numbers] got an array of {found.dtype} {found.shape}, wanted whole numbers along one "
                f"axis.{mask}"
            )
        made = (found.clip(max=ENDLESS) if found.dtype == np.uint64 else found).astype(np.int64)
        if end != inf:
            made[made < 0] += int(end)
        outside = (made < 0) | (made >= self._top(end))
        if outside.any():
            wrong = int(found[outside.argmax()])
            raise AddressError(f"{self.node_name}[numbers] got {wrong} among them, wanted numbers {self._within(end)}.")
        return made

    def _within(self, end: float) -> str:
        if end == 0:
            return "of an item, and it has no items"
        first = 0 if end == inf else -int(end)
        more = ": it has no end to count from" if end == inf else ""
        return f"from {first} to {self._top(end) - 1}{more}"

    def _columns(self, look: Look[T], at: Places) -> Any:
        if not len(at):  # columns of no rows, where their kind is known without running code of the user's
            return cut(look.columns(range(1)), 0, 0) if self.gathers and self.extent() else stack([])
        return look.columns(at)

    def _end(self) -> float:
        if self.access != "index":
            raise no_numbers(self)
        return self.extent()

    def _top(self, end: float) -> int:
        """Return the first number that cannot be asked for."""
        return int(min(end, self.reach))

    def extent(self) -> float:
        """Return the size, ``math.inf`` for an endless stream; raises what keeps it from being known."""
        size = self.size
        if size is None:
            for child in self.children:
                if isinstance(child, Indexed):
                    child.extent()
            size = self.size  # a file may have been looked into
        if size is None:
            raise DataError(
                f"{self.node_name} has items by number and its size is not known, wanted a size.\n"
                "  Give it a property size: a whole number, or math.inf for no end."
            )
        return size

    def _look(self, key: Key | None) -> Look[T]:
        """Return this thread's view of the items; kept for the next question."""
        known: local | None = self.__dict__.get("_looks")
        if known is None:
            known = local()
            self.fix(_looks=known)
        name = "own" if key is None else "given"
        look: Look[T] | None = getattr(known, name, None)
        if look is None or look.process != os.getpid() or (key is not None and look.key != key):
            look = Look(self, self._own_key() if key is None else key)
            setattr(known, name, look)
        return look

    def _own_key(self) -> Key:
        known: Key | None = self.__dict__.get("_key")
        if known is None:
            drawing = unseeded(self)
            if drawing is not None:
                raise StreamConfigError(
                    f"{self.node_name}[i] got a stream without a seed, and {drawing!r} draws random numbers.\n"
                    "  Give it one with seed= or .seeded(7), or ask for block(key, lo, hi)."
                )
            known = Key(0 if self.seed is None else self.seed)
            self.fix(_key=known)
        return known

    def bound(self, key: Key) -> Bound[T]:
        """Return this stream bound below ``key``: how a stream binds those inside it. A seed of its own replaces the root."""
        return self.bind(key if self.seed is None else key.rerooted(self.seed))

    # --- as any stream --------------------------------------------------------------------------

    def split(self) -> Split[T] | None:
        """Return itself where any stretch of its numbers can be drawn apart, else what is inside."""
        return Split((self,), lambda others: others[0]) if is_numbered(self) else super().split()

    def start(self, key: Key) -> Cursor[T]:
        return self.start_indexed(key) if self.access == "index" else self.start_cursor(key)

    def start_indexed(self, key: Key) -> Cursor[T]:
        """Return a pass whose state is one integer."""
        return IndexedCursor(self, key)

    def start_cursor(self, key: Key) -> Cursor[T]:
        """Return a pass for streams inside whose items have no numbers."""
        raise NotImplementedError(f"{type(self).__name__} needs a method start_cursor(key)")

    def shard(self, i: int, n: int) -> Self:
        """Return part ``i`` of ``n``: elements i, i + n, i + 2 n, ... where items have numbers, else as any stream.

        Together the parts are the whole, random numbers included. A state saved by one of n parts, all of them at the
        same step, is a place in the whole: parts of any other number go on from it.

        Raises
        ------
        StreamConfigError
            When there is no such part, or this stream cannot be divided.
        """
        check_shard(i, n)
        if self.access != "index":
            return self.shard_cursor(i, n)
        return cast(Self, find("shard").make(self, i, n))

    def shard_cursor(self, i: int, n: int) -> Self:
        """Return part ``i`` of ``n`` where items have no numbers."""
        return super().shard(i, n)


class IndexedCursor(Cursor[T]):
    """A pass by numbers: its state is the number of the next item."""

    stream: Indexed[T]
    _bound: Bound[T] | None = None
    _stop = 0  # where ``count`` stands once _left is used up
    _left: Iterator[bool] = repeat(True, 0)

    @property
    def count(self) -> int:  # told by what is left, which counts in C as items pass
        return self._stop - length_hint(self._left)

    @count.setter
    def count(self, count: int) -> None:
        self._stop, self._left = count, repeat(True, 0)

    def bound(self) -> Bound[T]:
        """Return what gives the items, bound when first wanted."""
        if self._bound is None:
            self._bound = self.stream.bind(self.key)
        return self._bound

    def run(self) -> Generator[T, None, None]:
        lo, stop = self.count, self._end()
        if stop < lo:
            raise DataError(
                f"{self.stream.node_name} got {stop} items after {lo} of them had been passed, wanted at least as many.\n"
                "  What it reads became shorter meanwhile; open another cursor for what is there now."
            )
        self._stop, self._left = stop, repeat(True, stop - lo)
        yield from compress(self.bound().walk(range(lo, stop)), self._left)

    def _end(self) -> int:
        return int(min(self.stream.extent(), self.stream.reach))

    def read(self, n: int) -> Any:
        """Return the next ``n`` items as columns, fewer at the end."""
        lo = self.count
        if n <= 0 or self._kept or self._closed:
            return super().read(n)
        hi = min(lo + n, self._end())
        if hi <= lo:
            return super().read(n)
        try:
            columns = self.bound().columns(range(lo, hi))
        except Exception:
            return super().read(n)  # item by item: the error then says which, and none is lost
        self.count, self._failed = hi, None
        self.restart()
        return columns

    def skip(self, n: int = 1) -> int:
        """Pass ``n`` items without making them; return how many there were."""
        slow = min(n, len(self._kept) + (self._failed is not None))
        passed = super().skip(slow) if slow > 0 or n < 0 else 0
        jump = max(0, min(n - passed, self._end() - self.count))
        self.count += jump
        self.restart()
        return passed + jump

    def pass_failed(self) -> None:
        self.count += 1
        self.restart()

    def save(self) -> Any:
        return self.count

    def load(self, saved: Any) -> None:
        if isinstance(saved, bool) or not isinstance(saved, int) or saved < 0:
            raise StateMismatchError(
                f"restore got a state whose place in {self.stream.node_name} is {saved!r}, wanted a number of at least 0."
            )
        self.count = saved
        self.restart()

    def label_of(self, cursor: Any) -> str | None:
        return "" if cursor is self._bound else None

    def release(self) -> None:
        if self._bound is not None:
            self._bound.close()


def reach_of(streams: Sequence[Stream[Any]]) -> int:
    """Return the least :attr:`Indexed.reach` of some streams: of a thousand without asking those that add nothing."""
    while streams:
        kinds: set[Any] = {kind for kind in set(map(type, streams)) if issubclass(kind, Indexed)}
        if any(kind.reach is not Indexed.reach or kind.stride is not Indexed.stride for kind in kinds):
            return min((stream.reach for stream in streams if isinstance(stream, Indexed)), default=ENDLESS)
        streams, _ = children_of(streams)
    return ENDLESS


def is_numbered(stream: Stream[Any]) -> bool:
    """Tell whether the state of a pass over ``stream`` is the number of its next item: some files keep more."""
    return stream.access == "index" and isinstance(stream.start(Key(0)), IndexedCursor)


def unseeded(stream: Stream[Any]) -> Stream[Any] | None:
    """Return a node that draws random numbers below no seed, None when there is none."""
    if stream.seed is not None:
        return None
    if getattr(stream, "draws", False):
        return stream
    return next((found for child in stream.children if (found := unseeded(child)) is not None), None)
