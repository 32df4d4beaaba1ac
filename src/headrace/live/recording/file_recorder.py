"""What recorders to one file share: a new file, one writer at a time, an end."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.core.block import Block
from headrace.core.closing import Closing
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
                f"{type(self).__name__} cannot make {self.path}: {error.strerror or error}.\n  Name another path."
            ) from error

    def _append(self, file: Any, data: bytes) -> None:
        """Write at the end of a file that is not buffered: all of it, or when that fails, nothing."""
        size = file.seek(0, os.SEEK_END)
        try:
            view = memoryview(data)
            while len(view):
                view = view[file.write(view) :]
        except BaseException:
            file.truncate(size)
            raise

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
            try:
                self._keep(made)
            except OSError as error:
                raise SinkError(
                    f"could not write to {self.path}: {error.strerror or error}.\n"
                    "  What was written before is safe. Make room, or see to the disk."
                ) from error
            self.rows += made.n

    def _keep(self, block: Block) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs a method _keep(block)")

    def close(self) -> None:
        """Finish the file. Twice is fine."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._finish()

    def _finish(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs a method _finish()")

    def stop(self) -> None:
        """Do as :meth:`close` does."""
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, rows={self.rows})"
