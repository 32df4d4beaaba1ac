"""Replay: the blocks that came, when they came, as a stream like any other."""

from __future__ import annotations

from math import inf
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.block import Block
from headrace.core.registry import find
from headrace.errors import DamageError, DataError, StreamConfigError
from headrace.live.devices.clock import SystemClock, VirtualClock
from headrace.live.recording.folder import create_session
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.replay import Replay, replay
from headrace.live.recording.session import Session
from headrace.testing import check_stream
from support.exactly import differ

CAME = [0.0, 0.01, 0.05, 0.05, 1.0, 1.3]


class Told(SystemClock):
    """A clock that is moved by waiting, and says what was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.at, self.waits = 100.0, list[float]()

    def now(self) -> float:
        return self.at

    def wait_until(self, t: float, wake: Event | None = None) -> bool:
        self.waits.append(t)
        self.at = max(self.at, t)
        return True


def recorded(path: Path) -> list[Block]:
    rng, found = np.random.default_rng(0), []
    with Recorder(path) as recorder:
        for i, came in enumerate(CAME):
            block = Block({"timestamp": came + np.arange(4.0), "x": rng.normal(size=(4, 2))}, first=4 * i, rate=400.0)
            recorder.write(block, arrived=1000.0 + came)
            found.append(block)
    return found


def test_it_keeps_the_laws_of_streams() -> None:
    example = find("replay").example
    assert example is not None
    report = check_stream(example(), items=100)
    assert report.skipped.get("resume") is None
    assert "the same in another process" in report.held
    check_stream(example() | s.Graph([s.Integrate("acc", name="speed")]), items=100)


def test_blocks_are_those_of_the_recording_byte_for_byte(tmp_path: Path) -> None:
    blocks = recorded(tmp_path / "s")
    found = list(replay(tmp_path / "s", speed=inf))
    assert len(replay(tmp_path / "s")) == len(found) == len(blocks)
    for mine, theirs in zip(found, blocks, strict=True):
        assert not differ(dict(mine), dict(theirs))
        assert (mine.first, mine.rate, mine.n) == (theirs.first, theirs.rate, theirs.n)
        assert not mine["x"].flags.writeable


@pytest.mark.parametrize("speed", [1, 10.0, 0.5])
def test_time_goes_as_it_went_at_any_speed(tmp_path: Path, speed: float) -> None:
    recorded(tmp_path / "s")
    clock = Told()
    assert len(list(replay(tmp_path / "s", speed, clock))) == len(CAME)
    np.testing.assert_allclose(clock.waits, [100 + came / speed for came in CAME])


def test_a_reader_that_is_late_once_makes_no_other_block_late(tmp_path: Path) -> None:
    recorded(tmp_path / "s")
    clock = Told()
    with replay(tmp_path / "s", 1, clock).open() as cursor:
        next(cursor)
        clock.at += 0.9
        cursor.take(5)
    np.testing.assert_allclose(clock.waits, [100 + came for came in CAME])


def test_a_resumed_or_advanced_pass_does_not_wait_for_what_was_before(tmp_path: Path) -> None:
    blocks = recorded(tmp_path / "s")
    with replay(tmp_path / "s", inf).open() as cursor:
        cursor.take(4)
        state = cursor.state()
    clock = Told()
    rest = replay(tmp_path / "s", 2.0, clock).open(at=state).take(9)  # at another speed
    assert [block.first for block in rest] == [16, 20]
    np.testing.assert_allclose(clock.waits, [100, 100.15])
    clock = Told()
    with replay(tmp_path / "s", 1.0, clock).open(at=3) as cursor:
        assert not differ(dict(next(cursor)), dict(blocks[3]))
    assert clock.waits == [100]


def test_full_speed_waits_for_nothing(tmp_path: Path) -> None:
    recorded(tmp_path / "s")
    clock = VirtualClock()  # which stands still: waiting would never end
    assert len(list(replay(tmp_path / "s", inf, clock))) == len(CAME)


def test_a_graph_over_a_replay_gives_what_it_gave_live(tmp_path: Path) -> None:
    blocks = recorded(tmp_path / "s")
    graph = s.Graph(
        [
            s.LowPassFilter("x", name="low", order=3, cutoff_freq=50, sample_rate=400),
            s.FourierTransform("low", name="spectrum", window_size=8, window_overlap=4),
        ]
    )
    run = graph.run()
    live = [run(block) for block in blocks]
    for mine, theirs in zip(replay(tmp_path / "s", inf) | graph, live, strict=True):
        assert not differ(dict(mine), dict(theirs))
    for mine, theirs in zip(replay(tmp_path / "s", inf) | hr.prefetch(ahead="1MB") | graph, live, strict=True):
        assert not differ(dict(mine), dict(theirs))


def damaged(tmp_path: Path) -> list[Block]:
    blocks = recorded(tmp_path / "s")
    file = tmp_path / "s" / "raw_data.hrc"
    content = bytearray(file.read_bytes())
    content[content.index(blocks[2]["x"].tobytes()) + 3] ^= 1
    file.write_bytes(content)
    return blocks


def test_a_damaged_block_is_told_and_can_be_passed(tmp_path: Path) -> None:
    damaged(tmp_path)
    with replay(tmp_path / "s", inf).open() as cursor:
        cursor.take(2)
        for _ in range(2):
            with pytest.raises(DamageError, match=r"block 2 of .*rows 8 to 12"):
                next(cursor)
        assert cursor.skip() == 1
        assert [block.first for block in cursor] == [12, 16, 20]
    left = replay(tmp_path / "s", inf, damaged="skip")
    assert [block.first for block in left] == [0, 4, 12, 16, 20]
    with left.open() as cursor:
        assert cursor.skip(3) == 3
        assert [block.first for block in cursor] == [16, 20]


def test_damage_between_blocks_is_told_once_and_can_be_passed(tmp_path: Path) -> None:
    recorded(tmp_path / "s")
    file = tmp_path / "s" / "raw_data.hrc"
    content = bytearray(file.read_bytes())
    at = [i for i in range(0, len(content), 16) if content[i + 4 : i + 8] == b"ROWS"][2]
    content[at + 9] ^= 1  # its length: the block is gone, and how many there were
    file.write_bytes(content[:-48])  # without the place of the index, as after a kill
    with replay(tmp_path / "s", inf).open() as cursor:
        for _ in range(2):
            with pytest.raises(DamageError, match="in 2 places"):
                next(cursor)
        assert cursor.skip() == 1
        assert [block.first for block in cursor] == [0, 4, 12, 16, 20]
    assert [block.first for block in replay(tmp_path / "s", inf, damaged="skip")] == [0, 4, 12, 16, 20]


def test_damage_between_blocks_is_that_of_one_where_the_index_tells_of_all(tmp_path: Path) -> None:
    recorded(tmp_path / "s")
    file = tmp_path / "s" / "raw_data.hrc"
    content = bytearray(file.read_bytes())
    at = [i for i in range(0, len(content), 16) if content[i + 4 : i + 8] == b"ROWS"][2]
    content[at + 9] ^= 1
    file.write_bytes(content)
    with replay(tmp_path / "s", inf).open() as cursor:
        assert [next(cursor).first for _ in range(2)] == [0, 4]
        for _ in range(2):
            with pytest.raises(DamageError, match="block 2 of"):
                next(cursor)
        assert cursor.skip() == 1
        assert [block.first for block in cursor] == [12, 16, 20]
    assert [block.first for block in replay(tmp_path / "s", inf, damaged="skip")] == [0, 4, 12, 16, 20]


def test_a_recording_cut_off_is_replayed_to_its_end(tmp_path: Path) -> None:
    recorded(tmp_path / "s")
    file = tmp_path / "s" / "raw_data.hrc"
    stream = replay(tmp_path / "s", inf)
    assert len(stream) == 6
    content = file.read_bytes()
    file.write_bytes(content[: content.rindex(b"ROWS") + 50])
    assert len(stream) == 5, "the file is another now"
    assert [block.first for block in stream] == [0, 4, 8, 12, 16]


def test_what_cannot_be_replayed_is_refused(tmp_path: Path) -> None:
    recorded(tmp_path / "s")
    for speed in (0, -1.0, float("nan"), "fast", True):
        with pytest.raises(StreamConfigError, match="above 0"):
            replay(tmp_path / "s", speed)  # type: ignore[arg-type]
    with pytest.raises(StreamConfigError, match="where there is no session"):
        replay(tmp_path / "nowhere")
    with pytest.raises(StreamConfigError, match="'raise' or 'skip'"):
        replay(tmp_path / "s", damaged="no")  # type: ignore[arg-type]
    other: Any = create_session(tmp_path / "other")
    np.savetxt(other / "raw_data.csv", [1.0], header="x", comments="")
    with pytest.raises(DataError, match="does not tell when its rows came"):
        list(replay(other))
    assert isinstance(replay(str(tmp_path / "s")), Replay)
    assert Session(tmp_path / "s").complete
