"""Graphs that are exported, and columns for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.signals import quaternions as q
from headrace.signals.arithmetic import Difference, Multiply, Scale, Sum
from headrace.signals.combine import Combine
from headrace.signals.correlate import CrossCorrelation
from headrace.signals.dead_reckoning import DeadReckoning
from headrace.signals.delay import Delay
from headrace.signals.demodulation import AmplitudeDemodulation, FrequencyDemodulation
from headrace.signals.differentiate import Differentiate, Integrate, SampleRate
from headrace.signals.elementwise import Abs, Clip, Exp, Logarithm, Pow
from headrace.signals.envelope import Envelope
from headrace.signals.events import EventDetector, Threshold, ZeroCrossing
from headrace.signals.filters import BandPassFilter, HighPassFilter, LowPassFilter, NotchFilter
from headrace.signals.fir import Fir
from headrace.signals.geometry import AngleBetween, Gravity, Norm, OrientationXy, Rotate
from headrace.signals.graph import Graph
from headrace.signals.gyroscope import OffsetGyro
from headrace.signals.hilbert import AnalyticSignal, HilbertEnvelope, HilbertPhase
from headrace.signals.modulation import AmplitudeModulation, FrequencyModulation
from headrace.signals.moving import MovingMax, MovingMedian, MovingMin, MovingRMS, MovingStd
from headrace.signals.orientation import FusionOrientation, MadgwickOrientation
from headrace.signals.peaks import Peaks
from headrace.signals.projection import GravityProjection
from headrace.signals.resample import Resample
from headrace.signals.running import RunningMean, RunningStd
from headrace.signals.shape import Concatenate, ExtractDimension, Reshape, Stack
from headrace.signals.smooth import ExponentialMean, GaussianSmooth, MovingAverage
from headrace.signals.spectral import FourierTransform, InverseFourierTransform, Spectrogram
from headrace.signals.waveforms import SineWave, SquareWave, TriangleWave
from headrace.signals.wavelets import WaveletBands, WaveletBank, WaveletTransform
from headrace.signals.windowed import Windows
from support.counts import heavy

DTYPES = ("float64", "float32")
SHAPES = {"acc": (3,), "gyro": (3,), "q": (4,), "image": (2, 2)}  # of rows; others are one number


def columns_of(graph: Graph, n: int, dtype: str) -> dict[str, Any]:
    rng, found = np.random.default_rng(0), {}
    for name in graph.reads:
        if name == "timestamp":
            found[name] = np.cumsum(rng.integers(0, 3, n) / 64)  # which float32 holds exactly
        else:
            found[name] = rng.normal(size=(n, *SHAPES.get(name, ()))) + 0.5
        found[name] = found[name].astype(dtype)
    return found


def rows_of(case: str) -> int:
    """How many rows to try; few of decibels, since of many a power is so near 0 that numpy too has few digits of its logarithm."""
    return 3000 if case == "decibels" else max(3000, heavy(100_000))


def of(*nodes: Any, outputs: Any = None) -> Callable[[], Graph]:
    names = [node.name for node in nodes] if outputs is None else outputs
    return lambda: Graph(nodes, outputs=names)


def both(make: Callable[[str, str], Any]) -> Callable[[], Graph]:
    """One channel and three."""
    return of(make("x", "one"), make("acc", "three"))


CASES: dict[str, Callable[[], Graph]] = {
    "notebook": of(
        Sum("a", "b", name="composite"),
        Sum("composite", "noise", name="noisy"),
        FourierTransform("noisy", "spectrum", 256, 128),
        SampleRate("timestamp", name="rate"),
        MovingAverage("rate", "smooth", 10),
    ),
    "arithmetic": of(
        Scale("acc", "scaled", 2.5),
        Sum("acc", "gyro", "scaled", name="sum"),
        Difference("acc", "gyro", "less"),
        Multiply("acc", "gyro", "times"),
        Abs("acc", "size"),
        Pow("size", "power", 1.5),
        Exp("acc", "exp"),
        Exp("acc", "exp2", 2.0),
        Logarithm("size", "log"),
        Logarithm("size", "log10", 10.0),
        Clip("acc", "clip", -0.5, 0.7),
        Clip("acc", "above", None, 0.7),
    ),
    "integrals": of(
        Integrate("x", "timestamp", "area"),
        Integrate("acc", "timestamp", "speed"),
        Integrate("acc", None, "steps"),
        Integrate("acc", "gyro", "each", use_trapz=False),
        Differentiate("x", "timestamp", "slope"),
        Differentiate("acc", "timestamp", "jerk"),
        Differentiate("acc", None, "change"),
        SampleRate("timestamp", "rate", start=0.0),
    ),
    "shape": of(
        ExtractDimension("acc", "y", 1),
        Concatenate("acc", "gyro", "x", name="imu"),
        Stack("acc", "gyro", name="pair", axis=-1),
        Reshape("pair", (2, -1), "turned"),
        ExtractDimension("turned", "one", (1, 2)),
        Combine((Sum("x", "y", name="s"), Integrate("s", None, "t"), Sum("t", "x", name="u")), name="combined"),
    ),
    "waves": of(
        SineWave("timestamp", "sine", 2.0, 3.0, 0.5),
        SquareWave("timestamp", "square", 2.0, 0.3, 0.5),
        TriangleWave("timestamp", "triangle", 2.0, 0.3, 0.5),
    ),
    "low-pass": both(lambda x, y: LowPassFilter(x, y, 4, 0.5, 100.0)),
    "high-pass": both(lambda x, y: HighPassFilter(x, y, 3, 10.0, 100.0)),
    "band-pass": both(lambda x, y: BandPassFilter(x, y, 2, (5.0, 20.0), 100.0)),
    "notch": both(lambda x, y: NotchFilter(x, y, 12.0, 100.0)),
    "fir": both(lambda x, y: Fir(x, y, (0.5, 0.25, -0.125, 1.0))),
    "fir of one": both(lambda x, y: Fir(x, y, (2.0,))),
    "long fir": both(lambda x, y: Fir(x, y, np.hanning(301).tolist())),
    "gaussian": both(lambda x, y: GaussianSmooth(x, y, 0.2, 100.0)),
    "average": both(lambda x, y: MovingAverage(x, y, 13)),
    "average of one": both(lambda x, y: MovingAverage(x, y, 1)),
    "exponential": both(lambda x, y: ExponentialMean(x, y, 0.2)),
    "delay": both(lambda x, y: Delay(x, 7, y)),
    "no delay": both(lambda x, y: Delay(x, 0, y)),
    "windows": both(lambda x, y: Windows(x, y, 8, 5)),
    "windows, each row": both(lambda x, y: Windows(x, y, 8, 5, upsample=True)),
    "spectra": both(lambda x, y: FourierTransform(x, y, 64, 48)),
    "spectra, odd": both(lambda x, y: FourierTransform(x, y, 25, 0, "constant")),
    "spectra, each row": both(lambda x, y: FourierTransform(x, y, 32, 8, None, upsample=True)),
    "size of spectra": of(
        FourierTransform("acc", "s", 32, 8), Abs("s", "size"), Scale("s", "t", 2.0), outputs=["size", "t"]
    ),
    "spectrogram": both(lambda x, y: Spectrogram(x, y, 64, 32)),
    "decibels": both(lambda x, y: Spectrogram(x, y, 64, 32, decibel=True)),
    "average of windows": of(Spectrogram("acc", "p", 32, 8), MovingAverage("p", "mean", 4), outputs=["mean"]),
    "recursion over windows": of(
        Spectrogram("x", "p", 32, 8),
        ExponentialMean("p", "mean", 0.1),
        Integrate("mean", None, "sum"),
        outputs=["mean", "sum"],
    ),
    "moving": of(
        MovingRMS("acc", "rms", 10),
        MovingMin("acc", "min", 7),
        MovingMax("x", "max", 10),
        RunningMean("acc", "mean"),
        RunningStd("acc", "std", 1),
        Envelope("acc", "envelope", 5.0, 100.0),
        AnalyticSignal("acc", "analytic", 11),
        HilbertEnvelope("x", "hilbert", 11),
        ZeroCrossing("acc", "crossings"),
    ),
    "norms": of(*(Norm("acc", f"n{k}", k) for k in (None, 0, 1, 2, 3, np.inf, -np.inf)), Norm("x", "same")),
    "quaternions": of(
        q.QuaternionNormalize("q", "unit"),
        q.QuaternionProduct("unit", "q", "product"),
        q.QuaternionConjugate("q", "back"),
        q.RotationQuaternion("acc", "turn"),
        q.EulerQuaternion("acc", "euler"),
        q.EulerAngle("unit", "angles"),
        q.EulerOrientation("unit", "orientation"),
        Gravity("unit", "up"),
        Rotate("acc", "q", "world"),
        OrientationXy("unit", "xy"),
        AngleBetween("acc", "gyro", "angle"),
    ),
    "on a carrier": of(
        AmplitudeModulation("acc", "am", 7.0, 100.0, 0.5, 1.0),
        FrequencyModulation("acc", "fm", 7.0, 100.0, 2.0, 1.0),
        FrequencyModulation("x", "one", 7.0, 100.0, 2.0),
    ),
    "off a carrier": of(
        AmplitudeDemodulation("acc", "am", 20.0, 100.0, 5.0, 11, 0.5),
        AmplitudeDemodulation("x", "long", 20.0, 100.0, 5.0, 301),
        FrequencyDemodulation("x", "fm", 20.0, 100.0, 3.0, 10.0, 11),
        FrequencyDemodulation("acc", "three", 20.0, 100.0, 3.0, 10.0, 31),
    ),
    "wavelets": of(
        WaveletTransform("x", "one", 32, 16, "db2", 2),
        WaveletTransform("acc", "three", 40, 7, "bior2.2", 3, "symmetric"),
        WaveletTransform("acc", "each", 32, 24, "sym4", 1, "smooth", upsample=True),
        WaveletBands("acc", "bands", 32, 16, "db2", 2),
        WaveletBands("image", "images", 32, 0, "haar", 3, "reflect"),
    ),
    "wavelet bank": both(lambda x, y: WaveletBank(x, y, (1.0, 2.0, 3.5), "morl")),
    "complex wavelets": both(lambda x, y: WaveletBank(x, y, (1.0, 4.0), "cmor1.5-1.0")),
    "wide wavelets": both(lambda x, y: WaveletBank(x, y, (4.0, 20.0), "morl")),
    "projection": of(GravityProjection("acc", "gyro", "flat")),
    "still": of(
        Scale("gyro", "fast", 30.0),
        Scale("acc", "light", 0.1),
        DeadReckoning("fast", "light", "still", 0.1, 100.0, bias=0.35),
        DeadReckoning("fast", "light", "late", 0.1, 100.0, bias=0.35, half=False),
        outputs=["still", "late"],
    ),
    "offset": of(
        OffsetGyro("gyro", "turn", 10.0, 0.5, timeout_const=0.7), OffsetGyro("x", "one", 10.0, timeout_const=0.0)
    ),
    "Madgwick": of(
        Scale("gyro", "fast", 30.0),
        MadgwickOrientation("fast", "acc", 100.0, "pose"),
        MadgwickOrientation("gyro", "acc", 2.0, "still", gain=0.5, q0=(1, 2, 3, 4)),
        outputs=["pose", "still"],
    ),
    "Fusion": of(
        Scale("gyro", "fast", 30.0),
        FusionOrientation(
            "fast", "acc", 20.0, "pose", acceleration_rejection=20.0, rejection_timeout=0.5, gyroscope_range=120.0
        ),
        FusionOrientation("gyro", "acc", 20.0, "plain", use_offset=False, acceleration_rejection=0.0),
        outputs=["pose", "plain"],
    ),
    "events": of(
        Threshold("acc", "above", 0.5),
        Threshold("x", "steady", 0.5, -0.5, 2),
        Threshold("image", "images", 0.7, 0.2, 3),
        EventDetector("acc", "rises", 0.5, -0.5),
        EventDetector("acc", "falls", 0.5, None, 1, "fall", 4),
        EventDetector("x", "both", 0.5, -0.5, 2, "both", 7),
        Peaks("acc", "peaks"),
        Peaks("x", "high", 0.8, 5),
    ),
    "correlation": of(
        CrossCorrelation("acc", "gyro", "three", 9, 2),
        CrossCorrelation("x", "y", "one", 50, 5),
        CrossCorrelation("x", "x", "same", 2),
    ),
    "resampled": of(
        Resample("x", "more", 3, 2, 4),
        Resample("acc", "less", 2, 7),
        Resample("acc", "tenth", 1, 10, 3),
        Resample("x", "many", 5, 1, 2),
        Resample("x", "same", 4, 4),
    ),
    "back from spectra": of(
        FourierTransform("x", "s", 32, 24, None),
        InverseFourierTransform("s", "one", 32, 24),
        FourierTransform("acc", "u", 20, 9, None),
        InverseFourierTransform("u", "three", 20, 9),
        FourierTransform("x", "v", 16, 0, None),
        InverseFourierTransform("v", "apart", 16, 0),
        outputs=["one", "three", "apart"],
    ),
    "phase": of(
        HilbertPhase("x", "one", 11),
        HilbertPhase("acc", "on", 11, unwrapped=True),
        HilbertPhase("acc", "long", 601),
    ),
    "spread": of(
        MovingStd("acc", "std", 11, 1), MovingStd("x", "all", 8), MovingStd("x", "none", 1), MovingStd("x", "nan", 1, 1)
    ),
    "median": of(MovingMedian("acc", "even", 6), MovingMedian("x", "odd", 7), MovingMedian("x", "same", 1)),
}
