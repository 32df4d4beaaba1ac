"""The Lab Streaming Layer, real, on this machine: what one end says the other hears, at its time."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block, Pace
from headrace.errors import ClosedError, DataError, DeviceLostError, StreamConfigError
from headrace.live.devices.align import fit_pairs
from headrace.live.devices.clock import SYSTEM, Anchor, SystemClock
from headrace.live.lsl import LSLInlet
from headrace.live.lsl_outlet import LSLOutlet
from headrace.live.recording.session import Session
from headrace.live.running.system import System
from headrace.live.sampler import Sampler
from headrace.testing import check_device
from live.hand import balanced, until
from support.require import require

pylsl = require("pylsl")


@pytest.fixture
def name() -> str:
    """Others on this machine, and in its network, have streams, too."""
    return f"headrace-{uuid.uuid4().hex}"


def outlet(name: str, channels: int = 2, rate: float = 100.0, format: str = "float32", id: str = "") -> Any:
    return pylsl.StreamOutlet(pylsl.StreamInfo(name, "Test", channels, rate, format, id))


def moment() -> tuple[float, float]:
    """The time now, by our clock and by the library's, looked at together: not before and after somebody else's turn."""
    while True:
        before, now, after = SYSTEM.wall(), pylsl.local_clock(), SYSTEM.wall()
        if after - before < 0.001:
            return before, now


def read(inlet: LSLInlet, n: int) -> Any:
    blocks: list[Block] = []

    def enough() -> bool:
        blocks.append(inlet.read())
        return bool(sum(block.n for block in blocks) >= n)

    until(enough)
    there = [block for block in blocks if block.n]
    return {key: np.concatenate([block[key] for block in there]) for key in there[0]}


def test_samples_come_once_in_order_and_at_the_sender_s_times(name: str) -> None:
    sender = outlet(name)
    with LSLInlet(name) as inlet:
        assert inlet.names == ("timestamp", "received", "lsl_timestamp", name)
        assert inlet.rate == 100.0
        rng, at = np.random.default_rng(0), 0
        began = moment()
        while at < 3000:
            n = int(rng.integers(1, 1500))
            rows = np.arange(at, at + n, dtype=np.float32)
            sender.push_chunk(np.stack([rows, -rows], axis=1), (began[1] + (at + np.arange(n)) / 100).tolist())
            at += n
        found = read(inlet, at)
        assert balanced(inlet.stats())
    assert np.array_equal(found[name], np.stack([np.arange(at), -np.arange(at)], axis=1))
    assert found[name].dtype == np.float32
    np.testing.assert_allclose(found["lsl_timestamp"], began[1] + np.arange(at) / 100, atol=1e-6)
    np.testing.assert_allclose(found["timestamp"], began[0] + np.arange(at) / 100, atol=0.02)
    np.testing.assert_allclose(np.diff(found["timestamp"]), 0.01, atol=1e-4)


def test_an_outlet_is_a_feed_that_sends_what_a_system_computes(name: str) -> None:
    sampler = Sampler({"x": lambda t: np.array([t, 2 * t, 3 * t]), "n": lambda: 7}, 100)
    out = LSLOutlet(name, ["x", "n"], type="Motion", anchor=None)
    system = System(sampler)
    system.register_data_feed("lsl", out)
    with system:
        until(lambda: out.sent)
        with LSLInlet(name, key="motion") as inlet:
            until(lambda: out.heard)
            found = read(inlet, 20)
            assert inlet.channel_names == ("x_0", "x_1", "x_2", "n") == out.channel_names
            assert inlet.rate == 100.0
    block = system.read()
    out.close()
    out.close()
    at = {round(float(t), 9): k for k, t in enumerate(block["x"][:, 0])}
    ks = [at[round(float(t), 9)] for t in found["motion"][:, 0]]
    assert np.array_equal(found["motion"], np.concatenate([block["x"], block["n"][:, None]], axis=1)[ks])
    # The same moments on both ends of the way: liblsl measures the clocks to some tens of microseconds.
    np.testing.assert_allclose(found["timestamp"], block["timestamp"][ks], atol=0.005)


@pytest.mark.parametrize("first", ["system", "outlet"])
def test_the_last_rows_of_a_feed_are_sent_whichever_of_the_two_ends_first(name: str, first: str) -> None:
    rows = [0]
    out = LSLOutlet(name, ["x"])
    send, slow = out.write, threading.Event()

    def late(block: Block) -> None:
        slow.wait(0.02)  # so that blocks wait for it when the system ends
        rows[0] += block.n
        send(block)

    system = System(Sampler({"x": lambda t: t}, sample_rate=1000))
    system.register_data_feed("lsl", late)
    with contextlib.ExitStack() as stack:
        for each in (out, system) if first == "system" else (system, out):
            stack.enter_context(each)
        until(lambda: out.sent)
    assert out.sent == rows[0] == system.stats()["rows"]
    until(lambda: not [each for each in threading.enumerate() if "LSLOutlet" in each.name])
    with pytest.raises(ClosedError, match="got a block after close"):
        out.write(Block({"x": np.zeros(2)}))


def test_an_outlet_that_is_left_before_its_feed_has_given_anything_is_silent(name: str) -> None:
    out = LSLOutlet(name, ["x"])
    with out:
        pass
    out.write(Block({"x": np.zeros(2)}))
    assert out.sent == 0


def has_said(inlet: LSLInlet, rows: int) -> bool:
    return bool(inlet.stats()["produced"] >= rows)


def test_the_pairs_of_the_clocks_are_in_a_recording(name: str, tmp_path: Path) -> None:
    sender = outlet(name, 1)
    inlet = LSLInlet(name, key="x", received_key="came")
    system = System(inlet)
    with system:
        system.record(tmp_path / "session")
        for k in range(20):
            sender.push_sample([k])
            until(partial(has_said, inlet, k + 1))
    raw = Session(tmp_path / "session").raw
    pairs = np.stack([np.asarray(raw["lsl_timestamp"]), np.asarray(raw["came"])], axis=1)
    found = fit_pairs(pairs).to_host(pairs[:, 0])
    np.testing.assert_allclose(found, np.asarray(raw["timestamp"]), atol=0.1)  # late by as long as the way is
    assert (pairs[:, 1] >= np.asarray(raw["timestamp"]) - 0.01).all()
    assert LSLInlet(name, received_key=None).names == ("timestamp", "lsl_timestamp", name)


def test_a_sender_that_is_gone_is_waited_for(name: str) -> None:
    sender = outlet(name, 1, id="the same")
    with LSLInlet(name, key="x") as inlet:
        until(sender.have_consumers)
        sender.push_sample([1.0])
        assert read(inlet, 1)["x"].tolist() == [1.0]
        del sender
        time.sleep(0.05)
        sender = outlet(name, 1, id="the same")
        until(sender.have_consumers)
        sender.push_sample([2.0])
        assert read(inlet, 1)["x"].tolist() == [2.0]
        assert inlet.is_active
    del sender


def test_without_recover_a_loss_is_a_failure(name: str) -> None:
    sender = outlet(name, 1)
    inlet = LSLInlet(name, key="x", recover=False)
    inlet.start()
    until(sender.have_consumers)
    sender.push_sample([1.0])
    until(lambda: inlet.stats()["pending"] == 1)
    del sender
    until(lambda: inlet.state == "failed")
    assert inlet.read()["x"].tolist() == [1.0]
    with pytest.raises(DeviceLostError, match=r"was lost: its sender is gone.\n  recover=True waits"):
        inlet.read()
    inlet.stop()


def test_texts_are_markers(name: str) -> None:
    out = LSLOutlet(name, ["mark"], type="Markers")
    times = SYSTEM.wall() + np.arange(2.0)
    out.write(Block({"timestamp": times[:0], "mark": np.array([], "U1")}))
    with LSLInlet(type="Markers", name=name, key="mark") as inlet:
        until(lambda: out.heard)
        out.write(Block({"timestamp": times, "mark": np.array(["begin", "é end"])}))
        out.write(Block({"timestamp": times[1:], "mark": np.array(["more"])}))
        found = read(inlet, 3)
        assert inlet.rate is None
    assert found["mark"].tolist() == ["begin", "é end", "more"]
    np.testing.assert_allclose(np.diff(found["timestamp"]), [1.0, 0.0], atol=1e-4)
    assert out.sent == 3
    out.close()


@pytest.mark.parametrize(
    ("dtype", "as_"),
    [("?", "i1"), ("u1", "i2"), ("i2", "i2"), ("u2", "i4"), (">i4", "i4"), ("u4", "i8"), ("f2", "f4"), ("f8", "f8")],
)
def test_numbers_of_any_kind_arrive_as_they_are(
    name: str, dtype: str, as_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pylsl.StreamInlet.time_correction", lambda self, timeout=0.0: 0.0)
    sent = np.array([[1, 0], [0, 1], [1, 1]]).astype(dtype)
    with LSLOutlet(name, source_id="one") as out:
        out.write(Block({"x": sent[:0]}))
        with LSLInlet(source_id="one", name=name, key="x") as inlet:
            until(lambda: out.heard)
            out.write(Block({"x": sent}))
            found = read(inlet, 3)
    assert found["x"].dtype == as_
    assert np.array_equal(found["x"], sent)


def test_a_clock_that_drifts_is_followed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender's clock is 1000 s behind and 100 ppm fast; what liblsl measures of it, it measures with an error."""
    sender = outlet(name, 1, 0.0, "double64")
    rng, began = np.random.default_rng(0), pylsl.local_clock()
    monkeypatch.setattr("headrace.live.lsl.EVERY", 0.0)

    def remote(local: Any) -> float:
        return float(local - began) * (1 + 100e-6) - 1000.0

    def correction(self: Any, timeout: float = 0.0) -> float:
        now = pylsl.local_clock()
        return float(now - remote(now) + rng.normal(0.0, 0.002))

    monkeypatch.setattr("pylsl.StreamInlet.time_correction", correction)
    with LSLInlet(name, key="x") as inlet:
        until(sender.have_consumers)
        sent = []
        for _ in range(300):
            wall, now = moment()
            sent.append(wall)
            sender.push_sample([0.0], remote(now))
            time.sleep(0.002)
        found = read(inlet, 300)
        assert inlet.stats()["clocks"] == 0
    off = np.abs(found["timestamp"] - sent)[150:]
    assert np.median(off) < 0.002  # of the measurements' 2 ms a fraction is left
    assert np.all(np.diff(found["timestamp"]) >= 0)


def test_another_clock_is_another_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = outlet(name, 1, 0.0)
    behind = [1000.0]
    monkeypatch.setattr("headrace.live.lsl.EVERY", 0.0)
    monkeypatch.setattr("pylsl.StreamInlet.time_correction", lambda self, timeout=0.0: behind[0])
    with LSLInlet(name, key="x") as inlet:
        until(sender.have_consumers)
        for k in range(2):
            behind[0] = 1000.0 + 5 * k
            until(lambda k=k: inlet.stats()["clocks"] == k)
            wall, now = moment()
            sender.push_sample([1.0], now - behind[0])
            assert read(inlet, 1)["timestamp"][0] == pytest.approx(wall, abs=0.05)


BEATS = """
import sys, threading
import pylsl

out, over = pylsl.StreamOutlet(pylsl.StreamInfo(sys.argv[1], "Test", 1, 100.0, "float32", "")), threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.wait(0.01):
    out.push_sample([1.0])
"""


@contextmanager
def beats(name: str) -> Iterator[None]:
    """A program of its own that sends a hundred samples a second: its descriptors are not counted here."""
    with subprocess.Popen(
        [sys.executable, "-c", BEATS, name], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as sender:
        try:
            yield
        finally:
            assert sender.stdin is not None
            sender.stdin.close()
            sender.wait(20)


def test_the_laws_of_devices_hold(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first measurement takes liblsl 0.6 s each time: not here.
    monkeypatch.setattr("pylsl.StreamInlet.time_correction", lambda self, timeout=0.0: 0.0)
    with beats(name):
        report = check_device(
            lambda clock: LSLInlet(name, timeout=20.0, clock=clock), clock=SystemClock, seconds=0.25, starts=3
        )
    assert set(report.skipped) == {
        "no matter when it is read", "no step of the wall clock", "a failure is raised once"
    }  # fmt: skip


def test_a_stream_that_is_not_there_is_said_by_start(name: str) -> None:
    inlet = LSLInlet(name, timeout=0.1)
    with pytest.raises(
        DeviceLostError, match=r"found no such stream within 0.1 seconds, wanted one.\n  Streams that can"
    ):
        inlet.start()
    assert inlet.state == "idle"
    with pytest.raises(StreamConfigError, match="LSLInlet got nothing"):
        LSLInlet()


def test_what_an_outlet_does_not_take(name: str) -> None:
    x = np.zeros(4)
    with pytest.raises(DataError, match=r"wanted \['y'\], all of one pace"):
        LSLOutlet(name, ["y"]).write(Block({"x": x}))
    with pytest.raises(DataError, match="all of one pace"):
        LSLOutlet(name, ["x", "y"]).write(Block({"x": x, "y": x[:1]}, paces={"y": Pace(Fraction(4))}))
    with pytest.raises(DataError, match="wanted numbers, or texts alone"):
        LSLOutlet(name, ["x", "t"]).write(Block({"x": x, "t": np.array(["a"] * 4)}))
    with LSLOutlet(name) as out:
        out.write(Block({}))
        out.write(Block({"x": x, "y": x[:1], "z": x.astype(complex)}, paces={"y": Pace(Fraction(4))}))
        assert out.channel_names == ("x",)
        with pytest.raises(DataError, match=r"of shape \(2,\), wanted \(\) as at first"):
            out.write(Block({"x": np.zeros((4, 2))}))
        with pytest.raises(DataError, match="wanted 'x', too"):
            out.write(Block({"y": x}))
    with pytest.raises(ClosedError, match=r"got a block after close"):
        out.write(Block({"x": x}))


def test_times_are_those_of_the_device_s_anchor(name: str) -> None:
    """The time of day was set an hour on since the device was started."""
    anchor = Anchor(SYSTEM.now(), SYSTEM.wall() - 3600)
    with LSLOutlet(name, anchor=anchor) as out:
        out.write(Block({"timestamp": np.zeros(0), "x": np.zeros(0)}))
        with LSLInlet(name, key="x") as inlet:
            until(lambda: out.heard)
            wall, now = moment()
            out.write(Block({"timestamp": np.array([wall - 3600]), "x": np.zeros(1)}))
            assert read(inlet, 1)["lsl_timestamp"][0] == pytest.approx(now, abs=0.05)
