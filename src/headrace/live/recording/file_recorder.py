"""What recorders to one file share: a new file, one writer at a time, an end."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headrace.core.block import Block
from headrace.core.closing import Closing
from headrace.core.refused import refused
from headrace.errors import ClosedError, SinkError


class FileRecorder(Closing):
    """What the recorders to one file share.

    Parameters
    ----------
    path
        The file; it must not exist.

    Attributes
    ----------
    rows : int
        How many were written.

    Raises
    ------
    SinkError
        When there is something at ``path``, or it cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(os.path.expanduser(path))
        self.rows: int = 0
        self._closed = False
        self._size = 0  # bytes of the file that are whole
        self._lock = threading.RLock()
        if os.path.lexists(self.path):
            raise SinkError(
                f"{type(self).__name__} got {str(self.path)!r}, where there is something already.\n"
                "  Name a path that does not exist; nothing is ever recorded over."
            )

    def _made(self) -> Any:
        """Return the file, new and open."""
        try:
            return open(self.path, "xb", buffering=0)
        except OSError as error:
            raise SinkError(
                f"{type(self).__name__} cannot make {str(self.path)!r}: {error.strerror or error}, wanted a folder and a disk "
                "that take a new file.\n  See to them, or name another path."
            ) from error

    def _append(self, file: Any, data: bytes) -> None:
        """Write at the end of a file that is not buffered: all of it, or when that fails, nothing."""
        with self._or_nothing(file):
            write_at(file, self._size, data)
        self._size += len(data)

    @contextmanager
    def _or_nothing(self, file: Any) -> Iterator[None]:
        """Cut off again what a block has written to the end of a file, when it fails."""
        try:
            yield
        except BaseException as error:  # Ctrl-C too
            try:
                file.truncate(self._size)
            except OSError as again:  # what comes next is written over it
                error.add_note(f"  and what was half written could not be cut off: {again}")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Have what the system says of a disk told as every writer does."""
        try:
            yield
        except OSError as error:
            raise refused(type(self).__name__, self.path, error) from error

    def write(self, block: Mapping[str, Any]) -> None:
        """Keep the rows of a block.

        Parameters
        ----------
        block
            A :class:`headrace.core.Block`, or columns ``(n, ...)`` by name.

        Raises
        ------
        DataError
            When this kind of file cannot keep it as it is.
        SinkError
            When the disk takes no more.
        ClosedError
            After :meth:`close`.
        """
        with self._lock:
            if self._closed:
                raise ClosedError("write() got a block after close(); record to another path.")
            made = block if isinstance(block, Block) else Block(block)
            if not made:
                return
            with self._told():
                self._keep(made)
            self.rows += made.n

    def _keep(self, block: Block) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs a method _keep(block)")

    def close(self) -> None:
        """Finish the file. Twice is fine.

        Raises
        ------
        SinkError
            When the disk takes no more. Rows that wait to be written do so still, and another call tries it again; where
            none do, it is closed.
        """
        with self._lock:
            if self._closed:
                return
            with self._told():
                self._flush()
                self._closed = True
                self._finish()

    def _flush(self) -> None:
        """Write what waits, where something may."""

    def _finish(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs a method _finish()")

    def stop(self) -> None:
        """Do as :meth:`close` does."""
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, rows={self.rows})"


def write_at(file: Any, place: int, data: bytes) -> None:
    """Write all of it at a place of a file that is not buffered, which may take it in parts."""
    file.seek(place)
    view = memoryview(data)
    while len(view):
        view = view[file.write(view) :]
