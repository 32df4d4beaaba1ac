"""What one background process is measured with: a producer of new bytes, a consumer that checks, and two clocks.

The consumer's process asks the kernel what every thread has run, its own and those of its children. By CPU time an
item costs what the busiest thread spends on it, or what all of them do on two cores where that is more: the best that
any schedule could reach, so that other work on the machine does not decide. By wall time waits and wake-ups count too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"1 KB": 1 << 10, "32 KB": 1 << 15, "1 MB": 1 << 20, "16 MB": 1 << 24}
CHUNKS = {1 << 10: 512, 1 << 15: 64, 1 << 20: 4, 1 << 24: 1}  # items between two looks at the clock
CORES = 2

# --- what is made, and what it costs to make and copy it ------------------------------------------------


def endless(nbytes: int, arrays: bool = False) -> Iterator[dict[str, Any]]:
    """Items of new bytes, every one of which tells the item's number; `arrays` for peers that take nothing else."""
    n, i = nbytes // 8, 0
    while True:
        yield {"X": np.full(n, float(i)), "Y": np.asarray(i) if arrays else i}
        i += 1


def copied(nbytes: int) -> Iterator[dict[str, Any]]:
    """The same in this process, copied once."""
    target = np.empty(nbytes // 8)
    for item in endless(nbytes):
        target[...] = item["X"]
        yield {"X": target, "Y": item["Y"]}


def busy(n: int) -> int:
    """Work of the interpreter's; 20 000 are about a millisecond."""
    total = 0
    for i in range(n):
        total += i & 3
    return total


# --- clocks -----------------------------------------------------------------------------------------


def threads() -> dict[int, dict[int, float]]:
    """Seconds that each thread of this process and of its children has run: {process: {thread: seconds}}."""
    if not Path("/proc/self/task").exists():
        return _threads_by_psutil()
    found: dict[int, dict[int, float]] = {}
    for process in _family():
        times: dict[int, float] = {}
        try:
            for task in Path(f"/proc/{process}/task").iterdir():
                times[int(task.name)] = int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:  # it has just ended
            continue
        found[process] = times
    return found


def _family() -> list[int]:
    """Return this process and everything below it."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                below.setdefault(parent, []).append(int(entry.name))
        except OSError:  # it has just ended
            continue
    found = [os.getpid()]
    for process in found:  # which grows meanwhile
        found += below.get(process, [])
    return found


def _threads_by_psutil() -> dict[int, dict[int, float]]:
    import psutil

    here = psutil.Process()
    return {
        process.pid: {thread.id: thread.user_time + thread.system_time for thread in process.threads()}
        for process in (here, *here.children(recursive=True))
    }


def spent(before: dict[int, dict[int, float]], after: dict[int, dict[int, float]]) -> tuple[float, float]:
    """Seconds between two looks: what no schedule on two cores could be faster than, and what this process ran."""
    mine, total, most = 0.0, 0.0, 0.0
    for process, times in after.items():
        ran = [seconds - before.get(process, {}).get(thread, 0.0) for thread, seconds in times.items()]
        total, most = total + sum(ran), max(most, *ran)
        if process == os.getpid():
            mine = sum(ran)
    return max(most, total / CORES), mine


# --- one pass -----------------------------------------------------------------------------------------


def measure(make: Callable[[], Iterable[Any]], nbytes: int, seconds: float, *, read: bool) -> dict[str, float]:
    """Draw for so long, after half of that to warm up; figures are seconds per item, or seconds."""
    n, chunk, k = nbytes // 8, CHUNKS[nbytes], 0
    began = time.perf_counter()
    items = iter(make())
    item = next(items)
    first = time.perf_counter() - began

    def check(item: Any, k: int) -> None:
        if item["Y"] != k or item["X"].shape != (n,) or not (item["X"] == k).all():
            raise AssertionError(f"item {k} of {nbytes} bytes arrived as {item}")

    def draw(until: float, k: int) -> int:
        while True:
            if read:
                for item in islice(items, chunk):
                    if item["Y"] != k or item["X"].sum() != k * n:
                        check(item, k)
                    k += 1
            else:
                for item in islice(items, chunk):
                    if item["Y"] != k:
                        check(item, k)
                    k += 1
            if time.perf_counter() >= until:
                return k

    while k < 3:
        check(item, k)
        item, k = next(items), k + 1
    check(item, k)
    del item
    k = draw(time.perf_counter() + seconds / 2, k + 1)
    before, wall = threads(), time.perf_counter()
    last = draw(wall + seconds, k)
    wall, after = time.perf_counter() - wall, threads()
    check(next(items), last)
    began = time.perf_counter()
    close = getattr(items, "close", None)
    if close is not None:
        close()
    closed = time.perf_counter() - began
    limit, mine = spent(before, after)
    n = last - k
    return {"cpu": limit / n, "wall": wall / n, "mine": mine / n, "first": first, "close": closed, "items": n}
