"""The thread itself: bounds, promptness, errors, Ctrl-C, forks, and what is left when it is over."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.parallel.stats import Stats
from headrace.testing import Broken, counted, flaky
from parallel.elsewhere import CtrlC, caught

HANG = 30.0  # seconds: nothing here takes a hundredth of it unless it hangs
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert until(lambda: set(threading.enumerate()) <= before), "a thread outlives its cursor"


def until(true: Callable[[], Any]) -> bool:
    end = time.monotonic() + HANG
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def settled(look: Callable[[], int]) -> int:
    """What `look` gives once it has been the same for a while."""
    while True:
        first = look()
        time.sleep(0.03)
        if look() == first:
            return first


def busy() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "headrace-background"]


# --- how far ahead ------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "ahead", "most"), [(1 << 20, 4 << 20, 4), (1 << 20, 1, 1), (0, 64_000, 1000)])
def test_bytes_are_bounded_and_one_item_always_fits(size: int, ahead: int, most: int) -> None:
    source = counted(np.zeros(size, np.uint8) for _ in count())
    with (source | hr.prefetch(ahead)).open() as cursor:
        assert source.drawn == 0, "nothing runs before the first item is wanted"
        for taken in range(1, 6):
            next(cursor)
            assert until(lambda: source.drawn > cursor.position), "the next one is made while the consumer is at work"
            assert settled(lambda: source.drawn) - taken <= most + 1
        assert cursor.stats().bytes <= max(ahead, size + 64)  # type: ignore[attr-defined]


def test_every_item_is_there_as_soon_as_it_is_made() -> None:
    gate = threading.Semaphore(3)

    @hr.streamable
    def gated() -> Any:
        for i in range(6):
            gate.acquire()
            yield i

    with (gated() | hr.prefetch("64MB")).open() as cursor:
        for i in range(6):  # each would wait for ever if it were kept back until a block is full
            assert next(cursor) == i
            if i > 1:
                gate.release()
            if i == 4:
                gate.release()


def test_both_sides_wait_and_say_so() -> None:
    gate = threading.Event()

    @hr.streamable
    def source() -> Any:
        gate.wait(HANG)
        for _ in range(50):
            yield np.zeros(1000)

    with (source() | hr.prefetch(20_000)).open() as cursor:
        cursor_stats: Any = cursor.stats  # type: ignore[attr-defined]
        assert cursor_stats() == Stats(ahead=20_000)
        threading.Timer(0.05, gate.set).start()
        next(cursor)
        assert cursor_stats().consumer_waits >= 1
        assert until(lambda: cursor_stats().worker_waits >= 1)
        assert cursor_stats().items == 1
        assert cursor_stats().queued >= 1
        assert cursor_stats().bytes >= 8000
        assert len(cursor.take(60)) == 49
        assert cursor_stats()[:3] == (50, 0, 0)
        assert cursor_stats().consumer_waited > 0 < cursor_stats().worker_waited


# --- closing ------------------------------------------------------------------------------------


def test_closing_in_every_state() -> None:
    stream = hr.Streamer(range(100_000)) | hr.prefetch(1000)
    for drawn in (None, 0, 1, 500, 100_000, 100_001):
        cursor = stream.open()
        if drawn:
            cursor.take(drawn)
        elif drawn == 0:
            cursor.skip(0)
        began = time.monotonic()
        cursor.close()
        assert not busy()
        assert time.monotonic() - began < HANG
        cursor.close()
        with pytest.raises(ValueError, match="closed"):
            next(cursor)
        assert cursor.state()["at"]["count"] == min(drawn or 0, 100_000)


def test_closing_while_the_worker_waits_for_room() -> None:
    cursor = (hr.Streamer(range(100_000)) | hr.prefetch(1000)).open()
    next(cursor)
    assert until(lambda: cursor.stats().worker_waits)  # type: ignore[attr-defined]
    cursor.close()
    assert not busy()


def test_closing_while_the_worker_is_inside_slow_code() -> None:
    entered, leave, closed = threading.Event(), threading.Event(), threading.Event()

    @hr.streamable
    def slow() -> Any:
        try:
            yield 0
            entered.set()
            leave.wait(HANG)
            yield 1
            yield 2
        finally:
            closed.set()

    cursor = (slow() | hr.prefetch()).open()
    assert next(cursor) == 0
    assert entered.wait(HANG)
    began = time.monotonic()
    cursor.close()
    assert time.monotonic() - began < HANG / 2, "it was not waited for"
    assert not closed.is_set()
    assert cursor.state()["at"]["count"] == 1
    leave.set()
    assert closed.wait(HANG), "the worker closes what it has opened when it comes out"
    assert until(lambda: not busy())


def test_the_generator_is_closed_by_the_thread_that_ran_it() -> None:
    threads = []

    @hr.streamable
    def source() -> Any:
        threads.append(threading.get_ident())
        try:
            yield from range(1000)
        finally:
            threads.append(threading.get_ident())

    with (source() | hr.prefetch(1000)).open() as cursor:
        next(cursor)
    assert threads[0] == threads[1] != threading.get_ident()


def test_an_error_while_closing_arrives() -> None:
    @hr.streamable
    def source() -> Any:
        try:
            yield from range(1000)
        finally:
            raise OSError("cannot flush")

    cursor = (source() | hr.prefetch(1000)).open()
    next(cursor)
    with pytest.raises(OSError, match="cannot flush"):
        cursor.close()
    cursor.close()


def test_a_cursor_that_is_dropped_takes_its_thread_along() -> None:
    cursor = (hr.Streamer(range(10**9)) | hr.prefetch(1000)).open()
    next(cursor)
    assert busy()
    gone = weakref.ref(cursor)
    del cursor
    gc.collect()
    assert gone() is None
    assert until(lambda: not busy())


def test_a_loop_that_is_left_takes_its_thread_along() -> None:
    for _ in hr.Streamer(range(10**9)) | hr.prefetch(1000):
        break
    gc.collect()
    assert until(lambda: not busy())


def test_restoring_a_running_cursor() -> None:
    stream = hr.Streamer(range(10_000)) | hr.prefetch(1000)
    with stream.open() as cursor:
        cursor.take(100)
        state = cursor.state()
        cursor.take(500)
        for _ in range(3):
            cursor.restore(state)
            assert cursor.position == 100
            assert cursor.take(3) == [100, 101, 102]
        assert len(busy()) == 1


def test_many_at_once_and_one_inside_another() -> None:
    stream: Any = hr.Streamer(range(200))
    for _ in range(3):
        stream = stream | hr.map(abs) | hr.prefetch(500)
    with hr.zip(stream, stream, stream).open() as cursor:
        assert cursor.take(50) == [(i, i, i) for i in range(50)]
        assert len(busy()) == 9
        state = cursor.state()
    with hr.zip(stream, stream, stream).open(at=state) as cursor:
        assert cursor.take(2) == [(50, 50, 50), (51, 51, 51)]


# --- errors -------------------------------------------------------------------------------------


def inverse(i: int) -> float:
    return 1 / (i - 20)


def test_an_error_comes_in_order_with_its_own_traceback() -> None:
    with (hr.Streamer(range(40)) | hr.map(inverse) | hr.prefetch()).open() as cursor:
        assert len([next(cursor) for _ in range(20)]) == 20
        with pytest.raises(ZeroDivisionError) as error:
            next(cursor)
        assert "  while drawing item 20 of root/background/map" in error.value.__notes__
        assert any("your function: inverse at test_thread.py:" in note for note in error.value.__notes__)
        assert "inverse" in [frame.name for frame in traceback.extract_tb(error.value.__traceback__)]
        assert not busy(), "the cursor inside is the consumer's now"
        with pytest.raises(ZeroDivisionError):
            next(cursor)
        assert cursor.skip() == 1
        assert next(cursor) == 1.0
        assert cursor.state()["at"]["count"] == 21
        assert len(cursor.take(40)) == 18


def test_errors_again_and_again() -> None:
    stream = flaky(hr.Streamer(range(60)), at=30, times=5) | hr.prefetch(500)
    with stream.open() as cursor:
        found: list[int] = []
        for _ in range(5):
            with pytest.raises(Broken):
                found.extend(cursor)
            assert len(found) == 30
        found.extend(cursor)
        assert found == list(range(60))
        assert list(cursor) == []


class Odd(BaseException):
    """Not an Exception."""


def test_any_exception_at_all_arrives() -> None:
    @hr.streamable
    def source() -> Any:
        yield 1
        raise Odd

    with (source() | hr.prefetch()).open() as cursor:
        assert next(cursor) == 1
        with pytest.raises(Odd):
            next(cursor)


def test_strange_items_travel() -> None:
    class Strange:
        nbytes = "many"

        def __eq__(self, other: object) -> Any:
            raise RuntimeError("do not compare")

        __hash__ = None  # type: ignore[assignment]

    items: Any = [Strange(), None, {}, (), [], {"X": None}, np.zeros(0), StopIteration, "", Strange()]
    found = list(iter(items) | hr.prefetch())
    assert len(found) == len(items)
    assert all(a is b for a, b in zip(found, items, strict=True))


@pytest.fixture
def ctrl_c() -> Iterator[CtrlC]:
    yield from caught(signal.SIGUSR1)  # SIGINT itself might hit pytest


posix = pytest.mark.skipif(os.name == "nt", reason="signals as on POSIX")


@posix
def test_ctrl_c_loses_nothing(ctrl_c: CtrlC) -> None:
    stop = threading.Event()

    def strike() -> None:
        while not stop.wait(0.002):
            os.kill(os.getpid(), signal.SIGUSR1)

    killer = threading.Thread(target=strike)
    with (hr.Streamer(range(10**9)) | hr.prefetch(50_000)).open() as cursor:
        expected = 0
        killer.start()
        end = time.monotonic() + HANG
        while ctrl_c.struck < 100 and time.monotonic() < end:
            try:
                while True:
                    ctrl_c.armed = True
                    item = next(cursor)
                    ctrl_c.armed = False
                    assert 0 <= item - expected < 2, "given twice, or lost more than the one that was being handed over"
                    expected = item + 1
                    if ctrl_c.struck >= 100:
                        break
            except KeyboardInterrupt:
                pass
        stop.set()
        killer.join()
        assert ctrl_c.struck >= 100
        assert next(cursor) == cursor.position - 1, "items and their numbers still fit"
    assert not busy()


@posix
def test_ctrl_c_while_waiting_leaves_a_cursor_that_goes_on_or_closes(ctrl_c: CtrlC) -> None:
    gate = threading.Event()

    @hr.streamable
    def source() -> Any:
        gate.wait(HANG)
        yield from range(5)

    with (source() | hr.prefetch()).open() as cursor:
        ctrl_c.armed = True
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(KeyboardInterrupt):
            next(cursor)
        gate.set()
        assert cursor.take(9) == [0, 1, 2, 3, 4]


# --- forks --------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_does_not_use_the_parents_cursor() -> None:
    stream = hr.Streamer(range(10**6)) | hr.prefetch(1000)
    with stream.open() as cursor:
        cursor.take(10)
        state = cursor.state()
        child = os.fork()
        if child == 0:
            verdict = 1
            try:
                try:
                    cursor.take(1000)
                except hr.HeadraceError as error:
                    with stream.open(at=state) as mine:
                        verdict = 0 if "before a fork" in str(error) and next(mine) == 10 else 2
                cursor.close()
            finally:
                os._exit(verdict)
        assert until(lambda: os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert cursor.take(3) == [10, 11, 12]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("workers", [1, 3])
def test_a_child_that_drops_the_parents_cursor_does_not_wait_for_its_threads(workers: int) -> None:
    """A thread of the parent may hold the lock when the child is forked; nobody in the child ever lets go of it."""
    stream = hr.functional(lambda i: i, size=10**8) | hr.background("thread", workers=workers, ahead=500)
    cursor: Any = stream.open()
    for _ in range(60):
        cursor.take(20)
        child = os.fork()
        if child == 0:
            signal.setitimer(signal.ITIMER_REAL, HANG / 2)  # ends it
            del cursor
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    cursor.close()
