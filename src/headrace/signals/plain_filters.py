"""Filters of plain arrays, which remember where they are: online, offline without delay, and their response."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, positive
from headrace.signals.cascade import run_from_rest
from headrace.signals.design import Response, butterworth, filter_type, response
from headrace.signals.history import newest, wide
from headrace.signals.taps import fir


class Filter:
    """A filter of plain arrays, time first, that goes on where the last call ended.

    Parameters
    ----------
    sos
        Second-order sections, ``(sections, 6)``.
    n_channels
        How many channels; 1 also takes arrays of one axis and single numbers.
    fs
        Rows a second, for the response; by default 2 pi, so that frequencies are in radians a row.

    Raises
    ------
    StreamConfigError
        When the sections or the number of channels cannot be used.

    Examples
    --------
    >>> from headrace.signals.design import butterworth
    >>> smooth = Filter(butterworth(2, 10, 100))
    >>> smooth.process([1.0, 1.0]).round(6).tolist(), round(float(smooth.process(1.0)), 6)
    ([1.0, 1.0], 1.0)
    """

    def __init__(self, sos: Any, n_channels: int = 1, fs: float = 2 * np.pi) -> None:
        who = type(self).__name__
        self.n_channels: int = positive(f"{who}(n_channels=)", n_channels, whole=True)
        self.fs: float = positive(f"{who}(fs=)", fs)
        self._sos = np.array(sos, dtype=np.float64)
        if self._sos.ndim != 2 or self._sos.shape[1] != 6:
            raise StreamConfigError(
                f"{who} got sections of shape {self._sos.shape}, wanted (sections, 6).\n"
                "  design.butterworth gives such; from_ba takes a transfer function."
            )
        self._state: Any = None

    @classmethod
    def from_ba(cls, b: Any, a: Any, n_channels: int = 1, fs: float = 2 * np.pi) -> Filter:
        """Return a filter with the transfer function ``b / a``, made into sections, which round less."""
        return cls(optional("scipy.signal", "signals", "Filter").tf2sos(b, a), n_channels, fs)

    def process(self, x: Any) -> Any:
        """Return the next rows filtered; the state begins as though the first row had been there always.

        Parameters
        ----------
        x
            A number (of one channel), ``(n,)`` or ``(n, n_channels)`` rows, or ``(n_channels,)``: one row.

        Raises
        ------
        DataError
            For another shape.
        """
        rows, shape = self._rows(x)
        if not len(rows):
            return np.empty(shape)
        return self._next(rows).reshape(shape)[()]

    def process_offline(self, x: Any) -> Array:
        """Return rows filtered forth and back: without delay, each frequency twice as much; the state stays."""
        rows, shape = self._rows(x)
        return self._both_ways(rows).reshape(shape)

    def reset(self) -> None:
        """Forget what has been."""
        self._state = None

    def response(self, points: int = 512) -> Response:
        """Return (frequencies, gain in dB, unwrapped phase)."""
        return response(self._sos, self.fs, points=points)

    def as_ba(self) -> tuple[Array, Array]:
        """Return numerator and denominator of the transfer function."""
        b, a = optional("scipy.signal", "signals", "Filter").sos2tf(self._sos)
        return b, a

    def _rows(self, x: Any) -> tuple[Array, tuple[int, ...]]:
        rows = wide(np.asarray(x))
        one_row = rows.ndim == 1 and self.n_channels > 1 and len(rows) == self.n_channels
        one_channel = self.n_channels == 1 and rows.ndim <= 1
        if not one_row and not one_channel and (rows.ndim != 2 or rows.shape[1] != self.n_channels):
            raise DataError(
                f"{type(self).__name__} of {self.n_channels} channels got an array of shape {rows.shape}, wanted "
                f"(n, {self.n_channels}), or one row.\n  Time is axis 0."
            )
        return rows.reshape(-1, self.n_channels), rows.shape

    def _next(self, rows: Array) -> Array:
        found, self._state = run_from_rest(self._sos, rows, self._state, type(self).__name__)
        return found

    def _both_ways(self, rows: Array) -> Array:
        signal = optional("scipy.signal", "signals", type(self).__name__)
        made: Array = signal.sosfiltfilt(self._sos, rows, axis=0)
        return made


class ButterFilter(Filter):
    """A Butterworth filter of plain arrays.

    Parameters
    ----------
    order, cutoff_freq, filter_type, fs
        As :func:`headrace.signals.design.butterworth` has them.
    n_channels
        How many channels.

    Raises
    ------
    StreamConfigError
        When a value cannot be used.

    Examples
    --------
    >>> high = ButterFilter(2, 10, "highpass", 100)
    >>> high.process([5.0, 5.0, 5.0]).round(6).tolist()
    [0.0, 0.0, 0.0]
    """

    def __init__(self, order: int, cutoff_freq: Any, filter_type: str, fs: float, n_channels: int = 1) -> None:
        self.order: int = order
        self.cutoff_freq: Any = cutoff_freq
        self.filter_type: str = _type("ButterFilter", filter_type)
        super().__init__(butterworth(order, cutoff_freq, fs, filter_type), n_channels, fs)


_type = filter_type  # which a parameter of that name hides


class FirFilter(Filter):
    """A filter of plain arrays with a finite impulse response.

    Parameters
    ----------
    kernel
        The weights, ``(taps,)``, the newest row's first. A warning says when they do not sum up to 1.
    fs
        Rows a second.
    n_channels
        How many channels.

    Raises
    ------
    StreamConfigError
        When the kernel is not one number or more.

    Examples
    --------
    >>> mean = FirFilter([0.5, 0.5], fs=100)
    >>> mean.process([2.0, 4.0]).tolist(), mean.process([8.0]).tolist()
    ([2.0, 3.0], [6.0])
    """

    def __init__(self, kernel: Any, fs: float, n_channels: int = 1) -> None:
        self.kernel: Array = np.array(kernel, dtype=np.float64)
        if self.kernel.ndim != 1 or not len(self.kernel):
            raise StreamConfigError(
                f"FirFilter(kernel=) got shape {self.kernel.shape}, wanted (taps,).\n  Give one weight for each row."
            )
        if not np.isclose(self.kernel.sum(), 1):
            warnings.warn(
                f"FirFilter got a kernel that sums up to {self.kernel.sum():.6g}: what is constant changes by that factor.",
                stacklevel=2,
            )
        super().__init__(np.array([[1.0, 0, 0, 1, 0, 0]]), n_channels, fs)

    def response(self, points: int = 512) -> Response:
        return response(self.kernel, self.fs, points=points)

    def as_ba(self) -> tuple[Array, Array]:
        return self.kernel.copy(), np.ones(1)

    def _next(self, rows: Array) -> Array:
        past = np.repeat(rows[:1], len(self.kernel) - 1, axis=0) if self._state is None else self._state
        found = fir(self.kernel, np.concatenate((past, rows)))
        self._state = newest(past, rows)
        return found

    def _both_ways(self, rows: Array) -> Array:
        """Forth and back, beginning with a pad that mirrors the ends as scipy.signal.filtfilt does."""
        signal = optional("scipy.signal", "signals", "FirFilter")
        made: Array = signal.filtfilt(self.kernel, [1.0], rows, axis=0)
        return made
