"""ZeroMQ as all sockets here want it: bounds and beats of a socket, and a context that really ends."""

from __future__ import annotations

import signal
from typing import Any

from headrace.parallel.protocol import BEAT, LINGER, SILENCE


def tune(socket: Any) -> None:
    """Set up a socket: bounds are ours, in bytes, and a silent end is noticed."""
    socket.sndhwm = socket.rcvhwm = 0
    socket.linger = LINGER
    socket.heartbeat_ivl, socket.heartbeat_timeout, socket.heartbeat_ttl = BEAT, SILENCE, SILENCE


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
