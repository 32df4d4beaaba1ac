"""The laws hold for whatever is composed of what keeps them."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headrace as hr
from headrace.core import same
from headrace.testing import check_stream, elsewhere, flaky
from headrace.testing import strategies as some
from laws import pool
from support.counts import heavy

NESTED = 1000  # cut points of the nested composition
AFTER = 12  # items compared behind each, several refills of the shuffle's buffer


@pytest.mark.timeout(600)
@settings(max_examples=heavy(1000), suppress_health_check=list(HealthCheck))
@given(stream=some.streams(), seed=st.integers(0, 2**64))
def test_random_compositions_keep_the_laws(stream: Any, seed: int) -> None:
    check_stream(stream, items=25, seed=seed, processes=False)


@pytest.mark.timeout(600)
@settings(max_examples=heavy(5000), suppress_health_check=list(HealthCheck))
@given(stream=some.streams(), seed=st.integers(0, 2**64), cuts=some.cuts(30))
def test_random_compositions_resume_through_every_cut(stream: Any, seed: int, cuts: list[int]) -> None:
    """One pass, saved, pickled and opened anew at every cut, against one that was left alone."""
    stream = stream | hr.batch(2, ragged="list")
    key = hr.Key(seed)
    with stream.open(key) as cursor:
        whole = cursor.take(31)
    cursor = stream.open(key)
    found: list[Any] = []
    for cut in [*cuts, 31]:
        found += cursor.take(cut - len(found))
        state = pickle.dumps(cursor.state())
        cursor.close()
        cursor = pickle.loads(pickle.dumps(stream)).open(at=pickle.loads(state))
    cursor.close()
    assert len(found) == len(whole)
    assert all(map(same, found, whole))


# --- the bar ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return pool.composition(pool.write_files(tmp_path_factory.mktemp("songs")))


def saved(stream: Any, key: hr.Key, cuts: list[int]) -> list[Any]:
    """The states at some places of one pass."""
    states = []
    with stream.open(key) as cursor:
        for cut in cuts:
            cursor.skip(cut - cursor.position)
            states.append(cursor.state())
    return states


@pytest.mark.timeout(1200)
def test_a_nested_composition_resumes_at_a_thousand_random_places(nested: Any) -> None:
    n = heavy(NESTED)
    rng, key = random.Random(11), hr.Key(23)
    cuts = sorted(rng.sample(range(2 * NESTED), n - 1)) + [2 * NESTED]
    with nested.open(key) as cursor:
        whole = [pool.digest(item) for item in cursor.take(2 * NESTED + AFTER)]
    assert len(set(whole)) == len(whole), "no two batches alike, or the comparison says little"
    states = saved(nested, key, cuts)
    due = [whole[cut : cut + AFTER] for cut in cuts]

    sent = pickle.dumps(nested)
    here = pool.continuations(sent, pickle.dumps(states), AFTER)
    wrong = [cut for cut, mine, theirs in zip(cuts, here, due, strict=True) if mine != theirs]
    assert not wrong, f"{len(wrong)} of {n} places resume to other items: {wrong[:10]}"

    there = elsewhere(pool.continuations, sent, pickle.dumps(states), AFTER, timeout=1200)
    wrong = [cut for cut, mine, theirs in zip(cuts, there, due, strict=True) if mine != theirs]
    assert not wrong, f"in another process, {len(wrong)} of {n} places resume to other items: {wrong[:10]}"


def test_a_nested_composition_keeps_every_law(nested: Any) -> None:
    report = check_stream(nested, items=30)
    assert "the same in another process" in report.held
    assert "skip passes a failed item" in report.held


def test_its_state_can_be_read(nested: Any) -> None:
    """Plain data, nested like the description; the shuffle's buffer holds items, so JSON stops at arrays."""
    state = saved(nested, hr.Key(1), [3])[0]
    text = json.dumps(state, default=lambda leaf: leaf.tolist())
    assert "stochastic_mux" in text
    assert "songs" not in text.replace(str(nested.params()), ""), "no data of the description is in it"


def test_shards_of_sources_are_disjoint_and_complete(nested: Any) -> None:
    songs = [pool.excerpts(f"song{i}.npz") for i in range(13)]
    for mux in (
        hr.ShuffledMux(songs),
        hr.StochasticMux(songs, n_active=4, rate=3),
        hr.ChainMux(songs),
        hr.RoundRobinMux(songs),
        hr.ShuffledMux({str(i): song for i, song in enumerate(songs)}) | hr.map(pool.jitter) | hr.batch(4),
    ):
        for n in (1, 2, 3, 5, 13):
            parts = [mux.shard(i, n) for i in range(n)]
            held = [leaf.args[0] for part in parts for leaf in leaves(part)]
            assert sorted(held) == sorted(song.args[0] for song in songs)
            assert max(len(leaves(part)) for part in parts) - min(len(leaves(part)) for part in parts) <= 1
            assert len({part.fingerprint for part in parts}) == n


def leaves(stream: Any) -> list[Any]:
    return [leaf for child in stream.children for leaf in leaves(child)] if stream.children else [stream]


def test_shards_draw_other_numbers_and_only_their_own_members(tmp_path: Path) -> None:
    """Two parts over copies of one file: the same seed, and yet no excerpt in common."""
    path = pool.write_files(tmp_path, 1)[0]
    mux = hr.ShuffledMux([pool.excerpts(path) for _ in range(6)], seed=5)
    drawn = [{item["u"] for item in mux.shard(i, 3).iterate(200)} for i in range(3)]
    assert all(len(numbers) == 200 for numbers in drawn)
    assert not drawn[0] & drawn[1]
    assert not drawn[0] & drawn[2]
    assert not drawn[1] & drawn[2]


def test_a_state_of_a_part_is_for_that_part(nested: Any, tmp_path: Path) -> None:
    songs = [pool.excerpts(path) for path in pool.write_files(tmp_path, 6)]
    mux = hr.StochasticMux(songs, n_active=2, rate=3) | hr.batch(2)
    with mux.shard(1, 3).open(hr.Key(4)) as cursor:
        cursor.take(5)
        state, rest = cursor.state(), [pool.digest(item) for item in cursor.take(5)]
    assert [pool.digest(item) for item in mux.shard(1, 3).open(at=state).take(5)] == rest
    for other in (mux, mux.shard(0, 3), mux.shard(2, 3), mux.shard(1, 2)):
        with pytest.raises(hr.StateMismatchError):
            other.open(at=state)


# --- errors deep inside -------------------------------------------------------------------------


def test_a_broken_member_deep_inside_costs_exactly_its_item() -> None:
    """A failed element is passed; every other element of every member still comes, once, in its order."""

    def build(at: int) -> Any:
        members = [
            flaky([{"m": m, "i": i} for i in range(40)], at=at, times=None) | hr.batch(3) | hr.rows() for m in range(4)
        ]
        inner = [hr.RoundRobinMux(members[:2]), hr.ChainMux(members[2:])]
        return hr.RoundRobinMux(inner) | hr.batch(5) | hr.rows()

    for at in (0, 7, 39):
        found: list[Any] = []
        errors = 0
        with build(at).open(hr.Key(1)) as cursor:
            while True:
                try:
                    found.append(next(cursor))
                except StopIteration:
                    break
                except hr.testing.Broken as error:
                    errors += 1
                    note = error.__notes__[0]
                    assert "root/rows/batch/round_robin_mux[" in note
                    assert note.endswith("Flaky")
                    assert cursor.skip() == 1
        assert errors == 4
        for m in range(4):
            assert [row["i"] for row in found if row["m"] == m] == [i for i in range(40) if i != at]
