"""The serving end: one thread that owns the socket, one more for every cursor that is drawn."""

from __future__ import annotations

import os
import socket as sockets
import threading
from collections import deque
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any, Final, NamedTuple

import zmq
from zmq.utils import z85

from headrace.core.cursor import Cursor
from headrace.errors import StreamConfigError
from headrace.parallel.outlet import BLOCK, Outlet
from headrace.parallel.protocol import (
    LINGER,
    MESSAGE,
    UNREADABLE,
    VERSION,
    Again,
    Bye,
    Credit,
    End,
    Failed,
    Hello,
    Items,
    Keys,
    Pass,
    Passed,
    Ping,
    Refused,
    Stopped,
    Welcome,
    hear_consumer,
    say,
    told,
)  # fmt: skip
from headrace.parallel.wire import Flattened, Flattener, encode
from headrace.parallel.zeromq import terminate, tune

_PATIENCE: Final = 0.1  # seconds that close() waits for a thread inside the user's code
_LOOKS: Final = (0.0, 0.05, 0.2, 1.0)  # seconds after a connection broke when the consumers are looked at
_CONSUMERS: Final = 1000


class ServerStats(NamedTuple):
    """What a server has done so far."""

    consumers: int  # there now
    items: int  # sent
    bytes: int  # sent
    in_flight: int  # items sent and not taken up yet
    lost: int  # items in flight to consumers that vanished
    waiting: int  # bytes drawn ahead


class _Session:
    """One consumer."""

    def __init__(self, name: bytes, outlet: Outlet, ahead: int) -> None:
        self.name, self.outlet, self.ahead = name, outlet, ahead
        self.seq = 0
        self.bytes = self.items = 0  # sent,
        self.taken = self.taken_items = 0  # and taken up
        self.failure = self.passed = 0  # the last that was told
        self.ended = self.gone = False
        self.flight: deque[Flattened] = deque()  # sent and not taken up, where another may get it

    def next(self) -> int:
        self.seq += 1
        return self.seq - 1


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
        address: str,
        welcome: Welcome,
        opens: Callable[[Hello], Cursor[Any]],
        *,
        ahead: int,
        keys: Keys | None = None,
        clients: frozenset[str] = frozenset(),
    ) -> None:
        self.welcome: Welcome = welcome
        self.ahead: int = ahead
        self._opens = opens
        self.shared: bool = welcome.consumers == "share"
        self._clients = frozenset(map(z85.decode, clients))
        self._process = os.getpid()
        self._sessions: dict[bytes, _Session] = {}
        self._outlets: list[Outlet] = []
        self._pool: Outlet | None = None  # whose items all share
        self._stopping = self._over = False
        self._past = ServerStats(0, 0, 0, 0, 0, 0)
        self._looks: list[float] = []
        self.done: threading.Event = threading.Event()
        self.context: Any = zmq.Context()
        self._woken, self._wakes = sockets.socketpair()
        self._woken.setblocking(False)
        self._wakes.setblocking(False)
        try:
            self._listen(address, keys)
        except BaseException:
            self._shut()
            raise

    def _listen(self, address: str, keys: Keys | None) -> None:
        self._zap: Any = None
        if keys is not None:
            self._zap = self.context.socket(zmq.REP)
            self._zap.linger = 0
            self._zap.bind("inproc://zeromq.zap.01")
        self._socket: Any = self.context.socket(zmq.ROUTER)
        tune(self._socket)
        self._socket.router_mandatory = 1
        self._socket.maxmsgsize = MESSAGE
        if keys is not None:
            self._socket.curve_server = True
            self._socket.curve_secretkey = keys.secret.encode()
            self._socket.zap_domain = b"headrace"
        self._monitor: Any = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            self._socket.bind(address.replace(":*", ":0") if address.startswith("tcp") else address)
        except zmq.ZMQError as error:
            raise StreamConfigError(
                f"serve(address) got {address!r}, where it cannot listen: {error}.\n"
                "  Another program may have that port; port 0 takes a free one."
            ) from error
        self.address = self._socket.last_endpoint.decode().rstrip("\0")

    # --- for the user ---------------------------------------------------------------------------

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread: threading.Thread | None = threading.Thread(target=self.run, name="headrace-serve", daemon=True)
        self._thread.start()

    def stats(self) -> ServerStats:
        """Return what has been sent, taken up and lost so far."""
        sessions, pool = list(self._sessions.values()), self._pool
        outlets = {id(s.outlet): s.outlet for s in sessions}
        if pool is not None:
            outlets[id(pool)] = pool
        return ServerStats(
            len(sessions),
            self._past.items + sum(s.items for s in sessions),
            self._past.bytes + sum(s.bytes for s in sessions),
            sum(s.items - s.taken_items for s in sessions),
            self._past.lost,
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
        self._wake()
        thread = getattr(self, "_thread", None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(5.0)
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
            poller = zmq.Poller()
            for who in (self._socket, self._monitor, self._woken, *([self._zap] if self._zap else [])):
                poller.register(who, zmq.POLLIN)
            while not self._stopping and not self._over:
                until = min(self._looks, default=inf)
                poller.poll(None if until == inf else max(0, int(1000 * (until - monotonic())) + 1))
                self._drain()
                while self._zap and self._zap.poll(0):
                    self._admit()
                gone = [session for session in self._sessions.values() if session.gone]
                looks = self._look()
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
            for session in self._sessions.values():
                self._send(session, Stopped(session.next()))
        finally:
            for outlet in self._outlets:
                outlet.leave()
            self._shut()
            self.done.set()

    def _shut(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.disable_monitor()
            if hasattr(self, "_monitor"):
                self._monitor.close(0)
            self._socket.close(LINGER)
        if getattr(self, "_zap", None):
            self._zap.close(0)
        terminate(self.context)
        self._woken.close()
        self._wakes.close()
        if getattr(self, "address", "").startswith("ipc://"):
            try:
                os.unlink(self.address.removeprefix("ipc://"))
            except OSError:
                pass

    def _wake(self) -> None:
        try:
            self._wakes.send(b"x")
        except OSError:  # it has been woken, or is gone
            pass

    def _drain(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except OSError:
            pass

    def _admit(self) -> None:
        """Answer whether a consumer may connect: the keys that are allowed, and none besides."""
        version, request, _, _, _, mechanism, *proof = self._zap.recv_multipart()
        good = mechanism == b"CURVE" and len(proof) == 1 and proof[0] in self._clients
        code, text = (b"200", b"OK") if good else (b"400", b"this key is not allowed")
        self._zap.send_multipart([version, request, code, text, b"", b""])

    def _look(self) -> bool:
        """Tell whether to look for consumers that are gone: a broken connection does not say whose, but sending does."""
        now = monotonic()
        while self._monitor.poll(0):
            self._monitor.recv_multipart()
            self._looks = sorted({*self._looks, *(now + after for after in _LOOKS)})[-20:]
        due = bool(self._looks) and now >= self._looks[0]
        self._looks = [at for at in self._looks if at > now]
        return due

    def _hear(self) -> bool:
        """Read one message; return False when there is none."""
        try:
            name, *parts = self._socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return False
        try:
            (text,) = parts
            said = hear_consumer(text)
        except UNREADABLE:
            self._reply(name, Refused("it cannot read what was said; the versions of headrace may differ"))
            return True
        session = self._sessions.get(name)
        if isinstance(said, Hello):
            self._begin(name, said)
        elif session is None:
            self._reply(name, Refused("it does not know this consumer"))
        elif isinstance(said, Credit):
            self._credit(session, said)
        elif isinstance(said, Again | Pass):
            session.outlet.say("again" if isinstance(said, Again) else "pass", said.failure)
        else:
            self._end(session, said)
        return True

    def _begin(self, name: bytes, hello: Hello) -> None:
        if hello.version != VERSION:
            self._reply(name, Refused(f"it speaks version {VERSION} of the protocol, and not {hello.version}"))
        elif hello.asks:
            self._reply(name, self.welcome)
        elif name in self._sessions:  # said twice, because the first might have got lost
            pass
        elif hello.at < 0 or hello.ahead < 1 or len(self._sessions) >= _CONSUMERS:
            self._reply(name, Refused("it cannot do what was asked for"))
        elif hello.at and self.welcome.resume == "none" and not self.shared:
            self._reply(name, Refused("its stream can be run only from the beginning"))
        elif self._reply(name, self.welcome):
            outlet = self._pool if self.shared and self._pool is not None else self._drawing(hello)
            self._sessions[name] = _Session(name, outlet, hello.ahead)

    def _drawing(self, hello: Hello) -> Outlet:
        outlet = Outlet(lambda: self._opens(hello), Flattener(), self.ahead, self._wake)
        if self.shared:
            self._pool = outlet
        self._outlets = [*(other for other in self._outlets if other.thread.is_alive()), outlet]
        outlet.thread.start()
        return outlet

    def _credit(self, session: _Session, said: Credit) -> None:
        if session.taken <= said.bytes <= session.bytes and session.taken_items <= said.items <= session.items:
            for _ in range(min(len(session.flight), said.items - session.taken_items)):
                session.flight.popleft()
            session.taken, session.taken_items = said.bytes, said.items

    def _end(self, session: _Session, said: Bye | None) -> None:
        """Let a consumer go. What it did not give to its user others get, when it says so; else it is lost."""
        del self._sessions[session.name]
        lost = session.items - session.taken_items
        if said is not None:
            lost = max(0, session.items - max(said.items, 0))
            if self.shared:
                back = list(session.flight)[-lost:] if lost else []
                session.outlet.put_back(back)
                lost -= len(back)
                session.items -= len(back)
            else:
                lost = 0
        past = self._past
        self._past = ServerStats(0, past.items + session.items, past.bytes + session.bytes, 0, past.lost + lost, 0)
        if not self.shared:
            session.outlet.leave()
        elif session.ended and not self._sessions:
            pool = session.outlet
            self._over = pool.ended is not None and not pool.ready

    # --- sending --------------------------------------------------------------------------------

    def _reply(self, name: bytes, message: Any) -> bool:
        try:
            self._socket.send_multipart([name, say(message)], zmq.NOBLOCK)
        except zmq.ZMQError:  # it is gone
            return False
        return True

    def _send(self, session: _Session, message: Any, *frames: Any) -> bool:
        """Send; return False when there is nobody to send to, and forget the consumer then."""
        try:
            self._socket.send_multipart([session.name, say(message), *frames], zmq.NOBLOCK)
        except zmq.ZMQError:
            session.gone = True
            self._looks.insert(0, 0.0)  # it may have said goodbye, which is heard first
            return False
        return True

    def _pump_all(self) -> None:
        for session in list(self._sessions.values()):
            try:
                while not session.gone and self._pump(session):
                    pass
            except Exception as error:  # of ours; the other consumers go on
                self._reply(session.name, Refused(f"it failed to send: {type(error).__name__}: {error}"))
                if session.name in self._sessions:
                    self._end(session, None)
        if self.shared and len(self._sessions) > 1:  # the first in the next round is another
            name, session = next(iter(self._sessions.items()))
            del self._sessions[name]
            self._sessions[name] = session

    def _pump(self, session: _Session) -> bool:
        """Send one message to a consumer; return False when there is nothing to send, or no room for it."""
        outlet = session.outlet
        room = session.ahead - (session.bytes - session.taken)
        idle = session.bytes == session.taken
        if outlet.passed is not None and outlet.passed[0] > session.passed:
            session.passed = outlet.passed[0]
            if session.failure == session.passed:
                return self._send(session, Passed(session.next(), self._number(session, outlet.passed[1])))
        with outlet.condition:
            first = outlet.ready[0][1].size if outlet.ready else 0
            grain = max(1, min(max(BLOCK, min(8 * first, 8 * BLOCK)), session.ahead // 4, self.ahead // 2))
            if first:
                finished = outlet.ended is not None or outlet.failure is not None
                if not idle and (room <= 0 or (outlet.waiting < grain and not finished)):
                    if room > 0:
                        outlet.want = min(outlet.want, grain)
                    return False
            elif outlet.failure is not None and outlet.failures > session.failure:
                session.failure = outlet.failures
                failure, error = outlet.failures, outlet.failure
            elif outlet.ended is not None:
                if session.ended or outlet.failure is not None:
                    return False
                session.ended = True
                return self._send(session, End(session.next(), self._number(session, outlet.ended)))
            else:
                outlet.want = min(outlet.want, 1 if idle else grain)
                return False
        if not first:
            return self._tell(session, failure, error)
        taken = outlet.take(grain, inf if idle else room)
        if taken is None:
            return False
        items, first = taken.items, self._number(session, taken.first)
        at = 0
        while at < len(items):  # one message, but for items of a great many parts
            frames, n = encode(items[at:])
            weight = sum(item.size for item in items[at : at + n])
            session.bytes += weight
            session.items += n
            if self.shared:
                session.flight.extend(items[at : at + n])
            if not self._send(session, Items(session.next(), first + at, n, weight), *frames):
                return False
            at += n
        return True

    def _number(self, session: _Session, number: int) -> int:
        """Return the number of an item as its consumer counts: those that share one cursor each count their own."""
        return session.items if self.shared else number

    def _tell(self, session: _Session, failure: int, error: BaseException) -> bool:
        return self._send(session, Failed(session.next(), failure, *told(error)))
