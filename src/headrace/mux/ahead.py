"""Open the members that will probably be next, in threads, so that a slow open does not stall the stream.

It is a guess that changes nothing: the choice is made when a slot is free, as ever, and a member that was prepared for
it is used, others are dropped.
"""

from __future__ import annotations

from threading import Event, Lock, Thread
from typing import Any, Protocol

from headrace.core.cursor import Cursor


class Owner(Protocol):
    """The run that members are prepared for."""

    stream: Any
    visits: dict[int, int]
    pool: Any

    def cursor_for(self, member: int, visit: int) -> Cursor[Any]:
        """Return the cursor of a member for a visit."""


class Ahead:
    """At most ``n`` openings for ``owner``, by member and visit."""

    owner: Owner
    n: int

    def __init__(self, owner: Owner, n: int) -> None:
        self.owner, self.n = owner, n
        self.openings: dict[tuple[int, int], _Opening] = {}

    def prepare(self) -> None:
        """Start opening the members that are next as things stand, and drop those that no longer are."""
        owner = self.owner
        likely = {(i, owner.visits.get(i, -1) + 1) for i in owner.pool.peek(self.n)}
        for place in [place for place in self.openings if place not in likely]:
            self.openings.pop(place).drop()
        for member, visit in likely - set(self.openings):
            if owner.stream.streams[member].resume != "none":  # what is dropped must be able to run again
                self.openings[member, visit] = _Opening(owner.cursor_for(member, visit))

    def take(self, member: int, visit: int) -> tuple[Cursor[Any], Any] | None:
        """Return the prepared cursor and its first item, waiting for it; None when there is none, or it failed.

        What failed or was empty ahead is simply done again in its turn, and says so there.
        """
        opening = self.openings.pop((member, visit), None)
        if opening is None:
            return None
        opening.done.wait()
        if not opening.good:
            opening.drop()
            return None
        return opening.cursor, opening.item

    def close(self) -> None:
        """Drop everything; openings under way close by themselves."""
        error: BaseException | None = None
        while self.openings:
            try:
                self.openings.popitem()[1].drop()
            except Exception as raised:  # a user's own clean-up: the others are dropped all the same
                error = error or raised
        if error is not None:
            raise error


class _Opening:
    """One member on its way: its first item is drawn in a thread of its own."""

    def __init__(self, cursor: Cursor[Any]) -> None:
        self.cursor, self.item = cursor, None
        self.done, self.good = Event(), False
        self._lock, self._dropped = Lock(), False
        Thread(target=self._draw, name="headrace-lookahead", daemon=True).start()

    def _draw(self) -> None:
        try:
            self.item = next(iter(self.cursor.items))
            self.good = True
        except BaseException:  # raised again, with its notes, when the member's turn comes
            self.good = False
        with self._lock:
            self.done.set()
            if self._dropped:
                self.cursor.close()

    def drop(self) -> None:
        """Close the cursor, now or as soon as the thread lets go of it."""
        with self._lock:
            self._dropped = True
            if self.done.is_set():
                self.cursor.close()
