"""Three pipes between a consumer and a worker process: what is told, what is asked, and what is ordered at once.

A pipe is what publishes a block: a write by one side and a read by the other, so that memory written before is seen
after. When either process dies, however it dies, the kernel closes its ends and the other side reads an end of file.
"""

from __future__ import annotations

import os
import select
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

# What a worker tells. Each names a channel, which is one cursor of the worker's.
BLOCK: Final = 1  # items: where they lie
LAYOUT: Final = 2  # what the items of a kind of block look like
STATE: Final = 3  # a checkpoint of the cursor behind ``offset`` items; ``last`` is 1 where it answers a PASS
ERROR: Final = 4  # the cursor has failed, and waits for AGAIN or PASS
END: Final = 5  # the cursor has ended
LEFT: Final = 6  # closing a cursor, as ordered, failed

# What a consumer asks.
FREE: Final = 10  # blocks may be used again
OPEN: Final = 11  # a cursor of stream ``n``
GRANT: Final = 12  # ``n`` items may be drawn (0: all), from number ``offset`` on where ``last`` is 1
AGAIN: Final = 13  # try what failed again
PASS: Final = 14  # pass what failed
CLOSE: Final = 15  # a cursor

# What it orders at once, in the middle of whatever the worker does.
HUNGRY: Final = b"h"  # send what there is
STOP: Final = b"s"

ENDLESS: Final = 1 << 62  # items

_HEADER: Final = struct.Struct("<BBxxIIIIIQQII")
_AT_ONCE: Final = 1 << 16  # bytes read together


class Message(NamedTuple):
    """One message: a kind, the channel it is about, and what some kinds say.

    ``last`` is 1 where a GRANT ends with this block; ``micros`` is how long its items took, and ``waited`` how long
    the worker waited for room before that, in microseconds.
    """

    kind: int
    payload: bytes = b""
    channel: int = 0
    n: int = 0
    rows: int = 0
    layout: int = 0
    offset: int = 0
    nbytes: int = 0
    micros: int = 0
    last: int = 0
    waited: int = 0


class Gone(Exception):
    """The other process has closed its end, or has died."""


def packed(message: Message) -> bytes:
    """Return the bytes of a message."""
    kind, payload, channel, n, rows, layout, offset, nbytes, micros, last, waited = message
    return _HEADER.pack(kind, last, len(payload), channel, n, rows, layout, offset, nbytes, micros, waited) + payload


def send(fd: int, message: Message, before: bytes = b"") -> None:
    """Write a message; waits while the pipe is full. Raises BrokenPipeError when nobody reads any more."""
    data = before + packed(message)
    sent = os.write(fd, data)
    while sent < len(data):
        sent += os.write(fd, memoryview(data)[sent:])


class Inlet:
    """The end of a pipe that messages are read from."""

    def __init__(self, fd: int) -> None:
        self.fd: int = fd
        self._buffer: bytearray = bytearray()
        self._poll: Any = select.poll()
        self._poll.register(fd, select.POLLIN | select.POLLHUP)

    def ready(self, seconds: float | None) -> bool:
        """Wait until there is something to read, or an end; return False when the time is over."""
        return bool(self._poll.poll(None if seconds is None else seconds * 1000))

    def fetch(self) -> None:
        """Read what there is, at least one byte. Raises Gone at the end."""
        data = os.read(self.fd, _AT_ONCE)
        if not data:
            raise Gone
        self._buffer += data

    def messages(self) -> list[Message]:
        """Return the messages that have been read and are complete.

        Examples
        --------
        >>> r, w = os.pipe()
        >>> send(w, Message(END, b"abc", channel=7))
        >>> inlet = Inlet(r)
        >>> inlet.fetch()
        >>> [(message.kind == END, message.payload, message.channel) for message in inlet.messages()]
        [(True, b'abc', 7)]
        >>> os.close(r), os.close(w)
        (None, None)
        """
        found, buffer, at, size = [], self._buffer, 0, _HEADER.size
        while len(buffer) - at >= size:
            kind, last, length, channel, n, rows, layout, offset, nbytes, micros, waited = _HEADER.unpack_from(
                buffer, at
            )
            stop = at + size + length
            if len(buffer) < stop:
                break
            payload = bytes(buffer[at + size : stop]) if length else b""
            found.append(Message(kind, payload, channel, n, rows, layout, offset, nbytes, micros, last, waited))
            at = stop
        if at:
            del buffer[:at]
        return found


# --- descriptors ------------------------------------------------------------------------------------


class Ends:
    """The descriptors of both sides of a link, and of the memory they share, until a process has closed its own."""

    def __init__(self, memory: int) -> None:
        self.process: int = os.getpid()
        self.memory: int = memory
        self.told: int
        self.ask: int
        self.order: int
        with _lock:
            self.told, self._tell = os.pipe()
            self._asked, self.ask = os.pipe()
            self._listen, self.order = os.pipe()
            _open.add(self)
        os.set_blocking(self.ask, False)  # who asks goes on reading meanwhile, or each would wait for the other
        os.set_blocking(self.order, False)  # an order that does not fit is one among thousands not yet read

    @property
    def workers(self) -> tuple[int, ...]:
        """What the worker needs: to tell, to be asked, to listen."""
        return self._tell, self._asked, self._listen

    def close_workers(self) -> None:
        """Close the worker's ends in the consumer's process, so that each side sees the other's end."""
        with _lock:
            for fd in self.workers:
                os.close(fd)
            self._tell = self._asked = self._listen = -1

    def close(self) -> None:
        """Close everything that is open. Twice is fine; in a child of a fork it is closed already."""
        with _lock:
            if self not in _open:
                return
            _open.discard(self)
            for fd in self.all():
                os.close(fd)

    def all(self) -> list[int]:
        """Return every descriptor that is open here."""
        return [fd for fd in (self.told, self.ask, self.order, self.memory, *self.workers) if fd >= 0]


def close_all() -> None:
    """Close what this process has open, whereupon its workers end: for when it ends itself."""
    for ends in list(_open):
        ends.close()


# Held while descriptors are made, closed and inherited, so that no child has one that it does not know of; taken twice
# when a collector closes some while others are made.
_lock = threading.RLock()
_open: set[Ends] = set()
_own: list[int] = []  # a worker's
_kept: tuple[int, ...] = ()  # descriptors that the child about to be forked needs


@contextmanager
def keeping(fds: tuple[int, ...]) -> Iterator[None]:
    """Have a child that is forked inside keep these descriptors; every other child closes them all."""
    global _kept
    with _lock:
        _kept = fds
        try:
            yield
        finally:
            _kept = ()


def close_in_children(fds: Sequence[int]) -> None:
    """Have what a worker forks close the worker's own descriptors: who held them would hide that it is gone."""
    _own.extend(fds)


def _after_fork() -> None:
    """Close what belongs to the parent: a child that held it would hide the parent's end, and a worker's."""
    global _lock, _kept
    mine, _kept = _kept, ()
    _lock = threading.RLock()
    for fd in (*_own, *(fd for ends in _open for fd in ends.all())):
        if fd not in mine:
            with suppress(OSError):  # a fork of the user's while another thread closes it
                os.close(fd)
    _own.clear()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
