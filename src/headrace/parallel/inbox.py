"""A connection to a server: what came and is not done with, and how its loss is noticed.

A signal's handler may raise at any step of the main thread. Nothing is taken from the sockets but where no handler runs,
and what was taken stays in the queue until whoever reads it is done with it.
"""

from __future__ import annotations

import os
from collections import deque
from math import inf
from time import monotonic
from typing import Any, Final

import zmq

from headrace.errors import HeadraceError
from headrace.parallel.access import Keys
from headrace.parallel.dtypes import WireError
from headrace.parallel.flatten import LIMITS
from headrace.parallel.header import FRAMES
from headrace.parallel.protocol import UNREADABLE, Ping, Refused, Welcome, hear_server
from headrace.parallel.told import LinkError
from headrace.parallel.undisturbed import undisturbed
from headrace.parallel.zeromq import receive, terminate, tune

_UNCLEAR: Final = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL  # keys that do not fit, or a server that dies just then
_FAILED: Final = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
_AT_ONCE: Final = 64  # messages that are taken from the socket together
_LATER: Final = "  The next call connects again, and goes on behind the last item given where the stream can resume."


class Inbox:
    """The socket of a consumer, and the messages of its server.

    Attributes
    ----------
    queue
        What came and is not done with: messages and their frames.
    """

    def __init__(self, address: str, keys: Keys | None, server_key: str | None, timeout: float) -> None:
        self.address: str = address
        self.timeout: float = timeout
        self.queue: deque[tuple[Any, list[Any]]] = deque()
        self._process = os.getpid()
        self._hello: bytes | None = None  # said and not answered yet
        self._keyed = keys is not None
        self._seq = 0  # of the next message
        self._broken: Exception | None = None  # to be said behind what came before,
        self._deaf = False  # which is all that was understood
        self._closed = False
        self._socket: Any = None
        self._monitor: Any = None
        self._context = zmq.Context()
        try:
            self._connect(keys, server_key)
        except zmq.ZMQError as error:
            self.close(None)
            raise self.error(f"an error: {error}", "to connect", "  Look at the address.") from error
        except BaseException:
            self.close(None)
            raise

    def _connect(self, keys: Keys | None, server_key: str | None) -> None:
        self._socket = self._context.socket(zmq.DEALER)
        tune(self._socket, self.address)
        self._socket.maxmsgsize = LIMITS.bytes
        if keys is not None and server_key is not None:
            self._socket.curve_serverkey = server_key.encode()
            self._socket.curve_publickey, self._socket.curve_secretkey = keys.public.encode(), keys.secret.encode()
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | _UNCLEAR | _FAILED)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._socket.connect(self.address)

    def error(self, got: str, wanted: str, to_do: str = _LATER) -> LinkError:
        """Return what to raise."""
        return LinkError(f"connect({self.address!r}) got {got}, wanted {wanted}.\n{to_do}")

    @property
    def mine(self) -> bool:
        """Whether this process made it: a child of a fork has nothing to do with it."""
        return os.getpid() == self._process

    def _same_process(self) -> None:
        if not self.mine:
            raise HeadraceError(
                "a cursor that draws from a socket got used behind a fork, wanted one of this process.\n"
                "  Open the stream in the child, with at=state to go on from here."
            )

    def send(self, said: bytes) -> None:
        """Say something; never waits."""
        self._same_process()
        self._socket.send(said, zmq.NOBLOCK)

    def answer(self, hello: bytes) -> Any:
        """Say hello, and return what is answered; say it again to whoever listens there next."""
        self._hello = hello
        self.send(hello)
        end = monotonic() + self.timeout
        while True:
            said, _ = self.next(end)
            self.drop()
            if isinstance(said, Welcome | Refused):
                self._hello = None
                return said

    def next(self, end: float = inf) -> tuple[Any, list[Any]]:
        """Return the next message and its frames, which stays the next one; waits until ``end``.

        Raises
        ------
        LinkError
            When the server does not answer, or is gone, or a message got lost.
        """
        self._same_process()
        while not self.queue:
            if self._broken is not None and (self._deaf or not self._socket.poll(0)):
                raise self._broken
            left = end - monotonic()
            ready = self._poller.poll(max(0, int(1000 * min(left, 60.0)) + 1))
            if not ready and left <= 0:
                raise self.error(
                    f"nothing: no server answers within {self.timeout:g} s",
                    "one that serves a stream there",
                    "  Start hr.serve(stream, address), or give it a larger timeout=.",
                )
            with undisturbed():
                self._take_in()
        return self.queue[0]

    def drop(self) -> None:
        """Be done with a message."""
        self.queue.popleft()

    def _take_in(self) -> None:
        """Take what has come from the sockets."""
        while self._monitor.poll(0):
            event = int.from_bytes(self._monitor.recv_multipart()[0][:2], "little")
            self._broken = self._broken or self._why(event)
        for _ in range(_AT_ONCE):
            try:
                frames = receive(self._socket)
            except zmq.Again:
                return
            try:
                self._take(frames)
            except HeadraceError as error:
                self._broken, self._deaf = error, True
                return

    def _take(self, frames: list[Any]) -> None:
        """Put a message with those that wait."""
        if len(frames) > FRAMES + 4:
            raise WireError(
                f"connect({self.address!r}) got a message of {len(frames)} frames, wanted {FRAMES + 4} at most."
            )
        try:
            said = hear_server(frames[0])
        except UNREADABLE as error:
            raise WireError(
                f"connect({self.address!r}) got what cannot be read, wanted what a server says: {error}.\n"
                "  The versions of headrace may differ."
            ) from error
        if isinstance(said, Ping):
            return
        if not isinstance(said, Welcome | Refused):
            if said.seq != self._seq:
                raise self.error(f"message {said.seq}: messages got lost or came twice", f"message {self._seq}")
            self._seq += 1
        self.queue.append((said, frames[1:]))

    def _why(self, event: int) -> LinkError | None:
        """Return what is to be said of a connection that broke; nothing where it is made again."""
        if event & _FAILED or (event == _UNCLEAR and self._keyed):
            return self.error(
                "refused: the keys do not fit",
                "keys that serve(clients=) names, and the server's public one",
                "  Give both: connect(keys=, server_key=).",
            )
        if self._hello is not None:  # it may be lost: once more, to whoever listens there next
            self.send(self._hello)
            return None
        return self.error("a broken connection: the server is gone", "the next item")

    def close(self, bye: bytes | None) -> None:
        """Leave, with a last word or without; closing twice is fine."""
        if self._closed or not self.mine:
            return
        self._closed = True
        self.queue.clear()
        if self._socket is not None:
            gone = self._broken is not None or bye is None  # then there is nobody to wait for
            if bye is not None:
                try:
                    self._socket.send(bye, zmq.NOBLOCK)
                except zmq.ZMQError:  # nobody is there any more
                    pass
            if self._monitor is not None:
                gone = gone or bool(self._monitor.poll(0))
                self._socket.disable_monitor()
                self._monitor.close(0)
            self._socket.close(0 if gone else None)
        terminate(self._context)
