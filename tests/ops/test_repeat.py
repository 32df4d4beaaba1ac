"""Laps."""

from __future__ import annotations

from itertools import islice
from math import inf
from typing import Any

import pytest

import headrace as hr
from headrace.testing import flaky


def noisy(item: Any, rng: Any) -> Any:
    return item, float(rng.random())


@pytest.mark.parametrize("times", [0, 1, 3])
def test_laps_are_counted(times: int) -> None:
    stream: Any = hr.Streamer("abc") | hr.repeat(times)
    assert list(stream) == list("abc") * times
    assert len(stream) == 3 * times


def test_for_ever() -> None:
    stream: Any = hr.Streamer("abc") | hr.repeat()
    assert stream.size == inf
    assert list(islice(stream, 7)) == list("abcabca")
    assert (hr.Streamer("abc") | hr.filter(bool) | hr.repeat()).size is None


@pytest.mark.timeout(20)
def test_an_empty_lap_is_the_last() -> None:
    assert list(hr.Streamer("") | hr.repeat()) == []
    assert list(hr.Streamer("abc") | hr.filter(str.isupper) | hr.repeat()) == []
    assert list(iter("abc") | hr.repeat()) == list("abc"), "an iterator has one lap"
    assert list(hr.Streamer("") | hr.repeat() | hr.repeat() | hr.repeat(5)) == []


def test_laps_have_numbers_of_their_own_and_repeat_with_the_seed() -> None:
    stream = (hr.Streamer(range(4)) | hr.map(noisy) | hr.repeat(3)).seeded(3)
    made = list(stream)
    assert len({number for _, number in made}) == 12
    assert made == list(stream)
    key = hr.Key(3)
    laps = [list((hr.Streamer(range(4)) | hr.map(noisy)).open(key.child("lap", lap))) for lap in range(3)]
    assert made == [item for lap in laps for item in lap]


def test_an_item_that_fails_in_every_lap() -> None:
    with (flaky("abc", at=1, times=None) | hr.repeat(3)).open() as cursor:
        found: list[str] = []
        for _ in range(4):
            try:
                found.extend(cursor)
            except RuntimeError:
                cursor.skip()
        assert found == list("acacac")


def test_arguments_are_checked_at_once() -> None:
    for times in (-1, 1.5, "x"):
        with pytest.raises(hr.StreamConfigError, match=r"repeat\(times\)"):
            hr.repeat(times)  # type: ignore[arg-type]
