"""A recording in place of its sensor."""

from __future__ import annotations

import threading
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.block import Block
from headrace.errors import DamageError, StreamConfigError
from headrace.live.clock import VirtualClock
from headrace.live.device import Device
from headrace.live.record import Recorder
from headrace.live.replay_source import ReplaySource
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
    from headrace.live.system import System

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


def test_damage_is_a_failure_or_left_out(tmp_path: Path) -> None:
    blocks = recorded(tmp_path / "s")
    file = tmp_path / "s" / "raw_data.hrc"
    content = bytearray(file.read_bytes())
    content[content.index(blocks[2]["x"].tobytes()) + 3] ^= 1
    file.write_bytes(content)
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
        assert len(source.read()["x"]) == 76
        assert source.rate == 4.0
    with pytest.raises(StreamConfigError, match="no session"):
        ReplaySource(tmp_path / "nowhere")
