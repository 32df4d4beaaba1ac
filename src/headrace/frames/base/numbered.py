"""Frames by number, from a reader that is opened for the first of them; in a process few readers of files are open."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

import numpy as np

from headrace.core.indexed import Bound, Places, numbers, runs
from headrace.core.places import lap_pieces
from headrace.errors import DamageError, DataError
from headrace.frames.base.asked import as_asked
from headrace.frames.base.layout import Array
from headrace.frames.base.shared import say_where

if TYPE_CHECKING:
    from headrace.frames.base.footage import Footage, FrameReader, Header

_BYTES, _MOST = 1 << 20, 256  # bytes and frames that are made ahead at most


class Held:
    """An open reader: closed when nobody has it any more, so that who is reading from it can go on.

    Attributes
    ----------
    reader
        The reader.
    known
        What the recipe tells of its frames.
    process : int
        Of which it is. A child that was forked shares the descriptor's place with its parent: it opens its own.
    """

    reader: FrameReader
    known: Header
    process: int

    def __init__(self, reader: FrameReader, known: Header) -> None:
        self.reader, self.known, self.process = reader, known, os.getpid()

    def close(self) -> None:
        """Close it in its own process; another leaves it alone. Twice is fine."""
        if self.process == os.getpid():
            self.reader.close()

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:  # a default outlives the module
        if self.reader.file is not None and not ending():
            self.close()


class Frames(Bound[Array]):
    """Frames by number; the source is open from the first on, until it is closed or many others were opened since."""

    stream: Footage
    inner: ClassVar[tuple[str, ...]] = ()
    _held: Held | None = None
    _wrong: tuple[int, str] | None = None  # the first frame of a block that was not what was asked for, and the message

    def walk(self, at: Places) -> Iterator[Array]:
        wrong, self._wrong = self._wrong, None
        if wrong is not None and len(at) > 1 and wrong[0] == at[0]:
            raise DataError(wrong[1])  # who was refused a block comes to its frames once more, one by one
        length = ahead(self.stream.header().nbytes)
        if length == 1:  # large frames come alone: what Python does for each of them is done with a cold cache
            yield from map(self._one, at if isinstance(at, range) else at.tolist())
            return
        for run in runs(at, length, 1):
            try:
                found = self.columns(run)
            except Exception:
                wrong, self._wrong = self._wrong, None
                if len(run) == 1 or wrong is not None:  # what is wrong with the reader is not hidden
                    raise
            else:
                yield from found
                continue
            for i in run:
                yield self._one(int(i))

    def _one(self, i: int) -> Array:
        try:
            held = self._open()
            try:
                i %= int(self.stream.extent())
                return as_asked(held.reader.one(i), held.known, None, held.reader, "one", i)
            finally:
                held.reader.check()
        except Exception as error:
            say_where(error, getattr(self.stream, "path", None))
            raise

    def columns(self, at: Places) -> Array:
        self._wrong = None
        try:
            held = self._open()
            try:
                return self._read(held, at)
            finally:  # behind it, whether or not that failed: frames of two files are given by none
                held.reader.check()
        except Exception as error:
            if isinstance(error, DamageError):  # it is not the reader that is wrong
                self._wrong = None
            say_where(error, getattr(self.stream, "path", None))
            raise

    def _read(self, held: Held, at: Places) -> Array:
        n, reader, known = int(self.stream.extent()), held.reader, held.known
        if not isinstance(at, range) or at.step != 1:
            wanted = numbers(at) % n
            return self._checked(reader.pick(wanted), at, known, len(at), reader, "pick", wanted)
        lo = at.start % n
        hi = lo + len(at)
        if hi > n:
            parts = [(p.start % n, p.start % n + len(p)) for p in lap_pieces(at, n)]
            made = [self._checked(reader.read(a, b), at, known, b - a, reader, "read", a, b) for a, b in parts]
            return np.concatenate(made)
        found = reader.read(lo, hi)
        if found.__class__ is np.ndarray and found.shape == (hi - lo, *known.shape) and found.dtype == known.dtype:
            return found  # as nearly all are: for small blocks two calls would be seen
        return self._checked(found, at, known, hi - lo, reader, "read", lo, hi)

    def _checked(self, found: Any, at: Places, known: Header, n: int, *asked: Any) -> Array:
        try:
            return as_asked(found, known, n, *asked)
        except DataError as error:
            self._wrong = int(at[0]), str(error)
            raise

    def _open(self) -> Held:
        held = self._held
        if held is None or held.process != os.getpid():
            held = self._held = Held(self.stream.reopened(), self.stream.header())
            if held.reader.file is not None:
                _opened(self)
        return held

    def let_go(self) -> None:
        """Close the source, once nobody is reading from it; the next frame opens it again."""
        self._held = None

    def close(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            _OPEN.pop(id(self), None)
            held.close()


_OPEN: dict[
    int, ref[Frames]
] = {}  # those that have files open, the first opened first; each step on it is one for all threads


@atexit.register
def _let_go_of_all() -> None:
    # Of a program that ends with films open, before Python takes it apart in any order.
    for place in list(_OPEN.values()):
        frames = place()
        if frames is not None:
            frames.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_OPEN.clear)  # those are its parent's


def _opened(frames: Frames) -> None:
    """Note that a file was opened, and let go of those that were opened first, where they are many."""
    place = id(frames)
    _OPEN.pop(place, None)
    _OPEN[place] = ref(frames, lambda _: _OPEN.pop(place, None))
    most = _most()
    while len(_OPEN) > most:
        try:
            other = _OPEN.pop(next(iter(_OPEN)))()
        except (KeyError, RuntimeError, StopIteration):  # another thread was at it
            continue
        if other is not None and other is not frames:
            other.let_go()


def _most() -> int:
    """Return how many files may be open: a third of what the process may have, since some readers have two."""
    try:
        import resource
    except ImportError:  # Windows
        return 128
    least, most = 8, resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 4096 if most == resource.RLIM_INFINITY else max(least, min(4096, most // 3))


def ahead(nbytes: int) -> int:
    """Return how many frames of so many bytes each are made at a time, at most, when they are drawn one by one."""
    return max(1, min(_MOST, _BYTES // max(1, nbytes)))
