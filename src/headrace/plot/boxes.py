"""How a box looks: its words, its picture, its shape and colours by the kind of node."""

from __future__ import annotations

from headrace.plot.layout import LABEL, Line, Placed
from headrace.plot.outline import Box
from headrace.plot.svg import escape, number, shortened, tag, width_of, words
from headrace.plot.thumbnail import Picture

NAME, SMALL = 12.0, 10.0  # sizes of letters
_PAD = 10.0
_NAMES, _COLUMNS, _LINES = 30, 36, 5
_MOVING = "#a8430a"  # of parameters that drift
# Told apart by their lightness and shape too. kind -> (fill, line)
_COLOURS = {
    "call": ("#edf3fb", "#4a6d9c"),
    "node": ("#edf3fb", "#4a6d9c"),
    "branch": ("#fff5d9", "#a57c1b"),
    "label": ("#e6f5ea", "#2f7d4f"),
    "buffer": ("#f2edfa", "#6d52a3"),
    "pass": ("#f4f5f7", "#9aa3ad"),
    "more": ("#f4f5f7", "#9aa3ad"),
}


def size_of(box: Box, picture: Picture | None) -> tuple[float, float]:
    """Return width and height of a box in pixels, for its words at their widest."""
    texts = [width_of(text, SMALL) for text, _ in _lines(box)]
    wide = max([width_of(shortened(box.name, _NAMES), NAME), *texts])
    side = 2 * _PAD + (10 if box.kind in ("branch", "label") else 0)
    high = NAME + 14 + len(texts) * (SMALL + 4)
    if picture is not None:
        wide, high = max(wide, picture.width), high + picture.height + 4
    return max(44.0, wide + side), high


def _lines(box: Box) -> list[tuple[str, bool]]:
    """Return the parameters as they are written, and whether each moves."""
    shown = [(shortened(str(line), _COLUMNS), line.drift is not None) for line in box.lines[:_LINES]]
    left = len(box.lines) - _LINES
    return [*shown, *([(f"… {left} more", False)] if left > 0 else [])]


def drawn(placed: Placed, picture: Picture | None) -> str:
    """Return a box as a piece of a drawing."""
    box, x, y, width, height = placed
    middle = x + width / 2
    parts = [tag("title", escape(_note(box))), _shape(placed)]
    top = y + 7 + NAME / 2
    quiet = box.kind in ("pass", "more")
    parts.append(words(shortened(box.name, _NAMES), middle, top, NAME, **({"fill": "#57606a"} if quiet else {})))
    at = top + NAME / 2 + 4 + SMALL / 2
    for text, moves in _lines(box):
        parts.append(words(text, middle, at, SMALL, fill=_MOVING if moves else "#57606a"))
        at += SMALL + 4
    if picture is not None:
        left, above = middle - picture.width / 2, y + height - picture.height - 7
        parts.append(tag("g", picture.svg, transform=f"translate({number(left)} {number(above)})", class_="samples"))
    return tag("g", parts, class_="node", data_kind=box.kind, data_id=str(box.id))


def _note(box: Box) -> str:
    """Return what appears under the pointer."""
    kinds = {"call": "function", "node": "node", "branch": "branching", "label": "class label", "buffer": "buffer"}
    first = kinds.get(box.kind, "does nothing" if box.kind == "pass" else "not drawn")
    if box.kind in ("call", "node", "branch", "buffer") and len(box.name) > _NAMES:
        first += f" {box.name}"
    told = [
        f"{line.name} = {line.whole or line.value}{'' if line.drift is None else f': {line.drift} drift'}"
        for line in box.lines
    ]
    return "\n".join([first, *told])


def _shape(placed: Placed) -> str:
    box, x, y, width, height = placed
    fill, line = _COLOURS[box.kind]
    colours: dict[str, str | float] = {"fill": fill, "stroke": line, "stroke_width": 1.2}
    if any(each.drift for each in box.lines):
        colours |= {"stroke": _MOVING, "stroke_width": 1.6}
    if box.kind == "branch":
        cut = 9.0
        corners = [(x + cut, y), (x + width - cut, y), (x + width, y + height / 2), (x + width - cut, y + height)]
        corners += [(x + cut, y + height), (x, y + height / 2)]
        points = " ".join(f"{number(a)},{number(b)}" for a, b in corners)
        return tag("polygon", points=points, stroke_linejoin="round", **colours)
    if box.kind == "more":
        colours["stroke_dasharray"] = "3 3"
    round_ = height / 2 if box.kind == "label" and height < 40 else 4.0 if box.kind == "buffer" else 7.0
    made = tag("rect", x=x, y=y, width=width, height=height, rx=round_, **colours)
    if box.kind == "buffer":  # a second line inside: it holds something
        inner: dict[str, str | float] = {"fill": "none", "stroke": line, "stroke_width": 0.6}
        made += tag("rect", x=x + 3, y=y + 3, width=width - 6, height=height - 6, rx=2, **inner)
    return made


def joined(line: Line) -> str:
    """Return a line between boxes as a piece of a drawing."""
    parts = [
        tag("path", d=line.path, fill="none", stroke="#8a94a0", stroke_width=1.2),
        tag("path", d=line.head, fill="#8a94a0"),
    ]
    if line.label:
        wide = width_of(line.label, LABEL)
        parts.append(
            tag(
                "rect", x=line.x - wide / 2 - 1, y=line.y - LABEL / 2 - 2, width=wide + 2, height=LABEL + 4, fill="#fff"
            )
        )
        parts.append(words(line.label, line.x, line.y, LABEL, fill="#57606a"))
    return tag("g", parts, class_="edge", data_from=str(line.start), data_to=str(line.end))
