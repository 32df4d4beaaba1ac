"""Powers, exponentials, logarithms, magnitudes and bounds of values, row by row."""

from __future__ import annotations

from math import e as euler
from typing import Any, ClassVar

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, signal_class
from headrace.signals.checks import a_number


@signal_class(lambda: Abs("x", "y"))
class Abs(Signal[None]):
    """The absolute value; of complex numbers the magnitude.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.

    Examples
    --------
    >>> Abs("x", name="y")([-1.5, 2.0]).tolist()
    [1.5, 2.0]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        return np.abs(rows[0]), None


@signal_class(lambda: Pow("x", "y", 3.0))
class Pow(Signal[None]):
    """The input to a power; NaN where that is no real number.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    exponent
        The power; may be a :class:`headrace.Knob`.

    Raises
    ------
    StreamConfigError
        When the exponent is no number.

    Examples
    --------
    >>> Pow("x", name="y")([1.0, 3.0]).tolist()
    [1.0, 9.0]
    """

    x: str
    name: str
    exponent: Any = 2.0
    tunable: ClassVar[tuple[str, ...]] = ("exponent",)

    def check(self) -> None:
        self.fix(exponent=float(a_number("Pow(exponent=)", self.exponent)))

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        with np.errstate(all="ignore"):
            return rows[0] ** self.exponent, None


@signal_class(lambda: Exp("x", "y", 2.0))
class Exp(Signal[None]):
    """``base`` to the power of the input.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    base
        A number above 0; may be a :class:`headrace.Knob`.

    Raises
    ------
    StreamConfigError
        When the base is not above 0.

    Examples
    --------
    >>> Exp("x", name="y", base=10)([0.0, 2.0]).tolist()
    [1.0, 100.0]
    """

    x: str
    name: str
    base: Any = euler
    tunable: ClassVar[tuple[str, ...]] = ("base",)

    def check(self) -> None:
        self.fix(base=_base("Exp", self.base))

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        with np.errstate(all="ignore"):
            return np.exp(rows[0]) if self.base == euler else self.base ** rows[0], None


@signal_class(lambda: Logarithm("x", "y", 10.0), rows=lambda rng, n: (rng.exponential(size=n),))
class Logarithm(Signal[None]):
    """The logarithm of the input; minus infinity at 0, NaN below.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    base
        A number above 0, not 1; may be a :class:`headrace.Knob`.

    Raises
    ------
    StreamConfigError
        When the base is not above 0, or 1.

    Examples
    --------
    >>> Logarithm("x", name="y", base=2)([1.0, 8.0, 0.0]).tolist()
    [0.0, 3.0, -inf]
    """

    x: str
    name: str
    base: Any = euler
    tunable: ClassVar[tuple[str, ...]] = ("base",)

    def check(self) -> None:
        self.fix(base=_base("Logarithm", self.base))
        if self.base == 1:
            raise StreamConfigError(
                "Logarithm(base=) got 1, wanted another number above 0: no power of 1 is another.\n"
                "  Leave it out for e."
            )

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        with np.errstate(all="ignore"):
            found = np.log(rows[0])
            return found if self.base == euler else found / float(np.log(self.base)), None


@signal_class(lambda: Clip("x", "y", -0.5, 1.0))
class Clip(Signal[None]):
    """The input, held between two bounds; NaN stays NaN.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    min_value, max_value
        The bounds; None for none. Either may be a :class:`headrace.Knob`.

    Raises
    ------
    StreamConfigError
        When a bound is no number, or the lower one lies above the upper one.

    Examples
    --------
    >>> Clip("x", name="y", min_value=0, max_value=2)([-1, 1, 3]).tolist()
    [0, 1, 2]
    """

    x: str
    name: str
    min_value: Any = None
    max_value: Any = None
    tunable: ClassVar[tuple[str, ...]] = ("min_value", "max_value")

    def check(self) -> None:
        for side in ("min_value", "max_value"):
            if getattr(self, side) is not None:
                self.fix(**{side: a_number(f"Clip({side}=)", getattr(self, side))})
        if self.min_value is not None and self.max_value is not None and self.min_value > self.max_value:
            raise StreamConfigError(
                f"Clip got min_value={self.min_value!r} above max_value={self.max_value!r}, wanted it below.\n"
                "  Exchange them, or leave one of them out."
            )

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        found = rows[0].copy() if self.min_value is None else np.maximum(rows[0], self.min_value)
        return found if self.max_value is None else np.minimum(found, self.max_value), None


def _base(who: str, value: Any) -> float:
    base = float(a_number(f"{who}(base=)", value))
    if not 0 < base < float("inf"):
        raise StreamConfigError(f"{who}(base=) got {value!r}, wanted a number above 0.\n  Leave it out for e.")
    return base
