"""What is written once on top of open: iterate, cycle, call, len, seeds, the pipe."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.testing import counted


def drawn(*, rng: np.random.Generator) -> Iterator[float]:
    for _ in range(4):
        yield float(rng.random())


def counting(n: int) -> Iterator[int]:
    yield from range(n)


@pytest.mark.parametrize(("limit", "n"), [(None, 5), (3, 3), (0, 0), (-2, 0), (2.5, 3), (1e2, 5), (math.inf, 5)])
def test_iterate_gives_at_most_what_was_asked(limit: float | None, n: int) -> None:
    source = counted(range(5))
    assert list(source.iterate(limit)) == list(range(n))
    assert source.drawn == n
    assert list(source(limit)) == list(range(n))


def test_cycle_goes_round_and_counts_over_laps() -> None:
    assert list(hr.Streamer(counting, 3).cycle(7)) == [0, 1, 2, 0, 1, 2, 0]
    assert list(hr.Streamer(counting, 3)(7, cycle=True)) == [0, 1, 2, 0, 1, 2, 0]
    assert list(hr.Streamer(counting, 3).cycle(0)) == []
    source = counted(range(3))
    assert len(list(source.cycle(7))) == 7
    assert source.drawn == 7


def test_cycling_over_nothing_ends() -> None:
    assert list(hr.Streamer(counting, 0).cycle()) == []


def test_laps_have_numbers_of_their_own_and_repeat_with_the_seed() -> None:
    stream = hr.Streamer(drawn).seeded(7)
    laps = list(stream.cycle(12))
    assert len(set(laps)) == 12
    assert laps == list(stream.cycle(12))
    assert laps != list(stream.seeded(8).cycle(12))


def test_nothing_happens_until_the_first_item() -> None:
    started: list[int] = []

    def source() -> Iterator[int]:
        started.append(1)
        yield 1

    stream = hr.Streamer(source) | hr.map(int) | hr.batch(2)
    iterator, cursor = stream.iterate(), stream.open()
    assert started == []
    next(iterator)
    next(cursor)
    assert started == [1, 1]


def test_active_counts_running_iterations() -> None:
    stream = hr.Streamer(counting, 9)
    one, two = stream.iterate(5), stream.cycle(7)
    assert stream.active == 0
    next(one), next(two)
    assert stream.active == 2
    list(one)
    assert stream.active == 1
    two.close()  # type: ignore[attr-defined]
    assert stream.active == 0

    def fails() -> Iterator[int]:
        yield 1
        raise OSError

    broken = hr.Streamer(fails)
    with pytest.raises(OSError):
        list(broken)
    assert broken.active == 0


def test_len_is_size_where_there_is_one() -> None:
    assert len(hr.Streamer(range(5))) == 5
    assert hr.Streamer(counting, 3)
    with pytest.raises(TypeError, match=r"streamer has no len\(\): its size is not known"):
        len(hr.Streamer(counting, 3))
    endless = hr.Streamer(hr.Streamer(range(2)), cycle=True)
    assert endless.size == math.inf
    with pytest.raises(TypeError, match="endless"):
        len(endless)


def test_an_unseeded_stream_never_repeats_and_a_seeded_one_does() -> None:
    stream = hr.Streamer(drawn)
    assert len({tuple(stream) for _ in range(20)}) == 20
    assert len({tuple(stream.seeded(3)) for _ in range(20)}) == 1
    assert list(stream.seeded(3)) == list(stream.open(hr.Key(3)))
    assert list(stream.seeded(np.int64(3))) == list(stream.seeded(3))
    assert stream.seed is None


def test_a_seed_inside_changes_the_root_and_keeps_the_path() -> None:
    seeded = hr.Streamer(drawn).seeded(3)
    key = hr.Key(99).child("a", 1)
    assert list(seeded.open(key)) == list(hr.Streamer(drawn).open(hr.Key(3).child("a", 1)))
    assert list(seeded.open(key)) != list(seeded.open(hr.Key(99).child("a", 2)))


def test_the_pipe_wants_an_op() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"wanted an op"):
        hr.Streamer("abc") | len  # type: ignore[operator]
    with pytest.raises(hr.StreamConfigError, match=r"Call it: batch"):
        hr.Streamer("abc") | hr.batch  # type: ignore[operator]  # the slip itself
    assert [list(b) for b in "abc" | hr.batch(2)] == [["a", "b"], ["c"]]


def test_open_at_a_position_or_a_state() -> None:
    stream = hr.Streamer(range(10)) | hr.map(float)
    assert next(stream.open(at=7)) == 7.0
    assert list(stream.open(at=70)) == []
    cursor = stream.open()
    cursor.take(4)
    assert next(stream.open(at=cursor.state())) == 4.0


def test_what_cannot_resume_says_so_before_it_is_asked_to() -> None:
    stream = hr.Streamer(iter(range(5))) | hr.batch(2)
    assert stream.resume == "none"
    with stream.open() as cursor:
        assert list(next(cursor)) == [0, 1]
        with pytest.raises(hr.ResumeError, match=r"batch cannot be saved or resumed, because of streamer\("):
            cursor.state()
    with pytest.raises(hr.ResumeError, match="can be run only once"):
        stream.open(at={"headrace": 1, "key": hr.Key(0).plain(), "at": {}})


def test_shards_want_a_part_that_exists() -> None:
    stream: Any = hr.Streamer(range(5))
    for i, n in [(2, 2), (-1, 2), (0, 0)]:
        with pytest.raises(hr.HeadraceError):
            stream.shard(i, n)
