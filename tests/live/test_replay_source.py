"""A recording in place of its sensor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.block import Block, Pace
from headrace.errors import DamageError, DataError, StreamConfigError
from headrace.live.devices.clock import VirtualClock
from headrace.live.devices.protocol import Device
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.replay_source import ReplaySource
from headrace.live.recording.session import Session
from live.hand import balanced
from support.exactly import differ


def recorded(path: Path) -> list[Block]:
    rng, found = np.random.default_rng(0), []
    with Recorder(path) as recorder:
        for i in range(20):
            block = Block(
                {"timestamp": 50.0 + i + np.arange(4) / 4, "x": rng.normal(size=(4, 2))}, first=4 * i, rate=4.0
            )
            recorder.write(block, arrived=100.0 + i)
            found.append(block)
    return found


def test_rows_come_when_they_came(tmp_path: Path) -> None:
    blocks, clock = recorded(tmp_path / "s"), VirtualClock()
    source = ReplaySource(tmp_path / "s", speed=2.0, clock=clock)
    assert isinstance(source, Device)
    assert (source.rate, source.names) == (4.0, ("timestamp", "x"))
    source.start()
    clock.advance(0.1)
    first = source.read()
    assert not differ(first["x"], blocks[0]["x"])
    assert first.rate == 4.0
    clock.advance(1.0)
    assert source.read()["timestamp"].tolist() == [*blocks[1]["timestamp"], *blocks[2]["timestamp"]]
    clock.advance(100.0)
    source.stop()
    rest = source.read()
    assert rest.first == 12
    assert not differ(rest["x"], np.concatenate([block["x"] for block in blocks[3:]]))
    assert source.stats()["dropped"] == 0
    source.start()
    clock.advance(0.1)
    source.stop()
    assert not differ(source.read()["x"], blocks[0]["x"])


def test_it_goes_round_until_it_is_stopped(tmp_path: Path) -> None:
    recorded(tmp_path / "s")
    clock = VirtualClock()
    with ReplaySource(tmp_path / "s", clock=clock, loop=True) as source:
        clock.advance(30.5)
        assert source.read()["x"].shape[0] > 100
        assert source.is_active
    assert not [thread for thread in threading.enumerate() if "Replay" in thread.name]


def test_a_system_over_it_gives_what_it_gave_live(tmp_path: Path) -> None:
    from headrace.live.running.system import System

    blocks = recorded(tmp_path / "s")
    graph = s.Graph([s.LowPassFilter("x", name="low", order=3, cutoff_freq=1, sample_rate=4)])
    run = graph.run()
    live = np.concatenate([run(block)["low"] for block in blocks])
    seen: list[Any] = []
    system = System(ReplaySource(tmp_path / "s", speed=inf), graph)
    system.register_data_feed("seen", lambda block: seen.append(np.array(block["low"])))
    with system:
        for _ in range(1000):
            if sum(map(len, seen)) >= 80:
                break
            threading.Event().wait(0.01)
    assert not differ(np.concatenate(seen), live)


def harm(path: Path, block: Block) -> None:
    """Flip a bit of a block."""
    file = path / "raw_data.hrc"
    content = bytearray(file.read_bytes())
    content[content.index(block["x"].tobytes()) + 3] ^= 1
    file.write_bytes(content)


def test_damage_is_a_failure_or_left_out(tmp_path: Path) -> None:
    blocks = recorded(tmp_path / "s")
    harm(tmp_path / "s", blocks[2])
    source = ReplaySource(tmp_path / "s", speed=inf)
    source.start()
    while source.is_active:
        source.arrived.wait(1.0)
    assert source.state == "failed"
    assert len(source.read()["x"]) == 8
    with pytest.raises(DamageError, match="block 2"):
        source.read()
    source.stop()
    with ReplaySource(tmp_path / "s", speed=inf, damaged="skip") as source:
        while source.is_active:
            source.arrived.wait(1.0)
        there = [source.read(), source.read()]
        assert [(block.first, block.n) for block in there] == [(0, 8), (12, 68)]
        assert source.stats()["dropped"] == 4
        assert source.rate == 4.0
    with pytest.raises(StreamConfigError, match="no session"):
        ReplaySource(tmp_path / "nowhere")


def at_once(path: Path, **options: Any) -> tuple[list[Block], dict[str, Any]]:
    source, found = ReplaySource(path, speed=inf, **options), []
    with source:
        while source.is_active:
            source.arrived.wait(1.0)
    while block := source.read():
        found.append(block)
    return found, source.stats()


KINDS: dict[str, tuple[list[Block], list[int]]] = {
    "paces": (
        [
            Block({"x": np.arange(4), "s": np.arange(2)}, first=4 * i, paces={"s": Pace(Fraction(1, 2))})
            for i in range(2)
        ],
        [0, 4],
    ),
    "a column that comes later": (
        [Block({"x": np.arange(3)}), Block({"x": np.ones(3), "z": np.ones(3)}, first=3)],
        [0, 3],
    ),
    "another type": ([Block({"x": np.arange(3)}), Block({"x": np.arange(3.0)}, first=3)], [0, 3]),
    "a gap": ([Block({"x": np.arange(4)}, first=50), Block({"x": np.arange(4)}, first=100)], [0, 50]),
    "another start": ([Block({"x": np.arange(4)}, first=50), Block({"x": np.ones(4)}, first=0)], [0, 4]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_those_that_were_recorded(tmp_path: Path, kind: str) -> None:
    blocks, numbers = KINDS[kind]
    with Recorder(tmp_path / "s") as recorder:
        for block in blocks:
            recorder.write(block)
    found, stats = at_once(tmp_path / "s")
    assert [block.first for block in found] == numbers
    assert [block.paces for block in found] == [block.paces for block in blocks]
    for block, other in zip(found, blocks, strict=True):
        assert list(block) == list(other)
        assert differ(dict(block), dict(other)) == ""
    assert stats["dropped"] == (46 if kind == "a gap" else 0)
    assert balanced(stats)


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest", "fail"])
def test_what_nobody_reads_is_counted(tmp_path: Path, overflow: Any) -> None:
    blocks = recorded(tmp_path / "s")
    if overflow == "fail":
        with pytest.raises(DataError, match=r"rows, .* bytes, that nobody has read, and max_bytes=4000"):
            at_once(tmp_path / "s", max_bytes=4000, overflow=overflow)
        return
    found, stats = at_once(tmp_path / "s", max_bytes=4000, overflow=overflow)
    (block,) = found
    assert balanced(stats)
    assert stats["dropped"] == 80 - block.n > 0
    assert block.first == (stats["dropped"] if overflow == "drop_oldest" else 0)
    whole = np.concatenate([each["x"] for each in blocks])
    assert differ(block["x"], whole[block.first : block.first + block.n]) == ""


def test_marks_are_there(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s") as recorder:
        recorder.write({"x": np.arange(3)})
        recorder.mark("go", 4)
    assert [(mark.name, mark.value, mark.row) for mark in ReplaySource(tmp_path / "s").marks] == [("go", 4, 3)]


def marked(path: Path) -> list[Block]:
    """Record 20 blocks of 4 rows, and marks before, in, between, after them."""
    found = []
    with Recorder(path) as recorder:
        recorder.mark("begin")
        for i in range(20):
            block = Block({"timestamp": 50.0 + i + np.arange(4) / 4, "x": np.arange(4) + 4 * i}, first=4 * i, rate=4.0)
            recorder.write(block, arrived=100.0 + i)
            found.append(block)
            if i == 4:
                recorder.mark("in", {"left": True}, row=18)
                recorder.mark("between", 7)
        recorder.mark("end")
    return found


def again(source: ReplaySource, path: Path, until: Callable[[Any], bool] = lambda system: False) -> Session:
    """Record what a system reads of a recording."""
    from headrace.live.running.system import System

    system = System(source)
    system.record(path)
    system.start()
    while system.is_active and not until(system):
        threading.Event().wait(0.005)
    system.stop()
    return Session(path)


def told(session: Session) -> list[tuple[str, Any, int]]:
    return [(mark.name, mark.value, mark.row) for mark in session.marks]


def test_a_recording_of_a_recording_has_its_marks(tmp_path: Path) -> None:
    marked(tmp_path / "s")
    first = Session(tmp_path / "s")
    source = ReplaySource(tmp_path / "s", speed=inf)
    for name in ("t", "u"):  # the source begins again when it is started again
        found = again(source, tmp_path / name)
        assert found.raw["x"][:].tolist() == list(range(80))
        assert (
            told(found)
            == told(first)
            == [("begin", None, 0), ("in", {"left": True}, 18), ("between", 7, 20), ("end", None, 80)]
        )
        assert [mark.time for mark in found.marks] == [mark.time for mark in first.marks], "as the timestamps are"
        assert found.complete
        found.close()
    first.close()


def test_marks_stand_at_their_rows_in_every_lap(tmp_path: Path) -> None:
    marked(tmp_path / "s")
    found = again(
        ReplaySource(tmp_path / "s", speed=2000.0, loop=True),
        tmp_path / "t",
        lambda system: system.stats()["rows"] > 170,
    )
    rows = found.raw["x"][:]
    for name, _, row in told(found):
        before = {"begin": 79, "in": 17, "between": 19, "end": 79}[name]
        assert (row == 0 and name == "begin") or rows[row - 1] == before
    assert [each[0] for each in told(found)][:8] == ["begin", "in", "between", "end"] * 2
    found.close()


def test_marks_of_rows_that_are_not_recorded_are_left_out(tmp_path: Path) -> None:
    from headrace.live.running.system import System

    marked(tmp_path / "s")
    clock = VirtualClock()
    system = System(ReplaySource(tmp_path / "s", clock=clock), clock=clock)
    with system:
        clock.advance(4.5)  # five blocks
        while system.stats()["rows"] < 20:
            threading.Event().wait(0.005)
        clock.advance(1.0)
        while system.stats()["rows"] < 24:
            threading.Event().wait(0.005)
        system.record(tmp_path / "t")
        clock.advance(100.0)
        while system.is_active:
            threading.Event().wait(0.005)
    with Session(tmp_path / "t") as found:
        assert found.raw["x"][0] == 24
        assert told(found) == [("end", None, 56)]


def test_marks_keep_to_their_rows_where_damage_is_left_out(tmp_path: Path) -> None:
    blocks = marked(tmp_path / "s")
    harm(tmp_path / "s", blocks[2])
    with again(ReplaySource(tmp_path / "s", speed=inf, damaged="skip"), tmp_path / "t") as found:
        assert len(found.raw["x"]) == 76
        assert [row for _, _, row in told(found)] == [0, 14, 16, 76]
        assert found.raw["x"][13:15].tolist() == [17, 18]
