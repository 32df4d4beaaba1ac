"""Filter design: coefficients, kernels and their responses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.signals.base import Array, positive
from headrace.signals.bells import (
    gaussian_kernel,
    gaussian_kernel1d,
    gaussian_smooth_offline,
    half_gaussian_kernel,
    moving_average_kernel,
)
from headrace.signals.checks import a_length

__all__ = [
    "TYPES",
    "Response",
    "butterworth",
    "cutoff",
    "filter_type",
    "gaussian_kernel",
    "gaussian_kernel1d",
    "gaussian_smooth_offline",
    "half_gaussian_kernel",
    "moving_average_kernel",
    "notch",
    "response",
    "steady",
    "windowed_fir",
]

TYPES = ("lowpass", "highpass", "bandpass", "bandstop")
_ALIASES = {"low": "lowpass", "high": "highpass", "band": "bandpass", "stop": "bandstop", "notch": "bandstop"}
_ALIASES |= {name: name for name in TYPES}


class Response(NamedTuple):
    """What a filter does to each frequency.

    Attributes
    ----------
    w : array
        Frequencies, in the unit of the sample rate.
    db : array
        The gain, in decibel.
    phase : array
        The phase, unwrapped, in radians.
    """

    w: Array
    db: Array
    phase: Array


# --- recursive filters ------------------------------------------------------------------------------


def filter_type(who: str, value: Any) -> str:
    """Return the name of a filter type: lowpass, highpass, bandpass or bandstop.

    Raises
    ------
    StreamConfigError
        For any other.
    """
    found = _ALIASES.get(value) if isinstance(value, str) else None
    if found is None:
        raise StreamConfigError(
            f"{who}(filter_type=) got {value!r}, wanted one of {', '.join(map(repr, TYPES))}.\n  Name one of these."
        )
    return found


def cutoff(who: str, kind: str, value: Any, sample_rate: float) -> Any:
    """Return a cutoff frequency, or the two of a band, below half the sample rate.

    Raises
    ------
    StreamConfigError
        For anything else.
    """
    band = kind in ("bandpass", "bandstop")
    found = tuple(np.asarray(value, dtype=object).ravel()) if np.ndim(value) else (value,)
    if len(found) != 1 + band:
        wanted = "two frequencies, (low, high)" if band else "one frequency"
        raise StreamConfigError(
            f"{who}(cutoff_freq=) got {value!r}, wanted {wanted}.\n  Frequencies are in the unit of the sample rate."
        )
    found = tuple(positive(f"{who}(cutoff_freq=)", each) for each in found)
    if found[-1] >= sample_rate / 2 or found[0] > found[-1] or (band and found[0] == found[1]):
        order = "rising frequencies" if band else "a frequency"
        raise StreamConfigError(
            f"{who}(cutoff_freq=) got {value!r} at {sample_rate:g} rows a second, wanted {order} below "
            f"{sample_rate / 2:g}, half of that.\n"
            "  Give lower frequencies, or sample more often: beyond half of the rate they are not there."
        )
    return found if band else found[0]


@lru_cache(maxsize=256)
def _butterworth(order: int, freq: Any, sample_rate: float, kind: str) -> Array:
    signal = optional("scipy.signal", "signals", "butterworth")
    try:
        with np.errstate(all="ignore"):
            made: Array = signal.butter(order, freq, btype=kind, fs=sample_rate, output="sos")
    except OverflowError:
        made = np.full((1, 6), np.nan)
    if not np.isfinite(made).all():
        raise StreamConfigError(
            f"butterworth(order=) got {order}, wanted one for which the coefficients are numbers.\n"
            "  Take less than 20: each adds 6 dB an octave."
        )
    made.flags.writeable = False
    return made


def butterworth(order: int, cutoff_freq: Any, sample_rate: float, filter_type: str = "lowpass") -> Array:
    """Return a Butterworth filter as second-order sections, ``(sections, 6)``.

    Parameters
    ----------
    order
        At least 1; a band has twice as many poles.
    cutoff_freq
        Where the gain is -3 dB, in the unit of ``sample_rate``; ``(low, high)`` for a band.
    sample_rate
        Rows a second.
    filter_type
        ``"lowpass"``, ``"highpass"``, ``"bandpass"`` or ``"bandstop"``.

    Raises
    ------
    StreamConfigError
        When a value cannot be used.

    Examples
    --------
    >>> sos = butterworth(4, 10, 100)
    >>> sos.shape, round(float(response(sos, 100, at=[10.0]).db[0]), 3)
    ((2, 6), -3.01)
    """
    kind = _type("butterworth", filter_type)
    rate = positive("butterworth(sample_rate=)", sample_rate)
    freq = cutoff("butterworth", kind, cutoff_freq, rate)
    made: Array = _butterworth(positive("butterworth(order=)", order, whole=True), freq, rate, kind).copy()
    return made  # which scipy takes only when it may be written to


_type = filter_type  # which a parameter of that name hides


def notch(freq: float, quality: float, sample_rate: float) -> Array:
    """Return a filter that takes one frequency out, as second-order sections.

    Parameters
    ----------
    freq
        Which, below half the sample rate.
    quality
        ``freq`` over the width at -3 dB.
    sample_rate
        Rows a second.

    Examples
    --------
    >>> bool(response(notch(50.0, 30.0, 1000.0), 1000, at=[50.0]).db[0] < -100)
    True
    """
    signal = optional("scipy.signal", "signals", "notch")
    b, a = signal.iirnotch(freq, quality, fs=sample_rate)
    return np.concatenate([b, a])[None]


@lru_cache(maxsize=256)
def steady(sos: Any) -> Array:
    """Return the state, ``(sections, 2)``, of sections (bytes of doubles) that have seen ones for ever.

    Where there is no such state, since the output would grow for ever, it is 0.
    """
    signal = optional("scipy.signal", "signals", "steady")
    sections = np.frombuffer(sos).reshape(-1, 6)
    try:
        made: Array = signal.sosfilt_zi(sections)
    except np.linalg.LinAlgError:
        made = np.zeros((len(sections), 2))
    return made


# --- kernels ----------------------------------------------------------------------------------------


def windowed_fir(
    taps: int, cutoff_freq: Any, sample_rate: float, filter_type: str = "lowpass", window: Any = "hamming"
) -> Array:
    """Return a linear-phase filter designed with a window, ``(taps,)``.

    Parameters
    ----------
    taps
        How many weights; odd for a high-pass or a band-stop.
    cutoff_freq
        Where the gain is one half, in the unit of ``sample_rate``; ``(low, high)`` for a band.
    sample_rate
        Rows a second.
    filter_type
        ``"lowpass"``, ``"highpass"``, ``"bandpass"`` or ``"bandstop"``.
    window
        One that scipy.signal.get_window knows.

    Raises
    ------
    StreamConfigError
        When a value cannot be used.

    Examples
    --------
    >>> kernel = windowed_fir(101, 50, 1000)
    >>> len(kernel), round(float(kernel.sum()), 12)
    (101, 1.0)
    """
    kind = _type("windowed_fir", filter_type)
    rate = positive("windowed_fir(sample_rate=)", sample_rate)
    n = a_length("windowed_fir(taps=)", taps)
    freq = cutoff("windowed_fir", kind, cutoff_freq, rate)
    if kind in ("highpass", "bandstop") and n % 2 == 0:
        raise StreamConfigError(
            f"windowed_fir(taps=) got {n}, wanted an odd number: an even one passes nothing at half the sample rate.\n"
            f"  Take {n + 1}."
        )
    signal = optional("scipy.signal", "signals", "windowed_fir")
    made: Array = signal.firwin(n, freq, pass_zero=kind, fs=rate, window=window)
    return made


# --- responses --------------------------------------------------------------------------------------


def response(coefficients: Any, sample_rate: float, *, points: int = 512, at: Any = None) -> Response:
    """Return gain and phase of second-order sections ``(sections, 6)`` or of a kernel ``(taps,)``.

    Parameters
    ----------
    coefficients
        The filter.
    sample_rate
        Rows a second.
    points
        How many frequencies, from 0 up to half the sample rate.
    at
        These frequencies instead.

    Examples
    --------
    >>> found = response([0.5, 0.5], 100, points=3)
    >>> found.db.round(1).tolist()
    [0.0, -1.2, -6.0]
    """
    w = np.arange(points) * (sample_rate / 2 / points) if at is None else np.asarray(at, dtype=np.float64)
    taps = np.asarray(coefficients, dtype=np.float64)
    z = np.exp(-2j * np.pi * w / sample_rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        if taps.ndim == 1:
            h = np.polyval(taps[::-1], z)
        else:
            h = np.ones(len(w), dtype=np.complex128)
            for b0, b1, b2, a0, a1, a2 in taps:
                h *= (b0 + z * (b1 + z * b2)) / (a0 + z * (a1 + z * a2))
        db = 20 * np.log10(np.maximum(np.abs(h), 1e-20))
    return Response(w, db, np.unwrap(np.angle(h)))
