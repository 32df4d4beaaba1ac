"""A ledger that is nowhere but in memory: for who keeps nothing, and for what is not kept yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import time
from typing import Any

import numpy as np

from headrace.core.items import map_leaves, nbytes
from headrace.store.ledger_rows import DONE, FAILED, Point, Totals


class Held(Point):
    """A point whose arrays are its own, in the place of one that is packed."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        found: int = nbytes(self.value)
        return found


class MemoryLedger:
    """Points by their keys, with the methods of :class:`~headrace.store.ledger.Ledger`. Any value can be in it.

    Examples
    --------
    >>> ledger = MemoryLedger()
    >>> ledger.put([Point(b"a", (1,), (0.5,))])
    1
    >>> [point.value for point in ledger.rows()], len(ledger)
    ([(0.5,)], 1)
    """

    readonly: bool = False
    exists: bool = True
    path: None = None

    def __init__(self) -> None:
        self._points: dict[bytes, Point] = {}
        self._notes: dict[str, Any] = {}
        self.totals: Totals = Totals()

    def pack(self, point: Point) -> Held:
        """Return a point that nothing which happens to its arrays later can change."""
        value = map_leaves(_own, point.value)
        return Held(*point._replace(value=value, at=time() if point.at != point.at else point.at))

    def unpack(self, packed: Any) -> Point:
        """Return the point that was packed."""
        return Point(*packed)

    def put(
        self,
        points: Iterable[Any],
        *,
        layout: Any = None,
        session: Any = None,
        merge: Callable[..., Any] | None = None,
        guard: Callable[[], object] | None = None,
        only: bool = False,
    ) -> int:
        """Keep points, as a ledger on disk does."""
        if guard is not None:
            guard()
        made, number = dict(self._points), self.totals.next
        points = list(points)
        if only:
            stay = {point.key for point in points}
            made = {key: point for key, point in made.items() if key in stay}
        for given in points:
            point = given if isinstance(given, Held) else self.pack(given)
            new = Point(*point)._replace(layout=layout, session=session, row=number)
            old = made.get(new.key)
            if old is not None and merge is not None:
                kept = merge(old, new)
                if kept is None:
                    continue
                new = kept._replace(row=number, key=new.key)
            made.pop(new.key, None)  # what comes later stands later
            made[new.key] = new
            number += 1
        return self._now(made, number)

    def _now(self, points: dict[bytes, Point], number: int) -> int:
        written = number - self.totals.next
        changed = written > 0 or len(points) != len(self._points)
        self._points = points
        self.totals = self.totals._replace(
            rows=len(points),
            failed=sum(point.state == FAILED for point in points.values()),
            commits=self.totals.commits + changed,
            next=number,
        )
        return written

    def rows(self, after: int = 0, *, values: bool = True) -> Iterator[Point]:
        """Yield every point, or those with numbers above ``after``."""
        for point in list(self._points.values()):
            if point.row > after:
                yield point

    def first(self) -> Point | None:
        """Return some point; None when there is none."""
        return next(iter(self._points.values()), None)

    def known(self, keys: Iterable[bytes], state: int | None = DONE) -> set[bytes]:
        """Return those of ``keys`` that have a point in a state; None for any."""
        points = self._points
        return {key for key in keys if key in points and (state is None or points[key].state == state)}

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Point]:
        """Return the points of some keys, as far as there are any."""
        return {key: self._points[key] for key in keys if key in self._points}

    def drop(self, keys: Iterable[bytes]) -> int:
        """Remove points; return how many there were."""
        return self.change(lambda point: None, keys=list(keys))

    def change(self, how: Callable[[Point], Point | None], keys: Sequence[bytes] | None = None) -> int:
        """Replace each point, or those of some keys, by ``how(point)``, None to remove it."""
        made, number, changed = dict(self._points), self.totals.next, 0
        for old in list(self._points.values()) if keys is None else list(self.get(keys).values()):
            new = how(old)
            if new is old:
                continue
            changed += 1
            made.pop(old.key, None)
            if new is not None:
                made[new.key] = new._replace(row=number)
                number += 1
        self._now(made, number)
        return changed

    def reserve(self, n: int) -> int:
        """Hand out ``n`` numbers; return the first."""
        first = self.totals.reserved
        self.totals = self.totals._replace(reserved=first + n)
        return first

    def note(self, name: str, default: Any = None) -> Any:
        """Return what was noted under a name."""
        return self._notes.get(name, default)

    def set_note(self, name: str, value: Any, *, counts: bool = False) -> None:
        """Note a value under a name; None to forget it."""
        if value is None:
            self._notes.pop(name, None)
        else:
            self._notes[name] = value
        if counts:
            self.totals = self.totals._replace(commits=self.totals.commits + 1)

    def __len__(self) -> int:
        return self.totals.rows

    def size(self, most: int) -> int:
        """Return about how many bytes all values take."""
        return sum(nbytes(point.value) for point in self._points.values())

    def check(self) -> None:
        """Find nothing: memory is trusted."""

    def damages(self) -> list[Any]:
        """Find nothing."""
        return []

    def salvage(self) -> list[Any]:
        """Find nothing."""
        return []

    def close(self) -> None:
        """Do nothing: there are no files."""


def _own(leaf: Any) -> Any:
    if not isinstance(leaf, np.ndarray):
        return leaf.copy() if isinstance(leaf, list | dict) else leaf
    made = leaf.copy()
    made.flags.writeable = False  # it is the result itself that readers are given
    return made
