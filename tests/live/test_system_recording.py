"""Recording a system: what it begins with, what it keeps, how it ends."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.errors import HeadraceError, StreamConfigError, WorkerError
from headrace.live.devices.clock import VirtualClock
from headrace.live.recording.session import Session
from headrace.live.running.system import System
from headrace.live.tables import Table
from live.hand import HANG, Hand, balanced, until

GRAPH = s.Graph([
    s.LowPassFilter("x", name="low", order=2, cutoff_freq=5, sample_rate=100), s.Integrate("low", None, name="total")
])  # fmt: skip


def live(consumer: Any) -> dict[str, Any]:
    """Return all that a consumer is given, in one piece."""
    columns: dict[str, list[Any]] = {}
    for block in consumer:
        for name, column in block.items():
            columns.setdefault(name, []).append(column)
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def say(hand: Hand, blocks: int) -> None:
    rng = np.random.default_rng(hand.said)
    for _ in range(blocks):
        n = int(rng.integers(1, 30))
        hand.say(n, x=rng.normal(size=n))


def test_a_recording_asked_for_just_after_the_start_begins_with_the_first_row(tmp_path: Path) -> None:
    hand = Hand()
    system = System(hand, GRAPH, clock=VirtualClock())  # by which no time passes
    consumer = system.add_consumer(policy="grow")
    with system:
        say(hand, 10)
        system.read()
        system.add_derived_signal(s.Scale("low", name="twice", scale_factor=2.0))
        say(hand, 10)
        system.read()
        system.record(tmp_path / "session", subject="A. B.")
        say(hand, 10)
    session = Session(tmp_path / "session")
    seen = live(consumer)
    assert np.array_equal(session.raw["x"][:], seen["x"])
    whole = GRAPH({"x": session.raw["x"][:]})
    for name in ("low", "total"):
        assert np.array_equal(whole[name], seen[name]), name
    assert session.metadata["subject"] == "A. B."
    again = live(session.signals().blocks())
    assert list(again) == ["x", "low", "total", "twice"]
    for name, column in again.items():
        assert np.array_equal(column, seen[name]), f"{name}, as it was changed while it ran"


def test_a_recording_asked_for_before_the_start_has_it_all(tmp_path: Path) -> None:
    hand = Hand()
    system = System(hand, GRAPH)
    for k in range(2):
        system.record(tmp_path / f"session {k}")
        consumer = system.add_consumer(policy="grow")
        with system:
            say(hand, 20)
        seen = live(consumer)
        session = Session(tmp_path / f"session {k}")
        assert np.array_equal(session.raw["x"][:], seen["x"])
        assert np.array_equal(GRAPH({"x": session.raw["x"][:]})["total"], seen["total"])


def test_one_of_a_source_that_was_faster_than_we_has_it_all(tmp_path: Path) -> None:
    table = Table({"x": np.arange(6.0)}, lines_per_read=4)
    system = System(table, [s.Integrate("x", None, name="sum")], clock=VirtualClock())
    with system:
        until(lambda: system.state == "stopped")
        system.record(tmp_path / "first")
        assert system.join(HANG)
    with system:
        assert system.join(HANG)
        system.record(tmp_path / "second")  # who knows of the end means what comes next
        system.start()
        assert system.join(HANG)
    for name in ("first", "second"):
        session = Session(tmp_path / name)
        assert session.get_data()["sum"].tolist() == [0.0, 0.5, 2.0, 4.5, 8.0, 12.5], name
        session.close()


def test_one_asked_for_later_begins_with_the_state_of_the_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.live.running.rounds.EARLY", (1.0, 0))  # bytes
    hand = Hand()
    system = System(hand, GRAPH)
    with system:
        say(hand, 10)
        before = system.read()
        system.record(tmp_path / "session")
        say(hand, 10)
    after = system.read()
    session = Session(tmp_path / "session")
    assert np.array_equal(session.raw["x"][:], after["x"])
    assert before.n + after.n == hand.said
    assert np.array_equal(session.signals()["total"][:], after["total"])


def test_a_recording_keeps_marks_and_stops_with_every_row_that_came(tmp_path: Path) -> None:
    hand = Hand()
    with System(hand, GRAPH) as system:
        with pytest.raises(StreamConfigError, match="nothing is recorded"):
            system.mark("too early")
        system.record(tmp_path / "one")
        say(hand, 5)
        n = hand.said
        system.mark("stimulus", 3)
        system.stop_recording()
        system.stop_recording()
        say(hand, 5)
        system.record(tmp_path / "two")
        say(hand, 5)
    one, two = Session(tmp_path / "one"), Session(tmp_path / "two")
    assert len(one.raw["x"][:]) == n
    assert one.marks[0].name == "stimulus"
    assert len(two.raw["x"][:]) >= hand.said - n - 150


def test_a_system_records_to_one_place_at_a_time_that_must_not_exist(tmp_path: Path) -> None:
    system = System(Hand())
    (tmp_path / "taken").mkdir()
    with system:
        with pytest.raises(HeadraceError):
            system.record(tmp_path / "taken")
        system.record(tmp_path / "free")
        with pytest.raises(StreamConfigError, match="records already"):
            system.record(tmp_path / "other")
    assert not (tmp_path / "other").exists()


class Disk:
    """A recorder of somebody's own."""

    def __init__(self) -> None:
        self.x: list[float] = []
        self.stops = 0
        self.go = threading.Event()
        self.go.set()
        self.error: Exception | None = None

    def write(self, block: Any) -> None:
        self.go.wait(HANG)
        if self.error is not None:
            raise self.error
        self.x += block["x"].tolist()

    def stop(self) -> None:
        self.stops += 1


def test_a_slow_recorder_loses_nothing_and_delays_nobody() -> None:
    hand, disk = Hand(), Disk()
    disk.go.clear()
    with System(hand, GRAPH) as system:
        assert system.start_recording(None, disk) is disk
        for _ in range(50):
            hand.say(5)
            assert system.read().n == 5
        disk.go.set()
    assert disk.x == list(range(250))
    assert disk.stops == 1
    with pytest.raises(StreamConfigError, match="nothing is recorded"):
        system.mark("late")


def test_a_recorder_that_fails_is_told_and_everything_else_goes_on() -> None:
    hand, disk = Hand(), Disk()
    disk.error = OSError(28, "No space left on device")
    with System(hand, GRAPH) as system:
        system.start_recording(None, disk)
        hand.say(5)
        until(lambda: system.stats()["consumers"]["recording"]["state"] == "failed")
        with pytest.raises(OSError, match="No space left"):
            system.read()
        assert balanced(system.stats()["consumers"]["recording"])
        hand.say(5)
        assert system.read()["x"].tolist() == list(range(10))
        with pytest.raises(StreamConfigError, match="keeps no marks"):
            system.mark("here")
        system.stop_recording()
    assert disk.stops == 1


def test_a_recorder_that_hangs_is_given_up_and_told() -> None:
    hand, disk = Hand(), Disk()
    disk.go.clear()
    system = System(hand, patience=0.5)
    system.start_recording(None, disk)
    system.start()
    hand.say(5)
    with pytest.raises(WorkerError, match="has not come back"):
        system.stop()
    assert disk.stops == 0, "it may be at work still"
    disk.go.set()
    with system:
        system.start_recording(None, Disk())


def test_what_is_no_recorder_is_refused() -> None:
    system = System(Hand())
    with pytest.raises(StreamConfigError, match="wanted one with write"):
        system.start_recording(None, object())
    with system:
        system.start_recording(None, Disk())


def test_a_failure_of_the_source_ends_the_recording_with_all_its_rows(tmp_path: Path) -> None:
    hand = Hand()
    system = System(hand, GRAPH)
    system.start()
    system.record(tmp_path / "session")
    hand.say(7)
    hand.fail(ZeroDivisionError("mine"))
    with pytest.raises(ZeroDivisionError):
        system.join(HANG)
    assert Session(tmp_path / "session").raw["x"][:].tolist() == list(range(7))


def test_a_recording_that_waits_for_a_slow_block_begins_with_the_first_row_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts when it was asked for, and not when the block that is computed then is done."""
    entered, go, hand = threading.Event(), threading.Event(), Hand()

    def slow(x: Any) -> Any:
        if len(x):
            entered.set()
            go.wait(HANG)
        return x

    system = System(hand, [s.signal(slow)("x", name="y")], clock=VirtualClock())
    with system:
        hand.say(5)
        assert entered.wait(HANG)
        thread = threading.Thread(target=system.record, args=(tmp_path / "session",))
        thread.start()
        until(lambda: system._pump.keep)  # it waits
        monkeypatch.setattr("headrace.live.running.rounds.EARLY", (0.0, 0))  # and it is late by now
        hand.say(5)
        go.set()
        thread.join(HANG)
    assert Session(tmp_path / "session").raw["x"][:].tolist() == list(range(10))
