"""A tree in the language of graphviz."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.plot.outline import Box, Outline
from headrace.plot.svg import UNSAID

_SHAPES = {"branch": "diamond", "label": "cds", "buffer": "box", "more": "plaintext", "pass": "point"}


def dot_text(outline: Outline, pictures: Mapping[int, str] | None = None) -> str:
    """Return a tree as the text of a file for graphviz; ``pictures`` are names of files, by the ids of their boxes."""
    lines = [
        "digraph tree {",
        '    graph [bgcolor="white"];',
        '    node [fontname="monospace", fontsize=11, shape=box, style=rounded];',
        '    edge [fontname="monospace", fontsize=9];',
    ]
    lines += [f"    n{box.id} [{_attributes(box, (pictures or {}).get(box.id))}];" for box in outline.boxes]
    for start, end, label in outline.edges():
        lines.append(f"    n{start} -> n{end}{f' [label={quoted(label)}]' if label else ''};")
    return "\n".join([*lines, "}"]) + "\n"


def _attributes(box: Box, picture: str | None) -> str:
    told = {"label": quoted(box.name)}
    if box.lines:
        told["tooltip"] = quoted("\n".join(f"{line.name}={line.whole or line.value}" for line in box.lines))
    if box.kind in _SHAPES:
        told |= {"shape": _SHAPES[box.kind], "style": '""'}
    if any(line.drift for line in box.lines):
        told["color"] = '"#a8430a"'
    if picture is not None:
        told |= {"image": quoted(picture), "labelloc": "b", "imagepos": "tc", "height": "1.6", "width": "1.8"}
    return ", ".join(f"{name}={value}" for name, value in told.items())


def quoted(text: str) -> str:
    r"""Return a text in quotes, as graphviz shows it: it reads backslashes and XML's entities in there.

    Examples
    --------
    >>> print(quoted('a "b" & \\N'))
    "a \"b\" &amp; \\N"
    """
    text = text.translate(UNSAID).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
