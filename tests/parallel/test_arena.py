"""Blocks of shared memory: where they lie, how long they are kept, and that none is used again too early."""

from __future__ import annotations

import gc
import os
import random
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.parallel.arena import Reader, Writer, anonymous_file
from parallel.left import MARKS, until
from support.counts import heavy

pytestmark = MARKS
MIB = 1 << 20


@pytest.fixture
def memory() -> Iterator[int]:
    fd = anonymous_file(MIB)
    yield fd
    os.close(fd)


# --- both sides alone -------------------------------------------------------------------------------


def test_blocks_never_overlap_and_go_back(memory: int) -> None:
    chance = random.Random(3)
    writer = Writer(memory, 200_000)
    used: dict[int, Any] = {}
    for _ in range(heavy(100_000)):
        if used and (chance.random() < 0.5 or not writer.fits(5000)):
            offset = chance.choice(list(used))
            assert (used.pop(offset) == offset % 251).all(), "someone else has written there"
            writer.free(offset)
        else:
            offset, block = writer.allocate(chance.choice([1, 100, 4096, 5000, 60_000]))
            assert offset % 4096 == 0
            assert block.ctypes.data % 64 == 0
            block[...] = offset % 251
            used[offset] = block
    for offset in list(used):
        writer.free(offset)
    assert writer.in_use == 0


def test_one_more_always_fits_beside_what_a_reader_keeps(memory: int) -> None:
    """Else the worker would wait for ever for what the consumer wants to keep."""
    for seed in range(heavy(1000)):
        chance = random.Random(seed)
        limit = chance.choice([1, 5000, 100_000, MIB])
        writer, reader = Writer(memory, limit), Reader(memory, limit)
        kept: list[Any] = []
        for _ in range(100):
            size = chance.choice([1, 64, 4096, 4097, 30_000, 300_000])
            assert writer.fits(size), (seed, size)
            offset, block = writer.allocate(size)
            block[...] = len(kept) % 256
            kept.append((len(kept) % 256, reader.view(offset, size)))
            del block
            if chance.random() < 0.2:
                del kept[chance.randrange(len(kept))]
            for offset in reader.take_back():
                writer.free(offset)
            assert all((view == value).all() for value, view in kept)
        assert writer.in_use <= max(limit, 3 * 303_104)
        kept.clear()
        gc.collect()
        for offset in reader.take_back():
            writer.free(offset)
        assert writer.in_use == 0


def test_a_file_that_had_to_grow_becomes_short_again(memory: int) -> None:
    writer, reader = Writer(memory, 100_000), Reader(memory, 100_000)
    offset, block = writer.allocate(20 * MIB)
    block[...] = 7
    view = reader.view(offset, 20 * MIB)
    assert (view == 7).all()
    assert os.fstat(memory).st_blocks * 512 >= 20 * MIB
    del view, block
    for offset in reader.take_back():
        writer.free(offset)
    offset, _ = writer.allocate(10)
    writer.free(offset)
    assert os.fstat(memory).st_blocks * 512 <= 20 * MIB + MIB


# --- leases of a run ------------------------------------------------------------------------------


def numbered(n: int, size: int) -> Any:
    for i in range(n):
        yield {"X": np.full(size, i), "n": i}


def run(n: int, size: int = 10_000, ahead: Any = "1MB") -> Any:
    return (hr.Streamer(numbered, n, size) | hr.background("process", ahead=ahead)).open()


def right(item: Any) -> bool:
    return bool((item["X"] == item["n"]).all())


def test_items_are_views_that_can_be_written() -> None:
    with run(50) as cursor:
        for item in cursor:
            assert item["X"].base is not None
            assert item["X"].flags.writeable
            item["X"][...] += 1
            assert (item["X"] == item["n"] + 1).all()
        assert cursor.stats().copied == 0


@pytest.mark.parametrize("size", [1, 100, 10_000, 200_000])
@pytest.mark.parametrize("ahead", [1, "100kB", "8MB"])
def test_a_list_of_any_length_is_right(size: int, ahead: Any) -> None:
    n = {1: 3000, 100: 1000, 10_000: 300, 200_000: 20}[size]
    with run(n, size, ahead) as cursor:
        kept = list(cursor)
        assert cursor.stats().copied > 0 or ahead == "8MB"
    assert [item["n"] for item in kept] == list(range(n))
    assert all(map(right, kept)), "a place was used again while a view of it was alive"


@pytest.mark.parametrize("every", [2, 3, 7, 50])
def test_keeping_some(every: int) -> None:
    with run(400) as cursor:
        kept = [item for item in cursor if item["n"] % every == 0]
        assert len(kept) == -(-400 // every)
        assert all(map(right, kept))


def test_keeping_some_for_a_while() -> None:
    window: deque[Any] = deque(maxlen=40)
    chance = random.Random(5)
    with run(1000) as cursor:
        for item in cursor:
            window.append(item)
            if chance.random() < 0.1:
                window.rotate(chance.randrange(40))
            assert right(window[0])
        assert all(map(right, window))


def test_whatever_looks_at_the_memory_keeps_it() -> None:
    keeps: list[Any] = [
        lambda x: x[3:7],
        lambda x: x[::2][::-1].reshape(2, -1)[1],
        lambda x: memoryview(x)[10:20],
        lambda x: np.frombuffer(x, np.uint8)[:-1],
        lambda x: x.view("u1").T,
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 5)[1],
        lambda x: np.asarray(memoryview(x.view("i8"))),
    ]
    kept = []
    with run(200) as cursor:
        for i, item in enumerate(cursor):
            before = np.array(seen := keeps[i % len(keeps)](item["X"]))
            kept.append((seen, before))
            del item, seen
            assert all(np.array_equal(now, was) for now, was in kept[-60:])
    assert all(np.array_equal(now, was) for now, was in kept)


def test_tensors_keep_it_too() -> None:
    torch = pytest.importorskip("torch")
    with run(200) as cursor:
        kept = [(torch.from_numpy(item["X"])[5:], item["n"]) for item in cursor]
    assert all(bool((tensor == n).all()) for tensor, n in kept)


def test_what_is_kept_outlives_its_cursor() -> None:
    with run(300) as cursor:
        kept = cursor.take(20)
    assert all(map(right, kept))
    cursor = run(10**9)
    kept += cursor.take(10)
    del cursor
    gc.collect()
    assert all(map(right, kept))
    kept[-1]["X"][...] = 5
    assert (kept[-1]["X"] == 5).all()


def test_items_may_die_in_any_thread() -> None:
    kept: deque[Any] = deque()
    wrong: list[Any] = []
    stop = threading.Event()

    def drop() -> None:
        while not stop.is_set() or kept:
            try:
                item = kept.pop()
            except IndexError:
                continue
            if not right(item):
                wrong.append(item)

    threads = [threading.Thread(target=drop) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with run(600) as cursor:
            for item in cursor:
                kept.append(item)
                del item
                until(lambda: len(kept) < 50)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong


def test_items_in_circles_go_back_when_they_are_collected() -> None:
    with run(500) as cursor:
        for item in cursor:
            item["itself"] = item
            assert right(item)
            if item["n"] % 70 == 0:
                gc.collect()
        assert cursor.stats().items == 500
