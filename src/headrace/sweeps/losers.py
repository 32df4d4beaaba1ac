"""Results that a ledger did not take, as others are there: held for who wants to see them, however many they are."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
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

    def __init__(self) -> None:
        self._held: dict[bytes, Any] = {}
        self._at: dict[bytes, int] = {}
        self._bytes = 0
        self._file: Any = None

    def add(self, key: bytes, packed: Any) -> None:
        """Take one more."""
        if self._bytes + packed.size <= HELD:
            self._held[key] = packed
            self._bytes += packed.size
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="headrace-")  # noqa: SIM115  # it ends with this
        self._held.pop(key, None)
        self._at[key] = self._file.seek(0, 2)
        pickle.dump(packed, self._file, protocol=5)

    def items(self) -> Iterator[tuple[bytes, Any]]:
        """Yield key and packed point of each."""
        yield from self._held.items()
        for key, at in self._at.items():
            self._file.seek(at)
            yield key, pickle.load(self._file)  # what we have written ourselves

    def __contains__(self, key: object) -> bool:
        return key in self._held or key in self._at

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return len(self._held) + len(self._at)
