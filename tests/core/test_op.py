"""An op waits for its stream."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import headrace as hr


def double(i: int) -> int:
    return 2 * i


def test_ops_compose_before_there_is_a_stream() -> None:
    both = hr.map(double) | hr.take(3)
    assert list(range(9) | both) == [0, 2, 4]
    assert list(both(range(9))) == [0, 2, 4]
    assert list(hr.Streamer(range(9)) | both | hr.map(double)) == [0, 4, 8]
    left: Any = (hr.map(double) | hr.take(3)) | hr.skip(1)
    right: Any = hr.map(double) | (hr.take(3) | hr.skip(1))
    assert list(range(9) | left) == list(range(9) | right) == [2, 4]


def test_arguments_are_checked_at_once() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"batch\(n\) got 0"):
        hr.batch(0)


def test_an_op_prints_and_travels() -> None:
    both = hr.map(double) | hr.take(3)
    assert repr(both).endswith("take(3)")
    again = pickle.loads(pickle.dumps(both))
    assert (hr.Streamer(range(9)) | again) == (hr.Streamer(range(9)) | both)
