"""``ZMQStreamer``: a stream in a background process, under its old signature."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

from headrace.compat.pescador.core import Runs, Streamer
from headrace.compat.pescador.exceptions import PescadorError
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.parallel.background import Background

__all__ = ["ZMQStreamer"]


class ZMQStreamer(Runs, Background[Any], metaclass=ABCMeta):
    """Run a streamer in a process of its own, and yield its items here: ``background("process")``.

    Items may be anything, not only dicts of arrays, and keep the order of their fields; arrays arrive writable, in any
    memory order. An error in the process is raised here, and a process that dies is one. Nothing listens on the network.

    Parameters
    ----------
    streamer
        A stream, or what :class:`Streamer` takes. A running iterator, which only this process can draw, is drawn in a
        thread.
    min_port, max_port, max_tries
        Accepted and without effect: arrays come through shared memory.
    copy
        Accepted and without effect: arrays are views of shared memory for as long as they are kept.
    timeout
        Accepted and without effect: a process that is left ends within 0.2 s.

    Raises
    ------
    PescadorError
        When ``streamer`` makes no items.

    Examples
    --------
    >>> import numpy as np
    >>> def rows(n):
    ...     for i in range(n):
    ...         yield {"X": np.full(3, i)}
    >>> [int(row["X"].sum()) for row in ZMQStreamer(Streamer(rows, 4))]
    [0, 3, 6, 9]
    """

    def __init__(
        self,
        streamer: Any,
        min_port: int = 49152,
        max_port: int = 65535,
        max_tries: int = 100,
        copy: bool = False,
        timeout: float | None = 5,
    ) -> None:
        source = streamer if isinstance(streamer, Stream) else Streamer(streamer)
        try:
            super().__init__(source, "thread" if source.resume == "none" else "process")
        except StreamConfigError as error:
            raise PescadorError(str(error)) from error

    @property
    def streamer(self) -> Stream[Any]:
        """What runs in the process."""
        return self.source


Streamer.register(ZMQStreamer)
