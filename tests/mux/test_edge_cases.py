"""What goes wrong elsewhere: hangs, lost and repeated items, replays, hidden copies, and what is known of a run."""

from __future__ import annotations

import json
import pickle
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.compat.pescador as pescador
from headrace.errors import StreamConfigError

MODES: tuple[Any, ...] = ("with_replacement", "single_active", "exhaustive")
DISTS: tuple[Any, ...] = ("binomial", "poisson", "constant")
watchdog = pytest.mark.timeout(2, func_only=True)


def stochastic(*args: Any, **kwargs: Any) -> Any:
    return hr.StochasticMux(*args, **kwargs)


def every_mux(members: Any, **seed: Any) -> dict[str, Any]:
    """One mux of each kind and mode over the same members."""
    n = len(members)
    made: dict[str, Any] = {
        "shuffled": hr.ShuffledMux(members, **seed),
        "chain": hr.ChainMux(members, **seed),
        "chain cycle": hr.ChainMux(members, "cycle", **seed),
        "robin": hr.RoundRobinMux(members, **seed),
        "robin cycle": hr.RoundRobinMux(members, "cycle", **seed),
        "robin permuted": hr.RoundRobinMux(members, "permuted_cycle", **seed),
    }
    for mode, rate, prune, dist in product(MODES, (None, 1, 3.5), (True, False), DISTS):
        mux = stochastic(members, min(2, n), rate, None, mode, prune, dist, **seed)
        made[f"{mode} {rate} {prune} {dist}"] = mux
    return made


KINDS = list(every_mux(["a", "b"]))


# --- 14, 15: nothing hangs ----------------------------------------------------------------------


@watchdog
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_empty_members_make_an_empty_stream(kind: str, n: int) -> None:
    mux = every_mux([[]] * n)[kind]
    assert list(mux) == []
    assert list(mux.cycle()) == []
    assert list(hr.Streamer(mux, cycle=True)) == []
    outer: Any = hr.StochasticMux([mux, mux], 2, None, prune_empty_streams=False)
    assert list(outer) == []


@watchdog
@pytest.mark.parametrize("kind", KINDS)
def test_empty_functions_make_an_empty_stream(kind: str) -> None:
    def nothing() -> Iterator[int]:
        yield from ()

    assert list(every_mux([nothing, nothing, nothing])[kind]) == []


@watchdog
def test_empty_streams_do_not_cycle_for_ever() -> None:
    assert list(hr.Streamer([]).cycle()) == []
    assert list(hr.ChainMux([], "cycle")) == []
    assert list(hr.ChainMux(iter([]), "cycle").cycle()) == []
    assert list(pescador.Streamer([]).cycle()) == []
    assert list(pescador.ChainMux([[], []], "cycle")) == []
    for mode in ("cycle", "permuted_cycle"):
        assert list(pescador.RoundRobinMux([[], []], mode)) == []
    assert list(pescador.StochasticMux([[], []], 2, None, prune_empty_streams=False)) == []

    def no_members() -> Iterator[Any]:
        yield from ()

    assert list(hr.ChainMux(no_members, "cycle")) == []
    assert list(hr.ChainMux(hr.Streamer([[], []]), "cycle")) == []


@watchdog
@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rate", [None, 2])
def test_a_few_good_members_among_empty_ones(mode: Any, prune: bool, rate: Any) -> None:
    pool: list[Any] = [[]] * 50 + ["xy"] + [[]] * 50
    mux = stochastic(pool, 5, rate, None, mode, prune, "constant", seed=4)
    drawn = list(mux.iterate(20))
    assert drawn == (["x", "y"] if mode == "exhaustive" else ["x", "y"] * 10) or (
        mode == "with_replacement" and Counter(drawn) <= Counter(x=20, y=20) and len(drawn) == 20
    )


@watchdog
def test_a_member_that_is_empty_now_and_then_is_tried_again_unless_pruned() -> None:
    asked = [0]

    def sometimes() -> Iterator[str]:
        asked[0] += 1
        if asked[0] % 2:
            yield "s"

    tried = stochastic([sometimes, "t"], 1, None, prune_empty_streams=False, seed=0)
    assert Counter(tried.iterate(200))["s"] > 20  # each visit chosen with 1/2, half of them give: P < 1e-9
    asked[0] = 1  # the first visit is an empty one
    pruned = stochastic([sometimes, "t"], 1, None, prune_empty_streams=True, seed=0)
    assert Counter(pruned.iterate(200))["s"] == 0


# --- 10, 12: weights ----------------------------------------------------------------------------


def refuses() -> Iterator[int]:
    raise AssertionError("a member of weight 0 was opened")
    yield 0


@watchdog
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rate", [None, 2])
@pytest.mark.parametrize("n_active", [1, 2, 3])
@pytest.mark.filterwarnings("ignore:stochastic_mux")
def test_members_of_no_weight_are_never_opened(mode: Any, rate: Any, n_active: int) -> None:
    some: Any = ["a" * 9, "b" * 9, refuses]
    for seed in range(20):
        mux = stochastic(some, n_active, rate, [1, 1, 0], mode, seed=seed)
        drawn = list(mux.iterate(300))
        assert set(drawn) == {"a", "b"}
        assert len(drawn) == (300 if mode != "exhaustive" else 18 if rate is None else len(drawn))
        shuffled: Any = hr.ShuffledMux(some, [1, 1, 0], seed=seed)
        assert len(list(shuffled.iterate(100))) == 100


def test_zero_weights_are_no_reason_to_end() -> None:
    for seed in range(30):
        assert len(list(stochastic(["a", "b", "c"], 1, None, [1, 1, 0], seed=seed).iterate(50))) == 50


def test_weights_decide_who_is_active() -> None:
    # Shares of 4000 activations of one item each, six sigma: a false alarm once in 500 million.
    n, weights = 4000, np.array([0.8, 0.1, 0.1])
    for n_active in (1, 3, 100):
        found = Counter(stochastic(["a", "b", "c"], n_active, 1, weights, seed=9).iterate(n))
        for name, share in zip("abc", weights, strict=True):
            assert abs(found[name] / n - share) < 6 * sqrt(share * (1 - share) / n), (n_active, found)


@pytest.mark.parametrize("make", [hr.ShuffledMux, lambda s, w: hr.StochasticMux(s, 2, 2, w)])
def test_the_callers_weights_are_theirs(make: Any) -> None:
    floats, whole, listed = np.array([2.0, 6.0]), np.array([1, 3]), [1, 3]
    for weights in (floats, whole, listed):
        before = list(weights)
        mux = make(["aa", "bb"], weights)
        list(mux.iterate(20))
        assert list(weights) == before
        assert mux.weights.tolist() == [0.25, 0.75]
        assert mux.weights is not weights
        floats_only = make(["aa", "bb"], [1.0, 3.0]).seeded(3)
        assert list(mux.seeded(3).iterate(50)) == list(floats_only.iterate(50))


@pytest.mark.parametrize("make", [hr.ShuffledMux, lambda s, w: hr.StochasticMux(s, 2, 2, w)])
@pytest.mark.parametrize(
    "bad", [[1, -1], [0, 0], [1], [1, 2, 3], [], [np.nan, 1], [np.inf, 1], "ab", 3, [[1, 2], [3, 4]], {"a": 1}]
)
def test_bad_weights_are_refused_at_construction(make: Any, bad: Any) -> None:
    with pytest.raises(StreamConfigError, match="weights"):
        make(["a", "b"], bad)


@watchdog
def test_extreme_weights() -> None:
    weights = [1e-300, 1.0, 1e300]
    for seed in range(10):
        assert set(hr.ShuffledMux(["a", "b", "c"], weights, seed=seed).iterate(100)) == {"c"}
        for mode in MODES:
            drawn = list(stochastic(["a", "b", "c"], 2, None, weights, mode, seed=seed).iterate(100))
            assert drawn
            assert drawn[0] == "c"


# --- 11: quotas ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "n_active"), [(8, 10), (2, 3), (1.5, 3), (1, 5), (8, 1), (3.25, 100)])
@pytest.mark.parametrize("dist", DISTS)
def test_an_activation_gives_rate_items_in_the_mean(rate: float, n_active: int, dist: Any) -> None:
    lengths: list[int] = []

    def member() -> Iterator[int]:
        at = len(lengths)
        lengths.append(0)
        while True:
            lengths[at] += 1
            yield at

    n = 3000
    drawn = list(stochastic([member] * 20, n_active, rate, dist=dist, seed=5).iterate(int(n * rate)))
    done = set(range(len(lengths))) - set(sorted(set(drawn[-60 * n_active :]))[-(n_active + 40) :])
    finished = [lengths[k] for k in sorted(done)][: n // 2]  # the early ones, whatever their length
    # Every variance is at most rate - 1, that of a Poisson quota; six sigma. A mean 9 % low is 8 sigma off at rate 8.
    assert abs(np.mean(finished) - rate) < 6 * sqrt(max(rate - 1, 0.25) / len(finished)) + 1e-9


# --- 13: nothing is drawn and thrown away -------------------------------------------------------


class Tally:
    """How many items each member has computed."""

    def __init__(self) -> None:
        self.computed: Counter[int] = Counter()

    def member(self, k: int, n: int) -> Iterator[int]:
        for _ in range(n):
            self.computed[k] += 1
            yield k


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_computed_is_delivered(kind: str) -> None:
    for n in (1, 2, 7, 50, 333):
        tally = Tally()
        mux = every_mux([hr.Streamer(tally.member, k, 5 + k) for k in range(4)], seed=n)[kind]
        drawn = Counter(mux.iterate(n))
        assert drawn == tally.computed, n
    for n in (3, 40):
        tally = Tally()
        mux = every_mux([hr.Streamer(tally.member, k, 5 + k) for k in range(4)], seed=n)[kind]
        with mux.open() as cursor:
            drawn = Counter([*cursor.take(n), *cursor.take(n)])
            cursor.skip(2)
        assert sum(tally.computed.values()) - sum(drawn.values()) in (0, 1, 2), "those skipped"


def test_a_limit_inside_a_mux_draws_no_more() -> None:
    tally = Tally()
    pool: Any = [hr.Streamer(hr.Streamer(tally.member, k, 100), 3) for k in range(3)]
    assert Counter(hr.ChainMux(pool)) == tally.computed == Counter({0: 3, 1: 3, 2: 3})


# --- 16, 17: nothing is copied ------------------------------------------------------------------


def test_arguments_are_handed_over_as_they_are(tmp_path: Path) -> None:
    array = np.zeros(1000)
    np.save(tmp_path / "big.npy", np.arange(1000.0))
    mapped = np.load(tmp_path / "big.npy", mmap_mode="r")
    seen: list[Any] = []

    def member(*arguments: Any) -> Iterator[int]:
        seen.append(arguments)
        yield from range(3)

    list(stochastic([hr.Streamer(member, array, mapped)] * 5, 2, 2).iterate(30))
    assert seen
    assert all(a is array and m is mapped for a, m in seen)
    assert mapped.filename is not None


def test_the_door_copies_arrays_and_leaves_memory_maps_on_their_files(tmp_path: Path) -> None:
    array = np.zeros(1000)
    np.save(tmp_path / "big.npy", np.arange(1000.0))
    mapped = np.load(tmp_path / "big.npy", mmap_mode="r")
    seen: list[Any] = []

    def member(*arguments: Any, **named: Any) -> Iterator[int]:
        seen.append((*arguments, *named.values()))
        yield from range(3)

    mux = pescador.StochasticMux([pescador.Streamer(member, array, maps=[mapped])] * 5, 2, rate=2)
    list(mux.iterate(30))
    assert seen
    for own, (still_mapped,) in seen:
        assert own is not array
        assert (own == array).all()
        assert isinstance(still_mapped, np.memmap)
        assert still_mapped.filename == mapped.filename


@pytest.mark.parametrize("streamer", [hr.Streamer, pescador.Streamer])
def test_arguments_that_cannot_be_copied(streamer: Any, tmp_path: Path) -> None:
    def member(lock: Any, file: Any, numbers: Any) -> Iterator[int]:
        with lock:
            assert not file.closed
            yield from numbers

    (tmp_path / "open.txt").write_text("something")
    with (tmp_path / "open.txt").open() as file:
        made = streamer(member, threading.Lock(), file, range(3))
        assert list(made) == list(made) == [0, 1, 2]
        assert set(stochastic([made], 1, None).iterate(9)) == {0, 1, 2}
    once: Any = streamer(k for k in range(5))
    assert list(hr.ChainMux([once, "ab"])) == [0, 1, 2, 3, 4, "a", "b"]


@pytest.mark.timeout(10, func_only=True)
@pytest.mark.parametrize(
    "make",
    [
        hr.ShuffledMux,
        hr.ChainMux,
        hr.RoundRobinMux,
        *(partial(hr.StochasticMux, n_active=100, rate=8, mode=mode) for mode in MODES),
    ],
    ids=["shuffled", "chain", "robin", *MODES],
)
def test_thirty_thousand_members_cost_nothing_until_drawn(make: Any) -> None:
    started: list[int] = []

    def member(k: int) -> Iterator[int]:
        started.append(k)
        while True:
            yield k

    mux = make([hr.Streamer(member, k) for k in range(30_000)])
    assert mux.n_streams == 30_000
    with mux.open() as cursor:
        assert started == []
        assert sorted(set(cursor.take(20))) == sorted(set(started))
        assert len(cursor.counts) == len(started) <= 20


@pytest.mark.parametrize("mode", MODES)
def test_the_state_of_a_large_mux_is_small(mode: Any) -> None:
    def member(k: int) -> Iterator[int]:
        while True:
            yield k

    with stochastic([hr.Streamer(member, k) for k in range(3000)], 100, 8, mode=mode).open() as cursor:
        cursor.take(2000)
        assert len(json.dumps(cursor.state())) <= 100 * 1024


# --- 7, 8, 9: randomness ------------------------------------------------------------------------

RANDOM = [kind for kind in KINDS if kind.split()[0] not in ("chain", "robin")]


@pytest.mark.parametrize("kind", RANDOM)
def test_the_global_seed_has_no_part_in_it(kind: str) -> None:
    mux = every_mux([["a"] * 40, ["b"] * 40, ["c"] * 40])[kind]
    seen = set()
    for _ in range(6):
        np.random.seed(0)
        seen.add("".join(mux.iterate(100)))
    before = np.random.get_state(legacy=False)
    list(mux.iterate(10))
    assert len(seen) >= 2  # the least random here has 3 orders of whole pairs: all six alike with P < 3^-5
    assert (np.random.get_state(legacy=False)["state"]["key"] == before["state"]["key"]).all()


# Seven items of one order or another: too few to tell laps apart.
@pytest.mark.parametrize("kind", [kind for kind in RANDOM if not kind.startswith("exhaustive 1")])
def test_seeded_passes_repeat_and_their_laps_do_not(kind: str) -> None:
    pool: Any = [[f"{name}{k}" for k in range(9)] for name in "abcdefg"]
    mux = every_mux(pool, seed=12)[kind]
    one = list(mux.iterate(60))
    assert one == list(mux.iterate(60))
    assert one == list(pickle.loads(pickle.dumps(mux)).iterate(60))
    laps = list(hr.Streamer(mux, len(one), cycle=False)) + list(mux.cycle(3 * len(one)))
    assert len({tuple(laps[k : k + len(one)]) for k in range(0, len(laps), len(one))}) >= 3
    if mux.size is not None and mux.size != float("inf"):
        size = int(mux.size)
        lapped = list(mux.cycle(2 * size))
        assert sorted(lapped[:size]) == sorted(lapped[size:])
        assert lapped[:size] != lapped[size:]


@pytest.mark.parametrize("pick", ["shuffled", "stochastic"])
def test_an_inner_mux_that_is_activated_again_does_not_replay(pick: str) -> None:
    inner: Any = (
        hr.ShuffledMux(["a" * 99, "b" * 99, "c" * 99, "d" * 99], seed=1)
        if pick == "shuffled"
        else hr.StochasticMux(["a" * 99, "b" * 99, "c" * 99, "d" * 99], 2, 2, seed=1)
    )
    outer = stochastic([inner, inner], 1, 4, dist="constant", seed=2)
    drawn = "".join(outer.iterate(400))
    visits = [drawn[k : k + 4] for k in range(0, 400, 4)]
    assert set(drawn) == set("abcd")
    assert len(set(visits)) > 20  # 100 visits among at least 64 likely ones: fewer than 21 with P < 1e-20


def test_two_equal_members_are_two_streams() -> None:
    def draws(*, rng: np.random.Generator) -> Iterator[float]:
        while True:
            yield float(rng.random())

    for kind, mux in every_mux([draws, draws, draws, draws], seed=3).items():
        drawn = list(mux.iterate(200))
        assert len(set(drawn)) == len(drawn), kind
        assert drawn == list(mux.iterate(200)), kind


def test_a_sibling_more_changes_no_members_own_numbers() -> None:
    def draws(name: str, *, rng: np.random.Generator) -> Iterator[tuple[str, float]]:
        for _ in range(5):
            yield name, float(rng.random())

    few: dict[str, Any] = {name: hr.Streamer(draws, name) for name in "ab"}
    more = {**few, "c": hr.Streamer(draws, "c")}
    for make in (hr.ChainMux, hr.RoundRobinMux):
        with_few: list[Any] = list(make(few, seed=5))
        with_more: list[Any] = list(make(more, seed=5))
        assert [item for item in with_more if item[0] != "c"] == with_few or make is hr.RoundRobinMux
        assert sorted(item for item in with_more if item[0] != "c") == sorted(with_few)


@pytest.mark.parametrize(
    "seed",
    [7, np.int64(7), np.random.SeedSequence(7), np.random.default_rng(7), np.random.RandomState(7)],
    ids=lambda seed: type(seed).__name__,
)
def test_seeds_of_every_kind_under_both_names(seed: Any) -> None:
    for by_seed, by_state in zip(
        every_mux(["aaa", "bbb"], seed=seed).values(),
        every_mux(["aaa", "bbb"], random_state=seed).values(),
        strict=True,
    ):
        assert by_seed == by_state
        assert list(by_seed.iterate(30)) == list(by_state.iterate(30))


@pytest.mark.parametrize("seed", ["seven", 7.0, True, np.random, [7]], ids=repr)
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    for make in (hr.ShuffledMux, hr.RoundRobinMux, hr.ChainMux):
        with pytest.raises(StreamConfigError):
            make(["a"], seed=seed)
    with pytest.raises(StreamConfigError):
        stochastic(["a"], 1, 2, seed=seed)


# --- knobs --------------------------------------------------------------------------------------


def knobbed(knob: hr.Knob[Any], mode: str | None) -> Any:
    pool: Any = {name: [name] * 500 for name in "abc"}
    return hr.ShuffledMux(pool, knob, seed=1) if mode is None else stochastic(pool, 3, 5, knob, mode, seed=1)


@pytest.mark.parametrize("mode", [None, "with_replacement", "single_active"])
def test_a_knob_is_followed_at_once(mode: Any) -> None:
    knob: hr.Knob[Any] = hr.Knob([1, 1, 1])
    with knobbed(knob, mode).open() as cursor:
        assert set(cursor.take(300)) == {"a", "b", "c"}  # one is missed with P < 1e-20
        knob.set([0, 0, 5])
        assert set(cursor.take(100)) == {"c"}
        knob.set([1, 0, 0])
        assert set(cursor.take(100)) == {"a"}
        with pytest.raises(StreamConfigError):
            knob.set([0, 0, 0])
        with pytest.raises(StreamConfigError):
            knob.set([1])
        assert set(cursor.take(50)) == {"a"}


@pytest.mark.parametrize("mode", [None, *MODES])
def test_a_run_goes_on_with_what_its_knob_was(mode: Any) -> None:
    knob: hr.Knob[Any] = hr.Knob([1, 2, 1])
    mux = knobbed(knob, mode)
    with mux.open() as cursor:
        before = cursor.take(40)
        knob.set([3, 1, 1])
        before += cursor.take(40)
        state = json.loads(json.dumps(cursor.state()))
        rest = cursor.take(300)
    with mux.open(at=state) as cursor:
        assert cursor.take(300) == rest
        assert cursor.position == 380 or mode == "exhaustive"
    assert len(before) == 80 or mode == "exhaustive"


# --- what is known of a run ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_counts_by_name_while_running(kind: str) -> None:
    mux = every_mux({name: [name] * 6 for name in ("first", "second", "third")}, seed=2)[kind]
    with mux.open() as cursor:
        drawn: Counter[str] = Counter()
        assert cursor.counts == {}
        for item in cursor:
            drawn[item] += 1
            assert cursor.counts == drawn
            if drawn.total() == 50:
                break
        cursor.close()
        assert drawn.total() > 0


@pytest.mark.parametrize("kind", RANDOM)
def test_last_names_the_member_of_the_last_item(kind: str) -> None:
    mux = every_mux({name: [name] * 6 for name in ("first", "second", "third")}, seed=2)[kind]
    with mux.open() as cursor:
        assert cursor.last is None
        known = 0
        for drawn, item in zip(range(50), cursor, strict=False):
            assert cursor.last in (item, None), drawn
            known += cursor.last == item
        assert known > 0


def test_names_are_kept_by_parts() -> None:
    def draws(*, rng: np.random.Generator) -> Iterator[float]:
        while True:
            yield float(rng.random())

    whole: Any = hr.ShuffledMux(
        dict.fromkeys("abcdef", draws), {name: k + 1 for k, name in enumerate("abcdef")}, seed=4
    )
    parts = [whole.shard(k, 2) for k in range(2)]
    assert [part.names for part in parts] == [("a", "c", "e"), ("b", "d", "f")]
    assert [part.part for part in parts] == ["0/2", "1/2"]
    assert np.allclose(np.asarray(parts[0].weights), np.array([1, 3, 5]) / 9)
    drawn = [list(part.iterate(200)) for part in parts]
    assert not set(drawn[0]) & set(drawn[1])
    assert parts[0].shard(1, 3).names == ("c",)
    assert parts[0].shard(1, 3).part == "0/2.1/3"
    with pytest.raises(StreamConfigError):
        whole.shard(2, 2)
    with pytest.raises(StreamConfigError):
        whole.shard(0, 7)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_the_whole(kind: str) -> None:
    pool: Any = [[10 * k + i for i in range(3)] for k in range(6)]
    mux = every_mux(pool, seed=4)[kind]
    parts = [mux.shard(k, 3) for k in range(3)]
    found = [set(part.iterate(400)) for part in parts]
    assert all(not a & b for i, a in enumerate(found) for b in found[:i])
    if mux.size == 18:
        assert set.union(*found) == {item for member in pool for item in member}


# --- errors -------------------------------------------------------------------------------------


def breaks(name: str, at: int, times: list[int]) -> Iterator[str]:
    for k in range(4):
        if k == at and times[0] > 0:
            times[0] -= 1
            raise OSError(f"{name} is broken")
        yield f"{name}{k}"


def pool_with_a_broken_one(at: int, times: int, names: bool) -> Any:
    pool: Any = {
        name: hr.Streamer(breaks, name, at if name == "bad" else 9, [times]) for name in ("good", "bad", "fine")
    }
    return pool if names else list(pool.values())


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize(("kind", "at"), [(kind, at) for kind in KINDS for at in (0, 2) if not at or " 1 " not in kind])
def test_an_error_names_its_member_and_nothing_is_lost(kind: str, at: int, names: bool) -> None:
    whole = list(every_mux(pool_with_a_broken_one(9, 0, names), seed=6)[kind].iterate(200))
    mux = every_mux(pool_with_a_broken_one(at, 2, names), seed=6)[kind]
    drawn: list[str] = []
    failures = 0
    with mux.open() as cursor:
        while len(drawn) < len(whole):
            try:
                drawn.append(next(cursor))
            except OSError as error:
                failures += 1
                notes = "\n".join(error.__notes__)
                assert ("['bad']" if names else "[1]") in notes
                assert "breaks at test_edge_cases.py" in notes
                assert cursor.position == len(drawn)
    assert drawn == whole
    assert failures == 2 or (failures == 0 and not any(item.startswith("bad") for item in whole))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_leaves_the_mux_as_it_was(kind: str) -> None:
    mux = every_mux(pool_with_a_broken_one(0, 10**9, False), seed=6)[kind]
    for _ in range(2):
        with pytest.raises(OSError, match="bad is broken"):
            list(mux.iterate(10_000))
        assert mux.active == 0


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_skip_passes_the_broken_visit_and_no_more(kind: str, at: int) -> None:
    mux = every_mux(pool_with_a_broken_one(at, 10**9, True), seed=6)[kind]
    drawn: list[str] = []
    failed = 0
    with mux.open() as cursor:
        while len(drawn) < 100 and failed < 100:
            try:
                drawn.extend(cursor.take(1) or ["end"])
                if drawn[-1] == "end":
                    break
            except OSError:
                failed += 1
                assert cursor.skip() == 1
    assert "bad3" not in drawn
    good = [item for item in drawn if not item.startswith("bad")]
    if kind in ("chain", "robin") or kind.startswith("exhaustive None"):
        assert Counter(drawn) == Counter(
            [f"{n}{k}" for n in ("good", "fine") for k in range(4)] + [f"bad{k}" for k in range(at)] + ["end"]
        )
        assert failed == 1
    assert {"good0", "fine0"} <= set(good) or kind.startswith("exhaustive 1")


# --- looking ahead ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rate", [None, 3])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_looking_ahead_changes_no_item(mode: Any, rate: Any, n: int) -> None:
    def draws(k: int, *, rng: np.random.Generator) -> Iterator[tuple[int, float]]:
        for _ in range(k % 4):
            yield k, float(rng.random())

    pool: Any = [hr.Streamer(draws, k) for k in range(12)]
    for prune in (True, False):
        plain = stochastic(pool, 3, rate, mode=mode, prune_empty_streams=prune, seed=8)
        ahead = stochastic(pool, 3, rate, mode=mode, prune_empty_streams=prune, seed=8, lookahead=n)
        items = list(plain.iterate(60))
        assert list(ahead.iterate(60)) == items
        for cut in (0, 1, 5, 17):
            with ahead.open() as cursor:
                assert cursor.take(cut) == items[:cut]
                state = cursor.state()
            with ahead.open(at=state) as cursor:
                assert cursor.take(60 - cut) == items[cut:60]


def test_members_are_opened_before_their_turn() -> None:
    opened_in: list[str] = []

    def member(k: int) -> Iterator[int]:
        opened_in.append(threading.current_thread().name)
        while True:
            yield k

    mux = stochastic([hr.Streamer(member, k) for k in range(40)], 2, 4, seed=3, lookahead=2)
    drawn = list(mux.iterate(200))
    assert len(set(drawn)) > 20
    in_our_own_time = [name for name in opened_in if name == threading.current_thread().name]
    assert len(in_our_own_time) <= 2, "only the first two"


def test_what_fails_ahead_fails_in_its_turn() -> None:
    pool: Any = {
        name: hr.Streamer(breaks, name, 0 if name == "bad" else 9, [10**9]) for name in ("good", "bad", "fine")
    }
    mux = stochastic(pool, 1, None, mode="exhaustive", seed=1, lookahead=2)
    drawn: list[str] = []
    with mux.open() as cursor:
        for _ in range(30):
            try:
                drawn += cursor.take(1)
            except OSError as error:
                notes = "\n".join(error.__notes__)
                cursor.skip()
    assert "['bad']" in notes
    assert sorted(drawn) == sorted(f"{name}{k}" for name in ("good", "fine") for k in range(4))


def test_a_running_iterator_is_never_opened_ahead() -> None:
    # What is opened ahead may be dropped, and a running iterator cannot be run again.
    for mode in MODES:
        for seed in range(10):
            drawn = []
            for lookahead in (0, 3):
                pool = [iter([f"{name}{k}" for k in range(6)]) for name in "abcdefgh"]
                drawn.append(list(stochastic(pool, 2, 2, mode=mode, seed=seed, lookahead=lookahead).iterate(40)))
            assert drawn[0] == drawn[1]


@watchdog
def test_leaving_the_program_ahead_of_its_turn_does_not_hang() -> None:
    def leaves() -> Iterator[int]:
        raise SystemExit(3)
        yield 0

    with pytest.raises(SystemExit):
        list(stochastic([range(5), leaves], 1, None, mode="exhaustive", seed=1, lookahead=1).cycle())


def test_a_member_that_fails_while_it_is_closed_costs_no_item() -> None:
    closed: list[int] = []

    def member(k: int) -> Iterator[tuple[int, int]]:
        try:
            for i in range(100):
                yield k, i
        finally:
            closed.append(k)
            if k % 2:
                raise OSError(f"cannot close {k}")

    pool: Any = [hr.Streamer(member, k) for k in range(4)]
    for mode in MODES:
        mux = stochastic(pool, 2, 3, mode=mode, dist="constant", seed=2)
        quiet = list(
            stochastic(
                [[(k, i) for i in range(100)] for k in range(4)], 2, 3, mode=mode, dist="constant", seed=2
            ).iterate(60)
        )
        drawn: list[Any] = []
        failed = 0
        cursor = mux.open()
        while len(drawn) < len(quiet):
            try:
                drawn.append(next(cursor))
            except OSError:
                failed += 1
        assert drawn == quiet
        assert failed
        closed.clear()
        live = len(list(cursor.open_cursors()))
        with suppress(OSError):
            cursor.close()
        assert len(closed) == live, "all are closed, whatever one of them says"


@pytest.mark.parametrize("kind", KINDS)
def test_closing_closes_every_member(kind: str) -> None:
    live: Counter[int] = Counter()

    def member(k: int) -> Iterator[int]:
        live[k] += 1
        try:
            for _ in range(50):
                yield k
        finally:
            live[k] -= 1
            raise OSError(k)

    mux = every_mux([hr.Streamer(member, k) for k in range(4)], seed=1)[kind]
    cursor = mux.open()
    for _ in range(30):
        with suppress(OSError):
            cursor.take(1)
    with suppress(OSError):
        cursor.close()
    assert not +live


# --- resume -------------------------------------------------------------------------------------

MEMBERS: list[Any] = ["abc", range(40), "", [], "wxyz", ["long"] * 30, "q"]
WEIGHTS = [1, 2, 3, 0.5, 1, 4, 0.25]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["even", "weighted"])
@pytest.mark.parametrize("prune", [True, False], ids=["prune", "keep"])
@pytest.mark.parametrize("rate", [None, 1, 3.5])
@pytest.mark.parametrize("mode", MODES)
def test_a_working_set_resumes_at_every_cut(mode: Any, rate: Any, prune: bool, weights: Any) -> None:
    for n_active in (1, 3):
        resumes_at_every_cut(stochastic(MEMBERS, n_active, rate, weights, mode, prune, seed=21))


@pytest.mark.parametrize(
    "mux",
    [
        hr.ShuffledMux(MEMBERS, seed=1),
        hr.ShuffledMux(MEMBERS, WEIGHTS, seed=1),
        *(hr.RoundRobinMux(MEMBERS, mode, seed=1) for mode in ("exhaustive", "cycle", "permuted_cycle")),
        *(hr.ChainMux(MEMBERS, mode, seed=1) for mode in ("exhaustive", "cycle")),
        hr.ChainMux(hr.Streamer(["abc", "", "de"]), "cycle", seed=1),
        hr.Streamer(hr.StochasticMux(MEMBERS, 3, None, mode="exhaustive"), 70, cycle=True).seeded(1),
        hr.ShuffledMux([hr.StochasticMux(MEMBERS, 2, 2), hr.RoundRobinMux(MEMBERS)], seed=1),
        hr.StochasticMux([hr.ShuffledMux(["abc", "d"]), hr.ChainMux(["ab", "c"])], 1, 3, seed=1),
    ],
    ids=str,
)
def test_the_others_resume_at_every_cut(mux: Any) -> None:
    resumes_at_every_cut(mux)


def resumes_at_every_cut(mux: Any, n: int = 60) -> None:
    items = list(mux.iterate(n + 30))
    with mux.open() as walking:
        for cut in range(min(n, len(items)) + 1):
            state = json.loads(json.dumps(walking.state()))
            with mux.open(at=state) as cursor:
                assert cursor.position == cut
                assert cursor.take(30) == items[cut : cut + 30]
                assert cursor.position == cut + len(items[cut : cut + 30])
            if cut % 20 == 7:
                with mux.open() as cursor:
                    cursor.take(11)
                    cursor.restore(state)
                    assert cursor.take(30) == items[cut : cut + 30], "a cursor may be sent back"
            assert walking.take(1) == items[cut : cut + 1]
