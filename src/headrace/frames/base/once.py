"""Streams that are drawn from a running iterator: what has passed cannot be had again."""

from __future__ import annotations

from typing import Any

from headrace.core.stream import Stream
from headrace.errors import ResumeError
from headrace.sources.streamer import Streamer, how


def has_passed(who: str, wanted: int, at: int) -> ResumeError:
    """Return the error of who goes back in such a stream."""
    return ResumeError(
        f"{who} got {wanted} at frame {at}, wanted a frame further on: what comes from a running iterator cannot be had "
        "again.\n  Give a function or a sequence instead, or keep the frames in a SequenceStream."
    )


def runs_once(stream: Stream[Any]) -> bool:
    """Tell whether a running iterator is among what items are made from.

    Examples
    --------
    >>> runs_once(Streamer(iter("ab"))), runs_once(Streamer("ab"))
    (True, False)
    """
    if isinstance(stream, Streamer) and not isinstance(stream.source, Stream) and how(stream.source) == "once":
        return True
    return any(map(runs_once, stream.children))
