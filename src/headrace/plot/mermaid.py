"""A tree in the language of mermaid, which documentation sites and GitHub draw."""

from __future__ import annotations

from headrace.plot.outline import Box, Outline
from headrace.plot.svg import UNSAID, shortened

_SHAPES = {
    "branch": ("{{", "}}"),
    "label": ("([", "])"),
    "buffer": ("[(", ")]"),
    "pass": ("(", ")"),
}
_PLAIN = frozenset(" _-+*=.,'/()[]{}")  # with letters and digits: what stands for itself between quotes
_COLUMNS = 48


def mermaid_text(outline: Outline) -> str:
    """Return a tree as the text of a flow chart."""
    lines = ["flowchart TD"]
    lines += [f"    n{box.id}{_shaped(box)}" for box in outline.boxes]
    for start, end, label in outline.edges():
        lines.append(f"    n{start} -->{f'|{quoted(label)}|' if label else ''} n{end}")
    moving = [f"n{box.id}" for box in outline.boxes if any(line.drift for line in box.lines)]
    if moving:
        lines += ["    classDef drifts stroke:#a8430a,stroke-width:2px", f"    class {','.join(moving)} drifts"]
    return "\n".join(lines) + "\n"


def _shaped(box: Box) -> str:
    start, end = _SHAPES.get(box.kind, ("[", "]"))
    texts = [box.name, *(shortened(str(line), _COLUMNS) for line in box.lines)]
    return f'{start}"{"<br/>".join(map(_escaped, texts))}"{end}'


def quoted(text: str) -> str:
    """Return a text in quotes, each symbol that mermaid or a browser may read as its own written by its number.

    Examples
    --------
    >>> print(quoted('a "b" <c> #1'))
    "a #34;b#34; #60;c#62; #35;1"
    """
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    text = " ".join(text.translate(UNSAID).split())
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in text)
