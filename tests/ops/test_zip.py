"""Streams side by side."""

from __future__ import annotations

import builtins
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.testing import counted, flaky


def draw(rng: Any) -> float:
    return float(rng.random())


@given(sizes=st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_it_is_the_builtin_zip(sizes: list[int]) -> None:
    sources = [range(10 * k, 10 * k + size) for k, size in enumerate(sizes)]
    expected = list(builtins.zip(*sources, strict=False))
    stream = hr.zip(*sources)
    assert list(stream) == expected
    assert len(stream) == len(expected)
    named = hr.zip({f"s{k}": source for k, source in enumerate(sources)})
    assert list(named) == [{f"s{k}": value for k, value in enumerate(row)} for row in expected]


def test_what_was_drawn_for_an_item_that_never_came_is_in_the_state() -> None:
    cursor = hr.zip("abc", range(2)).open()
    assert list(cursor) == [("a", 0), ("b", 1)]
    assert cursor.state()["at"]["held"] == ["c"]
    assert list(cursor) == []
    assert cursor.state()["at"]["held"] == ["c"]


def test_an_error_keeps_what_the_others_gave() -> None:
    first = counted("abcd")
    cursor = hr.zip(first, flaky(range(4), at=1, times=2), "wxyz").open()
    assert next(cursor) == ("a", 0, "w")
    for _ in range(2):
        with pytest.raises(RuntimeError) as error:
            next(cursor)
        assert "root/zip[1]/" in error.value.__notes__[0]
        assert cursor.state()["at"]["held"] == ["b"]
    assert list(cursor) == [("b", 1, "x"), ("c", 2, "y"), ("d", 3, "z")]
    assert first.drawn == 4


def test_a_sibling_changes_nobodys_numbers() -> None:
    one = hr.functional(draw) | hr.take(5)
    key = hr.Key(3)
    alone = [row[0] for row in hr.zip(one).open(key)]
    assert [row[0] for row in hr.zip(one, one).open(key)] == alone
    assert all(a != b for a, b in hr.zip(one, one).open(key))
    named = [row["a"] for row in hr.zip({"a": one}).open(key)]
    assert [row["a"] for row in hr.zip({"b": one, "a": one}).open(key)] == named


def test_all_of_them_are_closed() -> None:
    closed = []

    @hr.streamable
    def source(name: str) -> Any:
        try:
            while True:
                yield name
        finally:
            closed.append(name)

    with hr.zip(source("a"), source("b"), source("c")).open() as cursor:
        next(cursor)
    assert closed.count("a") == closed.count("b") == closed.count("c") == 1


def test_sizes_names_and_what_cannot_work() -> None:
    assert hr.zip("ab", hr.Streamer("abc") | hr.repeat()).size == 2
    assert (hr.zip(hr.Streamer("abc") | hr.repeat())).size == inf
    unknown: Any = hr.Streamer("abc") | hr.filter(bool)
    assert hr.zip(unknown, "abc").size is None
    assert hr.zip(unknown, "").size == 0
    assert "['left']" in str(hr.zip({"left": "ab", "right": "cd"}))
    with pytest.raises(hr.StreamConfigError, match="zip got no streams"):
        hr.zip()
    with pytest.raises(hr.StreamConfigError, match="name of a stream"):
        hr.zip({(1, 2): "ab"})
    with pytest.raises(hr.StreamConfigError, match="cannot be divided"):
        hr.zip("ab", "cd").shard(0, 2)
