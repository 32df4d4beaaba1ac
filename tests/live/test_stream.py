"""A running system as a stream of blocks."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.block import Block
from headrace.errors import ResumeError, StreamConfigError
from headrace.live.devices.active import Active
from headrace.live.devices.wake import Wake
from headrace.live.running.stream import SystemStream, stream
from headrace.live.running.system import System
from headrace.testing import check_stream
from live.hand import Hand, balanced, until

TWICE = s.Scale("x", name="twice", scale_factor=2.0)


class Table:
    """A device that gives one row with each read, until it has given all: its blocks are the same every time."""

    rate = None
    names = ("x",)

    def __init__(self, rows: int) -> None:
        self.rows, self.at = rows, rows
        self.arrived = Wake()

    @property
    def is_active(self) -> Active:
        return Active(self.at < self.rows)

    def start(self) -> None:
        self.at = 0
        self.arrived.set()

    def stop(self) -> None:
        self.at = self.rows

    def read(self) -> Block:
        if self.at >= self.rows:
            return Block({})
        self.at += 1
        self.arrived.set()
        return Block({"x": np.array([float(self.at)])}, first=self.at - 1)


def test_a_pass_starts_a_system_that_does_not_run_and_stops_it() -> None:
    system = System(Table(20), [TWICE])
    blocks = stream(system, policy="grow")
    for _ in range(2):
        with blocks.open() as cursor:
            assert [block["twice"].tolist() for block in cursor.take(3)] == [[2.0], [4.0], [6.0]]
            assert system.is_active or system.ended
        assert system.state == "stopped"
    assert list(system.stats()["consumers"]) == ["read"]


def test_a_system_whose_source_has_ended_is_not_started_again_by_a_pass() -> None:
    system = System(Table(5))
    blocks = stream(system, policy="grow")
    assert len(list(blocks)) == 5
    assert system.ended
    assert list(blocks) == []
    system.start()
    assert not system.ended or system.join(20)


def test_a_pass_over_a_running_system_gets_what_comes_from_then_on_and_does_not_stop_it() -> None:
    hand = Hand()
    with System(hand) as system:
        hand.say(3)
        system.read()
        with stream(system).open() as cursor:
            threading.Timer(0.02, hand.say).start()
            # The first item is waited for: it is of the rows after the pass began.
            assert next(cursor)["x"].tolist() == [3]
            hand.say(1)
            assert next(cursor)["x"].tolist() == [4]
        assert system.is_active
        assert list(system.stats()["consumers"]) == ["read"]


def test_two_passes_at_once_get_the_same_blocks() -> None:
    hand = Hand()
    with System(hand) as system:
        one, two = stream(system).open(), stream(system).open()
        threads = [threading.Thread(target=lambda c=c: next(c)) for c in (one, two)]
        for thread in threads:
            thread.start()
        until(lambda: len(system.stats()["consumers"]) == 3)
        hand.say(1)
        for thread in threads:
            thread.join(20)
        hand.say(2)
        assert next(one)["x"].tolist() == next(two)["x"].tolist() == [1, 2]
        one.close()
        two.close()


def test_it_composes_like_any_other_stream() -> None:
    graph = s.Graph([TWICE])
    found = list(stream(Table(8), policy="grow") | graph | hr.map(lambda block: float(block["twice"][0])) | hr.take(3))
    assert found == [2.0, 4.0, 6.0]


def test_blocks_that_are_not_drawn_in_time_go_as_the_policy_says_and_are_counted() -> None:
    hand = Hand()
    with System(hand) as system, stream(system, policy="latest").open() as cursor:
        threading.Timer(0.02, hand.say).start()
        next(cursor)
        for _ in range(5):
            hand.say(1)
            system.read()
        assert next(cursor)["x"].tolist() == [5]
        counts = next(each for name, each in system.stats()["consumers"].items() if name != "read")
        assert counts["dropped"] == 4
        assert balanced(counts)


def test_a_failure_of_the_system_is_raised_after_its_blocks_and_for_ever() -> None:
    hand = Hand()
    hand.at_start = hand.say
    hand.failure = ZeroDivisionError("mine")
    cursor = stream(System(hand)).open()
    assert next(cursor)["x"].tolist() == [0]
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="mine"):
            next(cursor)
    try:
        cursor.close()
    except ZeroDivisionError:
        pytest.fail("it has been told")


def test_it_cannot_be_resumed_and_says_so_before_it_starts() -> None:
    blocks = stream(System(Hand()), policy="drop_oldest")
    assert (blocks.resume, blocks.access, blocks.size) == ("none", "cursor", None)
    assert blocks.node_name == "live"
    assert "drop_oldest" in str(blocks)
    with blocks.open() as cursor, pytest.raises(ResumeError, match="cannot be saved"):
        cursor.state()
    with pytest.raises(ResumeError):
        blocks.open(at={"at": 1})


def test_what_it_is_not_made_of() -> None:
    with pytest.raises(StreamConfigError, match="has no start"):
        stream(7)
    with pytest.raises(StreamConfigError, match="wanted a System"):
        SystemStream(7)
    with pytest.raises(StreamConfigError, match="wanted one of 'block'"):
        stream(System(Hand()), policy="most")  # type: ignore[arg-type]
    with pytest.raises(StreamConfigError, match="bytes"):
        stream(System(Hand()), limit="much")


def test_it_keeps_the_laws_that_apply() -> None:
    report = check_stream(SystemStream(System(Table(40), [TWICE]), "grow"), items=100)
    assert report.held
    print(report)
