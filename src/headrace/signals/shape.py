"""Choose, join and fold the features of columns."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from headrace.core.checks import whole_number
from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, alike, names, signal_class, turnable
from headrace.signals.checks import whole_numbers


@signal_class(lambda: ExtractDimension("x", "y", 1), rows=lambda rng, n: (rng.normal(size=(n, 3)),), channels=False)
class ExtractDimension(Signal[None]):
    """One feature of its input, such as an axis of an accelerometer.

    Parameters
    ----------
    x
        The input's name, ``(rows, k, ...)``.
    name
        What to call the output, ``(rows, ...)``.
    dim
        Which feature; a tuple says where on each of the first feature axes. Negative ones count from the end.

    Raises
    ------
    StreamConfigError
        When ``dim`` is no whole number or tuple of them.
    DataError
        While running, when the input has no such feature.

    Examples
    --------
    >>> acc = np.arange(6).reshape(2, 3)
    >>> ExtractDimension("acc", name="y", dim=1)(acc).tolist()
    [1, 4]
    """

    x: str
    name: str
    dim: Turnable[Any]

    def check(self) -> None:
        dim = whole_numbers("ExtractDimension(dim=)", self.dim)
        if not dim:
            raise StreamConfigError(
                "ExtractDimension(dim=) got (), wanted where to look on one axis or more.\n"
                "  Give an int, or one for each axis behind time."
            )
        self.fix(dim=dim if isinstance(self.dim, tuple | list | np.ndarray) else dim[0])

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        (x,) = rows
        dim: Any = self.dim if isinstance(self.dim, tuple) else (self.dim,)
        shape = x.shape[1:]
        if len(dim) > len(shape) or not all(-k <= at < k for at, k in zip(dim, shape, strict=False)):
            raise DataError(
                f"{self!r} got rows of shape {shape}, which have no element {self.dim}.\n"
                "  dim counts the axes behind time."
            )
        return np.ascontiguousarray(x[(slice(None), *dim)]), None


@signal_class(lambda: Concatenate("a", "b", name="y"))
class Concatenate(Signal[None]):
    """The features of all inputs in a row along one axis.

    Parameters
    ----------
    inputs
        The inputs' names, one by one or in a list; ``(rows,)`` counts as ``(rows, 1)``.
    name
        What to call the output.
    axis
        Which feature axis: 0 is the first behind time, -1 the last.

    Raises
    ------
    StreamConfigError
        When ``axis`` is no whole number.
    DataError
        While running, when the inputs have no such axis, or differ on another.

    Examples
    --------
    >>> linacc, gyro = np.zeros((5, 3)), np.ones((5, 3))
    >>> Concatenate(["linacc", "gyro"], name="imu")(linacc, gyro).shape
    (5, 6)
    """

    xs: tuple[str, ...]
    name: str
    axis: Turnable[int] = turnable(0)
    roles: ClassVar[tuple[str, ...]] = ("xs",)
    _variadic: ClassVar[bool] = True

    def __init__(self, *inputs: Any, name: str, axis: int = 0) -> None:
        self.fix(xs=names("Concatenate", inputs), name=name, axis=axis)
        self.__post_init__()

    def check(self) -> None:
        self.fix(axis=whole_number("Concatenate(axis=)", self.axis))

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        parts = [each[:, None] if each.ndim == 1 else each for each in rows]
        axis, n = self.axis, parts[0].ndim - 1
        if any(each.ndim != n + 1 for each in parts) or not -n <= axis < n or not _alike_but(axis % n + 1, parts):
            raise DataError(
                f"{self!r} got inputs of shapes {', '.join(str(each.shape) for each in rows)}, wanted shapes that are "
                f"equal but on feature axis {axis}.\n  axis counts the axes behind time; time itself is not joined."
            )
        return np.concatenate(parts, axis=axis % n + 1), None


def _alike_but(axis: int, parts: list[Array]) -> bool:
    shapes = [(*each.shape[:axis], *each.shape[axis + 1 :]) for each in parts]
    return all(shape == shapes[0] for shape in shapes)


@signal_class(lambda: Stack("a", "b", name="y", axis=-1))
class Stack(Signal[None]):
    """All inputs, which have one shape, along a new feature axis.

    Parameters
    ----------
    inputs
        The inputs' names, one by one or in a list.
    name
        What to call the output.
    axis
        Where among the feature axes of the output the new one is: 0 is directly behind time, -1 the last.

    Raises
    ------
    StreamConfigError
        When ``axis`` is no whole number.
    DataError
        While running, when the shapes differ or there is no such axis.

    Examples
    --------
    >>> Stack("x", "y", name="xy")(np.array([1, 2]), np.array([10, 20])).tolist()
    [[1, 10], [2, 20]]
    """

    xs: tuple[str, ...]
    name: str
    axis: Turnable[int] = turnable(0)
    roles: ClassVar[tuple[str, ...]] = ("xs",)
    _variadic: ClassVar[bool] = True

    def __init__(self, *inputs: Any, name: str, axis: int = 0) -> None:
        self.fix(xs=names("Stack", inputs), name=name, axis=axis)
        self.__post_init__()

    def check(self) -> None:
        self.fix(axis=whole_number("Stack(axis=)", self.axis))

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        alike(self, *rows)
        n = rows[0].ndim
        if not -n <= self.axis < n:
            raise DataError(
                f"{self!r} got inputs of shape {rows[0].shape}, wanted an axis from {-n} to {n - 1}.\n"
                "  axis counts the axes behind time."
            )
        return np.stack(rows, axis=self.axis % n + 1), None


@signal_class(lambda: Reshape("x", (2, -1), name="y"), rows=lambda rng, n: (rng.normal(size=(n, 6)),), channels=False)
class Reshape(Signal[None]):
    """The features of its input in another shape.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    shape
        The new shape behind time; one -1 stands for what is left, and ``()`` makes one feature a plain column.
    name
        What to call the output, ``(rows, *shape)``.

    Raises
    ------
    StreamConfigError
        When ``shape`` is no shape.
    DataError
        While running, when the features do not fill it.

    Examples
    --------
    >>> Reshape("x", (2, -1), name="y")(np.zeros((10, 6))).shape
    (10, 2, 3)
    """

    x: str
    shape: Any
    name: str

    def check(self) -> None:
        shape = whole_numbers("Reshape(shape=)", self.shape)
        if any(k < -1 for k in shape) or shape.count(-1) > 1:
            raise StreamConfigError(
                f"Reshape(shape=) got {self.shape!r}, wanted sizes, of which one may be -1.\n"
                "  They are those of the axes behind time."
            )
        self.fix(shape=shape)

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        (x,) = rows
        there = int(np.prod(x.shape[1:], dtype=int))
        known = int(np.prod([k for k in self.shape if k >= 0], dtype=int))
        left = there // known if known else 0
        shape = tuple(left if k < 0 else k for k in self.shape)
        if int(np.prod(shape, dtype=int)) != there:
            raise DataError(
                f"{self!r} got rows of shape {x.shape[1:]}, whose {there} values do not fill {self.shape}.\n"
                "  shape counts the axes behind time."
            )
        return x.copy().reshape(len(x), *shape), None  # as all others, not the input's own memory
