"""Results that a ledger did not take, as others are there: held for who wants to see them, however many they are."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

HELD: Final = 64 << 20  # bytes of them in memory; those that come after go to a file that nobody else sees


class Losers:
    """Packed points by their keys.

    Examples
    --------
    >>> from headrace.store.ledger import Packed
    >>> losers = Losers()
    >>> losers.add(b"k", Packed(b"k", 0, 0.0, 0.0, b"", b"value"))
    >>> b"k" in losers, dict(losers.items())[b"k"].value, len(losers)
    (True, b'value', 1)
    """

    _file: Any = None  # also where making it was interrupted

    def __init__(self) -> None:
        self._held: dict[bytes, Any] = {}
        self._at: dict[bytes, int] = {}
        self._bytes = self._end = 0  # of those in memory, and of the file

    def add(self, key: bytes, packed: Any) -> None:
        """Take one more: into memory, too, where the disk takes no more, as a round is not to end for that."""
        if self._bytes + packed.size > HELD:
            with suppress(OSError):
                at = self._written(pickle.dumps(packed, protocol=5))
                self._held.pop(key, None)
                self._at[key] = at
                return
        self._at.pop(key, None)
        self._held[key] = packed
        self._bytes += packed.size

    def _written(self, data: bytes) -> int:
        """Write to the file; return where."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="headrace-", buffering=0)  # noqa: SIM115  # it ends with this
        at: int = self._file.seek(self._end)
        rest = memoryview(data)
        while len(rest):
            rest = rest[self._file.write(rest) :]
        self._end += len(data)
        return at

    def items(self) -> Iterator[tuple[bytes, Any]]:
        """Yield key and packed point of each."""
        yield from self._held.items()
        if self._at:
            with open(self._file.fileno(), "rb", closefd=False) as file:
                for key, at in self._at.items():
                    file.seek(at)
                    yield key, pickle.load(file)  # what we have written ourselves

    def __contains__(self, key: object) -> bool:
        return key in self._held or key in self._at

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return len(self._held) + len(self._at)
