"""Recipes for frames that are read from somewhere: a source writes a reader, everything else is here.

A :class:`Footage` is the frozen description, a :class:`FrameReader` what a run has open. Frames are read in stretches,
as columns, so that a block costs one copy at most; a stretch that fails is read frame by frame, so that the frames
before the broken one are given and the error names it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.indexed import Bound, Indexed, Numbers, Places
from headrace.core.key import Key
from headrace.core.look import Look
from headrace.core.stream import Field, Spec
from headrace.frames.base.asked import as_asked
from headrace.frames.base.layout import Array
from headrace.frames.base.numbered import Frames
from headrace.frames.base.unreadable import Stamp, Watched, changed, opening, stamp_of

DIMS: dict[int, tuple[str, ...]] = {
    2: ("row", "col"),
    3: ("row", "col", "channel"),
    4: ("batch", "row", "col", "channel"),
}


@dataclass(frozen=True)
class Header:
    """What is known of frames before the first.

    Attributes
    ----------
    frames : int
        How many there are.
    shape : tuple of int
        Of one: ``(rows, cols)`` or ``(rows, cols, channels)``; None where it varies.
    dtype : dtype
        Of its values.
    """

    frames: int
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of one frame, about."""
        return prod(n or 1 for n in self.shape) * self.dtype.itemsize


class FrameReader:
    """Frames of an open source, by number. Owned by one thread; making one opens the source and reads no frame.

    Attributes
    ----------
    header : Header
        What is known of its frames.
    file : int or Path or None
        What it has open: the descriptor, or the path where it is not told; None where it reads no file any more. Few of
        those that have one are open at a time.

    Examples
    --------
    >>> class Ramp(FrameReader):
    ...     header = Header(100, (1, 2), np.dtype(np.float64))
    ...
    ...     def read(self, lo, hi):
    ...         return np.arange(lo, hi, dtype=float).reshape(-1, 1, 1).repeat(2, axis=2)
    >>> Ramp().one(7).tolist(), Ramp().pick(np.array([5, 3])).tolist()
    ([[7.0, 7.0]], [[[5.0, 5.0]], [[3.0, 3.0]]])
    """

    header: Header
    file: int | Path | None = None
    watched: Watched | None = None  # by a recipe with a guard

    def read(self, lo: int, hi: int) -> Array:
        """Return frames ``lo`` to ``hi`` as columns, ``(hi - lo, rows, cols[, channels])``: at least one.

        The array is handed on as it is: it must be a new one, or one that nobody writes to any more. One with another
        number of frames, or of others than the header tells of, is a DataError.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method read(lo, hi)")

    def one(self, i: int) -> Array:
        """Return frame ``i`` alone."""
        found: Array = self._single(i)[0]
        return found

    def _single(self, i: int) -> Array:
        return as_asked(self.read(i, i + 1), self.header, 1, self, "read", i, i + 1)

    def pick(self, at: Numbers) -> Array:
        """Return any frames, in any order, as columns: at least one."""
        found = [self._single(i) for i in at.tolist()]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def check(self) -> None:
        """Raise DamageError when the file was written to since frames were first read from it."""
        if self.watched is not None:
            self.watched.check()

    def close(self) -> None:
        """Let go of the source. Twice is fine."""


class IndexedFrames(Indexed[Array]):
    """Frames by number; no numbers give columns of no frames, of the shape and type that frames have."""

    def _columns(self, look: Look[Array], at: Places) -> Any:
        # Of a stream without items there are none, as in every room.
        none = None if len(at) or not self.extent() else no_frames(self.spec)
        return super()._columns(look, at) if none is None else none


class Footage(IndexedFrames):
    """A stream of frames that a reader reads: frame i is a pure function of the recipe and i.

    A subclass is a ``@recipe`` with a method :meth:`reader`, whose constructor has checked what can be checked without
    decoding. A field named ``path`` is named in errors.

    Examples
    --------
    >>> from headrace.core.recipe import recipe
    >>> class Ramp(FrameReader):
    ...     header = Header(100, (1, 2), np.dtype(np.float64))
    ...
    ...     def read(self, lo, hi):
    ...         return np.arange(lo, hi, dtype=float).reshape(-1, 1, 1).repeat(2, axis=2)
    >>> @recipe
    ... class Ramps(Footage):
    ...     def reader(self):
    ...         return Ramp()
    >>> Ramps()[3:5].tolist(), len(Ramps())
    ([[[3.0, 3.0]], [[4.0, 4.0]]], 100)
    """

    who: ClassVar[str] = ""  # of messages; by default the name of the recipe
    guard: ClassVar[str] = ""  # what may not change while it is read: "file", or its "header"
    _header: Header | None = None
    _written: Stamp | None = None  # of the file that the header is of

    def reader(self) -> FrameReader:
        """Open the source.

        Raises
        ------
        DataError, OSError
            When there is nothing to read, or nothing of this format.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method reader()")

    def header(self) -> Header:
        """Return what is known of the frames; the source is opened once for it. Raises what :meth:`reader` raises."""
        if self._header is None:
            stamp = stamp_of(getattr(self, "path", None)) if self.guard else None
            with self._opening():
                reader = self.reader()
            try:
                self.fix(_header=reader.header, _written=stamp)
            finally:
                reader.close()
        assert self._header is not None
        return self._header

    def _opening(self) -> AbstractContextManager[None]:
        return opening(self.who or self.node_name, getattr(self, "path", None))

    def reopened(self) -> FrameReader:
        """Open the source for frames, when it is still what the header tells of.

        Raises
        ------
        DamageError
            When it is gone, or was written anew.
        """
        known, before = self.header(), self._written
        with self._opening():
            reader = self.reader()
        if before is not None:
            now = stamp_of(getattr(self, "path", None), before)
            many = f"{known.frames} frames" if known.frames else "frames"  # of a video that does not say how many
            told = f"{many} of shape {known.shape} and {known.dtype}"
            who, path = self.who or self.node_name, getattr(self, "path", "")
            if now is not before and not (self._same(reader) and (self.guard == "header" or before.same(now))):
                reader.close()
                raise changed(who, path, told)
            if reader.file is not None and now is not None:
                reader.watched = Watched(who, path, reader.file, now, told)
        return reader

    def _same(self, reader: FrameReader) -> bool:
        """Tell whether the frames that the header told of are there, as far as the header of a new reader tells."""
        known, new = self.header(), reader.header
        return (new.shape, new.dtype) == (known.shape, known.dtype) and new.frames >= known.frames

    @property
    def size(self) -> float | None:
        """The number of frames; None where the source cannot be read: drawing from it says why."""
        try:
            return self.header().frames
        except Exception:  # printing a description must not fail for one broken file of thousands
            return None

    @property
    def spec(self) -> Spec | None:
        """Shape, dtype and axes of a frame."""
        try:
            return spec_of(self.header())
        except Exception:  # as for the size
            return None

    def extent(self) -> float:
        """Return the number of frames; raises what keeps the source from being read."""
        return self.header().frames

    def bind(self, key: Key) -> Bound[Array]:
        return Frames(self, key)


def no_frames(known: Spec | None) -> Array | None:
    """Return columns of no frames, of the shape and type that frames have; None where these are not known."""
    if known is None or "" not in known:
        return None
    return np.zeros((0, *(n or 0 for n in known[""].shape)), known[""].dtype)


def spec_of(header: Header) -> Spec:
    """Return what a stream says of frames with this header."""
    return {"": Field(header.shape, header.dtype.str, DIMS.get(len(header.shape), ()))}
