"""The windowed shuffle."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.testing import counted


@given(n=st.integers(0, 60), buffer=st.integers(1, 70), seed=st.integers(0, 10**6))
def test_every_item_comes_once_and_none_too_early(n: int, buffer: int, seed: int) -> None:
    mixed: Any = list(hr.Streamer(range(n)) | hr.shuffle(buffer, seed=seed))
    assert sorted(mixed) == list(range(n))
    assert all(i < place + buffer for place, i in enumerate(mixed))
    if buffer == 1:
        assert mixed == list(range(n))


def test_a_buffer_that_holds_all_permutes_uniformly() -> None:
    # Chi-square over the 24 orders of 4 items, 7200 keys: above 73 by chance once in 10**6.
    stream: Any = hr.Streamer(range(4)) | hr.shuffle(4)
    runs = 7200
    seen = Counter(tuple(stream.open(hr.Key(seed))) for seed in range(runs))
    expected = runs / 24
    assert sum((seen[order] - expected) ** 2 / expected for order in permutations(range(4))) < 73


def test_each_step_picks_any_place_of_the_buffer() -> None:
    # Item 0 waits a geometric time in a buffer of 5: P(given at step k) = 0.2 * 0.8**k. Twelve cells over 6000 keys,
    # chi-square with 12 degrees of freedom: above 53 by chance once in 3 * 10**6.
    stream: Any = hr.Streamer(range(30)) | hr.shuffle(5)
    runs, cells = 6000, 12
    waits = Counter(min(list(stream.open(hr.Key(seed))).index(0), cells) for seed in range(runs))
    chances = [0.2 * 0.8**k for k in range(cells)] + [0.8**cells]
    assert sum((waits[k] - runs * p) ** 2 / (runs * p) for k, p in enumerate(chances)) < 53


def test_it_draws_as_much_as_the_buffer_holds() -> None:
    source = counted(range(100))
    cursor = (source | hr.shuffle(10)).open()
    assert source.drawn == 0
    cursor.take(1)
    assert source.drawn == 10
    cursor.take(5)
    assert source.drawn == 15
    assert len(cursor.state()["at"]["held"]) == 9


def test_laps_and_keys_differ_and_seeds_repeat() -> None:
    stream: Any = hr.Streamer(range(30)) | hr.shuffle(30)
    assert list(stream.seeded(3)) == list(hr.Streamer(range(30)) | hr.shuffle(30, seed=3))
    assert list(stream.seeded(3)) != list(stream.seeded(4))
    assert list(stream) != list(stream)
    laps = list((stream | hr.repeat(2)).seeded(3))
    assert laps[:30] != laps[30:]


@pytest.mark.parametrize(
    "seed", [7, np.int64(7), np.random.SeedSequence(7), np.random.default_rng(7), np.random.RandomState(7)]
)
def test_any_seed(seed: Any) -> None:
    a: Any = hr.Streamer(range(30)) | hr.shuffle(10, seed=seed)
    b: Any = hr.Streamer(range(30)) | hr.shuffle(10, random_state=seed)
    assert a == b
    assert list(a) == list(b)


def test_opaque_items_wait_in_the_state_as_they_are() -> None:
    things = [object() for _ in range(9)]
    stream: Any = hr.Streamer(things) | hr.shuffle(4, seed=1)
    cursor = stream.open()
    first = cursor.take(3)
    rest = stream.open(at=cursor.state()).take(9)
    assert set(map(id, first + rest)) == set(map(id, things))


def test_arguments_are_checked_at_once() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"shuffle\(buffer\) got 0"):
        hr.shuffle(0)
    with pytest.raises(hr.StreamConfigError, match="a seed got 'x'"):
        hr.shuffle(3, seed="x")  # type: ignore[arg-type]
    with pytest.raises(hr.StreamConfigError, match="seed= and random_state="):
        hr.shuffle(3, seed=1, random_state=1)
