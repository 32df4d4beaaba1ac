"""How much memory a run takes, and how soon it closes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from parallel.elsewhere import elsewhere, sleeps
from parallel.left import MARKS, children, proportional
from support.counts import heavy, soaking

pytestmark = MARKS
MIB = 1 << 20


def mebibytes() -> Any:
    for i in range(10**9):
        yield np.full(MIB, i % 256, np.uint8)


def mebibyte(i: int) -> Any:
    return np.full(MIB, i % 256, np.uint8)


# --- memory -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["one", "two", "mux"])
def test_a_consumer_that_stalls(name: str) -> None:
    """Bar 3: what waits is bounded in bytes, shared memory and both processes counted."""
    stream, workers = {
        "one": (hr.Streamer(mebibytes), 1),
        "two": (hr.functional(mebibyte), 2),
        "mux": (hr.ShuffledMux([hr.Streamer(mebibytes) for _ in range(4)]), 2),
    }[name]
    gc.collect()
    # Else the workers' tidying copies what other tests have left in this process. It stays: gc.unfreeze() would give
    # back the whole suite, which each test from then on would walk over when it tidies up.
    gc.freeze()
    with elsewhere(stream, workers=workers, ahead="8MiB").open(hr.Key(1)) as cursor:
        before = proportional({os.getpid()})
        cursor.take(3)
        time.sleep(6 if soaking() else 0.5)  # the first megabytes come in 5 ms
        grown = proportional({os.getpid()} | children()) - before
    assert grown <= (8 + 16) * MIB + (workers - 1) * 8 * MIB, "what Python takes for another process is no queue"


def test_a_consumer_that_keeps_and_drops_takes_no_more_and_no_more() -> None:
    with elsewhere(hr.Streamer(mebibytes), ahead="8MiB").open() as cursor:
        kept: list[Any] = []
        sizes = []
        for i in range(heavy(5000)):
            kept.append(next(cursor))
            if len(kept) == 20:
                kept.clear()
            if i % 40 == 30:
                sizes.append(proportional({os.getpid()} | children()))
        assert max(sizes) <= sizes[0] + 24 * MIB
        kept.clear()


# --- closing ------------------------------------------------------------------------------------


def _loops() -> Any:
    yield 1
    while True:
        pass


def _holds_on() -> Any:
    yield 1
    while True:
        try:
            time.sleep(100)
        except BaseException:  # as some libraries' code does
            pass


def _fails() -> Any:
    yield 1
    raise ValueError


def _ends() -> Any:
    yield 1


@pytest.mark.parametrize("drawn", [0, 1, 2])
@pytest.mark.parametrize("source", [sleeps, _loops, _holds_on, _fails, _ends, mebibytes])
def test_closing_is_prompt_in_every_state(source: Callable[[], Any], drawn: int) -> None:
    if drawn == 2 and source in (sleeps, _loops, _holds_on):
        pytest.skip("there is no second item")
    cursor = elsewhere(hr.Streamer(source)).open()
    for _ in range(drawn):
        try:
            next(cursor, None)
        except ValueError:
            pass
    if drawn:
        time.sleep(0.02)
    began = time.monotonic()
    cursor.close()
    assert time.monotonic() - began < 20 * 0.2
    assert not multiprocessing.active_children()
    assert cursor.state()["at"]["count"] == cursor.position
    cursor.close()
    with pytest.raises(ValueError, match="closed"):
        next(cursor)


@pytest.mark.parametrize("workers", [2, 4])
def test_closing_several_that_are_asleep(workers: int) -> None:
    stream = hr.functional(_sleeping)
    cursor = elsewhere(stream, workers=workers).open()
    cursor.take(10)
    time.sleep(0.02)
    began = time.monotonic()
    cursor.close()
    assert time.monotonic() - began < 20 * 0.2


def _sleeping(i: int) -> int:
    if i > 20:
        time.sleep(100)
    return i


def test_several_that_hold_on_are_killed_together() -> None:
    cursor = elsewhere(hr.functional(_stays), workers=4).open()
    next(cursor)
    time.sleep(0.02)
    began = time.monotonic()
    cursor.close()
    took = time.monotonic() - began
    assert took < 20 * 0.2
    assert not multiprocessing.active_children()


def _stays(i: int) -> int:
    return i if i < 2 else next(n for n in _holds_on() if n > 1)


def test_a_state_that_is_restored_starts_new_workers_and_leaves_the_old() -> None:
    with elsewhere(hr.Streamer(range(10**9)), ahead=1000).open() as cursor:
        cursor.take(50)
        state = cursor.state()
        for _ in range(5):
            cursor.take(20)
            cursor.restore(state)
            assert cursor.take(3) == [50, 51, 52]
            assert len(multiprocessing.active_children()) == 1


def test_the_users_clean_up_runs(tmp_path: Path) -> None:
    for n, drawn in enumerate([1, 3, 1]):
        path = tmp_path / f"{n}"
        for _ in range(5):  # it has a moment for that, which on a machine busy with other things may be too short
            with elsewhere(hr.Streamer(_cleans_up, str(path))).open() as cursor:
                cursor.take(drawn)
                if n == 2:
                    time.sleep(0.05)  # it is in the middle of its sleep
            if path.exists():
                break
        assert path.read_text() == "closed"


def _cleans_up(path: str) -> Any:
    try:
        yield 1
        if path.endswith("2"):
            time.sleep(100)
        yield from range(10**9)
    finally:
        Path(path).write_text("closed")


@pytest.mark.parametrize("busy", [True, False])
def test_an_error_of_the_users_clean_up_arrives(busy: bool) -> None:
    cursor = elsewhere(hr.Streamer(_cannot_flush, busy)).open()
    next(cursor)
    time.sleep(0.02)
    with pytest.raises(OSError, match="cannot flush"):
        cursor.close()
    cursor.close()


def _cannot_flush(busy: bool) -> Any:
    try:
        yield from range(10**9 if not busy else 3)
        while True:
            pass
    finally:
        raise OSError("cannot flush")


def test_an_error_of_a_members_clean_up_arrives_at_the_end() -> None:
    """A mux leaves members while it runs, here without waiting for them."""
    members = [hr.Streamer(_cannot_flush, False), *([hr.Streamer(range(10**9))] * 3)]
    mux = hr.StochasticMux(members, n_active=1, rate=2)
    cursor = elsewhere(mux, workers=2).open(hr.Key(1))
    assert len(cursor.take(300)) == 300
    with pytest.raises(OSError, match="cannot flush"):
        cursor.close()


def test_code_that_swallows_whatever_comes_goes_no_further() -> None:
    cursor = elsewhere(hr.Streamer(_swallows), ahead=1).open()
    assert next(cursor) == "swallowed"
    began = time.monotonic()
    cursor.close()
    assert time.monotonic() - began < 20 * 0.2


def _swallows() -> Any:
    while True:
        yield "swallowed"
        try:
            time.sleep(0.001)
        except BaseException:
            pass


def test_what_a_worker_prints_is_not_lost(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(elsewhere(hr.Streamer(_prints))) == [0, 1, 2]
    assert capfd.readouterr().out == "item 0\nitem 1\nitem 2\n"


def _prints() -> Any:
    for i in range(3):
        print("item", i)
        yield i
