"""Recordings as pickles, and how to read pickles without running what someone else has put into them."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.core.block import ROWS, Block
from headrace.errors import DataError, StreamConfigError
from headrace.live.recording.file_recorder import FileRecorder
from headrace.store.files import write_file

FLUSH: Final = 1.0  # seconds that a block waits at most for the next before it is in the file
# What arrays and plain containers are pickled with; none of it runs anything.
_HARMLESS: Final = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ("builtins", "complex"),
    ("builtins", "bytearray"),
    ("_codecs", "encode"),
}


class PickleRecorder(FileRecorder):
    """Columns as pickles: one dict of arrays when the recording has ended.

    Until then the file is several such dicts, one after the other, and a kill loses the rows not written yet at most: as
    many as are collected, for about a second. Reading it needs memory for all of it.

    Parameters
    ----------
    path
        The file; it must not exist.
    rec_buffer_size
        Rows that are collected at most before they are written.

    Raises
    ------
    SinkError
        When there is something at ``path``.
    StreamConfigError
        When ``rec_buffer_size`` is less than 1.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/raw_data.pickle"
    >>> with PickleRecorder(path, rec_buffer_size=2) as recorder:
    ...     for i in range(5):
    ...         recorder.write({"x": np.array([i])})
    >>> with open(path, "rb") as file:
    ...     pickle.load(file)
    {'x': array([0, 1, 2, 3, 4])}
    """

    def __init__(self, path: str | os.PathLike[str], rec_buffer_size: int = 1_000_000) -> None:
        if rec_buffer_size < 1:
            raise StreamConfigError(
                f"PickleRecorder got rec_buffer_size={rec_buffer_size!r}, wanted 1 or more.\n  The default is 1000000."
            )
        super().__init__(path)
        self.rec_buffer_size: int = int(rec_buffer_size)
        self._held: list[dict[str, Any]] = []
        self._names: list[str] | None = None
        self._parts = self._rows_held = 0
        self._since = time.monotonic()
        self._file = self._made()

    def _keep(self, block: Block) -> None:
        slow = [name for name in block if block.paces.get(name, ROWS) != ROWS]
        names = list(block)
        if slow or (self._names is not None and names != self._names):
            raise DataError(
                f"PickleRecorder got columns {names}{' of several paces' if slow else f', after {self._names}'}.\n"
                "  Give the same columns in every block, or record with a Recorder."
            )
        self._names = names
        if not self._held:
            self._since = time.monotonic()
        self._held.append({name: np.array(column) for name, column in block.items()})  # the caller's may change
        self._rows_held += block.n
        if self._rows_held >= self.rec_buffer_size or time.monotonic() - self._since >= FLUSH:
            try:
                self._flush()
            except BaseException:  # what came before waits on; this one was not taken, and may come again
                self._held.pop()
                self._rows_held -= block.n
                raise

    def _flush(self) -> None:
        if not self._held:
            return
        self._append(self._file, pickle.dumps(joined(self._held), protocol=5))
        self._parts += 1
        self._held, self._rows_held = [], 0

    def _finish(self) -> None:
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        if self._parts != 1:
            parts = read_pickles(self.path, allow_pickle=True)  # our own
            write_file(self.path, pickle.dumps(joined(parts), protocol=5))


def joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return columns that lie in several dicts, one after the other, as one."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def read_pickles(path: Path, *, allow_pickle: bool = False) -> list[Any]:
    """Return every pickle of a file, up to its end or to what a kill has left of one.

    Raises
    ------
    DataError
        When there is more in one than arrays and plain containers, and ``allow_pickle`` is False.
    """
    found: list[Any] = []
    with open(path, "rb") as file:
        while True:
            at = file.tell()
            try:
                found.append(pickle.load(file) if allow_pickle else _Plain(file).load())
            except EOFError:
                return found
            except pickle.UnpicklingError as error:
                if "truncated" in str(error) and found:
                    return found
                error.add_note(f"  while reading byte {at} of {path}")
                raise


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _HARMLESS:
            raise DataError(
                f"the pickle wants {module}.{name}, and loading that can run any code.\n"
                "  Pass Session(path, allow_pickle=True) if you trust who wrote it."
            )
        return super().find_class(module, name)
