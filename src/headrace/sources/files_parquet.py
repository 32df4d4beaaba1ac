"""Streams of the rows of a Parquet file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec, Stream
from headrace.errors import DataError
from headrace.sources.files_rows import Order, Reader, Rows, check_names, check_order, check_path, example_file

Row = dict[str, Any]


def parquet(
    path: str | Path, columns: str | Iterable[str] | None = None, order: Order = "sequential", n: int | None = None
) -> Stream[Row]:
    """The rows of a Parquet file, as dicts.

    Numbers and times come as NumPy scalars, strings and bytes as Python's, lists and tensors as arrays, structs as
    dicts. A null is NaN among floats, NaT among times and None elsewhere.

    Parameters
    ----------
    path
        A file. It is opened when the first item is drawn, or when the stream's size is asked for.
    columns
        Names of the columns to read, all by default.
    order, n
        As for :func:`headrace.npz`. One row group is in memory at a time: ``"shuffled"`` and ``"random"`` read a whole
        group for almost every row, so shuffle such files in a window or write them in small groups.

    Raises
    ------
    MissingExtraError
        When pyarrow is not installed.
    StreamConfigError
        When there is no such file, or an option is wrong.
    DataError
        While running: no such column.
    pyarrow.ArrowInvalid
        While running: a file that is not Parquet.

    Examples
    --------
    >>> import headrace as hr, pyarrow as pa, pyarrow.parquet
    >>> pa.parquet.write_table(pa.table({"x": [1, 2, 3], "name": ["a", "b", None]}), "rows.parquet")
    >>> stream = hr.parquet("rows.parquet")
    >>> len(stream), [(int(row["x"]), row["name"]) for row in stream]
    (3, [(1, 'a'), (2, 'b'), (3, None)])
    """
    return Parquet(path, columns, order, n)  # type: ignore[arg-type]  # brought to their form there


@register("parquet", example=lambda: Parquet(example_file("rows.parquet", _write_example)))
@recipe
class Parquet(Rows[Row]):
    """The recipe of :func:`parquet`."""

    path: Path
    columns: tuple[str, ...] | None = None
    order: Order = "sequential"
    n: int | None = None

    def __post_init__(self) -> None:
        _check_installed()
        path, columns = check_path("parquet", self.path), check_names("parquet", "columns", self.columns)
        self.fix(path=path, columns=columns, n=check_order("parquet", self.order, self.n))

    def reader(self) -> Reader[Row]:
        return _Groups(self)


@lru_cache(1)
def _check_installed() -> None:
    """Raise unless pyarrow is there; looking is ten times cheaper than importing it."""
    if find_spec("pyarrow") is None:
        optional("pyarrow", "store", "parquet")


class _Groups(Reader[Row]):
    """Rows by number, with one row group in memory."""

    def __init__(self, stream: Parquet) -> None:
        arrow: Any = optional("pyarrow.parquet", "store", "parquet")
        who = f"parquet({stream.path.name!r})"
        if not stream.path.stat().st_size:
            raise DataError(
                f"{who} got an empty file (0 bytes), wanted Parquet.\n"
                "  It was probably never written to its end: make it again."
            )
        self.file = arrow.ParquetFile(stream.path)
        try:
            schema = self.file.schema_arrow
            missing = [name for name in stream.columns or () if name not in schema.names]
            if missing:
                raise DataError(
                    f"{who} has no column {', '.join(map(repr, missing))}.\n"
                    f"  Its columns are {', '.join(schema.names)}."
                )
            self.names = list(stream.columns or schema.names)
            self.types = {name: schema.field(name).type for name in self.names}
            told = self.file.metadata
            self.starts = [0, *accumulate(told.row_group(g).num_rows for g in range(told.num_row_groups))]
        except BaseException:
            self.close()
            raise
        self.rows = self.starts[-1]
        self._group, self._columns = -1, list[Any]()

    def _read(self, group: int) -> list[Any]:
        if group != self._group:
            self._columns = []  # two groups are never in memory
            self._group = -1
            # One thread: where work runs is not for a reader to decide.
            table = self.file.read_row_group(group, columns=self.names, use_threads=False)
            self._columns = [arrow_values(table.column(name)) for name in self.names]
            self._group = group
        return self._columns

    def row(self, i: int) -> Row:
        group = bisect_right(self.starts, i) - 1
        at = i - self.starts[group]
        return {name: column[at] for name, column in zip(self.names, self._read(group), strict=True)}

    def items(self, lo: int, hi: int) -> Iterator[Row]:
        while lo < hi:
            group = bisect_right(self.starts, lo) - 1
            first, end = self.starts[group], min(hi, self.starts[group + 1])
            parts = [column[lo - first : end - first] for column in self._read(group)]
            for row in zip(*parts, strict=True):
                yield dict(zip(self.names, row, strict=True))
            lo = end

    def spec(self) -> Spec | None:
        fields = {name: _field(name, kind) for name, kind in self.types.items()}
        known = {name: field for name, field in fields.items() if field is not None}
        return known if len(known) == len(fields) else None

    def close(self) -> None:
        self.file.close(force=True)


def arrow_values(column: Any) -> Any:
    """Return a column as something that gives one Python or NumPy value per row."""
    arrow: Any = optional("pyarrow", "store", "parquet")
    kind = column.type
    array = column.combine_chunks() if hasattr(column, "combine_chunks") else column  # a record batch has no chunks
    if isinstance(array, arrow.ChunkedArray):  # no rows, in some versions
        array = array.chunk(0) if array.num_chunks else arrow.array([], kind)
    if arrow.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if hasattr(array, "to_numpy_ndarray"):
        return array.to_numpy_ndarray()
    if arrow.types.is_list(kind) or arrow.types.is_large_list(kind) or arrow.types.is_fixed_size_list(kind):
        return [None if not cell.is_valid else _cell(cell.values) for cell in array]
    if arrow.types.is_floating(kind) or arrow.types.is_timestamp(kind) or arrow.types.is_duration(kind):
        return array.to_numpy(zero_copy_only=False)
    if arrow.types.is_date(kind):
        return array.to_numpy(zero_copy_only=False)
    if arrow.types.is_integer(kind) or arrow.types.is_boolean(kind):
        if not array.null_count:
            return array.to_numpy(zero_copy_only=False)
        values = array.fill_null(0 if arrow.types.is_integer(kind) else False).to_numpy(zero_copy_only=False)
        return [value if valid else None for value, valid in zip(values, array.is_valid().to_pylist(), strict=True)]
    return array.to_pylist()


def _cell(values: Any) -> Any:
    """Return one list as an array; lists within it that are of several lengths stay lists."""
    if values.type.num_fields or values.null_count:
        found = values.to_pylist()
        try:
            made = np.array(found)
        except ValueError:
            return found
        return found if made.dtype.hasobject else made
    made = values.to_numpy(zero_copy_only=False)
    return np.array(made.tolist()) if made.dtype.hasobject else made


def _field(name: str, kind: Any) -> Field | None:
    arrow: Any = optional("pyarrow", "store", "parquet")
    types = arrow.types
    if types.is_list(kind) or types.is_large_list(kind):
        inside = _field(name, kind.value_type)
        return inside and Field((None, *inside.shape), inside.dtype, (f"{name}_{len(inside.shape) + 1}", *inside.dims))
    if types.is_string(kind) or types.is_large_string(kind):
        return Field((), np.dtype(str).str)
    if types.is_primitive(kind) and not types.is_time(kind):
        return Field((), np.dtype(kind.to_pandas_dtype()).str)
    return None


def _write_example(path: Path) -> None:
    arrow: Any = optional("pyarrow", "store", "parquet")
    table = arrow.table({"x": list(range(40)), "name": [f"n{i}" for i in range(40)]})
    optional("pyarrow.parquet", "store", "parquet").write_table(table, path, row_group_size=25)
