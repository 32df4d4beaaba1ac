"""The Wave ring: one that speaks its wire format, at a serial port and over Bluetooth, cut, garbled, silent and lost."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DeviceLostError, StreamConfigError
from headrace.live import wave_wire as wire
from headrace.live.devices.align import fit_pairs
from headrace.live.devices.clock import SystemClock
from headrace.live.merging.merge import Merge
from headrace.live.recording.session import Session
from headrace.live.running.system import System
from headrace.live.wave import WaveDataSource, WaveSource
from headrace.live.wave_rows import WaveParser, derived
from headrace.live.wires.ble_link import BLELink
from headrace.live.wires.serial_link import SerialLink
from headrace.testing import check_device
from live.hand import balanced, until
from live.rings import Air, Ring, button, frame
from live.ttys import Tty
from support.counts import heavy
from support.require import require

require("serial")

WHERE = "D4:22:CD:00:00:01"
COLUMNS = [
    "gyro", "acc", "mag", "raw_pose", "current_pose", "euler", "linacc", "peak", "peak_norm_velocity", "timestamp_us",
    "grav", "acc_glob", "linacc_glob",
]  # fmt: skip


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Tty]:
    port = Tty(tmp_path / "ttyWAVE")
    yield port
    port.unplug()


@pytest.fixture
def ring(port: Tty) -> Iterator[Ring]:
    with Ring(port.say, port.heard) as ring:
        yield ring


def numbers(block: Any) -> Any:
    """The numbers of the rows that a ring has said, checked to be those."""
    ks = (block["timestamp_us"] - 1_000_000) // 10_000
    for name, at, size in (("gyro", 0, 3), ("acc", 3, 3), ("mag", 6, 3), ("raw_pose", 9, 4), ("current_pose", 13, 4)):
        assert np.array_equal(block[name], ks[:, None] + np.arange(at, at + size) + 1.0), name
    assert np.array_equal(block["euler"], ks[:, None] + np.arange(17, 20) + 1.0)
    assert np.array_equal(block["linacc"], ks[:, None] + np.arange(20, 23) + 1.0)
    assert np.array_equal(block["peak"], ks % 2 == 1)
    assert np.array_equal(block["peak_norm_velocity"], ks / 4)
    return ks


def at(port: Tty, **options: Any) -> WaveSource:
    """One that asks for no parity: a pseudo terminal has none, and says so when it is opened again."""
    return WaveSource(link=SerialLink(str(port.path), wire.BAUDRATE), **options)


def test_its_rows_come_through_a_serial_port(port: Tty, ring: Ring) -> None:
    with WaveSource(port=str(port.path)) as source:
        until(lambda: source.stats()["pending"] >= 30)
        block = source.read()
        assert source.stats()["bad"] == 0
    assert list(block) == ["timestamp", "received", *COLUMNS]
    assert block.rate == 100.0
    assert np.array_equal(numbers(block), np.arange(block.n))
    assert block["timestamp_us"].dtype == np.int64
    assert {block[name].dtype for name in COLUMNS if name not in ("timestamp_us", "peak")} == {np.dtype(np.float64)}
    assert np.array_equal(block["grav"], block["acc"] - block["linacc"])
    assert np.all(np.diff(block["timestamp"]) >= 0)
    assert [(packet.kind, packet.id, packet.payload) for packet in ring.asked] == [
        (wire.REQUEST, wire.DEVICE_MODE, b"\x67"), (wire.REQUEST, wire.CONFIG, struct.pack("<BBxxf", 1, 0, 400.0))
    ]  # fmt: skip


def test_it_is_told_again_what_to_send_when_it_was_lost(port: Tty, ring: Ring) -> None:
    with at(port) as source:
        for k in range(3):
            until(lambda: source.stats()["pending"] >= 3)
            numbers(source.read())
            port.unplug()
            until(lambda: source.stats()["link"] == "lost")
            ring.asked.clear()
            port.plug()
            until(lambda k=k: source.stats()["connects"] == k + 2)
        until(lambda: len(ring.asked) == 2 and source.stats()["pending"] >= 3)
        block = source.read()
        stats = source.stats()
    assert np.all(np.diff(numbers(block)) >= 1)
    assert np.all(np.diff(block["timestamp"]) >= 0)
    assert stats["strays"] == 0  # its clock goes on
    assert balanced(stats)


def test_a_silent_ring_does_not_keep_stop_waiting_and_is_tried_again(port: Tty, ring: Ring) -> None:
    ring.silent = True
    source = at(port, silence=0.4)
    with source:
        until(lambda: source.stats()["losses"] >= 1)
        ring.silent = False
        until(lambda: source.stats()["pending"] >= 3)
        ring.silent = True
    assert source.state == "stopped"
    numbers(source.read())


def test_garbled_bytes_cost_the_frames_they_are_in(port: Tty, ring: Ring) -> None:
    ring.garble = 0.004  # two of five frames
    with at(port) as source:
        until(lambda: ring.said >= 60)
        ring.garble = 0.0
        said = ring.said
        until(lambda: ring.said >= said + 5)
        stats = source.stats()
    block = source.read()
    assert stats["bad"] > 0
    assert source.is_active() is False
    assert np.all(np.diff(block["timestamp"]) >= 0)
    assert np.ptp(block["timestamp"]) < 30  # no garbled time was believed
    numbers({name: column[-3:] for name, column in block.items()})


def test_the_top_button_ends_it_and_others_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    air, pressed = Air(), list[wire.Button]()
    with Ring(air.say, air.heard):
        source = WaveDataSource(WHERE, on_button=pressed.append)
        source.link._make = air  # type: ignore[attr-defined]  # the radio
        source.start()
        until(lambda: source.stats()["pending"] >= 3)
        air.say(button(1, 6))
        air.say(wire.pack(wire.Packet(wire.STREAM, wire.BUTTON, b"garbled")))
        air.say(button(0, 4))
        until(lambda: not source.is_active)
    assert source.state == "stopped"
    source.stop()
    assert pressed == [("middle", "click"), ("top", "extralong")]
    block = source.read()
    assert list(block) == COLUMNS
    assert list(source.signal_names) == COLUMNS
    numbers(block)
    assert capsys.readouterr().out.splitlines() == [
        f"Connecting to wave at address {WHERE}", "Connected to Wave", "Got a cancel message, exiting."
    ]  # fmt: skip
    assert source.stats()["bad"] >= 1


def over_air(air: Air, **options: Any) -> WaveSource:
    return WaveSource(link=BLELink(WHERE, wire.CHARACTERISTIC, client=air), **options)


def test_it_starts_and_stops_any_number_of_times_over_bluetooth() -> None:
    air = Air()
    with Ring(air.say, air.heard) as ring:
        source = over_air(air, followers={"key": lambda: 3})
        for _ in range(5):
            ring.asked.clear()
            source.start()
            assert source.is_active
            until(lambda: source.stats()["pending"] >= 3)
            source.stop()
            block = source.read()
            assert set(block["key"].tolist()) == {3}
            numbers(block)
        assert source.signal_names == ["timestamp", "received", *COLUMNS, "key"]
    assert (air.made, air.client) == (5, None)


def test_asked_before_the_first_row_it_waits_for_it_and_then_gives_the_newest(port: Tty, ring: Ring) -> None:
    with at(port) as source:
        row = source()
        assert list(row) == COLUMNS
        assert row["gyro"].shape == (3,)
        until(lambda: source()["timestamp_us"] > row["timestamp_us"])


def test_it_leads_a_merge_and_a_system(port: Tty, ring: Ring) -> None:
    merged = Merge(at(port), {"t": lambda t: t})
    with System(merged) as system:
        until(lambda: merged.leader.stats()["produced"] >= 10)
    block = system.read()
    assert block.n >= 10
    assert np.all(np.diff(block["t"]) >= 0)
    numbers(block)


def test_a_recording_has_what_is_needed_to_fit_the_clocks_again(port: Tty, ring: Ring, tmp_path: Path) -> None:
    with System(at(port)) as system:
        system.record(tmp_path / "session")
        until(lambda: system.source.stats()["produced"] >= 20)
    raw = Session(tmp_path / "session").raw
    device, received = np.asarray(raw["timestamp_us"]) * 1e-6, np.asarray(raw["received"])
    assert len(device) >= 10
    found = fit_pairs(np.stack([device, received], axis=1)).to_host(device)
    np.testing.assert_allclose(found, raw["timestamp"], atol=0.5)
    numbers({name: np.asarray(raw[name]) for name in COLUMNS})


def test_spectrograms(port: Tty) -> None:
    sent = np.arange(96, dtype="<f4").tobytes() + struct.pack("<Q", 5)
    with at(port, spectrogram=True) as source:
        until(lambda: len(port.heard(0.01)) > 0)
        port.say(wire.pack(wire.Packet(wire.STREAM, wire.SPECTROGRAM, sent)) + frame(0))
        until(lambda: source.stats()["pending"])
        block = source.read()
    assert list(block) == ["timestamp", "received", "spectrogram", "timestamp_us"]
    assert np.array_equal(block["spectrogram"], np.arange(96.0).reshape(1, 6, 16))
    assert wire.config_request(spectrogram=True) == wire.pack(
        wire.Packet(wire.REQUEST, wire.CONFIG, struct.pack("<BBxxf", 0, 1, 2000.0))
    )


def test_the_laws_of_devices_hold(port: Tty, ring: Ring, tmp_path: Path) -> None:
    gone = Tty(tmp_path / "ttyGONE")

    def broken(clock: Any) -> WaveSource:
        def pressed(what: wire.Button) -> None:
            raise OSError("unplugged")

        gone.unplug()
        gone.plug()
        threading.Timer(0.05, gone.say, [frame(0) + button(1, 0)]).start()  # once it is open: what came before is left
        return at(gone, on_button=pressed, clock=clock)

    report = check_device(
        lambda clock: at(port, clock=clock),
        broken=broken, clock=SystemClock, seconds=0.25, starts=3,
    )  # fmt: skip
    assert set(report.skipped) == {"no matter when it is read", "no step of the wall clock"}
    gone.unplug()


def test_a_way_to_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StreamConfigError, match="wanted one way"):
        WaveSource()
    with pytest.raises(ValueError, match="wanted one way"):
        WaveDataSource(WHERE, godot=True)
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    with pytest.raises(DeviceLostError, match="found no serial port"):
        WaveSource(godot=True).start()


def test_its_receiver_is_the_first_port_there_is(port: Tty, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    class Port:
        device = str(port.path)

    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [Port])
    with WaveSource(godot=True) as source:
        until(lambda: source.stats()["pending"] >= 3)


def test_vectors_are_turned_by_a_pose_of_any_length() -> None:
    rng = np.random.default_rng(0)
    acc, pose = rng.normal(size=(50, 3)), 3 * rng.normal(size=(50, 4))
    found = derived({"acc": acc, "linacc": 2 * acc, "current_pose": pose})
    w, x, y, z = (pose / np.linalg.norm(pose, axis=1, keepdims=True)).T
    matrix = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip
    np.testing.assert_allclose(found["acc_glob"], np.einsum("ijn,nj->ni", matrix, acc), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found["linacc_glob"], 2 * found["acc_glob"], rtol=1e-12, atol=1e-12)
    none = derived({"acc": acc[:1], "linacc": acc[:1], "current_pose": np.zeros((1, 4))})
    assert np.isnan(none["acc_glob"]).all()


def test_rows_are_the_same_however_the_bytes_are_cut() -> None:
    rng = np.random.default_rng(1)
    sent = b"".join(frame(k) for k in range(40))
    whole = WaveParser().feed(sent)
    numbers(whole)
    for _ in range(20):
        parser, found, at = WaveParser(), list[Any](), 0
        while at < len(sent):
            size = int(rng.integers(1, 300))
            found.append(parser.feed(sent[at : at + size]))
            at += size
        parts = [each for each in found if each]
        for name, column in whole.items():
            assert np.concatenate([each[name] for each in parts]).tobytes() == column.tobytes()


def test_any_bytes_are_survived_and_what_follows_is_read() -> None:
    """Bytes changed, put in and taken out: at most two frames are lost for each, and none after them."""
    rng = np.random.default_rng(2)
    before, after = [frame(k) for k in range(4)], [frame(k) for k in range(100, 104)]
    for _ in range(heavy(500_000)):
        bytes_ = bytearray(b"".join(before))
        changes = int(rng.integers(1, 4))
        for _ in range(changes):
            at = int(rng.integers(len(bytes_)))
            what = rng.integers(3)
            if what == 0:
                bytes_[at] = int(rng.integers(256))
            elif what == 1:
                bytes_.insert(at, int(rng.integers(256)))
            else:
                del bytes_[at]
        parser = wire.WavePackets()
        packets = [*parser.feed(bytes(bytes_)), *parser.feed(b"".join(after))]
        found = [each.payload[-8:] for each in packets if each.id == wire.DATASTREAM]
        good = {struct.pack("<Q", 1_000_000 + 10_000 * k) for k in (*range(4), *range(100, 104))}
        assert len([each for each in found if each in good]) >= 8 - 2 * changes
        # The first frame after the last change may be joined to it; the others are there, in order.
        assert found[-3:] == [struct.pack("<Q", 1_000_000 + 10_000 * k) for k in range(101, 104)]
        parser.feed(rng.integers(0, 256, 40, dtype=np.uint8).tobytes())
