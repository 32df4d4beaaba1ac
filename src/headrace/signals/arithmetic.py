"""Sums and products of values, row by row."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Many, Signal, Turnable, alike, signal_class
from headrace.signals.checks import holding


@signal_class(lambda: Scale("x", "y", 2.5))
class Scale(Signal[None]):
    """``scale_factor`` times the input.

    Whole numbers times a whole number stay in their dtype and wrap around beyond its range, as numpy's do; times 2.0 they
    are floats.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    scale_factor
        The factor; may be a :class:`headrace.Knob`.

    Raises
    ------
    StreamConfigError
        When the factor is no number.
    DataError
        While running, when it is a whole number beyond the range of a column of whole numbers; a float is not.

    Examples
    --------
    >>> Scale("x", name="y", scale_factor=2.0)([1.0, 2.0]).tolist()
    [2.0, 4.0]
    """

    x: str
    name: str
    scale_factor: Turnable[complex]
    tunable: ClassVar[tuple[str, ...]] = ("scale_factor",)

    def check(self) -> None:
        if isinstance(self.scale_factor, str | bool) or self.scale_factor is None or np.ndim(self.scale_factor):
            raise StreamConfigError(
                f"Scale(scale_factor=) got {self.scale_factor!r}, wanted a number.\n"
                "  Give one for all channels; Multiply takes a column of factors."
            )

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        x = rows[0]
        factor: Any = self.scale_factor
        if isinstance(factor, int) and x.dtype.kind in "iu":
            factor = holding("Scale(scale_factor=)", factor, x.dtype)
        return x * factor, None


@signal_class(lambda: Sum("a", "b", "c", name="y"))
class Sum(Many):
    """The sum of its inputs, added in their order; of booleans whether one of them is true.

    Whole numbers stay whole and wrap around beyond the range of their dtype, as numpy's do: ``Scale`` them by 1.0 before.

    Parameters
    ----------
    xs
        The inputs' names, one after the other or as a list; ``(rows, ...)``, of one shape.
    name
        What to call the output, of the inputs' shape.

    Raises
    ------
    DataError
        When the inputs differ in shape.

    Examples
    --------
    >>> Sum("a", "b", name="c")([1, 2], [10, 20]).tolist()
    [11, 22]
    """

    xs: tuple[str, ...]
    name: str

    def __init__(self, *inputs: Any, name: str) -> None:
        super().__init__(*inputs, name=name)

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        alike(self, *rows)
        if len(rows) == 1:
            return rows[0].copy(), None
        total = rows[0] + rows[1]
        for each in rows[2:]:
            total = total + each
        return total, None


@signal_class(lambda: Difference("a", "b", "y"))
class Difference(Signal[None]):
    """``a`` less ``b``.

    Whole numbers stay whole and wrap around beyond the range of their dtype, as numpy's do: ``Scale`` them by 1.0 before.

    Parameters
    ----------
    a, b
        The inputs' names, ``(rows, ...)``, of one shape.
    name
        What to call the output, of that shape.

    Raises
    ------
    DataError
        When the inputs differ in shape, or both are booleans.

    Examples
    --------
    >>> Difference("a", "b", name="d")([3, 4], [1, 1]).tolist()
    [2, 3]
    """

    a: str
    b: str
    name: str
    roles: ClassVar[tuple[str, ...]] = ("a", "b")

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        alike(self, *rows)
        if rows[0].dtype == rows[1].dtype == bool:
            raise DataError(
                f"{self!r} got two columns of booleans, wanted numbers: there is none below False.\n  Scale one of them by 1."
            )
        return rows[0] - rows[1], None


@signal_class(lambda: Multiply("a", "b", "y"))
class Multiply(Signal[None]):
    """``a`` times ``b``.

    Whole numbers stay whole and wrap around beyond the range of their dtype, as numpy's do: ``Scale`` them by 1.0 before.

    Parameters
    ----------
    a, b
        The inputs' names, ``(rows, ...)``, of one shape.
    name
        What to call the output, of that shape.

    Raises
    ------
    DataError
        When the inputs differ in shape.

    Examples
    --------
    >>> Multiply("a", "b", name="p")([3, 4], [2, 10]).tolist()
    [6, 40]
    """

    a: str
    b: str
    name: str
    roles: ClassVar[tuple[str, ...]] = ("a", "b")

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        alike(self, *rows)
        return rows[0] * rows[1], None
