from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import StreamConfigError


def noise(scale: float, *, rng: np.random.Generator) -> float:
    return float(rng.normal(scale=scale))


def numbered(i: int, rng: np.random.Generator) -> tuple[int, int]:
    return i, int(rng.integers(1 << 40))


def test_items_repeat_by_key_and_differ_by_key_and_number() -> None:
    stream = hr.functional(noise, 2.0)
    first = stream.open(hr.Key(1)).take(50)
    assert stream.open(hr.Key(1)).take(50) == first
    assert len(set(first)) == 50
    assert not set(stream.open(hr.Key(2)).take(50)) & set(first)


def test_an_item_does_not_depend_on_how_much_another_one_draws() -> None:
    def greedy(i: int, rng: np.random.Generator) -> float:
        rng.random(1000 if i % 2 else 1)
        return float(rng.random())

    def modest(i: int, rng: np.random.Generator) -> float:
        rng.random(1)
        return float(rng.random())

    a, b = (hr.functional(f).open(hr.Key(3)).take(20) for f in (greedy, modest))
    assert a[::2] == b[::2]
    assert a[1::2] != b[1::2]


def test_every_cut(cuts_change_nothing: Callable[..., list[Any]]) -> None:
    cuts_change_nothing(hr.functional(noise, 1.0, size=30), 30)


def test_the_billionth_item_without_those_before() -> None:
    calls = []

    def f(i: int, rng: np.random.Generator) -> tuple[int, float]:
        calls.append(i)
        return i, float(rng.random())

    stream = hr.functional(f)
    with stream.open(hr.Key(5)) as cursor:
        next(cursor)
        state = cursor.state()
    state["at"] = 10**9
    with stream.open(at=state) as cursor:
        found = next(cursor)
        assert cursor.position == 10**9 + 1
    assert found[0] == 10**9
    with stream.open(hr.Key(5), at=10**9) as cursor:
        assert next(cursor) == found
    assert calls == [0, 10**9, 10**9]


def test_size_limits_and_says_so() -> None:
    assert [i for i, _ in hr.functional(numbered, size=4)] == [0, 1, 2, 3]
    assert len(hr.functional(numbered, size=4)) == 4
    assert hr.functional(numbered).size == inf
    assert list(hr.functional(numbered, size=0)) == []
    with hr.functional(numbered, size=10).open() as cursor:
        assert cursor.skip(7) == 7
        assert cursor.skip(7) == 3
        assert cursor.take(1) == []


def test_only_the_names_left_open_are_filled() -> None:
    assert hr.functional(numbered, i=5, size=2).open(hr.Key(1)).take(9)[1][0] == 5
    own = np.random.default_rng(0)
    assert list(hr.functional(lambda rng: rng is own, rng=own, size=1)) == [True]
    assert list(hr.functional(partial(lambda x, i: x + i, 10), size=3)) == [10, 11, 12]
    assert list(hr.functional(lambda: "same", size=2)) == ["same", "same"]


def test_an_error_is_tried_again_and_passed() -> None:
    broken = {3}

    def f(i: int, rng: np.random.Generator) -> int:
        if i in broken:
            raise RuntimeError("no")
        return int(rng.integers(100))

    stream = hr.functional(f, size=6)
    with stream.open(hr.Key(1)) as cursor:
        with pytest.raises(RuntimeError, match="no") as caught:
            cursor.take(6)
        assert any("item 3 of root/functional" in note for note in caught.value.__notes__)
        with pytest.raises(RuntimeError):
            cursor.take(6)
        got = [next(cursor) for _ in range(3)]
        with pytest.raises(RuntimeError):
            next(cursor)
        assert cursor.skip() == 1
        got += cursor.take(9)
        broken.clear()
    whole = stream.open(hr.Key(1)).take(6)
    assert got == [*whole[:3], *whole[4:]]


def test_skip_after_an_error_passes_the_failed_item_and_then_as_many_more() -> None:
    def f(i: int) -> int:
        if i == 2:
            raise RuntimeError
        return i

    with hr.functional(f, size=10).open() as cursor:
        with pytest.raises(RuntimeError):
            cursor.take(5)
        assert cursor.skip(5) == 5  # 2 has failed; 0 and 1 were never given; 3 and 4 are jumped over
        assert next(cursor) == 5


def test_what_cannot_be_called_is_refused_at_once() -> None:
    def generator() -> Any:
        yield 1

    for bad, match in [(3, "wanted a function"), (generator, r"hr\.Streamer")]:
        with pytest.raises(StreamConfigError, match=match):
            hr.functional(bad)  # type: ignore[arg-type]
    with pytest.raises(StreamConfigError, match="missing a required argument: 'scale'"):
        hr.functional(noise)
    with pytest.raises(StreamConfigError, match="unexpected keyword argument 'sclae'"):
        hr.functional(noise, 1.0, sclae=2)
    for size in (-1, 2.5, "many"):
        with pytest.raises(StreamConfigError, match="size"):
            hr.functional(numbered, size=size)  # type: ignore[arg-type]


def test_pickle_and_fingerprint() -> None:
    stream = hr.functional(noise, 2.0, size=3)
    twin = pickle.loads(pickle.dumps(stream))
    assert twin == stream
    assert twin.fingerprint == stream.fingerprint != hr.functional(noise, 3.0, size=3).fingerprint
