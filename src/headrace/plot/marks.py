"""What a figure is made of: scales, axes, and marks, whose data can be read at any moment."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Shown(NamedTuple):
    """The data of one mark, all of one moment.

    Attributes
    ----------
    x, y : ndarray
        ``(n,)``; several lines have ``y`` of shape ``(lines, n)``. Names on an ordinal scale are texts.
    image : ndarray or None
        Of a picture, uint8 of shape (rows, columns) or (rows, columns, 3).
    first : int
        The number of the first point among all there have ever been.
    """

    x: Array
    y: Array
    image: Array | None = None
    first: int = 0


class Source(Protocol):
    """Where marks have their data from."""

    def now(self) -> tuple[Shown, ...]:
        """Return the data of all marks, of one moment."""


class Scale:
    """How numbers become places.

    Parameters
    ----------
    min, max
        The ends; by default those of the data.
    reverse
        Whether it runs backwards.

    Examples
    --------
    >>> LinearScale(min=0.0)
    LinearScale(min=0.0)
    """

    kind: ClassVar[str] = "linear"
    min: float | None
    max: float | None
    reverse: bool

    def __init__(self, min: float | None = None, max: float | None = None, reverse: bool = False) -> None:
        self.min, self.max, self.reverse = min, max, reverse

    def __repr__(self) -> str:
        told = [f"{name}={value!r}" for name, value in vars(self).items() if value is not None and value is not False]
        return f"{type(self).__name__}({', '.join(told)})"


class LinearScale(Scale):
    """A scale on which equal steps have equal lengths."""


class LogScale(Scale):
    """A scale on which equal ratios have equal lengths."""

    kind: ClassVar[str] = "log"


class OrdinalScale(Scale):
    """A scale of names side by side."""

    kind: ClassVar[str] = "ordinal"


class Axis:
    """An axis of a figure.

    Parameters
    ----------
    label
        What stands beside it.
    scale
        What it shows.
    orientation
        ``"horizontal"`` or ``"vertical"``.
    tick_format
        ``"time"`` for Unix seconds to be written as the time of day; by default that of a horizontal axis which is called
        ``timestamp``, or ends in it.

    Examples
    --------
    >>> Axis(label="t", scale=LinearScale())
    Axis(label='t', scale=LinearScale())
    """

    label: str
    scale: Scale
    orientation: str
    tick_format: str

    def __init__(
        self, label: str, scale: Scale, orientation: str = "horizontal", tick_format: str | None = None
    ) -> None:
        self.label, self.scale, self.orientation = label, scale, orientation
        timed = orientation == "horizontal" and scale.kind == "linear" and label.endswith("timestamp")
        self.tick_format = ("time" if timed else "") if tick_format is None else tick_format

    def __repr__(self) -> str:
        more = "" if self.orientation == "horizontal" else f"orientation={self.orientation!r}, "
        return f"Axis(label={self.label!r}, {more}scale={self.scale!r})"


class Mark:
    """Something drawn between axes. What it shows is read from the figure's buffer when it is asked for.

    Parameters
    ----------
    source
        Where the data comes from.
    at
        The number of the mark in its figure.
    """

    kind: ClassVar[str] = "lines"

    def __init__(self, source: Source, at: int = 0) -> None:
        self._source, self._at = source, at

    @property
    def data(self) -> Shown:
        """What it shows now: ``x`` and ``y`` of the same moment."""
        return self._source.now()[self._at]

    @property
    def x(self) -> Array:
        """The places from left to right, ``(n,)``."""
        return self.data.x

    @property
    def y(self) -> Array:
        """The heights, ``(n,)``, or ``(lines, n)`` of several lines."""
        return self.data.y

    def __repr__(self) -> str:
        return f"{type(self).__name__}(x={self.x.shape}, y={self.y.shape})"


class Lines(Mark):
    """A line through points, or several."""


class Scatter(Mark):
    """Points."""

    kind: ClassVar[str] = "scatter"


class Bars(Mark):
    """A bar for each name or place."""

    kind: ClassVar[str] = "bars"


class Image(Mark):
    """A picture; ``x`` and ``y`` are its ends in pixels."""

    kind: ClassVar[str] = "image"

    @property
    def image(self) -> Array:
        """The picture, uint8: (rows, columns), or (rows, columns, 3) in RGB."""
        found = self.data.image
        return np.zeros((0, 0), np.uint8) if found is None else found

    @property
    def value(self) -> bytes:
        """The picture as a JPEG file; as PNG where pillow is not installed."""
        from headrace.plot.pictures import encoded

        return encoded(self.image)
