"""The figures of the report, as SVG files that say the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from headrace.cli._demo.learn import Learnt
from headrace.cli._demo.shares import Share
from headrace.core.optional import optional

# Wide enough to read on a telephone, where a figure has about 360 pixels. Colours: Okabe & Ito, told apart by all.
_WIDTH = 5.4
_BLUE, _ORANGE, _GREY = "#0072b2", "#b34a00", "#5c6370"
_STYLE = {
    "font.size": 11,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "headrace",
    "figure.constrained_layout.use": True,
}


@contextmanager
def _figure(path: Path, height: float) -> Iterator[Any]:
    """Give an empty figure and save it; no pyplot, so no window, backend or list of open figures."""
    rc_context = optional("matplotlib", "demo", "headrace demo").rc_context
    with rc_context(_STYLE):
        figure = optional("matplotlib.figure", "demo", "headrace demo").Figure(figsize=(_WIDTH, height))
        yield figure
        figure.savefig(path, format="svg", metadata={"Date": None})


def draw_shares(path: Path, parts: list[tuple[str, list[Share]]]) -> None:
    """Draw for each archive the share drawn over the share asked for, with three standard deviations around it."""
    with _figure(path, 2.9 * len(parts)) as figure:
        for axes, (name, found) in zip(figure.subplots(len(parts), squeeze=False)[:, 0], parts, strict=True):
            at = np.arange(len(found))
            asked, drawn, sigma = (
                np.array([[share.asked, share.drawn, share.sigma] for share in found]).T * 100  # in per cent
            )
            axes.errorbar(
                at, asked, 3 * sigma, fmt="none", ecolor=_GREY, elinewidth=1, capsize=2, label="asked for, ± 3 σ"
            )
            axes.plot(at, asked, "_", color=_GREY, markersize=6, markeredgewidth=1.5)
            axes.plot(at, drawn, "o", color=_BLUE, markersize=4, label="drawn")
            kinds = [share.name.partition("-")[0] for share in found]
            first = [k for k, kind in enumerate(kinds) if k == 0 or kinds[k - 1] != kind]
            ends = [*first[1:], len(kinds)]
            for begin in first[1:]:
                axes.axvline(begin - 0.5, color="#d9dce1", linewidth=0.8, zorder=0)
            axes.set_xticks(
                [(begin + end - 1) / 2 for begin, end in zip(first, ends, strict=True)],
                [kinds[begin].removeprefix("digit") for begin in first],
            )
            axes.tick_params("x", length=0)
            axes.set_ylim(0, None)
            axes.set_ylabel("share of items, %")
            axes.set_title(name)
            axes.legend(loc="upper left", ncols=2, handletextpad=0.3, borderaxespad=0)
            axes.set_ylim(0, axes.get_ylim()[1] * 1.2)  # room for the legend


def draw_learning(path: Path, found: list[Learnt]) -> None:
    """Draw the accuracy on held-out rows against the items seen."""
    with _figure(path, 2.9 * len(found)) as figure:
        for axes, learnt in zip(figure.subplots(len(found), squeeze=False)[:, 0], found, strict=True):
            axes.plot(*zip(*learnt.plain, strict=True), color=_ORANGE, linestyle="--", label="from memory, shuffled")
            axes.plot(*zip(*learnt.curve, strict=True), color=_BLUE, label="from the stream")
            axes.set_title(learnt.task.name)
            axes.set_ylabel("held-out accuracy")
            axes.legend(loc="lower right")
            axes.set_xlim(0, None)
        axes.set_xlabel("items seen")


def draw_items(path: Path, batch: Any) -> None:
    """Draw the first images of a batch with their labels."""
    with _figure(path, 1.75) as figure:
        figure.get_layout_engine().set(w_pad=0.03, wspace=0.06)
        for k, axes in enumerate(figure.subplots(2, 10).flat):
            axes.imshow(batch["X"][k], cmap="gray_r", vmin=0, vmax=1)
            axes.set_axis_off()
            axes.set_title(str(batch["y"][k]), fontsize=9, loc="center", pad=2)
