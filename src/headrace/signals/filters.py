"""Recursive filters: Butterworth low-, high-, band-pass and band-stop, notches, and any second-order sections."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, positive, signal_class
from headrace.signals.cascade import run
from headrace.signals.design import Response, butterworth, cutoff, filter_type, notch, response, steady
from headrace.signals.history import narrow, wide


class SosBase(Signal[Any]):
    """A cascade of second-order sections in double precision; a subclass says the sections in :meth:`sections`.

    It begins as though the first row had been there always. Needs scipy.
    """

    def sections(self) -> Array:
        """Return the sections, ``(sections, 6)``."""
        raise NotImplementedError(f"{type(self).__name__} needs a method sections()")

    def response(self, points: int = 512) -> Response:
        """Return (frequencies, gain in dB, unwrapped phase)."""
        return response(self.sections(), getattr(self, "sample_rate", 2 * np.pi), points=points)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x = rows[0]
        if not len(x):
            return np.empty(x.shape, narrow(x.dtype)), state
        sos = self.__dict__.get("_sos")
        if sos is None:
            sos = np.array(self.sections())
            self.fix(_sos=sos)
        inner = wide(x)
        if state is None:
            state = inner[0].reshape(-1, 1, 1) * steady(sos.tobytes())
        found, after = run(sos, inner, state, type(self).__name__)
        return found if x is inner else found.astype(narrow(x.dtype), copy=False), after


class _Butter(SosBase):
    kind = ""

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
        Where the gain is -3 dB, below half the sample rate.
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
    order: int
    cutoff_freq: float
    sample_rate: float
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
    order: int
    cutoff_freq: float
    sample_rate: float
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
    order: int
    cutoff_freq: tuple[float, float]
    sample_rate: float
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
    order: int
    cutoff_freq: tuple[float, float]
    sample_rate: float
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
    order: int
    cutoff_freq: Any
    sample_rate: float
    filter_type: str = "lowpass"

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
    freq: float
    sample_rate: float
    quality: float = 30.0

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
