"""Tell what happens, step by step, with the time each step took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

_INDENT = "     "


class Story:
    """Numbered steps on stdout.

    Attributes
    ----------
    seconds : dict of str to float
        How long each step took, by its title.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and say how long it took when it is done."""
        began = monotonic()
        print(f"\n[{len(self.seconds) + 1}/{self.steps}] {title}", flush=True)
        yield
        self.seconds[title] = monotonic() - began
        self.tell(f"({self.seconds[title]:.1f} s)")

    def tell(self, text: str) -> None:
        """Print lines of the present step."""
        for line in text.splitlines():
            print(f"{_INDENT}{line}".rstrip(), flush=True)


def table(rows: list[tuple[str, ...]]) -> str:
    """Return rows as lines with columns in line: the first to the left, the others to the right.

    Examples
    --------
    >>> print(table([("", "asked", "drawn"), ("eight", "23.1 %", "22.9 %")]))
           asked   drawn
    eight 23.1 %  22.9 %
    """
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = (cell.rjust(width + (k > 0)) for k, (cell, width) in enumerate(zip(others, widths[1:], strict=True)))
        lines.append(f"{first.ljust(widths[0])} {' '.join(cells)}".rstrip())
    return "\n".join(lines)
