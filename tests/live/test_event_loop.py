"""A loop in a thread of its own: called, timed out, cancelled, closed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import pytest

from headrace.errors import ClosedError, WorkerError
from headrace.live.wires.event_loop import EventLoop
from live.hand import HANG, until


def test_it_returns_raises_and_times_out() -> None:
    loop = EventLoop("test")

    async def fails() -> None:
        raise ValueError("mine")

    assert loop.call(asyncio.sleep(0, 7)) == 7
    with pytest.raises(ValueError, match="mine"):
        loop.call(fails())
    with pytest.raises(TimeoutError):
        loop.call(asyncio.sleep(60), 0.01)
    loop.close()
    loop.close()
    with pytest.raises(ClosedError, match="is closed"):
        loop.call(asyncio.sleep(0))


def test_what_waits_is_cancelled_but_what_lasts() -> None:
    loop = EventLoop("test")
    begun: list[bool] = []
    found: list[object] = []

    async def waits(lasts: bool) -> str:
        begun.append(lasts)
        while not (lasts and found):
            await asyncio.sleep(0.001)
        return "done"

    def calls(lasts: bool) -> None:
        try:
            found.append(loop.call(waits(lasts), lasts=lasts))
        except concurrent.futures.CancelledError:
            found.append("cancelled")

    threads = [threading.Thread(target=calls, args=[lasts]) for lasts in (False, True)]
    for thread in threads:
        thread.start()
    until(lambda: len(begun) == 2)
    loop.cancel()
    for thread in threads:
        thread.join(HANG)
    assert found == ["cancelled", "done"]
    loop.close()


def test_closing_ends_what_runs_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())  # of which one may end meanwhile
    for _ in range(20):
        loop = EventLoop("test")
        loop.call(_begin())
        loop.close()
    assert set(threading.enumerate()) <= before


async def _begin() -> None:
    _kept.append(asyncio.ensure_future(asyncio.sleep(60)))


_kept: list[asyncio.Future[None]] = []


def test_one_that_blocks_is_named() -> None:
    loop, leave = EventLoop("test", patience=0.05), threading.Event()

    async def blocks() -> None:
        leave.wait(20)

    with pytest.raises(TimeoutError):
        loop.call(blocks(), 0.01)
    with pytest.raises(WorkerError, match=r"headrace-test did not end within 0.1 seconds"):
        loop.close()
    leave.set()
    loop.patience = 20
    loop.close()
