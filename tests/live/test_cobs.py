"""COBS frames: whatever goes in comes out, and what is garbled costs no more than the frames it is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import DataError, StreamConfigError
from headrace.live.cobs import CobsFrames, decode, encode

PAYLOADS = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda a, n, b: a + b"\1" * n + b, st.binary(max_size=3), st.integers(250, 520), st.binary(max_size=3)),
)


@given(PAYLOADS)
def test_a_frame_has_no_zero_but_its_end_and_comes_back(payload: bytes) -> None:
    frame = encode(payload)
    assert frame.index(0) == len(frame) - 1
    assert len(frame) <= len(payload) + 2 + len(payload) // 254
    assert decode(frame[:-1]) == payload


# Encodings that the paper's rules give.
@pytest.mark.parametrize(
    ("payload", "frame"),
    [
        (b"", "01"),
        (b"\0", "0101"),
        (b"\0\0", "010101"),
        (b"\x11\x22\0\x33", "0311220233"),
        (b"\x11\0\0\0", "0211010101"),
        (bytes(range(1, 255)), "ff" + bytes(range(1, 255)).hex()),
        (bytes(range(255)), "01ff" + bytes(range(1, 255)).hex()),
        (bytes(range(1, 256)), "ff" + bytes(range(1, 255)).hex() + "02ff"),
        (bytes([*range(2, 256), 0]), "ff" + bytes(range(2, 256)).hex() + "0101"),
    ],
    ids=range(9),
)
def test_frames_are_those_of_others(payload: bytes, frame: str) -> None:
    assert encode(payload).hex() == frame + "00"
    assert decode(bytes.fromhex(frame)) == payload


@given(st.lists(PAYLOADS, max_size=6), st.data())
def test_frames_may_be_cut_anywhere(payloads: list[bytes], data: st.DataObject) -> None:
    sent = b"".join(map(encode, payloads))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    frames = CobsFrames()
    found = [each for lo, hi in zip([0, *cuts], [*cuts, len(sent)], strict=True) for each in frames.feed(sent[lo:hi])]
    assert found == payloads
    assert frames.bad == 0


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        assert b"\0" + decode(data) is not None
    except DataError:
        pass
    frames = CobsFrames(20)
    frames.feed(data)
    assert frames.feed(b"\0" + encode(b"x"))[-1:] == [b"x"]


def test_a_zero_within_a_frame_is_refused() -> None:
    with pytest.raises(DataError, match="has a zero after byte 0"):
        decode(b"\x03\x00\x01")
    with pytest.raises(DataError, match="has no bytes"):
        decode(b"")


def test_a_frame_without_end_is_given_up_and_counted_once() -> None:
    frames = CobsFrames(max_bytes=10)
    for _ in range(100):
        assert frames.feed(b"\x01" * 7) == []
    assert frames.bad == 1
    assert len(frames._rest) <= 10
    assert frames.feed(b"\x00" + encode(b"next")) == [b"next"]
    assert frames.feed(encode(b"eleven long")) == []  # whole, and too long
    assert frames.bad == 2
    frames.feed(b"\x05\x01")
    frames.reset()
    assert frames.feed(b"\0\0" + encode(b"")) == [b""]
    assert frames.bad == 2
    with pytest.raises(StreamConfigError, match="max_bytes=0"):
        CobsFrames(0)
