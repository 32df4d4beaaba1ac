"""Where a server listens: its socket, who may come in, whose connection broke, and how other threads wake it."""

from __future__ import annotations

import os
import socket as sockets
from math import inf
from time import monotonic
from typing import Any, Final

import zmq
from zmq.utils import z85

from headrace.errors import StreamConfigError
from headrace.parallel.access import Keys
from headrace.parallel.protocol import LINGER, MESSAGE, say
from headrace.parallel.zeromq import terminate, tune

_LOOKS: Final = (0.0, 0.05, 0.2, 1.0)  # seconds after a connection broke when the consumers are looked at
_UNHEARD: Final = 256  # messages of one consumer that wait to be heard: it says little


class Listener:
    """The socket of a server; all but :meth:`wake` is for one thread.

    Parameters
    ----------
    address
        Where it listens.
    keys, clients
        The server's keys, and the public keys of all who may connect; None: anyone may.

    Attributes
    ----------
    address : str
        Where it listens, with the port that was found.
    due : float
        When the next :meth:`wait` returns, though nothing has happened.

    Raises
    ------
    StreamConfigError
        When it cannot.
    """

    address: str
    due: float

    def __init__(self, address: str, keys: Keys | None, clients: frozenset[str]) -> None:
        self.address = ""
        self._clients = frozenset(map(z85.decode, clients))
        self.due = inf
        self._looks: list[float] = []
        self._context: Any = zmq.Context()
        self._zap: Any = None
        self._socket: Any = None
        self._monitor: Any = None
        self._woken, self._wakes = sockets.socketpair()
        self._woken.setblocking(False)
        self._wakes.setblocking(False)
        try:
            if keys is not None:
                self._zap = self._context.socket(zmq.REP)
                self._zap.bind("inproc://zeromq.zap.01")
            self._socket = self._context.socket(zmq.ROUTER)
            tune(self._socket, address)
            self._socket.router_mandatory = 1
            self._socket.maxmsgsize, self._socket.rcvhwm = MESSAGE, _UNHEARD
            if keys is not None:
                self._socket.curve_server = True
                self._socket.curve_secretkey = keys.secret.encode()
                self._socket.zap_domain = b"headrace"
            self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            self._bind(address)
        except BaseException:
            self.close()
            raise
        self._poller = zmq.Poller()
        for who in (self._socket, self._monitor, self._woken, self._zap):
            if who is not None:
                self._poller.register(who, zmq.POLLIN)

    def _bind(self, address: str) -> None:
        try:
            self._socket.bind(address.replace(":*", ":0") if address.startswith("tcp") else address)
        except zmq.ZMQError as error:
            raise StreamConfigError(
                f"serve(address) got {address!r}, where it cannot listen: {error}, wanted a free one.\n"
                "  Another program may have that port; port 0 takes a free one."
            ) from error
        self.address = self._socket.last_endpoint.decode().rstrip("\0")

    def wait(self) -> bool:
        """Wait until something happens; tell whether to look for consumers that are gone.

        A broken connection does not say whose it was, but sending does.
        """
        until, self.due = min([self.due, *self._looks]), inf
        self._poller.poll(None if until == inf else max(0, int(1000 * (until - monotonic())) + 1))
        try:
            while self._woken.recv(4096):
                pass
        except OSError:
            pass
        while self._zap is not None and self._zap.poll(0):
            self._admit()
        now = monotonic()
        while self._monitor.poll(0):
            self._monitor.recv_multipart()
            self._looks = sorted({*self._looks, *(now + after for after in _LOOKS)})[-20:]
        due = bool(self._looks) and now >= self._looks[0]
        self._looks = [at for at in self._looks if at > now]
        return due

    def _admit(self) -> None:
        """Answer whether a consumer may connect: the keys that are allowed, and none besides."""
        version, request, _, _, _, mechanism, *proof = self._zap.recv_multipart()
        good = mechanism == b"CURVE" and len(proof) == 1 and proof[0] in self._clients
        code, text = (b"200", b"OK") if good else (b"400", b"this key is not allowed")
        self._zap.send_multipart([version, request, code, text, b"", b""])

    def look_soon(self) -> None:
        """Have the next :meth:`wait` return at once, and tell to look."""
        self._looks.insert(0, 0.0)

    def hear(self) -> tuple[bytes, list[bytes]] | None:
        """Return who said something, and what; None when nobody did."""
        try:
            name, *parts = self._socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None
        return name, parts

    def say(self, name: bytes, message: Any, *frames: Any) -> bool:
        """Send; return False when there is nobody to send to."""
        try:
            self._socket.send_multipart([name, say(message), *frames], zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        return True

    def wake(self) -> None:
        """Have :meth:`wait` return; from any thread."""
        try:
            self._wakes.send(b"x")
        except OSError:  # it has been woken, or is gone
            pass

    def close(self) -> None:
        """Leave the address. Last words have a tenth of a second to arrive."""
        if self._monitor is not None:
            self._socket.disable_monitor()  # first: what watches would wait for ever for someone to tell
            self._monitor.close(0)
        if self._socket is not None:
            self._socket.close(LINGER)
        if self._zap is not None:
            self._zap.close(0)
        terminate(self._context)
        self._woken.close()
        self._wakes.close()
        if self.address.startswith("ipc://"):
            try:
                os.unlink(self.address.removeprefix("ipc://"))
            except OSError:
                pass
