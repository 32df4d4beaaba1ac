"""One seed for everything, and what follows from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.testing import elsewhere
from laws.seeded import drawn_by_all, first, member, muxes
from support.counts import heavy

SEEDS = heavy(500)


NAMES = list(muxes([member("a"), member("b"), member("c")]))


def own(items: list[Any], name: str) -> list[float]:
    return [item[1] for item in items if item[0] == name]


@pytest.mark.parametrize("kind", ["shuffled", "round robin"])
def test_appending_a_sibling_changes_no_members_own_numbers(kind: str) -> None:
    for seed in range(SEEDS):
        two = first(muxes([member("a"), member("b")])[kind], seed, 200)
        three = first(muxes([member("a"), member("b"), member("c")])[kind], seed, 200)
        for name in "ab":
            shared = min(len(own(two, name)), len(own(three, name)))
            assert shared > 20
            assert own(two, name)[:shared] == own(three, name)[:shared]


def test_appending_a_sibling_changes_no_visit_of_a_member() -> None:
    """A member comes for short visits; those of one number have the same numbers, whoever else is there."""
    for seed in range(SEEDS):
        for make in (
            lambda members: hr.StochasticMux(members, n_active=2, rate=4),
            lambda members: hr.StochasticMux(members, n_active=1, rate=2, dist="constant"),
            lambda members: hr.ChainMux(members, mode="cycle"),
        ):
            two = first(make([member("a", 5), member("b", 5)]), seed, 150)
            three = first(make([member("a", 5), member("b", 5), member("c", 5)]), seed, 300)
            seen, wider = set(own(two, "a")), set(own(three, "a"))
            assert len(seen & wider) >= 0.5 * min(len(seen), len(wider)) > 5


def test_a_new_op_changes_no_numbers_below_it() -> None:
    plain = hr.ShuffledMux([member("a"), member("b")])
    for op in (hr.batch(1), hr.take(50), hr.prefetch(), hr.background("inline"), hr.tap(id)):
        changed = first(plain | op, 3, 40)
        if op is not None and "batch" in repr(op):
            assert [(b[0][0], b[1][0]) for b in changed] == first(plain, 3, 40)
        else:
            assert changed == first(plain, 3, 40)


@pytest.mark.parametrize("kind", NAMES)
def test_a_seed_repeats_and_another_does_not(kind: str) -> None:
    make = muxes([member("a", 7), member("b", 7), member("c", 7)])
    stream = make[kind]
    drawn = [first(stream, seed) for seed in range(SEEDS)]
    assert drawn == [first(stream, seed) for seed in range(SEEDS)]
    assert len({tuple(items) for items in drawn}) == SEEDS
    # 64-bit numbers of SEEDS passes: two alike by chance in fewer than 1 of 10**8 runs.
    every = [item[1] for items in drawn for item in items]
    assert len(set(every)) == len(every), "no number in two passes, or twice in one"


@pytest.mark.parametrize("kind", NAMES)
def test_epochs_and_seeds_never_meet(kind: str) -> None:
    """Epoch e + 1 of seed s is not epoch e of seed s + 1, and no two of any are alike."""
    stream = muxes([member("a", 7), member("b", 7), member("c", 7)])[kind] | hr.take(20)
    epochs = {}
    for seed in range(4):
        laps = list(stream.seeded(seed).cycle(5 * 20))
        for epoch in range(5):
            epochs[seed, epoch] = tuple(laps[20 * epoch : 20 * (epoch + 1)])
    assert len(set(epochs.values())) == 20
    every = [item[1] for items in epochs.values() for item in items]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("kind", NAMES)
def test_repeat_gives_each_lap_numbers_of_its_own(kind: str) -> None:
    stream = muxes([member("a", 7), member("b", 7), member("c", 7)])[kind] | hr.take(20) | hr.repeat()
    drawn = [item[1] for item in stream.seeded(1).iterate(200)]
    assert len(set(drawn)) == 200
    assert drawn == [item[1] for item in stream.seeded(1).iterate(200)]


@pytest.mark.parametrize("kind", NAMES)
def test_unseeded_passes_differ(kind: str) -> None:
    stream = muxes([member("a", 7), member("b", 7), member("c", 7)])[kind]
    passes = [tuple(stream.iterate(20)) for _ in range(10)]
    assert len(set(passes)) == 10


def test_a_mux_opened_again_by_an_outer_one_goes_on() -> None:
    """The defect of old: a seeded inner mux that replays at each activation, so some members never appear."""
    inner = hr.ShuffledMux([member(name) for name in "abcd"], seed=3)
    outer = hr.StochasticMux([inner, inner], n_active=1, rate=4, seed=5)
    drawn = list(outer.iterate(400))
    assert len({value for _, value in drawn}) == 400
    assert {name for name, _ in drawn} == set("abcd")


def test_one_member_twice_is_two_streams() -> None:
    same = member("a")
    drawn = [value for _, value in hr.RoundRobinMux([same, same]).seeded(1).iterate(100)]
    assert len(set(drawn)) == 100


def test_the_same_numbers_in_a_new_process() -> None:
    assert elsewhere(drawn_by_all, 7) == drawn_by_all(7)


def test_a_generator_given_as_a_seed_is_not_moved() -> None:
    generator = np.random.default_rng(4)
    stream = hr.ShuffledMux([member("a"), member("b")], seed=generator)
    assert list(stream.iterate(5)) == list(stream.iterate(5))
    assert generator.random() == np.random.default_rng(4).random()


def test_the_global_generators_play_no_part() -> None:
    import random

    stream = muxes([member("a", 7), member("b", 7), member("c", 7)])["nested"].seeded(1)
    random.seed(0)
    np.random.seed(0)
    before = random.random(), np.random.random()
    random.seed(0)
    np.random.seed(0)
    one = list(stream.iterate(50))
    assert (random.random(), np.random.random()) == before, "drawing moves no global generator"
    np.random.seed(99)
    assert list(stream.iterate(50)) == one, "and reads none"


def _with_number(item: Any, rng: np.random.Generator) -> tuple[Any, float]:
    return item, float(rng.random())


def _half(item: Any, rng: np.random.Generator) -> bool:
    return bool(rng.random() < 0.5)


DRAWING = {
    "map": hr.map(_with_number),
    "map in a thread": hr.map(_with_number) | hr.prefetch(),
    "filter": hr.filter(_half),
    "shuffle": hr.shuffle(32),
    "cache": hr.cache(16, 0.5),
}


@pytest.mark.parametrize("op", DRAWING)
@pytest.mark.parametrize("where", ["divided as a whole", "divided below"])
def test_parts_draw_other_numbers(op: str, where: str) -> None:
    """The same items in each part, so that equal choices would show. By chance alike in fewer than 1 of 10**9 runs."""
    mux = hr.ChainMux([range(64)] * 4)
    for seed in range(heavy(20)):
        whole = mux | DRAWING[op]
        parts = [(whole if where == "divided as a whole" else mux).shard(i, 4) for i in range(4)]
        if where == "divided below":
            parts = [part | DRAWING[op] for part in parts]
        drawn = [repr(first(part.seeded(seed), seed)) for part in parts]
        assert len(set(drawn)) == 4
        assert drawn == [repr(first(part.seeded(seed), seed)) for part in parts]


def test_a_part_says_that_it_is_one() -> None:
    stream = hr.ChainMux([range(8)] * 4) | hr.map(_with_number)
    part = stream.shard(0, 2).shard(1, 2)
    assert "map(_with_number, divided='0/2.1/2')" in repr(part)
    assert part.fingerprint != stream.shard(0, 2).fingerprint != stream.fingerprint
    name = f"{__name__}:_with_number"
    from headrace.core.describe import dump

    again = hr.load(dump(part), {name: _with_number})
    assert again == part
    assert list(again.seeded(3)) == list(part.seeded(3)) != list(stream.seeded(3))[8:16]
