"""Sliding windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.core import same
from headrace.testing import counted


@given(size=st.integers(0, 25), n=st.integers(1, 7), step=st.integers(1, 9))
def test_windows_are_slices(size: int, n: int, step: int) -> None:
    X = np.arange(3.0 * size).reshape(size, 3)
    stream = hr.Streamer([{"X": x, "i": i} for i, x in enumerate(X)]) | hr.window(n, step)
    made = list(stream)
    expected = [{"X": X[a : a + n], "i": np.arange(a, a + n)} for a in range(0, size - n + 1, step)]
    assert len(made) == len(expected) == len(stream)
    assert all(map(same, made, expected))


def test_it_draws_no_more_than_its_windows_need() -> None:
    source = counted(range(100))
    cursor = (source | hr.window(3, 10)).open()
    cursor.take(2)
    assert source.drawn == 13


def test_a_window_that_does_not_stack_costs_only_the_windows_it_is_in() -> None:
    items: list[Any] = [np.zeros(2), np.zeros(2), np.zeros(5), np.ones(2), np.ones(2)]
    cursor = (items | hr.window(2)).open()
    assert next(cursor).shape == (2, 2)
    for _ in range(2):
        with pytest.raises(hr.DataError, match=r"window\(2\) cannot stack"):
            next(cursor)
        cursor.skip()
    assert next(cursor).tolist() == [[1, 1], [1, 1]]
    assert [len(w) for w in items | hr.window(2, ragged="list")] == [2, 2, 2, 2]


def test_windows_are_no_views_of_each_other() -> None:
    first, second = [np.zeros(1), np.zeros(1), np.zeros(1)] | hr.window(2)
    first += 1
    assert second.tolist() == [[0], [0]]


@pytest.mark.parametrize("arguments", [{"n": 0}, {"n": 2, "step": 0}, {"n": 2.5}, {"n": 2, "ragged": "pad"}])
def test_arguments_are_checked_at_once(arguments: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"window\("):
        hr.window(**arguments)
