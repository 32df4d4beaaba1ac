"""The columns of a buffer: rings that stay in step with each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from headrace.core.block import Pace
from headrace.errors import DataError
from headrace.live.buffers.ring import Ring, Rows
from headrace.live.buffers.rows import Arrival, arrange, brought, missing


class Columns:
    """Rings by name, and where the rows of those with a pace of their own stand among the others.

    Moments are numbered from the first on. The newest row of a column at the pace of the input is of the newest moment,
    always; for others the moment of each row is kept beside it.
    """

    def __init__(self, maxlen: int | None) -> None:
        self.maxlen = maxlen
        self.rings: dict[str, Ring] = {}
        self.paces: dict[str, Pace | None] = {}  # of columns that have not the input's; None: not known
        self.at: dict[str, Ring] = {}  # the moments their rows stand at
        self.unborn: set[str] = set()  # columns that never had a row: shape and dtype are still open
        self.total: int = 0  # the number of the next moment

    def moments(self) -> int:
        """Return how many rows the longest column at the pace of the input has."""
        return max((len(ring) for name, ring in self.rings.items() if name not in self.paces), default=0)

    def longest(self) -> int:
        """Return how many moments are held; where no column is at the pace of the input, the rows of the longest."""
        return self.moments() or max(map(len, self.rings.values()), default=0)

    def extend(self, data: Mapping[str, Any] | Columns) -> None:
        """Add a stretch of time, or nothing when it cannot be added."""
        if isinstance(data, Columns):
            self._add(arrange(data._brought(), self.rings, self.paces, self.unborn))
        elif not self._extend_plainly(data):
            arrival = brought(data, self.rings, self.paces, self.unborn)
            self._add(arrange(arrival, self.rings, self.paces, self.unborn))

    def start(self, data: Mapping[str, Any]) -> None:
        """Copy the newest rows of a mapping into columns of which there are none yet."""
        arrays, self.total, self.paces, places = brought(data, {}, {}, set())
        for name, rows in arrays.items():
            newest = slice(0 if self.maxlen is None else max(len(rows) - self.maxlen, 0), None)
            self.rings[name] = Ring.of(np.array(rows[newest]), self.maxlen)
            if name in self.paces:
                self.at[name] = Ring.of(places[name][newest], self.maxlen)
        self.unborn = {name for name, ring in self.rings.items() if not len(ring)}

    def put(self, name: str, rows: Rows) -> None:
        """Replace a column; rows as many as there are moments are those of these moments."""
        others = [len(ring) for each, ring in self.rings.items() if each != name and each not in self.paces]
        self.rings[name] = Ring.of(rows, self.maxlen)
        self.unborn.discard(name)
        if not len(rows):
            self.unborn.add(name)
        self._join(name)
        if others and len(rows) != max(others):
            self._leave(name, None)

    def remove(self, name: str) -> None:
        del self.rings[name]
        self.unborn.discard(name)
        self._join(name)

    def moments_of(self, name: str) -> Rows:
        """Return the moment that each row of a column stands at."""
        if name in self.at:
            return self.at[name].rows
        return np.arange(self.total - len(self.rings[name]), self.total)

    def times(self, name: str, stamps: Rows) -> Rows:
        """Return the time of each row of a column, NaN where it is not known; ``stamps`` are those of the newest moments."""
        stamps = np.asarray(stamps, np.float64)
        index = self.moments_of(name) - (self.total - len(stamps))
        found = np.full(len(index), np.nan)
        known = (index >= 0) & (index < len(stamps))
        found[known] = stamps[index[known]]
        return found

    def until(self, name: str, n: int) -> int:
        """Return how many rows of a column are among the oldest ``n`` moments, or, for some, before these."""
        if n <= 0:
            return 0
        ring, moments = self.rings[name], self.moments()
        if not moments or n >= moments:
            return len(ring) if moments else min(n, len(ring))
        if name not in self.paces:
            return max(n - (moments - len(ring)), 0)
        return int(np.searchsorted(self.at[name].rows, self.total - moments + n))

    def part(self, low: int, high: int) -> Columns:
        """Return the moments from ``low`` to ``high``, counted from the oldest; the memory is shared."""
        made = Columns(self.maxlen)
        made.total = self.total - max(self.moments() - high, 0)
        for name, ring in self.rings.items():
            rows = slice(self.until(name, low), self.until(name, high))
            made.rings[name] = Ring.of(ring.rows[rows], self.maxlen)
            if name in self.paces:
                made.at[name], made.paces[name] = Ring.of(self.at[name].rows[rows], self.maxlen), self.paces[name]
        made.unborn = set(self.unborn)
        return made

    def popleft(self, n: int) -> Columns:
        """Remove the oldest ``n`` moments and return them."""
        found = self.part(0, n)
        for name, ring in found.rings.items():
            self.rings[name].popleft(len(ring))
            if name in self.at:
                self.at[name].popleft(len(ring))
        return found

    def level(self, names: Iterable[str] | None, who: str) -> dict[str, Rows]:
        """Return columns of one length: what started late is filled up in front.

        Raises
        ------
        DataError
            When they have several paces.
        KeyError
            When there is none of a name.
        """
        chosen = {name: self.rings[name] for name in (self.rings if names is None else names)}
        n = max(map(len, chosen.values()), default=0)
        if any(name in self.paces and len(ring) != n for name, ring in chosen.items()):
            raise DataError(
                f"{who} got columns of several paces, of { ({name: len(ring) for name, ring in chosen.items()}) } rows, wanted "
                f"one.\n  Name the columns of one pace: {who}(names=[...]); to_xarray() takes them all."
            )
        return {name: filled(ring, n) for name, ring in chosen.items()}

    def clear(self) -> None:
        """Remove all columns."""
        for each in (self.rings, self.paces, self.at, self.unborn):
            each.clear()

    def state(self) -> dict[str, Any]:
        """Return all of it as plain data and arrays."""
        return {
            "rings": {name: ring.rows for name, ring in self.rings.items()},
            "at": {name: ring.rows for name, ring in self.at.items()},
            "paces": dict(self.paces),
            "unborn": sorted(self.unborn),
            "total": self.total,
        }

    @classmethod
    def restored(cls, maxlen: int | None, state: Mapping[str, Any]) -> Columns:
        """Return the columns that gave a state."""
        made = cls(maxlen)
        made.rings = {name: Ring.of(rows, maxlen) for name, rows in state["rings"].items()}
        made.at = {name: Ring.of(rows, maxlen) for name, rows in state["at"].items()}
        made.paces, made.unborn, made.total = dict(state["paces"]), set(state["unborn"]), state["total"]
        return made

    def _extend_plainly(self, data: Mapping[str, Any]) -> bool:
        """Add the rows if they are what nearly all are: as many for every known column and for no other."""
        rings, n = self.rings, -1
        if self.paces or self.unborn or len(data) != len(rings) or getattr(data, "paces", None):
            return not data
        for name, rows in data.items():
            ring = rings.get(name)
            if ring is None or type(rows) is not np.ndarray or rows.dtype != ring.dtype or rows.shape[1:] != ring.lead:
                return False
            if len(rows) != n:
                if n >= 0:
                    return False
                n = len(rows)
        for name, rows in data.items():
            rings[name].extend(rows)
        self.total += max(n, 0)
        return True

    def _add(self, arrival: Arrival) -> None:
        for name, rows in arrival.arrays.items():
            ring = self.rings.get(name)
            if ring is None and not (len(rows) or arrival.n):
                continue
            if ring is None or (name in self.unborn and len(rows)):
                ring = self.rings[name] = Ring(rows.shape[1:], rows.dtype.newbyteorder("="), self.maxlen)
                self.unborn.add(name)
            if name in arrival.paces:
                self._leave(name, arrival.paces[name])
                self.at[name].extend(self.total + arrival.places[name])
            elif name in self.paces:
                self._join(name)
            if len(rows):
                self.unborn.discard(name)
                ring.extend(rows)
        self.total += arrival.n

    def _brought(self) -> Arrival:
        """Return all of it as what another buffer gets: moments counted from the oldest."""
        n = self.moments()
        arrays = {name: ring.rows if name in self.paces else filled(ring, n) for name, ring in self.rings.items()}
        places = {name: ring.rows - (self.total - n) for name, ring in self.at.items()}
        return Arrival(arrays, n, dict(self.paces), places)

    def _leave(self, name: str, pace: Pace | None) -> None:
        """Let a column have another pace than the input's."""
        if name not in self.at:
            self.at[name] = Ring.of(self.moments_of(name), self.maxlen)
        self.paces[name] = pace

    def _join(self, name: str) -> None:
        self.paces.pop(name, None)
        self.at.pop(name, None)


def filled(ring: Ring, n: int) -> Rows:
    """Return ``n`` rows: those of the ring, before them such as say that there is nothing."""
    rows = ring.rows
    return rows if len(rows) == n else np.concatenate([missing(n - len(rows), ring), rows])
