"""Parameters over time, with every change marked: the drawn form of a tree's drifts."""

from __future__ import annotations

from typing import Any

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.plot.curves import PlotError, PlotShapeError, last_change, plot_parameter
from headrace.trees.drift import Drift, drifts_of
from headrace.trees.parameter import Parameter
from headrace.trees.schedule import Schedule
from headrace.trees.tree import SamplingTree

_CURVE = "#2f363d"
COLOURS = {"covariate": "#0b6bcb", "prior": "#b34a00", "concept": "#1a7f4b"}


def plot_drifts(tree: SamplingTree, until: int | None = None, steps: int | None = None) -> Any:
    """Return a figure of all parameters that move, each with its drifts: from where to where, and the centre.

    Those that move with the sample's number share one axis of samples, those that move with updates one of steps. Nothing
    moves.

    Parameters
    ----------
    tree
        The tree.
    until
        Changes that begin before this sample; needed where a schedule goes on for ever.
    steps
        Changes up to this step; needed where a schedule by steps goes on for ever.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Yours to close.

    Raises
    ------
    StreamConfigError
        For what is no tree, or when a schedule has no end and it is not said how far to look.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from headrace.plot import plot_drifts
    >>> from headrace.trees import SamplingTree, abrupt
    >>> tree = SamplingTree([lambda _, height: height, "a"], {"height": abrupt(1.0, 2.0, at=500)})
    >>> figure = plot_drifts(tree)
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['<lambda>.height']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    if not isinstance(tree, SamplingTree):
        raise StreamConfigError(f"plot_drifts got {tree!r}, wanted a SamplingTree.\n  SamplingTree([...]) makes one.")
    drifts = drifts_of(tree, until, steps)
    pyplot = optional("matplotlib.pyplot", "plot", "plot_drifts")
    moving = _moving(tree, drifts)
    rows = max(1, len(moving))
    figure, axes = pyplot.subplots(rows, 1, figsize=(7, 1.5 * rows + 0.8), squeeze=False, layout="constrained")
    if not moving:
        axes[0, 0].text(0.5, 0.5, "no parameter drifts", ha="center", va="center", transform=axes[0, 0].transAxes)
        axes[0, 0].set_axis_off()
        return figure
    ends = _ends(moving, drifts, until, steps)
    for (name, parameter), each in zip(moving, axes[:, 0], strict=True):
        clock = _clock(parameter)
        try:
            # A step behind the last: one that is drawn has the value at its beginning.
            plot_parameter(parameter, max(2, ends[clock]), each)
        except (PlotError, PlotShapeError):
            each.set_yticks([])
            each.set_xlabel(clock)
        for curve in each.lines:
            curve.set_color(_CURVE)  # a colour of its own: the drifts have theirs
        first = parameter.step if clock == "step" else 0
        mark(each, [drift for drift in drifts if drift.parameter == name and drift.clock == clock], first)
        each.set_title("")
        each.set_title(name, loc="left", fontsize=10)
        if clock == "sample":
            each.set_xlim(0, ends[clock])
    _legend(figure, axes[0, 0], {drift.kind for drift in drifts})
    return figure


def mark(axes: Any, drifts: list[Drift], first: int = 0) -> None:
    """Mark drifts on matplotlib's axes whose zero is step or sample ``first``."""
    drifts = [drift for drift in drifts if drift.end >= first]
    for drift in drifts:
        if drift.end > drift.start:
            axes.axvspan(drift.start - first, drift.end - first, color=COLOURS[drift.kind], alpha=0.15, linewidth=0)
    if drifts:  # one collection: a line each takes seconds where every step is a change
        limits, across = axes.get_ylim(), axes.get_xaxis_transform()
        at, colours = [drift.centre - first for drift in drifts], [COLOURS[drift.kind] for drift in drifts]
        axes.vlines(at, 0, 1, colors=colours, linestyles="--", linewidth=1.2, transform=across)
        axes.set_ylim(limits)


def _moving(tree: SamplingTree, drifts: list[Drift]) -> list[tuple[str, Parameter]]:
    """Return the parameters that drift, in the order of the tree."""
    store = tree.get_params()
    named = [] if store is None else list(store.named())
    told = {drift.parameter for drift in drifts}
    return [(name, parameter) for name, parameter in named if name in told]


def _clock(parameter: Parameter) -> str:
    return "sample" if isinstance(parameter.value, Schedule) else "step"


def _ends(
    moving: list[tuple[str, Parameter]], drifts: list[Drift], until: int | None, steps: int | None
) -> dict[str, int]:
    """Return how many samples and steps are drawn: as far as the last of all drifts, and a little more."""
    schedules = [parameter.value for _, parameter in moving if isinstance(parameter.value, Schedule)]
    samples = max((last_change(schedule) for schedule in schedules if not schedule.endless), default=10)
    last = max((drift.end for drift in drifts if drift.clock == "step"), default=1)
    now = min((parameter.step for _, parameter in moving if _clock(parameter) == "step"), default=0)
    return {
        "sample": samples if until is None else until,
        "step": (last if steps is None else steps) - now + 2,
    }


def _legend(figure: Any, axes: Any, kinds: set[str]) -> None:
    lines = optional("matplotlib.lines", "plot", "plot_drifts")
    handles = [
        lines.Line2D([], [], color=colour, linestyle="--", label=f"{kind} drift")
        for kind, colour in COLOURS.items()
        if kind in kinds
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), frameon=False, fontsize=9)
