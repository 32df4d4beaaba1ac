"""A recording as something else: an xarray Dataset, a zarr group, a parquet file, sound. Written a piece at a time."""

from __future__ import annotations

import json
import os
import shutil
import wave
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.core.block import ROWS, Block
from headrace.core.optional import optional
from headrace.errors import DataError, SinkError
from headrace.live.lazy import PIECE, Column
from headrace.live.sound import WAV_MOST, sound_in
from headrace.store.files import sync_folder, temporary

KEY: Final = "headrace_session"


def to_xarray(raw: Block, metadata: Mapping[str, Any] | None = None, *, chunks: Any = None) -> Any:
    """Return columns as an xarray Dataset whose dimension is ``time``; a slower column has ``time_<name>`` of its own.

    Parameters
    ----------
    raw
        What ``Session.raw`` or ``Session.signals()`` is.
    metadata
        Kept as JSON in the attribute ``headrace_session``.
    chunks
        None reads it all into memory. Otherwise columns are dask arrays of such chunks, read when they are computed.

    Raises
    ------
    MissingExtraError
        When ``chunks`` is given and dask is not installed.

    Examples
    --------
    >>> block = Block({"timestamp": np.array([10.0, 10.5]), "acc": np.zeros((2, 3))}, rate=2.0)
    >>> dataset = to_xarray(block)
    >>> dict(dataset.sizes), list(dataset.coords), dataset.attrs["rate"]
    ({'time': 2, 'acc_1': 3}, ['timestamp', 'time'], 2.0)
    """
    xarray = optional("xarray", "sweeps", "to_xarray")
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for name, column in raw.items():
        along = _time(raw, name)
        dims = (along, *(f"{name}_{k}" for k in range(1, len(column.shape))))
        variables[name] = (dims, _array(column, chunks))
        if along != "time" and raw.times is not None:
            coords[along] = ((along,), _moments(raw.timestamps(name)))
    times = raw.times
    if times is not None:
        held = np.asarray(times)
        name = next((name for name, column in raw.items() if column is times), "timestamp")
        variables.pop(name, None)
        coords[name] = (("time",), held)
        coords["time"] = (("time",), _moments(held))
    attrs: dict[str, Any] = {} if metadata is None else {KEY: json.dumps(metadata)}
    if raw.rate is not None:
        attrs["rate"] = raw.rate
    return xarray.Dataset(variables, coords=coords, attrs=attrs)


def _time(raw: Block, name: str) -> str:
    return "time" if raw.paces.get(name, ROWS) == ROWS else f"time_{name}"


def _moments(times: Any) -> Any:
    """Unix seconds as xarray's own times; the exact numbers are beside them."""
    seconds = np.asarray(times, dtype=np.float64)
    found = np.full(len(seconds), np.datetime64("NaT"), dtype="M8[ns]")
    known = np.isfinite(seconds)
    whole = np.floor(seconds[known])
    found[known] = whole.astype("i8").astype("M8[s]") + np.round((seconds[known] - whole) * 1e9).astype("m8[ns]")
    return found


def _array(column: Any, chunks: Any) -> Any:
    if chunks is None:
        return np.asarray(column)
    dask: Any = optional("dask.array", "store", "to_xarray(chunks=)")
    return dask.from_array(column, chunks=chunks, asarray=True, meta=np.empty((0,) * column.ndim, column.dtype))


def _new(path: str | os.PathLike[str], who: str) -> Path:
    found = Path(os.path.expanduser(path))
    if os.path.lexists(found):
        raise SinkError(
            f"{who} got {str(found)!r}, where there is something already.\n  Name a path that does not exist."
        )
    return found


def _placed(tmp: Path, path: Path) -> None:
    if tmp.is_file():
        with open(tmp, "rb+") as file:
            os.fsync(file.fileno())
    os.rename(tmp, path)
    sync_folder(path.absolute().parent)


def to_zarr(raw: Block, path: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None) -> Path:
    """Write columns to a new zarr group, which ``xarray.open_zarr`` opens; return its path. There whole or not at all.

    Raises
    ------
    SinkError
        When there is something at ``path``.
    MissingExtraError
        When zarr is not installed.
    """
    zarr: Any = optional("zarr", "store", "to_zarr")
    found = _new(path, "to_zarr")
    tmp = temporary(found)
    shutil.rmtree(tmp, ignore_errors=True)
    try:
        group = zarr.open_group(str(tmp), mode="w")
        group.attrs.update({KEY: json.dumps(dict(metadata or {})), **({} if raw.rate is None else {"rate": raw.rate})})
        for name, column in raw.items():
            rows = max(1, min(len(column), PIECE // max(1, _row_bytes(column))))
            array = group.create_array(
                name,
                shape=column.shape,
                chunks=(rows, *(max(1, n) for n in column.shape[1:])),
                dtype=column.dtype,
                dimension_names=[_time(raw, name), *(f"{name}_{k}" for k in range(1, len(column.shape)))],
            )
            for lo in range(0, len(column), rows):
                array[lo : lo + rows] = column[lo : lo + rows]
        zarr.consolidate_metadata(str(tmp))
        _placed(tmp, found)
    except BaseException:
        shutil.rmtree(tmp, ignore_errors=True)
        raise
    return found


def _row_bytes(column: Any) -> int:
    return int(prod(column.shape[1:])) * int(column.dtype.itemsize)


def to_parquet(raw: Block, path: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None) -> Path:
    """Write columns to a new parquet file; return its path. There whole or not at all.

    Numbers of a row lie in nested lists of fixed length. :func:`parquet_columns` gives the same arrays back.

    Raises
    ------
    SinkError
        When there is something at ``path``.
    DataError
        When a column has a pace of its own, or a dtype that parquet has no column for.
    MissingExtraError
        When pyarrow is not installed.
    """
    arrow, parquet = (optional(name, "store", "to_parquet") for name in ("pyarrow", "pyarrow.parquet"))
    found = _new(path, "to_parquet")
    slow = [name for name in raw if _time(raw, name) != "time"]
    if slow:
        raise DataError(
            f"to_parquet got column {slow[0]!r}, which has a pace of its own, and a table has one.\n"
            "  Leave it out with outputs= of the graph, or use to_zarr."
        )
    tmp = temporary(found)
    writer = None
    try:
        for piece in _tables(raw):
            table = arrow.table({name: _arrow(arrow, column, name) for name, column in piece.items()})
            told = {"dtypes": {name: column.dtype.str for name, column in piece.items()}, "rate": raw.rate}
            told["shapes"] = {name: list(column.shape[1:]) for name, column in piece.items()}
            table = table.replace_schema_metadata({"headrace": json.dumps(told), KEY: json.dumps(dict(metadata or {}))})
            if writer is None:
                writer = parquet.ParquetWriter(tmp, table.schema, compression="zstd")
            writer.write_table(table)
        if writer is not None:
            writer.close()
        _placed(tmp, found)
    except BaseException:
        if writer is not None and writer.is_open:
            writer.close()
        tmp.unlink(missing_ok=True)
        raise
    return found


def _tables(raw: Block) -> Iterator[dict[str, Any]]:
    """Yield all rows in large pieces, one without rows where there are none."""
    step = max(1, (8 * PIECE) // max(1, sum(map(_row_bytes, raw.values()))))
    for lo in range(0, max(1, raw.n), step):
        yield {name: np.asarray(column[lo : lo + step]) for name, column in raw.items()}


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


def to_wav(raw: Block, path: str | os.PathLike[str], column: str | None = None, rate: float | None = None) -> Path:
    """Write a column as a new ``.wav`` file; return its path. There whole or not at all.

    Parameters
    ----------
    column
        By default ``"audio"``, or the only one besides ``"timestamp"``: ``(n,)`` or ``(n, channels)`` of uint8, int16 or
        int32; or of floats from -1 to 1, which become int16.
    rate
        Rows a second; by default the recording's.

    Raises
    ------
    SinkError
        When there is something at ``path``, or it would be larger than such a file can be.
    DataError
        When the column is no sound, or no rate is known.
    """
    found = _new(path, "to_wav")
    name = sound_in(raw, column, "to_wav")
    sound = raw[name]
    rate = raw.rate if rate is None else rate
    widths = {"uint8": 1, "int16": 2, "int32": 4, "float32": 2, "float64": 2}
    width = widths.get(sound.dtype.name)
    if rate is None or width is None or len(sound.shape) > 2:
        raise DataError(
            f"to_wav got {sound.dtype} {sound.shape} at rate {rate} for column {name!r}, wanted (n,) or (n, channels) of "
            "uint8, int16, int32 or floats, and a rate.\n  Say rate=, or convert the column."
        )
    channels = sound.shape[1] if len(sound.shape) == 2 else 1
    if len(sound) * channels * width > WAV_MOST:
        raise SinkError("to_wav got more than 4 GiB of sound, which no .wav file holds.\n  Write it in parts.")
    tmp = temporary(found)
    try:
        with wave.open(str(tmp), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(width)
            file.setframerate(round(rate))
            rows = max(1, PIECE // max(1, _row_bytes(sound)))
            for lo in range(0, len(sound), rows):
                part = np.asarray(sound[lo : lo + rows])
                if part.dtype.kind == "f":
                    part = np.round(np.clip(part, -1, 1) * 32767).astype("<i2")
                little = part.astype(part.dtype.newbyteorder("<"), copy=False)
                file.writeframesraw(np.ascontiguousarray(little).tobytes())
        _placed(tmp, found)
    except BaseException:
        tmp.unlink(missing_ok=True)
        raise
    return found
