"""A mix of lists in memory, whose items are found without asking each member: the very items, each its owner's."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.mux.shelf import MOST, NEAR, PAGE

FAR = NEAR + 3 * PAGE  # items of one member that alone do not stay in cache


def rows(n: int, k: int = 0) -> list[Any]:
    return [{"X": np.full(2, i), "Y": k, "i": i} for i in range(n)]


def mix_of(members: Any, weights: Any = None, seed: int = 7) -> Any:
    return hr.mix(members, weights, seed=seed)


class Dataset:
    """Items by number that are no list: who draws has to ask for each."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]


def asked(members: list[Any], weights: Any = None) -> Any:
    """The same mix of members that are asked for every item."""
    return mix_of(list(map(Dataset, members)), weights)


KINDS: dict[str, list[Any]] = {
    "dicts": [rows(70), rows(3, 1), rows(1, 2)],
    "with empty ones": [[], rows(5), [], [], rows(130, 1), []],
    "many dicts": [rows(FAR), rows(200, 1)],
    "many with other fields at last": [rows(FAR), [*rows(70, 1), {"X": 1}]],
    "many with fields in another order": [rows(FAR), [{"i": 1, "Y": 2, "X": 3}]],
    "many with lists inside": [rows(FAR), [{"X": [1, [2]], "Y": 0, "i": 0}]],
    "many without fields": [[{}] * FAR, rows(9)],
    "numbers and strings": [list(range(100)), ["a", "b"], [None, True, 1.5]],
    "tuples": [[(i, [i]) for i in range(90)], [(1, 2)]],
    "arrays": [[np.arange(3), np.arange(4)], [np.float32(2)], [[1, 2], [3]]],
    "tuple of dicts": [rows(9), [{"Z": (1, {"a": 2})}]],
}


@pytest.mark.parametrize("name", KINDS)
def test_items_are_those_of_members_that_are_asked(name: str) -> None:
    members = KINDS[name]
    mix, other = mix_of(members), asked(members)
    for at in (0, 5, 10**9):
        with mix.open(at=at) as cursor, other.open(at=at) as their:
            assert all(map(same, cursor.take(700), their.take(700)))
            assert cursor.position == their.position == at + 700
            assert same(next(cursor), mix[at + 700])
    assert all(same(mix[i], item) for i, item in zip(range(60), mix, strict=False))
    places = mix | hr.take(1000) | hr.permute()
    expected = other | hr.take(1000) | hr.permute()
    assert all(map(same, places.seeded(3)(300), expected.seeded(3)(300)))
    part, its = mix.shard(1, 3), other.shard(1, 3)
    assert all(map(same, part(300), its(300)))


def test_a_schedule_and_a_member_of_weight_zero() -> None:
    members = [rows(10), rows(7, 1), []]
    weights = hr.schedule({0: [1, 0, 5], 40: [0, 1, 1], 90: [1, 1, 0]})
    found = list(mix_of(members, weights)(200))
    assert all(map(same, found, asked(members, weights)(200)))
    assert {item["Y"] for item in found[:40]} == {0}
    assert {item["Y"] for item in found[40:90]} == {1}


@pytest.mark.parametrize("n", [5, FAR])
def test_what_is_done_to_an_item_changes_nothing(n: int) -> None:
    members = [[{"X": i, "tags": [i]} for i in range(3)], rows(n)]
    for kept in (members, members[1:]):  # with lists inside, and without
        mix = mix_of(kept, [9, 1] if len(kept) > 1 else None)
        before = [repr(item) for item in mix(200)]
        for item in mix(200):
            if "tags" in item:
                item["tags"].append("mine")
            item.clear()
        assert [repr(item) for item in mix(200)] == before
        with mix.open() as cursor:
            first = next(cursor)
            first["new"] = 1
            again = [repr(item) for item in cursor.take(199)]
        assert again == before[1:]
    assert all("new" not in item for item in members[1])


def test_no_copy_is_made_of_arrays() -> None:
    for n in (5, FAR):
        members = [rows(n)]
        arrays = {id(item["X"]) for item in members[0]}
        assert all(id(item["X"]) in arrays for item in mix_of(members)(50))


def test_a_loop_may_be_left_and_gone_on_with_at_any_item() -> None:
    mix = mix_of([rows(300), rows(5, 1), rows(FAR, 2)])
    expected = list(mix(900))
    with mix.open() as cursor:
        for k, item in enumerate(islice(cursor, 700)):
            assert same(item, expected[k])
            assert cursor.position == k + 1
        state = cursor.state()
        assert cursor.skip(50) == 50
        assert same(next(cursor), expected[750])
        cursor.restore(state)
        assert all(map(same, cursor.take(200), expected[700:]))


@pytest.mark.parametrize("n", [300, FAR])
def test_a_list_that_has_become_shorter_is_an_error_of_its_member(n: int) -> None:
    short = rows(n, 1)
    mix = mix_of({"a": rows(5), "b": short}, [1, 9])
    with mix.open() as cursor:
        cursor.take(30)
        del short[:]
        with pytest.raises(hr.DataError, match=f"list of {n} items that has 0 now") as caught:
            cursor.take(10 * n)
        assert any("mix['b']/sequence" in note for note in caught.value.__notes__)
    short.extend(rows(2 * n, 1))  # longer is no error: the mix has the items that it knew of
    with mix.open() as cursor:
        cursor.take(30)
        short.extend(rows(10, 1))
        assert all(item["i"] < 2 * n for item in cursor.take(500))


def test_more_items_than_have_room_are_asked_for() -> None:
    members = [[{"i": 0}] * MOST, [{"i": 1}]]
    found = list(mix_of(members)(100))
    assert {item["i"] for item in found} == {0, 1}
    found[0]["i"] = 5
    assert members[0][0] == {"i": 0}
    assert members[1][0] == {"i": 1}
