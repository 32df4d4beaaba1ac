"""What the parts of bench_frames.py share: passes over frames, and calls that give some."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import Lap, Side, Stopwatch


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as made:
        yield Path(made)


def passes(act: Callable[[], Any], n: int) -> Side:
    """Whole passes of `n` frames each; the unit is a frame."""

    def run(seconds: float) -> Lap:
        done, end = 0, time.perf_counter() + seconds
        with Stopwatch() as watch:
            while done == 0 or time.perf_counter() < end:
                act()
                done += 1
        return watch.lap(n * done)

    return run


def calls(act: Callable[[], Any], n: int) -> Side:
    """Calls of `n` frames each, many a turn; the unit is a frame."""

    def run(seconds: float) -> Lap:
        done, end = 0, time.perf_counter() + seconds
        with Stopwatch() as watch:
            while done == 0 or time.perf_counter() < end:
                for _ in range(10):
                    act()
                done += 10
        return watch.lap(n * done)

    return run
