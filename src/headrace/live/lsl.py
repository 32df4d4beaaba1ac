"""Streams of the Lab Streaming Layer, heard as a device."""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DeviceLostError, StreamConfigError
from headrace.live.devices.align import ClockFit
from headrace.live.devices.clock import at_once
from headrace.live.devices.threaded import Threaded

Array = np.ndarray[Any, Any]
LOOK: Final = 0.2  # seconds that a sample is waited for
MOST: Final = 1024  # samples that are taken at once
EVERY: Final = 1.0  # seconds between two looks at the sender's clock
STRAY: Final = 0.1  # seconds by which the sender's clock may be off its line; beyond that it is another clock
TEXT: Final = 3  # the number that stands for strings in liblsl's channel formats


class LSLInlet(Threaded):
    """A stream of the Lab Streaming Layer, as rows.

    Samples are timed by the sender, and its clock is brought to this machine's by the times that liblsl measures on
    the way there and back, with a line through those of the last two minutes (:class:`~headrace.live.ClockFit`).

    Parameters
    ----------
    name, type, source_id
        What the stream has to be called; each that is given counts.
    key
        The column of its samples, ``(n, channels)``, or ``(n,)`` of one channel; by default the stream's name.
    remote_key, received_key
        The columns of the sender's own times, seconds, and of when samples came; None for none. With both in a
        recording, the clocks can be fitted again: :func:`~headrace.live.fit_pairs`.
    timeout
        Seconds that :meth:`start` looks for the stream.
    recover
        Whether a sender that is gone is waited for; if not, that is a failure.
    buffer
        Seconds of samples, or hundreds of samples without a rate, that liblsl keeps.
    options
        ``timestamp_key=``, ``clock=``, ``max_bytes=``, ``overflow=``, ``on_error=``, ``patience=``: as for
        :class:`~headrace.live.Threaded`.

    Attributes
    ----------
    channel_names : tuple of str
        What the channels are called, as far as the sender says so; once it was started.
    fit : ClockFit
        The line from the sender's clock to liblsl's on this machine.

    Raises
    ------
    StreamConfigError
        When it is not said which stream.

    Examples
    --------
    >>> inlet = LSLInlet("ECG", type="ECG", key="ecg")
    >>> inlet.state, inlet.names
    ('idle', ('timestamp', 'received', 'lsl_timestamp', 'ecg'))
    """

    key: str | None
    remote_key: str | None
    received_key: str | None
    timeout: float
    recover: bool
    buffer: int

    def __init__(
        self,
        name: str | None = None,
        *,
        type: str | None = None,
        source_id: str | None = None,
        key: str | None = None,
        remote_key: str | None = "lsl_timestamp",
        received_key: str | None = "received",
        timeout: float = 5.0,
        recover: bool = True,
        buffer: int = 360,
        timestamp_key: str = "timestamp",
        **options: Any,
    ) -> None:
        wanted = {"name": name, "type": type, "source_id": source_id}
        self.wanted: dict[str, str] = {what: value for what, value in wanted.items() if value is not None}
        if not self.wanted or any("'" in value and '"' in value for value in self.wanted.values()):
            raise StreamConfigError(
                f"LSLInlet got {self.wanted or 'nothing'}, wanted name=, type= or source_id= of a stream, without quotes.\n"
                "  pylsl.resolve_streams() lists those there are."
            )
        self.key, self.remote_key, self.received_key = key or name, remote_key, received_key
        self.timeout, self.recover, self.buffer = float(timeout), recover, int(buffer)
        self.channel_names: tuple[str, ...] = ()
        self.fit: ClockFit = ClockFit(keep=False)
        self._before = [timestamp_key, *(each for each in (received_key, remote_key) if each is not None)]
        super().__init__(
            names=(*self._before, *([] if self.key is None else [self.key])), timestamp_key=timestamp_key, **options
        )
        self._pylsl: Any = None
        self._inlet: Any = None
        self._dtype: np.dtype[Any] | None = None
        self._room: Array = np.zeros((0, 0))
        self._column = self.key or ""
        self._ahead = 0.0  # the clock's time at 0 of liblsl's
        self._corrected = (np.nan, -np.inf)
        self._told = -np.inf
        self._resets = 0

    # --- the device ---------------------------------------------------------------------------------

    def opened(self) -> None:
        lsl = self._pylsl = optional("pylsl", "sensors", "LSLInlet")
        found = lsl.resolve_bypred(" and ".join(map(_asked, self.wanted.items())), 1, self.timeout)
        if not found:
            there = sorted({each.name() for each in lsl.resolve_streams(0.5)})
            raise DeviceLostError(
                f"{self!r} found no such stream within {self.timeout} seconds, wanted one.\n"
                f"  Streams that can be seen: {', '.join(map(repr, there)) or 'none'}. Is the sender running, and in the "
                "same network?"
            )
        self._inlet = lsl.StreamInlet(found[0], self.buffer, recover=self.recover)
        try:
            info = self._inlet.info(timeout=self.timeout)
            self._inlet.open_stream(timeout=self.timeout)
        except RuntimeError as error:  # which pylsl's own are
            self.closed()
            raise DeviceLostError(
                f"{self!r} was found, and does not answer within {self.timeout} seconds: {error or type(error).__name__}.\n"
                "  Start its sender again, or wait longer with timeout=."
            ) from error
        self._describe(info)
        self.fit, self._corrected, self._told = ClockFit(keep=False), (np.nan, -np.inf), -np.inf

    def _describe(self, info: Any) -> None:
        format_ = info.channel_format()
        kinds = {1: np.float32, 2: np.float64, 4: np.int32, 5: np.int16, 6: np.int8, 7: np.int64}
        self._dtype = None if format_ == TEXT else np.dtype(kinds[format_])
        self._room = np.zeros((MOST, info.channel_count()), self._dtype or np.uint8)
        self._column = self.key or info.name()
        self._names = (*self._before, self._column)
        rate = info.nominal_srate()
        self._rate = float(rate) if rate > 0 else None
        names, channel = [], info.desc().child("channels").child("channel")
        while not channel.empty():
            names.append(channel.child_value("label"))
            channel = channel.next_sibling("channel")
        self.channel_names = tuple(names)

    def closed(self) -> None:
        inlet, self._inlet = self._inlet, None
        if inlet is not None:
            inlet.close_stream()

    def run(self, stopping: threading.Event) -> None:
        lost = optional("pylsl.util", "sensors", "LSLInlet").LostError
        try:
            while not stopping.is_set():
                if self._correct():
                    self._pull(LOOK)
            if np.isfinite(self._corrected[0]):
                self._pull(0.0)  # what had come by the stop
        except lost as error:
            raise DeviceLostError(
                f"{self!r} was lost: its sender is gone.\n  recover=True waits for it, on_error='restart' looks for another."
            ) from error

    def _correct(self) -> bool:
        """Look at the sender's clock now and then; return whether it is known at all."""
        lsl = self._pylsl
        now: float = lsl.local_clock()
        if now < self._corrected[1] + EVERY:
            return True
        try:
            correction: float = self._inlet.time_correction(LOOK)  # the first takes a while, and waits so long
        except optional("pylsl.util", "sensors", "LSLInlet").TimeoutError:
            return bool(np.isfinite(self._corrected[0]))
        if correction != self._corrected[0]:  # liblsl measures it every few seconds
            now = lsl.local_clock()
            remote = now - correction
            if np.isfinite(self._corrected[0]) and abs(self.fit.offset + self.fit.slope * remote - now) > STRAY:
                self.fit = ClockFit(keep=False)
                self._resets += 1
            self.fit.update(remote, now)
        ours, theirs = at_once(self.clock, lsl.local_clock, looks=3)
        self._ahead = ours - theirs
        self._corrected = correction, now
        return True

    def _pull(self, timeout: float) -> None:
        first, stamp = self._inlet.pull_sample(timeout)
        if first is None:
            return
        while True:
            if self._dtype is None:
                more, stamps = self._inlet.pull_chunk(0.0, MOST)
                samples = np.array([first, *more] if first is not None else more)
            else:
                _, stamps = self._inlet.pull_chunk(0.0, MOST, self._room)
                more = self._room[: len(stamps)]
                samples = np.concatenate([np.array([first], self._dtype), more]) if first is not None else more.copy()
            times = np.array([stamp, *stamps] if first is not None else stamps, np.float64)
            if len(times):
                self._put(samples, times)
            if len(stamps) < MOST:
                return
            first = None

    def _put(self, samples: Array, times: Array) -> None:
        found = self.fit.offset + self.fit.slope * times + self._ahead
        # A sender may stamp as it likes; rows whose times went back could not be merged with any other's.
        found = np.maximum(np.maximum.accumulate(found), self._told)
        self._told = float(found[-1])
        columns = {self.timestamp_key: self.anchor.wall + (found - self.anchor.now)}
        if self.received_key is not None:
            columns[self.received_key] = np.full(len(times), self.anchor.unix(self.clock.now()))
        if self.remote_key is not None:
            columns[self.remote_key] = times
        self.put_block({**columns, self._column: samples[:, 0] if samples.shape[1] == 1 else samples})

    def stats(self) -> dict[str, Any]:
        """Return what it counts: see :meth:`Threaded.stats`; and ``clocks``, those of the sender after the first."""
        return {**super().stats(), "clocks": self._resets}

    def __repr__(self) -> str:
        return f"LSLInlet({', '.join(f'{what}={value!r}' for what, value in self.wanted.items())})"


def _asked(wanted: tuple[str, str]) -> str:
    quote = "'" if '"' in wanted[1] else '"'
    return f"{wanted[0]}={quote}{wanted[1]}{quote}"
