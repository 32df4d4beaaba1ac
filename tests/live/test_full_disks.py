"""Writers of recordings on a disk that gets full: one error for all of them, and nothing lost that was there."""

from __future__ import annotations

import errno
import os
import pickle
import tempfile
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block
from headrace.errors import SinkError
from headrace.live import FileSource, Recorder, Session, System
from headrace.live.recording.export_parquet import parquet_columns, to_parquet
from headrace.live.recording.exports import to_wav, to_zarr
from headrace.live.recording.pickles import PickleRecorder
from headrace.live.recording.recorders import CsvFileRecorder, ParquetFileRecorder, WavFileRecorder
from headrace.live.running.consumer import Consumer
from live.hand import HANG, Hand, balanced, until
from support.full_disk import check_refused, full_disk
from support.require import require

NOISE = np.random.default_rng(3).integers(-9999, 9999, 30_000).astype(np.int16)


def block(first: int, n: int) -> Block:
    return Block({"audio": NOISE[first : first + n]}, first=first)


def _heard(path: Path) -> Any:
    with wave.open(str(path)) as file:
        found = np.frombuffer(file.readframes(1 << 20), "<i2")
        assert len(found) == file.getnframes()
    return found


def _read(path: Path) -> Any:
    with FileSource(path, -1) as source:
        return source.read()["audio"]


def _unpickled(path: Path) -> Any:
    with open(path, "rb") as file:
        return pickle.load(file)["audio"]


KINDS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any], str]] = {
    "a.wav": (lambda path: WavFileRecorder(path, 8000), _heard, "WavFileRecorder"),
    "a.csv": (CsvFileRecorder, _read, "CsvFileRecorder"),
    "a.pickle": (lambda path: PickleRecorder(path, rec_buffer_size=1), _unpickled, "PickleRecorder"),
    "a.parquet": (ParquetFileRecorder, lambda path: parquet_columns(path)["audio"][:], "a recording"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_recorder_keeps_what_it_took_and_goes_on_when_there_is_room(name: str, tmp_path: Path) -> None:
    require("pyarrow")
    make, read, who = KINDS[name]
    path = tmp_path / name
    file = path.with_suffix(".hrc") if name == "a.parquet" else path
    with make(path) as recorder:
        recorder.write(block(0, 100))
        size = file.stat().st_size
        with full_disk(size + 1000):
            for _ in range(2):
                with pytest.raises(SinkError, match="File too large") as caught:
                    recorder.write(block(100, 20_000))
                check_refused(caught.value, who, file)
        assert file.stat().st_size == size, "what went half into it is out again"
        assert recorder.rows == 100
        if name == "a.wav":
            assert _heard(path).tolist() == NOISE[:100].tolist(), "it can be played at any moment"
        recorder.write(block(20_100, 500))
        assert recorder.rows == 600
    assert read(path).tolist() == np.concatenate([NOISE[:100], NOISE[20_100:20_600]]).tolist()


@pytest.mark.parametrize("name", KINDS)
def test_a_recorder_that_a_full_disk_has_stopped_can_be_closed(name: str, tmp_path: Path) -> None:
    require("pyarrow")
    make, read, _ = KINDS[name]
    recorder = make(tmp_path / name)
    recorder.write(block(0, 100))
    with full_disk(2500):
        with pytest.raises(SinkError):
            recorder.write(block(100, 20_000))
        recorder.close()
        recorder.close()
    assert read(tmp_path / name).tolist() == NOISE[:100].tolist()


def test_rows_that_wait_for_a_pickle_are_written_by_the_close_that_finds_room(tmp_path: Path) -> None:
    path = tmp_path / "a.pickle"
    recorder = PickleRecorder(path)
    recorder.write(block(0, 20_000))
    with full_disk(100):
        for _ in range(2):
            with pytest.raises(SinkError, match="File too large") as caught:
                recorder.close()
            check_refused(caught.value, "PickleRecorder", path)
    recorder.close()
    recorder.close()
    assert _unpickled(path).tolist() == NOISE[:20_000].tolist()


def test_a_parquet_file_that_finds_no_room_leaves_its_data_beside_it(tmp_path: Path) -> None:
    require("pyarrow")
    recorder = ParquetFileRecorder(tmp_path / "a.parquet")
    recorder.write(block(0, 20_000))
    with full_disk(100), pytest.raises(SinkError, match="File too large") as caught:
        recorder.close()
    assert "the data is in" in str(caught.value.__notes__)
    recorder.close()
    assert os.listdir(tmp_path) == ["a.hrc"]


STARTS: dict[str, Callable[[Path], Any]] = {
    **{name: KINDS[name][0] for name in ("a.wav", "a.parquet")},
    "session": Recorder,
}


@pytest.mark.parametrize("most", [0, 10, 20])
@pytest.mark.parametrize("name", STARTS)
def test_what_cannot_be_begun_leaves_nothing_and_can_be_begun_with_room(name: str, most: int, tmp_path: Path) -> None:
    require("pyarrow")
    with full_disk(most), pytest.raises(SinkError, match="File too large") as caught:
        STARTS[name](tmp_path / name)
    assert isinstance(caught.value.__cause__, OSError)
    assert not os.listdir(tmp_path)
    with STARTS[name](tmp_path / name) as recorder:
        recorder.write(block(0, 7))
    assert recorder.rows == 7


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as there:
        there.setattr(os, "mkdir", refuse)
        for path in (tmp_path / "s", tmp_path / "a" / "b"):
            with pytest.raises(SinkError, match="Read-only file system") as caught:
                Recorder(path)
            check_refused(caught.value, "a recording", path)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("most", [0, 300, 10_000])
@pytest.mark.parametrize("write", [to_wav, to_parquet, to_zarr])
def test_an_export_that_finds_no_room_leaves_nothing(write: Callable[..., Path], most: int, tmp_path: Path) -> None:
    require("pyarrow")
    require("zarr")
    with Recorder(tmp_path / "s") as recorder:
        recorder.write(Block({"audio": NOISE}, rate=8000.0))
    with Session(tmp_path / "s") as session:
        with full_disk(most), pytest.raises(SinkError, match="File too large") as caught:
            write(session.raw, tmp_path / "made")
        check_refused(caught.value, write.__name__, tmp_path / "made")
        assert os.listdir(tmp_path) == ["s"]
        write(session.raw, tmp_path / "made")
    assert (tmp_path / "made").exists()


# --- what spills --------------------------------------------------------------------------------------


def _refused(consumer: Consumer) -> None:
    """Give it 2000 rows, of which some spill, and then more than the disk takes."""
    for k in range(20):
        consumer.offer(block(100 * k, 100), came=0.0)
    assert consumer.stats()["spilled_bytes"] > 0
    with full_disk(consumer.stats()["spilled_bytes"] + 100):
        consumer.offer(block(2000, 20_000), came=0.0)
        consumer.offer(block(22_000, 100), came=0.0)


def test_who_reads_gets_what_had_spilled_before_the_disk_was_full() -> None:
    consumer, found = Consumer(policy="spill", limit=1000), []
    consumer.begin()
    _refused(consumer)
    while consumer.stats()["pending"]:
        found.append(consumer.read()["audio"])
    assert np.concatenate(found).tolist() == NOISE[:2000].tolist()
    for _ in range(2):
        with pytest.raises(SinkError, match="File too large") as caught:
            consumer.read()
        check_refused(caught.value, "a consumer that spills", tempfile.gettempdir())
    assert balanced(consumer.stats())
    consumer.close()


def test_a_callback_gets_what_had_spilled_before_the_disk_was_full() -> None:
    go, taking, found = threading.Event(), threading.Event(), []

    def slow(each: Block) -> None:
        taking.set()
        assert go.wait(HANG)
        found.append(each["audio"])

    consumer = Consumer(slow, policy="spill", limit=1000)
    consumer.begin()
    consumer.offer(block(0, 0), came=0.0)
    assert taking.wait(HANG)
    _refused(consumer)
    assert isinstance(consumer.failure, SinkError)
    assert consumer.state == "failed"
    go.set()
    consumer.end()
    consumer.join()
    assert np.concatenate(found).tolist() == NOISE[:2000].tolist()
    assert balanced(consumer.stats())
    with pytest.raises(SinkError, match="spills"):
        consumer.close()
    consumer.close()


def test_a_recording_keeps_what_had_come_before_the_spill_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.live.running.waiting.LIMIT", 1000)
    hand, disk = Hand(), _Slow()
    system = System(hand)
    system.start_recording(None, disk)
    system.start()
    hand.say(5)
    until(lambda: disk.taking)

    def counts() -> Any:
        return system.stats()["consumers"]["recording"]

    def spills() -> bool:
        hand.say(5)
        return bool(counts()["spilled_bytes"])

    until(spills)
    until(lambda: counts()["produced"] == hand.said)
    before, rows = counts(), hand.said
    with full_disk(before["spilled_bytes"] + 10):
        hand.say(5)
        until(lambda: system.recording_failure is not None)
    disk.go.set()
    with pytest.raises(SinkError, match="spills"):
        system.stop()
    assert sum(disk.rows) == rows
    assert disk.closed == 1


class _Slow:
    """A recorder whose disk takes a while."""

    def __init__(self) -> None:
        self.go, self.taking, self.closed = threading.Event(), False, 0
        self.rows: list[int] = []

    def write(self, each: Block) -> None:
        self.taking = True
        assert self.go.wait(HANG)
        self.rows.append(each.n)

    def close(self) -> None:
        self.closed += 1
