"""What does not fit in memory waits on disk, in order."""

from __future__ import annotations

import pickle
import struct
import tempfile
from contextlib import suppress
from typing import Any, Final

from headrace.core.block import Block
from headrace.core.refused import refused

LENGTH: Final = struct.Struct("<Q")


class Spill:
    """Blocks that wait in a file without a name, first in first out.

    The file is there while something waits; it is gone at the latest with this process.

    Examples
    --------
    >>> import numpy as np
    >>> spill = Spill()
    >>> spill.push(Block({"x": np.array([1, 2])}), 0.5)
    >>> spill.push(Block({"x": np.array([3])}), 0.75)
    >>> len(spill), spill.pop(), spill.pop(), len(spill), spill.nbytes
    (2, ({'x': array([1, 2])}, 0.5), ({'x': array([3])}, 0.75), 0, 0)
    >>> spill.close()
    """

    _file: Any = None

    def __init__(self) -> None:
        self._read = self._written = self._held = 0

    def __len__(self) -> int:
        return self._held

    @property
    def nbytes(self) -> int:
        """Bytes that wait in the file."""
        return self._written - self._read

    def push(self, block: Block, came: float) -> None:
        """Add a block, and when it came.

        Raises
        ------
        SinkError
            When the disk is full, or there is none; what was pushed before is still there.
        """
        data = pickle.dumps((block, came), protocol=5)
        whole = memoryview(LENGTH.pack(len(data)) + data)
        try:
            self._write(whole)
        except OSError as error:
            if self._held:
                with suppress(OSError):
                    self._file.truncate(self._written)  # what went half into it needs no room
            else:
                self.close()
            raise refused(
                "a consumer that spills",
                tempfile.tempdir or "TMPDIR",
                error,
                kept="What waited before is handed over",
                then="begin again; TMPDIR names another folder",
            ) from error
        self._written += len(whole)
        self._held += 1

    def _write(self, data: memoryview) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="headrace-spill-", buffering=0)  # noqa: SIM115 - closed in close()
        self._file.seek(self._written)
        while len(data):
            data = data[self._file.write(data) :]

    def pop(self) -> tuple[Block, float]:
        """Return the oldest block, and when it came, and forget them."""
        self._file.seek(self._read)
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        found: tuple[Block, float] = pickle.loads(self._exactly(length))  # what `push` wrote, in a file only we can see
        self._read += LENGTH.size + length
        self._held -= 1
        if not self._held:
            self.close()
        return found

    def _exactly(self, n: int) -> bytes:
        parts, left = [], n
        while left:
            part = self._file.read(left)
            if not part:
                raise OSError(f"the file of blocks that wait ends {left} bytes early")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Forget what waits, and the file. Closing twice is fine."""
        file, self._file = self._file, None
        self._read = self._written = self._held = 0
        if file is not None:
            file.close()

    def __del__(self) -> None:
        self.close()
