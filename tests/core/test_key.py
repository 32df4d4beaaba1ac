"""Numbers at an address: the same for ever, on every machine, however they are asked for."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.key import Key, Lane, seed_integer
from headrace.errors import StreamConfigError
from headrace.testing import elsewhere

# Pinned: a change here changes every number that anyone has drawn with a seed.
ADDRESSES = {
    (): "e5c036dd249e650ab2cd1eea58c0fb02",
    ("mux", 3): "5e71ea5688f99e6062cf9db4c292f454",
    ("3",): "9999746557fb1bf8a0f796e7fabb3dc6",
    (3,): "c295106da611a80bebe73337e3782882",
    (-1,): "561c4364a2a1aed79e04805ae60f6d4d",
}
ROOTS: dict[Any, str] = {
    2**200: "12d422ddbaf70a4e18b6ff873be1d75b",
    -1: "571ab45458f437b30e8d6d4aead54ca3",
    np.int64(7): ADDRESSES[()],
}


def numbers(key: Key) -> list[float]:
    return [float(x) for x in [*key.rng().random(3), *key.rng_at(5).random(2), *key.lane().uniforms(10**9, 2)]]


def everything() -> list[object]:
    key = Key(7)
    return [numbers(key), numbers(key.child("mux", 3)), key.rng().normal(size=2).tolist()]


def test_addresses_never_change() -> None:
    for path, bits in ADDRESSES.items():
        assert Key(7).child(*path).bits.hex() == bits
    for seed, bits in ROOTS.items():
        assert Key(seed).bits.hex() == bits
    assert Key(0).child("").bits.hex() == "ed96c2e142834e85fc01b685367fe073"
    assert Key(0).child("ü").bits.hex() == "099c77d43fe68b87fc11830a9d0c4797"


def test_numbers_never_change() -> None:
    key = Key(7)
    assert key.rng().random(3).tolist() == [0.6746279560143915, 0.6032468732322475, 0.4608079134058366]
    assert key.rng_at(5).random(2).tolist() == [0.6816107489843887, 0.48269693631069754]
    assert key.rng_at(10**12).integers(0, 1000, 5).tolist() == [97, 961, 844, 587, 681]
    assert key.lane().at(3, 2).random(2).tolist() == [0.8874179109625421, 0.46015188455679457]
    assert key.lane().uniforms(0, 5).tolist() == [
        *key.rng().random(3).tolist(),
        0.8979797549792609,
        0.08208198684563328,
    ]
    assert key.lane().uniforms(10**9, 2).tolist() == [0.8650377401859035, 0.018143734429142966]


def test_numbers_are_the_same_in_a_new_process() -> None:
    assert elsewhere(everything) == everything()


def test_a_key_is_a_value() -> None:
    key = Key(7).child("a", 1)
    assert pickle.loads(pickle.dumps(key)) == key
    assert pickle.loads(pickle.dumps(key)).path == ("a", 1)
    assert Key.from_plain(key.plain()) == key
    assert len({key, Key(7).child("a").child(1), Key(7).child("a", 2)}) == 2
    assert key != "a"
    assert repr(key).startswith("Key<e5c036dd>")
    assert repr(key).endswith("/'a'/1")


def test_a_number_and_its_digits_are_different_names() -> None:
    assert Key(7).child(3) != Key(7).child("3")
    assert Key(7).child("i3") != Key(7).child(3)
    number: Any = np.int64(3)
    assert Key(7).child(number) == Key(7).child(3)


def test_paths_do_not_run_into_each_other() -> None:
    assert Key(7).child("ab") != Key(7).child("a", "b")
    assert Key(7).child("a", "bc") != Key(7).child("ab", "c")
    assert Key(7).child(12) != Key(7).child(1, 2)
    assert Key(7).child() == Key(7)


def test_many_keys_share_no_address_and_no_numbers() -> None:
    keys = [Key(seed).child("lap", lap, member) for seed in range(10) for lap in range(10) for member in range(10)]
    assert len({key.bits for key in keys}) == 1000
    assert len({float(key.rng().random()) for key in keys}) == 1000
    # One pair of 1000 random words agrees in its first 32 bits with chance 1.2e-4.
    assert len({key.bits[:4] for key in keys}) == 1000


def test_seed_s_epoch_e_plus_1_is_not_seed_s_plus_1_epoch_e() -> None:
    for seed in range(50):
        for epoch in range(5):
            assert Key(seed).child("lap", epoch + 1) != Key(seed + 1).child("lap", epoch)


def test_rerooted_keeps_the_path() -> None:
    assert Key(1).child("a", 2).rerooted(9) == Key(9).child("a", 2)


def test_fresh_keys_differ() -> None:
    assert len({Key.fresh() for _ in range(100)}) == 100


# --- lanes --------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**70),
    start=st.integers(0, 2**40),
    cuts=st.lists(st.integers(0, 60), max_size=6).map(sorted),
)
def test_uniforms_do_not_depend_on_how_they_are_cut(seed: int, start: int, cuts: list[int]) -> None:
    lane = Key(seed).lane()
    whole = lane.uniforms(start, 60)
    edges = [0, *cuts, 60]
    parts = [lane.uniforms(start + lo, hi - lo) for lo, hi in pairwise(edges)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert ((whole >= 0) & (whole < 1)).all()


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8))
def test_a_lane_gives_the_same_at_an_index_in_any_order(indices: list[int]) -> None:
    lane = Key(3).lane()
    forward = [lane.at(i).random() for i in indices]
    backward = [lane.at(i).random() for i in reversed(indices)]
    assert forward == backward[::-1]
    assert forward == [Key(3).rng_at(i).random() for i in indices]


def test_what_was_drawn_before_leaves_nothing_in_a_lane() -> None:
    """32-bit draws keep half a word in the generator; a move has to drop it."""
    clean, used = Key(3).lane(), Key(3).lane()
    used.at(1).integers(0, 2**32, dtype=np.uint32)
    used.at(5).standard_normal(7)
    assert used.at(9).integers(0, 2**32, 3, dtype=np.uint32).tolist() == (
        clean.at(9).integers(0, 2**32, 3, dtype=np.uint32).tolist()
    )
    assert used.uniforms(0, 4).tolist() == clean.uniforms(0, 4).tolist()


def test_branches_and_indices_of_a_lane_are_apart() -> None:
    lane = Key(3).lane()
    found = {float(lane.at(i, branch).random()) for i in range(50) for branch in range(5)}
    assert len(found) == 250
    assert not found & set(lane.uniforms(0, 1000)[4:].tolist())


def test_a_lane_hands_out_one_generator() -> None:
    lane = Lane(Key(3))
    assert lane.at(1) is lane.at(2) is lane.rng


def test_a_generator_of_a_key_can_spawn() -> None:
    one, two = Key(3).rng().spawn(2)
    assert one.random() != two.random()


def test_uniforms_look_uniform() -> None:
    """64 cells, 2**16 numbers, 20 keys: the chance of a chi-square above 120 in any is below 1e-3 (63 degrees)."""
    for seed in range(20):
        counts = np.bincount((Key(seed).lane().uniforms(0, 2**16) * 64).astype(int), minlength=64)
        assert ((counts - 1024) ** 2 / 1024).sum() < 120


# --- seeds --------------------------------------------------------------------------------------


def test_every_kind_of_seed_is_accepted_and_means_one_thing() -> None:
    makes: list[Callable[[], Any]] = [
        lambda: 3,
        lambda: np.uint8(3),
        lambda: np.random.SeedSequence(3, spawn_key=(1,)),
        lambda: np.random.default_rng(3),
        lambda: np.random.RandomState(3),
        lambda: np.random.Generator(np.random.MT19937(3)),
    ]
    for make in makes:
        assert Key(make()) == Key(make())
    kinds: list[Any] = [3, np.random.SeedSequence(3), np.random.default_rng(3), np.random.RandomState(3)]
    assert len({Key(kind) for kind in kinds}) == 4
    assert Key(np.random.SeedSequence(np.int64(3))) == Key(np.random.SeedSequence(3))
    assert Key(np.random.SeedSequence(3).spawn(2)[0]) != Key(np.random.SeedSequence(3).spawn(2)[1])


def test_generators_are_read_and_not_advanced() -> None:
    generator, state = np.random.default_rng(3), np.random.RandomState(3)
    assert Key(generator) == Key(generator)
    assert Key(state) == Key(state)
    assert generator.random() == np.random.default_rng(3).random()
    assert state.rand() == np.random.RandomState(3).rand()
    assert Key(generator) != Key(np.random.default_rng(3)), "one that has moved is another seed"


def test_the_global_state_is_neither_read_nor_moved() -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].copy()  # type: ignore[index,union-attr,unused-ignore]
    Key.fresh().rng().random()
    Key(1).lane().uniforms(0, 10)
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index,unused-ignore]


@pytest.mark.parametrize("seed", [None, 1.0, "3", True, np.bool_(1), np.random, [1], np.array([1, 2])], ids=repr)
def test_what_is_no_seed_is_refused(seed: object) -> None:
    with pytest.raises(StreamConfigError, match=r"a seed got .* wanted an integer"):
        seed_integer(seed)  # type: ignore[arg-type]
