"""Files that are being written: each by one writer of this process, and not from frames that are read from it."""

from __future__ import annotations

import os
from pathlib import Path
from threading import RLock
from typing import Any
from weakref import WeakValueDictionary

from headrace.core.handle import AsStream
from headrace.core.stream import Stream
from headrace.errors import SinkError, StreamConfigError


class Claim:
    """A file, or a part of one, for one writer: from when it begins to write until that is over, or nobody has this any more.

    Parameters
    ----------
    who
        What messages begin with.
    path, part
        The file, and what of it.

    Attributes
    ----------
    path : Path
        As above.
    taken : bool
        Whether the writer has it.
    spared : bool
        Whether what is there is to stay as it is, where nothing comes: it is another writer's, or is read from, or a
        stream was refused.

    Examples
    --------
    >>> from pathlib import Path
    >>> one, two = (Claim("NumpyWriter", Path("film.npy")) for _ in range(2))
    >>> one.take()
    >>> one.release()
    >>> two.take()
    """

    path: Path
    taken: bool
    spared: bool

    def __init__(self, who: str, path: Path, part: str = "") -> None:
        self.path, self._who, self._part = path, who, part
        self.taken = self.spared = False
        self._place = ("", "")

    def take(self) -> None:
        """Have the file. Twice is fine.

        Raises
        ------
        SinkError
            When another writer has it.
        """
        if self.taken:
            return
        self._place = os.path.realpath(self.path), self._part
        with _LOCK:
            other = _CLAIMED.get(self._place) or self._linked()
            if other is None:
                _CLAIMED[self._place] = self
        self.taken = other is None
        self.spared = not self.taken
        if self.spared:
            what = f"{self._part!r} of {str(self.path)!r}" if self._part else f"{str(self.path)!r}"
            raise SinkError(
                f"{self._who} got {what}, which another writer of this program has begun, wanted a file of its own: they would "
                "write over each other.\n  Close that one before, or choose another name."
            )

    def _linked(self) -> Claim | None:
        """Return the claim to the file by another of its names, if there is one."""
        status = _of_many_names(self._place[0])
        if status is None:
            return None
        others = (each for place, each in list(_CLAIMED.items()) if place[1] == self._part)
        return next((each for each in others if _is(each.path, status)), None)

    def release(self) -> None:
        """Leave the file to others. Twice is fine."""
        if self.taken:
            self.taken = False
            with _LOCK:
                _CLAIMED.pop(self._place, None)

    def check_source(self, source: Any) -> None:
        """Raise StreamConfigError when a stream reads from the file; where nothing else comes that stays as it is."""
        try:
            check_other_file(self._who, self.path, source)
        except StreamConfigError:
            self.spare()
            raise

    def spare(self) -> None:
        """Leave what is there as it is where nothing comes: a stream was refused."""
        self.spared = not self.taken


_CLAIMED: WeakValueDictionary[tuple[str, str], Claim] = WeakValueDictionary()  # who writes each file, and part of it
_LOCK = RLock()  # what is dropped may be finished at any moment, by a thread that has it


def _begin_anew() -> None:
    global _LOCK
    _LOCK = RLock()  # nobody is there to open it
    _CLAIMED.clear()  # those are its parent's


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


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
    real = os.path.realpath(path)
    if isinstance(made, Stream) and _reads(made, real, _of_many_names(real)):
        raise StreamConfigError(
            f"{who} got a stream that reads {str(path)!r} itself, wanted another file: it would be written to while it is read.\n"
            "  Write to a new name, and rename that when it is whole; or take the stream into memory before, with [:]."
        )


def _reads(stream: Stream[Any], path: str, status: os.stat_result | None) -> bool:
    own = getattr(stream, "path", None)
    files = getattr(stream, "files", ())  # of a source of many, each a stream that is no child of it
    parts = (*stream.children, *(files if isinstance(files, tuple) else ()))
    return (isinstance(own, Path) and (os.path.realpath(own) == path or _is(own, status))) or any(
        _reads(part, path, status) for part in parts if isinstance(part, Stream)
    )


def _of_many_names(path: str) -> os.stat_result | None:
    """Return what the system says of a file that has hard links, None for others: those are told by their paths."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found if found.st_nlink > 1 else None


def _is(path: Path, status: os.stat_result | None) -> bool:
    """Tell whether a path leads to a file of many names."""
    try:
        return status is not None and os.path.samestat(os.stat(path), status)
    except OSError:
        return False
