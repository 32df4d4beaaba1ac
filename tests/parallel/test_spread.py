"""A mux whose members are drawn in several workers, while its choices are made here."""

from __future__ import annotations

import os
import pickle
import random
import signal
import threading
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import WorkerError
from parallel import lawpool
from parallel.differ import differ
from parallel.left import MARKS, children, none_alive
from support.counts import heavy

pytestmark = MARKS
KEY = hr.Key(5)


def elsewhere(stream: Any, workers: int = 2, **more: Any) -> Any:
    return stream | hr.background("process", workers=workers, **more)


def equal(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and not any(map(differ, a, b))


def where(i: int, k: int) -> Any:
    return k, os.getpid(), i


def endless(k: int) -> Any:
    i = 0
    while True:
        yield k, os.getpid(), i
        i += 1


def test_worker_j_has_the_members_that_leave_j() -> None:
    mux = hr.RoundRobinMux([hr.Streamer(endless, k) for k in range(7)])
    for workers in (2, 3, 7, 20):
        with elsewhere(mux, workers).open(KEY) as cursor:
            found = cursor.take(70)
        of: dict[int, set[int]] = {}
        for k, pid, _ in found:
            of.setdefault(pid, set()).add(k)
        k = min(workers, 7)
        assert sorted(map(sorted, of.values())) == [sorted(range(j, 7, k)) for j in range(k)]
        assert os.getpid() not in of


def test_choices_and_counts_are_made_here() -> None:
    mux = hr.ShuffledMux({"a": walk(1), "b": walk(2)}, weights={"a": 3, "b": 1})
    inline = mux.open(KEY).take(400)
    with elsewhere(mux | hr.map(lawpool.noisy) | hr.shuffle(9) | hr.batch(5)).open(KEY) as cursor:
        expected = (mux | hr.map(lawpool.noisy) | hr.shuffle(9) | hr.batch(5)).open(KEY).take(60)
        assert equal(cursor.take(60), expected)
    with elsewhere(mux).open(KEY) as cursor:
        assert equal(cursor.take(400), inline)


def walk(k: int) -> Any:
    return hr.Streamer(range(k, 10**9))


@pytest.mark.parametrize("n_active", [1, 8, 40])
@pytest.mark.parametrize("ahead", [1, 20_000, "8MB"])
def test_a_mux_of_many_members_that_come_and_go(n_active: int, ahead: Any) -> None:
    mux = hr.StochasticMux([lawpool.walk(20 + k % 7) for k in range(50)], n_active=n_active, rate=5)
    expected = mux.open(KEY).take(600)
    with elsewhere(mux, 3, ahead=ahead).open(KEY) as cursor:
        assert equal(cursor.take(600), expected)
        assert cursor.stats().items == 600


def test_a_mux_in_a_mux_is_spread_by_its_own_members() -> None:
    inner = [hr.StochasticMux([lawpool.walk(9) for _ in range(4)], n_active=2, rate=3) for _ in range(3)]
    mux = hr.ShuffledMux([*inner, hr.ChainMux(lawpool.walks(3)), hr.Streamer(range(500))])
    expected = mux.open(KEY).take(300)
    for workers in (2, 4):
        with elsewhere(mux, workers).open(KEY) as cursor:
            assert equal(cursor.take(300), expected)


@pytest.mark.parametrize("op", [hr.shuffle(10), hr.filter(lambda item: item["y"] % 3 > 0)])
def test_numbers_below_an_op_that_has_none_are_shared_out(op: Any) -> None:
    """The mix runs in all workers, the shuffle above it here."""
    mix = hr.mix([lawpool.indexed(30), lawpool.indexed(50)], weights=[1, 2])
    expected = (mix | op).open(KEY).take(200)
    with elsewhere(mix | op, 3, ahead=10_000).open(KEY) as cursor:
        assert equal(cursor.take(90), expected[:90])
        assert len(children()) == 3
        state = pickle.loads(pickle.dumps(cursor.state()))
        assert equal(cursor.take(110), expected[90:])
    for other, workers in (("inline", 1), ("thread", 1), ("process", 1), ("process", 2)):
        with (mix | op | hr.background(other, workers=workers)).open(at=state) as cursor:
            assert equal(cursor.take(110), expected[90:])


@pytest.mark.soak
def test_states_move_between_numbers_of_workers() -> None:
    chance = random.Random(2)
    mux = hr.ShuffledMux(
        [
            hr.StochasticMux(lawpool.walks(6), n_active=3, rate=4),
            hr.Streamer(range(10**6)) | hr.shuffle(7),
            lawpool.indexed(200) | hr.repeat(),
            hr.RoundRobinMux(lawpool.walks(3), mode="cycle"),
        ]
    )
    expected = mux.open(KEY).take(420)
    for _ in range(heavy(500)):
        state: Any = None
        at = 0
        while at < 300:  # from one to the next, and on
            with elsewhere(mux, chance.choice([1, 2, 3]), ahead=chance.choice([1, 5000, "8MB"])).open(
                *([KEY] if state is None else []), at=state
            ) as cursor:
                n = chance.randrange(1, 120)
                assert equal(cursor.take(n), expected[at : at + n])
                at += n
                state = pickle.loads(pickle.dumps(cursor.state()))
        with mux.open(KEY, at=at) as cursor:
            assert equal(cursor.take(420 - at), expected[at:])


# --- errors -------------------------------------------------------------------------------------


class Own(ValueError):
    """An error of a user's."""


def fails_at_9(i: int) -> int:
    if i == 9:
        raise Own("nine")
    return i


@pytest.mark.parametrize("workers", [2, 3])
def test_an_error_names_the_member(workers: int) -> None:
    members = [hr.Streamer(range(100)), hr.Streamer(range(100)), hr.Streamer(range(100)) | hr.map(fails_at_9)]
    mux = hr.ShuffledMux(members)
    with mux.open(KEY) as inline, elsewhere(mux, workers).open(KEY) as cursor:
        for run in (inline, cursor):
            with pytest.raises(Own, match="nine") as error:
                all(True for _ in iter(run.__next__, None))
            root = "root/background/" if run is cursor else "root/"
            notes = error.value.__notes__
            assert f"  while drawing item 9 of {root}shuffled_mux[2]/map" in notes
            assert any("your function: fails_at_9 at test_spread.py" in note for note in notes)
        assert cursor.position == inline.position
        state = pickle.loads(pickle.dumps(cursor.state()))
        with pytest.raises(Own):
            next(cursor)
        assert [inline.skip(), cursor.skip()] == [1, 1]
        assert equal(cursor.take(100), rest := inline.take(100))
    with elsewhere(mux, workers).open(at=state) as resumed:
        with pytest.raises(Own):
            next(resumed)
        resumed.skip()
        assert equal(resumed.take(100), rest)


def test_an_item_of_a_member_that_cannot_be_sent() -> None:
    mux: Any = hr.RoundRobinMux(
        [hr.Streamer(range(20)), hr.Streamer(range(20)) | hr.map(lambda i: threading.Lock() if i == 4 else i)]
    )
    with elsewhere(mux).open(KEY) as cursor:
        assert [next(cursor) for _ in range(9)] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
        for _ in range(2):
            with pytest.raises(hr.DataError, match="cannot send an item") as error:
                next(cursor)
            assert "  while drawing item 4 of root/background/round_robin_mux[1]/map" in error.value.__notes__
        cursor.skip()
        assert sorted(cursor.take(60)) == sorted([*range(5, 20), *range(5, 20)])


@pytest.mark.parametrize("workers", [2, 3])
def test_a_worker_that_dies_takes_no_other_with_it(workers: int) -> None:
    mux = hr.ShuffledMux([hr.Streamer(endless, k) for k in range(6)]) | hr.map(lambda item: (item[0], item[2]))
    expected = mux.open(KEY).take(5000)
    before = children()
    with elsewhere(mux, workers, ahead=20_000).open(KEY) as cursor:
        found = cursor.take(200)
        for _ in range(2):
            mine = children() - before
            assert len(mine) == workers
            os.kill(min(mine), signal.SIGKILL)
            assert none_alive({min(mine)})
            died = 0
            while died == 0:
                try:
                    found.append(next(cursor))
                except WorkerError:
                    died += 1
            found += cursor.take(500)
            assert len(mine & children()) == workers - 1, "the others go on"
        assert equal(found, expected[: len(found)])
        state = cursor.state()
    with elsewhere(mux, workers).open(at=state) as cursor:
        assert equal(cursor.take(100), expected[len(found) : len(found) + 100])


def test_members_that_cost_memory_are_made_as_they_are_wanted() -> None:
    """What is granted bounds what waits: not a window for each of many members."""
    mux = hr.RoundRobinMux([hr.Streamer(heavy_member, k) for k in range(40)])
    with elsewhere(mux, 2, ahead="2MB").open(KEY) as cursor:
        for n in range(400):
            item = next(cursor)
            assert (item == n % 40).all()
            del item
            assert cursor.stats().queued <= 2_000_000 / 200_000 + 40 / 20, "a window, and one on its way"


def heavy_member(k: int) -> Any:
    while True:
        yield np.full(200_000, k, np.uint8)


def test_a_knob_of_the_mux_is_turned_here() -> None:
    weights: hr.Knob[list[float]] = hr.Knob([1.0, 0.0])
    mux = hr.ShuffledMux([hr.Streamer(endless, k) for k in range(2)], weights)
    with elsewhere(mux).open(KEY) as cursor:
        assert {k for k, _, _ in cursor.take(50)} == {0}
        weights.set([0.0, 1.0])
        assert {k for k, _, _ in cursor.take(50)} == {1}
        state = cursor.state()
        assert {k for k, _, _ in cursor.take(50)} == {1}
    with elsewhere(mux).open(at=state) as cursor:
        assert {k for k, _, _ in cursor.take(50)} == {1}
