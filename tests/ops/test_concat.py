"""Streams one after another."""

from __future__ import annotations

from itertools import chain
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.testing import flaky


def draw(rng: Any) -> float:
    return float(rng.random())


def draws(n: int) -> hr.Stream[Any]:
    return hr.functional(draw) | hr.take(n)


@given(sizes=st.lists(st.integers(0, 5), max_size=6))
def test_it_is_a_chain(sizes: list[int]) -> None:
    sources = [range(10 * k, 10 * k + size) for k, size in enumerate(sizes)]
    stream = hr.concat(*sources)
    assert list(stream) == list(chain(*sources))
    assert len(stream) == sum(sizes)


def test_one_is_open_at_a_time() -> None:
    log: list[str] = []

    @hr.streamable
    def source(name: str) -> Any:
        log.append(f"open {name}")
        try:
            yield name
        finally:
            log.append(f"close {name}")

    stream = hr.concat(source("a"), source("b"), source("c"))
    with stream.open() as cursor:
        assert cursor.take(2) == ["a", "b"]
        assert log == ["open a", "close a", "open b"]
    assert log[-1] == "close b"


def test_numbers_depend_on_the_place_only() -> None:
    key = hr.Key(3)
    both = list(hr.concat(draws(3), draws(3)).open(key))
    assert both[:3] != both[3:]
    assert list(hr.concat(draws(3), draws(3), draws(3)).open(key))[:6] == both


def test_parts_hold_every_stream_once_with_its_own_numbers() -> None:
    stream = hr.concat(*[draws(k + 1) for k in range(5)])
    key = hr.Key(3)
    whole = list(stream.open(key))
    parts = [list(stream.shard(i, 2).open(key)) for i in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    nested = [list(stream.shard(0, 2).shard(i, 3).open(key)) for i in range(3)]
    assert sorted(chain(*nested)) == sorted(parts[0])
    with pytest.raises(hr.StreamConfigError, match="too few"):
        hr.concat("ab", range(3)).shard(0, 3)


def test_an_error_names_the_stream() -> None:
    with pytest.raises(RuntimeError) as error:
        list(hr.concat("ab", flaky("cd", at=1)))
    assert "root/concat[1]/" in error.value.__notes__[0]


def test_sizes() -> None:
    endless: Any = hr.Streamer("ab") | hr.repeat()
    unknown: Any = hr.Streamer("ab") | hr.filter(bool)
    assert hr.concat("ab", endless, unknown).size == inf
    assert hr.concat("ab", unknown).size is None
    assert list(hr.concat()) == []
