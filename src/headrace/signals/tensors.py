"""The operations that exports are written in: what torch and ONNX both can."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from headrace.signals.base import Array

T = Any  # a tensor of torch, or the name of one in ONNX
Body = Callable[[Any, list[T], list[T]], tuple[list[T], list[T]]]


class Tensors(ABC):
    """Operations on tensors whose axis 0 is time and has any length; numbers are in double precision.

    Complex numbers have an axis more, the last, of length 2.

    Attributes
    ----------
    heads : tuple of arrays
        Columns of no row, like the inputs of the node that is written now.
    given : list
        The columns that it reads as they are; what it is handed is in double precision.
    out : array
        A column of no row, like its output.
    slow : bool
        Whether there may be no row, since what it reads has not one for each of the input.
    """

    heads: tuple[Array, ...]
    given: list[T]
    out: Array
    slow: bool

    # --- made of a few names, alike in both ---------------------------------------------------------

    @abstractmethod
    def op(self, name: str, *xs: T) -> T:
        """Return an operation value by value, by its ONNX name: Add, Sub, Mul, Div, Pow, Neg, Abs, Exp, Log, Sqrt, Sin,

        Cos, Sign, Floor, Round, Min, Max, Where, Equal, Less, And, Or, Not, MatMul.
        """

    def add(self, a: T, b: T) -> T:
        return self.op("Add", a, b)

    def sub(self, a: T, b: T) -> T:
        return self.op("Sub", a, b)

    def mul(self, a: T, b: T) -> T:
        return self.op("Mul", a, b)

    def div(self, a: T, b: T) -> T:
        return self.op("Div", a, b)

    def where(self, condition: T, a: T, b: T) -> T:
        """Return ``a`` where the condition, of booleans, holds, else ``b``."""
        return self.op("Where", condition, a, b)

    def less(self, a: T, b: T) -> T:
        return self.op("Less", a, b)

    def matmul(self, a: T, b: T) -> T:
        return self.op("MatMul", a, b)

    @abstractmethod
    def const(self, value: Any) -> T:
        """Return a constant, an array or a number; floats in double precision."""

    @abstractmethod
    def cast(self, x: T, dtype: Any) -> T:
        """Return numbers as another dtype of numpy."""

    # --- shapes -------------------------------------------------------------------------------------

    @abstractmethod
    def concat(self, xs: Sequence[T], axis: int = 0) -> T:
        """Return tensors behind each other."""

    @abstractmethod
    def cut(self, x: T, start: int, stop: int | None = None, axis: int = 0) -> T:
        """Return ``x[start:stop]`` along an axis."""

    @abstractmethod
    def reshape(self, x: T, shape: Sequence[int]) -> T:
        """Return the same numbers in another shape; -1 for one length."""

    @abstractmethod
    def transpose(self, x: T, axes: Sequence[int]) -> T:
        """Return the axes in another order."""

    @abstractmethod
    def reduce(self, name: str, x: T, axis: int, keep: bool = False) -> T:
        """Return Sum, Mean, Max or Min along an axis."""

    # --- along time ---------------------------------------------------------------------------------

    @abstractmethod
    def rows(self, x: T) -> T:
        """Return how many rows there are, in double precision."""

    @abstractmethod
    def filled(self, x: T, value: float) -> T:
        """Return a column ``(rows,)`` of one number, as long as ``x``."""

    @abstractmethod
    def cumsum(self, x: T) -> T:
        """Return the sums of the rows so far."""

    @abstractmethod
    def windows(self, x: T, size: int, hop: int = 1) -> T:
        """Return all complete windows, ``(windows, size, ...)``."""

    @abstractmethod
    def behind(self, x: T, size: int, hop: int) -> T:
        """Return the rows that windows after those of :meth:`windows` need."""

    @abstractmethod
    def take(self, x: T, places: T) -> T:
        """Return rows by their numbers, which are whole and in double precision."""

    @abstractmethod
    def row(self, x: T, k: int) -> T:
        """Return ``x[k]``, which has no axis 0."""

    @abstractmethod
    def range(self, n: T) -> T:
        """Return 0, 1, ... n - 1, ``(n,)``; ``n`` is ``(1,)``, whole and in double precision."""

    @abstractmethod
    def compress(self, x: T, there: T) -> T:
        """Return the values of ``(n,)`` at which ``there``, booleans, holds."""

    @abstractmethod
    def ordered(self, x: T, axis: int, n: int) -> T:
        """Return values from the least to the greatest along an axis of length ``n``; none may be NaN."""

    @abstractmethod
    def sosfilt(self, sos: Array, state: T, x: T) -> tuple[T, T]:
        """Return (filtered rows, next state) for second-order sections; rows ``(n, k)``, state ``(sections, 2, k)``."""

    @abstractmethod
    def scan(self, body: Body, carry: Sequence[T], xs: Sequence[T], none: Sequence[T]) -> tuple[list[T], list[T]]:
        """Return (last carry, columns of results) of ``body(t, carry, rows) -> (carry, results)``, row by row.

        ``none`` are the columns when there is no row.
        """

    @abstractmethod
    def atan(self, x: T) -> T:
        """Return the angle between -pi/2 and pi/2."""

    @abstractmethod
    def fmod(self, x: T, y: T) -> T:
        """Return what is left of ``x`` divided by ``y``, with the sign of ``x``; exact."""

    # --- dtypes -------------------------------------------------------------------------------------

    def wide(self, x: T, head: Array) -> T:
        """Return a column in double precision."""
        return self.cast(x, "float64")

    def narrow(self, x: T, head: Array) -> T:
        """Return a column in the dtype that numpy gives it."""
        kind = head.dtype
        if kind.kind == "c":
            return self.cast(x, "float32" if kind.itemsize == 8 else "float64")
        return self.cast(x, kind)

    # --- made of the others -------------------------------------------------------------------------

    def first(self, x: T, otherwise: T) -> T:
        """Return the first row, ``(1, ...)``; ``otherwise``, a row, when there is none."""
        return self.cut(self.concat([x, otherwise]), 0, 1)

    def before(self, x: T, last: T) -> T:
        """Return for each row the one before; ``last``, of shape (1, ...), for the first."""
        return self.cut(self.concat([last, x]), 0, -1)

    def change(self, x: T, last: T, head: Array) -> T:
        """Return the difference of each row to the one before, rounded as numpy rounds it for columns like ``head``.

        Of numbers of 64 bits, rows and ``last`` are int64, and only the difference is in double precision.
        """
        made = self.sub(x, self.before(x, last))
        if head.dtype.kind in "iu" and head.dtype.itemsize == 8:
            return self.wide(made, head)
        return self.wide(self.narrow(made, head), head) if head.dtype == "float32" else made

    def newest(self, x: T, last: T) -> T:
        """Return the last row, ``(1, ...)``, or ``last`` when there is none."""
        return self.cut(self.concat([last, x]), -1)

    def tall(self, x: T, axes: int) -> T:
        """Return a column ``(rows,)`` with axes of length 1 behind, so that it goes with rows of any shape."""
        return self.reshape(x, [-1, *[1] * (axes - 1)]) if axes > 1 else x

    def since(self, flag: T, x: T) -> T:
        """Return a column that is 1 but for the first row of all, where it is 0; ``flag`` says that there have been rows."""
        return self.before(self.filled(x, 1.0), flag)

    def numbers(self, x: T) -> T:
        """Return 1, 2, ... for the rows, ``(rows,)``."""
        return self.cumsum(self.filled(x, 1.0))

    def begun(self, flag: T, x: T) -> T:
        """Return a flag, ``(1,)``, that is 1 once there has been a row."""
        return self.op("Min", self.add(flag, self.rows(x)), self.const(1.0))

    def at_least(self, a: T, b: T) -> T:
        """Return where ``a >= b``; nowhere for NaN."""
        return self.op("Or", self.less(b, a), self.op("Equal", a, b))

    def started(self, flag: T, axes: int) -> T:
        """Return a flag as a boolean of that many axes."""
        return self.less(self.const(0.5), self.reshape(flag, [1] * axes))

    def mod(self, x: T, y: float) -> T:
        """Return what is left of ``x`` divided by a number above 0, at least 0, as numpy has it."""
        left = self.fmod(x, self.const(y))
        return self.where(self.less(left, self.const(0.0)), self.add(left, self.const(y)), left)

    def signed(self, x: T) -> T:
        """Return where there is a minus sign, which a zero may have too."""
        zero = self.const(0.0)
        return self.op("Or", self.less(x, zero), self.less(self.div(self.const(1.0), x), zero))

    def atan2(self, y: T, x: T) -> T:
        """Return the angle of the points (x, y)."""
        from math import pi

        zero = self.const(0.0)
        ax, ay = self.op("Abs", x), self.op("Abs", y)
        steep = self.less(ax, ay)
        big, small = self.where(steep, ay, ax), self.where(steep, ax, ay)
        safe = self.where(self.op("Equal", big, zero), self.const(1.0), big)
        angle = self.atan(self.div(small, safe))
        angle = self.where(steep, self.sub(self.const(pi / 2), angle), angle)
        angle = self.where(self.signed(x), self.sub(self.const(pi), angle), angle)
        return self.where(self.signed(y), self.op("Neg", angle), angle)

    def acos(self, x: T) -> T:
        one = self.const(1.0)
        return self.atan2(self.op("Sqrt", self.mul(self.sub(one, x), self.add(one, x))), x)

    def asin(self, x: T) -> T:
        one = self.const(1.0)
        return self.atan2(x, self.op("Sqrt", self.mul(self.sub(one, x), self.add(one, x))))
