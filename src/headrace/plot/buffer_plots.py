"""Pictures of a buffer that follow it: what ``buffer.plot(key, plot_type)`` gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.plot import readers
from headrace.plot.figure import Figure
from headrace.plot.live_data import LiveData, Reader
from headrace.plot.marks import Axis, Bars, Image, LinearScale, Lines, Mark, OrdinalScale, Scale, Shown

_READERS: Final[dict[str, Callable[..., Reader]]] = {
    "chart": readers.chart,
    "spectrogram": readers.spectrogram,
    "trace2D": readers.trace_2d,
    "histogram": readers.histogram,
    "video": readers.video,
}
_MARKS: Final[dict[str, type[Mark]]] = {"histogram": Bars, "video": Image}


@register("plot.data_buffer", example=None, kind="view")
def plot_data_buffer(buffer: Any, key: str, plot_type: str = "chart", **kwargs: Any) -> Figure:
    """Return a figure of a column of a buffer, which is always that of the buffer's newest rows.

    Parameters
    ----------
    buffer
        A :class:`~headrace.live.DataBuffer`.
    key
        The column.
    plot_type
        ``"chart"``: a line of ``(n,)``, a line for each number of ``(n, k)``; ``"spectrogram"``: the newest row of a
        spectrum, in decibels; ``"trace2D"``: the way of a point on a screen; ``"histogram"``: a bar for each class;
        ``"video"``: the newest picture.
    **kwargs
        For a chart ``x_key``, a column to draw it against; for a spectrogram ``sample_rate`` and ``window_size``; for a
        histogram ``class_names``.

    Returns
    -------
    figure
        Displayed by notebooks; elsewhere ``figure.marks[0].x`` and ``.y`` are what it would show.

    Raises
    ------
    StreamConfigError
        For another kind, or an argument that it has not.
    KeyError
        When there is no such column; a buffer without any column is waited for.
    DataError
        When the column cannot be shown so; the buffer does not know of the figure then.

    Examples
    --------
    >>> from headrace.live import DataBuffer
    >>> buffer = DataBuffer(maxlen=3)
    >>> buffer.extend({"x": [1.0, 2.0]})
    >>> figure = buffer.plot("x")
    >>> figure
    Figure(axes=[Axis(label='t', scale=LinearScale()), Axis(label='x', orientation='vertical', scale=LinearScale())])
    >>> buffer.extend({"x": [3.0, 4.0]})
    >>> figure.marks[0].y.tolist()
    [2.0, 3.0, 4.0]
    """
    reader = _READERS.get(plot_type)
    if reader is None:
        raise StreamConfigError(
            f"DataBuffer.plot got plot_type={plot_type!r}, wanted one of {', '.join(map(repr, _READERS))}.\n"
            "  Choose one of these."
        )
    known = [name for name in inspect.signature(reader).parameters if name != "key"]
    unknown = sorted(kwargs.keys() - set(known))
    if unknown:
        raise StreamConfigError(
            f"plot_type={plot_type!r} got {', '.join(unknown)}, wanted "
            f"{'one of ' + ', '.join(known) if known else 'no arguments'}.\n  Leave it out, or choose another plot_type."
        )
    live = LiveData(buffer, _waiting(reader(key, **kwargs), kwargs.get("class_names")))
    mark = _MARKS.get(plot_type, Lines)(live)
    return Figure(live, [mark], _axes(plot_type, key, kwargs.get("x_key")))


def _waiting(read: Reader, class_names: Any) -> Reader:
    """Let a reader show nothing of a buffer that nothing has come to."""
    x = np.zeros(0) if class_names is None else np.array([str(each) for each in class_names])
    nothing = (Shown(x, np.zeros(len(x)), np.zeros((0, 0), np.uint8)),)
    return lambda buffer: read(buffer) if any(True for _ in buffer) else nothing


def _axes(plot_type: str, key: str, x_key: str | None) -> list[Axis]:
    x: Scale = OrdinalScale() if plot_type == "histogram" else LinearScale()
    labels = {
        "chart": (x_key or "t", key),
        "spectrogram": ("Hz", "db"),
        "trace2D": ("x", "y"),
        "histogram": ("", "Probability"),
    }
    if plot_type not in labels:
        return []
    across, up = labels[plot_type]
    return [Axis(across, x), Axis(up, LinearScale(), "vertical")]
