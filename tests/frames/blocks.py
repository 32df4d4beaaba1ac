"""Blocks of frames in either layout, for the tests of streams."""

from __future__ import annotations

from typing import Any

import numpy as np


def joined(blocks: list[Any]) -> Any:
    """Blocks one behind the other in time."""
    return np.concatenate(blocks, axis=0 if blocks[0].ndim == 3 else 2)


def frames_of(block: Any) -> int:
    """How many frames a block has."""
    return int(block.shape[0 if block.ndim == 3 else 2])


def same(a: Any, b: Any) -> bool:
    """Whether two arrays are equal to the bit."""
    return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())


def lap(whole: Any, lo: int, hi: int) -> Any:
    """Frames lo to hi of a block that begins again at its end."""
    return np.take(whole, np.arange(lo, hi) % frames_of(whole), 0 if whole.ndim == 3 else 2)
