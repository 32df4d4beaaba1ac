"""What a merge takes from a function, which it asks itself, for each row of its leader."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from headrace.live.devices.calls import named
from headrace.live.merging.follow import Found
from headrace.live.merging.history import Array, with_gaps

LONGEST: Final = 1_000_000  # values of a function that wait for their rows to be read


class FunctionFollower:
    """A function, asked on demand: of the time, for each row; or of nothing, whenever the leader has something new.

    Parameters
    ----------
    name, function
        The follower.
    timed
        Whether it is ``f(t)``.
    leader
        Whose rows they are.
    """

    unknown: bool = False  # its columns do not wait for a sample
    name: str
    function: Callable[..., Any]
    timed: bool
    leader: Any

    def __init__(self, name: str, function: Callable[..., Any], timed: bool, leader: Any) -> None:
        self.name, self.function, self.timed, self.leader = name, function, timed, leader
        self.began: float = 0.0  # Unix seconds of t = 0
        self.failure: BaseException | None = None
        self._like: Any = None  # a value it has given
        self._values: deque[tuple[int, Any]] = deque(maxlen=LONGEST)
        self._turn = threading.Lock()
        self._repeated = self._seen = 0

    def look(self) -> None:
        """Ask the function, for the rows that the leader has made since it was last asked; in the leader's thread."""
        if self.failure is not None:
            return
        try:
            produced = self.leader.stats()["produced"]
            if produced > self._seen:
                value = self.function()
                with self._turn:
                    self._values.append((produced, value))
                self._seen = produced
        except Exception as error:  # the leader is not to fail of it
            error.add_note(f"  while asking follower {self.name!r}")
            self.failure = error

    def poll(self) -> None:
        """Raise what the function has raised."""
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure

    def ready(self, at: Array, rows: Array) -> int:
        """Return how many of the next rows, with these moments and numbers, have been asked for."""
        return len(at) if self.timed else int(np.searchsorted(rows, self._seen, side="left"))

    def columns(self, at: Array, rows: Array) -> Found:
        """Return the columns of rows with these moments and numbers."""
        none = np.zeros(len(at), bool)
        if self.timed:
            values = self._asked(at)
        else:
            values = self._kept(rows)
            missing = [value is None for value in values]
            if any(missing):  # it failed, or the rows are older than what is kept
                none = np.array(missing)
                like = self._like = next((value for value in values if value is not None), self._like)
                if like is None:
                    return {}, none  # nobody can say what its columns are
                parts = self._stacked([like if gone else value for value, gone in zip(values, missing, strict=True)])
                return {name: with_gaps(column, none) for name, column in parts.items()}, none
        self._like = values[-1]
        return self._stacked(values), none

    def names(self) -> list[str]:
        """Return its columns, as far as they are known."""
        like = self._like
        return [named(self.name, key) for key in like] if isinstance(like, Mapping) else [self.name]

    def _asked(self, at: Array) -> list[Any]:
        try:
            return [self.function(t) for t in (at - self.began).tolist()]
        except Exception as error:
            error.add_note(f"  while asking follower {self.name!r}")
            raise

    def _stacked(self, values: list[Any]) -> dict[str, Array]:
        if isinstance(values[0], Mapping):
            keys = list(values[0])
            return {named(self.name, key): np.array([value[key] for value in values]) for key in keys}
        return {self.name: np.array(values)}

    def _kept(self, rows: Array) -> list[Any]:
        with self._turn:
            there = list(self._values)
            while self._values and len(rows) and self._values[0][0] <= rows[-1] + 1:
                self._values.popleft()
        ends = np.array([end for end, _ in there])
        index = np.searchsorted(ends, rows, side="right")
        self._repeated += max(0, len(rows) - len(np.unique(index)))
        return [there[k][1] if k < len(there) else None for k in index.tolist()]

    def stats(self) -> dict[str, Any]:
        """Return what there is to tell: rows that have the value of the row before."""
        return {
            "how": "asked", "skipped": 0, "repeated": self._repeated, "missing": 0, "lost": 0,
            "age_max": 0.0, "age_p99": 0.0,
        }  # fmt: skip
