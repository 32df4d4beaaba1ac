"""Ops over streams whose items have numbers: errors at item 17, what is drawn, laps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same

BAD = 17


def careful(item: Any) -> Any:
    if int(item["i"]) == BAD:
        raise ValueError("item 17 is bad")
    return item


def careful_columns(columns: Any) -> Any:
    if (np.asarray(columns["i"]) == BAD).any():
        raise ValueError("item 17 is bad")
    return columns


def plain(n: int = 40) -> Any:
    return hr.source([{"i": i, "x": i / 2} for i in range(n)])


def failing() -> Any:
    return plain() | hr.map(careful)


def other() -> Any:
    return hr.functional(lambda i: i * i)


# name -> (op over a source, path in the note, number that fails, number in the note)
OPS: dict[str, tuple[Callable[[Any], Any], str, int, int]] = {
    "map": (lambda s: s, "root/map", 17, 17),
    "map of map": (lambda s: s | hr.map(dict), "root/map/map", 17, 17),
    "map with rng": (lambda s: s | hr.map(lambda item, rng: (item, rng.random())), "root/map/map", 17, 17),
    "take": (lambda s: s | hr.take(30), "root/take/map", 17, 17),
    "skip": (lambda s: s | hr.skip(5), "root/skip/map", 12, 17),
    "batch": (lambda s: s | hr.batch(4), "root/batch/map", 4, 17),
    "full batches": (lambda s: s | hr.batch(7, partial=False), "root/batch/map", 2, 17),
    "window": (lambda s: s | hr.window(3, 5), "root/window/map", 3, 17),
    "enumerate": (lambda s: s | hr.enumerate(), "root/enumerate/map", 17, 17),
    "zip": (lambda s: hr.zip(other(), s), "root/zip[1]/map", 17, 17),
    "zip by name": (lambda s: hr.zip({"a": other(), "b": s}), "root/zip['b']/map", 17, 17),
    "concat": (lambda s: hr.concat(plain(3), s), "root/concat[1]/map", 20, 17),
    "repeat": (lambda s: s | hr.repeat(2), "root/repeat/map", 17, 17),
    "shard": (lambda s: s.shard(1, 2), "root/shard/map", 8, 17),
    "tuples": (lambda s: s | hr.tuples("i", "x"), "root/tuples/map", 17, 17),
    "keras_tuples": (lambda s: hr.keras_tuples(s, "x", "i"), "root/keras_tuples/map", 17, 17),
    "nested": (lambda s: hr.concat(s | hr.batch(4), plain(3)).shard(0, 2), "root/shard/concat[0]/batch/map", 2, 17),
}


@pytest.mark.parametrize("name", OPS)
def test_item_17_fails_alone_says_where_and_can_be_passed(name: str) -> None:
    make, path, number, told = OPS[name]
    good, bad = make(plain() | hr.map(dict)).seeded(1), make(failing()).seeded(1)
    note = f"  while drawing item {told} of {path}"
    with pytest.raises(ValueError, match="item 17 is bad") as caught:
        bad[number]
    assert note in caught.value.__notes__
    assert any(re.search("your function: careful at test_indexed_ops.py:", n) for n in caught.value.__notes__)
    with bad.open() as cursor:
        before = cursor.take(number)
        assert same(before, [good[i] for i in range(number)])
        asks: list[Callable[[], Any]] = [
            lambda: next(cursor),
            lambda: cursor.take(3),
            lambda: cursor.read(2),
            lambda: next(iter(cursor)),
        ]
        for ask in asks:
            with pytest.raises(ValueError, match="item 17 is bad") as caught:
                ask()
            assert note in caught.value.__notes__
            assert cursor.position == number
        state = cursor.state()
        assert cursor.skip() == 1
        assert same(next(cursor), good[number + 1])
        assert cursor.position == number + 2
    with bad.open(at=state) as cursor:
        with pytest.raises(ValueError, match="item 17 is bad"):
            next(cursor)
        assert cursor.skip(2) == 2
        assert cursor.position == number + 2


def test_take_gives_those_before_a_failed_item_again() -> None:
    with failing().open() as cursor:
        with pytest.raises(ValueError, match="17"):
            cursor.take(30)
        assert [item["i"] for item in cursor.take(17)] == list(range(17))
        with pytest.raises(ValueError, match="17"):
            cursor.take(1)
        assert cursor.skip(1) == 1
        assert [item["i"] for item in cursor.take(3)] == [18, 19, 20]


def test_permuted_and_mixed_items_fail_where_they_come() -> None:
    for stream in (failing() | hr.permute(), hr.mix({"p": plain(), "q": failing()})):
        seeded, bad = stream.seeded(3), []
        for i in range(80 if stream.size != 40 else 40):
            try:
                seeded[i]
            except ValueError:
                bad.append(i)
        assert bad
        with seeded.open() as cursor:
            assert len(cursor.take(bad[0])) == bad[0]
            with pytest.raises(ValueError, match="17") as caught:
                next(cursor)
            assert cursor.skip() == 1
            assert same(next(cursor), seeded[bad[0] + 1])
        assert re.search(r"item 17 of root/(permute|mix\['q'\])/map$", caught.value.__notes__[0])


def test_a_function_of_columns_that_fails() -> None:
    stream = hr.source({"i": np.arange(40)}) | hr.map(careful_columns, batched=True)
    assert stream[16]["i"] == 16
    with pytest.raises(ValueError, match="17") as caught:
        stream[17]
    assert "  while drawing item 17 of root/map_batched" in caught.value.__notes__
    with stream.open() as cursor:
        assert [item["i"] for item in cursor.take(17)] == list(range(17))
        with pytest.raises(ValueError, match="17"):
            next(cursor)
        assert cursor.skip() == 1
        assert next(cursor)["i"] == 18


@pytest.mark.parametrize("made", [lambda c: c["i"][:-1], lambda c: {}, lambda c: 3, lambda c: {"i": c["i"], "n": 1}])
def test_a_function_of_columns_gives_as_many_rows(made: Any) -> None:
    stream = hr.source({"i": np.arange(40)}) | hr.map(made, batched=True)
    with pytest.raises(hr.DataError, match=r"map_batched\(batched=True\) got|map_batched"):
        stream[3:9]


def test_a_function_of_columns_over_items_without_numbers() -> None:
    stream = hr.Streamer([{"i": i} for i in range(2500)]) | hr.map(lambda c: {"i": c["i"] * 2}, batched=True)
    assert stream.access == "cursor"
    assert [int(item["i"]) for item in stream] == list(range(0, 5000, 2))


def test_an_item_costs_only_what_it_is_made_of() -> None:
    called: list[int] = []

    def seen(i: int) -> int:
        called.append(i)
        return i

    stream = hr.functional(seen, size=1000) | hr.batch(5) | hr.enumerate() | hr.skip(3)
    assert stream[7][0] == 10
    assert called == [50, 51, 52, 53, 54]
    called.clear()
    with stream.open(at=100) as cursor:
        assert called == []
        next(cursor)
        assert called == [515, 516, 517, 518, 519]
        called.clear()
        cursor.skip(50)
        assert called == []


def test_a_stop_iteration_of_the_users_is_no_end() -> None:
    def stops(item: Any) -> Any:
        raise StopIteration

    for stream in (plain() | hr.map(stops), hr.functional(lambda i: next(iter(())), size=5)):
        with pytest.raises(RuntimeError, match="StopIteration"):
            stream[0]
        with pytest.raises(RuntimeError, match="StopIteration"):
            list(stream)


def test_laps_of_unlike_lengths() -> None:
    """zip ends with the shortest, and lap e of it is the beginning of lap e of each."""
    a, b = hr.source(range(3)), hr.source(range(5)) | hr.permute()
    laps = (hr.zip(a, b) | hr.repeat(4)).seeded(2)
    orders = (b | hr.repeat(4)).seeded(2)
    assert [x for x, _ in laps] == [0, 1, 2] * 4
    assert len(orders) == 20
    each = [[y for _, y in list(laps)[3 * e : 3 * e + 3]] for e in range(4)]
    assert len({tuple(lap) for lap in each}) > 1
    short = hr.source(range(7)) | hr.batch(3)
    assert [batch.tolist() for batch in short | hr.repeat(2)] == [[0, 1, 2], [3, 4, 5], [6]] * 2
    windows = hr.source(range(7)) | hr.window(3, 3) | hr.repeat(2)
    assert [w.tolist() for w in windows] == [[0, 1, 2], [3, 4, 5]] * 2
