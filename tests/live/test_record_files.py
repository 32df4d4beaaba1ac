"""Recorders to one file: sound, CSV, parquet, pickle, each read back as it was given, and what a kill leaves of it."""

from __future__ import annotations

import os
import pickle
import shutil
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block, Pace
from headrace.errors import ClosedError, DataError, SinkError, StreamConfigError
from headrace.live.recording.folder import create_session
from headrace.live.recording.pickles import PickleRecorder
from headrace.live.recording.recorders import CsvFileRecorder, DataFrameRecorder, ParquetFileRecorder, WavFileRecorder
from headrace.live.recording.session import Session
from headrace.testing import check_sink
from support.exactly import differ
from support.require import require

RNG = np.random.default_rng(0)


def sound(n: int = 10, channels: int = 1, dtype: str = "i2") -> list[dict[str, Any]]:
    info = np.iinfo(dtype)
    shape = (7,) if channels == 1 else (7, channels)
    return [{"audio": RNG.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)} for _ in range(n)]


def table(n: int = 10) -> list[dict[str, Any]]:
    return [
        {
            "timestamp": 1.7e9 + RNG.random(5),
            "x": RNG.normal(size=5).astype(np.float32),
            "acc": RNG.normal(size=(5, 3)),
            "i": RNG.integers(-(2**62), 2**62, 5),
            "on": RNG.random(5) < 0.5,
        }
        for _ in range(n)
    ]


def joined(blocks: list[Any], name: str) -> Any:
    return np.concatenate([block[name] for block in blocks])


def session(folder: Path, suffix: str) -> Path:
    return create_session(folder / "s") / f"raw_data{suffix}"


@pytest.mark.parametrize(("channels", "width", "dtype"), [(1, 2, "i2"), (2, 2, "i2"), (3, 4, "i4"), (1, 1, "u1")])
def test_sound_is_what_was_heard(tmp_path: Path, channels: int, width: int, dtype: str) -> None:
    blocks, path = sound(channels=channels, dtype=dtype), session(tmp_path, ".wav")
    with WavFileRecorder(path, 8000, channels, width) as recorder:
        for i, block in enumerate(blocks):
            recorder.write(block)
            shutil.copy(path, tmp_path / "now.wav")  # as a kill would leave it
            with wave.open(str(tmp_path / "now.wav")) as file:
                assert file.getnframes() == 7 * (i + 1)
    raw = Session(tmp_path / "s").raw
    assert not differ(raw["audio"][:], joined(blocks, "audio"))
    assert not differ(raw["audio"][13:30], joined(blocks, "audio")[13:30])
    assert raw.rate == 8000
    assert not differ(np.concatenate([block["audio"] for block in raw.blocks(9)]), joined(blocks, "audio"))


def test_sound_of_another_kind_is_refused(tmp_path: Path) -> None:
    with WavFileRecorder(tmp_path / "x.wav", frame_rate=8000, n_channels=1, sample_width=2) as recorder:
        recorder.write({"timestamp": np.zeros(2), "mic": np.zeros(2, np.int16)})
        for wrong in (np.zeros(3), np.zeros(3, np.int32), np.zeros((3, 2), np.int16)):
            with pytest.raises(DataError, match="wanted int16"):
                recorder.write({"audio": wrong})
        with pytest.raises(DataError, match="Say which with column="):
            recorder.write({"left": np.zeros(2, np.int16), "right": np.zeros(2, np.int16)})
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert file.getnframes() == 2
    for wrong_width in (3, 8):
        with pytest.raises(StreamConfigError, match="1, 2 or 4"):
            WavFileRecorder(tmp_path / "y.wav", 8000, 1, wrong_width)
    assert not (tmp_path / "y.wav").exists()


def test_a_csv_file_holds_the_very_numbers(tmp_path: Path) -> None:
    blocks, path = table(), session(tmp_path, ".csv")
    with CsvFileRecorder(path) as recorder:
        for block in blocks:
            recorder.write(block)
        assert len(path.read_text().splitlines()) == 51, "at once: a kill loses nothing"
    raw = Session(tmp_path / "s").raw
    assert list(raw) == ["timestamp", "x", "acc_0", "acc_1", "acc_2", "i", "on"]
    assert not differ(raw["timestamp"], joined(blocks, "timestamp"))
    assert not differ(raw["acc_1"], np.ascontiguousarray(joined(blocks, "acc")[:, 1]))
    assert not differ(raw["i"], joined(blocks, "i"))
    assert not differ(raw["x"].astype(np.float32), joined(blocks, "x"))


def test_tables_refuse_what_has_no_place_in_them(tmp_path: Path) -> None:
    slow = Block({"x": np.zeros(4), "s": np.zeros(2)}, paces={"s": Pace(Fraction(2), Fraction(1))})
    for kind in (CsvFileRecorder, PickleRecorder):
        with kind(tmp_path / kind.__name__) as recorder:
            recorder.write({"x": np.zeros(2)})
            with pytest.raises(DataError, match="record with a Recorder"):
                recorder.write({"y": np.zeros(2)})
            with pytest.raises(DataError, match=r"(a pace of its own|several paces)"):
                recorder.write(slow)
    with CsvFileRecorder(tmp_path / "twice") as recorder, pytest.raises(DataError, match="would be called 'a_1'"):
        recorder.write({"a": np.zeros((2, 2)), "a_1": np.zeros(2)})


def test_a_kind_of_table_of_ones_own(tmp_path: Path) -> None:
    class Json(DataFrameRecorder):
        def serialize_frame(self, df: Any, initial_frame: bool) -> bytes:
            return (b"" if initial_frame else b"\n") + str(df.to_json(orient="values")).encode()

    with Json(tmp_path / "x.json") as recorder:
        recorder.write({"x": np.array([1, 2])})
        recorder.write({"x": np.array([3])})
    assert (tmp_path / "x.json").read_text() == "[[1],[2]]\n[[3]]"


def test_a_parquet_file_gives_the_same_arrays(tmp_path: Path) -> None:
    require("pyarrow")
    blocks, path = table(), session(tmp_path, ".parquet")
    with ParquetFileRecorder(path) as recorder:
        for block in blocks[:6]:
            recorder.write(block)
        assert not path.exists()
        left = Session(tmp_path / "s")  # after a kill now
        assert not differ(left.raw["acc"][:], joined(blocks[:6], "acc"))
        left.close()
        for block in blocks[6:]:
            recorder.write(block)
    assert [each.name for each in path.parent.iterdir() if each.name.startswith("raw")] == ["raw_data.parquet"]
    assert Session(tmp_path / "s").complete is None, "such a file does not tell"
    raw = Session(tmp_path / "s").raw
    for name in blocks[0]:
        assert not differ(np.asarray(raw[name][:]), joined(blocks, name)), name
        assert not differ(np.asarray(raw[name][7:21]), joined(blocks, name)[7:21]), name


def test_what_parquet_cannot_hold_stays_in_a_recording(tmp_path: Path) -> None:
    require("pyarrow")
    path = session(tmp_path, ".parquet")
    recorder = ParquetFileRecorder(path)
    recorder.write({"z": np.array([1j])})
    with pytest.raises(DataError, match="for which parquet has none") as caught:
        recorder.close()
    assert "raw_data.hrc" in caught.value.__notes__[0]
    assert Session(tmp_path / "s").raw["z"].tolist() == [1j]


def test_pickles_are_whole_after_any_number_of_flushes(tmp_path: Path) -> None:
    """What destroys a recording in other software: more rows than the buffer holds, twice."""
    blocks, path = table(50), session(tmp_path, ".pickle")
    with PickleRecorder(path, rec_buffer_size=60) as recorder:
        for block in blocks[:40]:
            recorder.write(block)
        left = Session(tmp_path / "s").raw  # after a kill now: what was collected last is missing
        assert left.n == 180
        assert not differ(left["acc"], joined(blocks, "acc")[:180])
        content = path.read_bytes()
        for block in blocks[40:]:
            recorder.write(block)
    with open(path, "rb") as file:
        found = pickle.load(file)
        assert file.read() == b""
    for name in blocks[0]:
        assert not differ(found[name], joined(blocks, name)), name
    path.write_bytes(content[:-7])  # killed while writing
    assert Session(tmp_path / "s").raw.n == 120


def test_pickles_of_someone_else_run_nothing(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "evil"),)

    path = session(tmp_path, ".pkl")
    path.write_bytes(pickle.dumps({"x": Evil()}))
    with pytest.raises(DataError, match="allow_pickle=True"):
        _ = Session(tmp_path / "s").raw
    assert not (tmp_path / "evil").exists()
    path.write_bytes(
        pickle.dumps({"x": np.arange(3), "d": np.array(["2020-01-01"] * 3, "M8[D]"), "o": np.array([1, "a", None])})
    )
    raw = Session(tmp_path / "s").raw
    assert raw["x"].tolist() == [0, 1, 2]
    assert raw["o"].tolist() == [1, "a", None]
    path.write_bytes(pickle.dumps({"x": [Fraction(1, 2)] * 2}))
    assert Session(tmp_path / "s", allow_pickle=True).raw["x"].tolist() == [Fraction(1, 2)] * 2


@pytest.mark.parametrize("kind", [CsvFileRecorder, ParquetFileRecorder, PickleRecorder, WavFileRecorder])
def test_every_kind_is_a_sink_that_overwrites_nothing(tmp_path: Path, kind: Any) -> None:
    require("pyarrow")
    options = (8000,) if kind is WavFileRecorder else ()
    items = sound() if kind is WavFileRecorder else [{"x": RNG.normal(size=3)} for _ in range(5)]
    report = check_sink(lambda folder: kind(folder / "x.data", *options), items=items)
    assert "closing twice" in report.held
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(SinkError, match="nothing is ever recorded over"):
        kind(tmp_path / "mine", *options)
    assert (tmp_path / "mine").read_text() == "mine"
    recorder = kind(tmp_path / "new", *options)
    recorder.write(items[0])
    recorder.stop()
    with pytest.raises(ClosedError):
        recorder.write(items[0])
    with pytest.raises(SinkError):
        kind(tmp_path / "no" / "folder", *options)
    with pytest.raises(StreamConfigError):
        PickleRecorder(tmp_path / "p", rec_buffer_size=0)


@pytest.mark.parametrize("kind", [CsvFileRecorder, PickleRecorder])
def test_nothing_recorded_is_an_empty_session(tmp_path: Path, kind: Any) -> None:
    path = session(tmp_path, ".csv" if kind is CsvFileRecorder else ".pickle")
    kind(path).close()
    assert Session(tmp_path / "s").raw.n == 0
    (tmp_path / "s" / path.name).rename(tmp_path / "s" / "raw_data.xyz")
    with pytest.raises(DataError, match=r"wanted one of \.wav, \.csv"):
        _ = Session(tmp_path / "s").raw
