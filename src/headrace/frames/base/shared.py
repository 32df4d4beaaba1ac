"""What is read from files once, for all passes over it, and errors that say which file it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from headrace.core.notes import note_once

T = TypeVar("T")
_SHARED: WeakValueDictionary[Any, Any] = WeakValueDictionary()


def shared(load: Callable[[], T], paths: Sequence[Path], *more: Any) -> T:
    """Return what ``load`` makes of files, made once as long as anyone has it and the files stay as they are.

    Parameters
    ----------
    load
        Called without arguments; what it gives must take weak references. It passes its errors on.
    paths
        The files: another size or time of theirs is another thing.
    more
        What it depends on besides, such as an option; hashable.

    Raises
    ------
    OSError
        When one of the files is gone.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames.digits.idx import write_idx
    >>> write_idx("some.idx", np.zeros(3))
    >>> one, two = (shared(set, [Path("some.idx")], "example") for _ in range(2))
    >>> one is two
    True
    """
    stats = [(str(path), (stat := path.stat()).st_size, stat.st_mtime_ns) for path in paths]
    name = (*stats, *more)
    found: T | None = _SHARED.get(name)
    if found is None:
        found = _SHARED[name] = load()
    return found


def say_where(error: Exception, path: Any) -> None:
    """Add a note to an error that names the file, once.

    Examples
    --------
    >>> error = ValueError("what")
    >>> say_where(error, "a.npz"), say_where(error, "a.npz"), error.__notes__
    (None, None, ['  file: a.npz'])
    """
    if path is not None:
        note_once(error, f"  file: {path}")
