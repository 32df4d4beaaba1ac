"""Which frames of a stream are drawn: some of the next ones, equally far apart, in a bounded number of bytes."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import arranged
from headrace.frames.base.stream import FrameStream
from headrace.plot.frames_blocks import STRETCH, block_of, colours_of, shrunk, stretches
from headrace.plot.marks import Array

MOST = 500  # frames of a stream, where nothing else is said
ROOM = 1 << 26  # bytes of them


class Drawn(NamedTuple):
    """Frames as ``[batch, channel, time, row, col]``, and the number of each, counted from the next one of the stream."""

    block: Array
    numbers: Array


def drawn(
    x: Any,
    who: str,
    most: int = MOST,
    cut: Callable[[int], slice] | None = None,
    *,
    room: int = ROOM,
    smaller: Callable[[Array], int] | None = None,
) -> Drawn:
    """Return frames to draw: of an array all, as a view; of a stream the next ones, which are not passed.

    Where those of a stream take more than ``room`` bytes, some are left out: those that are drawn are equally far apart.
    A frame stream that cannot be asked for frames by number has to keep what it gives in advance; of it, as many are
    drawn as fit.

    Parameters
    ----------
    x
        A frame stream, or any stream of frames; or an array or tensor, as :func:`block_of` takes it.
    who
        The name that messages begin with.
    most
        How many frames of a stream.
    cut
        Gives the part that is wanted of so many frames.
    room
        In bytes.
    smaller
        Gives, for a frame, how many pixels are to become one on each side. With it ``most`` and ``room`` bound what is
        drawn of arrays, too.

    Raises
    ------
    DataError
        For what is no frames, or none.
    """
    source = _source(x, who, most, room)
    if isinstance(source, _Block) and smaller is None:
        part = slice(None) if cut is None else cut(source.block.shape[2])
        return Drawn(source.block[:, :, part], np.arange(source.block.shape[2])[part])
    try:
        return _drawn(source, who, most, cut, room, smaller)
    finally:
        source.close()


def _drawn(
    source: _Block | _Pass | _Ahead,
    who: str,
    most: int,
    cut: Callable[[int], slice] | None,
    room: int,
    smaller: Callable[[Array], int] | None,
) -> Drawn:
    first = block_of(source.take(range(1)), who)
    k = 1 if smaller is None else smaller(first)
    small = _smaller(first, k)
    wanted = range(int(min(most, source.size)))
    wanted = wanted if cut is None else wanted[cut(len(wanted))]
    if isinstance(source, _Ahead):
        block = block_of(source.take(wanted[: max(1, room // first.nbytes - wanted.start)]), who)
        if k > 1:
            block = np.concatenate([_smaller(part, k) for part in stretches(block)], axis=2)
        return Drawn(block, np.array(wanted[: block.shape[2]], np.int64))
    wanted = wanted[:: max(1, -(-len(wanted) * small.nbytes // room))]
    per = max(1, STRETCH // first.size)
    made, done = np.empty((*small.shape[:2], len(wanted), *small.shape[3:]), small.dtype), 0
    for lo in range(0, len(wanted), per):
        asked = wanted[lo : lo + per]
        part = source.take(asked)
        found = part.shape[2]
        if not found:
            break
        part = _smaller(block_of(part, who), k)
        if (*part.shape[:2], *part.shape[3:]) != (*small.shape[:2], *small.shape[3:]):
            raise DataError(
                f"{who} got frames of {_sides(part)} after some of {_sides(small)}, wanted all of one shape.\n"
                "  Crop or pad them with hr.map."
            )
        if not np.can_cast(part.dtype, made.dtype):
            made = made.astype(np.promote_types(part.dtype, made.dtype))
        made[:, :, done : done + found] = part
        done += found
        if found < len(asked):
            break
    return Drawn(block_of(made[:, :, :done], who), np.array(wanted[:done], np.int64))


def _smaller(block: Array, k: int) -> Array:
    if k == 1:
        return block
    made = shrunk(block, k)
    # Colours in bytes are what they are; of others, which may be sparse, the faintest has to remain.
    return np.rint(made).astype(np.uint8) if block.dtype == np.uint8 and colours_of(block) is not None else made


def _sides(block: Array) -> str:
    batches, channels, _, rows, cols = block.shape
    return f"{rows} x {cols} in {batches * channels} channels"


# --- where frames come from: each has ``size`` frames, and gives those of a range -----------------


class _Block:
    """An array."""

    def __init__(self, block: Array) -> None:
        self.block, self.size = block, block.shape[2]

    def take(self, numbers: range) -> Array:
        return self.block[:, :, numbers.start : numbers.stop : numbers.step]

    def close(self) -> None:
        """Nothing is open."""


class _Pass:
    """A pass of its own, which forgets what it has given: of any number of frames, only those asked for are kept."""

    def __init__(self, cursor: Any, first: Array, size: float) -> None:
        self._cursor, self._first, self._at, self.size = cursor, first, 1, size

    def take(self, numbers: range) -> Array:
        parts = []
        if numbers and numbers[0] == 0:  # which has been drawn, for its shape
            parts, numbers = [self._first], numbers[1:]
        together = len(numbers) if numbers.step == 1 else 1
        for lo in numbers[::together] if numbers else ():
            self._cursor.skip(lo - self._at)
            found = np.asarray(self._cursor.read(together))
            self._at = lo + together
            if not len(found):
                break
            parts.append(found)
        return _arranged(np.concatenate(parts) if parts else self._first[:0])

    def close(self) -> None:
        self._cursor.close()


class _Ahead:
    """A handle whose frames come in order only, and have to be kept when they are given in advance."""

    def __init__(self, handle: FrameStream, size: float) -> None:
        self._handle, self.size = handle, size

    def take(self, numbers: range) -> Array:
        return _arranged(self._handle.peek(numbers.stop))[:, :, numbers.start :]

    def close(self) -> None:
        """It is the user's."""


def _source(x: Any, who: str, most: int, room: int) -> _Block | _Pass | _Ahead:
    stream, before = x, 0
    if isinstance(x, FrameStream):
        stream, before = x.__recipe__(), x.i
    elif not hasattr(x, "open"):
        return _Block(block_of(x, who))
    size = getattr(stream, "size", None)
    left = inf if size is None else max(0, size - before)
    if isinstance(x, FrameStream) and (x.peek(1).nbytes * min(most, left) <= room or not _numbered(x)):
        return _Ahead(x, left)
    cursor = stream.open(at=before) if before else stream.open()
    try:
        first = np.asarray(cursor.read(1))
        if first.ndim == 2:  # items of one axis are the rows of one image
            more = cursor.read(min(most, max(1, room // max(1, first.nbytes))) - 1)
            first = np.concatenate([first, more]) if len(more) else first
        if first.ndim in (1, 3, 4, 5):
            return _Pass(cursor, first, left)
        block = _Block(block_of(first, who))
    except BaseException:
        cursor.close()
        raise
    cursor.close()
    return block


def _numbered(handle: FrameStream) -> bool:
    """Tell whether frames can be had by number; random ones without a seed cannot."""
    try:
        return handle.access == "index" and len(handle[[handle.i]]) == 1
    except StreamConfigError:
        return False


def _arranged(columns: Array) -> Array:
    """Return columns of frames, or of single numbers, as a block."""
    if 3 <= columns.ndim <= 5:
        return arranged(columns, "5d")
    return columns.reshape(1, 1, len(columns), *(columns.shape[1:] or (1, 1)))
