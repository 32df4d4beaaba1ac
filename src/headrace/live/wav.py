"""Wave files as arrays, and as a microphone."""

from __future__ import annotations

import threading
import wave
from pathlib import Path
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.threaded import Threaded
from headrace.live.recording.sound import DTYPES

Array = np.ndarray[Any, Any]


def read_wav(path: Any) -> tuple[float, Array]:
    """Return the rate of a ``.wav`` file and its samples.

    Parameters
    ----------
    path
        The file, of integers of 8 to 32 bits.

    Returns
    -------
    rate : float
        Samples a second.
    audio : array
        ``(n,)`` of one channel, ``(n, channels)`` of several: uint8, int16 or int32; 24 bits are int32 of the same
        values.

    Raises
    ------
    OSError
        When the file cannot be read.
    DataError
        When it is no such file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with wave.open(folder + "/a.wav", "wb") as file:
    ...         file.setparams((2, 2, 8000, 0, "NONE", ""))
    ...         file.writeframes(np.array([[1, -1], [2, -2]], "<i2").tobytes())
    ...     read_wav(folder + "/a.wav")
    (8000.0, array([[ 1, -1],
           [ 2, -2]], dtype=int16))
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), float(file.getframerate())
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(
            f"{Path(path).name!r} is no wav file of integers: {error or 'it ends too early'}.\n"
            "  Convert it, for instance with soundfile, to 16 bits PCM."
        ) from error
    data = data[: len(data) - len(data) % (width * channels)]  # of a recording that was cut off
    if width == 3:
        parts = np.frombuffer(data, "u1").reshape(-1, 3)
        wide = np.zeros((len(parts), 4), "u1")
        wide[:, 1:] = parts
        found = wide.view("<i4")[:, 0] >> 8
    else:
        found = np.frombuffer(data, DTYPES[width])
    found = found.astype(found.dtype.newbyteorder("="))
    return rate, found if channels == 1 else found.reshape(-1, channels)


class FileAudioSource(Threaded):
    """A microphone that plays a ``.wav`` file, in real time: each chunk when its last sample would have been heard.

    Parameters
    ----------
    filename
        The file.
    chunk_size
        Samples that come at once.
    key
        The column, ``(n, channels)``.
    loop
        Whether it begins again at its end; else the device stops there.
    clock, max_bytes, overflow, on_error
        As for :class:`~headrace.live.Threaded`.

    Attributes
    ----------
    sample_rate, n_channels : int
        Those of the file.

    Raises
    ------
    StreamConfigError
        When ``chunk_size`` is less than 1.
    DataError
        When the file is no wav file.
    OSError
        When it cannot be read.
    """

    filename: Path
    chunk_size: int
    key: str
    loop: bool
    sample_rate: int
    n_channels: int

    def __init__(
        self, filename: Any, chunk_size: int = 1024, *, key: str = "audio", loop: bool = False, **options: Any
    ) -> None:
        if chunk_size < 1:
            raise StreamConfigError(
                f"FileAudioSource got chunk_size={chunk_size!r}, wanted 1 or more samples.\n  1024 is the default."
            )
        rate, audio = read_wav(filename)
        super().__init__(rate=rate, names=("timestamp", key), **options)
        self.filename, self.chunk_size, self.key, self.loop = Path(filename), int(chunk_size), key, loop
        self.audio: Array = audio[:, None] if audio.ndim == 1 else audio
        self.sample_rate, self.n_channels = int(rate), self.audio.shape[1]

    def run(self, stopping: threading.Event) -> None:
        rate, began, at, n = float(self.sample_rate), self.clock.now(), 0, len(self.audio)
        while n and (self.loop or at < n):
            lo = at % n
            chunk = self.audio[lo : lo + self.chunk_size]
            at += len(chunk)
            if not self.clock.wait_until(began + at / rate, stopping):
                return
            moments = self.anchor.unix(began) + np.arange(at - len(chunk), at) / rate
            self.put_block({self.timestamp_key: moments, self.key: chunk})

    def __repr__(self) -> str:
        return f"FileAudioSource({self.filename.name!r}, chunk_size={self.chunk_size})"
