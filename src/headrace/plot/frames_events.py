"""Events of a camera as figures: rasters over time, and time surfaces."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.frames.base.layout import check_size
from headrace.frames.events.arrays import EVENT, NAMES, events_of, joined_events, sensor_size, time_surface
from headrace.plot.frames_blocks import stretches
from headrace.plot.frames_drawn import drawn
from headrace.plot.marks import Array

_ON, _OFF = "#b34a00", "#0b6bcb"
_MOST = 50_000  # marks of a raster: more would cover each other
_READ = 1 << 16  # events of a stream at a time


@register("plot.event_raster", example=None, kind="view")
def plot_event_raster(events: Any, size: Any = None, ax: Any = None) -> Any:
    """Return axes with a mark for each event: its time, and the number of its pixel, row by row.

    Parameters
    ----------
    events
        Events with ``x``, ``y``, ``t`` and ``p``, or a stream of them, as :class:`~headrace.frames.EventStream` is, which is
        read once through; or frames of spikes, ``[time, row, col]`` or ``[batch, channel, time, row, col]`` with ON and OFF
        as channels, or a stream of such frames, which does not move; its next 500 are drawn, as :func:`plot_frames` does.
        Of more than 50 000 events, some are drawn, equally far apart.
    size
        Rows and columns of the camera; None for as many as the events need. Of frames, the part that is drawn.
    ax
        Matplotlib's axes to draw on; by default those of a new figure, which is yours to close.

    Raises
    ------
    DataError
        For what is neither, or events outside of ``size``.
    StreamConfigError
        For a size that is none.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from headrace.plot import plot_event_raster
    >>> events = {"x": [0, 1, 1], "y": [0, 0, 1], "t": [0, 1000, 2500], "p": [1, 0, 1]}
    >>> axes = plot_event_raster(events, (2, 2), ax=Figure().add_subplot())
    >>> [line.get_label() for line in axes.lines], axes.lines[0].get_xdata().tolist()
    (['ON', 'OFF'], [0.0, 2.5])
    """
    at: Any  # of whole frames, or of milliseconds
    if isinstance(events, Stream) and set(events.spec or ()) >= set(NAMES):
        events, size = _some_of(events, size)
    names = getattr(getattr(events, "dtype", None), "names", None)
    if names or (hasattr(events, "keys") and not hasattr(events, "open")):
        found = events_of(events, "plot_event_raster")
        cols = sensor_size(found, size, "plot_event_raster")[1]
        at, pixel, on, unit = found["t"] / 1e3, found["y"].astype(np.int64) * cols + found["x"], found["p"] == 1, "ms"
    else:
        at, pixel, on = _of_spikes(events, None if size is None else check_size("plot_event_raster", size))
        unit = "frame"
    some = slice(None, None, max(1, -(-len(at) // _MOST)))
    at, pixel, on = at[some], pixel[some], on[some]
    axes = ax
    if axes is None:
        axes = optional("matplotlib.pyplot", "plot", "plot_event_raster").subplots(layout="constrained")[1]
    for name, colour, which in (("ON", _ON, on), ("OFF", _OFF, ~on)):
        axes.plot(at[which], pixel[which], "|", color=colour, label=name, markersize=3)
    axes.set_xlabel(unit)
    axes.set_ylabel("pixel")
    return axes


def _some_of(events: Stream[Any], size: Any) -> tuple[Array, tuple[int, int]]:
    """Return those events of a stream that are drawn, and the rows and columns, which are to have room for all."""
    n = len(events)
    every = max(1, -(-n // _MOST))
    found, last = [np.empty(0, EVENT)], np.zeros(1, EVENT)
    with events.open() as cursor:
        for lo in range(0, n, _READ):
            part = events_of(cursor.read(_READ), "plot_event_raster")
            found.append(part[-lo % every :: every])
            for name in ("x", "y"):
                last[name] = max(last[name], part[name].max(initial=0))
    return joined_events(found), sensor_size(last, size, "plot_event_raster")


def _of_spikes(frames: Any, size: tuple[int, int] | None) -> tuple[Array, Array, Array]:
    """Return the number of the frame, that of the pixel, and whether it is ON, of some of the spikes in their order."""
    block, numbers = drawn(frames, "plot_event_raster")
    rows, cols = size or block.shape[3:]
    block = block[..., :rows, :cols]
    cols = block.shape[4]
    every = max(1, -(-sum(np.count_nonzero((part != 0).any(axis=0)) for part in stretches(block)) // _MOST))
    found, passed, behind = [], 0, 0
    for part in stretches(block):
        # Time comes first, so that spikes are found in their order.
        spikes = np.flatnonzero((part != 0).any(axis=0).swapaxes(0, 1))
        found.append(spikes[-behind % every :: every] + passed)
        behind += len(spikes)
        passed += part[0].size
    shape = (block.shape[2], block.shape[1], *block.shape[3:])
    frame, polarity, row, col = np.unravel_index(np.concatenate(found), shape)
    return numbers[frame], row * cols + col, polarity == 0


@register("plot.time_surface", example=None, kind="view")
def plot_time_surface(events: Any, size: Any = None, tau: float = 0.03, at: float | None = None) -> Any:
    """Return a figure of the time surfaces of ON and of OFF events: bright where a pixel has just emitted one.

    Parameters
    ----------
    events, size, tau, at
        As :func:`headrace.frames.time_surface` takes them.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Yours to close.

    Raises
    ------
    DataError, StreamConfigError
        As :func:`headrace.frames.time_surface` does.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from headrace.plot import plot_time_surface
    >>> events = {"x": [0, 1, 1], "y": [0, 0, 1], "t": [0, 1000, 2500], "p": [1, 0, 1]}
    >>> figure = plot_time_surface(events)
    >>> [axes.get_title() for axes in figure.axes]
    ['ON', 'OFF']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    surfaces = time_surface(events, size, tau, at)
    pyplot = optional("matplotlib.pyplot", "plot", "plot_time_surface")
    figure, both = pyplot.subplots(1, 2, figsize=(7, 3.5), layout="constrained")
    for axes, surface, name in zip(both, surfaces, ("ON", "OFF"), strict=True):
        axes.imshow(surface, vmin=0, vmax=1, cmap="magma", interpolation="nearest")
        axes.set_title(name)
    return figure
