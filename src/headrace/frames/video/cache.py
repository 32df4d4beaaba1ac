"""The decoder that a video's header was found with, kept open for the first pass over it.

Opening a file costs as much as decoding ten frames, and a reader needs its header when it is made and its frames soon
after. One is kept in a process, so that a thousand readers hold no thousand files.
"""

from __future__ import annotations

from typing import Any
from weakref import finalize

from headrace.frames.video.decode import Decoder

_SPARE: dict[int, Decoder] = {}  # one at most, by the id of the header; popping is one step for all threads


def keep(header: Any, decoder: Decoder) -> None:
    """Keep a decoder that stands at the beginning until it is taken, dropped, or nobody has the header any more."""
    finalize(header, drop_id, id(header))
    while _SPARE:
        try:
            _, other = _SPARE.popitem()
        except KeyError:  # another thread was faster
            break
        other.close()
    _SPARE[id(header)] = decoder


def take(header: Any) -> Decoder | None:
    """Return the decoder that was kept with this very header, which is the caller's from now on."""
    found = _SPARE.pop(id(header), None)
    return found if found is not None and found.container is not None else None  # a forked child has none


def drop(header: Any) -> None:
    """Close the decoder that was kept with this very header, where there is one."""
    drop_id(id(header))


def drop_id(place: int) -> None:
    """Close the decoder of the header that has, or had, this id."""
    found = _SPARE.pop(place, None)
    if found is not None:
        found.close()
