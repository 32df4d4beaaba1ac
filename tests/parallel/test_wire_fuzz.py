"""Whatever comes as a message is an item or a clear error, and takes no more memory than it may."""

from __future__ import annotations

import pickle
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from headrace.core.items import leaves
from headrace.parallel.decode import decode
from headrace.parallel.dtypes import WireError
from headrace.parallel.encode import encode
from headrace.parallel.flatten import Flattener, Limits
from parallel.wired import ITEMS
from support.counts import heavy

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
