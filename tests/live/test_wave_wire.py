"""Packets of the Wave ring, byte for byte."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import DataError
from headrace.live import cobs
from headrace.live import wave_wire as wire
from headrace.live.wave_wire import Packet


def packets(kind: int) -> st.SearchStrategy[Packet]:
    free = st.sampled_from([wire.BATTERY, wire.DEVICE_INFO, wire.IDENTIFY, wire.RECENTER, 200])
    sized = st.sampled_from(sorted(wire.LAYOUTS))
    if kind != wire.STREAM:
        return st.builds(Packet, st.just(kind), free | sized, st.binary(max_size=300))
    return st.builds(Packet, st.just(kind), free, st.binary(max_size=300)) | sized.flatmap(
        lambda which: st.builds(
            Packet, st.just(kind), st.just(which), st.binary(min_size=(n := wire.LAYOUTS[which].itemsize), max_size=n)
        )
    )


@given(st.lists(st.sampled_from(wire.KINDS).flatmap(packets), max_size=4), st.integers(1, 40))
def test_packets_come_back(sent: list[Packet], size: int) -> None:
    data = b"".join(map(wire.pack, sent))
    found = wire.WavePackets()
    assert [each for at in range(0, len(data), size) for each in found.feed(data[at : at + size])] == sent
    assert found.bad == 0


def test_the_datastream_is_at_its_places() -> None:
    layout = wire.LAYOUTS[wire.DATASTREAM]
    places = {name: place for name, (_, place, *_) in (layout.fields or {}).items()}
    assert places == {
        "gyro": 0, "acc": 12, "mag": 24, "raw_pose": 36, "current_pose": 52, "euler": 68, "linacc": 80, "peak": 92,
        "peak_norm_velocity": 93, "timestamp_us": 97,
    }  # fmt: skip
    assert [wire.LAYOUTS[which].itemsize for which in (wire.DATASTREAM, wire.RAW_DATA, wire.SPECTROGRAM)] == [
        105,
        32,
        392,
    ]
    payload = bytearray(105)
    payload[92] = 7  # no truth of numpy's
    struct.pack_into("<fQ", payload, 93, 2.5, 2**64 - 1)
    found = wire.columns(wire.DATASTREAM, [bytes(payload)] * 2)
    assert found["peak"].tolist() == [True, True]
    assert (found["peak_norm_velocity"].tolist(), found["timestamp_us"].tolist()) == ([2.5, 2.5], [-1, -1])
    assert {name: each.shape[1:] for name, each in found.items()} == {
        name: layout[name].shape for name in layout.names or ()
    }


def test_requests_are_as_the_ring_wants_them() -> None:
    assert cobs.decode(wire.mode_request()[:-1]).hex() == "0105010067"
    assert cobs.decode(wire.config_request()[:-1]).hex() == "010b0800" + "01000000" + struct.pack("<f", 400.0).hex()
    found = cobs.decode(wire.config_request(spectrogram=True)[:-1]).hex()
    assert found == "010b0800" + "00010000" + struct.pack("<f", 2000.0).hex()


def test_what_is_no_packet() -> None:
    for frame, message in (
        (b"\x03\x01", "has 2 bytes, wanted 4"),
        (b"\x03\x02\x05\x00abc", "a payload of 3 bytes, wanted a payload of 5"),
        (b"\x03\x01\x03\x00abc", "a payload of 3 bytes, wanted one of 105"),
        (b"\x04\x02\x00\x00", "of kind 4"),
    ):
        with pytest.raises(DataError, match=message):
            wire.unpack(frame)
    assert wire.unpack(b"\x01\x01\x03\x00abc").payload == b"abc"  # a request is as long as it likes
    found = wire.WavePackets()
    assert found.feed(cobs.encode(b"\x04\x02\x00\x00") + b"\x09\x09\0" + wire.mode_request()) == [Packet(1, 5, b"g")]
    assert found.bad == 2
    found.feed(wire.mode_request()[:3])
    found.reset()
    assert len(found.feed(wire.mode_request())) == 1


def test_buttons_and_what_it_says_of_itself() -> None:
    def said(*numbers: int) -> wire.Button:
        return wire.button(Packet(wire.STREAM, wire.BUTTON, struct.pack("<II", *numbers)))

    assert said(0, 4) == ("top", "extralong")
    assert said(2, 6) == ("bottom", "click")
    for numbers in ((3, 0), (0, 7), (2**32 - 1, 0)):
        with pytest.raises(DataError, match="of a button"):
            said(*numbers)
    with pytest.raises(DataError, match="of a button"):
        wire.button(Packet(wire.STREAM, wire.BUTTON, b"1"))
    info = struct.pack("<3B9s6s17s", 1, 2, 30, b"board", bytes(range(6)), b"W-001")
    assert wire.device_info(Packet(wire.RESPONSE, wire.DEVICE_INFO, info)) == (
        (1, 2, 30), "board", "00:01:02:03:04:05", "W-001"
    )  # fmt: skip
    with pytest.raises(DataError, match="wanted 35"):
        wire.device_info(Packet(wire.RESPONSE, wire.DEVICE_INFO, info[1:]))


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    found = wire.WavePackets()
    found.feed(data)
    assert found.feed(b"\0" + wire.mode_request())[-1] == Packet(1, 5, b"g")
    for packet in found.feed(cobs.encode(data)):
        assert len(packet.payload) == len(data) - 4
    assert np.isfinite(found.bad)
