"""A figure as a drawing: what it shows at one moment, for pages on which nothing runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from headrace.plot.marks import Array, Axis, Mark, OrdinalScale, Scale, Shown
from headrace.plot.pictures import smaller
from headrace.plot.png import data_uri, png
from headrace.plot.ranges import EDGE, EPOCH, clock_ticks, clock_time, ends, place, ticks, written
from headrace.plot.svg import Svg, document, number, shortened, tag, words
from headrace.plot.thinned import parts

Placed = Callable[[Array], Array]  # from numbers to pixels
WIDTH, HEIGHT = 560.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 16.0, 26.0, 44.0
# Told apart by most eyes, on white and on black (the first lighter than there): after Okabe and Ito, "Color universal design" (2008).
COLOURS = ("#2a88d0", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c", "#b8a800")
_INK, _FAINT, _GRID = "#1b1f24", "#57606a", "#e3e7ec"


def figure_svg(axes: Sequence[Axis], marks: Sequence[Mark], title: str = "") -> Svg:
    """Return a drawing of what marks show now."""
    shown = [mark.data for mark in marks]
    if not axes:
        return _pictures(shown, title)
    return document(WIDTH, HEIGHT, inside(axes, marks, shown, title), title or axes[-1].label or "figure")


def inside(axes: Sequence[Axis], marks: Sequence[Mark], shown: Sequence[Shown], title: str) -> list[str]:
    """Return what a drawing of a figure is made of."""
    across = next(axis for axis in axes if axis.orientation != "vertical")
    up = next(axis for axis in axes if axis.orientation == "vertical")
    bars = any(mark.kind == "bars" for mark in marks)
    names = [str(each) for each in shown[0].x.tolist()] if isinstance(across.scale, OrdinalScale) else None
    xs = [np.arange(len(names))] if names is not None else [each.x for each in shown]
    forwards = all(
        mark.kind == "lines" and not (np.diff(each.x) < 0).any()
        for mark, each in zip(marks, shown, strict=True)
        if names is None
    )
    low_x, high_x = ends(across.scale, xs, 0.0 if forwards else EDGE)
    if names is not None:
        low_x, high_x = -0.5, max(len(names), 1) - 0.5
    elif bars and shown[0].x.size > 1:
        half = (float(shown[0].x.max()) - float(shown[0].x.min())) / (shown[0].x.size - 1) / 2
        low_x, high_x = ends(across.scale, [shown[0].x - half, shown[0].x + half], 0.0)
    ys = [each.y for each in shown] + ([np.zeros(1)] if bars else [])
    low_y, high_y = ends(up.scale, ys)
    if bars and up.scale.min is None and all((np.asarray(each, np.float64) >= 0).all() for each in ys):
        low_y = 0.0
    wide, high = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def right(x: Array) -> Array:
        found: Array = _LEFT + wide * place(across.scale, x, low_x, high_x)
        return found

    def down(y: Array) -> Array:
        found: Array = _TOP + high * (1 - place(up.scale, y, low_y, high_y))
        return found

    made = [tag("rect", x=_LEFT, y=_TOP, width=wide, height=high, fill="none", stroke=_GRID)]
    made += _across(across, names, (low_x, high_x), right, high)
    made += _up(up.scale, (low_y, high_y), down, wide)
    k = 0
    for mark, each in zip(marks, shown, strict=True):
        if mark.kind == "bars":
            made += _bars(each, right, down, names is not None, (low_y, high_y))
            continue
        for x, y in (
            parts(each.x, each.y, each.first)
            if mark.kind == "lines"
            else [(each.x, np.atleast_2d(row)[0]) for row in np.atleast_2d(each.y)]
        ):
            colour = COLOURS[k % len(COLOURS)]
            k += 1
            made.append(
                _line(right(x), down(y), colour) if mark.kind == "lines" else _points(right(x), down(y), colour)
            )
    if 1 < k <= len(COLOURS):  # which line is which: the number of it in a row
        made += [words(str(i), WIDTH - _RIGHT - 14 * (k - i) + 7, 13, 11, fill=COLOURS[i]) for i in range(k)]
    made.append(words(shortened(across.label, 60), _LEFT + wide / 2, HEIGHT - 12, 12, fill=_INK))
    y = _TOP + high / 2
    made.append(words(shortened(up.label, 34), 14, y, 12, fill=_INK, transform=f"rotate(-90 14 {number(y)})"))
    if title:
        made.append(words(shortened(title, 60), _LEFT + wide / 2, 13, 12, fill=_INK))
    return made


def _across(axis: Axis, names: list[str] | None, span: tuple[float, float], right: Placed, high: float) -> list[str]:
    if names is None and axis.tick_format == "time" and span[0] > EPOCH:
        places, step = clock_ticks(*span)
        told = [clock_time(each, step) for each in places]
    elif names is None:
        places, step = ticks(axis.scale, *span)
        told = [written(each, step or each) for each in places]
    else:
        each_one = max(1, -(-len(names) // 12))
        places = [float(k) for k in range(0, len(names), each_one)]
        told = [shortened(names[int(k)], max(4, 56 // max(len(places), 1))) for k in places]
    made = []
    for text, x in zip(told, right(np.array(places)).tolist(), strict=True):
        if names is None:
            made.append(tag("line", x1=x, x2=x, y1=_TOP, y2=_TOP + high, stroke=_GRID))
        made.append(words(text, x, _TOP + high + 12, 10, fill=_FAINT))
    return made


def _up(scale: Scale, span: tuple[float, float], down: Placed, wide: float) -> list[str]:
    places, step = ticks(scale, *span)
    made = []
    for value, y in zip(places, down(np.array(places)).tolist(), strict=True):
        made.append(tag("line", x1=_LEFT, x2=_LEFT + wide, y1=y, y2=y, stroke=_GRID))
        made.append(words(written(value, step or value), _LEFT - 6, y, 10, fill=_FAINT, text_anchor="end"))
    return made


def _line(x: Array, y: Array, colour: str) -> str:
    path, pen = [], "M"
    for a, b in zip(x.tolist(), np.clip(y, -1e5, 1e5).tolist(), strict=True):
        if a != a or b != b:
            pen = "M"  # a gap
            continue
        path.append(f"{pen}{number(a)} {number(b)}")
        pen = "L"
    return tag("path", d="".join(path), stroke=colour, stroke_width=1.5, stroke_linejoin="round", fill="none")


def _points(x: Array, y: Array, colour: str) -> str:
    there = np.isfinite(x) & np.isfinite(y)
    points = zip(x[there].tolist(), y[there].tolist(), strict=True)
    return tag("g", [tag("circle", cx=a, cy=b, r=2.2) for a, b in points], fill=colour, fill_opacity="0.7")


def _bars(shown: Shown, right: Placed, down: Placed, named: bool, span: tuple[float, float]) -> list[str]:
    x = np.arange(len(shown.x), dtype=np.float64) if named else np.asarray(shown.x, np.float64)
    step = 1.0 if len(x) < 2 else (x[-1] - x[0]) / (len(x) - 1)
    foot = down(np.array([max(span[0], 0.0)]))[0]
    left, far = right(x - 0.4 * step), right(x + 0.4 * step)
    made = []
    for a, b, y in zip(left.tolist(), far.tolist(), down(shown.y).tolist(), strict=True):
        if y == y:
            made.append(
                tag("rect", x=min(a, b), y=min(y, foot), width=abs(b - a), height=abs(foot - y), fill=COLOURS[0])
            )
    return made


def _pictures(shown: Sequence[Shown], title: str) -> Svg:
    image = next((each.image for each in shown if each.image is not None), None)
    if image is None or not image.size:
        return document(WIDTH, 60, [words("no picture yet", WIDTH / 2, 30, 12, fill=_FAINT)], title or "picture")
    rows, columns = image.shape[:2]
    wide = min(WIDTH, max(columns, 160))
    made = tag(
        "image", width=wide, height=wide * rows / columns, href=data_uri(png(np.ascontiguousarray(smaller(image))))
    )
    return document(wide, wide * rows / columns, [made], title or "picture")
