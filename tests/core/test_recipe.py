"""Descriptions are values."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core.recipe import recipe


def double(i: int) -> int:
    return 2 * i


@recipe
class Waves(hr.Stream[Any]):
    shape: tuple[int, ...]
    gains: np.ndarray[Any, Any]
    inside: hr.Stream[Any] | None = None

    def __post_init__(self) -> None:
        self.fix(shape=tuple(self.shape))


def test_nothing_can_be_set() -> None:
    stream = hr.Streamer(range(3)) | hr.map(double)
    for name in ("source", "function", "seed", "anything"):
        with pytest.raises(FrozenInstanceError):
            setattr(stream, name, 1)
    with pytest.raises(FrozenInstanceError):
        Waves((1,), np.ones(2)).shape = (2,)  # type: ignore[misc]


def test_equal_parameters_make_equal_descriptions() -> None:
    one, two = Waves([1, 2], np.ones(3)), Waves((1, 2), np.ones(3))  # type: ignore[arg-type]
    assert one == two
    assert hash(one) == hash(two)
    assert one != Waves((1, 2), np.zeros(3))
    assert one != Waves((1, 2), np.ones(3, "f4"))
    assert one != one.seeded(1)
    assert one.seeded(1) == two.seeded(1)
    assert one != "waves"
    assert (hr.Streamer(range(3)) | hr.map(double)) == (hr.Streamer(range(3)) | hr.map(double))
    assert (hr.Streamer(range(3)) | hr.map(double)) != (hr.Streamer(range(4)) | hr.map(double))
    assert len({one, two, one.seeded(1)}) == 2


def test_caches_and_counts_stay_out_of_equality_and_pickles() -> None:
    stream = hr.Streamer(range(3)) | hr.map(double)
    plain = pickle.dumps(stream)
    stream.fingerprint, stream.stamp()
    iterator = stream.iterate()
    next(iterator)
    assert stream.active == 1
    assert pickle.dumps(stream) == plain
    assert pickle.loads(pickle.dumps(stream)) == stream
    assert pickle.loads(pickle.dumps(stream)).active == 0


def test_with_changes_a_copy() -> None:
    stream = Waves((1,), np.ones(2), hr.Streamer("ab"))
    twin = stream.with_(shape=(5,))
    assert twin.shape == (5,)
    assert stream.shape == (1,)
    assert twin.fingerprint != stream.fingerprint
    assert twin.children == stream.children == (hr.Streamer("ab"),)
    assert stream.params().keys() == {"shape", "gains", "inside"}


def test_an_array_of_the_callers_is_neither_copied_nor_changed() -> None:
    gains = np.ones(2)
    assert Waves((1,), gains).gains is gains


def test_different_descriptions_hash_differently() -> None:
    many = [hr.Streamer(range(i)) for i in range(300)]
    assert len({hash(stream) for stream in many}) == 300, "64-bit hashes: a false alarm once in 10**14 runs"
    assert len({*many, *(hr.Streamer(range(i)) for i in range(300))}) == 300
