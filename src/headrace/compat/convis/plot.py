"""The figures of convis: ``convis.plot``, ``convis.plot_tensor`` and those of five axes."""

from __future__ import annotations

from typing import Any

from headrace.plot import plot_5d_matshow, plot_5d_time, plot_frames, plot_tensor

__all__ = ["plot", "plot_5d_matshow", "plot_5d_time", "plot_tensor"]


def plot(x: Any, mode: Any = None) -> Any:
    """Return a figure of frames: :func:`headrace.plot.plot_frames`.

    Examples
    --------
    >>> import headrace.compat.convis as convis
    >>> figure = convis.plot(convis.samples.moving_bar(100, 12, 16))
    >>> len(figure.axes)
    6
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    return plot_frames(x, mode)
