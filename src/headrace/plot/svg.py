"""Drawings as text: what an SVG file is made of, and how wide its words are.

Numbers are written with one decimal, names are counted, nothing depends on a clock or a hash seed: the same thing drawn
twice gives the same bytes. Nothing is styled by ``<style>`` or referred to by id, since a notebook puts many drawings
into one page, where both would reach the other drawings.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from unicodedata import combining, east_asian_width

from headrace.core.anew import written_anew

MONO = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_ADVANCE = 0.62  # of the size of a letter: the widest of the usual monospaced fonts has 0.602
# What XML 1.0 cannot hold in any spelling: control characters but tab and line ends, surrogates, two non-characters.
_NOT_XML = [*range(0x9), 0xB, 0xC, *range(0xE, 0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
UNSAID = dict.fromkeys(_NOT_XML, "\N{REPLACEMENT CHARACTER}")
_ESCAPED = {
    **UNSAID,
    **{ord(c): e for c, e in {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}.items()},
}


class Svg:
    """A drawing: displayed by notebooks, saved by :meth:`save`.

    Attributes
    ----------
    data : str
        The text of an SVG file.

    Examples
    --------
    >>> from headrace.plot.svg import Svg
    >>> Svg("<svg/>")
    <drawing of 6 characters: .save(path) writes it>
    """

    data: str

    def __init__(self, data: str) -> None:
        self.data = data

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the drawing to a file and return its path.

        Raises
        ------
        SinkError
            When it cannot be written, as on a full disk.
        """
        path = Path(path)
        with written_anew(path, f"{type(self).__name__}.save") as part:
            part.write_bytes(self.data.encode())
        return path

    def _repr_svg_(self) -> str:
        return self.data

    def _repr_html_(self) -> str:
        # Beside the SVG: a notebook shows an SVG as an image, without the notes that appear under the pointer.
        return f'<div style="overflow-x: auto">{self.data}</div>'

    def __str__(self) -> str:
        return self.data

    def __repr__(self) -> str:
        return f"<drawing of {len(self.data)} characters: .save(path) writes it>"


class Html:
    """A piece of a page, displayed by notebooks.

    Attributes
    ----------
    data : str
        The text.
    """

    data: str

    def __init__(self, data: str) -> None:
        self.data = data

    def _repr_html_(self) -> str:
        return self.data

    def __repr__(self) -> str:
        return f"<page of {len(self.data)} characters: .data has them>"


def escape(text: str) -> str:
    """Return a text as it stands in XML.

    Examples
    --------
    >>> escape('a < "b" & c')
    'a &lt; &quot;b&quot; &amp; c'
    """
    return text.translate(_ESCAPED)


def cells(text: str) -> int:
    """Return how many columns of a monospaced font a text takes: wide letters and symbols count twice.

    Examples
    --------
    >>> cells("abc"), cells("\N{CJK UNIFIED IDEOGRAPH-6C34}")
    (3, 2)
    """
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" or ord(c) > 0x1F000 else 1 for c in text)


def width_of(text: str, size: float) -> float:
    """Return how many pixels a text may take at most."""
    return cells(text) * size * _ADVANCE


def shortened(text: str, most: int) -> str:
    """Return a text on one line of at most ``most`` columns.

    Examples
    --------
    >>> shortened("a long text", 6), shortened("short", 6)
    ('a lon…', 'short')
    """
    text = " ".join(text.split())
    if cells(text) <= most:
        return text
    kept, room = [], most - 1
    for c in text:
        room -= cells(c)
        if room < 0:
            break
        kept.append(c)
    return "".join(kept) + "…"


def number(value: float) -> str:
    """Return a length with one decimal at most.

    Examples
    --------
    >>> number(2.0), number(1 / 3), number(-0.01)
    ('2', '0.3', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def tag(name: str, inside: str | Iterable[str] | None = None, /, **attributes: str | float) -> str:
    """Return an element; ``stroke_width`` is written ``stroke-width``.

    Examples
    --------
    >>> tag("rect", x=1.5, stroke_width=2)
    '<rect x="1.5" stroke-width="2"/>'
    >>> tag("g", ["<a/>", "<b/>"])
    '<g><a/><b/></g>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
    )
    if inside is None:
        return f"<{name}{told}/>"
    return f"<{name}{told}>{inside if isinstance(inside, str) else ''.join(inside)}</{name}>"


def words(text: str, x: float, y: float, size: float, **attributes: str | float) -> str:
    """Return a line of text whose middle is at height ``y``, in the middle of ``x`` unless ``text_anchor`` says else."""
    # 0.35 em below the middle: dominant-baseline is not known to every renderer.
    more = {"text_anchor": "middle", "fill": "#1b1f24", **attributes}
    return tag("text", escape(text), x=x, y=y + 0.35 * size, font_size=size, **more)


def document(width: float, height: float, inside: Iterable[str], title: str) -> Svg:
    """Return a drawing of a size in pixels, on white."""
    wide, high = number(width), number(height)
    return Svg(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" '
        f'height="{high}" viewBox="0 0 {wide} {high}" role="img" aria-label="{escape(title)}" '
        f'font-family="{escape(MONO)}">\n'
        + "\n".join([tag("rect", width=width, height=height, fill="#ffffff"), *inside])
        + "\n</svg>\n"
    )
