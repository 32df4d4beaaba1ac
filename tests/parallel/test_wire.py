"""Items as messages and back: exactly, or refused by name."""

from __future__ import annotations

import pickle
import random
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings

from headrace import DataError
from headrace.core.items import leaves
from headrace.parallel.decode import decode
from headrace.parallel.dtypes import WireError
from headrace.parallel.encode import encode
from headrace.parallel.flatten import LIMITS, Flattener
from headrace.parallel.header import FRAMES, OWN
from headrace.testing import strategies as some
from parallel.wired import ALIGNED, ITEMS, check_alike, sent
from support.counts import heavy

Point = namedtuple("Point", "x y")


@dataclass
class Pair:
    a: Any
    b: Any


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_what_can_be_sent_arrives_as_it_was(item: Any) -> None:
    (found,) = sent([item])
    check_alike(item, found)
    if isinstance(item, np.ndarray) and item.flags.f_contiguous:
        assert found.flags.f_contiguous
    for one in sent([item] * 3):  # as columns
        check_alike(item, one)


def test_flags_of_a_dtype_arrive() -> None:
    (found,) = sent([np.zeros(2, ALIGNED)])
    assert found.dtype.isalignedstruct
    assert found.dtype.fields["b"][1] == 8


def test_items_of_all_kinds_share_a_message() -> None:
    chance = random.Random(3)
    for _ in range(heavy(2000)):
        items = chance.choices(list(ITEMS.values()), k=chance.randrange(1, 12))
        found = sent(items)
        assert len(found) == len(items)
        for a, b in zip(items, found, strict=True):
            check_alike(a, b)


@settings(max_examples=heavy(10_000))
@given(item=some.items())
@example(item={"a": np.zeros((0, 2), "U1"), "b": np.array("x")})
def test_any_item_arrives_as_it_was(item: Any) -> None:
    try:
        found = sent([item, item])
    except DataError:
        assert any("\ud800" <= c <= "\udfff" for path, _ in leaves(item) for c in path), "only such names are refused"
        return
    for one in found:
        check_alike(item, one)


def test_equal_plans_are_told_apart() -> None:
    """numpy says that np.dtype('int64') == 'int', and Python that True == 1."""
    items = [
        np.int64(1),
        1,
        True,
        1.0,
        np.float64(1),
        np.array(1),
        (1,),
        [1],
        {0: 1},
        (),
        {},
        [],
        None,
        "none",
        np.str_(""),
    ]
    for a, b in zip(items, sent(items), strict=True):
        check_alike(a, b)


def test_a_memory_map_arrives_as_an_array(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "x", "<i4", "w+", shape=(3,))
    (found,) = sent([mapped])
    assert type(found) is np.ndarray
    assert found.tolist() == [0, 0, 0]
    del mapped


def test_any_mapping_arrives_as_a_dict() -> None:
    assert sent([OrderedDict(b=1, a=2)]) == [{"b": 1, "a": 2}]


REFUSED: dict[str, tuple[Any, str]] = {
    "object": ({"X": {"y": object()}}, "field 'X.y': it is an object"),
    "object array": ((1, {"X": np.array([None])}), "field '1.X': it is an array of dtype object: it holds Python objects"),
    "objects in a structure": ({"X": np.zeros(2, [("a", "O")])}, "field 'X'"),
    "masked": ({"X": np.ma.masked_array([1, 2], [False, True])}, "field 'X': it is a masked array"),
    "matrix": ({"X": np.zeros(2).view(np.recarray)}, "field 'X': it is a recarray"),
    "titles": ({"X": np.zeros(2, [((7, "a"), "i4")])}, "titles that are no texts"),
    "record": ({"X": np.zeros(2, np.dtype((np.record, [("a", "i4")])))}, "other programs do not know"),
    "set": ({"X": {1}}, "field 'X': it is a set"),
    "named tuple": ({"p": Point(1, 2)}, "field 'p': it is a Point, a class that the other side does not know"),
    "dataclass": ({"p": Pair(1, 2)}, "field 'p': it is a Pair"),
    "enum": ({"c": Colour.RED}, "field 'c': it is a Colour"),
    "bytearray": ({"c": bytearray(3)}, "field 'c': it is a bytearray"),
    "name": ({"a": {(1, 2): 3}}, "field 'a': it has names"),
    "bool name": ({True: 3}, "the item: it has names"),
    "large name": ({2**63: 3}, "the item: it has names"),
    "name that is no text": ({"\ud800": 3}, "the item: it has names"),
    "function": (len, "the item: it is a builtin_function_or_method"),
    "in a list": ({"a": [1, [object()]]}, "field 'a.1.0'"),
    "long list": ({"a": [1.0] * (LIMITS.parts + 1)}, "field 'a': it is a list of 262145"),
    "long tuple": ({"a": tuple(range(100_000))}, "the item: it has more parts"),
    "long names": ({"a" * (1 << 20): 1}, "the item: it has more parts and names"),
}  # fmt: skip


def deep(n: int) -> Any:
    item: Any = 1
    for _ in range(n):
        item = (item,)
    return item


@pytest.mark.parametrize(("item", "message"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused_by_name(item: Any, message: str) -> None:
    with pytest.raises(DataError, match="serve cannot send") as caught:
        Flattener()(item)
    assert message in str(caught.value)
    assert "wanted arrays" in str(caught.value)
    assert "\n  Map it to arrays" in str(caught.value)


def test_depth_is_bounded_and_what_is_sent_can_be_read() -> None:
    assert sent([deep(LIMITS.depth)]) == [deep(LIMITS.depth)]
    with pytest.raises(DataError, match="deeper"):
        Flattener()(deep(LIMITS.depth + 1))
    with pytest.raises(DataError, match="deeper"):
        Flattener()(deep(100_000))


def test_a_large_item_is_refused_before_it_is_copied() -> None:
    with pytest.raises(DataError, match="Cut it into several"):
        Flattener()(np.broadcast_to(np.zeros(1), (1 << 27,)))


def test_many_parts_take_several_messages() -> None:
    item = {str(k): k for k in range(1000)}
    flat = [Flattener()(item)] * 1000
    _, n = encode(flat)
    assert 0 < n < 1000
    assert sent([item] * 600) == [item] * 600
    ragged = [{f"{k}:{j}": j for j in range(100)} for k in range(600)]  # a plan each: a long header
    assert sent(ragged) == ragged


def test_more_large_leaves_than_frames() -> None:
    item = tuple(np.full(OWN, k % 251, np.uint8) for k in range(FRAMES + 3))
    (found,) = sent([item])
    check_alike(item, found)


# --- never a pickle -----------------------------------------------------------------------------


def test_nothing_is_unpickled() -> None:
    frames, _ = encode([Flattener()({"y": pickle.dumps({1})})])
    header = msgspec.msgpack.decode(frames[0])
    with pytest.raises(WireError, match="no header that can be read"):
        decode([msgspec.msgpack.encode(renamed(header, "bytes", "pickle")), *frames[1:]])
    assert renamed(header, "bytes", "bytes") == header != renamed(header, "bytes", "pickle")


def renamed(value: Any, old: str, new: str) -> Any:
    """A decoded header with one kind of leaf by another name."""
    if isinstance(value, list):
        return [renamed(part, old, new) for part in value]
    return new if value == old else value


# --- memory -------------------------------------------------------------------------------------


def test_large_arrays_are_views_of_what_came_and_small_ones_are_aligned() -> None:
    frames, _ = encode([Flattener()({"X": np.arange(OWN // 4), "y": np.arange(3.0)})])
    came = [bytearray(frame) for frame in frames]
    (item,) = decode(came)
    came[2][0] = 7
    assert item["X"][0] == 7
    shifted = [np.frombuffer(bytearray(b"x" + bytes(frame)), np.uint8)[1:] for frame in frames]
    (item,) = decode(shifted)
    assert item["X"].flags.aligned
    assert item["X"].tolist() == list(range(OWN // 4))


def test_contiguous_arrays_are_not_copied_to_be_sent() -> None:
    X = np.zeros(OWN)
    frames, _ = encode([Flattener()({"X": X})])
    assert np.shares_memory(frames[2], X)


def test_what_pads_a_structure_is_not_read_from_memory() -> None:
    (frame,) = encode([Flattener()(np.ones(8, ALIGNED)[::2])])[0][1:]
    assert bytes(frame[1:8]) == bytes(7)
