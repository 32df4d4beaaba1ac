"""The serving end: one thread that owns the socket, one more for every cursor that is drawn."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from math import inf
from time import monotonic
from typing import Any, Final, NamedTuple

from headrace.core.cursor import Cursor
from headrace.parallel.flatten import Flattener
from headrace.parallel.listener import Listener
from headrace.parallel.outlet import Outlet
from headrace.parallel.protocol import (
    UNREADABLE,
    VERSION,
    Again,
    Bye,
    Credit,
    Hello,
    Pass,
    Ping,
    Refused,
    Stopped,
    Welcome,
    hear_consumer,
)
from headrace.parallel.session import Session

_PATIENCE: Final = 0.1  # seconds that close() waits for a thread inside the user's code
_CONSUMERS: Final = 1000
_GRACE: Final = 3.0  # seconds that a consumer without work waits for what others may leave; a death is known in 2


class ServerStats(NamedTuple):
    """What a server has done so far."""

    consumers: int  # there now
    items: int  # sent
    bytes: int  # sent
    in_flight: int  # items sent and not taken up yet
    lost: int  # items that were on their way to consumers that vanished
    waiting: int  # bytes drawn ahead


class Server:
    """A stream on a socket; :func:`headrace.serve` makes one.

    Attributes
    ----------
    address : str
        Where it listens, with the port that was found.
    """

    address: str

    def __init__(
        self,
        listener: Listener,
        welcome: Welcome,
        opens: Callable[[Hello, Callable[[], bool]], Cursor[Any]],
        ahead: int,
    ) -> None:
        self.listener: Listener = listener
        self.address = listener.address
        self.welcome: Welcome = welcome
        self.ahead: int = ahead
        self._opens = opens
        self.shared: bool = welcome.consumers == "share"
        self._process = os.getpid()
        self._sessions: dict[bytes, Session] = {}
        self._outlets: list[Outlet] = []
        self._pool: Outlet | None = None  # whose items all share
        self._stopping = self._over = False
        self._heard = 0.0  # when a consumer took something up
        # Who is there and what others had before, for stats(): in one, so that nothing is seen twice or not at all.
        self._told: tuple[tuple[Session, ...], ServerStats] = (), ServerStats(0, 0, 0, 0, 0, 0)
        self.done: threading.Event = threading.Event()
        self._thread: threading.Thread = threading.Thread(target=self.run, name="headrace-serve", daemon=True)

    # --- for the user ---------------------------------------------------------------------------

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def stats(self) -> ServerStats:
        """Return what has been sent, taken up and lost so far."""
        (sessions, past), pool = self._told, self._pool
        outlets = {id(s.outlet): s.outlet for s in sessions}
        if pool is not None:
            outlets[id(pool)] = pool
        return ServerStats(
            len(sessions),
            past.items + sum(s.items for s in sessions),
            past.bytes + sum(s.sent for s in sessions),
            sum(s.items - s.given for s in sessions),
            past.lost,
            sum(outlet.waiting for outlet in outlets.values()),
        )

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all is given away, or the server is closed; return whether that is so within ``timeout`` seconds.

        A server whose consumers each get the whole is never done by itself.
        """
        end = inf if timeout is None else monotonic() + timeout
        while not self.done.wait(min(1.0, max(0.0, end - monotonic()))):  # with a limit, so that Ctrl-C arrives
            if monotonic() >= end:
                return False
        return True

    def close(self) -> None:
        """Stop serving: consumers are told. Never waits long for code of the user's; closing twice is fine."""
        if os.getpid() != self._process:
            return  # a child of fork: the threads stayed in the parent
        self._stopping = True
        self.listener.wake()
        if self._thread is not threading.current_thread():
            self._thread.join(5.0)
        end = monotonic() + _PATIENCE
        for outlet in self._outlets:
            outlet.thread.join(max(0.0, end - monotonic()))

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Server at {self.address}>"

    # --- the thread -----------------------------------------------------------------------------

    def run(self) -> None:
        """Serve in this thread until closed, or until all is given away."""
        try:
            while not self._stopping and not self._over:
                looks = self.listener.wait()
                gone = [session for session in self._sessions.values() if session.gone]
                for _ in range(10_000):
                    if not self._hear():
                        break
                for session in gone:  # last words have been heard
                    if self._sessions.get(session.name) is session:
                        self._end(session, None)
                if looks:
                    for session in list(self._sessions.values()):
                        self._send(session, Ping())
                self._pump_all()
                self._over = self._all_given()
            for session in self._sessions.values():
                self._send(session, Stopped(session.seq))
        finally:
            for outlet in self._outlets:
                outlet.leave()
            self.listener.close()
            self.done.set()

    def _hear(self) -> bool:
        """Read one message; return False when there is none."""
        heard = self.listener.hear()
        if heard is None:
            return False
        name, parts = heard
        try:
            (text,) = parts
            said = hear_consumer(text)
        except UNREADABLE:
            self.listener.say(name, Refused("it cannot read what was said; the versions of headrace may differ"))
            return True
        session = self._sessions.get(name)
        if isinstance(said, Hello):
            self._begin(name, said)
        elif session is None:
            self.listener.say(name, Refused("it does not know this consumer"))
        elif isinstance(said, Credit):
            session.credit(said)
            self._heard = monotonic()
        elif isinstance(said, Again | Pass):
            session.outlet.say("again" if isinstance(said, Again) else "pass", said.failure)
        else:
            self._end(session, said)
        return True

    def _begin(self, name: bytes, hello: Hello) -> None:
        if hello.version != VERSION:
            self.listener.say(name, Refused(f"it speaks version {VERSION} of the protocol, and not {hello.version}"))
        elif hello.asks:
            self.listener.say(name, self.welcome)
        elif name in self._sessions:  # said twice, because the first might have got lost
            pass
        elif len(self._sessions) >= _CONSUMERS:
            self.listener.say(name, Refused(f"it has {_CONSUMERS} consumers, and takes no more"))
        elif hello.at < 0 or hello.ahead < 1:
            self.listener.say(name, Refused("it cannot do what was asked for"))
        elif hello.at and self.welcome.resume == "none" and not self.shared:
            self.listener.say(name, Refused("its stream can be run only from the beginning"))
        elif self.listener.say(name, self.welcome):
            outlet = self._pool if self.shared and self._pool is not None else self._drawing(hello)
            ahead = min(hello.ahead, self.ahead)  # what is on its way is held here, too
            self._sessions[name] = Session(name, outlet, ahead, shared=self.shared)
            self._told = tuple(self._sessions.values()), self._told[1]

    def _drawing(self, hello: Hello) -> Outlet:
        outlet = Outlet(partial(self._opens, hello), Flattener(), self.ahead, self.listener.wake)
        if self.shared:
            self._pool = outlet
        self._outlets = [*(other for other in self._outlets if other.thread.is_alive()), outlet]
        outlet.thread.start()
        return outlet

    def _end(self, session: Session, said: Bye | None) -> None:
        """Let a consumer go, which says so or has vanished."""
        del self._sessions[session.name]
        lost, (_, past) = session.leave(said), self._told
        past = ServerStats(0, past.items + session.items, past.bytes + session.sent, 0, past.lost + lost, 0)
        self._told = tuple(self._sessions.values()), past

    def _all_given(self) -> bool:
        """Tell whether nobody has anything of what is shared, and nothing of it is left."""
        pool = self._pool
        if pool is None or self._sessions or pool.ended is None or pool.ready:
            return False
        return pool.failure is None or pool.heard == pool.failures

    def _may_end(self, session: Session) -> bool:
        """Tell whether nothing is likely to come back from other consumers, for this one to get.

        Not for ever: they may well wait for this one, as members of one mux do.
        """
        if not any(other.flight for other in self._sessions.values() if other is not session):
            return True
        due = self._heard + _GRACE
        self.listener.due = min(self.listener.due, due)
        return monotonic() >= due

    # --- sending --------------------------------------------------------------------------------

    def _send(self, session: Session, message: Any, *frames: Any) -> bool:
        """Send; return False when there is nobody to send to, and forget the consumer then."""
        if self.listener.say(session.name, message, *frames):
            return True
        session.gone = True
        self.listener.look_soon()  # it may have said goodbye, which is heard first
        return False

    def _pump_all(self) -> None:
        for session in list(self._sessions.values()):
            try:
                send, may_end = partial(self._send, session), partial(self._may_end, session)
                while not session.gone and session.pump(send, may_end):
                    pass
            except Exception as error:  # of ours; the other consumers go on
                self.listener.say(session.name, Refused(f"it failed to send: {type(error).__name__}: {error}"))
                if session.name in self._sessions:
                    self._end(session, None)
        if self.shared and len(self._sessions) > 1:  # the first in the next round is another
            name, session = next(iter(self._sessions.items()))
            del self._sessions[name]
            self._sessions[name] = session
