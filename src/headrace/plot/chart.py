"""Parameters along a course as small lines below each other, with the drifts marked: drawn without matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.plot.course import Course
from headrace.plot.drifts import COLOURS
from headrace.plot.svg import Svg, document, number, shortened, tag, words

_LEFT, _WIDTH, _ROW, _PAD = 190.0, 460.0, 46.0, 7.0
_MARKS = 80  # of one parameter: more would cover its curve
_LINES = ("#24507e", "#b34a00", "#1a7f4b", "#7d4bb3", "#57606a")


def chart(course: Course) -> tuple[Svg, list[float]]:
    """Return a drawing of the parameters that move, and where in it each place is, in pixels from the left."""
    n = len(course.places)
    at = [_LEFT + (_WIDTH * k / (n - 1) if n > 1 else 0.0) for k in range(n)]
    inside: list[str] = []
    shown = course.names[: course.moving] or course.names
    for row, name in enumerate(shown):
        top = row * _ROW
        inside.append(tag("rect", x=_LEFT, y=top + 3, width=_WIDTH, height=_ROW - 6, fill="#fbfcfd", stroke="#d5dae0"))
        inside.append(words(shortened(name, 28), _LEFT - 8, top + _ROW / 2, 10, text_anchor="end"))
        mine = [drift for drift in course.drifts if drift.parameter == name]
        if len(mine) <= _MARKS:
            inside += [_mark(drift, course.places, at, top) for drift in mine]
        inside += _curves(course.curve(name), at, top)
    high = len(shown) * _ROW
    ends = ((0, "start"), (-1, "end"))
    inside += [words(str(course.places[k]), at[k], high + 9, 9, text_anchor=side, fill="#57606a") for k, side in ends]
    inside.append(words(course.clock, _LEFT + _WIDTH / 2, high + 9, 9, fill="#57606a"))
    return document(_LEFT + _WIDTH + 10, high + 18, inside, "parameters"), at


def _mark(drift: Any, places: list[int], at: list[float], top: float) -> str:
    start, centre, end = np.interp([drift.start, drift.centre, drift.end], places, at).tolist()
    colour = COLOURS[drift.kind]
    made = tag("title", f"{drift.kind} drift, {drift.clock} {drift.centre}")
    if end > start:
        size = {"x": start, "y": top + 3, "width": end - start, "height": _ROW - 6}
        made += tag("rect", fill=colour, fill_opacity="0.15", **size)
    line = {"x1": centre, "x2": centre, "y1": top + 3, "y2": top + _ROW - 3}
    return tag("g", made + tag("line", stroke=colour, stroke_dasharray="4 3", **line), class_="drift")


def _curves(values: list[Any], at: list[float], top: float) -> list[str]:
    """Return a line for a number, several for an array of numbers, none for anything else."""
    try:
        made = np.array([np.asarray(value, np.float64) for value in values])
    except (TypeError, ValueError):
        return [words("no numbers", (at[0] + at[-1]) / 2, top + _ROW / 2, 9, fill="#9aa3ad")]
    columns = made.reshape(len(values), -1)
    finite = columns[np.isfinite(columns)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    if low == high:
        low, high = low - 1, high + 1
    heights = top + _PAD + (_ROW - 2 * _PAD) * (high - columns) / (high - low)
    lines = []
    for k, column in enumerate(heights.T[: len(_LINES)]):
        path = "".join(f"H{number(x)}V{number(y)}" for x, y in zip(at[1:], column[1:].tolist(), strict=True))
        start = f"M{number(at[0])} {number(float(column[0]))}"
        if np.isfinite(column).all():
            lines.append(tag("path", d=start + path, fill="none", stroke=_LINES[k], stroke_width=1.4))
    return lines
