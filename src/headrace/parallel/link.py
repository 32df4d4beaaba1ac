"""The drawing end of a socket: one connection, what arrives on it in order, and how its loss is noticed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Any, Final, NamedTuple

import zmq

from headrace.errors import HeadraceError
from headrace.parallel.flatten import LIMITS
from headrace.parallel.protocol import (
    UNREADABLE,
    Again,
    Bye,
    Credit,
    End,
    Failed,
    Hello,
    Items,
    Keys,
    LinkError,
    Pass,
    Passed,
    Ping,
    Refused,
    Welcome,
    hear_server,
    raisable,
    say,
)  # fmt: skip
from headrace.parallel.wire import FRAMES, WireError, decode
from headrace.parallel.zeromq import terminate, tune

_UNCLEAR: Final = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL  # keys that do not fit, or a server that dies just then
_FAILED: Final = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH


class Arrived(NamedTuple):
    """Items that came: numbers from ``first`` on."""

    first: int
    items: list[Any]


class Link:
    """One connection to a server; used by one thread.

    Parameters
    ----------
    address
        Where the server is.
    keys, server_key
        Who we are and who it must be, where it asks for that.
    timeout
        Seconds that it may take to answer.

    Raises
    ------
    LinkError
        From every method, when the server cannot be reached, is gone, or a message got lost.
    """

    def __init__(
        self,
        address: str,
        *,
        keys: Keys | None = None,
        server_key: str | None = None,
        timeout: float = 5.0,
    ) -> None:
        self.address: str = address
        self.timeout: float = timeout
        self.process: int = os.getpid()
        self.failure: int | None = None  # of the server's stream, not tried again or passed yet
        self.taken: int = 0  # bytes taken up
        self.upto: int = 0  # number behind the last item taken up, counted from the first
        self._hello: Hello | None = None  # said and not answered yet
        self._keyed = keys is not None
        self._seq = 0
        self._parts: list[Any] = []  # frames of a message that is not complete
        self._held: tuple[Any, list[Any]] | None = None  # a message that is not done with
        self._broken = ""
        self._closed = False
        self._context = zmq.Context()
        self._socket: Any = self._context.socket(zmq.DEALER)
        tune(self._socket)
        self._socket.maxmsgsize = LIMITS.bytes
        if keys is not None and server_key is not None:
            self._socket.curve_serverkey = server_key.encode()
            self._socket.curve_publickey, self._socket.curve_secretkey = keys.public.encode(), keys.secret.encode()
        self._monitor: Any = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | _UNCLEAR | _FAILED)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise LinkError(f"{address} cannot be connected to: {error}.") from error

    def hello(self, hello: Hello) -> Welcome:
        """Begin; return what is served."""
        self._hello = hello
        self.send(hello)
        end = monotonic() + self.timeout
        while True:
            said, _ = self.receive(end)
            if isinstance(said, Welcome):
                self._hello = None
                return said
            if isinstance(said, Refused):
                raise LinkError(f"the server at {self.address} refuses: {said.why}.")

    def send(self, message: Any) -> None:
        """Say something; never waits."""
        self._same_process()
        self._socket.send(say(message), zmq.NOBLOCK)

    # --- what arrives ---------------------------------------------------------------------------

    def receive(self, end: float = inf) -> tuple[Any, list[Any]]:
        """Return the next message and its frames, in the order in which they were sent; waits until ``end``."""
        self._same_process()
        while True:
            found = self._read()
            if found is not None:
                return found
            if self._broken:
                raise LinkError(self._broken)
            left = end - monotonic()
            if left <= 0:
                raise LinkError(
                    f"no server answers at {self.address} within {self.timeout:g} s.\n"
                    "  Start hr.serve(stream, address) there, or give it a larger timeout=."
                )
            for who, _ in self._poller.poll(int(1000 * min(left, 60.0)) + 1):
                if who is self._monitor:
                    self._broken = self._why()  # what came before is read first

    def _read(self) -> tuple[Any, list[Any]] | None:
        while True:
            try:
                while True:
                    frame = self._socket.recv(zmq.NOBLOCK, copy=False)
                    self._parts.append(frame)
                    if len(self._parts) > FRAMES + 4:
                        raise WireError(f"the server at {self.address} sent a message without an end.")
                    if not frame.more:
                        break
            except zmq.Again:
                return None
            parts, self._parts = self._parts, []
            try:
                said = hear_server(parts[0].buffer)
            except UNREADABLE as error:
                raise WireError(f"the server at {self.address} sent what cannot be read: {error}") from error
            if isinstance(said, Ping):
                continue
            if not isinstance(said, Welcome | Refused):
                if said.seq != self._seq:
                    lost = f"message {said.seq} came, and {self._seq} was wanted"
                    raise LinkError(
                        f"messages from {self.address} got lost or came twice: {lost}.\n"
                        "  The next item is asked for again, where the stream can resume."
                    )
                self._seq += 1
            return said, [part.buffer for part in parts[1:]]

    def _why(self) -> str:
        """Return what is to be said of a connection that broke; nothing where it is made again."""
        event = int.from_bytes(self._monitor.recv_multipart()[0][:2], "little")
        if event & _FAILED or (event == _UNCLEAR and self._keyed):
            return (
                f"the server at {self.address} does not let this consumer in: the keys do not fit.\n"
                "  connect(keys=, server_key=) wants keys that serve(clients=) names, and the server's public one."
            )
        if self._hello is not None:  # it may be lost: once more, to whoever listens there next
            self.send(self._hello)
            return ""
        return (
            f"the server at {self.address} is gone: the connection broke.\n"
            "  The next call connects again, and asks for the item after the last one given where that is possible."
        )

    def _same_process(self) -> None:
        if os.getpid() != self.process:
            raise HeadraceError(
                "a cursor that draws from a socket got used behind a fork, wanted one of this process.\n"
                "  Open the stream in the child, with at=state to go on from here."
            )

    # --- items ----------------------------------------------------------------------------------

    def block(self) -> Arrived | None:
        """Return the next items, None at the end.

        Raises
        ------
        Exception
            What the server's stream raised; the next call has it tried again, :meth:`pass_failed` passes it.
        """
        if self.failure is not None:
            failure, self.failure = self.failure, None
            self.send(Again(failure))
        while True:
            if self._held is None:
                self._held = self.receive()
            said, frames = self._held
            if isinstance(said, Items):
                found = self._items(said, frames)
                self._held = None
                return found
            self._held = None
            if isinstance(said, End):
                return None
            if isinstance(said, Failed):
                raise self._failed(said)
            if not isinstance(said, Passed):
                raise LinkError(f"the server at {self.address} ended: {getattr(said, 'why', 'it was closed')}.")

    def _items(self, said: Items, frames: Sequence[Any]) -> Arrived:
        items = decode(frames)
        if len(items) != said.n:
            raise WireError(f"a message holds {len(items)} items, and says {said.n}.")
        self.taken += said.weight
        self.send(Credit(self.taken, self.upto))
        self.upto += said.n
        return Arrived(said.first, items)

    def _failed(self, said: Failed) -> BaseException:
        self.failure = said.failure
        return raisable(said)

    def pass_failed(self) -> int | None:
        """Have the item that failed passed; return the number of the next one.

        None where another consumer of the same cursor has had it tried again in the meantime.
        """
        assert self.failure is not None
        failure, self.failure = self.failure, None
        self.send(Pass(failure))
        said, frames = self.receive()
        if isinstance(said, Passed):
            return said.count
        if isinstance(said, Failed):
            raise self._failed(said)
        self._held = said, frames
        return None

    # --- the end --------------------------------------------------------------------------------

    def close(self, given: int | None = None) -> None:
        """Leave; closing twice is fine.

        Parameters
        ----------
        given
            How many items the user got; others get the rest. By default all that were taken up.
        """
        if self._closed or os.getpid() != self.process:
            return
        self._closed = True
        try:
            self._socket.send(say(Bye(self.upto if given is None else given)), zmq.NOBLOCK)
        except zmq.ZMQError:  # nobody is there any more
            pass
        self._held, self._parts = None, []
        gone = self._broken or self._monitor.poll(0)  # then there is nobody to wait for
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0 if gone else None)
        terminate(self._context)
