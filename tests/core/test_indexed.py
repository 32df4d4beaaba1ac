"""Items by number: to the bit those of a pass, near and far, however they are asked for."""

from __future__ import annotations

import pickle
import random
import threading
import warnings
from collections.abc import Callable
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headrace as hr
from headrace.core import same
from headrace.core.items import leaves, stack
from headrace.testing import check_stream, elsewhere
from headrace.testing import strategies as some
from headrace.testing.case import copied
from headrace.testing.laws_indexed import LAWS
from laws import indexed
from support.counts import heavy

BORDERS = (0, 1024, 2048, 2**15, 2**29, 10**9)
INDICES = heavy(10_000)


def places() -> st.SearchStrategy[int]:
    """Numbers near borders: of a granule, of a mix's windows and blocks, far away."""
    return st.tuples(st.sampled_from(BORDERS), st.integers(-6, 3)).map(lambda pair: max(0, sum(pair)))


def columns_or_none(ask: Any) -> Any:
    try:
        return ask()
    except hr.DataError:
        return None


@pytest.mark.timeout(600)
@settings(max_examples=heavy(2000), suppress_health_check=list(HealthCheck))
@given(stream=some.indexed(), seed=st.integers(0, 2**64), place=places(), cuts=some.cuts(9))
def test_an_item_is_one_however_it_is_asked_for(stream: Any, seed: int, place: int, cuts: list[int]) -> None:
    n, stream = 9, indexed.endlessly(stream)
    if not stream.size:
        assert list(stream.seeded(seed)) == []
        return
    key, seeded = hr.Key(seed), stream.seeded(seed)
    if stream.seed is not None:
        key, seeded = hr.Key(stream.seed), stream
    with stream.open(key, at=place) as cursor:
        found = cursor.take(n)
    assert len(found) == n
    order = random.Random(seed).sample(range(n), n)
    assert all(same(seeded[place + k], found[k]) for k in order)
    twin = pickle.loads(pickle.dumps(seeded))
    assert all(same(twin[place + k], found[k]) for k in (0, n - 1))
    for lo, hi in zip([0, *cuts], [*cuts, n], strict=True):
        wanted = columns_or_none(lambda lo=lo, hi=hi: stack(found[lo:hi]))
        block = columns_or_none(lambda lo=lo, hi=hi: stream.block(key, place + lo, place + hi))
        assert same(block, wanted)
    several = [place + k for k in order[:4]]
    assert same(columns_or_none(lambda: seeded[several]), columns_or_none(lambda: stack([found[k] for k in order[:4]])))
    with stream.open(key, at=place) as cursor:
        cursor.skip(2)
        state = cursor.state()
    with stream.open(at=state) as cursor:
        read = columns_or_none(lambda: cursor.read(n - 2))
        assert same(read, columns_or_none(lambda: stack(found[2:])))


@pytest.mark.timeout(600)
@settings(max_examples=heavy(1000), suppress_health_check=list(HealthCheck))
@given(stream=some.indexed(), seed=st.integers(0, 2**64))
def test_random_compositions_keep_the_laws(stream: Any, seed: int) -> None:
    check_stream(stream, items=12, seed=seed, processes=False)


@pytest.mark.timeout(600)
@settings(max_examples=heavy(50), suppress_health_check=list(HealthCheck), database=None)
@given(streams=st.lists(some.indexed(), min_size=20, max_size=20), seed=st.integers(0, 2**64))
def test_another_process_has_the_same(streams: list[Any], seed: int) -> None:
    streams = [indexed.endlessly(stream) for stream in streams]
    where = [0, 1021, 2**15 - 3, 2**29 - 3, 10**9 - 3]
    here = indexed.at_places(pickle.dumps(streams), seed, where, 5)
    there = elsewhere(indexed.at_places, pickle.dumps(streams), seed, where, 5)
    for stream, mine, theirs in zip(streams, here, there, strict=True):
        assert indexed.alike(mine, theirs), repr(stream)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["mix", "permuted", "nested", "batched"])
def test_many_numbers(name: str) -> None:
    """Ten thousand numbers up to 10**9 and at borders, one by one, against a pass that begins there."""
    nested = indexed.composed()["nested"]
    stream = {
        "mix": hr.mix([indexed.table(50), indexed.table(7) | hr.permute(), indexed.endless()], [5, 1, 3]),
        "permuted": indexed.many(3000) | hr.permute() | hr.map(some._noisy) | hr.repeat(),
        "nested": nested,
        "batched": indexed.many() | hr.map(some._noisy_columns, batched=True),
    }[name].seeded(3)
    rng = random.Random(name)
    chosen = [rng.choice(BORDERS) + rng.randrange(-3, 3) for _ in range(INDICES // 2)]
    chosen += [rng.randrange(10**9) for _ in range(INDICES - len(chosen))]
    for i in chosen:
        with stream.open(at=abs(i)) as cursor:
            assert same(stream[abs(i)], next(cursor))


@pytest.mark.timeout(600)
def test_a_pass_of_ten_thousand_is_the_blocks_of_any_cut() -> None:
    n, rng = INDICES * 5, random.Random(1)
    streams: list[Any] = [
        hr.mix([indexed.table(50), indexed.table(7) | hr.permute()], [5, 1]),
        indexed.many() | hr.map(some._noisy_columns, batched=True),
        indexed.many(700) | hr.permute() | hr.repeat(),
    ]
    for stream in streams:
        whole = stream.block(hr.Key(2), 0, n)
        with stream.open(hr.Key(2)) as cursor:
            assert same(stack(cursor.take(n)), whole)
        edges = sorted({0, n, *(rng.randrange(n) for _ in range(12))})
        for lo, hi in pairwise(edges):
            part = stream.block(hr.Key(2), lo, hi)
            assert same(part["x"], whole["x"][lo:hi])
            assert same(part["i"], whole["i"][lo:hi])


# --- what is special ----------------------------------------------------------------------------


def test_a_seed_is_asked_for_where_numbers_are_drawn() -> None:
    noisy = hr.functional(lambda rng: rng.random(), size=5)
    batches: Any = noisy | hr.batch(2)
    asks: list[Callable[[], Any]] = [
        lambda: noisy[0],
        lambda: noisy[1:3],
        lambda: noisy.block(None, 0, 2),
        lambda: batches[0],
    ]
    for ask in asks:
        with pytest.raises(hr.StreamConfigError, match=r"seed= or \.seeded\(7\)"):
            ask()
    assert noisy.seeded(7)[3] == noisy.block(hr.Key(7), 3, 4)[0]
    assert hr.zip(noisy.seeded(7), hr.source(range(5)))[3][1] == 3
    assert hr.functional(lambda i: i, size=5)[3] == 3


def test_a_seed_inside_replaces_the_root_and_keeps_the_path() -> None:
    noisy = hr.functional(lambda rng: rng.random()).seeded(7)
    key = hr.Key(3).child("a", 1)
    assert noisy.block(key, 0, 3).tolist() == noisy.open(key).take(3)
    assert noisy.block(key, 0, 3).tolist() == noisy.block(hr.Key(7).child("a", 1), 0, 3).tolist()


def test_a_stream_without_numbers_says_because_of_whom() -> None:
    stream: Any = hr.zip(hr.source(range(5)), hr.Streamer(range(5)) | hr.map(abs)) | hr.batch(2)
    assert stream.access == "cursor"
    with pytest.raises(
        hr.AddressError, match=r"batch\(n=2\) has no items by number, because of \[1\] streamer.*, wanted .*\n  Iterate"
    ):
        stream[0]
    with pytest.raises(IndexError):
        stream.block(hr.Key(1), 0, 1)
    assert "because of [1] streamer" in str(hr.describe(stream))


@pytest.mark.parametrize(
    "name", ["many", "many without end", "mix of tables", "table, permute", "rows, batch", "nested"]
)
def test_columns_are_their_owners(name: str) -> None:
    """What is kept to answer the next question is never handed out to be written over."""
    stream = indexed.composed()[name].seeded(3)
    asks: list[Callable[[], Any]] = [
        lambda: stream[0:2],
        lambda: stream[[1, 0]],
        lambda: stream[1],
        lambda: stream.open().read(2),
    ]
    for ask in asks:
        found = ask()
        was = copied(found)
        for _, leaf in leaves(found):
            if isinstance(leaf, np.ndarray) and leaf.flags.writeable:
                leaf[...] = 77
        assert same(ask(), was)


@pytest.mark.parametrize("index", [5, -6, 10**30, [5], np.array([0, -6])])
def test_numbers_end(index: Any) -> None:
    with pytest.raises(IndexError, match="from -5 to 4"):
        hr.source(range(5))[index]
    with pytest.raises(IndexError):
        hr.source(range(5))[np.array([2**64 - 1], np.uint64)]
    for i in (np.int8(1), np.uint64(1), np.array(1)):
        assert hr.source(range(5))[i] == 1
    with pytest.raises(IndexError, match="wanted a whole number"):
        hr.source(range(5))[True]


def test_an_old_style_loop_over_numbers_ends() -> None:
    stream = hr.source(list("abc"))
    found, i = [], 0
    while True:
        try:
            found.append(stream[i])
        except IndexError:
            break
        i += 1
    assert found == list("abc")


def test_questions_of_many_threads() -> None:
    stream = indexed.composed()["nested"].seeded(1)
    due = [stream[i] for i in range(40)]
    wrong: list[Any] = []

    def ask(k: int) -> None:
        rng = random.Random(k)
        for _ in range(60):
            i = rng.randrange(40)
            if not same(stream[i], due[i]):
                wrong.append(i)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_files_close_with_the_description(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    np.savez(path, x=np.arange(30))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hr.npz(path)[3]["x"] == 3
        assert (hr.npz(path) | hr.batch(4))[1]["x"].tolist() == [4, 5, 6, 7]


def test_the_laws_find_what_breaks_them() -> None:
    from headrace.testing import LawError
    from testing import broken_indexed

    for law, stream in broken_indexed.BROKEN.items():
        print(law)
        with pytest.raises(LawError) as caught:
            check_stream(stream, items=30, processes=False)
        assert caught.value.law == law
    assert set(broken_indexed.BROKEN) <= {*LAWS, "shards"}


def test_a_part_knows_its_place_in_other_worlds() -> None:
    """4 parts, 6 from a place that is no multiple of 6, then 3, then the whole: nothing lost, nothing twice."""
    stream = hr.functional(lambda i: i)
    found, state = [], None
    for n, steps in ((4, 2), (6, 3), (3, 5), (7, 1), (2, 4)):
        states = []
        for i in range(n):
            with stream.shard(i, n).open(hr.Key(1), at=state) as cursor:
                found += cursor.take(steps)
                states.append(cursor.state())
        assert all(one == states[0] for one in states)
        state = states[-1]
    with stream.open(hr.Key(1), at=state) as cursor:
        found += cursor.take(3)
    assert sorted(found) == list(range(len(found)))


def test_no_end_is_endless() -> None:
    assert hr.functional(lambda i: i).size == inf
    assert hr.functional(lambda i: i)[10**18] == 10**18
    behind = hr.concat(hr.functional(lambda i: i), hr.functional(lambda i: -i), hr.source(range(3)))
    assert behind[[5, 2**40]].tolist() == [5, 2**40]


def test_sizes_are_exact_where_floats_are_not() -> None:
    n = 2**60 + 7
    stream = hr.functional(lambda i: i, size=n)
    assert (stream | hr.batch(2)).size == 2**59 + 4
    assert stream.shard(6, 8).size == 2**57 + 1
    assert stream.shard(7, 8).size == 2**57
    assert stream[n - 1] == stream[-1] == n - 1
    assert (stream | hr.batch(2))[-1].tolist() == [n - 1]
