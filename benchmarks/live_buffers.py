"""The section `buffers` of bench_live: what it costs to keep the newest rows."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np
from harness import Bench, Lap, Side, Stopwatch, bare_rows, drawing

from headrace.core.block import Block, Pace
from headrace.live.buffers.buffer import DataBuffer

# Microseconds per extend, three signals of five channels, from live.md 13; at block 64.
GENKI = {400: 5.0, 10_000: 13.0, 100_000: 276.0, 1_000_000: 2900.0}


def rows(n: int) -> dict[str, Any]:
    """Three signals, five channels."""
    made = np.random.default_rng(0).random((n, 5))
    return {"timestamp": made[:, 0].copy(), "sine": made[:, 1].copy(), "acc": made[:, 2:].copy()}


def extending(buffer: DataBuffer, block: Any, *, held: bool = False, chunk: int = 500) -> Side:
    """A buffer that is full is extended by one block over and over; somebody may hold a view of each column."""
    size = buffer.maxlen or 0
    while len(buffer) < size:
        buffer.extend(rows(min(size, 100_000)))
    views = []

    def run(seconds: float) -> Lap:
        n, end = 0, time.perf_counter() + seconds
        with Stopwatch() as watch:
            while n == 0 or time.perf_counter() < end:
                for _ in range(chunk):
                    buffer.extend(block)
                    if held:
                        views[:] = [buffer["timestamp"], buffer["sine"], buffer["acc"]]
                n += chunk
        return watch.lap(n)

    return run


def looking(buffer: DataBuffer, chunk: int = 500) -> Side:
    def run(seconds: float) -> Lap:
        n, end = 0, time.perf_counter() + seconds
        with Stopwatch() as watch:
            while n == 0 or time.perf_counter() < end:
                for _ in range(chunk):
                    buffer["acc"]
                n += chunk
        return watch.lap(n)

    return run


def buffers(bench: Bench) -> None:
    """DataBuffer.extend when full, by maxlen and block"""
    small, large, chunk = 400, bench.size(1_000_000, 10_000), bench.size(500, 3)
    for n in (4, 64, 1024):
        block = rows(n)
        costs = bench.costs(
            bare=drawing(bare_rows()),
            small=extending(DataBuffer(small), block, chunk=chunk),
            large=extending(DataBuffer(large), block, chunk=chunk),
            held=extending(DataBuffer(large), block, held=True, chunk=chunk),
        )
        bar = 10 if n == 64 else None
        for name, maxlen in (("small", small), ("large", large)):
            case = f"extend, 3 signals, block {n}, maxlen {maxlen}"
            bench.within(
                "1" if bar else "-", f"{case}: scaled", 1e6 * bench.scaled(costs[name], costs["bare"]), bar, "us"
            )
            quoted = GENKI.get(maxlen) if n == 64 else None
            if quoted is not None:
                bench.faster("-", case, costs[name], None, None, who="Genki", quoted=1e6 / quoted, show="us", note="live.md 13;")  # fmt: skip
        ratio = costs["large"] / costs["small"]
        bench.within(
            "1" if bar else "-", f"extend, block {n}: maxlen {large} to {small}", ratio, 3 if bar else None, "x"
        )
        bench.within("-", f"extend, block {n}, maxlen {large}, all columns looked at", 1e6 * costs["held"], None, "us")
    pace = Pace(Fraction(64))
    derived = Block({**rows(64), "spectrum": np.ones((1, 129), complex)}, paces={"spectrum": pace})
    costs = bench.costs(
        derived=extending(DataBuffer(small), derived, chunk=chunk),
        append=appending(DataBuffer(small), chunk),
        look=looking(DataBuffer(small, data=rows(small)), chunk),
    )
    bench.within("-", "extend, block 64, with a spectrum at its own pace", 1e6 * costs["derived"], None, "us")
    bench.within("-", "append of 3 signals", 1e6 * costs["append"], None, "us")
    bench.within("-", "buffer['acc']", 1e6 * costs["look"], None, "us")
    bench.within("-", f"the longest of 3 x {large} rows, block 64", np.array([1e3 * longest(large)]), None, "ms")


def appending(buffer: DataBuffer, chunk: int) -> Side:
    point = {name: each[0] for name, each in rows(1).items()}

    def run(seconds: float) -> Lap:
        n, end = 0, time.perf_counter() + seconds
        with Stopwatch() as watch:
            while n == 0 or time.perf_counter() < end:
                for _ in range(chunk):
                    buffer.append(point)
                n += chunk
        return watch.lap(n)

    return run


def longest(maxlen: int) -> float:
    """Seconds of CPU that the longest extend took, nobody looking, once the memory had been written to."""
    buffer, block, slowest = DataBuffer(maxlen), rows(64), 0.0
    for _ in range(3 * maxlen // 64):
        buffer.extend(block)
    for _ in range(3 * maxlen // 64):
        start = time.thread_time()
        buffer.extend(block)
        slowest = max(slowest, time.thread_time() - start)
    return slowest
