"""A folder of parquet files: what pandas, polars, DuckDB and Spark read."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.errors import SinkError
from headrace.store.layout import Column, Columns, Layout
from headrace.store.sinks import DatasetSink

_NUMBERS = "?bhilqBHILQefdUSMm"  # dtype characters that parquet has a column for
_UNITS = ("s", "ms", "us", "ns")


@register("parquet_folder", kind="sink", example=lambda folder: ParquetFolder(folder))
class ParquetFolder(DatasetSink):
    """A dataset as ``part-000000.parquet``, ...; see :class:`DatasetSink` for the parameters. Needs ``headrace[store]``.

    Stores booleans, integers, floats, strings, bytes and dates; arrays as nested lists of fixed length. Complex
    numbers, long doubles and arrays without elements are refused, as parquet has no columns for them.
    """

    kind: ClassVar[str] = "parquet"
    extra: ClassVar[str | None] = "store"
    part_name: ClassVar[re.Pattern[str]] = re.compile(r"part-(?P<number>\d{6,})\.parquet")

    @classmethod
    def ready(cls) -> None:
        optional("pyarrow.parquet", "store", cls.__name__)

    def refused(self, name: str, column: Column) -> str | None:
        dtype = np.dtype(column.dtype)
        unit = np.datetime_data(dtype) if dtype.kind in "Mm" else ("s", 1)
        if dtype.char not in _NUMBERS or unit[1] != 1 or unit[0] not in (*_UNITS, "D" if dtype.kind == "M" else "s"):
            return f"parquet has no column for {dtype}.\n  Convert it with hr.map (complex: two fields), or use zarr."
        if 0 in column.shape:
            return f"parquet has no column for arrays of shape {column.shape}.\n  Leave it out, or use zarr."
        return None

    def part_files(self, number: int, columns: Columns) -> list[tuple[str, bytes]]:
        arrow, parquet = (optional(name, "store", self.who) for name in ("pyarrow", "pyarrow.parquet"))
        assert self.layout is not None
        try:
            table = arrow.table({name: _arrow(arrow, column) for name, column in columns.items()})
        except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError, UnicodeError) as error:
            raise SinkError(f"{self.who} cannot store part {number}: {error}") from error
        known = {"headrace": json.dumps(self.layout.plain())}
        file = io.BytesIO()
        texts = [name for name, column in self.layout.fields.items() if column.text and not column.shape]
        parquet.write_table(
            table.replace_schema_metadata(known),
            file,
            compression="zstd",
            use_dictionary=texts,
            row_group_size=max(1, table.num_rows),
        )
        return [(f"part-{number:06d}.parquet", file.getvalue())]

    @staticmethod
    def read_part(folder: Path, number: int, layout: Layout, names: Sequence[str]) -> Columns:
        parquet = optional("pyarrow.parquet", "store", "reading a parquet dataset")
        with parquet.ParquetFile(folder / f"part-{number:06d}.parquet", memory_map=False) as file:
            table = file.read(columns=list(names))
        return {name: _numpy(table[name], layout.fields[name]) for name in names}


def _arrow(arrow: Any, column: np.ndarray[Any, Any]) -> Any:
    flat = arrow.array(np.ascontiguousarray(column).reshape(-1))
    for n in reversed(column.shape[1:]):
        flat = arrow.FixedSizeListArray.from_arrays(flat, n)
    return flat


def _numpy(chunks: Any, field: Column) -> np.ndarray[Any, Any]:
    column = chunks.combine_chunks()
    rows = len(column)
    for _ in field.shape:
        column = column.flatten()
    array = column.to_numpy(zero_copy_only=False)
    if field.text:
        return np.array(array.tolist(), dtype="U" if field.dtype == "<U0" else "S").reshape(rows, *field.shape)
    return np.asarray(array.astype(field.dtype, copy=False)).reshape(rows, *field.shape)
