"""A worker process whose items come through a ZeroMQ socket: trees of arrays, as they would between machines.

Orders and the places of blocks go through pipes, as with shared memory; the blocks themselves are messages made by
:mod:`headrace.parallel.encode`, on a socket in a folder that only its owner can enter.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from array import array
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from time import monotonic, perf_counter
from typing import Any, ClassVar, Final

import zmq

from headrace.core.key import Key
from headrace.errors import WorkerError
from headrace.parallel import pipes
from headrace.parallel.decode import decode
from headrace.parallel.drawer import ROWS
from headrace.parallel.encode import encode
from headrace.parallel.flatten import Flattened, Flattener
from headrace.parallel.hand_process import ProcessHand
from headrace.parallel.pipes import Message
from headrace.parallel.undisturbed import undisturbed
from headrace.parallel.worker import Piped
from headrace.parallel.zeromq import receive, terminate

_GRAIN: Final = 1 << 18  # bytes of a message of small items at most
_LOST: Final = 5.0  # seconds in which a message must come that has been sent
_LOOK: Final = 0.05  # seconds between two looks at whether the worker is alive


class SocketHand(ProcessHand):
    """One worker process that sends its items through a socket."""

    who: ClassVar[str] = "zmq"

    def __init__(self, streams: Sequence[Any], key: Key, limit: int, method: str, *, bounded: bool = True) -> None:
        with undisturbed():
            self._line = _Line()
            self._dropped = weakref.finalize(self, self._line.close)
        try:
            super().__init__(streams, key, limit, method, bounded=bounded)
        except BaseException:
            self._let_go()
            raise

    def works(self, limit: int) -> Any:
        return partial(_Sender, limit=limit, address=self._line.address)

    def heard(self, message: Message) -> None:
        if message.kind == pipes.BLOCK and message.n:
            self._wait()
            with undisturbed():
                frames: Any = receive(self._line.socket)
                message = message._replace(payload=frames)
                self._line.remove_folder()  # which both sides have found
        super().heard(message)

    def _wait(self) -> None:
        """Wait for a message that has been told of: it comes at once, or never where the worker died in the middle."""
        until = monotonic() + _LOST
        while not self._line.socket.poll(1000 * _LOOK):
            if not self._process.is_alive() and not self._line.socket.poll(1000 * _LOOK):
                self._died()
            if monotonic() > until:
                raise WorkerError(
                    f"background('zmq') got no message in {_LOST:g} s, wanted one that its worker has sent."
                )

    def items(self, message: Message) -> list[Any]:
        frames: Any = message.payload
        found = decode(frames)
        self.drop(message)
        return found

    def readable(self, message: Message) -> bool:
        frames: Any = message.payload
        try:
            decode(frames)
        except Exception:
            return False
        return True

    def drop(self, message: Message) -> None:
        if message.n:
            self.ask(Message(pipes.FREE, array("q", [message.nbytes]).tobytes()))

    def stop(self) -> None:
        try:
            super().stop()
        finally:
            if self.mine:
                self._let_go()

    def _let_go(self) -> None:
        self._dropped.detach()
        self._line.close()


class _Line:
    """The consumer's end of a socket, in a folder of its own.

    It knows nothing of its hand, so that it can be closed when that was dropped: a context with an open socket waits for
    it for ever.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._folder: str | None = tempfile.mkdtemp(prefix="headrace-")  # mode 0700
        self.address = f"ipc://{self._folder}/items"
        self._context = zmq.Context()
        self.socket: Any = self._context.socket(zmq.PAIR)
        self.socket.sndhwm = self.socket.rcvhwm = 0  # what is on its way is bounded in bytes
        self.socket.linger = 0
        try:
            self.socket.bind(self.address)
        except BaseException:
            self.close()
            raise

    def remove_folder(self) -> None:
        """Remove the name of the socket."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def close(self) -> None:
        """Close it, in the process that made it; twice is fine."""
        if os.getpid() != self._process:
            return
        with undisturbed():
            if not self.socket.closed:
                self.socket.close(0)
                terminate(self._context)
            self.remove_folder()


class _Sender(Piped):
    """Sends blocks of items as messages."""

    who: ClassVar[str] = "zmq"

    def __init__(self, ends: Any, *, limit: int, address: str) -> None:
        super().__init__(ends)
        self.limit, self.in_use = limit, 0
        self.flatten = Flattener(who="background('zmq')")
        self.items: list[Flattened] = []
        self.bytes = 0
        self.grain = max(1, min(limit // 8, _GRAIN))
        self.socket: Any = zmq.Context().socket(zmq.PAIR)
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.connect(address)

    @property
    def at_hand(self) -> bool:
        return bool(self.items)

    def take_in(self, message: Message) -> None:
        if message.kind == pipes.FREE:
            self.in_use -= sum(array("q", message.payload))
        else:
            super().take_in(message)

    def put(self, item: Any) -> None:
        flat = self.flatten(item)
        if self.items and self.bytes + flat.size > self.grain:
            with self.lock:
                self.flush()
        self._make_room(self.bytes + flat.size)
        slow = self.is_slow()
        with self.lock:
            self.items.append(flat)
            self.bytes += flat.size
            if slow or self.bytes >= self.grain or len(self.items) >= ROWS:
                self.flush()

    def _make_room(self, nbytes: int) -> None:
        if not self.in_use or self.in_use + nbytes <= self.limit:
            return
        with self.lock:
            self.flush()
        began = perf_counter()
        while self.in_use and self.in_use + nbytes > self.limit:
            self.hear(wait=True)
        self.waits(began)

    def flush(self, last: int = 0) -> None:
        channel = self.channel
        if channel is None or not (self.items or last):
            return
        items, self.items, self.bytes = self.items, [], 0
        micros, waited = self.times()
        if not items:
            self.say(Message(pipes.BLOCK, channel=channel.number, last=1))
        while items:
            frames, n = encode(items)
            nbytes = sum(item.size for item in items[:n])
            items = items[n:]
            self.in_use += nbytes
            self.socket.send_multipart(frames, copy=nbytes < 1 << 16)
            channel.sent += n
            self.say(
                Message(
                    pipes.BLOCK,
                    channel=channel.number,
                    n=n,
                    rows=n,
                    nbytes=nbytes,
                    micros=micros,
                    last=0 if items else last,
                    waited=waited,
                )
            )
            micros = waited = 0

    def close(self) -> None:
        with suppress(Exception):
            self.socket.close(0)
        super().close()
