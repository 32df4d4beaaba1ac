"""Files of events in pieces: what is kept of a file is where each piece begins, and a run holds a few of its pieces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar
from zlib import crc32

import numpy as np

from headrace.core.indexed import Numbers
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.base.unreadable import changed, opening
from headrace.frames.events.arrays import EVENT, joined_events
from headrace.sources.formats import ArrayFile

T = TypeVar("T")
PIECE = 1 << 16  # events of a piece, where the format leaves it open
WHOLE = 1 << 20  # events of a file, up to which a run holds it whole: 13 MiB
_KEPT = 4 * PIECE  # events that a run holds of a longer one
_NEAR = 1024  # events between two that are wanted, up to which all between them are read, too
_HEAD = 4096  # bytes in front that tell a file from another


class _Seen(NamedTuple):
    inode: int
    size: int
    mtime: int
    front: int = 0  # a checksum


class EventFile:
    """What is known of a file of events: where its pieces begin. No file is open in it; each reading opens it.

    A subclass writes :meth:`look` and :meth:`fill`. It may be used by several threads.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    path : Path
        As above.
    fine : bool
        Whether a part of a piece costs no more than the part.
    lasting : bool
        Whether it is small enough to be kept when nobody reads the file.
    """

    path: Path
    fine: bool = False
    lasting: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        self.path = path
        now = _seen(path)
        self._seen = now._replace(front=self.front(now.size))

    @cached_property
    def starts(self) -> Numbers:
        """The number of the first event of each piece, and how many there are: ``(pieces + 1,)``, int64."""
        return self.look()

    def look(self) -> Numbers:
        """Look through the file for where its pieces begin, once.

        Raises
        ------
        DataError
            When it is damaged.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method look()")

    def fill(self, file: Any, k: int, lo: int, hi: int, out: Array) -> None:
        """Put events ``lo`` to ``hi`` of piece ``k``, counted from its first, into ``out``; ``file`` is the open file.

        Raises
        ------
        DataError
            When they are damaged, or cannot be events.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method fill(file, k, lo, hi, out)")

    def handle(self) -> Any:
        """Open the file, as :meth:`fill` takes it; what has a method ``close``."""
        return ArrayFile(self.path, f"read_events({str(self.path)!r})")

    @property
    def n(self) -> int:
        """How many events there are."""
        return int(self.starts[-1])

    @property
    def pieces(self) -> int:
        """How many pieces."""
        return len(self.starts) - 1

    def whole(self) -> Array:
        """Return all events."""
        found = np.empty(self.n, EVENT)
        if self.n:
            with self.opened() as file:
                for k, (lo, hi) in enumerate(self._bounds()):
                    self.fill(file, k, 0, hi - lo, found[lo:hi])
        return found

    def each(self) -> Iterator[Array]:
        """Yield the pieces, each in the place of the one before."""
        if self.n:
            room = np.empty(int(np.diff(self.starts).max()), EVENT)
            with self.opened() as file:
                for k, (lo, hi) in enumerate(self._bounds()):
                    self.fill(file, k, 0, hi - lo, room[: hi - lo])
                    yield room[: hi - lo]

    def part(self, k: int, lo: int, hi: int) -> Array:
        """Return events ``lo`` to ``hi`` of piece ``k``, counted from its first."""
        found = np.empty(hi - lo, EVENT)
        with self.opened() as file:
            self.fill(file, k, lo, hi, found)
        return found

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the file, when it is still the one that was looked through, or that one with more behind.

        Raises
        ------
        DamageError
            When it is gone, or was written anew.
        """
        with opening("read_events", self.path):
            self._check()
            handle = self.handle()
        with closing(handle):
            yield handle
        with opening("read_events", self.path):
            self._check()

    def _check(self) -> None:
        now, before = _seen(self.path), self._seen
        if now != before._replace(front=0):
            grown = now.inode == before.inode and now.size >= before.size
            if not (grown and self.front(before.size) == before.front):
                raise changed("read_events", self.path, f"{before.size} bytes of events")
            self._seen = now._replace(front=self.front(now.size))  # at once, for other threads

    def front(self, size: int) -> int:
        """Return a checksum of what is in front of a file of a size, and stays as it is when it grows."""
        with open(self.path, "rb", buffering=0) as file:
            return crc32(file.read(min(_HEAD, size)))

    def _bounds(self) -> list[tuple[int, int]]:
        return list(zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True))


def _seen(path: Path) -> _Seen:
    found = os.stat(path)
    return _Seen(found.st_ino, found.st_size, found.st_mtime_ns)


class InMemory(EventFile):
    """Events of a file whose format gives no pieces: all of them, in memory as long as anyone reads it.

    Parameters
    ----------
    path, events
        The file, and what is in it.
    """

    path: Path
    fine = True
    lasting = False

    def __init__(self, path: Path, events: Array) -> None:
        self.path, self._events = path, events

    def look(self) -> Numbers:
        return even(len(self._events), PIECE)

    def whole(self) -> Array:
        return self._events

    @contextmanager
    def opened(self) -> Iterator[Any]:
        yield None

    def fill(self, file: Any, k: int, lo: int, hi: int, out: Array) -> None:
        first = int(self.starts[k])
        out[...] = self._events[first + lo : first + hi]


def even(n: int, each: int) -> Numbers:
    """Return where pieces of ``each`` of ``n`` begin, and ``n``.

    Examples
    --------
    >>> even(10, 4).tolist(), even(0, 4).tolist()
    ([0, 4, 8, 10], [0])
    """
    return np.append(np.arange(0, n, each, dtype=np.int64), n)


class Kept:
    """Pieces that were read last: as many as have ``room`` events together, one at least."""

    def __init__(self, room: int) -> None:
        self._room, self._held = room, 0
        self._found: dict[int, tuple[int, Any]] = {}

    def get(self, k: int, n: int, make: Callable[[], T]) -> T:
        """Return piece ``k``, of ``n`` events, made when it is not held."""
        found = self._found.pop(k, None)
        if found is None:
            while self._found and self._held + n > self._room:
                self._held -= self._found.pop(next(iter(self._found)))[0]
            found = (n, make())
            self._held += n
        self._found[k] = found
        made: T = found[1]
        return made


class Reading:
    """The events of a file by number, for one run: a short file is held whole, of a longer one the pieces read last.

    Parameters
    ----------
    file
        What is known of the file.
    whole
        Called for all events, of a short one.
    """

    file: EventFile
    n: int

    def __init__(self, file: EventFile, whole: Callable[[], Array]) -> None:
        self.file, self.n = file, file.n
        self._load = whole
        self._all: Array | None = None
        self._kept = Kept(_KEPT)
        self._broken: set[int] = set()

    def slice(self, lo: int, hi: int) -> Array:
        """Return events ``lo`` to ``hi``; not to be written to."""
        if (held := self._held()) is not None:
            return held[lo:hi]
        starts, parts = self.file.starts, []
        k = int(np.searchsorted(starts, lo, "right")) - 1
        while lo < hi:
            first, end = int(starts[k]), min(hi, int(starts[k + 1]))
            if lo < end:
                parts.append(self._part(k, lo - first, end - first))
            lo, k = end, k + 1
        return parts[0] if len(parts) == 1 else joined_events(parts)

    def pick(self, at: Numbers) -> Array:
        """Return events of any numbers."""
        if (held := self._held()) is not None:
            return held[at]
        found, order = np.empty(len(at), EVENT), np.argsort(at, kind="stable")
        wanted = at[order]
        piece = np.searchsorted(self.file.starts, wanted, "right")
        cuts = np.flatnonzero((np.diff(wanted) > _NEAR) | (np.diff(piece) > 0)) + 1
        for a, b in zip([0, *cuts.tolist()], [*cuts.tolist(), len(at)], strict=True):
            lo = int(wanted[a])
            found[order[a:b]] = self.slice(lo, int(wanted[b - 1]) + 1)[wanted[a:b] - lo]
        return found

    def _held(self) -> Array | None:
        if self._all is None and self.n <= WHOLE:
            held = self._load()
            if len(held) != self.n:
                raise changed("read_events", self.file.path, f"{self.n} events")
            self._all = held
        return self._all

    def _part(self, k: int, lo: int, hi: int) -> Array:
        if not self.file.fine and k not in self._broken:
            n = int(self.file.starts[k + 1] - self.file.starts[k])
            try:
                return self._kept.get(k, n, lambda: self.file.part(k, 0, n))[lo:hi]
            except DataError:
                self._broken.add(k)  # what is wanted of it may be whole
        return self.file.part(k, lo, hi)
