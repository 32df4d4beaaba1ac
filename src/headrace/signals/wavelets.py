"""Wavelets: the discrete transform of windows, its bands, and a bank of wavelets of several widths."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_length
from headrace.signals.geometry import sum_of_features
from headrace.signals.history import joined, narrow, newest, wide
from headrace.signals.taps import fir
from headrace.signals.windowed import Windowed

_MODES = (
    "zero", "constant", "symmetric", "reflect", "periodic", "smooth", "periodization", "antisymmetric", "antireflect",
)  # fmt: skip


def _pywt(who: str) -> Any:
    return optional("pywt", "signals", who)


class _Discrete(Windowed):
    """What the discrete transform of each window gives, in order: the approximation, then details from coarse to fine."""

    x: str
    name: str
    window_size: Turnable[int]
    window_overlap: Turnable[int]
    wavelet: Turnable[str]
    level: Turnable[int]
    mode: Turnable[str]

    def check(self) -> None:
        super().check()
        who = type(self).__name__
        pywt = _pywt(who)
        if self.wavelet not in pywt.wavelist(kind="discrete"):
            raise StreamConfigError(
                f"{who}(wavelet=) got {self.wavelet!r}, wanted a discrete wavelet such as 'haar', 'db4' or 'sym5'.\n"
                "  pywt.wavelist(kind='discrete') names all."
            )
        if self.mode not in _MODES:
            raise StreamConfigError(
                f"{who}(mode=) got {self.mode!r}, wanted one of {', '.join(_MODES)}.\n  Name one of these."
            )
        level = positive(f"{who}(level=)", self.level, whole=True)
        most = pywt.dwt_max_level(self.window_size, pywt.Wavelet(self.wavelet).dec_len)
        if level > most:
            raise StreamConfigError(
                f"{who}(level=) got {level}, wanted at most {most} for windows of {self.window_size} rows and "
                f"{self.wavelet}.\n  Take longer windows or a shorter wavelet."
            )
        self.fix(level=level)

    def bands(self, windows: Array) -> list[Array]:
        """Return the coefficients of windows ``(n, size, ...)``, band by band, each ``(n, ..., k)``."""
        if windows.dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.\n  Take their size with Abs.")
        rows = np.ascontiguousarray(np.moveaxis(windows, 1, -1), dtype=np.float64)
        pywt = _pywt(type(self).__name__)
        if not len(rows):  # pywt wants at least one; how many coefficients there are depends on the size alone
            rows = np.zeros((1, *rows.shape[1:]))
            return [each[:0] for each in pywt.wavedec(rows, self.wavelet, self.mode, self.level, axis=-1)]
        made: list[Array] = pywt.wavedec(rows, self.wavelet, self.mode, self.level, axis=-1)
        return made


@signal_class(lambda: WaveletTransform("x", "y", 32, 16, "db2", 2))
class WaveletTransform(_Discrete):
    """The coefficients of the discrete wavelet transform of each window.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, ``(windows, ..., coefficients)``: the approximation first, then details from the
        coarsest to the finest, as :func:`pywt.wavedec` has them.
    window_size
        Rows in a window.
    window_overlap
        How many of them the next one has too.
    wavelet
        A discrete wavelet of PyWavelets.
    level
        How often the approximation is split again.
    mode
        How a window goes on beyond its ends; ``"periodization"`` gives as many coefficients as there are rows.
    upsample
        Whether there is an output row for every input row: the last complete window.
    default_value
        What stands there before there is one.

    Raises
    ------
    StreamConfigError
        When a parameter cannot be used: no such wavelet, too many levels for the window.
    DataError
        While running, when rows are complex.
    MissingExtraError
        When PyWavelets is not installed.

    Examples
    --------
    >>> haar = WaveletTransform("x", name="y", window_size=4, wavelet="haar", level=2)
    >>> haar([1.0, 1.0, 3.0, 3.0]).round(6).tolist()
    [[4.0, -2.0, 0.0, 0.0]]
    """

    x: str
    name: str
    window_size: Turnable[int] = turnable(64)
    window_overlap: Turnable[int] = turnable(0)
    wavelet: Turnable[str] = turnable("db4")
    level: Turnable[int] = turnable(3)
    mode: Turnable[str] = turnable("periodization")
    upsample: Turnable[bool] = turnable(False)
    default_value: Turnable[complex] = turnable(0)

    def frames(self, windows: Array) -> Array:
        return np.concatenate(self.bands(windows), axis=-1).astype(narrow(windows.dtype), copy=False)


@signal_class(lambda: WaveletBands("x", "y", 32, 16, "db2", 2))
class WaveletBands(_Discrete):
    """The power in each band of the discrete wavelet transform of each window.

    Parameters
    ----------
    x, window_size, window_overlap, wavelet, level, mode, upsample, default_value
        As for :class:`WaveletTransform`.
    name
        What to call the output, ``(windows, ..., level + 1)``: the sum of squares of the approximation, then of details
        from the coarsest to the finest, over the window's length. Detail ``level + 1 - i`` in column i is from
        ``rate / 2^(level + 2 - i)`` to twice that. For an orthogonal wavelet in mode ``"periodization"`` they add up to
        the mean square of the window.

    Raises
    ------
    StreamConfigError
        When a parameter cannot be used: no such wavelet, too many levels for the window.
    DataError
        While running, when rows are complex.
    MissingExtraError
        When PyWavelets is not installed.

    Examples
    --------
    >>> haar = WaveletBands("x", name="y", window_size=4, wavelet="haar", level=2)
    >>> haar([1.0, 1.0, 3.0, 3.0]).round(6).tolist()
    [[4.0, 1.0, 0.0]]
    """

    x: str
    name: str
    window_size: Turnable[int] = turnable(64)
    window_overlap: Turnable[int] = turnable(0)
    wavelet: Turnable[str] = turnable("db4")
    level: Turnable[int] = turnable(3)
    mode: Turnable[str] = turnable("periodization")
    upsample: Turnable[bool] = turnable(False)
    default_value: Turnable[complex] = turnable(0)

    def frames(self, windows: Array) -> Array:
        bands = self.bands(windows)
        powers = [_sum_of_squares(each) for each in bands]
        return (np.stack(powers, axis=-1) / self.window_size).astype(narrow(windows.dtype), copy=False)


def _sum_of_squares(x: Array) -> Array:
    rows = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
    return sum_of_features(rows * rows).reshape(x.shape[:-1])


@signal_class(lambda: WaveletBank("x", "y", (1.0, 2.0, 3.5), "morl"))
class WaveletBank(Signal[Any]):
    """The continuous wavelet transform at some scales, each row, all scales delayed alike.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, ``(rows, ..., scales)``, complex for a complex wavelet; it begins as though the first row
        had been there always.
    scales
        Widths of the wavelet in rows; :meth:`frequencies` says which frequencies they are.
    wavelet
        A continuous wavelet of PyWavelets, such as ``"morl"``, ``"mexh"`` or ``"cmor1.5-1.0"``.

    Attributes
    ----------
    latency : Fraction
        From the newest row that the widest wavelet reaches back to its middle.

    Raises
    ------
    StreamConfigError
        When there is no such wavelet, or a scale is not above 0.
    DataError
        While running, when rows are complex.
    MissingExtraError
        When PyWavelets is not installed.

    Notes
    -----
    The weights are the differences of the wavelet's integral, as in :func:`pywt.cwt`, whose result this is away from the
    ends, whole rows later. The latency is right to half a row.

    Examples
    --------
    >>> t = np.arange(400)
    >>> bank = WaveletBank("x", name="y", scales=(4, 8, 16), wavelet="morl")
    >>> power = np.abs(bank(np.cos(2 * np.pi * bank.frequencies()[1] * t)))[200:].max(axis=0)
    >>> int(power.argmax())
    1
    """

    x: str
    name: str
    scales: Any
    wavelet: Turnable[str] = turnable("morl")

    def check(self) -> None:
        scales = self.scales if isinstance(self.scales, tuple | list | np.ndarray) else (self.scales,)
        if not len(scales):
            raise StreamConfigError(
                "WaveletBank(scales=) got none, wanted widths in rows.\n  Give one or more, such as (4, 8, 16)."
            )
        self.fix(scales=tuple(positive("WaveletBank(scales=)", each) for each in scales))
        pywt = _pywt("WaveletBank")
        try:
            pywt.ContinuousWavelet(self.wavelet)
        except (ValueError, AttributeError, TypeError):
            raise StreamConfigError(
                f"WaveletBank(wavelet=) got {self.wavelet!r}, wanted a continuous wavelet such as 'morl' or 'cmor1.5-1.0'.\n"
                "  pywt.wavelist(kind='continuous') names all."
            ) from None

    def frequencies(self, sample_rate: float = 1.0) -> Array:
        """Return the frequency of each scale, in the unit of ``sample_rate``."""
        pywt = _pywt("WaveletBank")
        return np.array([pywt.scale2frequency(self.wavelet, each) * sample_rate for each in self.scales])

    @property
    def latency(self) -> Fraction:
        return Fraction(bank_weights(self.wavelet, self.scales).shape[1] - 1, 2)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        (x,) = rows
        if x.dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.\n  Take their size with Abs.")
        bank = bank_weights(self.wavelet, self.scales)
        dtype = np.result_type(narrow(x.dtype), np.complex64) if bank.dtype.kind == "c" else narrow(x.dtype)
        made = np.empty((*x.shape, len(bank)), dtype)
        if not len(x):
            return made, state
        past = np.repeat(wide(x[:1]), bank.shape[1] - 1, axis=0) if state is None else state
        both = joined(past, wide(x))
        for i, taps in enumerate(bank):
            made[..., i] = fir(taps, both)
        return made, newest(past, wide(x))


@lru_cache(64)
def bank_weights(wavelet: str, scales: tuple[float, ...]) -> Array:
    """Return the weights of each scale, ``(scales, taps)``, the middle of every one in the middle."""
    pywt = _pywt("WaveletBank")
    one = pywt.ContinuousWavelet(wavelet)
    integral, x = pywt.integrate_wavelet(one, precision=12)
    integral = np.conj(integral) if one.complex_cwt else integral
    step, width = x[1] - x[0], x[-1] - x[0]
    found = []
    for scale in scales:
        a_length("WaveletBank(scales=), as rows,", int(scale * width))
        at = (np.arange(scale * width + 1) / (scale * step)).astype(int)
        part = integral[at[at < len(integral)]][::-1]
        found.append(-np.sqrt(scale) * np.diff(np.concatenate([[0], part, [0]])))
    n = max(map(len, found))
    n += 1 - n % 2
    made = np.zeros((len(found), n), dtype=np.result_type(*found))
    for row, taps in zip(made, found, strict=True):
        start = (n - len(taps)) // 2
        row[start : start + len(taps)] = taps
    made.flags.writeable = False
    return made
