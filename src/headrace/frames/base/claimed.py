"""Files that are being written: each by one writer of this process, and not from frames that are read from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from headrace.core.handle import AsStream
from headrace.core.stream import Stream
from headrace.errors import SinkError, StreamConfigError

_CLAIMED: WeakValueDictionary[tuple[str, str], Any] = WeakValueDictionary()  # who writes each file, and part of it

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_CLAIMED.clear)  # those are its parent's


def claim(who: str, path: Path, owner: object, part: str = "") -> None:
    """Have a file for ``owner`` alone, until it is released or gone. Twice is fine.

    Raises
    ------
    SinkError
        When another one has it.

    Examples
    --------
    >>> from pathlib import Path
    >>> one, two = set("a"), set("b")
    >>> claim("NumpyWriter", Path("film.npy"), one)
    >>> release(one)
    >>> claim("NumpyWriter", Path("film.npy"), two)
    """
    if _CLAIMED.setdefault((os.path.realpath(path), part), owner) is not owner:
        what = f"{part!r} of {str(path)!r}" if part else f"{str(path)!r}"
        raise SinkError(
            f"{who} got {what}, which another writer of this program has begun, wanted a file of its own: they would write over "
            "each other.\n  Close that one before, or choose another name."
        )


def release(owner: object) -> None:
    """Leave the file to others. Twice is fine."""
    for place, other in list(_CLAIMED.items()):
        if other is owner:
            _CLAIMED.pop(place, None)


def check_other_file(who: str, path: Path, source: Any) -> None:
    """Raise StreamConfigError when a stream reads from a file that is to be written.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from headrace.frames import NumpyReader
    >>> np.save("seen.npy", np.zeros((3, 4, 5)))
    >>> check_other_file("NumpyWriter", Path("seen.npy"), NumpyReader("seen.npy"))
    Traceback (most recent call last):
        ...
    headrace.errors.StreamConfigError: NumpyWriter got a stream that reads 'seen.npy' itself, wanted ...
    """
    made = source.__recipe__() if isinstance(source, AsStream) else source
    if isinstance(made, Stream) and _reads(made, os.path.realpath(path)):
        raise StreamConfigError(
            f"{who} got a stream that reads {str(path)!r} itself, wanted another file: it would be written to while it is read.\n"
            "  Write to a new name, and rename that when it is whole; or take the stream into memory before, with [:]."
        )


def _reads(stream: Stream[Any], path: str) -> bool:
    own = getattr(stream, "path", None)
    return (isinstance(own, Path) and os.path.realpath(own) == path) or any(
        _reads(child, path) for child in stream.children
    )
