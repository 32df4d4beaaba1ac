"""Pictures of what a system computes, each with a buffer of its own: lines, points, histograms, bars, video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.plot.access import Access, Accessor, Ends, Kind, scale_of
from headrace.plot.live_picture import LivePicture
from headrace.plot.marks import Axis, Bars, Image, Lines, Mark, OrdinalScale, Shown
from headrace.plot.marks import Scatter as Points
from headrace.plot.readers import along, video

_NONE = np.zeros(0)


class Line(LivePicture):
    """Columns as lines against another.

    Parameters
    ----------
    system
        A :class:`~headrace.live.System`.
    x_access, y_access
        A column ``"name"``, one of its numbers ``("name", 1)``, or, for y, several: ``("name", [0, 2])``.
    x_scale, y_scale
        ``"linear"`` or ``"log"``.
    x_range, y_range
        The ends of the axes; None for those of the data.
    n_visible_points
        How many of the newest rows are shown.
    flip_x, flip_y
        Whether an axis runs backwards.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.live import System, Table
    >>> system = System(Table({"t": np.arange(4.0), "acc": np.arange(8.0).reshape(4, 2)}))
    >>> line = Line(system, "t", ("acc", 1), n_visible_points=3)
    >>> with system:
    ...     _ = system.join(10)
    >>> line.marks[0].x.tolist(), line.marks[0].y.tolist()
    ([1.0, 2.0, 3.0], [3.0, 5.0, 7.0])
    >>> line.close()
    """

    _mark: type[Mark] = Lines

    def __init__(
        self,
        system: Any,
        x_access: Access,
        y_access: Access,
        x_scale: Kind = "linear",
        y_scale: Kind = "linear",
        x_range: Ends = (None, None),
        y_range: Ends = (None, None),
        n_visible_points: int = 200,
        flip_x: bool = False,
        flip_y: bool = False,
    ) -> None:
        who = type(self).__name__
        x, y = Accessor(who, x_access), Accessor(who, y_access)
        axes = [
            Axis(x.label, scale_of(who, "x", x_scale, x_range, flip_x)),
            Axis(y.label, scale_of(who, "y", y_scale, y_range, flip_y), "vertical"),
        ]

        def read(buffer: Any) -> tuple[Shown, ...]:
            if x.name not in buffer or y.name not in buffer:
                return (Shown(_NONE, _NONE),)
            up = y(buffer)
            n = up.shape[-1]
            across = x(buffer) if x.at is not None or x.name == y.name else along(buffer, y.name, x.name, n)
            if across.ndim > 1:
                raise DataError(
                    f"{who} got x_access={x_access!r} with {len(across)} numbers a row, wanted one.\n"
                    f"  Say which: ({x.name!r}, 0)."
                )
            n = min(len(across), n)  # of two columns of different paces
            return (Shown(across[len(across) - n :], up[..., up.shape[-1] - n :], first=buffer.total - n),)

        super().__init__(system, dict.fromkeys((x.name, y.name)), n_visible_points, read, self._mark, axes)


class Scatter(Line):
    """Columns as points against another: the parameters are those of :class:`Line`."""

    _mark: type[Mark] = Points


class Histogram(LivePicture):
    """How often a column has had which values.

    Parameters
    ----------
    system
        A :class:`~headrace.live.System`.
    y_access
        A column, or one of its numbers: ``("name", 1)``.
    x_range, y_range
        The ends of the axes; None for those of the data. Values beyond those of x are not counted.
    bin_count
        How many bars.
    lookback_size
        How many of the newest rows are counted.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.live import System, Table
    >>> system = System(Table({"x": np.array([0.0, 1.0, 1.0, 4.0])}))
    >>> histogram = Histogram(system, "x", bin_count=2)
    >>> with system:
    ...     _ = system.join(10)
    >>> histogram.marks[0].x.tolist(), histogram.marks[0].y.tolist()
    ([1.0, 3.0], [3, 1])
    >>> histogram.close()
    """

    def __init__(
        self,
        system: Any,
        y_access: Access,
        x_range: Ends = (None, None),
        y_range: Ends = (None, None),
        bin_count: int = 10,
        lookback_size: int = 100,
    ) -> None:
        access = Accessor("Histogram", y_access)
        if bin_count < 1:
            raise StreamConfigError(
                f"Histogram got bin_count={bin_count!r}, wanted 1 or more.\n  It is how many bars there are."
            )
        low, high = x_range

        def read(buffer: Any) -> tuple[Shown, ...]:
            if access.name not in buffer:
                return (Shown(_NONE, _NONE),)
            values = np.asarray(access(buffer), np.float64).reshape(-1)
            values = values[np.isfinite(values)]
            ends = [
                values.min(initial=np.inf) if low is None else low,
                values.max(initial=-np.inf) if high is None else high,
            ]
            if not np.isfinite(ends).all() or ends[0] > ends[1]:
                return (Shown(_NONE, _NONE),)
            counts, edges = np.histogram(values, bins=bin_count, range=(float(ends[0]), float(ends[1])))
            return (Shown((edges[:-1] + edges[1:]) / 2, counts),)

        axes = [
            Axis(access.label, scale_of("Histogram", "x", "linear", x_range, False)),
            Axis("count", scale_of("Histogram", "y", "linear", y_range, False), "vertical"),
        ]
        super().__init__(system, [access.name], lookback_size, read, Bars, axes)


class Bar(LivePicture):
    """The newest row of a column as bars.

    Parameters
    ----------
    system
        A :class:`~headrace.live.System`.
    y_access
        A column, or some of its numbers: ``("name", [0, 2])``.
    x_names
        What stands below each bar; by default its number.
    y_range
        The ends of the axis; None for those of the data.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.live import System, Table
    >>> system = System(Table({"p": np.array([[0.5, 0.5], [0.1, 0.9]])}))
    >>> bar = Bar(system, "p", x_names=["no", "yes"])
    >>> with system:
    ...     _ = system.join(10)
    >>> bar.marks[0].x.tolist(), bar.marks[0].y.tolist()
    (['no', 'yes'], [0.1, 0.9])
    >>> bar.close()
    """

    def __init__(
        self, system: Any, y_access: Access, x_names: Sequence[str] | None = None, y_range: Ends = (None, None)
    ) -> None:
        access = Accessor("Bar", y_access)
        names = None if x_names is None else np.array([str(each) for each in x_names])

        def read(buffer: Any) -> tuple[Shown, ...]:
            if access.name not in buffer or not len(buffer[access.name]):
                return (
                    Shown(np.zeros(0, "U1") if names is None else names, np.zeros(0 if names is None else len(names))),
                )
            heights = np.atleast_2d(access(buffer))[:, -1]
            if names is not None and len(names) != len(heights):
                raise DataError(
                    f"Bar got {len(names)} x_names for {access.label!r}, whose rows have {len(heights)} numbers, wanted "
                    f"{len(heights)}.\n  Name each bar."
                )
            return (Shown(np.array([str(k) for k in range(len(heights))]) if names is None else names, heights),)

        axes = [
            Axis("", OrdinalScale()),
            Axis(access.label, scale_of("Bar", "y", "linear", y_range, False), "vertical"),
        ]
        super().__init__(system, [access.name], 1, read, Bars, axes)


class Video(LivePicture):
    """The newest picture of a column of them.

    Parameters
    ----------
    system
        A :class:`~headrace.live.System`.
    video_key
        The column: (n, rows, columns) or (n, rows, columns, 3).

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.live import System, Table
    >>> system = System(Table({"image": np.zeros((5, 2, 3, 3), np.uint8)}))
    >>> film = Video(system, "image")
    >>> with system:
    ...     _ = system.join(10)
    >>> film.marks[0].image.shape
    (2, 3, 3)
    >>> film.close()
    """

    def __init__(self, system: Any, video_key: str) -> None:
        newest = video(video_key)

        def read(buffer: Any) -> tuple[Shown, ...]:
            if video_key not in buffer:
                return (Shown(_NONE, _NONE, np.zeros((0, 0), np.uint8)),)
            return newest(buffer)

        super().__init__(system, [video_key], 1, read, Image, ())
