"""What a runner of `bench_transport` is asked to do; each gives figures in seconds."""

from __future__ import annotations

import multiprocessing
import time
from functools import partial
from typing import Any

from transport_common import busy, measure
from transport_peers import SYSTEMS, numbered, pipe, recipe, working


def one_pass(system: str, nbytes: int, seconds: float, read: bool) -> dict[str, float]:
    """Items that cost nothing to make."""
    return measure(partial(SYSTEMS[system], nbytes), nbytes, seconds, read=read)


def first(system: str, method: str) -> float:
    """From nothing to an item from a process started by `method`."""
    stream = recipe(method) if system == "headrace" else None
    began = time.perf_counter()
    items = pipe(1 << 10, method) if stream is None else stream.iterate()
    assert next(items)["Y"] == 0
    found = time.perf_counter() - began
    items.close()
    return found


def bare(_system: str, n: int, work: int) -> float:
    """Two bare processes that each do the work of `n` items: the slower one's time, both at it."""
    context = multiprocessing.get_context("fork")
    ready, start, times = context.Semaphore(0), context.Semaphore(0), context.SimpleQueue()

    def run() -> None:
        ready.release()
        start.acquire()
        began = time.perf_counter()
        for _ in range(n):
            busy(work)
        times.put(time.perf_counter() - began)

    both = [context.Process(target=run) for _ in range(2)]
    for process in both:
        process.start()
    for _ in both:
        ready.acquire()
    for _ in both:
        start.release()
    found = max(times.get() for _ in both)
    for process in both:
        process.join()
    return found


def overlap(_system: str, n: int, work: int) -> float:
    """A producer and a consumer that each do the same work for each of `n` items."""
    import headrace as hr

    items = (hr.Streamer(working, n + 1, work) | hr.background("process")).iterate()
    next(items)
    return _drain(items, n, work)


def workers(_system: str, n: int, work: int) -> float:
    """Two workers that share the work of `2 * n` items, and a consumer that does none."""
    import headrace as hr

    stream = hr.functional(partial(numbered, work=work), size=2 * n + 2)
    items = (stream | hr.background("process", workers=2)).iterate()
    next(items)
    return _drain(items, 2 * n + 1, 0)


def _drain(items: Any, n: int, work: int) -> float:
    began, k = time.perf_counter(), 0
    for k, item in enumerate(items, 1):
        assert item["Y"] == k
        busy(work)
    assert k == n, f"{k} items, wanted {n}"
    return time.perf_counter() - began
