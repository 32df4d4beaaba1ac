"""A consumer's place in the blocks: policies, counters, callbacks, failures."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.block import Block, Pace
from headrace.errors import ClosedError, DataError, StreamConfigError, WorkerError
from headrace.live.devices.pieces import size_of
from headrace.live.running.consumer import Consumer
from headrace.live.running.waiting import POLICIES
from live.hand import HANG, balanced, until


def block(first: int, n: int = 1, **more: Any) -> Block:
    return Block({"x": np.arange(first, first + n, dtype=float), **more}, first=first)


def begun(*args: Any, **kwargs: Any) -> Consumer:
    consumer = Consumer(*args, **kwargs)
    consumer.begin()
    return consumer


def offered(consumer: Consumer, blocks: int, n: int = 100) -> Consumer:
    for k in range(blocks):
        consumer.offer(block(k * n, n), came=0.0)
    return consumer


ROOM = 3 * size_of(block(0, 100))


def firsts(consumer: Consumer) -> list[int]:
    found = []
    while (each := consumer.take()) is not None:
        found.append(each.first)
    return found


@pytest.mark.parametrize(
    ("policy", "kept", "dropped"),
    [("drop_oldest", [200, 300, 400], 200), ("drop_newest", [0, 100, 200], 200), ("spill", [0, 100, 200, 300, 400], 0)],
)
def test_a_policy_says_which_blocks_go(policy: Any, kept: list[int], dropped: int) -> None:
    consumer = offered(begun(policy=policy, limit=ROOM), 5)
    assert consumer.stats()["dropped"] == dropped
    assert balanced(consumer.stats())
    assert firsts(consumer) == kept
    assert consumer.stats()["delivered"] == 100 * len(kept)
    assert consumer.stats()["pending"] == consumer.stats()["pending_bytes"] == 0


def test_latest_keeps_the_newest_block_alone() -> None:
    consumer = offered(begun(policy="latest"), 5)
    assert firsts(consumer) == [400]
    assert consumer.stats()["dropped"] == 400


def test_growing_has_no_end_but_a_limit_where_one_is_given() -> None:
    assert len(firsts(offered(begun(policy="grow"), 200))) == 200
    consumer = offered(begun(policy="grow", limit=ROOM), 5)
    assert firsts_until_error(consumer, DataError) == [0, 100, 200]
    assert consumer.stats()["dropped"] == 200
    assert consumer.state == "failed"
    with pytest.raises(DataError, match="spill"):  # for ever, and not a silent end
        consumer.read()


def firsts_until_error(consumer: Consumer, error: type[Exception]) -> list[int]:
    found = []
    try:
        while (each := consumer.take()) is not None:
            found.append(each.first)
    except error:
        return found
    raise AssertionError(f"no {error.__name__}")


def test_block_makes_who_offers_wait_until_there_is_room() -> None:
    consumer = begun(policy="block", limit=ROOM)
    thread = threading.Thread(target=offered, args=(consumer, 50))
    thread.start()
    found: list[int] = []
    until(lambda: consumer.stats()["pending"] == 300)
    while len(found) < 50:
        assert consumer.wait(HANG)
        assert consumer.stats()["pending"] <= 300
        found += firsts(consumer)
    thread.join(HANG)
    assert found == list(range(0, 5000, 100))
    assert consumer.stats()["dropped"] == 0


@pytest.mark.parametrize("end", ["close", "hurry"])
def test_who_waits_for_room_is_let_go(end: str) -> None:
    consumer = begun(policy="block", limit=ROOM)
    thread = threading.Thread(target=offered, args=(consumer, 10))
    thread.start()
    until(lambda: consumer.stats()["pending"] == 300)
    getattr(consumer, end)()
    thread.join(HANG)
    assert not thread.is_alive()
    assert balanced(consumer.stats())
    assert consumer.stats()["dropped"] == (1000 if end == "close" else 0)


def test_a_block_longer_than_all_the_room_is_taken_when_nothing_waits() -> None:
    for policy in POLICIES:
        consumer = begun(policy=policy, limit=None if policy == "latest" else 10)
        consumer.offer(block(0, 100), came=0.0)
        assert firsts(consumer) == [0], policy


@given(st.sampled_from(POLICIES), st.lists(st.integers(0, 300) | st.none() | st.booleans(), max_size=40))
def test_no_row_goes_without_a_count_and_the_rest_comes_in_order(policy: Any, steps: list[Any]) -> None:
    if policy in ("block", "grow"):  # the one would wait, the other fail
        limit: int | None = None
    else:
        limit = None if policy == "latest" else 5000
    consumer, row, seen = begun(policy=policy, limit=limit), 0, []
    for step in steps:
        if step is None:
            seen += list(consumer.read().get("x", ()))
        elif isinstance(step, bool):
            found = consumer.take()
            seen += [] if found is None else list(found["x"])
        else:
            consumer.offer(block(row, step), came=0.0)
            row += step
        assert balanced(consumer.stats())
    while len(more := list(consumer.read().get("x", ()))):
        seen += more
    counts = consumer.stats()
    assert counts["produced"] == row
    assert counts["delivered"] == len(seen)
    assert counts["pending"] == 0
    assert seen == sorted(set(seen))
    if policy in ("block", "grow", "spill"):
        assert seen == list(range(row))


def test_read_joins_blocks_up_to_a_gap_or_a_change_of_columns() -> None:
    consumer = offered(begun(), 3, n=2)
    consumer.offer(block(10, 2), came=0.0)
    consumer.offer(block(12, 2, y=np.zeros(2)), came=0.0)
    consumer.offer(Block({"x": np.zeros(1, dtype=int), "y": np.zeros(1)}, first=14), came=0.0)
    read = [consumer.read() for _ in range(5)]
    assert [(each.first, each.n, list(each)) for each in read[:4]] == [
        (0, 6, ["x"]), (10, 2, ["x"]), (12, 2, ["x", "y"]), (14, 1, ["x", "y"])
    ]  # fmt: skip
    assert read[0]["x"].tolist() == [0, 1, 2, 3, 4, 5]
    assert read[4] == {}


def test_joined_blocks_keep_their_paces_and_times() -> None:
    pace = Pace(offset=Pace().offset, every=Pace().every * 2)
    consumer = begun()
    for k in (0, 4):
        each = Block(
            {"t": np.arange(k, k + 4) / 10, "x": np.zeros(4), "slow": np.arange(k // 2, k // 2 + 2)},
            first=k, rate=10.0, paces={"slow": pace}, timestamp="t",
        )  # fmt: skip
        consumer.offer(each, came=0.0)
    found = consumer.read()
    assert found.n == 8
    assert found["slow"].tolist() == [0, 1, 2, 3]
    assert list(found.numbers("slow")) == [0, 1, 2, 3]
    assert found.timestamps("slow").tolist() == [0.0, 0.2, 0.4, 0.6]


def test_what_one_consumer_does_to_its_block_reaches_no_other() -> None:
    one, two = begun(name="one"), begun(name="two")
    given = block(0, 3)
    for each in (one, two):
        each.offer(given, came=0.0)
    mine = one.read()
    mine["more"] = np.zeros(3)
    del mine["x"]
    assert list(two.read()) == ["x"] == list(given)


def test_a_slow_callback_gets_longer_blocks_and_every_row() -> None:
    go, calls = threading.Semaphore(0), []

    def callback(given: Block) -> None:
        go.acquire(timeout=HANG)
        calls.append((given.first, given.n))

    consumer = begun(callback)
    consumer.offer(block(0, 1), came=0.0)
    until(lambda: consumer.stats()["delivered"] == 1)
    for k in range(1, 100):
        consumer.offer(block(k, 1), came=0.0)
    go.release(2)
    consumer.end()
    consumer.join()
    assert calls == [(0, 1), (1, 99)]
    assert consumer.stats()["delivered"] == 100


def test_a_timed_callback_gets_each_block_and_when_it_came() -> None:
    calls: list[tuple[int, float]] = []
    consumer = begun(lambda given, came: calls.append((given.first, came)), timed=True)
    for k in range(5):
        consumer.offer(block(k), came=k / 10)
    consumer.end()
    consumer.join()
    assert calls == [(k, k / 10) for k in range(5)]


def test_a_callback_that_fails_gets_no_more_and_the_failure_is_told_once() -> None:
    calls = []

    def callback(given: Block) -> None:
        calls.append(given.first)
        raise ZeroDivisionError("mine")

    consumer = begun(callback, name="plot")
    consumer.offer(block(0, 5), came=0.0)
    until(lambda: consumer.state == "failed")
    consumer.offer(block(5, 5), came=0.0)
    assert calls == [0]
    assert balanced(consumer.stats())
    assert (consumer.stats()["delivered"], consumer.stats()["dropped"], consumer.stats()["errors"]) == (5, 5, 1)
    with pytest.raises(ZeroDivisionError) as caught:
        consumer.close()
    assert "Consumer('plot')" in caught.value.__notes__[0]
    consumer.close()


def test_a_callback_that_fails_is_called_again_or_skips_the_block() -> None:
    for on_error, wanted in (("skip", [0, 1, 2]), ("restart", [0, 0, 1, 2])):
        calls: list[int] = []

        def callback(given: Block, calls: list[int] = calls) -> None:
            calls.append(given.first)
            if calls == [0]:
                raise ZeroDivisionError

        consumer = begun(callback, on_error=on_error)
        for k in range(3):
            consumer.offer(block(k), came=0.0)
            until(lambda calls, n: len(calls) == n, calls, k + wanted.count(0))
        consumer.end()
        consumer.join()
        assert calls == wanted
        assert consumer.untold() is None
        assert consumer.stats()["errors"] == 1


def test_a_callback_that_fails_twice_with_a_block_skips_it() -> None:
    calls: list[int] = []

    def callback(given: Block) -> None:
        calls.append(given.first)
        if given.first == 0:
            raise ZeroDivisionError

    consumer = begun(callback, on_error="restart")
    consumer.offer(block(0), came=0.0)
    until(lambda: len(calls) == 2)
    consumer.offer(block(1), came=0.0)
    consumer.end()
    consumer.join()
    assert calls == [0, 0, 1]


def test_a_callback_that_does_not_come_back_is_given_up_at_the_end() -> None:
    hung = threading.Event()
    consumer = begun(lambda given: hung.wait(HANG), patience=0.2, name="hung")
    for k in range(2):
        consumer.offer(block(k, 1), came=0.0)
        until(lambda: consumer.stats()["delivered"] == 1)
    consumer.end()
    consumer.join()
    error = consumer.untold()
    assert isinstance(error, WorkerError)
    assert "hung" in str(error)
    assert balanced(consumer.stats())
    assert consumer.stats()["pending"] == 0
    hung.set()


def test_closing_drops_what_waits_and_waits_for_the_call_under_way() -> None:
    entered, leave, calls = threading.Event(), threading.Event(), []

    def callback(given: Block) -> None:
        entered.set()
        leave.wait(HANG)
        calls.append(given.first)

    consumer = begun(callback)
    consumer.offer(block(0), came=0.0)
    assert entered.wait(HANG)
    consumer.offer(block(1), came=0.0)
    threading.Timer(0.05, leave.set).start()
    consumer.close()
    assert calls == [0]
    consumer.offer(block(2), came=0.0)
    counts = consumer.stats()
    assert (counts["produced"], counts["delivered"], counts["dropped"]) == (3, 1, 2)
    assert consumer.state == "stopped"


def test_a_consumer_that_is_closed_says_so() -> None:
    consumer = offered(begun(), 3)
    consumer.close()
    consumer.close()
    with pytest.raises(ClosedError, match="closed"):
        consumer.read()
    assert list(consumer) == []
    assert consumer.wait(0)


def test_lag_and_late_rows_are_counted() -> None:
    from headrace.live.devices.clock import VirtualClock

    clock = VirtualClock()
    consumer = begun(clock=clock, deadline=0.5)
    assert consumer.stats()["lag"] == 0.0
    consumer.offer(block(0, 10), came=clock.now())
    clock.advance(0.25)
    assert consumer.stats()["lag"] == 0.25
    consumer.read()
    assert consumer.stats()["late"] == 0
    consumer.offer(block(10, 10), came=clock.now())
    clock.advance(0.75)
    consumer.offer(block(20, 10), came=clock.now())
    consumer.read()
    assert consumer.stats()["late"] == 10
    assert consumer.stats()["lag"] == 0.0


def test_wait_returns_when_something_comes_when_it_is_over_and_when_time_is() -> None:
    consumer = Consumer()
    assert consumer.wait()  # nothing will come: it has not begun
    consumer.begin()
    assert not consumer.wait(0.01)
    threading.Timer(0.02, consumer.offer, (block(0), 0.0)).start()
    assert consumer.wait(HANG)
    consumer.read()
    threading.Timer(0.02, consumer.end).start()
    assert consumer.wait(HANG)


def test_a_loop_over_a_consumer_ends_with_the_system_and_raises_what_that_failed_with() -> None:
    consumer = offered(begun(), 3)
    consumer.end()
    assert [each.first for each in consumer] == [0, 100, 200]
    consumer.begin()
    consumer.offer(block(300), came=0.0)
    consumer.end(ZeroDivisionError("mine"))
    found: list[int] = []
    with pytest.raises(ZeroDivisionError, match="mine"):
        found.extend(each.first for each in consumer)
    assert consumer.state == "failed"


def test_an_error_that_is_raised_often_does_not_grow() -> None:
    consumer = begun()
    consumer.end(ZeroDivisionError("mine"))
    lengths = []
    for _ in range(5):
        with pytest.raises(ZeroDivisionError) as caught:
            consumer.read()
        lengths.append(len(caught.traceback))
    assert len(set(lengths)) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"policy": "drop"}, "wanted one of 'block'"),
        ({"policy": "latest", "limit": 10}, "one of them"),
        ({"policy": "grow", "newest": 10}, "'latest'"),
        ({"policy": "latest", "newest": 0}, "1 or more"),
        ({"limit": "many"}, "number of bytes"),
        ({"limit": 0}, "at least 1"),
        ({"on_error": "ignore"}, "wanted one of 'fail'"),
        ({"callback": 7}, "wanted a function"),
    ],
)
def test_what_a_consumer_is_not_made_of(wrong: Any, said: str) -> None:
    with pytest.raises(StreamConfigError, match=said):
        Consumer(**wrong)


def test_a_limit_may_be_a_text() -> None:
    consumer = begun(limit="4kB")
    offered(consumer, 5)
    assert consumer.stats()["dropped"] == 300


def test_one_with_a_callback_is_not_read() -> None:
    with pytest.raises(StreamConfigError, match="has a callback"):
        Consumer(print).read()


def test_what_spilled_leaves_the_disk_again() -> None:
    consumer = offered(begun(policy="spill", limit=ROOM), 100)
    assert consumer.stats()["spilled_bytes"] > 70_000
    assert consumer.stats()["pending"] == 10_000
    assert firsts(consumer) == list(range(0, 10_000, 100))
    assert consumer.stats()["spilled_bytes"] == 0
    offered(consumer, 100)
    consumer.close()
    assert consumer.stats()["spilled_bytes"] == 0
    assert balanced(consumer.stats())


def test_consumers_from_many_threads_lose_nothing_and_count_all() -> None:
    consumer = begun(policy="drop_oldest", limit=20_000)
    seen, end = [], monotonic() + 0.2

    def reader() -> None:
        while monotonic() < end:
            found = consumer.read()
            seen.append(found.n)

    threads = [threading.Thread(target=reader) for _ in range(3)]
    for thread in threads:
        thread.start()
    row = 0
    while monotonic() < end:
        consumer.offer(block(row, 10), came=0.0)
        row += 10
    for thread in threads:
        thread.join(HANG)
    while n := consumer.read().n:
        seen.append(n)
    counts = consumer.stats()
    assert counts["produced"] == row == sum(seen) + counts["dropped"]
    assert balanced(counts)


def test_many_small_blocks_that_wait_take_little_more_than_their_rows() -> None:
    """A reader that is away for a while loses nothing for want of room that only the blocks' number takes."""
    consumer = begun(limit="1MB")
    for k in range(20_000):
        consumer.offer(block(k), came=float(k))
    counts = consumer.stats()
    assert (counts["dropped"], counts["pending"]) == (0, 20_000)
    assert counts["pending_bytes"] < 1_000_000
    assert consumer.read()["x"].tolist() == list(range(20_000))
    assert consumer.stats()["pending_bytes"] == 0


def test_blocks_that_do_not_go_on_stay_apart_however_many_wait() -> None:
    consumer = begun(policy="grow")
    for k in range(1000):
        consumer.offer(block(k + k // 100), came=0.0)  # a gap each 100
    found = []
    while (each := consumer.read()).n:
        found.append((each.first, each.n))
    assert found == [(101 * k, 100) for k in range(10)]


def test_who_keeps_when_blocks_came_gets_each_however_many_wait() -> None:
    go, calls = threading.Event(), []

    def callback(given: Block, came: float) -> None:
        go.wait(HANG)
        calls.append((given.first, came))

    consumer = begun(callback, timed=True, policy="spill")
    for k in range(1000):
        consumer.offer(block(k), came=float(k))
    go.set()
    consumer.end()
    consumer.join()
    assert calls == [(k, float(k)) for k in range(1000)]
