"""Classes with Genki Signals' constructors: each holds one of headrace's signals and goes on from call to call."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import headrace.signals as s
from headrace.signals.function import Function, config_json


class SignalFunction(Function):
    """A function of signals that remembers, as Genki Signals has them.

    Attributes
    ----------
    make : callable
        Makes the signal of the arguments.
    kind : str
        What the signal is called in headrace's JSON.
    spellings : dict
        Older names of arguments.
    """

    make: ClassVar[Callable[..., Any]]
    kind: ClassVar[str] = ""
    spellings: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs = {self.spellings.get(name, name): value for name, value in kwargs.items()}
        super().__init__(type(self).make(*args, **kwargs))

    @classmethod
    def of(cls, signal: Any) -> Any:
        """Return the function that computes a signal."""
        made = object.__new__(cls)
        Function.__init__(made, signal)
        return made

    @classmethod
    def config_json(cls) -> dict[str, Any]:
        """Return what a form to make one needs: its arguments with their types and defaults."""
        return {**config_json(cls.make), "sig_name": cls.__name__}


KNOWN: dict[str, type[SignalFunction]] = {}


def door(name: str, make: Callable[..., Any] | None = None, **spellings: str) -> type[SignalFunction]:
    """Return the class called ``name`` that makes signals by ``make``, headrace's own of that name by default."""
    made = getattr(s, name) if make is None else make
    doc = f"{(made.__doc__ or name).strip().splitlines()[0]}\n\n    See headrace.signals.{name}; this one remembers from call to call.\n    "
    cls = type(
        name, (SignalFunction,), {"make": staticmethod(made), "kind": name, "spellings": spellings, "__doc__": doc}
    )
    cls.__module__ = __name__
    KNOWN[name] = cls
    globals()[name] = cls
    return cls


def _sample_rate(x: str = "timestamp", name: str = "sample_rate", unit_multiplier: float = 1) -> Any:
    return s.SampleRate(x, name=name, unit_multiplier=unit_multiplier, start=0.0)


def _with_model(make: Callable[..., Any]) -> Callable[..., Any]:
    """Take ``(input_signal, name, model, ...)`` as 1.0 does, and ``(model, input_signal, name=...)`` as the notebook."""

    def made(*args: Any, **kwargs: Any) -> Any:
        if args and (not isinstance(args[0], str) or "input_signal" in kwargs or ("name" in kwargs and len(args) == 2)):
            kwargs["model"], args = args[0], args[1:]
        kwargs.setdefault("name", make.__name__) if len(args) < 2 else None
        return make(*args, **kwargs)

    return wraps(make)(made)


def _combine(functions: Any, name: str) -> Any:
    return s.Combine(tuple(getattr(each, "signal", each) for each in functions), name)


Scale: type[SignalFunction] = door("Scale")
Sum: type[SignalFunction] = door("Sum")
Difference: type[SignalFunction] = door("Difference")
Multiply: type[SignalFunction] = door("Multiply")
Abs: type[SignalFunction] = door("Abs")
Pow: type[SignalFunction] = door("Pow")
Exp: type[SignalFunction] = door("Exp")
Logarithm: type[SignalFunction] = door("Logarithm")
Clip: type[SignalFunction] = door("Clip")
Integrate: type[SignalFunction] = door("Integrate")
Differentiate: type[SignalFunction] = door("Differentiate", sig_a="a", sig_b="b")
MovingAverage: type[SignalFunction] = door("MovingAverage")
SampleRate: type[SignalFunction] = door("SampleRate", _sample_rate)
FourierTransform: type[SignalFunction] = door("FourierTransform")
Delay: type[SignalFunction] = door("Delay")
ExtractDimension: type[SignalFunction] = door("ExtractDimension")
Concatenate: type[SignalFunction] = door("Concatenate")
Stack: type[SignalFunction] = door("Stack")
Reshape: type[SignalFunction] = door("Reshape")
Combine: type[SignalFunction] = door("Combine", _combine)
SineWave: type[SignalFunction] = door("SineWave")
SquareWave: type[SignalFunction] = door("SquareWave")
TriangleWave: type[SignalFunction] = door("TriangleWave")
LowPassFilter: type[SignalFunction] = door("LowPassFilter")
HighPassFilter: type[SignalFunction] = door("HighPassFilter")
BandPassFilter: type[SignalFunction] = door("BandPassFilter")
GaussianSmooth: type[SignalFunction] = door("GaussianSmooth")
Norm: type[SignalFunction] = door("Norm")
EulerOrientation: type[SignalFunction] = door("EulerOrientation")
EulerAngle: type[SignalFunction] = door("EulerAngle")
Gravity: type[SignalFunction] = door("Gravity")
Rotate: type[SignalFunction] = door("Rotate")
OrientationXy: type[SignalFunction] = door("OrientationXy")
GravityProjection: type[SignalFunction] = door("GravityProjection")
AngleBetween: type[SignalFunction] = door("AngleBetween")
WindowedInference: type[SignalFunction] = door(
    "WindowedInference", _with_model(s.WindowedInference), model_filename="model", model_path="model"
)
Inference: type[SignalFunction] = door("Inference", _with_model(s.Inference), model_filename="model")
MadgwickOrientation: type[SignalFunction] = door("MadgwickOrientation")
FusionOrientation: type[SignalFunction] = door("FusionOrientation")
ZeroCrossing: type[SignalFunction] = door("ZeroCrossing")
DeadReckoning: type[SignalFunction] = door("DeadReckoning")
