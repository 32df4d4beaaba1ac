"""The section `systems` of bench_live: how late rows reach a consumer, what is lost, what a start leaves behind."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from typing import Any

import numpy as np
from harness import Bench

import headrace.signals as s
from headrace.live.buffers.buffer import DataBuffer
from headrace.live.devices.threaded import Threaded
from headrace.live.recording.session import Session
from headrace.live.running.system import System

# Milliseconds from source to feed, from live.md 13: Genki polls 25 or 100 times a second, ezmsg is driven by events.
GENKI, EZMSG = {25: (20.0, 40.0), 100: (5.2, 10.1)}, (0.30, 0.64)
SIGNALS = [
    s.Scale("x", name="twice", scale_factor=2.0),
    s.LowPassFilter("x", name="low", order=4, cutoff_freq=5, sample_rate=1000),
]


class Ticking(Threaded):
    """Blocks of `n` rows, so many times a second, that know when they were made."""

    def __init__(self, rate: float, n: int) -> None:
        super().__init__(rate=rate * n)
        self.every, self.n = 1 / rate, n

    def run(self, stopping: threading.Event) -> None:
        t, row = self.clock.now(), 0
        while self.clock.wait_until(t, stopping):
            x = np.arange(row, row + self.n, dtype=float)
            self.put_block({"made": np.full(self.n, time.perf_counter()), "x": x})
            row, t = row + self.n, t + self.every


def lateness(
    rate: float, n: int, seconds: float, *, feeds: int = 1, update_rate: float | None = None
) -> np.ndarray[Any, Any]:
    """Milliseconds from a row to its callback, the first tenth of a second left out."""
    found: list[float] = []
    system = System(Ticking(rate, n), SIGNALS, update_rate)
    system.register_data_feed("timed", lambda block: found.append(float((time.perf_counter() - block["made"]).max())))
    for k in range(feeds - 1):
        system.register_data_feed(k, lambda block: None)
    with system:
        time.sleep(seconds)
    return 1e3 * np.array(found[len(found) // 10 :] or [0.0])


def quantiles(bench: Bench, make: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Median and 99th percentile of each round."""
    rounds = [make() for _ in range(bench.rounds)]
    return (
        np.array([np.percentile(each, 50) for each in rounds]), np.array([np.percentile(each, 99) for each in rounds])
    )  # fmt: skip


def systems(bench: Bench) -> None:
    """Source to consumer, losses beside a slow plot, starting and stopping"""
    lateness(250, 4, 0.2)  # imports what filters need, in the first block
    seconds = bench.size(4, 1) / bench.size(1, 5)
    for rate, n, feeds, update in ((250, 4, 1, None), (250, 4, 4, None), (250, 400, 1, None), (1000, 1, 1, None), (250, 4, 1, 25.0)):  # fmt: skip
        median, late = quantiles(
            bench, lambda r=rate, n=n, f=feeds, u=update: lateness(r, n, seconds, feeds=f, update_rate=u)
        )
        judged = rate == 250 and update is None
        case = f"{rate} blocks/s of {n} rows, {feeds} feeds, update_rate {update}"
        note = f"live.md 13: Genki {GENKI[25]} ms at 25/s, {GENKI[100]} at 100/s; ezmsg {EZMSG}"
        bench.within("4" if judged else "-", f"{case}: p50", median, 1 if judged else None, "ms", note=note)
        bench.within("4" if judged else "-", f"{case}: p99", late, 5 if judged else None, "ms")
    losses(bench)
    starts(bench)


def losses(bench: Bench) -> None:
    """10 kHz for a slow plot, a feed that crashes all the time, and a recording; scripts/soak live has ten minutes of it."""
    system = System(Ticking(100, 100), SIGNALS)

    def crash(block: Any) -> None:
        raise ZeroDivisionError

    system.add_consumer(lambda block: time.sleep(0.2), name="plot")
    system.add_consumer(lambda block: time.sleep(0.2), name="newest", policy="latest")
    system.add_consumer(crash, name="crash", on_error="restart")
    buffer = DataBuffer(1000).follow(system, name="buffer")
    buffer.watch(lambda _: time.sleep(0.2))
    with tempfile.TemporaryDirectory() as folder:
        with system:
            system.record(f"{folder}/session")
            time.sleep(bench.size(60, 1) / bench.size(1, 2))
        counts = system.stats()
        produced = counts["source"]["produced"]
        even = all(
            each["produced"] == each["delivered"] + each["dropped"] + each["pending"] == produced
            for each in counts["consumers"].values()
        )
        bench.says("3", "produced == delivered + dropped + pending, for each", str(even), even, "True")
        with Session(f"{folder}/session") as session:
            kept = len(session.raw["x"])
            told = np.array_equal(session.raw["x"][-1000:], buffer["x"])
    bench.says("3", "rows that a recording lost beside a slow plot", f"{produced - kept} of {produced}", kept == produced, "0")  # fmt: skip
    bench.says("-", "a slow buffer has the newest rows", str(told), None, "True")
    buffer.close()


def starts(bench: Bench) -> None:
    """Start and stop, many times."""
    system = System(Ticking(100, 1), SIGNALS)
    system.register_data_feed("f", lambda block: None)
    with system:
        pass
    times = bench.size(1000, 20)
    before = threading.active_count(), _descriptors()
    began = time.perf_counter()
    for _ in range(times):
        with system:
            pass
    each = (time.perf_counter() - began) / times
    after = threading.active_count(), _descriptors()
    found = f"{after[0] - before[0]} threads, {after[1] - before[1]} descriptors"
    bench.says("3", f"more after {times} starts and stops", found, after == before, "0 and 0")
    bench.within("-", "start and stop", np.array([1e3 * each]), None, "ms")


def _descriptors() -> int:
    return len(os.listdir("/dev/fd"))
