"""Numbers that could have come out alike, and questions that could have met: laps of laps, granules, nested asks, far ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same


def drawn(rng: np.random.Generator) -> float:
    return float(rng.random())


def nothing(item: Any) -> Any:
    return item


def numbered(i: int) -> int:
    return i


@pytest.mark.parametrize(
    "inside",
    [
        hr.functional(drawn) | hr.take(5) | hr.repeat() | hr.take(12),
        hr.zip(hr.functional(drawn) | hr.take(5) | hr.repeat(), hr.source(range(12))) | hr.map(lambda pair: pair[0]),
    ],
)
def test_laps_of_laps_share_no_numbers(inside: Any) -> None:
    found = list((inside | hr.repeat()).seeded(7)(48))
    assert len(set(found)) == 48


def test_members_that_end_draw_anew_in_every_lap_of_laps() -> None:
    member = hr.functional(drawn) | hr.take(3) | hr.repeat() | hr.take(7)
    found = hr.mix([member], seed=3)[0:70]
    assert len(set(found.tolist())) == 70


def test_scattered_items_of_granules_that_do_not_merge() -> None:
    words = hr.functional(lambda i, rng: np.array([str(k) for k in i]), batched=True).seeded(1)
    assert words[[5, 20_000, 6]].tolist() == ["5", "20000", "6"]
    lists = hr.functional(lambda i, rng: [int(k) for k in i], batched=True).seeded(1)
    assert lists[[5, 2000]].tolist() == [5, 2000]


@pytest.mark.parametrize("more", [hr.take(40), hr.permute()])
def test_batches_of_objects_are_the_same_however_they_are_asked_for(more: Any) -> None:
    column = np.empty(40, object)
    column[:] = [13.5 if i == 13 else i for i in range(40)]
    stream = (hr.source({"a": column}) | more | hr.batch(2)).seeded(3)
    assert all(same(batch, stream[i]) for i, batch in enumerate(stream))


def test_a_function_may_ask_for_other_items_of_its_own_stream() -> None:
    def walk(i: int, rng: np.random.Generator) -> float:
        before = stream[i - 1] if i % 5 else 0.0
        return float(before + rng.normal())

    stream: Any = hr.functional(walk).seeded(3)
    assert [stream[i] for i in range(10)] == list(stream(10))


def test_far_ends_are_refused_not_wrapped() -> None:
    endless = hr.functional(numbered)
    assert endless[2**62 - 1] == 2**62 - 1
    part = endless.shard(3, 4)
    assert part[2**60 - 1] == 2**62 - 1
    for stream, i in ((endless, 2**62), (part, 2**60), (endless | hr.batch(4), 2**60)):
        for ask in (i, [i], slice(i, i + 2)):
            with pytest.raises(hr.AddressError):
                stream[ask]
    with pytest.raises(hr.AddressError):
        endless[np.array([2**63 + 1], np.uint64)]


def test_a_state_knows_what_nodes_a_thousand_members_consist_of() -> None:
    members = [hr.source(np.arange(10) + 100 * k) for k in range(40)]
    other: list[Any] = list(members)
    other[1] = members[1] | hr.map(nothing)
    with hr.mix(members, seed=1).open() as cursor:
        cursor.take(3)
        state = cursor.state()
    assert hr.mix(list(members), seed=1).open(at=state).position == 3
    for changed in (other, members[:-1]):
        with pytest.raises(hr.StateMismatchError):
            hr.mix(changed, seed=1).open(at=state)


def test_a_file_without_rows_is_an_empty_member(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("x\n")
    (tmp_path / "full.csv").write_text("x\n1\n2\n")
    both = hr.mix([hr.source(tmp_path / name) for name in ("empty.csv", "full.csv")], seed=1)
    assert [int(row["x"]) for row in both(4)] == [1, 2, 1, 2]
    assert both[3] == {"x": 2}


@pytest.mark.parametrize("place", [-5, 1.5, None, True])
def test_a_place_that_is_none_is_refused(place: Any) -> None:
    stream = hr.mix([range(5)], seed=1)
    with stream.open() as cursor:
        state = cursor.state()
    with pytest.raises(hr.StateMismatchError):
        stream.open(at={**state, "at": place})


def test_a_batched_function_that_gives_other_rows_is_told_in_a_loop_as_in_a_slice() -> None:
    stream = hr.source(np.arange(5)) | hr.map(lambda column: column[:1], batched=True)
    for ask in (lambda: list(stream), lambda: stream[0:4]):
        with pytest.raises(hr.DataError, match="wanted"):
            ask()


@pytest.mark.parametrize("part", [("0", 2), (True, 2), (0, 2.0)])
def test_parts_have_whole_numbers(part: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match="wanted whole numbers"):
        hr.source([1]).shard(*part)
