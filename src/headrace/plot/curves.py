"""Values and parameters over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from headrace.core.checks import whole_number
from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.stream import FrameStream
from headrace.plot.frames_lines import plot_frames
from headrace.trees.parameter import Parameter
from headrace.trees.schedule import Schedule, in_order
from headrace.trees.store import ParameterStore

_MOST = 1000  # values of a schedule that does not say where it ends
_POINTS = 400  # of a curve by sample number
_DRAWS = 64  # samples whose mean stands for a hand-over, in which each has the old or the new value
_LAPS = 12  # changes that are shown of those that go on for ever
_ROW = 1.7  # inches of height for one parameter
_LONGEST = 100_000  # values of an iterable that does not say how many it has


class PlotError(DataError, NotImplementedError):
    """Values of a kind that has no curve."""


class PlotShapeError(DataError, AssertionError):
    """Arrays that do not make one stack: of different lengths, or of more than one dimension."""


def plot(values: Iterable[Any], ax: Any = None, title: str | None = None) -> Any:
    """Return axes with values over their numbers: a line with markers for numbers, a stack for rows of numbers.

    Of frames it returns the first axes of a new figure, as :func:`headrace.plot.plot_frames` draws it.

    Parameters
    ----------
    values
        Numbers, or lists or arrays of numbers of one length, such as probabilities; or a stream of frames, which does not
        move, or an array of them, ``[time, row, col]`` or ``[batch, channel, time, row, col]``.
    ax
        Matplotlib's axes to draw on; by default those of a new figure, which is yours to close. Frames take a figure of
        their own.
    title
        What is written above.

    Raises
    ------
    PlotError
        For values that are neither; also a ``NotImplementedError``.
    PlotShapeError
        For rows that do not make one stack; also an ``AssertionError``.
    StreamConfigError
        For what holds no values in a row, or goes on without an end; for frames with ``ax``.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from headrace.plot import plot
    >>> axes = plot([0.0, 0.2, 0.5], ax=Figure().add_subplot(), title="offset")
    >>> axes.lines[0].get_ydata().tolist(), axes.get_title()
    ([0.0, 0.2, 0.5], 'offset')
    """
    if isinstance(values, FrameStream) or getattr(values, "ndim", 0) >= 3:
        return _of_frames(values, ax, title)
    values = list(in_order("plot(values)", values, _LONGEST))
    made = _as_rows(values)
    axes = _axes(ax, "plot")
    _draw(axes, np.arange(len(values)), made, marker="o")
    axes.set_xlabel("step")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if title is not None:
        axes.set_title(title)
    return axes


def _of_frames(values: Any, ax: Any, title: str | None) -> Any:
    if ax is not None:
        raise StreamConfigError(
            "plot(ax=) got axes for frames, wanted none: they take a figure of their own.\n  Its axes are plot_frames(x).axes."
        )
    axes = plot_frames(values).axes[0]
    if title is not None:
        axes.set_title(title)
    return axes


def _as_rows(values: list[Any]) -> Any:
    """Return values as numbers, shape (n,), or as rows of numbers, shape (n, k)."""
    if not values:
        raise PlotShapeError("plot got no values, wanted at least one.\n  A parameter's are [p.value, *p.schedule].")
    first = values[0]
    if isinstance(first, list | tuple | np.ndarray) and np.ndim(first):
        try:
            made = np.asarray(values, np.float64)
        except (TypeError, ValueError):
            made = np.empty(0)
        if made.ndim != 2:
            raise PlotShapeError(
                f"plot got rows such as {_cut(first)}, wanted rows of numbers of one length: shape (steps, parts).\n"
                "  Plot a number that you compute from each."
            )
        return made
    try:
        if isinstance(first, str | bytes | None):
            raise TypeError
        made = np.array(values, np.float64)
        if made.ndim != 1:
            raise ValueError
    except (TypeError, ValueError):
        raise PlotError(
            f"plot got values such as {_cut(first)}, wanted numbers, or lists or arrays of numbers.\n"
            "  Texts and other objects have no curve."
        ) from None
    return made


def _draw(axes: Any, at: Any, made: Any, marker: str = "") -> None:
    if made.ndim == 1:
        axes.plot(at, made, marker=marker)
    else:
        axes.stackplot(at, made.T, alpha=0.8)
        axes.margins(x=0)


def _axes(ax: Any, who: str) -> Any:
    if ax is not None:
        return ax
    return optional("matplotlib.pyplot", "plot", who).subplots(figsize=(5, 3), layout="constrained")[1]


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def plot_parameter(param: Parameter, num_values: int | None = None, ax: Any = None) -> Any:
    """Return axes with a parameter's value now and those that follow; nothing of its schedule is used up.

    A parameter whose value moves with the sample's number is drawn over that. Where a gradual change hands over, the
    curve is the mean of many samples.

    Parameters
    ----------
    param
        The parameter.
    num_values
        How many values, at least 2; or up to which sample. By default all there are: one lap of a schedule that repeats,
        1000 values of one that does not say where it ends.
    ax
        Matplotlib's axes to draw on; by default those of a new figure, which is yours to close.

    Raises
    ------
    StreamConfigError
        For what is no parameter, or a number of values below 2.
    PlotError, PlotShapeError
        For values without a curve, as :func:`plot` says.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from headrace.plot import plot_parameter
    >>> from headrace.trees import Parameter
    >>> offset = Parameter("offset", 0.0, [0.2, 0.5])
    >>> axes = plot_parameter(offset, ax=Figure().add_subplot())
    >>> axes.lines[0].get_ydata().tolist(), axes.get_title(), offset.update()
    ([0.0, 0.2, 0.5], 'offset', 0.2)
    """
    if not isinstance(param, Parameter):
        raise StreamConfigError(
            f"plot_parameter got {param!r}, wanted a Parameter.\n"
            "  tree.params['name'] is one of a tree, Parameter('name', schedule=[...]) makes one, and plot(...) draws values."
        )
    if num_values is not None:
        num_values = whole_number("plot_parameter", num_values, 2, name="num_values", things="values")
    if isinstance(param.value, Schedule):
        at, values = by_sample(param.value, num_values)
        made = _as_rows(values)
        axes = _axes(ax, "plot_parameter")
        _draw(axes, at, made)
        axes.set_xlabel("sample")
    else:
        axes = plot(by_step(param, num_values), ax)
    axes.set_title(param.name)
    return axes


def by_step(param: Parameter, most: int | None = None) -> list[Any]:
    """Return a parameter's value now and those that follow, which are not used up."""
    coming = param.schedule
    if coming is None:
        return [param.value]
    if most is None:
        length = param.row.length if param.row is not None else None
        most = _MOST if length is None else 1 + length  # a lap of one that repeats, and more than is left of others
    return [param.value, *islice(coming, most - 1)]


def by_sample(schedule: Schedule, until: int | None = None) -> tuple[Any, list[Any]]:
    """Return sample numbers and a schedule's values there, the mean of many samples in a hand-over."""
    end = last_change(schedule) if until is None else until
    at = np.unique(np.linspace(0, end, _POINTS).astype(np.int64))
    for change in islice(schedule.changes(end), _POINTS):  # where it jumps, to the very sample
        at = np.union1d(at, [max(0, change.start - 1), change.start, change.end])
    at = at[at <= end]
    return at, means(schedule, at.tolist())


def means(schedule: Schedule, at: Sequence[int]) -> list[Any]:
    """Return a schedule's values at some samples, the mean of many in a hand-over; as they are where they are no numbers."""
    draws = (np.arange(_DRAWS) + 0.5) / _DRAWS
    values = []
    for i in at:
        found = schedule.values(np.full(_DRAWS, i, np.int64), draws)
        try:
            drawn = np.asarray(found, np.float64)
            mean = drawn[0] if (drawn == drawn[0]).all() else drawn.mean(axis=0)  # the very value where there is one
            values.append(float(mean) if mean.ndim == 0 else mean)
        except (TypeError, ValueError):
            values.append(found[_DRAWS // 2])
    return values


def last_change(schedule: Schedule) -> int:
    """Return a sample some way behind the last change, or behind the first dozen where they go on for ever."""
    changes = schedule.changes()
    last = max((change.end for change in (islice(changes, _LAPS) if schedule.endless else changes)), default=1000)
    return max(10, round(1.25 * last))


def plot_parameter_store(store: ParameterStore, num_values: int | None = None) -> Any:
    """Return a figure with one curve below the other, for each parameter of a store; nothing is used up.

    Parameters
    ----------
    store
        The parameters.
    num_values
        As :func:`plot_parameter` takes it.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Yours to close.

    Raises
    ------
    StreamConfigError
        For what is no store or an empty one, or a number of values below 2.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from headrace.plot import plot_parameter_store
    >>> from headrace.trees import ParameterStore
    >>> figure = plot_parameter_store(ParameterStore({"a": 1, "ramp": {"height": {"schedule": [1.0, 1.5]}}}))
    >>> [axes.get_title() for axes in figure.axes]
    ['a', 'ramp.height']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    named = named_of("plot_parameter_store", store)
    if not named:
        raise StreamConfigError(
            "plot_parameter_store got a store without parameters, wanted at least one.\n"
            "  tree.get_params() returns those of a tree."
        )
    pyplot = optional("matplotlib.pyplot", "plot", "plot_parameter_store")
    figure, axes = pyplot.subplots(
        len(named), 1, figsize=(6, _ROW * len(named) + 0.5), squeeze=False, layout="constrained"
    )
    draw_store(named, axes[:, 0], num_values)
    return figure


def named_of(who: str, store: Any) -> list[tuple[str, Parameter]]:
    """Return the parameters of a store by full name.

    Raises
    ------
    StreamConfigError
        For what is no store.
    """
    if not isinstance(store, ParameterStore):
        raise StreamConfigError(
            f"{who} got {store!r}, wanted a ParameterStore.\n"
            "  tree.params is that of a tree, ParameterStore({...}) makes one."
        )
    return list(store.named())


def draw_store(named: Sequence[tuple[str, Parameter]], axes: Sequence[Any], num_values: int | None) -> None:
    """Draw parameters on axes, one each; those without a curve by their value."""
    for (name, parameter), each in zip(named, axes, strict=True):
        try:
            plot_parameter(parameter, num_values, each)
        except (PlotError, PlotShapeError):
            each.text(0.5, 0.5, _cut(parameter.value), ha="center", va="center", transform=each.transAxes)
            each.set_axis_off()
        each.set_title(name)
