"""Rows of fixed size out of bytes that come in pieces, cut anywhere: one after the other, or in COBS frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.errors import StreamConfigError
from headrace.live.cobs import CobsFrames

Array = np.ndarray[Any, Any]


class Records:
    r"""Rows of fixed size, in binary.

    Parameters
    ----------
    fields
        What a structured dtype of numpy is made of: ``[("t", "<u4"), ("acc", "<f4", 3)]``.
    sync
        Bytes that every record begins with, before the fields. Without them nobody can tell where a record begins:
        a byte that is lost shifts all that follows.
    check
        A function of a record's bytes, from ``sync`` on, giving the bytes that follow them: a check sum.

    Attributes
    ----------
    bad : int
        Pieces between records, and records whose check sum is wrong.

    Raises
    ------
    StreamConfigError
        When the fields are no dtype with names and a size.

    Examples
    --------
    >>> records = Records([("t", "<u2"), ("x", "<f4", 2)], sync=b"\xaa\x55")
    >>> one = b"\xaa\x55" + np.uint16(7).tobytes() + np.array([1, 2], "<f4").tobytes()
    >>> records.feed(one[:5]), records.feed(one[5:] + b"garbled" + one)
    ({}, {'t': array([7, 7], dtype=uint16), 'x': array([[1., 2.],
           [1., 2.]], dtype=float32)})
    >>> records.bad
    1
    """

    dtype: np.dtype[Any]
    sync: bytes
    check: Callable[[bytes], bytes] | None

    def __init__(self, fields: Any, *, sync: bytes = b"", check: Callable[[bytes], bytes] | None = None) -> None:
        self.dtype, self.sync, self.check = _dtype("Records", fields), bytes(sync), check
        self.bad: int = 0
        self._start = len(self.sync)
        self._end = self._start + self.dtype.itemsize
        self._size = self._end + (0 if check is None else len(check(self.sync + bytes(self.dtype.itemsize))))
        self._rest, self._lost = b"", False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return self.dtype.names or ()

    def feed(self, data: bytes) -> dict[str, Array]:
        """Return the records that are complete now."""
        rest, at, found = self._rest + bytes(data), 0, []
        while True:
            start = rest.find(self.sync, at) if self.sync else at
            if start < 0:  # what may be the beginning of one is kept
                start = max(at, len(rest) - len(self.sync) + 1)
                self._between(start > at)
                at = start
                break
            self._between(start > at)
            at = start
            record = rest[at : at + self._size]
            if len(record) < self._size:
                break
            if self.check is not None and self.check(record[: self._end]) != record[self._end :]:
                if not self.sync:
                    self.bad += 1
                    at += self._size
                    continue
                self._between(True)
                at += 1
                continue
            found.append(record[self._start : self._end])
            self._lost = False
            at += self._size
        self._rest = rest[at:]
        return columns_of(b"".join(found), self.dtype)

    def _between(self, something: bool) -> None:
        """Count what is between two records once, however it is cut."""
        if something and not self._lost:
            self.bad += 1
            self._lost = True

    def reset(self) -> None:
        """Forget the beginning of a record whose end will not come."""
        self._rest, self._lost = b"", False

    def __repr__(self) -> str:
        return f"Records({list(self.names)}, {self._size} bytes)"


class CobsRecords:
    """Rows of fixed size, in binary, in COBS frames: whatever is garbled, the next zero is the end of it.

    Parameters
    ----------
    fields
        As of :class:`Records`; a frame holds a record, or several.
    check
        A function of a frame's bytes, giving the last ones of it: a check sum.

    Attributes
    ----------
    bad : int
        Frames that held no records.

    Raises
    ------
    StreamConfigError
        When the fields are no dtype with names and a size.

    Examples
    --------
    >>> from headrace.live import cobs
    >>> records = CobsRecords([("x", "<i2")])
    >>> sent = cobs.encode(np.int16(5).tobytes()) + cobs.encode(b"odd") + cobs.encode(np.int16(6).tobytes())
    >>> records.feed(sent), records.bad
    ({'x': array([5, 6], dtype=int16)}, 1)
    """

    dtype: np.dtype[Any]
    check: Callable[[bytes], bytes] | None

    def __init__(self, fields: Any, *, check: Callable[[bytes], bytes] | None = None) -> None:
        self.dtype, self.check = _dtype("CobsRecords", fields), check
        self._frames, self._bad = CobsFrames(), 0

    @property
    def bad(self) -> int:
        """Frames that held no records."""
        return self._bad + self._frames.bad

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return self.dtype.names or ()

    def feed(self, data: bytes) -> dict[str, Array]:
        """Return the records of the frames that are complete now."""
        found = []
        for frame in self._frames.feed(data):
            record = self._checked(frame)
            if record and not len(record) % self.dtype.itemsize:
                found.append(record)
            else:
                self._bad += 1
        return columns_of(b"".join(found), self.dtype)

    def _checked(self, frame: bytes) -> bytes:
        if self.check is None:
            return frame
        end = len(frame) - len(self.check(b""))
        return frame[:end] if end > 0 and self.check(frame[:end]) == frame[end:] else b""

    def reset(self) -> None:
        """Forget the beginning of a frame whose end will not come."""
        self._frames.reset()

    def __repr__(self) -> str:
        return f"CobsRecords({list(self.names)})"


def columns_of(data: bytes, dtype: np.dtype[Any]) -> dict[str, Array]:
    r"""Return the fields of records as columns ``(n, ...)`` in the machine's byte order; none of no records.

    Examples
    --------
    >>> columns_of(b"\x00\x07\x02", np.dtype([("n", ">i2"), ("on", "?")]))
    {'n': array([7], dtype=int16), 'on': array([ True])}
    """
    if not data:
        return {}
    records = np.frombuffer(data, dtype)
    return {name: _native(records[name]) for name in dtype.names or ()}


def _native(column: Array) -> Array:
    if column.dtype.kind == "b":
        truth: Array = column.view(np.uint8) != 0  # any other bit pattern would be no bool of numpy's
        return truth
    return column.astype(column.dtype.newbyteorder("="))


def _dtype(who: str, fields: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = np.dtype(fields)
    except TypeError:
        dtype = np.dtype("V0")
    if not dtype.names or not dtype.itemsize or dtype.hasobject:
        raise StreamConfigError(
            f"{who} got fields={fields!r}, wanted names and types.\n"
            "  [('t', '<u4'), ('acc', '<f4', 3)] is a count of 32 bits and three floats, little-endian."
        )
    return dtype
