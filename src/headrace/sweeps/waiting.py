"""Results that wait to be written, in memory, each with the rule that it came with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby, islice
from typing import Any, Final

from headrace.store.ledger import Point
from headrace.store.ledger_memory import MemoryLedger
from headrace.sweeps.merging import Conflict, merger, raise_conflicts

_AT_ONCE: Final = 1000  # points in one transaction


class Waiting(MemoryLedger):
    """Points in memory on their way to a ledger.

    Attributes
    ----------
    rule : bool or None
        What those that come next do to those that are there and differ: as ``overwrite`` of a harvest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rule: bool | None = None
        self._rules: dict[bytes, bool | None] = {}

    def put(self, points: Iterable[Any], **how: Any) -> int:
        """Keep points, and the rule that is now."""
        listed = list(points)
        made = super().put(listed, **how)
        self._rules.update((point.key, self.rule) for point in listed)
        return made

    def rule_of(self, point: Point, now: bool | None = None) -> bool | None:
        """Return the rule that a point came with; where that is none, the one that is asked for ``now``."""
        was = self._rules.get(point.key)
        return now if was is None else was

    def write(self, ledger: Any, who: str, rule: bool | None, guard: Callable[[tuple[str, ...]], Any]) -> None:
        """Put all points into a ledger. Those that differ from what is there, without a rule, go on waiting.

        Parameters
        ----------
        who
            For errors.
        rule
            For those that came without one.
        guard
            Makes, of the arguments of points, what is called when nobody else can write.

        Raises
        ------
        DataError
            When some go on waiting.
        """
        conflicts: list[Conflict] = []
        listed = list(self.rows())
        for (_, _, own), some in groupby(listed, lambda p: (id(p.layout), id(p.session), self.rule_of(p, rule))):
            while batch := list(islice(some, _AT_ONCE)):
                first, stay = batch[0], set[bytes]()
                merge = merger(own, conflicts, lambda old, new: stay.add(new.key) if own is None else None)  # noqa: B023
                how = {"layout": first.layout, "session": first.session, "merge": merge}
                ledger.put(batch, guard=guard(tuple(first.layout["args"])), **how)
                self.drop(point.key for point in batch if point.key not in stay)
        raise_conflicts(conflicts, who, waiting=True)
