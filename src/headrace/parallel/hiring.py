"""Which kind of worker a background stream wants."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from headrace.core.key import Key
from headrace.parallel.hand import Hand
from headrace.parallel.hand_process import ProcessHand
from headrace.parallel.hand_thread import ThreadHand


def hire(
    stream: Any,
    streams: Sequence[Any],
    key: Key,
    j: int,
    share: int,
    told: threading.Condition,
    *,
    bounded: bool = True,
    careful: bool = False,
) -> Hand:
    """Return worker ``j`` of a run of ``stream``, a Background.

    Parameters
    ----------
    streams
        What it may open cursors of.
    key
        Of the run.
    share
        Bytes that may wait for this worker's consumer.
    told
        What threads of one run have in common, so that one may wait for any.
    bounded
        Whether the worker waits where more would wait; otherwise what is granted bounds it.
    careful
        Whether it comes after one that died, and sends item by item where that happened.
    """
    hand = _hired(stream, streams, key, j, share, told, bounded)
    hand.careful = careful
    return hand


def _hired(
    stream: Any, streams: Sequence[Any], key: Key, j: int, share: int, told: threading.Condition, bounded: bool
) -> Hand:
    if stream.where == "thread":
        return ThreadHand(streams, share, told, bounded=bounded)
    kind = ProcessHand
    if stream.where == "zmq":
        from headrace.parallel.hand_socket import SocketHand  # which needs pyzmq

        kind = SocketHand
    return kind(streams, key.child("worker", j), share, stream.method, bounded=bounded)
