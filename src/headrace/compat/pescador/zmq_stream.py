"""The background process of Pescador, not here yet."""

from __future__ import annotations

from typing import Any

from headrace.compat.pescador.exceptions import PescadorError

__all__ = ["ZMQStreamer"]


class ZMQStreamer:
    """Not available in this version of headrace.

    Raises
    ------
    PescadorError
        Always; says what to use.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.Streamer("abc") | hr.background("thread"))
    ['a', 'b', 'c']
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
        raise PescadorError(
            f"ZMQStreamer got {streamer!r}; this version of headrace has no background process yet.\n"
            "  Run it in a thread for now: streamer | hr.background('thread')."
        )
