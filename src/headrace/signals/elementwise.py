"""Powers, exponentials, logarithms, magnitudes and bounds of values, row by row."""

from __future__ import annotations

from math import e as euler
from typing import Any, ClassVar

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, signal_class, turnable
from headrace.signals.checks import a_number, holding
from headrace.signals.history import wide


def _floats(rows: Array) -> Array:
    """Return whole numbers in double precision: numpy's functions give half precision for those of 8 bits."""
    return rows if rows.dtype.kind in "fc" else wide(rows)


@signal_class(lambda: Abs("x", "y"))
class Abs(Signal[None]):
    """The absolute value; of complex numbers the magnitude.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape and dtype; of int8, int16 and int32 the next wider one, which holds the
        absolute value of the least number as well (of int64, that gives the greatest).

    Examples
    --------
    >>> Abs("x", name="y")([-1.5, 2.0]).tolist()
    [1.5, 2.0]
    >>> Abs("x", name="y")(np.array([-128, 5], np.int8)).tolist()
    [128, 5]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        x = rows[0]
        if x.dtype.kind != "i":
            return np.abs(x), None
        if x.dtype.itemsize < 8:
            return np.abs(x.astype(f"i{2 * x.dtype.itemsize}")), None
        return np.abs(np.maximum(x, -np.iinfo(np.int64).max)), None


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
    exponent: Turnable[float] = turnable(2.0)
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
        What to call the output, of the input's shape; in double precision for whole numbers.
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
    base: Turnable[float] = turnable(euler)
    tunable: ClassVar[tuple[str, ...]] = ("base",)

    def check(self) -> None:
        self.fix(base=_base("Exp", self.base))

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        with np.errstate(all="ignore"):
            x = _floats(rows[0])
            return np.exp(x) if self.base == euler else self.base**x, None


@signal_class(lambda: Logarithm("x", "y", 10.0), rows=lambda rng, n: (rng.exponential(size=n),))
class Logarithm(Signal[None]):
    """The logarithm of the input; minus infinity at 0, NaN below.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape; in double precision for whole numbers.
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
    base: Turnable[float] = turnable(euler)
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
            found = np.log(_floats(rows[0]))
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
    DataError
        While running, when whole numbers cannot be as large, or as small, as a bound wants them.

    Examples
    --------
    >>> Clip("x", name="y", min_value=0, max_value=2)([-1, 1, 3]).tolist()
    [0, 1, 2]
    """

    x: str
    name: str
    min_value: Turnable[float | None] = turnable(None)
    max_value: Turnable[float | None] = turnable(None)
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
        x = rows[0]
        low, high = (self._bound(side, x.dtype) for side in ("min_value", "max_value"))
        found = x.copy() if low is None else np.maximum(x, low)
        return found if high is None else np.minimum(found, high), None

    def _bound(self, side: str, dtype: Any) -> Any:
        """Return a bound, or None where whole numbers of that dtype lie within it anyway."""
        bound = getattr(self, side)
        if dtype.kind not in "iu" or not isinstance(bound, int):
            return bound
        limits = np.iinfo(dtype)
        if bound < limits.min if side == "min_value" else bound > limits.max:
            return None
        return holding(f"Clip({side}=)", bound, dtype)


def _base(who: str, value: Any) -> float:
    base = float(a_number(f"{who}(base=)", value))
    if not 0 < base < float("inf"):
        raise StreamConfigError(f"{who}(base=) got {value!r}, wanted a number above 0.\n  Leave it out for e.")
    return base
