"""The rows of many files as one stream."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Generator, Iterator
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import Any, Self

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, check_shard, next_part
from headrace.errors import StreamConfigError
from headrace.sources.files_npy import Npz
from headrace.sources.files_rows import Order, Reader, Rows, blocks, check_order, example_file, opened


@register("folder", example=lambda: Folder(_example_parts(), "shuffled", max_open=2))
@recipe
class Folder(Rows[Any]):
    """The recipe of :func:`folder`.

    ``numbers`` are the places of the files in the whole: a shard keeps them, so that no two shards share numbers.
    """

    files: tuple[Rows[Any], ...]
    order: Order = "sequential"
    n: int | None = None
    max_open: int = 16
    numbers: range | None = None

    def __post_init__(self) -> None:
        parts = tuple(self.files)
        for part in parts:
            if not isinstance(part, Rows) or part.order != "sequential":
                raise StreamConfigError(
                    f"folder(files) got {part!r}, wanted streams of files in sequential order.\n"
                    "  Give the order to the folder."
                )
        if not isinstance(self.max_open, int) or self.max_open < 1:
            raise StreamConfigError(f"folder(max_open=) got {self.max_open!r}, wanted at least 1 open file.")
        self.fix(files=parts, n=check_order("folder", self.order, self.n), numbers=self.numbers or range(len(parts)))

    @property
    def size(self) -> float | None:
        """The sum over the files, from their headers."""
        if self.order != "sequential" or self.n == 0:
            return super().size
        sizes = [part.size for part in self.files]
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes):
            return None
        return sum(known) if self.n is None else min(self.n, sum(known))

    @property
    def spec(self) -> Spec | None:
        """That of the files, when they agree."""
        first = self.files[0].spec if self.files else None
        return first if all(part.spec == first for part in self.files[1:]) else None

    def shard(self, i: int, n: int) -> Self:
        """Return files i, i + n, i + 2 n, ... as a stream."""
        check_shard(i, n)
        if self.n is not None:
            raise StreamConfigError(
                "folder(n=) cannot be divided: each part would give n rows of its own.\n"
                "  Write folder(...).shard(i, n) | take(k)."
            )
        if n > len(self.files):
            raise StreamConfigError(
                f"folder.shard(i, n) got n={n}, wanted at most the number of files, {len(self.files)}.\n"
                "  Write more files, or use fewer shards."
            )
        assert self.numbers is not None
        made: Self = self.with_(files=self.files[i::n], numbers=self.numbers[i::n], divided=next_part(self, i, n))
        return made

    def draws_key(self, key: Key) -> Key:
        assert self.numbers is not None
        return super().draws_key(key).child(self.numbers.start, self.numbers.step)

    def reader(self) -> Reader[Any]:
        return _Many(self)

    def extent(self) -> float:
        """Return the size; raises what keeps a header from being read, naming the file."""
        if self.size is None:
            _Many(self).close()
        return super().extent()

    def start(self, key: Key) -> Cursor[Any]:
        return _OneByOne(self, key) if self.order == "sequential" else super().start(key)


class _OneByOne(Cursor[Any]):
    """File after file; ``file`` is which."""

    stream: Folder
    saves = ("count", "file")
    file = 0
    _part: Cursor[Any] | None = None

    def run(self) -> Generator[Any, None, None]:
        parts, n = self.stream.files, self.stream.n
        while self.file < len(parts):
            if self.count == n:
                return
            part = self._part
            if part is None:
                part = self._part = self._begin()
            left = None if n is None else n - self.count
            for self.count, item in enumerate(islice(part.items, left), self.count + 1):
                yield item
            if self.count == n:
                return
            self._part = None
            part.close()
            self.file += 1

    def _begin(self) -> Cursor[Any]:
        assert self.stream.numbers is not None
        return self.stream.files[self.file].open(self.key.child(self.stream.numbers[self.file], 0))

    def skip(self, n: int = 1) -> int:
        """Pass ``n`` rows, whole files of them without opening them; return how many there were."""
        slow = min(n, len(self._kept) + (self._failed is not None))
        passed = super().skip(slow) if slow > 0 or n < 0 else 0
        left = n - passed if self.stream.n is None else min(n - passed, self.stream.n - self.count)
        if left > 0:
            self.restart()
        while left > 0 and self.file < len(self.stream.files):
            size = self.stream.files[self.file].size
            behind = None if size is None or self._part is not None else int(size)
            if behind is not None and behind <= left:
                jump = behind
                self.file += 1
            else:
                part = self._part = self._part or self._begin()
                jump = part.skip(left)
                if jump < left:
                    self._part = None
                    part.close()
                    self.file += 1
            self.count, left, passed = self.count + jump, left - jump, passed + jump
        return passed

    def label_of(self, cursor: Any) -> str | None:
        return f"[{self.file}]" if cursor is self._part else None

    def save(self) -> Any:
        return {**super().save(), "part": None if self._part is None else self._part.save()}

    def load(self, saved: Any) -> None:
        super().load(saved)
        self.release()
        if saved["part"] is not None:
            self._part = self._begin()
            self._part.load(saved["part"])

    def release(self) -> None:
        part, self._part = self._part, None
        if part is not None:
            part.close()


class _Many(Reader[Any]):
    """Rows by number over several files, of which a few are open."""

    def __init__(self, stream: Folder) -> None:
        self.files, self.max_open = stream.files, stream.max_open
        self.open: OrderedDict[int, Reader[Any]] = OrderedDict()
        self.starts = [0, *accumulate(map(self._rows, self.files))]
        self.rows = self.starts[-1]

    @staticmethod
    def _rows(part: Rows[Any]) -> int:
        try:
            rows = part.known_rows()
        except Exception as error:
            error.add_note(f"  file: {getattr(part, 'path', part)}")
            raise
        return rows if part.n is None else min(part.n, rows)

    def row(self, i: int) -> Any:
        k = bisect_right(self.starts, i) - 1
        try:
            return self._reader(k).row(i - self.starts[k])
        except Exception as error:
            error.add_note(f"  file: {getattr(self.files[k], 'path', self.files[k])}")
            raise

    def items(self, lo: int, hi: int) -> Iterator[Any]:
        """Yield rows file by file, each file's read together."""
        while lo < hi:
            k = bisect_right(self.starts, lo) - 1
            end = min(hi, self.starts[k + 1])
            yield from chain.from_iterable(blocks(self._reader(k), lo - self.starts[k], end - self.starts[k]))
            lo = end

    def _reader(self, k: int) -> Reader[Any]:
        reader = self.open.get(k)
        if reader is not None:
            self.open.move_to_end(k)
            return reader
        while len(self.open) >= self.max_open:
            self.open.popitem(last=False)[1].close()
        reader = self.open[k] = opened(self.files[k])
        return reader

    def close(self) -> None:
        while self.open:
            self.open.popitem()[1].close()


def _example_parts() -> tuple[Any, ...]:
    def write(k: int) -> Path:
        return example_file(f"part{k}.npz", lambda path: np.savez(path, X=np.arange(9) + 9 * k))

    return tuple(Npz(write(k)) for k in range(5))
