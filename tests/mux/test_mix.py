"""A mix whose items have numbers: who is drawn, what of them, and what a change of the others does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.mux.mix import Mix
from support.counts import heavy


def mix_of(*args: Any, **kwargs: Any) -> Any:
    return hr.mix(*args, **kwargs)


def named(name: str, n: int | None = None) -> Any:
    """Items (name, number, a random number of that number)."""
    return hr.functional(lambda i, rng: (name, i, float(rng.random())), size=n)


def of(items: list[Any], name: str) -> list[Any]:
    return [item for item in items if item[0] == name]


def drawn(stream: Any, n: int = 300, seed: int = 7, at: int = 0) -> list[Any]:
    with stream.open(hr.Key(seed), at=at) as cursor:
        return list(cursor.take(n))


def test_members_give_their_own_items_in_order() -> None:
    mix = mix_of({"a": named("a"), "b": named("b"), "c": named("c")}, {"a": 5, "b": 1, "c": 0.1})
    items = drawn(mix, 2000)
    for name in "abc":
        mine = of(items, name)
        assert [number for _, number, _ in mine] == list(range(len(mine)))
    far = drawn(mix, 500, at=10**9)
    firsts = {name: of(far, name)[0][1] for name in "ab"}
    for name in "ab":
        assert [number for _, number, _ in of(far, name)] == list(
            range(firsts[name], firsts[name] + len(of(far, name)))
        )
    assert abs(firsts["a"] / 10**9 - 5 / 6.1) < 0.001


def test_a_sibling_changes_no_members_own_items() -> None:
    makes: list[Callable[[Any], Any]] = [mix_of, lambda members: hr.zip(members) | hr.map(lambda item: item["a"])]
    for make in makes:
        two = make({"a": named("a"), "b": named("b")})
        three = make({"z": named("z"), "a": named("a"), "b": named("b")})
        for seed in range(heavy(500)):
            one, other = (of(drawn(stream, 60, seed), "a") for stream in (two, three))
            shared = min(len(one), len(other))
            assert shared > 5
            assert one[:shared] == other[:shared]
    two, three = hr.concat(named("a", 20), named("b", 20)), hr.concat(named("a", 20), named("b", 20), named("c", 20))
    assert drawn(two, 40) == drawn(three, 40)


def test_ended_members_begin_again_with_numbers_of_their_own() -> None:
    items = drawn(mix_of([named("a", 5) | hr.permute(), named("b", 1)]), 400)
    mine = of(items, "a")
    laps = [mine[k : k + 5] for k in range(0, len(mine) - 4, 5)]
    assert len(laps) > 20
    assert all(sorted(number for _, number, _ in lap) == list(range(5)) for lap in laps)
    assert len({tuple(number for _, number, _ in lap) for lap in laps}) > 10, "an order for each lap"
    assert len({random for *_, random in items}) == len(items), "no random number twice"


def test_a_zero_weight_is_never_drawn() -> None:
    mix = mix_of({"a": named("a"), "never": named("never"), "b": named("b")}, {"a": 1, "never": 0, "b": 3})
    for at in (0, 10**9):
        assert {name for name, *_ in drawn(mix, 2000, at=at)} == {"a", "b"}


def test_empty_members_are_left_out() -> None:
    mix = mix_of([[], ["a"], []], [5, 1, 2], seed=3)
    assert list(mix(20)) == ["a"] * 20
    assert mix[10**6] == "a"
    empty = mix_of([[], []])
    assert (empty.size, list(empty)) == (0, [])
    assert list(mix_of([[], ["a"]], hr.schedule({0: [1, 1], 5: [0, 1]}), seed=1)(9)) == ["a"] * 9
    with pytest.raises(hr.DataError, match="empty members alone"):
        next(iter(mix_of([[], ["a"]], [1, 0], seed=1)))


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [1, -1], [0, 0], [1, float("nan")], [1, float("inf")], {"a": 1}])
def test_weights_that_do_not_fit(weights: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match="mix"):
        mix_of([[1], [2]], weights)


def test_no_members() -> None:
    nothing: list[Any] = [[], {}, 3]
    for members in nothing:
        with pytest.raises(hr.StreamConfigError, match="mix"):
            mix_of(members)
    with pytest.raises(hr.StreamConfigError, match="one for each"):
        mix_of({"a": [1], "b": [2]}, {"a": 1, "c": 2})


@pytest.mark.parametrize("n", [0, 1, 7, 1000, 40_000])
def test_counts_are_those_of_the_items(n: int) -> None:
    mix = mix_of({"a": [0], "b": [1], "never": [2]}, [3, 1, 0])
    with mix.open(hr.Key(2)) as cursor:
        came = Counter("ab"[item] for item in cursor.take(n))
        assert cursor.counts == dict(came)
    with mix.open(hr.Key(2), at=n) as cursor:
        assert cursor.counts == dict(came)
        assert json.loads(json.dumps(cursor.state()))["at"] == n


def test_shares_are_the_weights() -> None:
    weights = np.array([5, 1, 0.3, 2])
    member, n = np.arange(4), heavy(10**6) * 5
    mix = mix_of([hr.source(np.full(3, k)) for k in member], weights.tolist(), seed=3)
    share = np.bincount(mix.block(None, 0, n), minlength=4) / n
    expected = weights / weights.sum()
    assert (np.abs(share - expected) < 5 * np.sqrt(expected / n)).all()


def test_choices_are_independent() -> None:
    """Each pair of neighbours as often as the product of the shares says."""
    mix = mix_of([hr.source(np.array([k])) for k in range(2)], [1, 3], seed=5)
    chosen = mix.block(None, 0, 40_000)
    pairs = np.bincount(2 * chosen[:-1] + chosen[1:], minlength=4) / (len(chosen) - 1)
    assert np.abs(pairs - np.outer([0.25, 0.75], [0.25, 0.75]).ravel()).max() < 0.015


# --- weights that change ------------------------------------------------------------------------


def test_a_schedule_holds_from_its_numbers_on() -> None:
    mix = mix_of({"a": named("a"), "b": named("b"), "c": named("c")},
                 hr.schedule({0: {"a": 1, "b": 0, "c": 0}, 100: {"a": 0, "b": 1, "c": 0}, 250: {"a": 1, "b": 0, "c": 1}}))  # fmt: skip
    items = drawn(mix, 500)
    assert {name for name, *_ in items[:100]} == {"a"}
    assert {name for name, *_ in items[100:250]} == {"b"}
    assert {name for name, *_ in items[250:]} == {"a", "c"}
    for name in "abc":
        assert [number for _, number, _ in of(items, name)] == list(range(len(of(items, name))))
    for at in (99, 100, 249, 250, 10**6):
        assert drawn(mix, 1, at=at) == [mix.seeded(7)[at]]


def test_a_ramp_goes_from_one_to_the_other() -> None:
    mix = mix_of([hr.source(np.array([0])), hr.source(np.array([1]))], hr.ramp([1, 0], [0, 1], 1000, 9000), seed=1)
    chosen = mix.block(None, 0, 12_000)
    assert not chosen[:1000].any()
    assert chosen[9000:].all()
    shares = chosen[1000:9000].reshape(8, 1000).mean(1)
    assert np.abs(shares - (np.arange(8) + 0.5) / 8).max() < 0.08


def test_temperature_and_balance_are_weights() -> None:
    members = {"large": range(900), "small": range(100)}
    mix = mix_of(members, hr.temperature(members, 2), seed=1)
    assert same(mix.weights, np.array([0.75, 0.25]))
    mix = mix_of(members, hr.balance({"large": "x", "small": "x"}), seed=1)
    assert same(mix.weights, np.array([0.5, 0.5]))


# --- without numbers ----------------------------------------------------------------------------


def test_a_member_without_numbers_makes_another_mux_and_is_named() -> None:
    mix = mix_of({"q": [1, 2], "p": hr.Streamer(range(9)) | hr.map(abs)}, seed=1)
    assert type(mix) is hr.ShuffledMux
    assert mix.access == "cursor"
    text = str(hr.describe(mix))
    assert "'p'" in text
    assert "streamer" in text
    assert "no numbers" in text
    assert set(mix.iterate(300)) == set(range(9))
    with pytest.raises(hr.StreamConfigError, match=r"schedule.*member 'p'.*streamer"):
        mix_of({"q": [1], "p": hr.Streamer(range(3))}, hr.schedule({0: [1, 1]}))


def test_a_knob_turns_the_weights_while_it_runs() -> None:
    knob = hr.Knob([1.0, 0.0])
    mix = mix_of([["a"], ["b"]], knob)
    assert type(mix) is hr.ShuffledMux
    with mix.open(hr.Key(1)) as cursor:
        assert set(cursor.take(50)) == {"a"}
        knob.set([0.0, 1.0])
        assert set(cursor.take(50)) == {"b"}


def test_a_member_that_lost_its_numbers_on_the_way() -> None:
    """``with_`` on a Mix is not asked; its JSON with other functions is: the same meaning, another mux."""
    mix = mix_of([range(3), range(4)], [1, 2], seed=3)
    made = Mix.from_params({**mix.params(), "streams": [hr.Streamer(range(3)), hr.source(range(4))]})
    assert type(made) is hr.ShuffledMux


# --- errors -------------------------------------------------------------------------------------


def test_an_error_names_the_member() -> None:
    def careful(item: int) -> int:
        if item == 17:
            raise ValueError("no seventeen")
        return item

    mix: Any = mix_of({"p": hr.source(range(100, 130)), "q": hr.source(range(40)) | hr.map(careful)}) | hr.batch(4)
    with mix.open(hr.Key(1)) as cursor:
        found: list[Any] = []
        with pytest.raises(ValueError, match="no seventeen") as caught:
            found.extend(cursor)
        at = cursor.position
        assert "while drawing item 17 of root/batch/mix['q']/map" in caught.value.__notes__[0]
        assert "your function: careful at test_mix.py" in caught.value.__notes__[1]
        with pytest.raises(ValueError, match="no seventeen"):
            next(cursor)
        assert cursor.position == at == len(found)
        assert cursor.skip() == 1
        next(cursor)
        assert cursor.position == at + 2
    with pytest.raises(ValueError, match="no seventeen") as caught:
        mix.block(hr.Key(1), at, at + 1)
    assert "root/batch/mix['q']/map" in caught.value.__notes__[0]


def test_members_come_in_a_list() -> None:
    for alone in (hr.source([1]), np.arange(3), "abc"):
        with pytest.raises(hr.StreamConfigError, match="wanted a list or a dict"):
            hr.mix(alone)
    assert set(hr.mix([[1], [2]], [1e308, 1e308], seed=1)(40)) == {1, 2}
