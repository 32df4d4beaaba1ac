"""ZeroMQ as all sockets here want it: bounds and beats of a socket, and a context that really ends."""

from __future__ import annotations

import signal
from typing import Any, Final

import numpy as np
import zmq

from headrace.parallel.protocol import BEAT, LINGER, SILENCE

_LARGE: Final = 1 << 15  # bytes from which on memory that can be written saves a copy later


def tune(socket: Any, address: str) -> None:
    """Set up a socket: bounds are ours, in bytes, and a silent end is noticed."""
    socket.ipv6 = address.startswith("tcp://[")  # where it is wanted by its form: ZeroMQ would not take such addresses
    socket.sndhwm = socket.rcvhwm = 0
    socket.linger = LINGER
    socket.heartbeat_ivl, socket.heartbeat_timeout, socket.heartbeat_ttl = BEAT, SILENCE, SILENCE


def receive(socket: Any) -> list[Any]:
    """Return the frames of a message that has come, as memory of ours. Raises zmq.Again where none has.

    Not as views of ZeroMQ's: pyzmq runs the handlers of signals when a frame of its own dies, and forgets what they
    raise. An alarm that strikes just when an item is dropped would be lost. Call it where no handler runs.
    """
    frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
    return [frame.bytes if len(frame) < _LARGE else np.frombuffer(frame.buffer, np.uint8).copy() for frame in frames]


def terminate(context: Any) -> None:
    """End a context whose sockets are closed, with its threads and descriptors.

    A signal that is handled meanwhile would have pyzmq take it for ended and leave it for good: torch, for one,
    handles SIGCHLD once a DataLoader has had workers, and it comes just when a worker ends.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        context.term()
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        context.term()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
