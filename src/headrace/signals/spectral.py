"""Spectra of windows, and signals made of spectra again."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from headrace.core.block import Pace
from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, signal_class, turnable
from headrace.signals.checks import windows
from headrace.signals.windowed import Windowed

DETRENDS = ("linear", "constant", None)


@lru_cache(maxsize=32)
def hann(size: int) -> Array:
    """Return a symmetric Hann window, ``(size,)``, which is 0 at both ends."""
    made = np.hanning(size)
    made.flags.writeable = False
    return made


@lru_cache(maxsize=32)
def ramp(size: int) -> Array:
    """Return a straight line through 0 in the middle, ``(size,)``, one a row."""
    made = np.arange(size) - (size - 1) / 2
    made.flags.writeable = False
    return made


@lru_cache(maxsize=32)
def _scaled_hann(size: int) -> Array:
    made = hann(size) / size
    made.flags.writeable = False
    return made


def detrended(rows: Array, kind: str | None) -> None:
    """Take the mean, or the straight line that fits best, off each row of ``(n, size)``, in place.

    Sums go along the row in one order, without BLAS: each row is the same bytes whatever rows stand beside it.
    """
    if kind is None:
        return
    size = rows.shape[1]
    rows -= (np.add.reduce(rows, axis=1) / size)[:, None]
    if kind == "linear" and size > 1:
        line = ramp(size)
        slope = np.einsum("nk,k->n", rows, line) / (size * (size * size - 1) / 12)
        rows -= slope[:, None] * line


class _Spectral(Windowed):
    detrend_type: Turnable[str | None]
    window_type: Turnable[str]

    def check(self) -> None:
        super().check()
        who = type(self).__name__
        if self.detrend_type not in DETRENDS:
            raise StreamConfigError(
                f"{who}(detrend_type=) got {self.detrend_type!r}, wanted one of {', '.join(map(repr, DETRENDS))}.\n"
                "  Name one of these."
            )
        _check_window(who, self.window_type)

    def spectra(self, windows: Array) -> Array:
        """Return the spectra of windows in double precision, ``(n, ..., window_size // 2 + 1)``."""
        size = self.window_size
        if windows.dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.\n  Take their real part or magnitude first.")
        turned = np.moveaxis(windows, 1, -1) if windows.ndim > 2 else windows
        rows = np.array(turned, dtype=np.float64, order="C").reshape(-1, size)
        detrended(rows, self.detrend_type)
        rows *= _scaled_hann(size)
        found: Array = np.fft.rfft(rows, axis=1).reshape(*turned.shape[:-1], size // 2 + 1)
        return found

    def frequencies(self, sample_rate: float) -> Array:
        """Return the frequency of each column, in the unit of ``sample_rate``."""
        return np.fft.rfftfreq(self.window_size, 1 / sample_rate)


def _check_window(who: str, window_type: Any) -> None:
    if window_type != "hann":
        raise StreamConfigError(f"{who}(window_type=) got {window_type!r}, wanted 'hann'.\n  Leave it out.")


@signal_class(lambda: FourierTransform("x", "y", 16, 9))
class FourierTransform(_Spectral):
    """The spectrum of each window: the straight line taken off, a symmetric Hann window, a real Fourier transform.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``, real.
    name
        What to call the output, ``(windows, ..., window_size // 2 + 1)``, complex: the transform over ``window_size``.
        float32 gives complex64, computed in double precision.
    window_size
        Rows in a window.
    window_overlap
        How many of them the next one has too.
    detrend_type
        ``"linear"`` takes the line off that fits best, ``"constant"`` the mean, None nothing.
    window_type
        ``"hann"``.
    upsample
        Whether there is an output row for every input row: that of the last complete window.
    default_value
        What stands there before there is one.

    Raises
    ------
    StreamConfigError
        When a parameter cannot be used.
    DataError
        When the rows are complex.

    Examples
    --------
    >>> t = np.arange(2000) / 1000
    >>> spectrum = FourierTransform("x", name="y", window_size=256, window_overlap=128)
    >>> found = spectrum(np.sin(2 * np.pi * 125 * t))
    >>> found.shape, np.abs(found[3]).argmax().item() * 1000 / 256
    ((14, 129), 125.0)
    """

    x: str
    name: str
    window_size: Turnable[int] = turnable(256)
    window_overlap: Turnable[int] = turnable(0)
    detrend_type: Turnable[str | None] = turnable("linear")
    window_type: Turnable[str] = turnable("hann")
    upsample: Turnable[bool] = turnable(False)
    default_value: Turnable[complex] = turnable(0)

    def frames(self, windows: Array) -> Array:
        found = self.spectra(windows)
        return found.astype(np.complex64) if windows.dtype == np.float32 else found


@signal_class(lambda: Spectrogram("x", "y", 16, 9, decibel=True))
class Spectrogram(_Spectral):
    """The power of each frequency in each window: the squared magnitude of :class:`FourierTransform`.

    Its parameters are those of :class:`FourierTransform`, and these.

    Parameters
    ----------
    decibel
        Ten times its logarithm to base 10; at least -200. Of a power that is nearly 0 it has fewer digits: a spectrum is
        right to about 1e-16 of the signal, its logarithm to that over the spectrum's size.

    Raises
    ------
    StreamConfigError
        When a parameter cannot be used.
    DataError
        When the rows are complex.

    Examples
    --------
    >>> t = np.arange(1024) / 1024
    >>> power = Spectrogram("x", name="y", window_size=256, decibel=True)
    >>> power(np.sin(2 * np.pi * 128 * t)).shape
    (4, 129)
    """

    x: str
    name: str
    window_size: Turnable[int] = turnable(256)
    window_overlap: Turnable[int] = turnable(0)
    detrend_type: Turnable[str | None] = turnable("linear")
    window_type: Turnable[str] = turnable("hann")
    decibel: Turnable[bool] = turnable(False)
    upsample: Turnable[bool] = turnable(False)
    default_value: Turnable[complex] = turnable(0)

    def frames(self, windows: Array) -> Array:
        found = self.spectra(windows)
        power: Array = found.real**2 + found.imag**2
        if self.decibel:
            power = 10 * np.log10(np.maximum(power, 1e-20))
        return power.astype(np.float32) if windows.dtype == np.float32 else power


def _spectra(rng: np.random.Generator, n: int) -> tuple[Array]:
    return (rng.normal(size=(n, 5)) + 1j * rng.normal(size=(n, 5)),)


@signal_class(lambda: InverseFourierTransform("x", "y", 8, 5), rows=_spectra, channels=False)
class InverseFourierTransform(Signal[Any]):
    """A signal made of the spectra of its windows, overlapped and added.

    ``y = sum(window * frame) / sum(window**2)`` over the windows that a row lies in (Griffin and Lim 1984, eq. 6): what
    :class:`FourierTransform` with ``detrend_type=None`` was given, from where all windows are there. A row at which
    every window is 0, such as the very first, is 0.

    ``window_size - window_overlap`` rows come at once with each spectrum, as many as the signal had between two of them;
    the newest is ``window_overlap`` rows late.

    Parameters
    ----------
    x
        The input's name, ``(windows, ..., window_size // 2 + 1)``, complex.
    name
        What to call the output, ``(rows, ...)``.
    window_size, window_overlap, window_type
        Those of the transform.

    Raises
    ------
    StreamConfigError
        When a parameter cannot be used.
    DataError
        When a spectrum has not the length that belongs to the window.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=1024)
    >>> spectra = FourierTransform("x", "s", window_size=256, window_overlap=128, detrend_type=None)(x)
    >>> back = InverseFourierTransform("s", name="y", window_size=256, window_overlap=128)(spectra)
    >>> len(back), bool(np.allclose(back[1:], x[1:896]))
    (896, True)
    """

    x: str
    name: str
    window_size: Turnable[int] = turnable(256)
    window_overlap: Turnable[int] = turnable(0)
    window_type: Turnable[str] = turnable("hann")

    def check(self) -> None:
        size, overlap = windows("InverseFourierTransform", self.window_size, self.window_overlap)
        self.fix(window_size=size, window_overlap=overlap)
        _check_window("InverseFourierTransform", self.window_type)

    @property
    def hop(self) -> int:
        return self.window_size - self.window_overlap

    @property
    def pace(self) -> Pace:
        return Pace(burst=self.hop)

    @property
    def latency(self) -> Fraction:
        # Of the newest row that a spectrum brings; with the half window that the transform itself declares, that is
        # window_overlap rows of the signal.
        return Fraction(self.window_size + 1 - 2 * self.hop, 2 * self.hop)

    def init(self, *head: Array) -> Any:
        bins = self.window_size // 2 + 1
        if head[0].ndim < 2 or head[0].shape[-1] != bins:
            raise DataError(
                f"{self!r} got rows of shape {head[0].shape[1:]}, wanted (..., {bins}): the spectrum of "
                f"{self.window_size} rows.\n  Give what FourierTransform makes of as many."
            )
        kept = (-(-self.window_size // self.hop) - 1) * self.hop
        return np.zeros((kept, *head[0].shape[1:-1])), np.zeros(kept)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x, (sums, weights) = rows[0], state
        n, hop, size, inner = len(x), self.hop, self.window_size, x.shape[1:-1]
        dtype = np.float32 if x.dtype in (np.complex64, np.float32) else np.float64
        if not n:
            return np.empty((0, *inner), dtype), state
        parts, window = len(sums) // hop + 1, hann(size)
        padded = np.zeros((n, *inner, parts * hop))
        padded[..., :size] = np.fft.irfft(x.astype(np.complex128, copy=False), size, axis=-1)
        padded[..., :size] *= window * size
        pieces = np.moveaxis(padded, -1, 1).reshape(n, parts, hop, *inner)
        squares = np.zeros(parts * hop)
        squares[:size] = window * window
        total = np.zeros((n + parts - 1, hop, *inner))
        total[: parts - 1] = sums.reshape(parts - 1, hop, *inner)
        weight = np.zeros((n + parts - 1, hop))
        weight[: parts - 1] = weights.reshape(parts - 1, hop)
        for part in reversed(range(parts)):  # so that to every row, earlier windows are added first
            total[part : part + n] += pieces[:, part]
            weight[part : part + n] += squares[part * hop : (part + 1) * hop]
        whole = weight[:n].reshape(-1, *[1] * len(inner))
        found = np.zeros((n * hop, *inner))
        np.divide(total[:n].reshape(found.shape), whole, out=found, where=whole > 1e-12)
        return found.astype(dtype, copy=False), (
            total[n:].reshape(sums.shape).copy(),
            weight[n:].reshape(-1).copy(),
        )
