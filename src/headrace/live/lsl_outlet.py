"""Blocks sent to the Lab Streaming Layer: for other programs to hear and record."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from headrace.core.block import ROWS, Block
from headrace.core.optional import optional
from headrace.errors import ClosedError, DataError
from headrace.live.devices.clock import SYSTEM, Anchor, at_once

Array = np.ndarray[Any, Any]
FORMATS = {"f4": "float32", "f8": "double64", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64"}


class LSLOutlet:
    """Sends rows as a stream of the Lab Streaming Layer: a feed of a system, or the end of any line of blocks.

    The first block says what the stream is: its channels, their type, its rate. Samples have the times of their rows. After
    a ``with`` block it ends with the feed that it is, whichever of the two ends first: the last rows are sent, too.

    Parameters
    ----------
    name
        Of the stream.
    columns
        Which are sent; by default all numbers but the times, of the pace of the rows. One of texts alone is sent as
        markers.
    type
        What kind of data it is: ``"EEG"``, ``"Markers"``; free, and what others look for.
    source_id
        By which a sender that was started again is known; by default a new one each time.
    rate
        Samples a second; by default those of the block, 0 where they come unevenly.
    anchor
        That of the device whose times are sent, so that no step of the time of day is in them; by default that of the
        first block.
    timestamp_key
        The column of times, which is not sent as a channel.

    Attributes
    ----------
    channel_names : tuple of str
        What the channels are called: the column, with a number where it has several.
    sent : int
        How many samples were.

    Examples
    --------
    >>> outlet = LSLOutlet("motion", ["acc"], type="MoCap")
    >>> outlet.sent, outlet.channel_names
    (0, ())
    >>> outlet.close()
    """

    name: str
    columns: tuple[str, ...] | None
    stream_type: str
    source_id: str
    rate: float | None
    timestamp_key: str

    def __init__(
        self,
        name: str = "headrace",
        columns: Sequence[str] | None = None,
        *,
        type: str = "",
        source_id: str | None = None,
        rate: float | None = None,
        anchor: Anchor | None = None,
        timestamp_key: str = "timestamp",
    ) -> None:
        self.name, self.columns = name, None if columns is None else tuple(columns)
        self.stream_type, self.rate, self.timestamp_key = type, rate, timestamp_key
        self.source_id = source_id or uuid.uuid4().hex
        self.channel_names: tuple[str, ...] = ()
        self.sent: int = 0
        self._anchor = anchor
        self._outlet: Any = None
        self._pylsl: Any = None
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._dtype: np.dtype[Any] | None = None  # None: texts
        self._ahead = 0.0  # liblsl's time at 0 of Unix seconds
        self._closed = self._left = False
        self._feeder: threading.Thread | None = None  # that of the feed, which lives until its last block was sent

    def write(self, block: Block) -> None:
        """Send a block's rows.

        Raises
        ------
        DataError
            When a column is not there, is no number, or has another shape than at first; or they differ in pace.
        ClosedError
            After :meth:`close`.
        MissingExtraError
            When pylsl is not installed.
        """
        if self._closed:
            raise ClosedError(f"{self!r} got a block after close(), wanted none.\n  Make another outlet.")
        self._feeder = threading.current_thread()
        if self._outlet is None:
            if not block or self._left:  # nobody could hear it any more
                return
            self._open(block)
        missing = [name for name in self._shapes if name not in block]
        if missing:
            raise DataError(f"{self!r} got columns {list(block)}, wanted {missing[0]!r}, too.\n  It was sent before.")
        arrays = {name: np.asarray(block[name]) for name in self._shapes}
        for name, array in arrays.items():
            if array.shape[1:] != self._shapes[name]:
                raise DataError(
                    f"{self!r} got {name!r} of shape {array.shape[1:]}, wanted {self._shapes[name]} as at first.\n"
                    "  A stream's channels do not change; make another outlet."
                )
        n = len(next(iter(arrays.values())))
        if not n:
            return
        times = None if block.times is None else np.asarray(block.timestamps(next(iter(arrays)))) + self._ahead
        self._push(np.concatenate([array.reshape(n, -1) for array in arrays.values()], axis=1), times)
        self.sent += n

    __call__ = write

    def _push(self, samples: Array, times: Array | None) -> None:
        if self._dtype is None:
            stamps = [0.0] * len(samples) if times is None else times.tolist()
            for row, stamp in zip(samples.tolist(), stamps, strict=True):
                self._outlet.push_sample([str(each) for each in row], stamp)
            return
        self._outlet.push_chunk(np.ascontiguousarray(samples, self._dtype), 0.0 if times is None else times.tolist())

    def _open(self, block: Block) -> None:
        lsl = self._pylsl = optional("pylsl", "sensors", "LSLOutlet")
        names = self._chosen(block)
        arrays = {name: np.asarray(block[name]) for name in names}
        text = [name for name, array in arrays.items() if array.dtype.kind in "UOT"]
        odd = [name for name, array in arrays.items() if array.dtype.kind not in "biufUOT"]
        if odd or (text and len(text) < len(names)):
            raise DataError(
                f"{self!r} got columns { ({name: str(array.dtype) for name, array in arrays.items()}) }, wanted numbers, or "
                "texts alone.\n  Say which with columns=; complex numbers are sent as two columns."
            )
        self._dtype = None if text else _sendable(np.result_type(*(array.dtype for array in arrays.values())))
        self._shapes = {name: array.shape[1:] for name, array in arrays.items()}
        self.channel_names = tuple(
            "_".join([name, *map(str, index)]) for name, shape in self._shapes.items() for index in np.ndindex(shape)
        )
        rate = self.rate if self.rate is not None else block.rate if block.pace(names[0]) == ROWS else None
        format_ = "string" if self._dtype is None else FORMATS[self._dtype.str[1:]]
        info = lsl.StreamInfo(
            self.name, self.stream_type, len(self.channel_names), rate or 0.0, format_, self.source_id
        )
        channels = info.desc().append_child("channels")
        for label in self.channel_names:
            channels.append_child("channel").append_child_value("label", label)
        anchor = self._anchor or Anchor.of(SYSTEM)
        ours, theirs = at_once(SYSTEM, lsl.local_clock)
        self._ahead = theirs - anchor.unix(ours)
        self._outlet = lsl.StreamOutlet(info)

    def _chosen(self, block: Block) -> list[str]:
        if self.columns is None:
            found = [
                name for name, column in block.items()
                if name != self.timestamp_key and block.pace(name) == ROWS and np.asarray(column).dtype.kind in "biuf"
            ]  # fmt: skip
        else:
            found = [name for name in self.columns if name in block]
        paces = {block.pace(name) for name in found}
        if not found or (self.columns is not None and len(found) < len(self.columns)) or len(paces) > 1:
            raise DataError(
                f"{self!r} got columns {list(block)}, wanted {list(self.columns or ('one of numbers',))}, all of one pace.\n"
                "  Say which with columns=; columns of several paces want an outlet each."
            )
        return found

    @property
    def heard(self) -> bool:
        """Whether somebody listens."""
        return self._outlet is not None and bool(self._outlet.have_consumers())

    def close(self) -> None:
        """End the stream; twice is fine."""
        self._outlet, self._closed = None, True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the stream; that of a system's feed when the feed has ended, so that its last rows are sent."""
        self._left, feeder = True, self._feeder
        if feeder is None:  # a feed that has given nothing yet, or none at all: there is no stream
            return
        if feeder is threading.current_thread() or not feeder.is_alive():
            self.close()
        else:
            threading.Thread(target=self._last, args=(feeder,), name="headrace-LSLOutlet", daemon=True).start()

    def _last(self, feeder: threading.Thread) -> None:
        feeder.join()
        self.close()

    def __repr__(self) -> str:
        return f"LSLOutlet({self.name!r})"


def _sendable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that liblsl sends numbers of another type as, without loss but for those above 2**63."""
    if dtype.kind == "b":
        return np.dtype(np.int8)
    if dtype.kind == "u":
        return np.dtype([np.int16, np.int32, np.int64, np.int64][[1, 2, 4, 8].index(dtype.itemsize)])
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return np.dtype(np.float32 if dtype.itemsize == 2 else np.float64)
    return np.dtype(dtype.newbyteorder("="))
