"""The report: one page of HTML with everything in it, which asks no server for anything."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 1.25rem 4rem; background: #fff; color: #1c2126;
       font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid #d9dce1; }
p, ul { max-width: 44rem; margin: .5rem 0; }
.outcome { border-left: .3rem solid #0072b2; background: #eef5fa; padding: .75rem 1rem; max-width: 44rem; }
.outcome.failed { border-color: #a3160a; background: #fdefed; }
.scroll { overflow-x: auto; margin: .75rem 0; }
.scroll:focus-visible { outline: 2px solid #0072b2; }
pre { margin: 0; padding: .75rem 1rem; background: #f3f4f6; font: .82rem/1.5 ui-monospace, SFMono-Regular, Menlo,
      Consolas, "DejaVu Sans Mono", monospace; width: max-content; min-width: 100%; }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #4a5260; padding-bottom: .4rem; }
th, td { text-align: right; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #d9dce1; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 2px solid #5c6370; vertical-align: bottom; }
tbody th { font-weight: 400; }
figure { margin: 1rem 0; }
figure img { display: block; width: 100%; max-width: 38rem; height: auto; }
figcaption { color: #4a5260; max-width: 38rem; margin-top: .4rem; }
.side { display: grid; gap: 0 2.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid #d9dce1; color: #4a5260; }
@media print { .scroll { overflow: visible; } pre { white-space: pre-wrap; width: auto; } }
"""


class Page:
    """A page that grows from the top; ``text`` is the finished document.

    What is given as text is escaped.

    Examples
    --------
    >>> page = Page("Two & two")
    >>> page.paragraph("is < five")
    >>> "<p>is &lt; five</p>" in page.text
    True
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._parts: list[str] = []

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str, kind: str | None = None) -> None:
        """Add a paragraph, of a class of the style sheet."""
        self._parts.append(f"<p{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{escape(text)}</p>")

    def code(self, text: str, what: str) -> None:
        """Add lines as they are; ``what`` tells those who do not see them what they are."""
        self._scroll(f"<pre>{escape(text)}</pre>", what)

    def table(self, caption: str, head: list[str], rows: list[list[str]]) -> None:
        """Add a table whose first column names the rows."""
        columns = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
        body = "".join(
            f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in others)}</tr>'
            for first, *others in rows
        )
        self._scroll(
            f"<table><caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>",
            caption,
        )

    def figure(self, path: Path, alt: str, caption: str) -> None:
        """Add an SVG file, its bytes in the page."""
        data = base64.b64encode(path.read_bytes()).decode()
        self._parts.append(
            f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(alt)}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )

    def side_by_side(self) -> None:
        """Set what follows in columns, where there is room, until :meth:`end`."""
        self._parts.append('<div class="side">')

    def end(self) -> None:
        """End the columns."""
        self._parts.append("</div>")

    def footer(self, text: str) -> None:
        """Add the last line."""
        self._parts.append(f"<footer>{escape(text)}</footer>")

    def _scroll(self, inside: str, what: str) -> None:
        # What is wider than a telephone scrolls by itself, with the keyboard too.
        self._parts.append(f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(what)}">{inside}</div>')

    @property
    def text(self) -> str:
        """The document."""
        body = "\n".join(self._parts)
        return (
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(self.title)}</title>\n'
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{escape(self.title)}</h1>\n{body}\n</main>\n</body>\n"
            "</html>\n"
        )
