"""Causal functions of columns in time: what is derived from measurements, the same live and offline, to the bit.

Here live the functions, the graph that joins them by name, and their exports. What has a clock or a device is in
``live``; what draws is in ``plot``; coefficients of filters are in :mod:`headrace.signals.design`.
"""

from headrace.signals.arithmetic import Difference, Multiply, Scale, Sum
from headrace.signals.base import Many, Signal, Turnable, signal_class, turnable
from headrace.signals.combine import Combine
from headrace.signals.compute import compute_signal_functions
from headrace.signals.config import config_json
from headrace.signals.correlate import CrossCorrelation
from headrace.signals.custom import Custom, signal
from headrace.signals.dead_reckoning import DeadReckoning
from headrace.signals.delay import Delay
from headrace.signals.demodulation import AmplitudeDemodulation, FrequencyDemodulation
from headrace.signals.differentiate import Differentiate, Integrate, SampleRate
from headrace.signals.elementwise import Abs, Clip, Exp, Logarithm, Pow
from headrace.signals.envelope import Envelope
from headrace.signals.events import EventDetector, Threshold, ZeroCrossing
from headrace.signals.export import exports
from headrace.signals.export_onnx import to_onnx
from headrace.signals.export_sklearn import to_sklearn
from headrace.signals.export_torch import to_torch
from headrace.signals.filters import (
    BandPassFilter,
    BandStopFilter,
    Butterworth,
    HighPassFilter,
    LowPassFilter,
    NotchFilter,
    Sos,
)
from headrace.signals.fir import Fir
from headrace.signals.function import Function
from headrace.signals.geometry import AngleBetween, Gravity, Norm, OrientationXy, Rotate
from headrace.signals.graph import Graph, GraphState
from headrace.signals.gyroscope import OffsetGyro
from headrace.signals.hilbert import AnalyticSignal, HilbertEnvelope, HilbertPhase
from headrace.signals.inference import Inference
from headrace.signals.inference_windows import WindowedInference
from headrace.signals.json import from_json, to_json
from headrace.signals.modulation import AmplitudeModulation, FrequencyModulation
from headrace.signals.moving import MovingMax, MovingMedian, MovingMin, MovingRMS, MovingStd
from headrace.signals.orientation import FusionOrientation, MadgwickOrientation
from headrace.signals.peaks import Peaks
from headrace.signals.plain_filters import ButterFilter, Filter, FirFilter
from headrace.signals.projection import GravityProjection
from headrace.signals.quaternions import (
    EulerAngle,
    EulerOrientation,
    EulerQuaternion,
    QuaternionConjugate,
    QuaternionNormalize,
    QuaternionProduct,
    RotationQuaternion,
)
from headrace.signals.ranges import Range
from headrace.signals.resample import Resample
from headrace.signals.run import Change, Run
from headrace.signals.running import RunningMean, RunningStd
from headrace.signals.schema import json_schema
from headrace.signals.shape import Concatenate, ExtractDimension, Reshape, Stack
from headrace.signals.smooth import ExponentialMean, GaussianSmooth, MovingAverage
from headrace.signals.spectral import FourierTransform, InverseFourierTransform, Spectrogram
from headrace.signals.waveforms import SineWave, SquareWave, TriangleWave
from headrace.signals.wavelets import WaveletBands, WaveletBank, WaveletTransform
from headrace.signals.windowed import Windowed, Windows

__all__ = [
    "Abs",
    "AmplitudeDemodulation",
    "AmplitudeModulation",
    "AnalyticSignal",
    "AngleBetween",
    "BandPassFilter",
    "BandStopFilter",
    "ButterFilter",
    "Butterworth",
    "Change",
    "Clip",
    "Combine",
    "Concatenate",
    "CrossCorrelation",
    "Custom",
    "DeadReckoning",
    "Delay",
    "Difference",
    "Differentiate",
    "Envelope",
    "EulerAngle",
    "EulerOrientation",
    "EulerQuaternion",
    "EventDetector",
    "Exp",
    "ExponentialMean",
    "ExtractDimension",
    "Filter",
    "Fir",
    "FirFilter",
    "FourierTransform",
    "FrequencyDemodulation",
    "FrequencyModulation",
    "Function",
    "FusionOrientation",
    "GaussianSmooth",
    "Graph",
    "GraphState",
    "Gravity",
    "GravityProjection",
    "HighPassFilter",
    "HilbertEnvelope",
    "HilbertPhase",
    "Inference",
    "Integrate",
    "InverseFourierTransform",
    "Logarithm",
    "LowPassFilter",
    "MadgwickOrientation",
    "Many",
    "MovingAverage",
    "MovingMax",
    "MovingMedian",
    "MovingMin",
    "MovingRMS",
    "MovingStd",
    "Multiply",
    "Norm",
    "NotchFilter",
    "OffsetGyro",
    "OrientationXy",
    "Peaks",
    "Pow",
    "QuaternionConjugate",
    "QuaternionNormalize",
    "QuaternionProduct",
    "Range",
    "Resample",
    "Reshape",
    "Rotate",
    "RotationQuaternion",
    "Run",
    "RunningMean",
    "RunningStd",
    "SampleRate",
    "Scale",
    "Signal",
    "SineWave",
    "Sos",
    "Spectrogram",
    "SquareWave",
    "Stack",
    "Sum",
    "Threshold",
    "TriangleWave",
    "Turnable",
    "WaveletBands",
    "WaveletBank",
    "WaveletTransform",
    "Windowed",
    "WindowedInference",
    "Windows",
    "ZeroCrossing",
    "compute_signal_functions",
    "config_json",
    "exports",
    "from_json",
    "json_schema",
    "signal",
    "signal_class",
    "to_json",
    "to_onnx",
    "to_sklearn",
    "to_torch",
    "turnable",
]
