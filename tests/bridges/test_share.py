"""Which part of a stream a worker of a rank reads; needs no framework."""

from __future__ import annotations

import pytest

import headrace as hr
from bridges.pool import flat, ids, members, numbered, table
from headrace.bridges.share import Ranks, Share, behind, check_ranks, ranks
from headrace.core import Key


@pytest.fixture(autouse=True)
def _no_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


def test_ranks_are_as_given_or_those_of_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ranks(None, None, "x") == (0, 1)
    monkeypatch.setenv("RANK", "2")
    assert ranks(None, None, "x") == (0, 1), "half of it says nothing"
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert ranks(None, None, "x") == (2, 4)
    assert ranks(0, 1, "x") == (0, 1)


@pytest.mark.parametrize("wrong", [(1, None), (None, 2), (2, 2), (-1, 2), (0, 0), ("0", 1), (True, 2), (0.0, 1)])
def test_ranks_that_are_none_are_refused(wrong: tuple[object, object]) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"bridges\.x got rank="):
        ranks(*wrong, "bridges.x")


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("place", [0, 1, 7, 30, 59, 60])
def test_parts_from_any_place_are_the_rest_in_turn(world: int, workers: int, place: int) -> None:
    """Worker after worker, rank after rank: what a loader on each rank gives."""
    stream, of = numbered(), [Ranks(rank, world) for rank in range(world)]
    every = {}
    for rank in of:
        parts = []
        for worker in range(workers):
            _, cursor = Share(rank, worker, workers).at(stream, Key(7), place, "x")
            with cursor:
                parts.append(ids(cursor))
        longest = max(map(len, parts))
        mine = [part[row] for row in range(longest) for part in parts if row < len(part)]
        first = behind(place, rank)
        assert mine == ids(stream)[rank.rank :: world][first:]
        every[rank] = mine
    assert sorted(flat(every.values())) == sorted(ids(stream)[place:])


def test_a_stream_that_ranks_cannot_divide_says_why() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"world_size=5, and .* cannot be divided in 5 parts: .*4 members"):
        check_ranks(members(), Ranks(0, 5), "bridges.x")
    with pytest.raises(hr.StreamConfigError, match=r"without a seed for world_size=2, and map.jitter. draws"):
        check_ranks(numbered(seed=None), Ranks(0, 2), "bridges.x")
    check_ranks(table(), Ranks(0, 2), "bridges.x")
    check_ranks(numbered(seed=None), Ranks(0, 1), "bridges.x")
