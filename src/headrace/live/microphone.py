"""A microphone: every channel, and a time for each sample."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.beside import Beside
from headrace.live.devices.threaded import Threaded
from headrace.live.devices.wake import Wake
from headrace.live.wires.portaudio import look, no_input, sounddevice
from headrace.live.wires.sound_times import SampleTimes

Array = np.ndarray[Any, Any]
SLACK: Final = 0.05  # seconds by which sound may be older than its driver's buffer is long; if more, it does not know
BEHIND: Final = 10.0  # seconds of sound that may wait for the thread that takes it up


class _Chunk(NamedTuple):
    """What the driver brought: when, how old its first sample was then (NaN: unknown), and whether some were lost."""

    came: float
    age: float
    samples: Array
    overflow: bool


class MicSource(Threaded):
    """A microphone on its own clock, through PortAudio: a row for each sample.

    Samples are timed from when the driver says that the first of a chunk was heard, on a line through many chunks, so
    that no jitter of their arrival is in the times.

    Parameters
    ----------
    key
        The column of sound, ``(n, n_channels)`` int16.
    chunk_size
        Samples that come at once.
    followers
        Functions by name, ``f()`` or ``f(t)`` of the seconds since the start, asked once for each chunk; its rows have
        their values, in columns ``<name>``, or ``<name>_<key>`` of a dict. Those with ``start`` and ``stop`` are started
        and stopped. A device beside it is merged: :class:`~headrace.live.Merge`.
    device
        The number of a device, or part of its name; None is the system's own choice.
    n_channels
        How many channels. None takes all that the device has; a virtual device may say 32.
    sample_rate
        Samples a second; None is what the device has.
    silence
        Seconds without a chunk after which the microphone is taken to have failed.
    received_key
        The column of the moments at which chunks came; None for none. With the count of samples in a recording, the
        clocks can be fitted again: :func:`~headrace.live.fit_pairs`.
    timestamp_key, clock, max_bytes, overflow, on_error, patience
        As for :class:`~headrace.live.Threaded`.

    Attributes
    ----------
    sample_width : int
        Bytes of a sample: 2.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these; in ``start``, when there is no such microphone.
    MissingExtraError
        In ``start``, when sounddevice, or the library PortAudio, is not installed.

    Examples
    --------
    >>> microphone = MicSource(chunk_size=512)
    >>> microphone.names, microphone.sample_width, microphone.is_active()
    (('timestamp', 'received', 'audio'), 2, False)
    """

    sample_width: int = 2
    key: str
    chunk_size: int
    device: int | str | None
    silence: float
    flat: bool = False  # whether the sound of one channel is (n,)

    def __init__(
        self,
        key: str = "audio",
        chunk_size: int = 1024,
        followers: Mapping[str, Any] | None = None,
        *,
        device: int | str | None = None,
        n_channels: int | None = 1,
        sample_rate: float | None = None,
        silence: float = 5.0,
        timestamp_key: str = "timestamp",
        received_key: str | None = "received",
        **threaded: Any,
    ) -> None:
        who = type(self).__name__
        for name, value, least in (
            ("chunk_size", chunk_size, 1),
            ("n_channels", n_channels, 1),
            ("silence", silence, 0),
        ):
            if value is not None and not value >= least:
                raise StreamConfigError(
                    f"{who} got {name}={value!r}, wanted {least} or more.\n  Leave it out for the default."
                )
        if sample_rate is not None and not 0 < sample_rate < math.inf:
            raise StreamConfigError(
                f"{who} got sample_rate={sample_rate!r}, wanted samples a second.\n  None is what the device has."
            )
        self.beside: Beside = Beside(followers)
        self.followers: dict[str, Any] = self.beside.sources
        times = (timestamp_key,) if received_key is None else (timestamp_key, received_key)
        super().__init__(names=(*times, key, *self.beside.sources), timestamp_key=timestamp_key, **threaded)
        self.received_key: str | None = received_key
        self.key, self.chunk_size, self.device, self.silence = key, int(chunk_size), device, float(silence)
        self._channels = None if n_channels is None else int(n_channels)
        self._rate = None if sample_rate is None else float(sample_rate)
        self._stream: Any = None
        self._chunks: deque[_Chunk] = deque()
        self._waiting = self._limit = 0  # samples in them, and how many there may be
        self._ring = Wake()
        self._buffer = 0.0  # seconds that the driver lets sound wait, by its own word
        self._over = False  # whether the driver has ended by itself
        self._times = SampleTimes(1.0)
        self._overflows = self._lost = 0

    # --- what it is -----------------------------------------------------------------------------------

    @property
    def sample_rate(self) -> int:
        """Samples a second; asks the device, where it was not given.

        Raises
        ------
        StreamConfigError
            When there is no such microphone.
        """
        if self._rate is None:
            self._rate = float(self._look()["default_samplerate"])
        return round(self._rate)

    @property
    def n_channels(self) -> int:
        """How many channels; asks the device, where all were wanted."""
        if self._channels is None:
            self._channels = int(self._look()["max_input_channels"])
        return self._channels

    @property
    def signal_names(self) -> tuple[str, ...]:
        """The columns but the times."""
        return tuple(name for name in self.names if name not in (self.timestamp_key, self.received_key))

    @property
    def rate(self) -> float | None:
        """Samples a second, once they are known."""
        return self._rate

    def _look(self) -> Any:
        return look(sounddevice(type(self).__name__), self.device, type(self).__name__)

    # --- the device -----------------------------------------------------------------------------------

    def opened(self) -> None:
        sd = sounddevice(type(self).__name__)
        rate, channels = self.sample_rate, self.n_channels
        self._chunks.clear()
        self._waiting, self._limit, self._over = 0, int(BEHIND * rate) + self.chunk_size, False
        self._times = SampleTimes(float(rate), self.clock.now())
        try:
            self.beside.start()
            try:
                self._stream = sd.InputStream(
                    samplerate=rate, blocksize=self.chunk_size, device=self.device, channels=channels, dtype="int16",
                    callback=self._came, finished_callback=self._finished,
                )  # fmt: skip
                self._buffer = float(getattr(self._stream, "latency", 0.0))
                self._stream.start()
            except (sd.PortAudioError, ValueError) as error:
                raise no_input(sd, self.device, type(self).__name__, error) from error
        except BaseException as error:
            try:
                self.closed()
            except Exception as another:
                error.add_note(f"  and stopping the others raised {another!r}")
            raise

    def closed(self) -> None:
        stream, self._stream = self._stream, None
        try:
            if stream is not None:
                stream.close()
        finally:
            self.beside.stop()

    def unblock(self) -> None:
        self._ring.set()

    def _came(self, samples: Any, n: int, moments: Any, status: Any) -> None:
        """Called by the driver, in a thread that must not wait: take it, and say so."""
        now = self.clock.now()
        age = moments.currentTime - moments.inputBufferAdcTime if moments.inputBufferAdcTime > 0 else math.nan
        if self._waiting > self._limit:  # the other thread is stuck: it will see a gap
            self._overflows += 1
            return
        self._waiting += n
        self._chunks.append(_Chunk(now, age, samples.copy(), bool(status.input_overflow)))
        self._ring.set()

    def _finished(self) -> None:
        self._over = True
        self._ring.set()

    def run(self, stopping: threading.Event) -> None:
        began = self.clock.now()
        while not stopping.is_set():
            while self._chunks:
                self._take(self._chunks.popleft(), began)
            if self._over and not self._chunks and not stopping.is_set():
                raise self._gone("its driver has ended")
            if not self._ring.wait(self.silence) and not self._chunks:
                raise self._gone(f"nothing has come for {self.silence:g} seconds")
        while self._chunks:  # what was heard before the stop
            self._take(self._chunks.popleft(), began)

    def _gone(self, why: str) -> DataError:
        return DataError(
            f"{self!r} has lost its microphone: {why}, wanted sound.\n"
            "  See whether it is plugged in and its sound server runs; on_error='restart' opens it again."
        )

    def _take(self, chunk: _Chunk, began: float) -> None:
        n, samples = len(chunk.samples), chunk.samples
        self._waiting -= n
        # The server behind a driver may say anything at first; sound waits no longer than the buffer is.
        age = min(chunk.age, n / self.sample_rate + self._buffer + SLACK) if chunk.age >= 0 else n / self.sample_rate
        if chunk.overflow:
            self._overflows += 1
        moments, lost = self._times.of(n, chunk.came - age, chunk.came, gap=chunk.overflow)
        self._lost += lost
        columns: dict[str, Any] = {self.timestamp_key: self.anchor.unix(0.0) + moments}
        if self.received_key is not None:
            columns[self.received_key] = np.full(n, self.anchor.unix(chunk.came))
        columns[self.key] = samples[:, 0] if self.flat and samples.shape[1] == 1 else samples
        self.beside.beside(columns, n, chunk.came - began)
        self.put_block(columns)

    def stats(self) -> dict[str, Any]:
        """Return what it counts: see :meth:`Threaded.stats`; and chunks before which samples were lost.

        Returns
        -------
        counts
            Besides those, ``overflows``: chunks before which the driver has lost samples; ``lost``: about how many.
        """
        return {**super().stats(), "overflows": self._overflows, "lost": self._lost}

    def __repr__(self) -> str:
        told = "" if self.device is None else f", device={self.device!r}"
        return f"{type(self).__name__}(chunk_size={self.chunk_size}{told})"


class MicDataSource(MicSource):
    """The microphone of the documented notebook: the sound alone, ``(n,)`` of one channel; its times are the block's.

    Parameters
    ----------
    chunk_size
        Samples that come at once.
    options
        As for :class:`MicSource`.

    Examples
    --------
    >>> MicDataSource(chunk_size=512).signal_names
    ('audio',)
    """

    flat: bool = True

    def __init__(self, chunk_size: int = 1024, **options: Any) -> None:
        super().__init__(chunk_size=chunk_size, **{"received_key": None, **options})

    def read(self) -> Block:
        """Return the samples that came since the last read: see :meth:`Threaded.read`. ``times`` of the block has those."""
        block = super().read()
        columns = {name: column for name, column in block.items() if name != self.timestamp_key}
        return Block.of(columns, block.first, block.n, block.rate, {}, {}, block.times, None)
