"""Files of events in pieces: what is kept of a file is where each piece begins, and a run holds a few of its pieces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from headrace.core.indexed import Numbers
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.base.unreadable import Stamp, changed, opening, sample_of
from headrace.frames.events.arrays import EVENT, joined_events
from headrace.frames.events.looked import Looked
from headrace.sources.formats import ArrayFile

T = TypeVar("T")
PIECE = 1 << 16  # events of a piece, where the format leaves it open
WHOLE = 1 << 20  # events of a file, up to which a run holds it whole: 13 MiB
_KEPT = 4 * PIECE  # events that a run holds of a longer one
_NEAR = 1024  # events between two that are wanted, up to which all between them are read, too


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
    looked : Looked or None
        How far the file was looked through, by this one or, before it grew, by another.
    """

    path: Path
    fine: bool = False
    lasting: ClassVar[bool] = True
    looked: Looked | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._last = _seen(path)
        self.sampled()

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

    def sample(self) -> int:
        """Return a checksum of as much of the file as there was at first, which stays when it grows."""
        with open(self.path, "rb", buffering=0) as file:
            return sample_of(file.fileno(), self._seen.size)

    def sampled(self) -> None:
        """Take the sample that the file is known by; again by a subclass whose :meth:`sample` wants its header."""
        self._seen = self._seen._replace(sample=self.sample())

    def handle(self, *, whole: bool = False) -> Any:
        """Open the file, as :meth:`fill` takes it; what has a method ``close``. ``whole`` is for all of it, in order."""
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
            with self.opened(whole=True) as file:
                for k, (lo, hi) in enumerate(self._bounds()):
                    self.fill(file, k, 0, hi - lo, found[lo:hi])
        return found

    def each(self, first: int = 0) -> Iterator[Array]:
        """Yield the pieces from one on, each in the place of the one before."""
        if self.n:
            room = np.empty(int(np.diff(self.starts).max()), EVENT)
            with self.opened(whole=True) as file:
                for k, (lo, hi) in enumerate(self._bounds()[first:], first):
                    self.fill(file, k, 0, hi - lo, room[: hi - lo])
                    yield room[: hi - lo]

    def part(self, k: int, lo: int, hi: int) -> Array:
        """Return events ``lo`` to ``hi`` of piece ``k``, counted from its first."""
        found = np.empty(hi - lo, EVENT)
        with self.opened() as file:
            self.fill(file, k, lo, hi, found)
        return found

    @contextmanager
    def opened(self, *, whole: bool = False) -> Iterator[Any]:
        """Open the file as :meth:`handle` does, when it is still the one that was looked through, or grew since.

        Raises
        ------
        DamageError
            When it is gone, or was written anew.
        """
        with opening("read_events", self.path):
            self._check()
            handle = self.handle(whole=whole)
        with closing(handle):
            yield handle
        with opening("read_events", self.path):
            self._check()

    def _check(self) -> None:
        if not self.is_there():
            raise changed("read_events", self.path, f"{self._seen.size} bytes of events")

    def is_there(self) -> bool:
        """Tell whether the file is the one that was looked through, or that one with more behind. Raises OSError."""
        now = _seen(self.path)
        if now != self._last:
            if not self._seen.may_grow_into(now) or self.sample() != self._seen.sample:
                return False
            self._last = now
        return True

    def _bounds(self) -> list[tuple[int, int]]:
        return list(zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True))


def _seen(path: Path) -> Stamp:
    found = os.stat(path)
    return Stamp(found.st_size, found.st_mtime_ns, 0, found.st_ino)


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
    most
        Events of a short one.
    """

    file: EventFile
    n: int

    def __init__(self, file: EventFile, whole: Callable[[], Array], most: int = WHOLE) -> None:
        self.file, self.n = file, file.n
        self._load, self._most = whole, most
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
        if self._all is None and self.n <= self._most:
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
                found = self.file.part(k, lo, hi)  # what is wanted of it may be whole
                self._broken.add(k)
                return found
        return self.file.part(k, lo, hi)
