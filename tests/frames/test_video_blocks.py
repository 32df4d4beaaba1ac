"""Memory of blocks is taken again when nobody has it, and never while somebody does."""

from __future__ import annotations

import weakref

import numpy as np

from headrace.frames.video.blocks import Blocks

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
