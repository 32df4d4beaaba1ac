"""Classes with Genki Signals' constructors: each holds one of headrace's signals and goes on from call to call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, NamedTuple

import numpy as np

import headrace.signals as s
from headrace.compat.genki_signals._own import Own, moved, remembered
from headrace.core.owned import owned
from headrace.signals.function import Function, config_json


class _After(NamedTuple):
    """Where a user's function is behind a call: rows that were, its attributes."""

    rows: int
    attributes: dict[str, Any]


class SignalFunction(Function):
    """A function of signals that remembers, as Genki Signals has them; the base of one's own.

    A subclass calls ``super().__init__(*inputs, name=name, params={...})`` and writes ``__call__(self, *arrays)``, which
    returns a row for each of theirs and may keep what it likes in attributes. ``params`` are what its own constructor takes
    behind inputs and name: from them it is made again, in other processes and of JSON.

    Attributes
    ----------
    make : callable or None
        Makes the signal of the arguments; None in a user's class.
    kind : str
        What the signal is called in headrace's JSON.
    spellings : dict
        Older names of arguments.

    Examples
    --------
    >>> class Held(SignalFunction):
    ...     def __init__(self, x, name, most=1.0):
    ...         super().__init__(x, name=name, params={"most": most})
    ...         self.most, self.seen = most, 0.0
    ...
    ...     def __call__(self, x):
    ...         self.seen = max(self.seen, float(np.max(x, initial=0.0)))
    ...         return np.minimum(x, self.most)
    >>> held = Held("x", name="y", most=2.0)
    >>> held(np.array([1.0, 3.0])).tolist(), held.seen
    ([1.0, 2.0], 3.0)
    """

    make: ClassVar[Callable[..., Any] | None] = None
    kind: ClassVar[str] = ""
    spellings: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        make = type(self).make
        if make is None:
            super().__init__(_own(type(self), *args, **kwargs))
            return
        kwargs = {self.spellings.get(name, name): value for name, value in kwargs.items()}
        super().__init__(make(*args, **kwargs))

    def __call__(self, *arrays: Any) -> Any:
        """Return the output for the next rows of the inputs; an exception leaves it where it was.

        Raises
        ------
        DataError
            When columns have other dtypes or row shapes than before, and it remembers what they were.
        """
        made, self._at = super().computed(*arrays)
        return made

    @property
    def _written(self) -> bool:
        """Whether a user has written what it computes."""
        return type(self).__call__ is not SignalFunction.__call__

    def computed(self, *arrays: Any) -> tuple[Any, Any]:
        if not self._written:
            return super().computed(*arrays)
        twin = moved(self, remembered(self))
        twin._at = self._at
        made = twin(*arrays)
        return made, _After(self.rows + (len(arrays[0]) if arrays else 0), vars(twin))

    def go(self, at: Any) -> None:
        if isinstance(at, _After):
            self.__dict__.update(at.attributes)
            self._counted = at.rows
        else:
            super().go(at)

    _counted: int = 0

    @property
    def rows(self) -> int:
        return self._counted if self._written else super().rows

    def reset(self) -> None:
        super().reset()
        if isinstance(self.signal, Own):
            self.__dict__.update({"_counted": 0, **remembered(self.signal.afresh())})

    def state_dict(self) -> dict[str, Any]:
        found = super().state_dict()
        return {**found, "rows": self.rows, "attributes": remembered(self)} if self._written else found

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        if self._written:
            self.__dict__.update({**remembered(self), **owned(dict(state["attributes"]))})
            self._counted = state["rows"]

    @classmethod
    def of(cls, signal: Any) -> Any:
        """Return the function that computes a signal."""
        made = object.__new__(cls)
        Function.__init__(made, signal)
        return made

    @classmethod
    def config_json(cls) -> dict[str, Any]:
        """Return what a form to make one needs: its arguments with their types and defaults."""
        return {**config_json(cls if cls.make is None else cls.make), "sig_name": cls.__name__}


def _own(kind: type, *inputs: Any, name: str, params: Mapping[str, Any] | None = None) -> Own:
    xs = inputs[0] if len(inputs) == 1 and not isinstance(inputs[0], str) else inputs
    return Own(kind, tuple(xs), name, tuple(dict(params or {}).items()))


class Counted(SignalFunction):
    """The number of each row, from ``start`` on: what a user's function looks like.

    Examples
    --------
    >>> Counted("x", name="i", start=3)(np.zeros(3)).tolist()
    [3.0, 4.0, 5.0]
    """

    def __init__(self, x: str, name: str, start: int = 0) -> None:
        super().__init__(x, name=name, params={"start": start})
        self.next: float = start

    def __call__(self, *arrays: Any) -> Any:
        made = self.next + np.arange(len(arrays[0]), dtype=np.float64)
        self.next += len(arrays[0])
        return made


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


class Integrate(SignalFunction):
    """The integral of ``a`` over ``b``.

    See headrace.signals.Integrate; this one remembers from call to call.

    Attributes
    ----------
    state, last_a, last_b : array, number or None
        The integral so far, 0 at first, and the last rows of the inputs, None at first.

    Examples
    --------
    >>> area = Integrate("a", "b", name="c")
    >>> area([1, 2, 10], [0, 1, 2]).tolist(), float(area.state), float(area.last_a), float(area.last_b)
    ([0.0, 1.5, 7.5], 7.5, 10.0, 2.0)
    """

    make: ClassVar[Callable[..., Any] | None] = s.Integrate
    kind: ClassVar[str] = "Integrate"

    def _last(self, k: int, otherwise: Any) -> Any:
        known = None if self._at is None else self._at.state
        return otherwise if known is None or known[k] is None else known[k][0]

    @property
    def state(self) -> Any:
        return self._last(0, 0.0)

    @property
    def last_a(self) -> Any:
        return self._last(1, None)

    @property
    def last_b(self) -> Any:
        return self._last(2, None)


KNOWN["Integrate"] = Integrate
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
