"""When anything of any tree has changed last: a tree looks at that before it looks at its own nodes and parameters."""

from __future__ import annotations

from itertools import count

TICKS = count(1)  # one step for all threads


class Changes:
    """When anything of any tree has changed last, and when a node has."""

    __slots__ = ("latest", "nodes")

    def __init__(self) -> None:
        self.latest: int = 0
        self.nodes: int = 0

    def node_changed(self) -> None:
        """Say that a node of a tree is another than it was: its function, its label, its name, a parameter for it."""
        self.nodes = tick = next(TICKS)  # first: who sees the latest change has to find it here
        self.latest = tick


CHANGES = Changes()  # no attribute of a class: to set one makes every look-up in it slow again
