"""A recording as a parquet file, and the same arrays back from it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.block import Block
from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.live.recording.export_common import KEY, made_whole, new_path, pieces, step_of, time_of
from headrace.live.recording.lazy import PIECE, Column


def to_parquet(raw: Block, path: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None) -> Path:
    """Write columns to a new parquet file; return its path. There whole or not at all.

    Numbers of a row lie in nested lists of fixed length. :func:`parquet_columns` gives the same arrays back.

    Raises
    ------
    SinkError
        When there is something at ``path``, or the disk takes no more.
    DataError
        When a column has a pace of its own, or a dtype that parquet has no column for.
    MissingExtraError
        When pyarrow is not installed.
    """
    arrow, parquet = (optional(name, "store", "to_parquet") for name in ("pyarrow", "pyarrow.parquet"))
    found = new_path(path, "to_parquet")
    slow = [name for name in raw if time_of(raw, name) != "time"]
    if slow:
        raise DataError(
            f"to_parquet got column {slow[0]!r}, which has a pace of its own, and a table has one.\n"
            "  Leave it out with outputs= of the graph, or use to_zarr."
        )
    with made_whole(found, "to_parquet") as tmp, ExitStack() as opened:
        writer = None
        for block in pieces(raw, step_of(raw, 8 * PIECE)):
            piece = {name: np.asarray(column) for name, column in block.items()}
            table = arrow.table({name: _arrow(arrow, column, name) for name, column in piece.items()})
            told: dict[str, Any] = {
                "dtypes": {name: column.dtype.str for name, column in piece.items()},
                "rate": raw.rate,
            }
            told["shapes"] = {name: list(column.shape[1:]) for name, column in piece.items()}
            table = table.replace_schema_metadata({"headrace": json.dumps(told), KEY: json.dumps(dict(metadata or {}))})
            if writer is None:
                writer = opened.enter_context(parquet.ParquetWriter(tmp, table.schema, compression="zstd"))
            writer.write_table(table)
    return found


def _arrow(arrow: Any, column: Any, name: str) -> Any:
    if 0 in column.shape[1:]:
        raise DataError(
            f"to_parquet got column {name!r} of shape {column.shape}, and parquet has none without numbers."
        )
    native = column if column.dtype.isnative else column.astype(column.dtype.newbyteorder("="))
    try:
        made = arrow.array(np.ascontiguousarray(native).reshape(-1))
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError, arrow.ArrowTypeError) as error:
        raise DataError(
            f"to_parquet got column {name!r} of {column.dtype}, for which parquet has none: {error}.\n"
            "  Split it (complex: real and imaginary part), or use to_zarr."
        ) from error
    for n in reversed(column.shape[1:]):
        made = arrow.FixedSizeListArray.from_arrays(made, n)
    return made


def parquet_columns(path: Path) -> Block:
    """Return the columns of a parquet file, each read when it is looked at, with the dtypes and shapes they had."""
    parquet: Any = optional("pyarrow.parquet", "store", "Session.raw")
    with parquet.ParquetFile(path) as file:
        schema, n = file.schema_arrow, file.metadata.num_rows
        groups = np.cumsum([0, *(file.metadata.row_group(k).num_rows for k in range(file.num_row_groups))])
    told = json.loads((schema.metadata or {}).get(b"headrace", b"{}"))
    shapes, dtypes = told.get("shapes", {}), told.get("dtypes", {})
    columns: dict[str, Any] = {}
    for field in schema:
        shape = tuple(shapes.get(field.name, ()))
        read = _Stored(path, field.name, shape, dtypes.get(field.name), groups)
        dtype = np.dtype(dtypes[field.name]) if field.name in dtypes else read(0, min(1, n)).dtype
        columns[field.name] = Column(read, n, dtype, shape, field.name)
    return Block.of(columns, 0, n, told.get("rate"), {}, {}, columns.get("timestamp"), None)


class _Stored:
    """The rows of one column of a parquet file: the groups that hold them are read."""

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: str | None, groups: Any) -> None:
        self.path, self.name, self.shape, self.dtype, self.groups = path, name, shape, dtype, groups

    def __call__(self, lo: int, hi: int) -> Any:
        parquet: Any = optional("pyarrow.parquet", "store", "Session.raw")
        first = max(0, int(np.searchsorted(self.groups, lo, "right")) - 1)
        last = max(first, int(np.searchsorted(self.groups, hi, "left")) - 1)
        with parquet.ParquetFile(self.path, memory_map=False) as file:
            several = range(first, min(last + 1, file.num_row_groups))
            column = file.read_row_groups(list(several), columns=[self.name])[self.name].combine_chunks()
        for _ in self.shape:
            column = column.flatten()
        found = column.to_numpy(zero_copy_only=False)
        if self.dtype is not None:
            found = found.astype(np.dtype(self.dtype), copy=False)
        begin = int(self.groups[first])
        return found.reshape(-1, *self.shape)[lo - begin : max(lo, hi) - begin]
