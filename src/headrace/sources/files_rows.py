"""Rows of files: what every format shares. A format writes a :class:`Reader`; orders, sizes and states are here."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from math import inf
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, NoReturn, TypeVar, get_args

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.key import Key
from headrace.core.places import lap_pieces
from headrace.core.stream import Resume, Spec
from headrace.errors import StreamConfigError

T = TypeVar("T")
Order = Literal["sequential", "shuffled", "random"]
BLOCK = 1 << 18  # bytes read ahead at most, when rows are read in order
MOST = 1024  # rows read ahead at most


class Reader(Generic[T]):
    """One open file, or several: rows by number. Owned by one cursor.

    Making one opens the file and reads its header, no rows.

    Attributes
    ----------
    rows : int
        How many there are.
    row_bytes : int
        About how large one is.
    """

    rows: int = 0
    row_bytes: int = 1

    def load(self) -> None:
        """Read what has to be in memory before the first row can be had."""

    def row(self, i: int) -> T:
        """Return row ``i``, which belongs to the caller."""
        raise NotImplementedError

    def items(self, lo: int, hi: int) -> Iterable[T]:
        """Return rows ``lo`` to ``hi``, read together."""
        return map(self.row, range(lo, hi))

    def spec(self) -> Spec | None:
        """Return what the header tells of a row."""
        return None

    def close(self) -> None:
        """Let go of the file. Twice is fine."""


class Rows(Indexed[T]):
    """A stream of rows of files: in order, in one random order a pass, or drawn at random without end.

    In order its items have numbers; for a random order that has them put ``hr.permute()`` behind it.
    """

    order: Order
    n: int | None
    _rows: int | None = None  # from the headers, once read
    _spec: Spec | None = None

    def reader(self) -> Reader[T]:
        """Open what the rows are in and read the headers.

        Raises
        ------
        DataError, OSError
            When there is nothing to read, or nothing of this format.
        """
        raise NotImplementedError

    def draws_key(self, key: Key) -> Key:
        """Return the key whose lane chooses rows."""
        return key.child(self.order)

    def known_rows(self) -> int:
        """Return how many rows there are, from the headers. Raises what :meth:`reader` raises."""
        if self._rows is None:
            reader = self.reader()
            try:
                self.fix(_rows=reader.rows, _spec=reader.spec())
            finally:
                reader.close()
        return self._rows or 0

    @property
    def size(self) -> float | None:
        """From the headers, which are read once; None for a file that cannot be read: drawing from it says why."""
        if self.order == "random" and self.n is None:
            return inf
        try:
            rows = self.known_rows()
        except Exception:  # printing a description must not fail for one broken file of thousands
            return None
        return rows if self.n is None else self.n if self.order == "random" and rows else min(self.n, rows)

    @property
    def spec(self) -> Spec | None:
        """From the headers."""
        try:
            self.known_rows()
        except Exception:  # as for the size
            return None
        return self._spec

    @property
    def resume(self) -> Resume:
        """Exact: the place is a number of rows."""
        return "exact"

    @property
    def access(self) -> Literal["index", "cursor"]:
        """``"index"`` in order."""
        return "index" if self.order == "sequential" else "cursor"

    def remarks(self) -> tuple[str, ...]:
        if self.access == "index":
            return ()
        return (f"its items have no numbers, because of order={self.order!r}; hr.permute() has",)

    def extent(self) -> float:
        """Return the size; raises what keeps the headers from being read."""
        self.known_rows()
        return super().extent()

    def bind(self, key: Key) -> Bound[T]:
        return _ByNumber(self, key)

    def start(self, key: Key) -> Cursor[T]:
        return Reading(self, key)


class _ByNumber(Bound[T]):
    """Rows by number; the file is open from the first one on, until it is closed."""

    stream: Rows[T]
    inner = ()
    _reader: Reader[T] | None = None

    def walk(self, at: Places) -> Iterator[T]:
        try:
            reader = self._open()
            n = int(self.stream.extent())
            if isinstance(at, range) and at.step == 1:
                for piece in lap_pieces(at, n):
                    first = piece.start % n
                    for rows in blocks(reader, first, first + len(piece)):
                        yield from rows
            else:
                for i in at if isinstance(at, range) else at.tolist():
                    yield reader.row(i % n)
        except Exception as error:
            _name_file(error, self.stream)
            raise

    def _open(self) -> Reader[T]:
        if self._reader is None:
            self._reader = opened(self.stream)
        return self._reader

    def close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def _name_file(error: Exception, stream: Any) -> None:
    where = getattr(stream, "path", None)
    if where is not None:
        error.add_note(f"  file: {where}")


def opened(stream: Rows[T]) -> Reader[T]:
    """Return a reader that rows can be had from."""
    reader = stream.reader()
    try:
        reader.load()
    except BaseException:
        reader.close()
        raise
    return reader


class Reading(Cursor[T]):
    """Draws row after row; ``count`` is the place, in any order.

    ``over`` is set when a file that cannot even be opened was passed: there is nothing behind it.
    """

    stream: Rows[T]
    saves: ClassVar[tuple[str, ...]] = ("count", "over")
    count: int
    over: bool = False
    _reader: Reader[T] | None = None

    def run(self) -> Generator[T, None, None]:
        if self.over:
            return
        try:
            rows = self._left(self._open())
            for self.count, item in enumerate(rows, self.count + 1):
                yield item
        except Exception as error:
            _name_file(error, self.stream)
            raise

    def _open(self) -> Reader[T]:
        if self._reader is None:
            self._reader = opened(self.stream)
        return self._reader

    def _end(self, reader: Reader[T]) -> float:
        limit = inf if self.stream.n is None else self.stream.n
        if self.over or not reader.rows:
            return 0
        return limit if self.stream.order == "random" else min(limit, reader.rows)

    def _left(self, reader: Reader[T]) -> Iterator[T]:
        end = self._end(reader)
        if self.count >= end:
            return iter(())
        key = self.stream.draws_key(self.key)
        if self.stream.order == "sequential":
            return chain.from_iterable(blocks(reader, self.count, int(end)))
        if self.stream.order == "shuffled":
            chosen = iter(_permutation(key, reader.rows)[self.count : int(end)].tolist())
        else:
            chosen = _draws(key, self.count, reader.rows)
        return map(reader.row, chosen if end == inf else islice(chosen, int(end) - self.count))

    def save(self) -> Any:
        return self.count if self.stream.access == "index" and not self.over else super().save()

    def load(self, saved: Any) -> None:
        super().load({"count": saved, "over": False} if isinstance(saved, int) else saved)

    def pass_failed(self) -> None:
        if self._reader is None:
            self.over = True
        else:
            self.count += 1
        self.restart()

    def skip(self, n: int = 1) -> int:
        """Pass ``n`` rows, all but the first without reading them; return how many there were."""
        passed = super().skip(min(n, 1 + len(self._kept)))
        if self._reader is None or self._kept or passed >= n:
            return passed
        jump = int(max(0, min(n - passed, self._end(self._reader) - self.count)))
        self.count += jump
        self.restart()
        return passed + jump

    def release(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def blocks(reader: Reader[T], at: int, end: int) -> Iterator[Iterable[T]]:
    """Yield runs of rows, few at first: a mux may want only eight."""
    most, step = max(1, min(MOST, BLOCK // max(1, reader.row_bytes))), 16
    while at < end:
        hi = min(end, at + min(step, most))
        try:
            yield reader.items(at, hi)
        except Exception:  # raised again by the row that cannot be read, after those that can
            yield map(reader.row, range(at, hi))
        at, step = hi, step * 4


def _draws(key: Key, at: int, rows: int) -> Iterator[int]:
    """Yield numbers of rows from draw ``at`` on: draw i is the same wherever one begins."""
    lane, step = key.lane(), 16
    while True:
        yield from (lane.uniforms(at, step) * rows).astype(np.int64).tolist()
        at, step = at + step, min(step * 4, MOST)


def _permutation(key: Key, rows: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return key.rng().permutation(rows)


# --- checks -------------------------------------------------------------------------------------


def check_order(who: str, order: Any, n: Any) -> int | None:
    """Return the limit ``n`` as an int or None, or raise when it or the order is none."""
    if order not in get_args(Order):
        raise StreamConfigError(
            f"{who}(order=) got {order!r}, wanted one of {', '.join(map(repr, get_args(Order)))}.\n"
            '  "shuffled" gives each row once a pass, "random" draws rows without end.'
        )
    if n is None:
        return None
    try:
        whole = int(n)
        if whole != n or whole < 0:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StreamConfigError(f"{who}(n=) got {n!r}, wanted a whole number of rows, or None.") from None
    return whole


def check_path(who: str, path: Any) -> Path:
    """Return ``path`` as a Path of a file that is there, or raise."""
    try:
        found = Path(path)
    except TypeError:
        raise StreamConfigError(f"{who}(path) got {path!r}, wanted the path of a file.") from None
    if found.is_file():
        return found
    what = "a folder" if found.is_dir() else "no file"
    advice = "For a folder use hr.folder or hr.files." if found.is_dir() else f"The current folder is {Path.cwd()}."
    raise StreamConfigError(f"{who}(path) got {str(found)!r}, which is {what}, wanted a file.\n  {advice}")


def check_names(who: str, option: str, names: Any) -> tuple[str, ...] | None:
    """Return some names as a tuple, or None; one string is one name."""
    if names is None or isinstance(names, str):
        return names if names is None else (names,)
    try:
        found = tuple(names)
    except TypeError:
        _bad_names(who, option, names)
    if not found or not all(isinstance(name, str) for name in found) or len(set(found)) < len(found):
        _bad_names(who, option, names)
    return found


def _bad_names(who: str, option: str, names: Any) -> NoReturn:
    raise StreamConfigError(f"{who}({option}=) got {names!r}, wanted different names, or None for all there are.")


# --- files for the examples that the laws run on --------------------------------------------------


@lru_cache(1)
def _example_folder(process: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="headrace-examples-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def example_file(name: str, write: Callable[[Path], Any]) -> Path:
    """Return a small file that lives as long as this process; ``write`` makes it when it is first wanted."""
    path = _example_folder(os.getpid()) / name
    if not path.exists():
        write(path)
    return path
