"""What muxes give when nothing is left to chance: the orders their pages show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import inf
from typing import Any

import pytest

import headrace as hr
from headrace.errors import StreamConfigError


def joined(stream: Any, n: int | None = None) -> str:
    return "".join(stream.iterate(n))


# --- round robin --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "given"),
    [
        (["ab", "cde", "fghi"], "acfbdgehi"),
        (["fghi", "cde", "ab"], "fcagdbheiz"[:-1]),
        (["aa", "", "bb", "", "", "", "cccc"], "abcabccc"),
        (["", "a", ""], "a"),
        (["abc"], "abc"),
        (["", ""], ""),
        (["a", "bbb", "a", "b"], "ababbb"),
    ],
)
def test_round_robin_takes_turns_until_all_have_ended(members: list[str], given: str) -> None:
    assert joined(hr.RoundRobinMux(members)) == given
    assert len(hr.RoundRobinMux(members)) == len(given)


def test_round_robin_begins_again_when_all_have_ended() -> None:
    assert joined(hr.RoundRobinMux(["a", "bb"], "cycle"), 7) == "abbabba"
    assert joined(hr.RoundRobinMux(["", "ab", "c"], "cycle"), 8) == "acbacbac"
    assert hr.RoundRobinMux(["a", "bb"], "cycle").size == inf


def test_the_first_lap_of_a_permuted_cycle_is_in_order() -> None:
    for seed in range(20):
        drawn = joined(hr.RoundRobinMux(["a", "b", "c"], "permuted_cycle", seed=seed), 90)
        assert drawn.startswith("abc")
        laps = [drawn[k : k + 3] for k in range(0, 90, 3)]
        assert all(sorted(lap) == ["a", "b", "c"] for lap in laps)
        assert len(set(laps)) > 2  # 29 laps of at most two orders: P < 15 (1/3)^29 < 1e-12


def test_permuted_laps_come_in_every_order_alike() -> None:
    # 6 orders in 3000 laps: each expected 500 times, sigma 20.4; six sigma fail by chance once in 80 million.
    drawn = joined(hr.RoundRobinMux(["a", "b", "c"], "permuted_cycle", seed=7), 9003)[3:]
    orders = Counter(drawn[k : k + 3] for k in range(0, 9000, 3))
    assert len(orders) == 6
    assert all(abs(n - 500) < 6 * 20.4 for n in orders.values())


# --- chain --------------------------------------------------------------------------------------


def test_a_chain_goes_from_one_to_the_next() -> None:
    assert joined(hr.ChainMux(["ab", "", "cde"])) == "abcde"
    assert len(hr.ChainMux(["ab", "", "cde"])) == 5
    assert joined(hr.ChainMux(["ab", "", "cde"], "cycle"), 12) == "abcdeabcdeab"
    assert hr.ChainMux(["ab", "cde"], "cycle").size == inf
    assert joined(hr.ChainMux([])) == ""
    assert joined(hr.ChainMux([], "cycle")) == ""


def test_a_chain_of_what_a_function_makes() -> None:
    made: list[str] = []

    def words() -> Iterator[Any]:
        for word in ("ab", "", "cd"):
            made.append(word)
            yield hr.Streamer(word) if word else word

    mux: Any = hr.ChainMux(words, "cycle")
    assert joined(mux, 7) == "abcdabc"
    assert made == ["ab", "", "cd", "ab", "", "cd"]
    one, other = mux.iterate(4), mux.iterate(4)
    assert [next(one), next(one), next(other), next(one), next(other), next(other)] == list("abacbc")
    assert joined(hr.ChainMux(hr.Streamer(words))) == "abcd"


def test_a_chain_opens_one_member_at_a_time() -> None:
    live: list[str] = []

    def letters(word: str) -> Iterator[str]:
        live.append(word)
        assert len(live) == 1
        try:
            yield from word
        finally:
            live.remove(word)

    assert joined(hr.ChainMux([hr.Streamer(letters, w) for w in ("ab", "c", "de")], "cycle"), 12) == "abcdeabcdeab"
    assert live == []


# --- working sets without chance ----------------------------------------------------------------


def test_one_member_is_simply_repeated() -> None:
    assert joined(hr.StochasticMux(["abc"], 1, None), 8) == "abcabcab"
    assert joined(hr.StochasticMux(["abcdef"], 1, 2, dist="constant"), 7) == "abababa"
    assert joined(hr.ShuffledMux(["abc"]), 8) == "abcabcab"
    assert joined(hr.StochasticMux(["abc"], 1, None, mode="exhaustive")) == "abc"
    assert joined(hr.StochasticMux(["abc", "xyz"], 1, None, weights=[0, 2]), 5) == "xyzxy"
    assert joined(hr.ShuffledMux(["abc", "xyz"], weights=[0, 2]), 5) == "xyzxy"


@pytest.mark.parametrize("seed", range(8))
def test_a_set_of_one_gives_whole_members(seed: int) -> None:
    pool: Any = ["aaaa", "bbbb", "cccc"]
    drawn = joined(hr.StochasticMux(pool, 1, None, seed=seed), 40)
    assert all(drawn[k : k + 4] in pool for k in range(0, 40, 4))
    once = joined(hr.StochasticMux(pool, 1, None, mode="exhaustive", seed=seed))
    assert sorted(once[k : k + 4] for k in range(0, 12, 4)) == pool


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("mode", ["with_replacement", "single_active", "exhaustive"])
def test_a_full_set_opens_every_member_once(mode: Any, seed: int) -> None:
    started: list[int] = []

    def member(k: int) -> Iterator[int]:
        started.append(k)
        while True:
            yield k

    pool: Any = [hr.Streamer(member, k) for k in range(7)]
    drawn: list[Any] = list(hr.StochasticMux(pool, 7, None, mode=mode, seed=seed).iterate(200))
    # A member is missed with (6/7)^200 < 1e-13.
    assert sorted(started) == list(range(7))
    assert set(drawn) == set(range(7))


@pytest.mark.parametrize("n_active", [1, 2, 5, 6])
@pytest.mark.parametrize("seed", range(4))
def test_exhaustive_gives_every_item_once(n_active: int, seed: int) -> None:
    pool: Any = {name: [f"{name}{k}" for k in range(len(name))] for name in ("a", "bb", "ccc", "dddd", "", "ffffff")}
    mux: Any = hr.StochasticMux(pool, n_active, None, mode="exhaustive", seed=seed)
    assert sorted(mux) == sorted(item for member in pool.values() for item in member)
    assert len(mux) == 16


def test_exhaustive_with_a_rate_gives_no_more_than_the_quotas() -> None:
    pool: Any = [range(10 * k, 10 * k + 10) for k in range(10)]
    drawn: list[Any] = list(hr.StochasticMux(pool, 3, 2, mode="exhaustive", dist="constant", seed=1))
    assert sorted(drawn) == [10 * k + i for k in range(10) for i in range(2)]


@pytest.mark.parametrize("dist", ["constant", "poisson", "binomial"])
@pytest.mark.parametrize("seed", range(6))
def test_a_rate_of_one_is_one_item_each(dist: Any, seed: int) -> None:
    pool: Any = [hr.Streamer("abc") for _ in range(4)]
    assert joined(hr.StochasticMux(pool, 3, 1, dist=dist, seed=seed), 30) == "a" * 30


def test_single_active_never_has_a_member_twice() -> None:
    live: Counter[int] = Counter()

    def member(k: int) -> Iterator[int]:
        live[k] += 1
        assert live[k] == 1
        try:
            yield from [k] * 3
        finally:
            live[k] -= 1

    pool: Any = [hr.Streamer(member, k) for k in range(6)]
    for seed in range(10):
        for rate in (None, 2):
            drawn: list[Any] = list(hr.StochasticMux(pool, 4, rate, mode="single_active", seed=seed).iterate(300))
            assert len(drawn) == 300
            assert not +live


# --- all of them --------------------------------------------------------------------------------


def test_muxes_inside_muxes() -> None:
    inner: list[Any] = [hr.RoundRobinMux(["ab", "cd"]), hr.ChainMux(["ef", "gh"])]
    assert joined(hr.ChainMux(inner)) == "acbdefgh"
    assert joined(hr.RoundRobinMux(inner)) == "aecfbgdh"
    outer: Any = hr.StochasticMux(inner, 2, None, mode="exhaustive", seed=3)
    assert sorted(outer) == list("abcdefgh")
    assert joined(hr.Streamer(hr.RoundRobinMux(["ab", "cd"]), 5, cycle=True)) == "acbda"


def test_members_of_every_kind() -> None:
    def letters() -> Iterator[str]:
        yield from "ab"

    members: list[Any] = [
        "ab",
        ["a", "b"],
        ("a", "b"),
        letters,
        hr.Streamer("ab"),
        {"a": 1, "b": 2},
        hr.ChainMux(["a", "b"]),
    ]
    assert joined(hr.ChainMux(members)) == "ab" * 7
    assert joined(hr.RoundRobinMux(iter(members))) == "a" * 7 + "b" * 7
    makers: list[Any] = [hr.ChainMux, hr.RoundRobinMux, hr.ShuffledMux, lambda s: hr.StochasticMux(s, 1, 2)]
    for make in makers:
        with pytest.raises(StreamConfigError):
            make([1, 2])
        with pytest.raises(StreamConfigError):
            make(5)


@pytest.mark.parametrize("make", [hr.RoundRobinMux, hr.ChainMux])
def test_a_bad_mode_is_told_with_the_good_ones(make: Any) -> None:
    with pytest.raises(StreamConfigError, match="exhaustive, cycle"):
        make(["a"], mode="shuffled")
