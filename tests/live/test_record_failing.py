"""A disk that fails or is slow: nothing is written twice, nothing is said to be kept that is not."""

from __future__ import annotations

import contextlib
import os
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.live.recording.container
import headrace.signals as s
from headrace.core.block import Block, Pace
from headrace.errors import DataError, SinkError, StreamConfigError
from headrace.live.devices.clock import VirtualClock
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.session import Session
from headrace.live.running.system import System
from live.hand import HANG, Hand, until

FULL = OSError(28, "No space left on device")


class Disk:
    """The disk below recorders: it takes a while, or is full, when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.go = 0, threading.Event()
        self.go.set()
        self.full_when: Any = lambda part: False
        real = headrace.live.recording.container._write_all

        def write(fd: int, part: Any) -> int:
            self.calls += 1
            assert self.go.wait(HANG)
            if self.full_when(bytes(part)):
                raise FULL
            return real(fd, part)

        monkeypatch.setattr(headrace.live.recording.container, "_write_all", write)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_a_block_whose_changes_cannot_be_kept_is_not_kept_and_can_be_written_again(tmp_path: Path, disk: Disk) -> None:
    graph = s.Graph([s.Scale("x", name="y", scale_factor=2.0)])
    run = graph.run()
    with Recorder(tmp_path / "s", run=run) as recorder:
        for i in range(3):
            if i:
                run.set("y.scale_factor", 3.0 + i)
            block = Block({"x": np.arange(3.0) + 3 * i}, first=3 * i)
            run(block)
            if i == 1:
                disk.full_when = lambda part: b"CHNG" in part
                with pytest.raises(SinkError, match="No space left"):
                    recorder.write(block)
                assert recorder.rows == 3
                assert isinstance(recorder.failure, SinkError)
                disk.full_when = lambda part: False
            recorder.write(block)
        assert recorder.failure is None
    session = Session(tmp_path / "s")
    assert session.complete is True
    assert session.raw["x"][:].tolist() == list(range(9))
    assert session.signals()["y"][:].tolist() == [0, 2, 4, 12, 16, 20, 30, 35, 40]


def test_a_block_that_is_missing_makes_a_session_incomplete(tmp_path: Path, disk: Disk) -> None:
    with Recorder(tmp_path / "s") as recorder:
        for i in range(4):
            disk.full_when = lambda part, i=i: b"ROWS" in part and i == 2
            with contextlib.suppress(SinkError):
                recorder.write(Block({"x": np.full(2, i)}, first=2 * i))
    session = Session(tmp_path / "s")
    assert session.raw["x"][:].tolist() == [0, 0, 1, 1, 3, 3]
    assert session.complete is False
    assert session.failure is not None
    assert "No space left" in session.failure


def test_closing_tells_what_the_disk_did_not_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
    real, failing = getattr(os, name), [True]

    def once(fd: int) -> None:
        if failing:
            failing.clear()
            raise OSError(5, "Input/output error")
        real(fd)

    recorder = Recorder(tmp_path / "s", sync=0.01)
    recorder.write({"x": np.zeros(3)})
    monkeypatch.setattr(os, name, once)
    recorder.mark("something to keep")
    until(lambda: recorder.last_error is not None)
    with pytest.raises(SinkError, match="Input/output error"):
        recorder.close()
    recorder.close()
    session = Session(tmp_path / "s")
    assert session.raw.n == 3
    assert session.complete is True, "as a file"


def test_blocks_that_are_written_together_are_as_those_written_one_by_one(tmp_path: Path, disk: Disk) -> None:
    blocks = [Block({"x": np.arange(3) + 3 * i}, first=3 * i) for i in range(100)]
    with Recorder(tmp_path / "one") as one:
        for k, block in enumerate(blocks):
            one.write(block, float(k))
    with Recorder(tmp_path / "all") as every:
        every.write(blocks[0], 0.0)
        before = disk.calls
        every.write_all([(block, float(k)) for k, block in enumerate(blocks)][1:])
        assert disk.calls - before <= 3
    assert (every.rows, every.blocks) == (one.rows, one.blocks)
    a, b = Session(tmp_path / "one"), Session(tmp_path / "all")
    assert [each["x"].tolist() for each in a.blocks()] == [each["x"].tolist() for each in b.blocks()]
    assert [each.first for each in a.blocks()] == [each.first for each in b.blocks()]
    assert b.verify() == ()


def test_of_blocks_that_are_written_together_those_before_one_that_fails_are_kept(tmp_path: Path, disk: Disk) -> None:
    def block(i: int, value: Any) -> tuple[Block, float]:
        return Block({"x": value}, first=i), 0.0

    recorder = Recorder(tmp_path / "s")
    with pytest.raises(DataError, match="only a pickle"):
        recorder.write_all([block(0, [1]), block(1, [2]), block(2, np.array([object()], object)), block(3, [4])])
    assert (recorder.rows, recorder.blocks) == (2, 2)
    bad = np.array([77777777])
    disk.full_when = lambda part: bad.tobytes() in part
    with pytest.raises(SinkError):
        recorder.write_all([block(2, [3]), block(3, bad), block(4, [5])])
    recorder.write_all([])
    recorder.close()
    session = Session(tmp_path / "s")
    assert session.raw["x"][:].tolist() == [1, 2, 3]
    assert session.complete is False


def test_a_slow_disk_is_hardly_behind(tmp_path: Path, disk: Disk) -> None:
    hand = Hand()
    system = System(hand)
    recorder = system.record(tmp_path / "s")
    with system:
        hand.say()
        until(lambda: recorder.rows == 1)
        before = disk.calls
        disk.go.clear()
        for _ in range(100):
            hand.say()
            system.read()
        disk.go.set()
        until(lambda: recorder.rows == 101)
        assert disk.calls - before < 10, "with one for each block it would be long behind"
    assert Session(tmp_path / "s").raw["x"][:].tolist() == list(range(101))
    assert recorder.blocks > 20, "each is a block still"


def test_a_recording_that_fails_is_told_at_once_and_another_takes_its_place(tmp_path: Path, disk: Disk) -> None:
    hand = Hand()
    with System(hand) as system:
        assert system.recording_failure is None
        recorder = system.record(tmp_path / "one")
        hand.say(5)
        until(lambda: recorder.rows == 5)
        assert system.recording_failure is None
        with pytest.raises(StreamConfigError, match="records already"):
            system.record(tmp_path / "other")
        disk.full_when = lambda part: True
        hand.say(5)
        until(lambda: system.recording_failure is not None)
        disk.full_when = lambda part: False
        assert "No space left" in str(system.recording_failure)
        assert system.last_error is system.recording_failure
        with pytest.raises(SinkError, match=r"has failed, and keeps no more.*No space left"):
            system.mark("late")
        system.record(tmp_path / "two")
        assert system.recording_failure is None
        with pytest.raises(SinkError, match="No space left"):
            system.read()
        hand.say(5)
        system.mark("good")
    one, two = Session(tmp_path / "one"), Session(tmp_path / "two")
    assert one.raw["x"][:].tolist() == list(range(5))
    assert (one.complete, two.complete) == (False, True)
    assert "No space left" in str(one.failure)
    assert two.raw["x"][-1] == 14
    assert system.recording_failure is None


def test_what_a_recording_failed_with_is_told_after_its_end(tmp_path: Path, disk: Disk) -> None:
    hand = Hand()
    system = System(hand)
    system.record(tmp_path / "s")
    disk.full_when = lambda part: b"ROWS" in part
    with pytest.raises(SinkError, match="No space left"), system:
        hand.say(5)
    assert isinstance(system.recording_failure, SinkError)
    assert Session(tmp_path / "s").complete is False


def test_a_mark_tells_the_row_that_had_come_however_slow_the_disk_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    real = Recorder.write_all
    monkeypatch.setattr(Recorder, "write_all", lambda self, blocks: (go.wait(HANG), real(self, blocks))[1])
    monkeypatch.setattr("headrace.live.running.rounds.EARLY", (1.0, 0))  # bytes: it begins later than the system
    hand = Hand()
    with System(hand, clock=VirtualClock()) as system:
        hand.say(7)
        system.read()
        system.record(tmp_path / "s")
        assert system.mark("at once").row == 0
        for k in range(1, 6):
            hand.say(10)
            system.read()
            assert system.mark(f"{k}").row == 10 * k
        go.set()
    session = Session(tmp_path / "s")
    assert [mark.row for mark in session.marks] == [0, 10, 20, 30, 40, 50]
    assert session.raw["x"][session.marks[1].row] == 17
    monkeypatch.undo()
    for k in range(2):  # one that begins with the system, whose rows are counted on
        with system:
            hand.say(7)
            system.read()
            system.record(tmp_path / f"with {k}")
            assert system.mark("now").row == 7


def test_the_pace_of_rows_that_come_through_another_is_kept(tmp_path: Path) -> None:
    slow = Pace(Fraction(3), Fraction(2)).then(Pace(Fraction(1, 2), Fraction(1, 2)))
    assert slow.through
    block = Block.of({"x": np.arange(7), "y": np.arange(slow.rows_before(7))}, 0, 7, None, {"y": slow}, {}, None, None)
    with Recorder(tmp_path / "s") as recorder:
        recorder.write(block)
    session = Session(tmp_path / "s")
    assert next(session.blocks()).paces["y"] == slow
    assert session.raw.paces["y"] == slow
