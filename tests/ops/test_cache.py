"""The cache of items that come again."""

from __future__ import annotations

from collections import Counter
from math import inf, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.testing import counted


@given(
    n=st.integers(0, 60), n_cache=st.integers(1, 70), prob=st.sampled_from([0.1, 0.5, 1.0]), seed=st.integers(0, 10**6)
)
def test_items_come_again_and_none_is_left_out(n: int, n_cache: int, prob: float, seed: int) -> None:
    stream: Any = hr.Streamer(range(n)) | hr.cache(n_cache, prob, seed=seed)
    made = list(stream)
    assert made[:n_cache] == list(range(min(n, n_cache)))
    assert list(dict.fromkeys(made)) == list(range(n)), "every item, in order, when it first comes"
    if prob == 1 or n_cache >= n:
        assert made == list(range(n))
        assert len(stream) == n


def test_new_items_come_with_the_probability_asked_for() -> None:
    # Steps after the first 20 until item 2000 are negative binomial: 6 sigma, false alarm 2 in 10**9 for each.
    for prob in (0.2, 0.5, 0.9):
        made: Any = list(hr.Streamer(range(2020)) | hr.cache(20, prob, seed=11))
        steps = len(made) - 20
        assert abs(steps - 2001 / prob) < 6 * sqrt(2001 * (1 - prob)) / prob + 1


def test_every_place_has_the_same_chance() -> None:
    # With prob this small nothing is renewed soon: the 10 places are hit uniformly, chi-square of 9 degrees of
    # freedom over 5000 steps: above 50 by chance once in 10**7.
    cursor: Any = (hr.Streamer(range(100)) | hr.cache(10, 1e-9, seed=5)).open()
    cursor.skip(10)
    hits = Counter(cursor.take(5000))
    assert sum((hits[i] - 500) ** 2 / 500 for i in range(10)) < 50


def test_an_item_that_was_replaced_never_comes_again() -> None:
    made: Any = list(hr.Streamer(range(400)) | hr.cache(3, 0.3, seed=2))
    first = {item: i for i, item in reversed(list(enumerate(made)))}
    last = {item: i for i, item in enumerate(made)}
    for i in range(len(made)):
        waiting = [
            item for item in range(made[i] - 60, made[i] + 60) if first.get(item, i + 1) <= i < last.get(item, 0)
        ]
        assert len(waiting) <= 3, "there are three places"


def test_it_ends_when_a_new_item_is_wanted_and_draws_no_more_than_wanted() -> None:
    source = counted(range(100))
    cursor = (source | hr.cache(10, 0.5, seed=1)).open()
    cursor.take(10)
    assert source.drawn == 10
    made = cursor.take(50)
    assert source.drawn <= max(made) + 2  # one in reserve, to know that the source goes on
    assert (hr.Streamer(range(3)) | hr.repeat() | hr.cache(2)).size == inf


def test_what_a_consumer_does_to_an_item_does_not_come_again() -> None:
    items: list[Any] = [{"X": np.arange(3), "tags": ["a"], "inner": {"Z": np.ones(1)}} for _ in range(4)]
    stream: Any = items | hr.cache(2, 0.2, seed=1)
    for item in stream:
        assert item["X"].tolist() == [0, 1, 2]
        assert item["tags"] == ["a"]
        assert list(item["inner"]) == ["Z"]
        with pytest.raises(ValueError, match="read-only"):
            item["X"] += 1
        item["tags"].append("b")
        item["inner"]["more"] = 1
        item.clear()
    assert [item["X"].flags.writeable for item in items] == [True] * 4, "the caller's own are left as they are"


def test_batches_stay_batches() -> None:
    made = list([{"X": i} for i in range(12)] | hr.batch(2) | hr.cache(2, 0.5, seed=1))
    assert {type(b) for b in made} == {hr.Batch}


@pytest.mark.parametrize("arguments", [(0,), (2.5,), (3, 0), (3, 1.1), (3, -0.5), (3, "x"), (3, float("nan"))])
def test_arguments_are_checked_at_once(arguments: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match="cache"):
        hr.cache(*arguments)
