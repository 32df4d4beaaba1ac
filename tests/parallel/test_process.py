"""A stream drawn in worker processes is the same stream: laws, items, states, whatever the transport."""

from __future__ import annotations

import json
import pickle
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.testing import check_stream
from parallel import lawpool, pool
from parallel.differ import differ
from parallel.left import MARKS
from support.counts import heavy, soaking

KEY = hr.Key(11)
METHODS = ["fork", "spawn", "forkserver"]
pytestmark = MARKS
# Each with the number of workers it is examined with in the suite; scripts/soak takes all numbers.
_BRIEF = {"indexed": 2, "stochastic": 1, "chain": 2}
_LAWS = [
    (name, workers)
    for name in lawpool.STREAMS
    for workers in ([1] if name in lawpool.ONE else [1, 2, 4])
    if soaking() or _BRIEF.get(name) == workers
]


def elsewhere(stream: hr.Stream[Any], where: str = "process", workers: int = 1, **more: Any) -> Any:
    return stream | hr.background(where, workers=workers, **more)


def ways(name: str) -> list[tuple[str, int]]:
    """(transport, workers) that a stream can run by."""
    return [
        ("inline", 1),
        ("thread", 1),
        ("process", 1),
        ("zmq", 1),
        *([] if name in lawpool.ONE else [("process", 2), ("process", 3), ("thread", 2), ("zmq", 2)]),
    ]


def equal(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and not any(map(differ, a, b))


# --- the laws -----------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "workers"), _LAWS)
def test_it_keeps_the_laws(name: str, workers: int) -> None:
    stream = lawpool.STREAMS[name]()
    items = 40 if soaking() else 20
    check_stream(elsewhere(stream, workers=workers, ahead=3000), items=items, processes=soaking())


_OTHER = [("thread", "indexed", 2), ("thread", "stochastic", 4), ("zmq", "stack", 1)]
_OTHERS = [
    (where, name, workers)
    for where in ("thread", "zmq")
    for name in lawpool.STREAMS
    for workers in ([1] if name in lawpool.ONE else [1, 2, 4])
    if soaking() or (where, name, workers) in _OTHER
]


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("where", "name", "workers"), _OTHERS)
def test_threads_and_sockets_keep_the_laws(where: str, name: str, workers: int) -> None:
    stream = lawpool.STREAMS[name]()
    items = 20 if soaking() or where == "thread" else 8
    check_stream(elsewhere(stream, where, workers=workers, ahead=3000), items=items, processes=soaking())


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not soaking(), reason="scripts/soak alone starts some hundred interpreters for each")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", ["granular", "nested"])
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_it_keeps_the_laws_however_it_is_started(method: str, name: str, workers: int) -> None:
    stream = lawpool.STREAMS[name]()
    check_stream(elsewhere(stream, workers=workers, ahead=3000, start_method=method), items=20, processes=False)


@pytest.mark.parametrize("name", lawpool.STREAMS)
def test_the_same_items_by_any_transport(name: str) -> None:
    stream = lawpool.STREAMS[name]()
    with stream.open(KEY) as cursor:
        expected = cursor.take(100)
    assert len(expected) > 5
    some = ways(name)[1:] + ([("process", 4)] if name not in lawpool.ONE else [])
    for k, (where, workers) in enumerate(some, len(name)):
        ahead = [1, 2000, "8MB"][k % 3]
        with elsewhere(stream, where, workers, ahead=ahead).open(KEY) as cursor:
            assert equal(cursor.take(100), expected), (where, workers, ahead)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["granular", "stack", "nested"])
def test_the_same_items_however_processes_are_started(method: str, name: str) -> None:
    if method == "forkserver" and name != "nested" and not soaking():
        return
    stream = lawpool.STREAMS[name]()
    expected = stream.open(KEY).take(100)
    workers = 1 if name in lawpool.ONE else 2
    with elsewhere(stream, workers=workers, start_method=method).open(KEY) as cursor:
        assert equal(cursor.take(9), expected[:9])
        state = pickle.loads(pickle.dumps(cursor.state()))
        assert equal(cursor.take(100), expected[9:])
        cursor.restore(state)
        assert equal(cursor.take(100), expected[9:])


# --- states -------------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.parametrize("name", lawpool.STREAMS)
def test_a_state_goes_on_by_any_other_transport(name: str) -> None:
    stream, chance = lawpool.STREAMS[name](), random.Random(name)
    expected = stream.open(KEY).take(100)
    for i, saving in enumerate(ways(name)):
        for j, resuming in enumerate(ways(name)):
            if (i + j) % 4 and not soaking():
                continue  # a quarter of the pairs: each way saves, and each goes on
            for _ in range(heavy(50)):
                cut = chance.randrange(len(expected) + 1)
                with elsewhere(stream, *saving, ahead=chance.choice([1, 3000, "8MB"])).open(KEY) as cursor:
                    cursor.skip(cut)
                    state: Any = pickle.loads(pickle.dumps(cursor.state()))
                with elsewhere(stream, *resuming).open(at=state) as cursor:
                    assert cursor.position == cut
                    assert equal(cursor.take(100), expected[cut:]), (saving, resuming, cut)
                    # What was resumed can be saved again, and goes on from there in yet another way.
                    state = pickle.loads(pickle.dumps(cursor.state()))
                with elsewhere(stream, *chance.choice(ways(name))).open(at=state) as cursor:
                    assert cursor.take(3) == []


@pytest.mark.parametrize("name", ["indexed", "indexed mix", "granular"])
@pytest.mark.parametrize("workers", [2, 4])
def test_items_out_of_order_are_the_same_items_and_resume_exactly(name: str, workers: int) -> None:
    stream, chance = lawpool.STREAMS[name](), random.Random(workers)
    expected = Counter(map(_told, stream.open(KEY).take(100)))
    whole = elsewhere(stream, workers=workers, ordered=False, ahead=3000)
    with whole.open(KEY) as cursor:
        assert Counter(map(_told, cursor)) == expected
    for cut in (0, 1, 7, 20, 34, 35):
        with whole.open(KEY) as cursor:
            first = cursor.take(cut)
            state = json.loads(json.dumps(cursor.state()))
        for other in (workers, chance.choice([1, 2, 3])):
            again = elsewhere(stream, workers=other, ordered=False)
            with again.open(at=state) as cursor:
                assert Counter(map(_told, first + cursor.take(5) + list(cursor))) == expected, (cut, other)


def _told(item: Any) -> bytes:
    return pickle.dumps([(path, np.asarray(leaf).tolist()) for path, leaf in hr.core.items.leaves(item)])


def test_a_state_out_of_order_says_where_it_can_go_on() -> None:
    whole = elsewhere(hr.source(np.arange(10_000)), workers=2, ordered=False, ahead=500)
    for _ in range(50):  # until it stands where some are missing
        with whole.open(KEY) as cursor:
            cursor.take(97)
            state: Any = cursor.state()
        if isinstance(state["at"]["source"], dict):
            break
    else:
        pytest.skip("the workers kept in step")
    for where in ("inline", "thread"):
        with pytest.raises(hr.HeadraceError), elsewhere(whole.source, where, ordered=False).open(at=state) as cursor:
            next(cursor)


# --- the items ----------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("ahead", [1, "100kB", "8MB"])
def test_any_item_survives(ahead: Any) -> None:
    n = 10_000 if soaking() else 500
    for seed in range(heavy(100), heavy(100) + max(1, heavy(n) // 500)):
        with elsewhere(pool.stream(seed, 500), ahead=ahead).open() as cursor:
            for k, item in enumerate(pool.items(seed, 500)):
                assert not (found := differ(item, next(cursor))), f"item {k} of seed {seed}: {found}"
            assert next(cursor, None) is None


def test_an_item_larger_than_ahead() -> None:
    with elsewhere(hr.Streamer(_large), ahead="1MB").open() as cursor:
        for n, item in enumerate(cursor):
            assert item["X"].nbytes == 40_000_000 if n < 3 else 8
            assert (item["X"] == n).all()
    kept = list(elsewhere(hr.Streamer(_large), ahead="1MB"))
    assert [item["X"][-1] for item in kept] == list(range(203))


def _large() -> Any:
    for n in range(203):
        yield {"X": np.full(5_000_000 if n < 3 else 1, float(n)), "n": n}


def test_kinds_of_items_without_number_take_no_more_and_no_more_memory() -> None:
    stream = elsewhere(hr.Streamer(_all_different), ahead="100kB")
    with stream.open() as cursor:
        for n, item in enumerate(cursor):
            assert list(item) == [f"field {n}"]
            assert item[f"field {n}"].shape == (1,) * (n % 3)
    with stream.open() as cursor:
        cursor.skip(2500)
        layouts = cursor._supply.hands[0]._layouts
        assert len(layouts) <= 1001


def _all_different() -> Any:
    for n in range(3000):
        yield {f"field {n}": np.zeros((1,) * (n % 3))}
        if n == 2990:
            return


def test_structures_that_change_from_item_to_item() -> None:
    with elsewhere(hr.Streamer(_mixed), ahead="100kB").open() as cursor:
        for item, came in zip(_mixed(), cursor, strict=True):
            assert not differ(item, came)


def _mixed() -> Any:
    for i in range(400):
        yield {"X": np.arange(i % 7.0)}
        if i % 9 == 0:
            yield 5
        if i % 11 == 0:
            yield {"X": 3}
        if i % 13 == 0:
            yield 2**63 + i
        if i % 5 == 0:
            yield from range(2**63 - 3, 2**63 + 3)
        yield {"X": np.asfortranarray(np.zeros((i % 3, i % 4, 2)))}
        yield None
