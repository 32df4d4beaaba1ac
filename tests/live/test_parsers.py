"""Rows out of bytes: lines, records, records in frames, functions of messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import DataError, StreamConfigError
from headrace.live import cobs
from headrace.live.devices.beside import Beside
from headrace.live.lines import Lines
from headrace.live.records import CobsRecords, Records
from headrace.live.wires.messages import Messages, as_parser, columns_of_rows

FIELDS = [("n", "<u4"), ("x", ">f4", (2,)), ("on", "?")]
SYNC = b"\xaa\x55"


def total(data: bytes) -> bytes:
    return bytes([sum(data) & 255])


def record(n: int) -> bytes:
    return n.to_bytes(4, "little") + np.array([n, -n], ">f4").tobytes() + bytes([n % 2])


def fed(parser: Any, data: bytes, cuts: list[int]) -> dict[str, Any]:
    """What comes of bytes that are cut at these places."""
    found = [parser.feed(data[lo:hi]) for lo, hi in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    there = [each for each in found if each]
    return {name: np.concatenate([each[name] for each in there]) for name in there[0]} if there else {}


@given(st.lists(st.integers(0, 2**20), max_size=12), st.data())
def test_rows_come_however_the_bytes_are_cut(ns: list[int], data: st.DataObject) -> None:
    for parser, sent in (
        (Records(FIELDS), b"".join(record(n) for n in ns)),
        (Records(FIELDS, sync=SYNC, check=total), b"".join(SYNC + record(n) + total(SYNC + record(n)) for n in ns)),
        (CobsRecords(FIELDS), b"".join(cobs.encode(record(n)) for n in ns)),
        (CobsRecords(FIELDS, check=total), b"".join(cobs.encode(record(n) + total(record(n))) for n in ns)),
        (Lines(["n", "x"], whole=True), b"".join(f"{n},{-n}\r\n".encode() for n in ns)),
    ):
        cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=5)))
        found = fed(parser, sent, cuts)
        assert found.get("n", np.zeros(0)).tolist() == ns
        assert parser.bad == 0
        if ns and isinstance(parser, Records | CobsRecords):
            assert found["x"].tolist() == [[n, -n] for n in ns]
            assert found["on"].tolist() == [n % 2 == 1 for n in ns]
            assert (found["x"].dtype, found["x"].dtype.isnative) == (np.float32, True)


@given(st.binary(max_size=80), st.data())
def test_any_bytes_are_survived_and_what_follows_is_read(garbled: bytes, data: st.DataObject) -> None:
    good = [SYNC + record(n) + total(SYNC + record(n)) for n in range(3)]
    size = len(good[0])
    for parser, end, rows in (
        # A record's length of bytes without the beginning of one: nothing of what was garbled is open after it.
        (Records(FIELDS, sync=SYNC, check=total), bytes(size), good),
        (CobsRecords(FIELDS), b"\0", [cobs.encode(record(n)) for n in range(3)]),
        (Lines(["n", "x"], whole=True), b"\n", [b"%d,1\n" % n for n in range(3)]),
    ):
        sent = garbled + end + b"".join(rows)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=5)))
        assert fed(parser, sent, cuts)["n"][-3:].tolist() == [0, 1, 2]


def test_a_record_whose_check_is_wrong_costs_itself_alone() -> None:
    rows = [SYNC + record(n) + total(SYNC + record(n)) for n in range(6)]
    rows[2] = rows[2][:-1] + bytes([rows[2][-1] ^ 1])
    rows[4] = rows[4][:7] + rows[4][8:]
    parser = Records(FIELDS, sync=SYNC, check=total)
    assert parser.feed(b"".join(rows))["n"].tolist() == [0, 1, 3, 5]
    assert parser.bad == 2
    without = Records(FIELDS, check=total)  # no beginning: what is next is taken at its place
    assert without.feed(b"".join(record(n) + total(record(n)) for n in range(2)) + bytes(13) + b"\1")["n"].tolist() == [
        0,
        1,
    ]
    assert without.bad == 1


def test_records_begin_anew_after_a_reset() -> None:
    parser = Records(FIELDS, sync=SYNC)
    parser.feed((SYNC + record(1))[:9])
    parser.reset()
    assert parser.feed(SYNC + record(2))["n"].tolist() == [2]
    assert parser.bad == 0
    assert parser.names == ("n", "x", "on")
    frames = CobsRecords(FIELDS)
    frames.feed(cobs.encode(record(1))[:5])
    frames.reset()
    assert frames.feed(cobs.encode(record(2) + record(3)))["n"].tolist() == [2, 3]
    assert frames.feed(cobs.encode(b"")) == {}
    assert frames.bad == 1


def test_what_are_no_records() -> None:
    for make in (Records, CobsRecords):
        for fields in ("f4", [], [("x", "O")], "nonsense"):
            with pytest.raises(StreamConfigError, match=r"wanted names and types"):
                make(fields)


def test_the_first_line_after_connecting_may_be_a_part_of_one() -> None:
    lines = Lines(["x", "y"])
    assert lines.feed(b"3.5,1\n10,2\n")["x"].tolist() == [10]  # and not 3.5, of 13.5
    lines.feed(b"5,")
    lines.reset()
    assert lines.feed(b"6\n7,8\n")["x"].tolist() == [7]
    assert lines.bad == 0


def test_lines_that_are_none_are_counted() -> None:
    lines = Lines(["x", "y"], whole=True, sep=None)
    assert lines.feed(b"1 2\n1\n1 2 3\n\xff 2\n\n  \r\n 3\t4 \n")["x"].tolist() == [1, 3]
    assert lines.bad == 3
    assert lines.feed(b"9" * 70_000) == {}
    assert lines.feed(b"9" * 70_000 + b"\n5 6\n")["x"].tolist() == [5]
    assert lines.bad == 4


def test_names_in_the_first_line_and_again_when_the_device_begins_again() -> None:
    lines = Lines()
    assert lines.feed(b"a, b\n1,2\na, b\n3,4\n")["b"].tolist() == [2, 4]
    assert (lines.names, lines.bad) == (("a", "b"), 0)
    with pytest.raises(DataError, match="as the first line, wanted the names of columns"):
        Lines().feed(b"1,2\n")
    for names in ([], ["x", "x"], [""]):
        with pytest.raises(StreamConfigError, match="wanted a different one for each column"):
            Lines(names)


def test_functions_of_messages() -> None:
    messages = Messages(lambda data: [{"x": each, "v": [each, 2.0]} for each in data])
    found = messages.feed(b"\1\2")
    assert (found["x"].tolist(), found["v"].tolist()) == ([1, 2], [[1, 2], [2, 2]])
    assert messages.feed(b"") == {}
    assert messages.names == ("x", "v")
    messages.reset()
    with pytest.raises(DataError, match="wanted the same columns in each"):
        columns_of_rows([{"x": 1}, {"y": 1}], "a parser")
    with pytest.raises(DataError, match="wanted a dict of values, a list of such, or None"):
        columns_of_rows([1], "a parser")
    assert as_parser(messages, "X") is messages
    assert repr(as_parser(len, "X")) == "Messages(<built-in function len>)"


def test_sources_beside_a_device() -> None:
    calls = []

    class Source:
        def __init__(self, fails: str = "") -> None:
            self.fails = fails

        def __call__(self, t: float) -> float:
            return t

        def start(self) -> None:
            calls.append("start")
            if self.fails == "start":
                raise OSError("start")

        def stop(self) -> None:
            calls.append("stop")
            if self.fails == "stop":
                raise OSError("stop")

    beside = Beside({"a": Source(), "b": lambda: np.array([1, 2])})
    beside.start()
    assert {name: each.tolist() for name, each in beside.beside({}, 2, 0.5).items()} == {
        "a": [0.5, 0.5], "b": [[1, 2], [1, 2]]
    }  # fmt: skip
    beside.stop()
    beside.stop()
    assert calls == ["start", "stop"]
    calls.clear()
    with pytest.raises(OSError, match="start"):
        Beside({"a": Source(), "b": Source("start")}).start()
    assert calls == ["start", "start", "stop"]
    two = Beside({"a": Source(), "b": Source("stop")})
    two.start()
    with pytest.raises(OSError, match="stop"):
        two.stop()
    assert calls[-2:] == ["stop", "stop"]
    assert list(Beside([Source()]).sources) == ["Source"]
    with pytest.raises(StreamConfigError, match="wanted a function of the time"):
        Beside({"a": 7})


def test_a_name_alone_is_no_list_of_names() -> None:
    with pytest.raises(StreamConfigError, match="Lines got the names 'ms', wanted a different one"):
        Lines("ms")
