"""Streams of the rows of ``.npz`` archives and ``.npy`` arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec, Stream
from headrace.errors import DataError
from headrace.sources.files_rows import Order, Reader, Rows, check_names, check_order, check_path, example_file
from headrace.sources.formats import Archive, ArrayFile, Column, check_objects, read_header


def npz(
    path: str | Path,
    fields: str | Sequence[str] | None = None,
    rows: bool = True,
    order: Order = "sequential",
    n: int | None = None,
    allow_pickle: bool = False,
) -> Stream[dict[str, Any]]:
    """The rows of an ``.npz`` archive, as dicts: ``{"X": row of X, "y": element of y}``.

    Parameters
    ----------
    path
        A file. It is opened when the first item is drawn, or when the stream's size is asked for.
    fields
        Names of the arrays to read, all by default. They share their first axis; an array without axes is repeated
        in each row.
    rows
        False gives the whole archive as one item: read-only arrays, those stored as they are left on the file.
    order
        ``"sequential"``; ``"shuffled"``, each row once a pass in an order of its own (8 bytes a row); ``"random"``,
        rows drawn with replacement without end.
    n
        At most this many items a pass.
    allow_pickle
        Load arrays of Python objects too, which can run any code the file's author chose.

    Raises
    ------
    StreamConfigError
        When there is no such file, or an option is none of the above.
    DataError
        While running: an empty or shortened file, a field that is not there, fields of unequal length, objects.
    BadZipFile
        While running: a file that is no archive.

    Notes
    -----
    Rows of arrays that :func:`numpy.savez` wrote are read at their offset, so that an archive may be larger than
    memory; those of ``savez_compressed`` are unpacked whole and kept while the file is open. The check sums of the
    archive are verified only for compressed arrays.

    Examples
    --------
    >>> import numpy as np, headrace as hr
    >>> np.savez("song.npz", X=np.arange(6).reshape(3, 2), y=np.array([0, 1, 0]), rate=22050)
    >>> for item in hr.npz("song.npz", n=2):
    ...     print(item["X"].tolist(), int(item["y"]), int(item["rate"]))
    [0, 1] 0 22050
    [2, 3] 1 22050
    >>> draws = hr.npz("song.npz", "y", order="random").seeded(7)
    >>> len(list(draws(100)))
    100
    """
    return Npz(path, fields, rows, order, n, allow_pickle)  # type: ignore[arg-type]  # brought to their form there


@register("npz", example=lambda: Npz(example_file("rows.npz", _write_npz)))
@recipe
class Npz(Rows[dict[str, Any]]):
    """The recipe of :func:`npz`."""

    path: Path
    fields: tuple[str, ...] | None = None
    rows: bool = True
    order: Order = "sequential"
    n: int | None = None
    allow_pickle: bool = False

    def __post_init__(self) -> None:
        path, fields = check_path("npz", self.path), check_names("npz", "fields", self.fields)
        self.fix(path=path, fields=fields, n=check_order("npz", self.order, self.n))

    def reader(self) -> Reader[dict[str, Any]]:
        return _Archived(self)


class _Archived(Reader[dict[str, Any]]):
    def __init__(self, stream: Npz) -> None:
        self.source = ArrayFile(stream.path, f"npz({stream.path.name!r})")
        try:
            self.archive = Archive(self.source, stream.fields, stream.allow_pickle)
            self.columns = self.archive.columns
            self.whole = not stream.rows
            self.rows = 1 if self.whole else self._length()
        except BaseException:
            self.source.close()
            raise
        self.names = list(self.columns)
        self.row_bytes = sum(c.row_bytes for c in self.columns.values() if c.shape)
        self.constants: dict[str, Any] = {}

    def _length(self) -> int:
        lengths = {name: column.rows for name, column in self.columns.items() if column.shape}
        if len(set(lengths.values())) > 1:
            raise DataError(
                f"{self.source.who} got fields of lengths {lengths}, wanted one length: a row of each makes an item.\n"
                "  Choose some with fields=, or pass rows=False for the whole archive as one item."
            )
        return next(iter(lengths.values()), 1)

    def load(self) -> None:
        self.archive.load()
        self.constants = {name: column.scalar() for name, column in self.columns.items() if not column.shape}

    def row(self, i: int) -> dict[str, Any]:
        if self.whole:
            return {name: c.whole() if c.shape else self.constants[name] for name, c in self.columns.items()}
        return {name: c.read(i, i + 1)[0] if c.shape else self.constants[name] for name, c in self.columns.items()}

    def items(self, lo: int, hi: int) -> Iterable[dict[str, Any]]:
        if self.whole:
            return super().items(lo, hi)
        parts = [c.read(lo, hi) if c.shape else repeat(self.constants[name]) for name, c in self.columns.items()]
        names = self.names
        return (dict(zip(names, row, strict=True)) for row in islice(zip(*parts, strict=False), hi - lo))

    def spec(self) -> Spec:
        return {name: _field(column, name, whole=self.whole) for name, column in self.columns.items()}

    def close(self) -> None:
        self.source.close()


def npy(path: str | Path, order: Order = "sequential", n: int | None = None, allow_pickle: bool = False) -> Stream[Any]:
    """The rows of an ``.npy`` file, each an array, or a scalar when the array has one axis.

    The array is never read whole, so it may be larger than memory. An array without axes is one item. For dicts write
    ``hr.npy(path) | hr.map(lambda row: {"X": row})``.

    Parameters
    ----------
    path, order, n, allow_pickle
        As for :func:`npz`.

    Raises
    ------
    StreamConfigError
        When there is no such file, or an option is wrong.
    DataError
        While running: an empty or shortened file, Python objects.
    ValueError
        While running: a file that holds no array.

    Examples
    --------
    >>> import numpy as np, headrace as hr
    >>> np.save("X.npy", np.arange(6.0).reshape(3, 2))
    >>> stream = hr.npy("X.npy")
    >>> len(stream), [row.tolist() for row in stream]
    (3, [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    """
    return Npy(path, order, n, allow_pickle)  # type: ignore[arg-type]  # brought to their form there


@register("npy", example=lambda: Npy(example_file("rows.npy", _write_npy), "random", 40))
@recipe
class Npy(Rows[Any]):
    """The recipe of :func:`npy`."""

    path: Path
    order: Order = "sequential"
    n: int | None = None
    allow_pickle: bool = False

    def __post_init__(self) -> None:
        self.fix(path=check_path("npy", self.path), n=check_order("npy", self.order, self.n))

    def reader(self) -> Reader[Any]:
        return _Single(self)


class _Single(Reader[Any]):
    def __init__(self, stream: Npy) -> None:
        self.source = ArrayFile(stream.path, f"npy({stream.path.name!r})")
        try:
            header = read_header(self.source.file)
            check_objects(self.source.who, header, stream.allow_pickle)
            self.objects = header.dtype.hasobject
            self.column = Column(header, self.source, -1 if self.objects else self.source.file.tell())
        except BaseException:
            self.source.close()
            raise
        self.rows, self.row_bytes = self.column.rows, self.column.row_bytes

    def load(self) -> None:
        if self.objects:
            self.source.file.seek(0)
            self.column.array = npy_format.read_array(self.source.file, allow_pickle=True)

    def row(self, i: int) -> Any:
        return self.column.read(i, i + 1)[0] if self.column.shape else self.column.scalar()

    def items(self, lo: int, hi: int) -> Iterable[Any]:
        return self.column.read(lo, hi) if self.column.shape else super().items(lo, hi)

    def spec(self) -> Spec:
        return {"": _field(self.column, "row")}

    def close(self) -> None:
        self.source.close()


def _field(column: Column, name: str, *, whole: bool = False) -> Field:
    shape = column.shape if whole else column.row_shape
    first = 0 if whole else 1
    return Field(shape, column.dtype.str, tuple(f"{name}_{axis}" for axis in range(first, first + len(shape))))


def _write_npz(path: Path) -> None:
    np.savez(path, X=np.arange(120.0).reshape(40, 3), y=np.arange(40), rate=22050)


def _write_npy(path: Path) -> None:
    np.save(path, np.arange(80).reshape(40, 2))
