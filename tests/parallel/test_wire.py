"""Items as messages and back: exactly, or refused by name; and whatever else comes is a clear error."""

from __future__ import annotations

import pickle
import random
import tracemalloc
from collections import OrderedDict, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings

from headrace import Batch, DataError
from headrace.core import same
from headrace.core.items import leaves
from headrace.parallel.dtypes import Fields, Flat, Part, Table, WireError, read
from headrace.parallel.flatten import LIMITS, Flattener, Limits
from headrace.parallel.wire import FRAMES, OWN, decode, encode
from headrace.testing import strategies as some
from support.counts import heavy

Point = namedtuple("Point", "x y")


@dataclass
class Pair:
    a: Any
    b: Any


class Colour(IntEnum):
    RED = 1


def sent(items: list[Any]) -> list[Any]:
    """The items as they come out at the other end, sent in as many messages as it takes."""
    flatten = Flattener()
    flat, found = [flatten(item) for item in items], []
    while flat:
        frames, n = encode(flat)
        found += decode([bytearray(frame) for frame in frames])
        flat = flat[n:]
    return found


def kinds(item: Any) -> Any:
    """What kind each part is: `same` takes every mapping for a dict."""
    if isinstance(item, dict):
        return type(item), [(type(name), kinds(part)) for name, part in item.items()]
    if isinstance(item, list | tuple):
        return type(item), [kinds(part) for part in item]
    return type(item), getattr(item, "dtype", None), getattr(item, "shape", None)


def check_alike(a: Any, b: Any) -> None:
    assert same(a, b)
    assert kinds(a) == kinds(b)
    for _, leaf in leaves(b):
        if isinstance(leaf, np.ndarray):
            assert leaf.flags.writeable
            assert leaf.flags.aligned


STRUCTURE = np.dtype([("a", "<i2"), ("b", [("c", ">f4", (2, 2)), ("d", "S3")]), ("e", "<U2"), ("f", "M8[25us]")])
PADDED = np.dtype({"names": ["b", "a"], "formats": ["<i4", "u1"], "offsets": [8, 1], "itemsize": 16})
ALIGNED = np.dtype([("a", "u1"), ("b", "<f8")], align=True)

ITEMS: dict[str, Any] = {
    "C": np.arange(6.0).reshape(2, 3),
    "Fortran": np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
    "strided": np.arange(20)[::3],
    "backwards": np.arange(20)[::-2],
    "a column": np.arange(20).reshape(4, 5)[:, 1],
    "broadcast": np.broadcast_to(np.float32(3), (3, 2)),
    "0-d": np.array(5),
    "0-d structure": np.zeros((), STRUCTURE),
    "empty": np.zeros((0, 3), ">c8"),
    "empty in another direction": np.zeros((3, 0, 2), bool),
    "bool": np.array([True, False]),
    "half": np.arange(3, dtype=np.float16),
    "long double": np.arange(3, dtype=np.longdouble),
    "complex": np.array([1 + 2j, complex("nan")]),
    "big-endian": np.arange(3, dtype=">i4"),
    "dates": np.array(["2020-02-29", "NaT"], "M8[ns]"),
    "times": np.array([1, -1], ">m8[25s]"),
    "bare dates": np.array(["NaT"], "M8"),
    "unicode": np.array(["", "añb", "\U0001f600"]),
    "big-endian unicode": np.array(["ab"], ">U3"),
    "bytes": np.array([b"a\0b", b""]),
    "void": np.array([b"abc"], "V3"),
    "structure": np.zeros((2, 2), STRUCTURE),
    "gaps": np.ones(3, PADDED),
    "titles": np.ones(3, [(("a title", "a"), "i4"), ("b", "U2")]),
    "aligned": np.ones(3, ALIGNED),
    "no fields": np.zeros(3, np.dtype([])),
    "texts of no length": np.zeros(3, [("a", "U0"), ("b", "i4")])["a"],
    "large": np.arange(OWN, dtype=np.int64),
    "large Fortran": np.asfortranarray(np.random.default_rng(1).random((200, 300))),
    "several large": {str(k): np.full(OWN, k, np.uint8) for k in range(5)},
    "just below large": (np.zeros(OWN - 1, np.uint8), np.ones(OWN + 1, np.uint8)),
    "None": None,
    "bools": (True, False),
    "integers": (0, -1, 2**63 - 1, -(2**63), 2**63, -(2**200)),
    "floats": (0.0, -0.0, float("inf"), float("nan"), 5e-324),
    "a complex": complex(1, float("-inf")),
    "texts": ("", "a\0", "ünï", "\ud800", "\U0001f600"),
    "octets": (b"", b"\0\xff"),
    "numpy scalars": (np.float32(1.5), np.int8(-1), np.bool_(True), np.complex64(1j), np.longdouble(2)),
    "numpy dates": (np.datetime64("2020-01-01T12", "h"), np.timedelta64(3, "D"), np.datetime64("NaT")),
    "numpy texts": (np.str_("a\0"), np.bytes_(b"b\0")),
    "a row of a structure": np.ones(2, STRUCTURE)[1],
    "no items": {},
    "empty branches": {"a": {}, "b": (), "c": [], "d": {"e": ((), {})}},
    "order": {"z": 1, "a": 2, 5: 3, "5": 4, -(2**63): 5},
    "lists": [[1, 2.5, "a", None], [], [np.zeros(2), {"X": 1}], [True], [1, 2**70], ["a", "bc"], [b"x"], [None] * 3],
    "a list of numpy texts": [np.str_("a"), np.str_("")],
    "batch": Batch(X=np.zeros((3, 2)), Y=Batch(a=np.arange(3)), Z=["a", "b", "c"]),
    "names": {"": 1, "a.b": 2, "ünï": 3},
}  # fmt: skip


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
    "object": ({"X": {"y": object()}}, "field 'X.y': it is a object"),
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


# --- dtypes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([Flat("O")], "none of those"),
        ([Flat("|O8")], "none of those"),
        ([Flat("<f8,<f8")], "none of those"),
        ([Flat("<f5")], "none of those"),
        ([Flat("<U999999999")], "none of those"),
        ([Flat("<M8[0s]")], "none of those"),
        ([Flat("<T8")], "none of those"),
        ([Flat("(2,)<f8")], "none of those"),
        ([Part(0, (2,))], "made of entry 0"),
        ([Flat("<f8"), Part(-1, (2,))], "made of entry -1"),
        ([Flat("<f8"), Part(0, (1 << 40, 1 << 40))], "wanted 1073741824"),
        ([Flat("<f8"), Part(0, (-1,))], "no negative"),
        ([Flat("<f8"), Part(0, (1,) * 65)], "64 at most"),
        ([Flat("<f8"), Fields(["a"], [0], [4], 8, False, [])], "outside it"),
        ([Flat("<f8"), Fields(["a"], [0], [-8], 8, False, [])], "outside it"),
        ([Flat("<f8"), Fields(["a"], [0], [0], 1 << 40, False, [])], "at most"),
        ([Flat("<f8"), Fields(["a", "a"], [0, 0], [0, 8], 16, False, [])], "one name"),
        ([Flat("<f8"), Fields(["a", "b"], [0], [0], 16, False, [])], "more fields"),
        ([Flat("<f8"), Fields(["a"], [0], [1], 16, True, [])], "numpy refuses"),
        ([Flat("<f8")] * 5000, "5000 dtypes"),
        ([Flat("|u1"), *[Fields(["a"], [k], [0], 1, False, []) for k in range(20)]], "deep"),
        (
            [Flat("|V0"), *[Fields(list("abcdefgh"), [k] * 8, [0] * 8, 0, False, []) for k in range(6)]],
            "fields, wanted",
        ),
    ],
)
def test_dtypes_are_made_of_checked_pieces(entries: Any, message: str) -> None:
    with pytest.raises(WireError, match=message):
        read(entries)


@given(dtype=some.dtypes())
def test_dtypes_arrive(dtype: Any) -> None:
    table = Table()
    at = table.index(dtype)
    assert table.index(dtype) == at
    assert read(table.entries)[at] == dtype


# --- what else may come -------------------------------------------------------------------------

CAPS = Limits(bytes=1 << 20, parts=1 << 12, depth=64)
HOSTILE_NUMBERS = [0, 1, -1, 2, 64, 255, 4096, 65_536, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63), 2**64 - 1]
HOSTILE_TEXTS = [
    "", "O", "|O8", "<f8", ">c16", "<U4", "<U0", "|V0", "|S5", "<M8[ns]", "<M8[9s]", "none", "pickle", "big", "npstr",
    "a", "n", "p", "d", "t", "f", "s", "int", "bool", "X" * 100, "\0", "<f8" * 9, "|b1", "<i4",
]  # fmt: skip
HOSTILE: list[Any] = [
    None,
    True,
    False,
    2.5,
    float("nan"),
    [],
    {},
    [1, 2],
    b"x",
    [2**40] * 3,
    ["a", 0, [3], False],
    *HOSTILE_NUMBERS,
]


def messages() -> list[list[bytes]]:
    made = []
    for k in range(60):
        chance = random.Random(k)
        flat = [Flattener()(item) for item in chance.choices(list(ITEMS.values()), k=chance.randrange(1, 6))]
        made.append([bytes(frame) for frame in encode(flat)[0]])
    return made


def edited(value: Any, chance: random.Random) -> Any:
    """A decoded header with one value changed somewhere, mostly to another of its type."""
    if isinstance(value, list) and value and chance.random() < 0.9:
        at, changed = chance.randrange(len(value)), list(value)
        how = chance.random()
        if how < 0.05:
            del changed[at]
        elif how < 0.1:
            changed.insert(at, chance.choice([*value, *HOSTILE]))
        else:
            changed[at] = edited(value[at], chance)
        return changed
    if chance.random() < 0.8:
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return chance.choice([*HOSTILE_NUMBERS, value + 1, value - 1, value * 2])
        if isinstance(value, str):
            return chance.choice([*HOSTILE_TEXTS, value + "1", value[1:]])
    return chance.choice([*HOSTILE, *HOSTILE_TEXTS])


def mutated(frames: list[bytes], chance: random.Random) -> list[bytes]:
    """A message with one to four things wrong."""
    found = [bytearray(frame) for frame in frames]
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        if not found:
            break
        at = chance.randrange(len(found))
        how = chance.randrange(10)
        if how < 2 and found[at]:
            found[at][chance.randrange(len(found[at]))] ^= 1 << chance.randrange(8)
        elif how == 2:
            del found[at][chance.randrange(len(found[at]) + 1) :]
        elif how == 3:
            frame = found.pop(at)  # dropped, doubled, moved
            for _ in range(chance.randrange(3)):
                found.insert(chance.randrange(len(found) + 1), bytearray(frame))
        elif how == 4:
            found[at] = bytearray(chance.randbytes(chance.randrange(80)))
        elif how == 5:
            found[at] += chance.randbytes(chance.randrange(70))
        else:
            try:
                header = msgspec.msgpack.decode(bytes(found[0]))
            except (msgspec.MsgspecError, ValueError):
                continue
            for _ in range(chance.choice([1, 1, 2])):
                header = edited(header, chance)
            try:
                found[0] = bytearray(msgspec.msgpack.encode(header))
            except OverflowError:  # a number beyond what a header can have
                continue
    return [bytes(frame) for frame in found]


def touched(item: Any) -> None:
    """Look at every value of an item: it is one."""
    for _, leaf in leaves(item):
        if isinstance(leaf, np.ndarray):
            assert leaf.flags.writeable
            assert leaf.flags.aligned
            assert leaf.nbytes <= CAPS.bytes
            if leaf.size < 100_000:
                leaf.tolist()
                repr(leaf[:3] if leaf.ndim else leaf)
    pickle.dumps(item)


def fuzz(n: int, first: int = 0) -> Iterator[list[bytes]]:
    made = messages()
    for k in range(first, first + n):
        chance = random.Random(k)
        yield mutated(chance.choice(made), chance)


@pytest.mark.timeout(3600)
def test_whatever_comes_is_an_item_or_a_clear_error() -> None:
    """10^6 mutated messages, 20 000 of them in the suite."""
    good = 0
    for frames in fuzz(heavy(1_000_000)):
        try:
            items = decode(frames, CAPS)
        except WireError as error:
            told = str(error)
        else:
            told = "the message is well"
            good += 1
            touched(items)
        assert told.startswith("the message")
        assert len(told) < 1000
    assert good > heavy(1_000_000) // 100, "some changes do no harm"


@pytest.mark.timeout(3600)
def test_nothing_is_allocated_past_the_caps() -> None:
    """What decoding takes is bounded by what came and by the parts it may have, whatever a header says."""
    made = list(fuzz(heavy(100_000), first=5_000_000))
    tracemalloc.start()
    try:
        for frames in made:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            try:
                decode(frames, CAPS)
            except WireError:
                pass
            peak = tracemalloc.get_traced_memory()[1] - before
            assert peak < 40 * sum(map(len, frames)) + 300 * CAPS.parts
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("limits", [Limits(bytes=100), Limits(parts=3), Limits(depth=1)])
def test_each_limit_is_kept(limits: Limits) -> None:
    frames, _ = encode([Flattener()({"X": {"y": (np.zeros(20), 1, 2)}})])
    decode(frames)
    with pytest.raises(WireError):
        decode(frames, limits)


@pytest.mark.parametrize("size", [0, 1, 5, 300])
def test_random_bytes_are_no_message(size: int) -> None:
    chance = random.Random(size)
    for n in range(200):
        with pytest.raises(WireError):
            decode([chance.randbytes(size) for _ in range(n % 5)])


def test_a_header_nested_without_end_is_no_crash() -> None:
    for nested in (b"\x91" * 500_000, b"\x92\x90" + b"\x91" * 500_000, b"\x81\xa1a" * 200_000):
        with pytest.raises(WireError, match="no header"):
            decode([nested, b""])
