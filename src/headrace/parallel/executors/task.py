"""A function on its way to those who run it: once, whatever number of calls follow."""

from __future__ import annotations

import os
import pickle
import tempfile
import uuid
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from time import time
from typing import Any, Final

from headrace.errors import StreamConfigError
from headrace.parallel.executors.carry import dumps

__all__ = ["Task", "forget", "name_of"]

_KEPT: Final = 2  # functions that a worker remembers
_FRESH: Final = 3600.0  # seconds after which its file is touched
_INLINE: Final = 1 << 16  # bytes of a function that travel with every chunk at most, where they may lie in a file


class Task:
    """A function that calls are made of.

    Pickled, it is the same function in another process, where it is read once and remembered. In this process nothing
    is copied.

    Parameters
    ----------
    fn
        The function.
    near
        Whether whoever runs it shares our file system: then a file says whether anybody still wants the results, and
        carries the function where that is large.
    stops
        Whether nothing is wanted after a call that fails: a chunk ends with it.

    Attributes
    ----------
    mark
        What it is known by, in whichever process.
    """

    fn: Any
    name: str
    over: bool
    path: str | None
    mark: str

    def __init__(self, fn: Callable[..., Any], *, near: bool = False, stops: bool = False) -> None:
        self.fn = fn
        self.name = name_of(fn)
        self.over = False
        self.path = None
        self.unread: Exception | None = None  # why it could not be read, in a worker
        self._bytes: bytes | None = None
        self.mark = uuid.uuid4().hex
        self.stops = stops
        if near:
            data = self.as_bytes()
            fd, self.path = tempfile.mkstemp(prefix=f"headrace-{os.getpid()}-", suffix=".task")
            with os.fdopen(fd, "wb") as file:
                if len(data) > _INLINE:
                    file.write(data)

    @property
    def file(self) -> str:
        """Where the function was written, as far as it says so."""
        return str(getattr(getattr(_innermost(self.fn), "__code__", None), "co_filename", ""))

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for what this task's calls return."""
        if self.over or self.path is None:
            return not self.over
        try:
            if time() - os.stat(self.path).st_mtime > _FRESH:
                os.utime(self.path)  # or the system tidies it away, in the midst of a run of weeks
        except FileNotFoundError:
            return False
        except OSError:  # of another user: it is there all the same
            pass
        return True

    @property
    def there(self) -> bool:
        """Whether its file is there, or it has none."""
        return self.path is None or os.path.exists(self.path)

    def finish(self) -> None:
        """Say, to whoever can hear it, that nobody waits any more."""
        self.over = True
        if self.path is not None:
            with suppress(OSError):
                os.unlink(self.path)

    def as_bytes(self) -> bytes:
        """Return the function, pickled by value where it is of the main program.

        Raises
        ------
        StreamConfigError
            When it holds what cannot be pickled.
        """
        if self._bytes is None:
            try:
                self._bytes = dumps(self.fn)
            except Exception as error:
                raise StreamConfigError(
                    f"{self.name} cannot be sent to a worker process: {type(error).__name__}: {error}.\n"
                    "  Open what it holds inside the function, or use executor='threads'."
                ) from error
        return self._bytes

    def __reduce_ex__(self, protocol: Any) -> Any:
        data: Any = self.as_bytes()
        if self.path is not None and len(data) > _INLINE:
            data = b""
        if protocol >= 5:
            data = pickle.PickleBuffer(data)  # which is not copied where the pickler can do without
        return _read, (self.mark, self.name, self.path, data, self.stops)


_tasks: OrderedDict[str, Task] = OrderedDict()  # those that this process, a worker, has read
_lock = Lock()


def _read(mark: str, name: str, path: str | None, data: bytes, stops: bool = False) -> Task:
    """Return the task in a worker: the one of an earlier chunk, where there is one."""
    with _lock:
        task = _tasks.get(mark)
        if task is not None:
            _tasks.move_to_end(mark)
            return task
        task = Task.__new__(Task)
        task.fn, task.name, task.path, task.over, task.unread = None, name, path, False, None
        task._bytes, task.mark, task.stops = None, mark, stops
        try:
            if not len(data) and path is not None:
                with open(path, "rb") as file:
                    data = file.read()
            task.fn = pickle.loads(data)
        except FileNotFoundError:  # nobody waits any more
            if path is None or os.path.exists(path):
                raise
            task.over = True
        except Exception as error:  # a module that is not there, mostly: told with the first chunk
            task.unread = error
        _tasks[mark] = task
        while len(_tasks) > _KEPT:
            _tasks.popitem(last=False)
        return task


def forget() -> None:
    """Let go of every function that this process, a worker, has read."""
    with _lock:
        _tasks.clear()


def name_of(fn: Any) -> str:
    """Return what a person calls ``fn``, inside partial functions and wrappers.

    Examples
    --------
    >>> from functools import partial
    >>> name_of(len), name_of(partial(sorted, reverse=True))
    ('len', 'sorted')
    """
    fn = _innermost(fn)
    name = str(getattr(fn, "__qualname__", type(fn).__name__))
    return name.rpartition("<locals>.")[2]


def _innermost(fn: Any) -> Any:
    """Return the function inside partial ones and objects that have it as ``fn``."""
    for _ in range(10):
        inner = None if hasattr(fn, "__qualname__") else getattr(fn, "func", None) or getattr(fn, "fn", None)
        if inner is None:
            break
        fn = inner
    return fn
