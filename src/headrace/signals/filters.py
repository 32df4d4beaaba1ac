"""Recursive filters: Butterworth low-, high-, band-pass and band-stop, notches, and any second-order sections."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Turnable, positive, signal_class, turnable
from headrace.signals.design import butterworth, cutoff, filter_type, notch
from headrace.signals.sections import SosBase


class _Butter(SosBase):
    kind = ""
    tunable: ClassVar[tuple[str, ...]] = ("cutoff_freq", "sample_rate")

    def check(self) -> None:
        who, kind, known = type(self).__name__, self.kind or self._type(), self.params()
        rate = positive(f"{who}(sample_rate=)", known["sample_rate"])
        self.fix(
            order=positive(f"{who}(order=)", known["order"], whole=True),
            sample_rate=rate,
            cutoff_freq=cutoff(who, kind, known["cutoff_freq"], rate),
        )

    def _type(self) -> str:
        return self.kind

    def sections(self) -> Array:
        known = self.params()
        return butterworth(known["order"], known["cutoff_freq"], known["sample_rate"], self._type())


@signal_class(lambda: LowPassFilter("x", "y", 4, 10.0, 100.0))
class LowPassFilter(_Butter):
    """What is slower than ``cutoff_freq``, by a Butterworth filter.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    order
        How steep: 6 dB an octave each.
    cutoff_freq
        Where the gain is -3 dB, below half the sample rate. It may be turned while it runs: the filter goes on.
    sample_rate
        Rows a second.

    Raises
    ------
    StreamConfigError
        When a value cannot be used.

    Examples
    --------
    >>> slow = LowPassFilter("x", name="y", order=2, cutoff_freq=10, sample_rate=100)
    >>> slow([1.0, 1.0, 3.0]).round(4).tolist()
    [1.0, 1.0, 1.1349]
    """

    x: str
    name: str
    order: Turnable[int]
    cutoff_freq: Turnable[float]
    sample_rate: Turnable[float]
    kind = "lowpass"


@signal_class(lambda: HighPassFilter("x", "y", 3, 10.0, 100.0))
class HighPassFilter(_Butter):
    """What is faster than ``cutoff_freq``, by a Butterworth filter; its parameters are those of :class:`LowPassFilter`.

    Raises
    ------
    StreamConfigError
        When a value cannot be used.

    Examples
    --------
    >>> HighPassFilter("x", name="y", order=2, cutoff_freq=10, sample_rate=100)([5.0, 5.0]).round(6).tolist()
    [0.0, 0.0]
    """

    x: str
    name: str
    order: Turnable[int]
    cutoff_freq: Turnable[float]
    sample_rate: Turnable[float]
    kind = "highpass"


@signal_class(lambda: BandPassFilter("x", "y", 2, (5.0, 20.0), 100.0))
class BandPassFilter(_Butter):
    """What lies between two frequencies, by a Butterworth filter.

    Its parameters are those of :class:`LowPassFilter`, with ``cutoff_freq=(low, high)``.

    Raises
    ------
    StreamConfigError
        When a value cannot be used, such as one frequency.

    Examples
    --------
    >>> band = BandPassFilter("x", name="y", order=2, cutoff_freq=(5, 20), sample_rate=100)
    >>> band([5.0, 5.0]).round(6).tolist()
    [0.0, 0.0]
    """

    x: str
    name: str
    order: Turnable[int]
    cutoff_freq: Turnable[tuple[float, float]]
    sample_rate: Turnable[float]
    kind = "bandpass"


@signal_class(lambda: BandStopFilter("x", "y", 2, (5.0, 20.0), 100.0))
class BandStopFilter(_Butter):
    """All but what lies between two frequencies, by a Butterworth filter.

    Its parameters are those of :class:`LowPassFilter`, with ``cutoff_freq=(low, high)``.

    Raises
    ------
    StreamConfigError
        When a value cannot be used, such as one frequency.

    Examples
    --------
    >>> stop = BandStopFilter("x", name="y", order=2, cutoff_freq=(5, 20), sample_rate=100)
    >>> stop([5.0, 5.0]).round(6).tolist()
    [5.0, 5.0]
    """

    x: str
    name: str
    order: Turnable[int]
    cutoff_freq: Turnable[tuple[float, float]]
    sample_rate: Turnable[float]
    kind = "bandstop"


@signal_class(lambda: Butterworth("x", "y", 3, (5.0, 20.0), 100.0, "bandstop"))
class Butterworth(_Butter):
    """A Butterworth filter of any type.

    Its parameters are those of :class:`LowPassFilter`, and ``filter_type``: ``"lowpass"``, ``"highpass"``,
    ``"bandpass"`` or ``"bandstop"``, the last two with ``cutoff_freq=(low, high)``.

    Raises
    ------
    StreamConfigError
        When a value cannot be used.

    Examples
    --------
    >>> Butterworth("x", name="y", order=2, cutoff_freq=10, sample_rate=100)([1.0, 1.0, 3.0]).round(4).tolist()
    [1.0, 1.0, 1.1349]
    """

    x: str
    name: str
    order: Turnable[int]
    cutoff_freq: Turnable[float | tuple[float, float]]
    sample_rate: Turnable[float]
    filter_type: Turnable[str] = turnable("lowpass")

    def check(self) -> None:
        self.fix(filter_type=filter_type("Butterworth", self.filter_type))
        super().check()

    def _type(self) -> str:
        return self.filter_type


@signal_class(lambda: NotchFilter("x", "y", 12.0, 100.0))
class NotchFilter(SosBase):
    """All but one frequency, such as the hum of the mains.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    freq
        The frequency, below half the sample rate.
    sample_rate
        Rows a second.
    quality
        ``freq`` over the width at -3 dB.

    Raises
    ------
    StreamConfigError
        When a value cannot be used.

    Examples
    --------
    >>> NotchFilter("x", name="y", freq=50, sample_rate=1000)([5.0, 5.0]).round(6).tolist()
    [5.0, 5.0]
    """

    x: str
    name: str
    freq: Turnable[float]
    sample_rate: Turnable[float]
    quality: Turnable[float] = turnable(30.0)
    tunable: ClassVar[tuple[str, ...]] = ("freq", "quality", "sample_rate")

    def check(self) -> None:
        rate = positive("NotchFilter(sample_rate=)", self.sample_rate)
        self.fix(
            sample_rate=rate,
            freq=cutoff("NotchFilter", "lowpass", self.freq, rate),
            quality=positive("NotchFilter(quality=)", self.quality),
        )

    def sections(self) -> Array:
        return notch(self.freq, self.quality, self.sample_rate)


@signal_class(lambda: Sos("x", "y", [[0.2, 0.4, 0.2, 1.0, -0.3, 0.1], [1.0, -1.0, 0.0, 1.0, -0.5, 0.0]]))
class Sos(SosBase):
    """A recursive filter by its second-order sections, as scipy.signal designs give them with ``output="sos"``.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    sos
        The sections, ``(sections, 6)``: b0, b1, b2, 1, a1, a2.

    Raises
    ------
    StreamConfigError
        When they have another shape, or a fourth column that is not 1.

    Examples
    --------
    >>> Sos("x", name="y", sos=[[0.5, 0.5, 0, 1, 0, 0]])([2.0, 4.0]).tolist()
    [2.0, 3.0]
    """

    x: str
    name: str
    sos: Any

    def check(self) -> None:
        try:
            found = np.asarray(self.sos, dtype=np.float64)
        except (TypeError, ValueError):
            found = np.empty(0)
        if found.ndim != 2 or found.shape[1] != 6 or not len(found) or not np.isfinite(found).all():
            raise StreamConfigError(
                f"Sos(sos=) got {self.sos!r}, wanted finite numbers of shape (sections, 6).\n"
                "  headrace.signals.design and scipy.signal, with output='sos', give such."
            )
        if (found[:, 3] != 1).any():
            raise StreamConfigError("Sos(sos=) got sections whose a0 is not 1, wanted 1.\n  Divide each by its a0.")
        self.fix(sos=tuple(map(tuple, found.tolist())))

    def sections(self) -> Array:
        return np.array(self.sos)
