"""Memory of blocks is taken again when nobody has it, and never while somebody does."""

from __future__ import annotations

import tracemalloc
import weakref
from pathlib import Path
from threading import Thread

import numpy as np

from headrace.frames import VideoReader, VideoWriter
from headrace.frames.video.blocks import Blocks
from support.require import require

LARGE = (40, 1 << 20)  # bytes of which nothing is written: they cost no memory


def test_every_other_large_block_has_the_memory_of_one_that_is_gone() -> None:
    blocks, last, seen = Blocks(), None, []
    for _ in range(6):
        made = blocks.new(LARGE, np.dtype("u1"))
        assert last is None or not np.shares_memory(made, last)
        seen.append(made.ctypes.data)
        last = made[-1]  # as a stream has its last frame
        del made
    assert len(set(seen)) < 6


def test_not_more_than_64_mib_are_kept() -> None:
    for megabytes in (1, 20, 33, 64, 65, 300):
        blocks, gone = Blocks(), []
        for _ in range(4):
            made = blocks.new((megabytes, 1 << 20), np.dtype("u1"))
            gone.append(weakref.ref(made if made.base is None else made.base))
            del made
        there = {id(memory) for each in gone if (memory := each()) is not None}
        assert megabytes * len(there) <= 64


def test_many_passes_keep_no_more_than_one(tmp_path: Path) -> None:
    require("av")
    with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:
        writer.put(np.zeros((32, 256, 512), "u1"))
    passes = [VideoReader(tmp_path / "a.mkv", None, mode="r").open() for _ in range(24)]
    tracemalloc.start()
    try:
        for each in passes:
            assert each.read(32).nbytes == 1 << 22
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        for each in passes:
            each.close()
    assert kept < 70 << 20, "24 times 4 MiB are 96"


def test_threads_never_have_the_same_memory() -> None:
    blocks, wrong = Blocks(), []

    def work(k: int) -> None:
        for _ in range(300):
            made = blocks.new((300_000,), np.dtype("u1"))
            made[::997] = k
            if (made[::997] != k).any():
                wrong.append(k)
            del made

    threads = [Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
