"""One consumer as the server sees it: what it was sent, what of that it has taken up, and what is to be sent next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

from headrace.parallel.encode import encode
from headrace.parallel.flatten import Flattened
from headrace.parallel.outlet import BLOCK, Outlet
from headrace.parallel.protocol import Bye, Credit, End, Failed, Items, Passed
from headrace.parallel.told import told

Send = Callable[..., bool]  # a message and its frames; False where nobody is there


class Session:
    """A consumer.

    Parameters
    ----------
    name
        Of its connection.
    outlet
        What it is sent.
    ahead
        Bytes that may be on their way to it.
    shared
        Whether others are sent what it does not get.
    """

    ended: bool
    gone: bool
    sent: int
    items: int
    taken: int
    given: int
    failure: int
    passed: int

    def __init__(self, name: bytes, outlet: Outlet, ahead: int, *, shared: bool) -> None:
        self.name: bytes = name
        self.outlet: Outlet = outlet
        self.ahead: int = ahead
        self.shared: bool = shared
        self.seq: int = 0
        self.sent = self.items = 0  # bytes and items sent,
        self.taken = self.given = 0  # bytes of that taken up, and items given to its user
        self.failure = self.passed = 0  # the last that was told
        self.ended = self.gone = False
        self.flight: deque[Flattened] = deque()  # sent and not given to its user, where another may get it

    def credit(self, said: Credit) -> None:
        """Note what has been taken up."""
        if self.taken <= said.bytes <= self.sent and self.given <= said.items <= self.items:
            for _ in range(min(len(self.flight), said.items - self.given)):
                self.flight.popleft()
            self.taken, self.given = said.bytes, said.items

    def leave(self, said: Bye | None) -> int:
        """Have others get what its user did not, where it says so; return how many items are lost."""
        if not self.shared:
            self.outlet.leave()
            return 0 if said is not None else self.items - self.given
        if said is None:  # nobody knows which of them its user has
            return self.items - self.given
        lost = max(0, self.items - max(said.items, 0))
        back = list(self.flight)[-lost:] if lost else []
        self.outlet.put_back(back)
        self.items -= len(back)
        return lost - len(back)

    # --- sending --------------------------------------------------------------------------------

    def pump(self, send: Send, may_end: Callable[[], bool]) -> bool:
        """Send one message; return False when there is nothing to send, or no room for it."""
        outlet = self.outlet
        room = self.ahead - (self.sent - self.taken)
        idle = self.sent == self.taken
        if outlet.passed is not None and outlet.passed[0] > self.passed:
            self.passed = outlet.passed[0]
            if self.failure == self.passed:
                return send(Passed(self._next(), self._number(outlet.passed[1])))
        with outlet.condition:
            first = outlet.ready[0][1].size if outlet.ready else 0
            grain = max(1, min(max(BLOCK, min(8 * first, 8 * BLOCK)), self.ahead // 4, outlet.limit // 2))
            if first:
                finished = outlet.ended is not None or outlet.failure is not None
                if not idle and (room <= 0 or (outlet.waiting < grain and not finished)):
                    if room > 0:
                        outlet.want = min(outlet.want, grain)
                    return False
            elif outlet.failure is not None and outlet.failures > self.failure:
                self.failure = outlet.heard = outlet.failures
                failed = outlet.failure
            elif outlet.ended is not None:
                if self.ended or outlet.failure is not None or not may_end():
                    return False
                self.ended = True
                return send(End(self._next(), self._number(outlet.ended)))
            else:
                outlet.want = min(outlet.want, 1 if idle else grain)
                return False
        if not first:
            return send(Failed(self._next(), self.failure, *told(failed)))
        return self._send_items(send, grain, inf if idle else room)

    def _send_items(self, send: Send, grain: int, room: float) -> bool:
        taken = self.outlet.take(grain, room)
        if taken is None:
            return False
        items, first = taken.items, self._number(taken.first)
        done = 0
        try:
            while done < len(items):  # one message, but for items of a great many parts
                frames, n = encode(items[done:])
                weight = sum(item.size for item in items[done : done + n])
                if not send(Items(self._next(), first + done, n, weight), *frames):
                    return False
                self.sent += weight
                self.items += n
                if self.shared:
                    self.flight.extend(items[done : done + n])
                done += n
        finally:
            if self.shared and done < len(items):
                self.outlet.put_back(items[done:])
        return True

    def _next(self) -> int:
        self.seq += 1
        return self.seq - 1

    def _number(self, number: int) -> int:
        """Return the number of an item as this consumer counts: those that share one cursor each count their own."""
        return self.items if self.shared else number
