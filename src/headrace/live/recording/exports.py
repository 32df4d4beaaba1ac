"""A recording as something else: an xarray Dataset, a zarr group, sound. Written a piece at a time."""

from __future__ import annotations

import json
import os
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.block import Block
from headrace.core.optional import optional
from headrace.errors import DataError, SinkError
from headrace.live.recording.export_common import KEY, made_whole, new_path, pieces, row_bytes, step_of, time_of
from headrace.live.recording.lazy import PIECE
from headrace.live.recording.sound import WAV_MOST, sound_in


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
        along = time_of(raw, name)
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


def to_zarr(raw: Block, path: str | os.PathLike[str], metadata: Mapping[str, Any] | None = None) -> Path:
    """Write columns to a new zarr group, which ``xarray.open_zarr`` opens; return its path. There whole or not at all.

    Raises
    ------
    SinkError
        When there is something at ``path``, or the disk takes no more.
    MissingExtraError
        When zarr is not installed.
    """
    zarr: Any = optional("zarr", "store", "to_zarr")
    found = new_path(path, "to_zarr")
    with made_whole(found, "to_zarr") as tmp:
        group = zarr.open_group(str(tmp), mode="w")
        group.attrs.update({KEY: json.dumps(dict(metadata or {})), **({} if raw.rate is None else {"rate": raw.rate})})
        step = step_of(raw, PIECE)
        arrays = {name: _Growing(group, raw, name, step) for name in raw}
        for piece in pieces(raw, step):
            for name, column in piece.items():
                arrays[name].add(column)
        for array in arrays.values():
            array.end()
        _consolidate(tmp, list(raw))
    return found


class _Growing:
    """An array of a zarr group that is written chunk by chunk, each once."""

    def __init__(self, group: Any, raw: Block, name: str, step: int) -> None:
        column = raw[name]
        self.rows = max(1, min(len(column), step))
        self.at, self.held = 0, [np.empty((0, *column.shape[1:]), column.dtype)]
        self.array = group.create_array(
            name,
            shape=column.shape,
            chunks=(self.rows, *(max(1, n) for n in column.shape[1:])),
            dtype=column.dtype,
            dimension_names=[time_of(raw, name), *(f"{name}_{k}" for k in range(1, len(column.shape)))],
            config={"write_empty_chunks": True},  # else a chunk of zeros loses their signs
        )

    def add(self, column: Any) -> None:
        self.held.append(np.asarray(column))
        if sum(map(len, self.held)) >= self.rows:
            self._write(self.rows)

    def end(self) -> None:
        self._write(1)

    def _write(self, rows: int) -> None:
        """Write what is held, as far as it makes whole groups of ``rows``."""
        held = np.concatenate(self.held)
        n = len(held) // rows * rows
        if n:
            self.array[self.at : self.at + n] = held[:n]
        self.at += n
        self.held = [held[n:]]


def _consolidate(folder: Path, names: list[str]) -> None:
    """Say in the group's own file what is in it, so that readers need not list the folder."""
    inside = {name: json.loads((folder / name / "zarr.json").read_bytes()) for name in names}
    told = json.loads((folder / "zarr.json").read_bytes())
    told["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": inside}
    (folder / "zarr.json").write_text(json.dumps(told, indent=2))


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
        When there is something at ``path``, it would be larger than such a file can be, or the disk takes no more.
    DataError
        When the column is no sound, or no rate is known.
    """
    found = new_path(path, "to_wav")
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
    with made_whole(found, "to_wav") as tmp, wave.open(str(tmp), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(round(rate))
        rows = max(1, PIECE // max(1, row_bytes(sound)))
        for lo in range(0, len(sound), rows):
            part = np.asarray(sound[lo : lo + rows])
            if part.dtype.kind == "f":
                part = np.round(np.clip(part, -1, 1) * 32767).astype("<i2")
            little = part.astype(part.dtype.newbyteorder("<"), copy=False)
            file.writeframesraw(np.ascontiguousarray(little).tobytes())
    return found
