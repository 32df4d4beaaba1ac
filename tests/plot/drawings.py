"""Reading a drawing back: its boxes, its lines, its words."""

from __future__ import annotations

import re
from itertools import combinations
from typing import NamedTuple
from xml.etree import ElementTree

NS = "{http://www.w3.org/2000/svg}"


class Drawn(NamedTuple):
    kind: str
    name: str
    texts: list[str]
    note: str
    left: float
    top: float
    right: float
    bottom: float
    samples: ElementTree.Element | None


class Joined(NamedTuple):
    start: str
    end: str
    label: str
    points: list[tuple[float, float]]  # all of the path, controls of curves included


class Read:
    """A drawing, parsed."""

    def __init__(self, svg: str) -> None:
        self.root = ElementTree.fromstring(svg)
        self.width, self.height = float(self.root.get("width", 0)), float(self.root.get("height", 0))
        self.boxes: dict[str, Drawn] = {}
        self.lines: list[Joined] = []
        for group in self.root.findall(f"{NS}g"):
            if group.get("class") == "node":
                self.boxes[group.get("data-id", "")] = _box(group)
            else:
                path = group.find(f"{NS}path")
                assert path is not None
                label = "".join(text.text or "" for text in group.findall(f"{NS}text"))
                points = [float(x) for x in re.findall(r"-?[\d.]+", path.get("d", ""))]
                pairs = list(zip(points[::2], points[1::2], strict=True))
                self.lines.append(Joined(group.get("data-from", ""), group.get("data-to", ""), label, pairs))

    def names(self) -> list[str]:
        return [box.name for box in self.boxes.values()]

    def named(self, name: str) -> Drawn:
        (found,) = [box for box in self.boxes.values() if box.name == name]
        return found

    def joined(self) -> list[tuple[str, str]]:
        return [(self.boxes[line.start].name, self.boxes[line.end].name) for line in self.lines]


def _box(group: ElementTree.Element) -> Drawn:
    texts = [text.text or "" for text in group.findall(f"{NS}text")]
    title = group.find(f"{NS}title")
    samples = next((g for g in group.findall(f"{NS}g") if g.get("class") == "samples"), None)
    rect, polygon = group.find(f"{NS}rect"), group.find(f"{NS}polygon")
    if rect is not None:
        x, y, width, height = (float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
        edges = (x, y, x + width, y + height)
    else:
        assert polygon is not None
        points = [tuple(map(float, pair.split(","))) for pair in polygon.get("points", "").split()]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        edges = (min(xs), min(ys), max(xs), max(ys))
    note = "" if title is None else title.text or ""
    return Drawn(group.get("data-kind", ""), texts[0], texts[1:], note, *edges, samples)


def overlapping(boxes: list[Drawn]) -> list[tuple[str, str]]:
    """Pairs of boxes that have more than an edge in common."""
    return [
        (a.name, b.name)
        for a, b in combinations(boxes, 2)
        if min(a.right, b.right) - max(a.left, b.left) > 0.1 and min(a.bottom, b.bottom) - max(a.top, b.top) > 0.1
    ]


def on_edge(box: Drawn, point: tuple[float, float]) -> bool:
    """Whether a point lies on the outline of a box, an arrow's head aside."""
    x, y = point
    inside = box.left - 8 <= x <= box.right + 8 and box.top - 8 <= y <= box.bottom + 8
    deep = box.left + 1 < x < box.right - 1 and box.top + 1 < y < box.bottom - 1
    return inside and not deep


def along(line: Joined, n: int = 24) -> list[tuple[float, float]]:
    """Points on the path of a line, which is of straight pieces and one cubic curve."""
    points = line.points
    if len(points) < 4:
        return points
    # M, maybe L, C with three points, L: the curve begins at the point before its controls.
    p0, p1, p2, p3 = points[-5], points[-4], points[-3], points[-2]
    made = list(points[:-4])
    for k in range(1, n):
        t = k / n
        w = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        made.append(tuple(sum(f * p[axis] for f, p in zip(w, (p0, p1, p2, p3), strict=True)) for axis in (0, 1)))  # type: ignore[arg-type]  # two coordinates
    return [*made, points[-2], points[-1]]
