"""The description of a background, and that its items are those of the stream inside."""

from __future__ import annotations

import json
import pickle
import random
import threading
import time
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.core import recipe, same
from headrace.core.describe import dump
from headrace.ops.base import OpCursor
from headrace.testing import Broken, check_stream, flaky
from headrace.testing import strategies as some
from support.counts import heavy

KEY = hr.Key(11)


def noisy(item: Any, rng: Any) -> Any:
    return item, float(rng.random())


def rows(n: int) -> hr.Stream[Any]:
    return hr.Streamer([{"X": (i, -i), "y": i} for i in range(n)])


def deep(n: int) -> hr.Stream[Any]:
    """Items in an order, from a mux, with draws of their own, in batches: something with a state of several parts."""
    members = [hr.Streamer(range(k, k + n)) | hr.map(noisy) for k in range(4)]
    return hr.StochasticMux(members, n_active=3, rate=5) | hr.shuffle(7) | hr.batch(3)


def equal(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))


# --- the description ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"where": "gpu"}, "wanted one of inline, thread, process, zmq"),
        ({"workers": -1}, r"background\(workers=\) got -1"),
        ({"workers": 1.5}, r"background\(workers=\) got 1.5"),
        ({"where": "process", "start_method": "magic"}, "start_method"),
        ({"ordered": "yes"}, "ordered"),
        ({"ahead": 0}, "at least 1"),
        ({"ahead": "8 apples"}, "such as '64MB'"),
        ({"ahead": None}, "such as '64MB'"),
        ({"ahead": True}, "such as '64MB'"),
    ],
)
def test_what_cannot_work_is_refused_at_once(arguments: Any, message: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=message):
        hr.background(**arguments)


@pytest.mark.parametrize("where", ["thread", "process", "zmq"])
def test_several_workers_want_a_stream_that_can_be_shared_out(where: str) -> None:
    with pytest.raises(hr.StreamConfigError, match="cannot be shared out because of"):
        rows(3) | hr.background(where, workers=2)


@pytest.mark.parametrize(
    ("ahead", "number"),
    [("64MB", 64_000_000), ("8MiB", 8 << 20), ("1.5 kB", 1500), ("7", 7), ("2GiB", 2 << 30), (12, 12), ("3 b", 3)],
)
def test_ahead_is_a_number_of_bytes(ahead: Any, number: int) -> None:
    stream: Any = rows(3) | hr.prefetch(ahead)
    assert stream.ahead == number
    assert stream == rows(3) | hr.background("thread", ahead=number)


def test_it_is_a_recipe_like_any_other() -> None:
    stream = rows(9) | hr.prefetch()
    assert len(stream) == 9
    assert pickle.loads(pickle.dumps(stream)) == stream
    assert hr.load(dump(stream)) == stream
    assert "background(where='thread')" in str(stream)
    parts = hr.ChainMux([rows(4), rows(3)]) | hr.prefetch()
    assert [len(list(parts.shard(i, 2))) for i in range(2)] == [4, 3]


# --- the items ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("where", "ahead"), [("inline", "8MB"), ("thread", 1), ("thread", 1000), ("thread", "8MB")])
def test_it_keeps_the_laws(where: str, ahead: Any) -> None:
    check_stream(deep(12) | hr.take(30) | hr.background(where, ahead=ahead), processes=False)


@given(stream=some.streams(), ahead=st.sampled_from([1, 300, 100_000]))
def test_item_for_item_as_inline(stream: hr.Stream[Any], ahead: int) -> None:
    expected = stream.open(KEY).take(100)
    for where in ("inline", "thread"):
        with (stream | hr.background(where, ahead=ahead)).open(KEY) as cursor:
            assert equal(cursor.take(100), expected)


def test_it_resumes_at_random_cuts() -> None:
    chance = random.Random(4)
    stream = deep(30) | hr.prefetch(ahead=2000)
    with stream.open(KEY) as cursor:
        whole = cursor.take(125)
    for _ in range(heavy(10_000)):  # 200 in the suite
        cut = chance.randrange(120)
        with stream.open(KEY, at=chance.randrange(cut + 1)) as cursor:
            cursor.take(cut - cursor.position)
            state = pickle.loads(pickle.dumps(cursor.state()))
        with stream.open(at=state) as resumed:
            assert resumed.position == cut
            assert equal(resumed.take(5), whole[cut : cut + 5])


def test_a_checkpoint_is_taken_now_and_then_and_used() -> None:
    drawn: list[int] = []

    def note(item: Any) -> None:
        drawn.append(item)

    stream = hr.Streamer(range(300_000)) | hr.tap(note) | hr.prefetch()
    with stream.open() as cursor:
        for _ in islice(cursor, 200_000):
            pass
        state = cursor.state()
        stats: Any = cursor.stats()  # type: ignore[attr-defined]
    assert stats.items == 200_000
    assert stats.checkpoints >= 1
    assert state["at"]["behind"] < 200_000
    drawn.clear()
    with stream.open(at=state) as resumed:
        assert next(resumed) == 200_000
        resumed.close()
    assert drawn[0] == 200_000 - state["at"]["behind"]


def test_checkpoints_take_a_fiftieth_of_the_time() -> None:
    took, taken = 0.002, 0
    stream = _SlowToSave(rows(100_000)) | hr.prefetch()
    began = time.perf_counter()
    with stream.open() as cursor:
        for _ in cursor:
            time.sleep(took / 4)  # so that the worker, too, has time
            taken = cursor.stats().checkpoints  # type: ignore[attr-defined]
            if taken == 3:  # however long that takes where others work, too
                break
    assert taken == 3
    assert taken <= 2 + (time.perf_counter() - began) / (50 * took)


@recipe
class _SlowToSave(hr.Stream[Any]):
    source: hr.Stream[Any]

    def start(self, key: hr.Key) -> hr.Cursor[Any]:
        return _SlowToSaveCursor(self, key)


class _SlowToSaveCursor(OpCursor[Any]):
    def run(self) -> Any:
        for self.count, item in enumerate(self.source.items, self.count + 1):
            time.sleep(0.0005)
            yield item

    def save(self) -> Any:
        time.sleep(0.002)
        return super().save()


def test_a_state_is_taken_while_the_worker_is_ahead() -> None:
    stream = rows(1000) | hr.prefetch()
    with stream.open() as cursor:
        for i in range(1000):
            next(cursor)
            state: Any = cursor.state()["at"]
            assert state["count"] == i + 1
            assert (state["source"] or 0) + state["behind"] == i + 1


@pytest.mark.parametrize("cut", [0, 5, 17, 25])
def test_an_error_at_item_17(cut: int) -> None:
    expected = deep(12).open(KEY).take(30)

    def stream() -> hr.Stream[Any]:
        return flaky(deep(12), at=17) | hr.prefetch(ahead=1000)

    with stream().open(KEY) as cursor:
        found: Any = []
        failed = 0
        while len(found) < cut:
            try:
                found.append(next(cursor))
            except Broken:
                failed += 1
                assert len(found) == 17, "after the items before it, and not sooner"
        assert equal(found, expected[:cut])
        assert failed == (cut > 17)
        state = pickle.loads(pickle.dumps(cursor.state()))
    with stream().open(at=state) as resumed:
        rest: Any = []
        while len(rest) < 30 - cut:
            try:
                rest.append(next(resumed))
            except Broken:  # for the second time, it may be while the items since the checkpoint are passed
                assert len(rest) == max(0, 17 - cut)
        assert equal(rest, expected[cut:])


def test_a_saved_place_that_is_not_reached_again_says_so() -> None:
    items = list(range(50))

    @hr.streamable
    def shrinking() -> Any:
        yield from list(items)

    stream = shrinking() | hr.prefetch()
    state = stream.open(at=40).state()
    state["at"].update(source=None, behind=40)
    del items[20:]
    with stream.open(at=state) as resumed, pytest.raises(hr.ResumeError, match="before the saved place"):
        next(resumed)


def test_an_iterator_runs_ahead_too_and_cannot_be_saved() -> None:
    with (iter(range(100)) | hr.prefetch()).open() as cursor:
        assert cursor.take(60) == list(range(60))
        with pytest.raises(hr.ResumeError):
            cursor.state()
        assert cursor.take(60) == list(range(60, 100))


def test_a_state_knows_where_a_knob_was_turned() -> None:
    """Running again from an earlier checkpoint must not forget the turn, or do it early."""
    for cut in (1, 30, 200, 700):
        weights: hr.Knob[list[float]] = hr.Knob([1.0, 1.0])
        stream = hr.ShuffledMux([[0] * 5, [1] * 5], weights, seed=cut) | hr.prefetch(ahead=5000)
        with stream.open() as cursor:
            cursor.skip(cut)
            weights.set([9.0, 1.0])
            cursor.skip(cut + 150)  # past what was drawn ahead before the turn
            state = json.loads(json.dumps(cursor.state()))
            rest = cursor.take(300)
        with stream.open(at=state) as again:
            assert again.take(300) == rest
        assert sum(rest) < 110  # the weights did turn


@pytest.mark.parametrize("where", ["inline", "thread"])
def test_a_source_too_short_to_go_on_is_an_error_wherever_it_runs(where: str) -> None:
    from headrace import Key
    from headrace.errors import ResumeError

    stream = hr.Streamer([1, 2, 3]) | hr.background(where)
    with stream.open(Key(1)) as cursor:
        cursor.take(1)
        state = cursor.state()
    state["at"].update(behind=9)
    with pytest.raises(ResumeError, match="before the saved place"), stream.open(at=state) as resumed:
        resumed.take(1)


# --- far places, many workers, what is refused ------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "workers"), [("inline", 1), ("thread", 1), ("thread", 2), ("process", 1), ("process", 2)]
)
def test_a_far_place_of_items_with_numbers_is_gone_to_at_once(where: str, workers: int) -> None:
    stream = hr.functional(_never_near, size=10**12) | hr.map(_same) | hr.background(where, workers=workers, ahead=1000)
    with stream.open(at=10**11) as cursor:
        assert cursor.take(2) == [10**11, 10**11 + 1]
        assert cursor.position == 10**11 + 2
        assert cursor.skip(10**11) == 10**11, "with workers under way"
        assert next(cursor) == 2 * 10**11 + 2
        state = cursor.state()
        assert cursor.skip(10**13) == 10**12 - 2 * 10**11 - 3
        assert list(cursor) == []
        assert cursor.position == 10**12
    with stream.open(at=state) as cursor:
        assert cursor.skip(3) == 3
        assert next(cursor) == 2 * 10**11 + 6
    assert stream.open(at=10**20).take(10**20) == []


def _never_near(i: int) -> int:
    assert i >= 10**11, "nothing on the way is made"
    return i


def _same(i: int) -> int:
    return i


@pytest.mark.parametrize("where", ["thread", "process"])
def test_no_more_workers_than_there_is_work_for(where: str) -> None:
    numbers = hr.functional(_same, size=3) | hr.background(where, workers=1000)
    members = hr.RoundRobinMux([hr.Streamer(range(3))] * 2) | hr.background(where, workers=1000)
    before = threading.active_count()
    with numbers.open() as one, members.open() as two:
        assert [next(one), *one.take(5)] == [0, 1, 2]
        assert two.take(7) == [0, 0, 1, 1, 2, 2]
        assert threading.active_count() <= before + 5
    with pytest.raises(hr.StreamConfigError, match=r"got 1000000, wanted at most 1024"):
        hr.source(range(3)) | hr.background(where, workers=10**6)


def test_a_start_method_where_nothing_is_started_is_refused() -> None:
    for where in ("thread", "inline"):
        with pytest.raises(hr.StreamConfigError, match=r"start_method=.* wanted None: no process is started"):
            hr.source(range(3)) | hr.background(where, start_method="spawn")


def test_a_knob_that_would_be_turned_here_and_read_elsewhere_is_refused() -> None:
    knob = hr.Knob([1.0, 0.0])
    inside = hr.ShuffledMux([hr.functional(_same), hr.functional(_same)], weights=knob)
    for stream, workers in ((inside, 1), (hr.RoundRobinMux([inside, hr.functional(_same)]), 2)):
        with pytest.raises(hr.StreamConfigError, match="got a stream with a Knob"):
            stream | hr.background("process", workers=workers)
    chosen: Any = inside | hr.background("process", workers=2)
    assert chosen.workers == 2, "the choices are made here"


def test_stats_of_what_runs_here() -> None:
    opened: Any = (hr.source(range(5)) | hr.background("inline")).open()
    with opened as cursor:
        cursor.take(3)
        assert cursor.stats().items == 3
        assert cursor.stats().workers == 0
