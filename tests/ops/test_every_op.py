"""What holds for every op of this folder: it resumes at every cut, stands before an item that failed, and travels."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

import headrace as hr
from headrace.core import same
from headrace.testing import Broken, flaky

KEY = hr.Key(5)


def ignore(item: Any) -> None:
    pass


def numbers(n: int = 23) -> hr.Stream[Any]:
    return hr.Streamer(range(n))


def fields(n: int = 23) -> hr.Stream[Any]:
    return hr.Streamer([{"X": i, "y": -i} for i in range(n)])


# Over `source`, a stream of 23 dicts of whole numbers.
OPS: dict[str, Any] = {
    "rebatch": lambda source: source | hr.batch(5) | hr.rebatch(3),
    "rebatch, longer": lambda source: source | hr.batch(2) | hr.rebatch(7, partial=False),
    "rows": lambda source: source | hr.batch(4) | hr.rows(),
    "window": lambda source: source | hr.window(4, 2),
    "window with gaps": lambda source: source | hr.window(2, 5),
    "shuffle": lambda source: source | hr.shuffle(6),
    "shuffle, large buffer": lambda source: source | hr.shuffle(100),
    "cache": lambda source: source | hr.cache(4, 0.4),
    "tuples": lambda source: source | hr.tuples("X", "y"),
    "keras_tuples": lambda source: source | hr.keras_tuples(inputs=["X", "y"], outputs="y"),
    "zip": lambda source: hr.zip(source, numbers(20), "abcdefghijklmnopqrstuvwxyz"),
    "zip of names": lambda source: hr.zip({"a": numbers(30), "b": source}),
    "concat": lambda source: hr.concat("ab", source, (), range(4)),
    "repeat": lambda source: source | hr.repeat(3),
    "enumerate": lambda source: source | hr.enumerate(10),
    "tap": lambda source: source | hr.tap(ignore),
    "progress": lambda source: source | hr.progress(),
}
every_op = pytest.mark.parametrize("over", OPS.values(), ids=list(OPS))


def equal(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))


@every_op
def test_it_resumes_at_every_cut(over: Any) -> None:
    stream = over(fields())
    whole = stream.open(KEY).take(1000)
    assert len(whole) > 2
    for cut in range(len(whole) + 1):
        with stream.open(KEY) as cursor:
            assert equal(cursor.take(cut), whole[:cut])
            state = pickle.loads(pickle.dumps(cursor.state()))
            assert equal(cursor.take(1000), whole[cut:]), "saving changed the run"
        with stream.open(at=state) as resumed:
            assert resumed.position == cut
            assert equal(resumed.take(1000), whole[cut:])
        with stream.open(KEY, at=cut) as skipped:
            assert equal(skipped.take(1000), whole[cut:])


@every_op
def test_its_size_is_what_comes(over: Any) -> None:
    for n in (0, 1, 4, 23, 24):
        stream = over(fields(n))
        came = sum(1 for _ in stream)
        assert stream.size in (None, came)
        assert stream.size == came or "cache" in repr(stream), "only a cache cannot know"


@pytest.mark.parametrize("name", [name for name in OPS if not name.startswith(("rebatch", "rows"))])
def test_its_state_is_json_when_its_items_are(name: str) -> None:
    stream = OPS[name](fields())
    whole = stream.open(KEY).take(1000)
    for cut in (0, 1, 5, len(whole)):
        state = json.loads(json.dumps(stream.open(KEY, at=cut).state()))
        assert equal(stream.open(at=state).take(1000), whole[cut:])


@every_op
def test_an_item_that_fails_costs_nothing_when_tried_again(over: Any) -> None:
    whole = over(fields()).open(KEY).take(1000)
    for at in range(23):
        found, state = drained(over(flaky(fields(), at=at)).open(KEY))
        assert equal(found, whole), f"item {at} failed once"
        if state is not None:
            rest, _ = drained(over(flaky(fields(), at=at)).open(at=state))
            assert equal(rest, whole[len(whole) - len(rest) :])
            assert len(whole) - len(rest) == over(flaky(fields(), at=at)).open(at=state).position


def drained(cursor: hr.Cursor[Any]) -> tuple[list[Any], Any]:
    """All items, each failed one tried again, and the state at the first failure."""
    found: list[Any] = []
    state = None
    with cursor:
        while True:
            try:
                found.extend(cursor)  # keeps what came before an error
            except Broken:
                state = state or cursor.state()
            else:
                return found, state


@every_op
def test_skip_passes_the_item_that_failed_and_no_other(over: Any) -> None:
    for at in (0, 3, 11, 22):
        items = [{"X": i, "y": -i} for i in range(23)]
        without = over(hr.Streamer(items[:at] + items[at + 1 :])).open(KEY).take(1000)
        found: list[Any] = []
        with over(flaky(hr.Streamer(items), at=at, times=None)).open(KEY) as cursor:
            for _ in range(4):  # a repeat meets it in each lap
                try:
                    found.extend(cursor)
                except Broken:
                    assert cursor.skip() == 1
        assert equal(found, without)


@every_op
def test_recipes_travel_and_are_known_again(over: Any) -> None:
    stream = over(fields())
    again = pickle.loads(pickle.dumps(stream))
    assert again == stream
    assert again.fingerprint == stream.fingerprint
    assert equal(again.open(KEY).take(1000), stream.open(KEY).take(1000))
    assert over(fields(22)) != stream


@every_op
def test_a_part_is_the_op_over_a_part(over: Any) -> None:
    parts: Any = hr.ChainMux([fields(8), fields(5), fields(6)])
    stream = over(parts)
    if stream.node_name in ("enumerate", "zip"):
        with pytest.raises(hr.StreamConfigError, match="cannot be divided"):
            stream.shard(0, 2)
    elif stream.node_name == "concat":  # divides its own streams, see there
        assert len(stream.shard(0, 2).children) == 2
    else:
        for i in range(3):
            assert equal(stream.shard(i, 3).open(KEY).take(1000), over(parts.shard(i, 3)).open(KEY).take(1000))


def test_describe_shows_them() -> None:
    text = str(fields() | hr.shuffle(6, seed=3) | hr.window(4, 2) | hr.repeat())
    assert "shuffle(buffer=6, seed=3)" in text
    assert "window(n=4, step=2)" in text
    assert "endless" in text
