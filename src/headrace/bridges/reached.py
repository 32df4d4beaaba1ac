"""How far a loader's consumer has come."""

from __future__ import annotations

import pickle
from typing import Any, NamedTuple

from headrace.bridges.share import Ranks


class Worker(NamedTuple):
    """Where the part of one worker stands: so many items ``behind`` a ``state`` of it, None for the beginning."""

    state: dict[str, Any] | None
    behind: int


class Start(NamedTuple):
    """What workers are told: a place in the whole; or the place of each part, and whose turn it is."""

    place: int
    turn: int
    workers: tuple[Worker, ...]


class ByNumber:
    """Items have numbers: so many have been ``given`` to this rank since all ranks were at ``first`` of the whole."""

    first: int
    given: int

    def __init__(self, first: int, given: int) -> None:
        self.first, self.given = first, given

    def delivered(self, slot: int, mark: bytes | None) -> None:
        """Count an item."""
        self.given += 1

    def place(self, of: Ranks) -> int:
        """Return how far the whole is when all ranks are at the same step."""
        return self.first + self.given * of.world_size

    def is_top(self) -> bool:
        """Tell whether nothing has been given yet."""
        return self.first == self.given == 0

    def start(self, of: Ranks) -> Start:
        """Return what workers are told."""
        return Start(self.place(of), 0, ())


class ByCursor:
    """Items have none: a state and a count for each part, and the part whose ``turn`` it is."""

    slots: list[Worker]
    marks: list[bytes | None]
    turn: int

    def __init__(self, workers: list[dict[str, Any]], turn: int) -> None:
        self.slots = [Worker(worker["state"], worker["behind"]) for worker in workers]
        self.marks = [None] * len(workers)  # states that arrived, as they came: few are asked for
        self.turn = turn

    @classmethod
    def top(cls, n: int) -> ByCursor:
        """Return the beginning of ``n`` parts."""
        return cls([{"state": None, "behind": 0}] * n, 0)

    def delivered(self, slot: int, mark: bytes | None) -> None:
        """Count an item of a part, and keep the state that came with it, which is that behind it."""
        if mark is None:
            self.slots[slot] = Worker(self.slots[slot].state, self.slots[slot].behind + 1)
        else:
            self.slots[slot], self.marks[slot] = Worker(None, 0), mark
        self.turn = (slot + 1) % len(self.slots)

    def found(self) -> list[Worker]:
        """Return where each part stands."""
        return [
            worker if mark is None else Worker(pickle.loads(mark), worker.behind)
            for worker, mark in zip(self.slots, self.marks, strict=True)
        ]

    def plain(self) -> list[dict[str, Any]]:
        """Return the same as plain data."""
        return [worker._asdict() for worker in self.found()]

    def is_top(self) -> bool:
        """Tell whether nothing has been given yet."""
        return not any(self.marks) and all(worker == (None, 0) for worker in self.slots)

    def start(self, of: Ranks) -> Start:
        """Return what workers are told."""
        return Start(0, self.turn, tuple(self.found()))


Reached = ByNumber | ByCursor
