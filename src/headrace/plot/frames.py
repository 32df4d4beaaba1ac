"""Samples drawn by the user's own function with matplotlib, as pictures that take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from headrace.core.optional import optional
from headrace.plot.png import data_uri
from headrace.plot.svg import tag
from headrace.plot.thumbnail import Picture, turns

INCHES = (3.2, 2.4)  # of a figure for one sample
_SHOWN = 0.5  # of its pixels: sharp on screens with twice as many
Draw = Callable[[Any, Any], Any]


def parted(sample: Any) -> tuple[Any, str]:
    """Return what is drawn of a sample, and its label: those of a pair, or the whole and none."""
    if isinstance(sample, tuple) and len(sample) == 2:
        return sample[0], str(sample[1])
    return sample, ""


def one_axes(who: str) -> tuple[Any, Any]:
    """Return a figure of matplotlib for one sample and its axes; no window, no list of open figures knows of it."""
    figure = optional("matplotlib.figure", "plot", who).Figure(figsize=INCHES, dpi=100)
    return figure, figure.add_axes((0.02, 0.02, 0.96, 0.84))


def draw_on(axes: Any, plotting_func: Draw, sample: Any) -> None:
    """Draw a sample on axes anew, its label above it."""
    value, label = parted(sample)
    axes.clear()
    plotting_func(value, axes)
    axes.set_axis_off()
    if label:
        axes.set_title(label, fontsize=10)


def pngs(plotting_func: Draw, samples: Sequence[Any], who: str) -> list[bytes]:
    """Return each sample as the bytes of a PNG file."""
    figure, axes = one_axes(who)
    made = []
    for sample in samples:
        draw_on(axes, plotting_func, sample)
        file = BytesIO()
        # Without the version of matplotlib in it: the same drawing, the same bytes.
        figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
        made.append(file.getvalue())
    return made


def frames_of(plotting_func: Draw, samples: Sequence[Any], fps: float) -> Picture:
    """Return samples as a piece of a drawing, which shows one after the other."""
    width, height = INCHES[0] * 100 * _SHOWN, INCHES[1] * 100 * _SHOWN
    made = [tag("image", width=width, height=height, href=data_uri(p)) for p in pngs(plotting_func, samples, "to_svg")]
    return Picture(width, height, turns(made, fps))
