"""Feeds of a system: none delays or robs another, each counts its rows, and what fails is told."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.errors import DataError, RegistryError, StreamConfigError, WorkerError
from headrace.live.buffers.buffer import DataBuffer
from headrace.live.devices.threaded import Threaded
from headrace.live.recording.session import Session
from headrace.live.running.system import System
from live.hand import HANG, Hand, balanced, until
from support.counts import soaking

TWICE = s.Scale("x", name="twice", scale_factor=2.0)


class Kept:
    """A feed that keeps what it is given."""

    def __init__(self) -> None:
        self.x: list[float] = []

    def __call__(self, block: Any) -> None:
        self.x += block["x"].tolist()


def test_consumers_do_not_take_from_each_other() -> None:
    hand, feeds = Hand(), [Kept() for _ in range(3)]
    system = System(hand, [TWICE])
    for k, feed in enumerate(feeds):
        system.register_data_feed(k, feed)
    pulls = [system.add_consumer() for _ in range(2)]
    with system:
        for _ in range(100):
            hand.say(3)
    wanted = list(range(300))
    assert [feed.x for feed in feeds] == [wanted] * 3
    for consumer in pulls:
        assert [x for block in consumer for x in block["x"]] == wanted
    assert system.read()["x"].tolist() == wanted


def test_a_slow_feed_delays_nobody() -> None:
    hand, fast, go = Hand(), Kept(), threading.Event()
    system = System(hand)
    system.register_data_feed("slow", lambda block: go.wait(HANG))
    system.register_data_feed("fast", fast)
    with system:
        for k in range(50):
            hand.say(1)
            until(lambda n: len(fast.x) == n, k + 1)
        assert system.stats()["consumers"]["slow"]["lag"] > 0.0
        go.set()
    assert all(balanced(each) for each in system.stats()["consumers"].values())
    assert system.stats()["consumers"]["slow"]["delivered"] == 50


def test_a_feed_that_raises_is_told_and_the_others_go_on() -> None:
    hand, fine = Hand(), Kept()
    system = System(hand)

    def crash(block: Any) -> None:
        raise ZeroDivisionError("mine")

    system.register_data_feed("crash", crash)
    system.register_data_feed("fine", fine)
    with system:
        hand.say(1)
        until(lambda: system.stats()["consumers"]["crash"]["state"] == "failed")
        with pytest.raises(ZeroDivisionError, match="mine") as caught:
            system.read()
        assert "Consumer('crash')" in str(caught.value.__notes__)
        hand.say(1)
        assert system.read()["x"].tolist() == [0, 1], "told once, and no row is lost by that"
        assert system.is_active
    assert fine.x == [0, 1]
    counts = system.stats()["consumers"]["crash"]
    assert (counts["produced"], counts["delivered"], counts["dropped"]) == (2, 1, 1)


def test_failures_of_feeds_are_raised_by_stop_and_by_join() -> None:
    for how in ("stop", "join"):
        hand = Hand()
        system = System(hand)
        for k in range(2):
            system.register_data_feed(k, lambda block: 1 / 0)
        system.start()
        hand.say(1)
        hand.finish()
        with pytest.raises(ZeroDivisionError) as caught:
            getattr(system, how)()
        assert "and besides: ZeroDivisionError" in str(caught.value.__notes__)
        system.stop()


def test_a_feed_that_crashes_again_and_again_skips_what_it_cannot_take() -> None:
    hand, seen = Hand(), []

    def crash(block: Any) -> None:
        seen.append(block.first)
        if block.first % 2:
            raise ZeroDivisionError

    system = System(hand)
    system.register_data_feed("crash", crash, on_error="skip")
    with system:
        for k in range(20):
            hand.say(1)
            until(lambda n: len(seen) == n, k + 1)
    assert system.stats()["consumers"]["crash"]["errors"] == 10
    assert system.stats()["consumers"]["crash"]["delivered"] == 20


def test_an_id_is_taken_once_and_let_go_again() -> None:
    hand, one, two = Hand(), Kept(), Kept()
    system = System(hand)
    with system:
        system.register_data_feed(7, one)
        with pytest.raises(StreamConfigError, match="'7'"):
            system.register_data_feed(7, two)
        hand.say(1)
        until(lambda: one.x == [0])
        system.deregister_data_feed(7)
        system.register_data_feed(7, two)
        hand.say(1)
        until(lambda: two.x == [1])
        with pytest.raises(RegistryError, match="'8'"):
            system.deregister_data_feed(8)
        with pytest.raises(StreamConfigError, match="wanted a function"):
            system.register_data_feed(9, None)  # type: ignore[arg-type]
    assert one.x == [0]


def test_no_call_is_made_after_a_feed_is_deregistered() -> None:
    hand, calls, gone = Hand(), [], threading.Event()
    with System(hand) as system:

        def feed(block: Any) -> None:
            time.sleep(0.001)
            calls.append(gone.is_set())

        system.register_data_feed("f", feed)
        for _ in range(20):
            hand.say(1)
            time.sleep(0.001)
        system.deregister_data_feed("f")
        gone.set()
        hand.say(5)
        system.read()
    assert calls
    assert not any(calls)


def test_a_feed_may_deregister_itself_and_stop_the_system() -> None:
    hand, calls = Hand(), []
    system = System(hand)

    def once(block: Any) -> None:
        calls.append("once")
        system.deregister_data_feed("once")

    def last(block: Any) -> None:
        calls.append("last")
        system.stop()
        with pytest.raises(StreamConfigError, match="wait for itself"):
            system.join()

    system.register_data_feed("once", once)
    with system:
        hand.say(1)
        until(lambda: calls == ["once"])
        hand.say(1)
        system.read()
        system.register_data_feed("last", last)
        hand.say(1)
        assert system.join(HANG)
        assert system.state == "stopped"
    assert calls == ["once", "last"]


def test_a_consumer_that_nobody_holds_is_gone_and_one_with_a_callback_stays() -> None:
    hand, kept = Hand(), Kept()
    with System(hand) as system:
        system.add_consumer(policy="grow", name="lost")
        system.add_consumer(kept, name="kept")
        gc.collect()
        hand.say(1)
        until(lambda: kept.x == [0])
        assert set(system.stats()["consumers"]) == {"read", "kept"}
        system.add_consumer(name="lost")


def test_one_added_while_it_runs_gets_the_rows_from_then_on() -> None:
    hand = Hand()
    with System(hand) as system:
        hand.say(3)
        system.read()
        consumer = system.add_consumer()
        hand.say(2)
    block = consumer.read()
    assert (block["x"].tolist(), block.first) == ([3, 4], 3)


def test_raw_consumers_get_the_blocks_before_signals_are_computed() -> None:
    hand = Hand()
    with System(hand, [TWICE]) as system:
        raw = system.add_consumer(raw=True)
        hand.say(2)
    assert list(raw.read()) == ["x"]
    assert list(system.read()) == ["x", "twice"]


# --- back-pressure ----------------------------------------------------------------------------------------


def test_block_holds_up_the_source_and_the_readers_are_answered() -> None:
    """One consumer that may make the system wait, and never reads: read() has what came before, and stop() ends."""
    hand = Hand()
    system = System(hand)
    slow = system.add_consumer(policy="block", limit=3000)
    with system:
        read: list[float] = []
        for _ in range(20):
            hand.say(20)
            read.extend(system.read().get("x", []))
        assert slow.stats()["pending"] <= 60
        assert hand.stats()["pending"] > 0, "the source waits, and counts"
    found = [x for block in slow for x in block["x"]]
    assert found == list(range(400)), "stopping loses nothing"
    assert slow.stats()["dropped"] == 0
    assert [*read, *system.read()["x"]] == found


def test_a_raw_consumer_that_makes_the_system_wait_does_not_keep_rows_from_the_others() -> None:
    hand, kept = Hand(), Kept()
    with System(hand, [TWICE]) as system:
        system.add_consumer(kept, name="kept")
        full = system.add_consumer(policy="block", limit=1000, raw=True)
        for k in range(2):
            hand.say(10)
            until(lambda n: len(kept.x) == n, 10 * (k + 1))
        assert full.read().n == 10


def test_a_feed_that_hangs_is_told_at_the_end_and_holds_up_nothing() -> None:
    hand, fine, go = Hand(), Kept(), threading.Event()
    system = System(hand, patience=1.0)
    system.register_data_feed("hung", lambda block: go.wait(HANG))
    system.register_data_feed("fine", fine)
    system.start()
    hand.say(4)
    with pytest.raises(WorkerError, match=r"Consumer\('hung'\) has not come back"):
        system.stop()
    assert fine.x == [0, 1, 2, 3]
    assert system.stats()["consumers"]["hung"]["state"] == "failed"
    go.set()
    with system:
        hand.say(1)
    assert fine.x == [0, 1, 2, 3, 4]


def test_one_that_grows_over_its_limit_is_told() -> None:
    hand = Hand()
    with System(hand) as system:
        consumer = system.add_consumer(policy="grow", limit=3000)
        for _ in range(10):
            hand.say(10)
            until(lambda: system.stats()["rows"] == hand.said)
        with pytest.raises(DataError, match="allow more"):
            system.read()
        assert consumer.state == "failed"
        assert balanced(consumer.stats())


class Fast(Threaded):
    """10 kHz of one column, in blocks of 10 ms."""

    def run(self, stopping: threading.Event) -> None:
        row, t = 0, self.clock.now()
        while self.clock.wait_until(t, stopping):
            self.put_block({"x": [float(i) for i in range(row, row + 100)]})
            row, t = row + 100, t + 0.01


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_every_row_is_accounted_for_beside_a_slow_plot_and_a_feed_that_crashes_all_the_time(tmp_path: Path) -> None:
    """The recorder of the bars: a slow plot and a crashing feed beside it, and it loses nothing."""
    kept: list[float] = []

    def crash(block: Any) -> None:
        raise ZeroDivisionError

    system = System(Fast(), [TWICE])
    system.add_consumer(lambda block: time.sleep(0.2), name="plot")
    system.add_consumer(lambda block: time.sleep(0.2), name="newest", policy="latest")
    system.add_consumer(lambda block: time.sleep(0.05), name="small", policy="drop_oldest", limit="4kB")
    system.add_consumer(crash, name="crash", on_error="restart")
    system.add_consumer(lambda block: kept.extend(block["x"].tolist()), name="list", raw=True, policy="spill")
    plotted = DataBuffer(500).follow(system, name="buffer")
    plotted.watch(lambda _: time.sleep(0.2))
    system.record(tmp_path / "session")
    with system:
        time.sleep(600 if soaking() else 1)
    counts = system.stats()
    plotted.close()
    with Session(tmp_path / "session") as session:
        assert session.complete
        np.testing.assert_array_equal(session.raw["x"][:], kept)
    np.testing.assert_array_equal(plotted["x"], kept[-500:])
    assert kept == [float(i) for i in range(len(kept))]
    assert len(kept) == counts["rows"] == counts["source"]["produced"] == counts["consumers"]["list"]["delivered"]
    for name, each in counts["consumers"].items():
        assert balanced(each), name
        assert each["produced"] == len(kept), name
        assert each["pending"] == 0 or name == "read", name
    assert counts["consumers"]["plot"]["dropped"] == 0, "it is given longer blocks"
    assert counts["consumers"]["newest"]["dropped"] > 0
    assert counts["consumers"]["small"]["dropped"] > 0
