"""Frames: what changed on the page since the last one, as bytes; and which part of it one viewer wants.

A frame is little-endian. It begins with ``HRF1``, u32 version of the layout, u32 number, u32 sections, f64 the moment of
the newest row in seconds. Each section begins at a multiple of 8 bytes::

    u16 place      u16 flags: 1 lowest values, 2 float32, 4 times, 8 a picture      u32 buckets (or picture columns)
    u32 channels (or picture rows)      u32 bytes of data      f64 number of the first bucket      f64 rows in a bucket
    data: times (f64, buckets), lowest and highest (f64 or f32, buckets x channels); or pixels (u8, RGB)
"""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.errors import DamageError
from headrace.plot.page.panels import Panel
from headrace.plot.page.store import Store

HEAD: Final = struct.Struct("<4sIIId")
SECTION: Final = struct.Struct("<HHIIIdd")
MAGIC: Final = b"HRF1"
LOW, SINGLE, TIMES, PICTURE = 1, 2, 4, 8
PICTURES: Final = 0.1  # seconds from one picture to the next, at least


class Section(NamedTuple):
    """What a frame says of one place: buckets from ``number`` on, of ``rows`` rows each; or a picture, in ``high``."""

    panel: int
    number: int
    rows: int
    low: Any
    high: Any
    times: Any
    picture: bool


def pack(version: int, number: int, now: float, sections: list[Section]) -> bytes:
    """Return a frame.

    Examples
    --------
    >>> section = Section(3, 7, 10, None, np.zeros((2, 1), np.float32), None, picture=False)
    >>> frame = pack(1, 5, 0.5, [section])
    >>> len(frame), unpack(frame)[:3], unpack(frame)[3][0].number
    (64, (1, 5, 0.5), 7)
    """
    parts = [HEAD.pack(MAGIC, version, number, len(sections), now)]
    for each in sections:
        arrays = [each.high] if each.low is None else [each.low, each.high]
        flags = (LOW if each.low is not None else 0) | (SINGLE if each.high.dtype == np.float32 else 0)
        flags |= (TIMES if each.times is not None else 0) | (PICTURE if each.picture else 0)
        if each.times is not None:
            arrays.insert(0, each.times)
        data = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
        wide, high = (each.high.shape[1], each.high.shape[0]) if each.picture else each.high.shape
        parts += (SECTION.pack(each.panel, flags, wide, high, len(data), each.number, each.rows), data)
        parts.append(bytes(-len(data) % 8))
    return b"".join(parts)


def unpack(frame: bytes) -> tuple[int, int, float, list[Section]]:
    """Return the version, the number, the moment and the sections of a frame: what the page does, in Python.

    Raises
    ------
    DamageError
        When it is no frame.
    """
    try:
        magic, version, number, n, now = HEAD.unpack_from(frame)
        if magic != MAGIC:
            raise ValueError(f"it begins with {magic!r}")
        at, sections = HEAD.size, []
        for _ in range(n):
            panel, flags, wide, high, size, first, rows = SECTION.unpack_from(frame, at)
            at += SECTION.size
            sections.append(_section(panel, flags, wide, high, first, rows, frame[at : at + size]))
            at += size + -size % 8
    except (struct.error, ValueError, IndexError, OverflowError) as error:
        raise DamageError(f"unpack got {len(frame)} bytes that are no frame: {error}.") from error
    return version, number, now, sections


def _section(panel: int, flags: int, wide: int, high: int, first: float, rows: float, data: bytes) -> Section:
    if flags & PICTURE:
        pixels = np.frombuffer(data, np.uint8).reshape(high, wide, 3)
        return Section(panel, int(first), int(rows), None, pixels, None, picture=True)
    times = np.frombuffer(data, "<f8", wide) if flags & TIMES else None
    rest = np.frombuffer(data, "<f4" if flags & SINGLE else "<f8", offset=8 * wide if flags & TIMES else 0)
    found = rest.reshape(-1, wide, high)
    return Section(panel, int(first), int(rows), found[0] if flags & LOW else None, found[-1], times, picture=False)


class View:
    """What one viewer sees: how long a time, on how many pixels, and what it has been given.

    Parameters
    ----------
    seconds
        From the left end to the right.
    pixels
        Across.

    Examples
    --------
    >>> from headrace.core.block import Block
    >>> store, view = Store(), View(seconds=10, pixels=400)
    >>> store.add(Block({"x": np.arange(5.0)}, rate=10.0))
    >>> [section.high.shape for section in unpack(view.frame(store, 0.0))[3]], view.frame(store, 0.0)
    ([(5, 1)], None)
    """

    seconds: float
    pixels: int
    version: int
    frames: int

    def __init__(self, seconds: float = 10.0, pixels: int = 1000) -> None:
        self.seconds, self.pixels = seconds, pixels
        self.version = -1  # of the layout that the viewer knows
        self.frames = 0
        self._next: dict[int, int] = {}  # the bucket of each place that is sent next: the newest is sent again
        self._seen: dict[int, int] = {}  # rows of each place that have been
        self._looked = -np.inf

    def look(self, seconds: float, pixels: int) -> None:
        """See another time, or on other pixels: everything is sent anew."""
        self.seconds, self.pixels = seconds, pixels
        self.forget()

    def forget(self) -> None:
        """Send everything anew."""
        self._next, self._seen, self._looked = {}, {}, -np.inf

    def frame(self, store: Store, at: float) -> bytes | None:
        """Return what is new at the moment ``at``, None when nothing is."""
        if self.version != store.version:
            self.forget()
            self.version = store.version
        pictures = at - self._looked >= PICTURES
        sections = []
        for panel in store.panels:
            if panel.rows == self._seen.get(panel.id, 0) or (panel.kind == "image" and not pictures):
                continue
            made = self._section(panel)
            if made is not None:
                sections.append(made)
            self._seen[panel.id] = panel.rows
        if not sections:
            return None
        if pictures:
            self._looked = at
        self.frames += 1
        return pack(store.version, self.frames, store.now, sections)

    def _section(self, panel: Panel) -> Section | None:
        if panel.kind == "image":
            return Section(panel.id, panel.rows - 1, 1, None, panel.newest, None, picture=True)
        buckets = panel.buckets
        if buckets is None:
            return None
        factor, most = self._factor(panel)
        number, low, high = buckets.since(self._next.get(panel.id, 0), factor, most)
        if not len(high):
            return None
        times = None
        if panel.times is not None:
            _, earliest, _ = panel.times.since(number, factor, most)
            assert earliest is not None
            times = earliest[:, 0]
        self._next[panel.id] = number + len(high) - 1
        return Section(panel.id, number, factor * buckets.size, low, high, times, picture=False)

    def _factor(self, panel: Panel) -> tuple[int, int]:
        """Return how many buckets become one, so that there is one for a pixel, and how many are seen."""
        assert panel.buckets is not None
        each = panel.every * panel.buckets.size
        factor = max(1, int(np.ceil(self.seconds / (each * self.pixels))))
        return factor, int(self.seconds / (each * factor)) + 2
