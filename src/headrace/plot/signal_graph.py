"""A graph of signals as a drawing: what reads what, from the input on the left to the right."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace.core.anew import written_anew
from headrace.core.block import ROWS
from headrace.core.registry import register
from headrace.plot.mermaid import quoted
from headrace.plot.svg import Svg, document, escape, number, shortened, tag, width_of, words

if TYPE_CHECKING:
    from headrace.signals.graph import Graph

File = str | PathLike[str]
_NAME, _SMALL, _PAD, _GAP, _APART, _MARGIN = 12.0, 10.0, 10.0, 46.0, 14.0, 12.0
_COLUMNS, _LINES = 32, 5
_COLOURS = {"input": ("#e6f5ea", "#2f7d4f"), "node": ("#edf3fb", "#4a6d9c"), "slow": ("#f2edfa", "#6d52a3")}


class _Box(NamedTuple):
    """A column: its name, what makes it, its parameters; what it is made of; ``slow`` has a pace of its own."""

    name: str
    kind: str
    lines: tuple[str, ...]
    reads: tuple[str, ...]


def _boxes(graph: Graph) -> list[_Box]:
    found = [_Box(name, "input", (), ()) for name in graph.reads]
    for node in graph.nodes:
        told = [type(node).__name__]
        told += [f"{name}={_value(value)}" for name, value in node.settings.items() if value is not None]
        pace, late = graph.pace(node.name), graph.latency(node.name)
        if pace != ROWS:
            told.append(f"{'a row' if pace.burst == 1 else f'{pace.burst} rows'} every {pace.every}")
        if late:
            told.append(f"{late} rows late")
        found.append(_Box(node.name, "node" if pace == ROWS else "slow", tuple(told), tuple(node.inputs)))
    return found


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if hasattr(value, "shape"):
        return f"array{tuple(value.shape)}".replace(",)", ")")
    if isinstance(value, tuple) and len(value) > 6:
        return f"({value[0]!r}, ... {len(value)} of them)"
    if isinstance(value, float):
        return f"{value:.6g}"
    named = getattr(value, "__qualname__", None)
    return str(named) if named else repr(value)


# --- SVG ----------------------------------------------------------------------------------------------


@register("plot.graph_svg", example=None, kind="view")
def graph_svg(graph: Graph, file_path: File | None = None) -> Svg:
    """Return a drawing of a graph of signals, and write it to a file where one is named.

    Parameters
    ----------
    graph
        The graph.
    file_path
        A file.

    Raises
    ------
    SinkError
        When the file cannot be written.

    Examples
    --------
    >>> import headrace.signals as s
    >>> from headrace.plot.signal_graph import graph_svg
    >>> drawing = graph_svg(s.Graph([s.Sum("a", "b", name="c"), s.Scale("c", name="d", scale_factor=2.0)]))
    >>> drawing.data.count('class="node"'), drawing.data.count('class="edge"')
    (4, 3)
    """
    boxes = _boxes(graph)
    places, width, height = _placed(boxes)
    inside = []
    for box in boxes:
        inside += [_joined(name, places[name], box.name, places[box.name]) for name in dict.fromkeys(box.reads)]
    inside += [_drawn(box, places[box.name]) for box in boxes]
    drawing = document(width, height, inside, "graph of signals")
    if file_path is not None:
        drawing.save(file_path)
    return drawing


Place = tuple[float, float, float, float]


def _placed(boxes: Sequence[_Box]) -> tuple[dict[str, Place], float, float]:
    """Return where boxes are: each right of all it is made of, near their middle."""
    depth: dict[str, int] = {}
    for box in boxes:
        depth[box.name] = 1 + max((depth[name] for name in box.reads), default=-1)
    columns: list[list[_Box]] = [[] for _ in range(1 + max(depth.values(), default=0))]
    for box in boxes:
        columns[depth[box.name]].append(box)
    heights = [sum(_size(box)[1] for box in each) + _APART * (len(each) - 1) for each in columns]
    whole = max(heights, default=0.0)
    places: dict[str, Place] = {}
    x = _MARGIN
    for column, high in zip(columns, heights, strict=True):
        wide = max((_size(box)[0] for box in column), default=0.0)
        order = {box.name: k for k, box in enumerate(boxes)}

        def middle(box: _Box, order: dict[str, int] = order) -> tuple[float, int]:
            ys = [places[name][1] + places[name][3] / 2 for name in box.reads]
            return (sum(ys) / len(ys) if ys else 0.0), order[box.name]

        y = _MARGIN + (whole - high) / 2
        for box in sorted(column, key=middle):
            across, tall = _size(box)
            places[box.name] = (x + (wide - across) / 2, y, across, tall)
            y += tall + _APART
        x += wide + _GAP
    return places, x - _GAP + _MARGIN, whole + 2 * _MARGIN


def _shown(box: _Box) -> list[str]:
    left = len(box.lines) - _LINES
    return [shortened(line, _COLUMNS) for line in box.lines[:_LINES]] + ([f"… {left} more"] if left > 0 else [])


def _size(box: _Box) -> tuple[float, float]:
    lines = _shown(box)
    wide = max([width_of(shortened(box.name, _COLUMNS), _NAME), *(width_of(line, _SMALL) for line in lines)])
    return max(44.0, wide + 2 * _PAD), _NAME + 14 + len(lines) * (_SMALL + 4)


def _drawn(box: _Box, place: Place) -> str:
    x, y, width, height = place
    fill, line = _COLOURS[box.kind]
    parts = [
        tag("title", escape("\n".join([box.name, *box.lines]))),
        tag(
            "rect", x=x, y=y, width=width, height=height, rx=height / 2 if box.kind == "input" else 6.0, fill=fill,
            stroke=line, stroke_width=1.2,
        ),
        words(shortened(box.name, _COLUMNS), x + width / 2, y + 7 + _NAME / 2, _NAME),
    ]  # fmt: skip
    at = y + 7 + _NAME + 4 + _SMALL / 2
    for text in _shown(box):
        parts.append(words(text, x + width / 2, at, _SMALL, fill="#57606a"))
        at += _SMALL + 4
    return tag("g", parts, class_="node", data_kind=box.kind, data_id=box.name)


def _joined(start: str, a: Place, end: str, b: Place) -> str:
    x1, y1, x2, y2 = a[0] + a[2], a[1] + a[3] / 2, b[0] - 7, b[1] + b[3] / 2
    bend = max(18.0, (x2 - x1) / 2)
    n = number
    path = f"M{n(x1)} {n(y1)}C{n(x1 + bend)} {n(y1)} {n(x2 - bend)} {n(y2)} {n(x2)} {n(y2)}"
    head = f"M{n(x2)} {n(y2 - 3.5)}L{n(x2)} {n(y2 + 3.5)}L{n(x2 + 6)} {n(y2)}Z"
    parts = [tag("path", d=path, fill="none", stroke="#8a94a0", stroke_width=1.2), tag("path", d=head, fill="#8a94a0")]
    return tag("g", parts, class_="edge", data_from=start, data_to=end)


# --- mermaid ------------------------------------------------------------------------------------------


@register("plot.graph_mermaid", example=None, kind="view")
def graph_mermaid(graph: Graph, file_path: File | None = None) -> str:
    """Return a graph of signals as the text of a mermaid flow chart, and write it to a file where one is named.

    Parameters
    ----------
    graph
        The graph.
    file_path
        A file.

    Raises
    ------
    SinkError
        When the file cannot be written.

    Examples
    --------
    >>> import headrace.signals as s
    >>> from headrace.plot.signal_graph import graph_mermaid
    >>> print(graph_mermaid(s.Graph([s.Scale("x", name="y", scale_factor=2.0)])), end="")
    flowchart LR
        n0(["x"])
        n1["y<br/>Scale<br/>scale_factor=2"]
        n0 --> n1
    """
    boxes = _boxes(graph)
    ids = {box.name: f"n{k}" for k, box in enumerate(boxes)}
    lines = ["flowchart LR"]
    for box in boxes:
        start, end = ("([", "])") if box.kind == "input" else ("[", "]")
        texts = [quoted(text)[1:-1] for text in (box.name, *_shown(box))]
        lines.append(f'    {ids[box.name]}{start}"{"<br/>".join(texts)}"{end}')
    lines += [f"    {ids[name]} --> {ids[box.name]}" for box in boxes for name in dict.fromkeys(box.reads)]
    text = "\n".join(lines) + "\n"
    if file_path is not None:
        with written_anew(Path(file_path), "graph_mermaid") as part:
            part.write_bytes(text.encode())
    return text
