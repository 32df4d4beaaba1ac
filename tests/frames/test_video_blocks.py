"""Memory of blocks is taken again when nobody has it, and never while somebody does."""

from __future__ import annotations

import numpy as np

from headrace.frames.video_blocks import Blocks

LARGE = (70, 1 << 20)  # bytes of which nothing is written: they cost no memory


def test_every_other_large_block_has_the_memory_of_one_that_is_gone() -> None:
    blocks, last, seen = Blocks(), None, []
    for _ in range(6):
        made = blocks.new(LARGE, np.dtype("u1"))
        assert last is None or not np.shares_memory(made, last)
        seen.append(made.ctypes.data)
        last = made[-1]  # as a stream has its last frame
        del made
    assert seen[0] == seen[2] == seen[4]


def test_a_large_block_of_another_size_takes_the_place_of_the_one_kept() -> None:
    blocks = Blocks()
    blocks.new(LARGE, np.dtype("u1"))
    place = blocks.new((80, 1 << 20), np.dtype("u1")).ctypes.data
    assert blocks.new((80, 1 << 20), np.dtype("u1")).ctypes.data == place
