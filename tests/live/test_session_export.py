"""A session as something else: an xarray Dataset, zarr, parquet, sound; each whole or not at all."""

from __future__ import annotations

import gc
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.block import Block
from headrace.errors import DataError, SinkError, StreamConfigError
from headrace.live.recording.export_parquet import parquet_columns
from headrace.live.recording.lazy import Column
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.session import Session
from support.exactly import differ
from support.require import require


def recorded(path: Path, n: int = 20) -> Session:
    rng = np.random.default_rng(0)
    with Recorder(path, metadata={"subject": "A. B."}) as recorder:
        for i in range(n):
            times = 1.7e9 + (8 * i + np.arange(8)) / 100
            columns = {"timestamp": times, "acc": rng.normal(size=(8, 3)), "i": np.arange(8) + 8 * i}
            recorder.write(Block(columns, first=8 * i, rate=100.0))
    return Session(path)


GRAPH = s.Graph(
    [s.FourierTransform("i", name="spectrum", window_size=16, window_overlap=8), s.Integrate("acc", name="v")]
)


def test_a_dataset_with_times_and_rates(tmp_path: Path) -> None:
    session = recorded(tmp_path / "s")
    dataset = session.to_xarray()
    assert dict(dataset.sizes) == {"time": 160, "acc_1": 3}
    assert not differ(dataset["acc"].to_numpy(), session.raw["acc"][:])
    assert not differ(dataset["timestamp"].to_numpy(), session.raw["timestamp"][:])
    seconds = (dataset["time"].to_numpy() - np.datetime64(0, "s")) / np.timedelta64(1, "s")
    np.testing.assert_allclose(seconds, session.raw["timestamp"][:], atol=1e-6, rtol=0)
    assert json.loads(dataset.attrs["headrace_session"])["subject"] == "A. B."
    assert dataset.attrs["rate"] == 100.0
    made = session.to_xarray(GRAPH)
    block = GRAPH(session.raw)
    assert not differ(made["spectrum"].to_numpy(), np.asarray(block["spectrum"]))
    assert made["spectrum"].dims[0] == "time_spectrum"
    assert made["v"].dims == ("time", "v_1")
    at = (made["time_spectrum"].to_numpy() - np.datetime64(0, "s")) / np.timedelta64(1, "s")
    np.testing.assert_allclose(at, block.timestamps("spectrum"), atol=1e-6, rtol=0)


def test_a_dataset_of_dask_arrays_reads_what_is_computed(tmp_path: Path) -> None:
    require("dask")
    session = recorded(tmp_path / "s")
    file = tmp_path / "s" / "raw_data.hrc"
    content = bytearray(file.read_bytes())
    content[content.index(np.arange(120, 128).tobytes())] ^= 1
    file.write_bytes(content)
    dataset = session.to_xarray(chunks=40)
    assert dataset["i"][10:90].to_numpy().tolist() == list(range(10, 90))
    with pytest.raises(DataError, match="wrong check sum"):
        dataset["i"].to_numpy()


def test_a_zarr_group_opens_in_xarray(tmp_path: Path) -> None:
    require("zarr")
    import xarray as xr

    session = recorded(tmp_path / "s")
    path = session.to_zarr(tmp_path / "s.zarr", GRAPH)
    with xr.open_zarr(path) as dataset:
        assert dataset["acc"].dims == ("time", "acc_1")
        assert not differ(dataset["acc"].to_numpy(), session.raw["acc"][:])
        assert not differ(dataset["spectrum"].to_numpy(), session.signals(GRAPH)["spectrum"][:])
        assert dataset["spectrum"].dims[0] == "time_spectrum"
        assert json.loads(dataset.attrs["headrace_session"])["subject"] == "A. B."
    with pytest.raises(SinkError, match="something already"):
        session.to_zarr(tmp_path / "s.zarr")


def test_a_parquet_file_opens_in_pandas_and_comes_back(tmp_path: Path) -> None:
    require("pyarrow")
    import pandas as pd

    session = recorded(tmp_path / "s")
    path = session.to_parquet(tmp_path / "s.parquet")
    frame = pd.read_parquet(path)
    assert not differ(frame["timestamp"].to_numpy(), session.raw["timestamp"][:])
    assert not differ(np.stack(frame["acc"].tolist()), session.raw["acc"][:])
    columns = parquet_columns(path)
    for name in session.raw:
        assert not differ(np.asarray(columns[name][:]), session.raw[name][:])
    assert columns.rate == 100.0
    with pytest.raises(SinkError, match="something already"):
        session.to_parquet(tmp_path / "s.parquet")
    with pytest.raises(DataError, match="use to_zarr"):
        session.to_parquet(tmp_path / "t.parquet", GRAPH)
    assert not [each for each in tmp_path.iterdir() if "t.parquet" in each.name]


@pytest.mark.parametrize("size", [1, 1 << 8])
def test_exports_are_written_in_pieces(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    require("pyarrow")
    require("zarr")
    session = recorded(tmp_path / "s")
    most = [0]
    real = Column.__getitem__

    def watched(self: Column, index: Any) -> Any:
        found = real(self, index)
        most[0] = max(most[0], np.size(found) and len(np.atleast_1d(found)))
        return found

    monkeypatch.setattr("headrace.live.recording.exports.PIECE", size)
    monkeypatch.setattr("headrace.live.recording.export_parquet.PIECE", size)
    monkeypatch.setattr(Column, "__getitem__", watched)
    parquet, zarr = session.to_parquet(tmp_path / "p"), session.to_zarr(tmp_path / "z")
    assert most[0] < 160
    monkeypatch.undo()
    import xarray as xr

    with xr.open_zarr(zarr) as dataset:
        for name in session.raw:
            assert not differ(np.asarray(parquet_columns(parquet)[name][3:150]), session.raw[name][3:150])
            assert not differ(dataset[name].to_numpy(), session.raw[name][:])


def test_sound(tmp_path: Path) -> None:
    tone = np.sin(np.arange(4000) / 5) * 1.5
    with Recorder(tmp_path / "s") as recorder:
        recorder.write(
            Block({"timestamp": np.arange(4000.0), "tone": tone, "both": np.stack([tone, -tone], 1)}, rate=8000.0)
        )
    session = Session(tmp_path / "s")
    path = session.to_wav(tmp_path / "tone.wav", "both")
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        found = np.frombuffer(file.readframes(4000), "<i2").reshape(-1, 2)
    np.testing.assert_array_equal(found[:, 0], np.round(np.clip(tone, -1, 1) * 32767))
    with pytest.raises(DataError, match="Say which with column="):
        session.to_wav(tmp_path / "x.wav")
    with pytest.raises(SinkError, match="something already"):
        session.to_wav(path, "tone")
    with Recorder(tmp_path / "t") as recorder:
        recorder.write({"audio": np.arange(5, dtype=np.int16)})
    with pytest.raises(DataError, match="Say rate="):
        Session(tmp_path / "t").to_wav(tmp_path / "x.wav")
    Session(tmp_path / "t").to_wav(tmp_path / "x.wav", rate=100)
    assert not [each for each in tmp_path.iterdir() if each.name.endswith(".tmp")]


def test_where_no_folder_is_and_what_is_no_graph(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s") as recorder:
        recorder.write({"audio": np.arange(4, dtype=np.int16)})
    session = Session(tmp_path / "s")
    for write in (session.to_zarr, session.to_parquet, session.to_wav):
        with pytest.raises(SinkError, match="in a folder that is not there"):
            write(tmp_path / "none" / "such")
        gc.collect()  # nothing half made is told of when it goes
    with pytest.raises(StreamConfigError, match="got graph=5, wanted a Graph"):
        session.to_zarr(tmp_path / "a.zarr", graph=5)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
    scaled = session.signals([s.Scale("audio", name="y", scale_factor=2.0)])
    assert scaled["y"][:].tolist() == [0, 2, 4, 6]
