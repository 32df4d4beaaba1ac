"""Whatever fails on the way, and however often: tried again, a mux gives what it would have given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

import headrace as hr
from support.counts import heavy


class Boom(Exception):
    """A failure that goes away."""


class Failing:
    """Members that fail at random before an item, also before the first; their items are (name, number)."""

    def __init__(self) -> None:
        self.chance, self.random = 0.0, Random(0)

    def items(self, name: int, n: int) -> Iterator[tuple[int, int]]:
        for i in range(n):
            if self.random.random() < self.chance:
                raise Boom
            yield name, i
        if self.random.random() < self.chance:
            raise Boom

    def pool(self, *lengths: int) -> list[hr.Streamer[tuple[int, int]]]:
        return [hr.Streamer(self.items, name, n) for name, n in enumerate(lengths)]


WEIGHTS = [1, 5, 2, 9, 3, 4]
LENGTHS = (3, 2, 0, 3, 5, 1)
MUXES: dict[str, Callable[[Failing], hr.Stream[Any]]] = {
    "shuffled": lambda f: hr.ShuffledMux(f.pool(*LENGTHS), WEIGHTS),
    "round robin": lambda f: hr.RoundRobinMux(f.pool(*LENGTHS), "permuted_cycle"),
    "chain": lambda f: hr.ChainMux(f.pool(*LENGTHS), "cycle"),
    "of muxes": lambda f: hr.StochasticMux(
        [hr.StochasticMux(f.pool(*LENGTHS), 2, 3, WEIGHTS, mode="exhaustive") for _ in range(4)], 2, 5
    ),
}


def stochastic(mode: Any, weights: Any, prune: bool, rate: float | None) -> Callable[[Failing], hr.Stream[Any]]:
    return lambda f: hr.StochasticMux(f.pool(*LENGTHS), 2, rate, weights, mode, prune_empty_streams=prune)


for mode in ("with_replacement", "single_active", "exhaustive"):
    for weights in (None, WEIGHTS):
        for prune in (True, False):
            for rate in (None, 2.5):
                name = f"{mode}, {'even' if weights is None else 'weighted'}, {'prune' if prune else 'keep'}, {rate}"
                MUXES[name] = stochastic(mode, weights, prune, rate)


@pytest.mark.parametrize("name", MUXES)
@pytest.mark.parametrize("resumed", [False, True], ids=["on the same cursor", "from the state at the error"])
def test_tried_again_until_it_works_it_is_as_if_nothing_had_failed(name: str, resumed: bool) -> None:
    failures = 0
    for seed in range(heavy(1000)):
        failing = Failing()
        stream = MUXES[name](failing).seeded(seed)
        expected = list(stream.iterate(40))
        failing.chance, failing.random = 0.3, Random(seed)
        cursor = stream.open()
        given: list[Any] = []
        while len(given) < 40:
            try:
                given.append(next(cursor))
            except StopIteration:
                break
            except Boom:
                failures += 1
                if resumed:
                    state = json.loads(json.dumps(cursor.state()))
                    cursor.close()
                    cursor = stream.open(at=state)
        cursor.close()
        assert given == expected
    assert failures > heavy(1000)


@pytest.mark.parametrize("n", [400, 4000])
def test_thousands_may_end_one_after_another(n: int) -> None:
    """The hang bound is the suite's: one table per retirement took 42 s at 16 000, now there is one per halving."""
    assert sorted(hr.ShuffledMux([iter([k]) for k in range(n)], seed=1)) == list(range(n))
    assert list(hr.StochasticMux([()] * n, 5, 3, prune_empty_streams=False, seed=1)) == []
    everyone = hr.StochasticMux([range(10**6)] * n, n, 8, mode="single_active", seed=1)
    assert len(list(everyone.iterate(3 * n))) == 3 * n


def test_a_stream_of_members_that_makes_something_else_says_so_each_time() -> None:
    def members() -> Iterator[Any]:
        yield "ab"
        yield 5
        yield "cd"

    chain: hr.Stream[Any] = hr.ChainMux(members)
    with chain.open() as cursor:
        assert cursor.take(2) == ["a", "b"]
        for _ in range(3):
            with pytest.raises(hr.StreamConfigError, match="got 5"):
                next(cursor)
        state = json.loads(json.dumps(cursor.state()))
        assert cursor.skip() == 1
        assert cursor.take(9) == ["c", "d"]
    with chain.open(at=state) as cursor, pytest.raises(hr.StreamConfigError, match="got 5"):
        next(cursor)


def test_members_of_no_weight_do_not_make_a_mux_endless() -> None:
    assert hr.ShuffledMux(["abc", ()], [0, 1]).size == 0
    assert hr.StochasticMux(["abc", ()], 1, 2, [0, 1]).size == 0


def test_an_exhaustive_order_is_made_anew_when_a_used_cursor_is_restored() -> None:
    weights: hr.Knob[list[float]] = hr.Knob([1.0, 2, 3, 4, 5, 6])
    mux = hr.StochasticMux(list("abcdef"), 2, None, weights, mode="exhaustive", seed=3)
    first = mux.open()
    first.skip(2)
    state = first.state()
    rest = first.take(9)
    weights.set([6.0, 5, 4, 3, 2, 1])
    used = mux.open()
    used.skip(3)
    used.restore(state)
    assert used.take(9) == rest
