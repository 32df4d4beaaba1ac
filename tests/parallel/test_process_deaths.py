"""Items that cannot be sent, streams that cannot, and workers that die."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pickle
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import DataError, WorkerError
from parallel.elsewhere import KINDS, SOURCES, Own, elsewhere, raising
from parallel.left import HANG, MARKS, children, none_alive

pytestmark = MARKS


# --- items that cannot be sent, or read ---------------------------------------------------------


@pytest.mark.parametrize(("source", "workers"), KINDS)
def test_an_item_that_cannot_be_sent(source: str, workers: int) -> None:
    with elsewhere(SOURCES[source]() | hr.map(_locks), workers=workers).open() as cursor:
        assert [next(cursor) for _ in range(20)] == list(range(20))
        for _ in range(2):
            with pytest.raises(DataError, match=r"cannot send an item: TypeError: .*lock") as error:
                next(cursor)
            assert any("item 20 of root/background/map" in note for note in error.value.__notes__)
            assert cursor.position == 20
        state = pickle.loads(pickle.dumps(cursor.state()))
        assert cursor.skip() == 1
        assert cursor.take(30) == list(range(21, 40))
    again = elsewhere(SOURCES[source]() | hr.map(_locks), workers=workers)
    with again.open(at=state) as cursor, pytest.raises(DataError):
        next(cursor)


def _locks(i: int) -> Any:
    return threading.Lock() if i == 20 else i


class Unreadable:
    """An item that is pickled and cannot be made again."""

    def __reduce__(self) -> Any:
        return _refuses, ()


def _refuses() -> None:
    raise Own("not here")


def _unreadable(i: int) -> Any:
    return Unreadable() if i == 20 else i


def _within(i: int) -> Any:
    return {"X": np.array([i]), "it": _unreadable(i)}


def _number(item: Any) -> int:
    return int(item["X"][0]) if isinstance(item, dict) else item


@pytest.mark.parametrize("where", ["process", "zmq"])
@pytest.mark.parametrize("inside", [_unreadable, _within])
@pytest.mark.parametrize(("source", "workers"), KINDS)
def test_an_item_that_cannot_be_read_is_told_and_passed(source: str, workers: int, inside: Any, where: str) -> None:
    with (SOURCES[source]() | hr.map(inside) | hr.background(where, workers=workers)).open() as cursor:
        found = [_number(next(cursor))]
        time.sleep(0.05)  # until several lie in one block
        wrong = "cannot read an item that was sent: Own" if where == "process" else "cannot send"
        with pytest.raises(DataError, match=wrong):
            found.extend(map(_number, iter(cursor.__next__, None)))
        assert found == list(range(20)), "and nothing around it is lost"
        for _ in range(2):
            assert cursor.position == 20
            with pytest.raises(DataError, match=wrong):
                next(cursor)
        assert cursor.skip() == 1
        state = cursor.state()
        assert [_number(item) for item in cursor] == list(range(21, 40))
    with (SOURCES[source]() | hr.map(inside) | hr.background(where, workers=workers)).open(at=state) as cursor:
        assert _number(next(cursor)) == 21


def test_a_stream_that_cannot_be_sent_is_refused() -> None:
    lock = threading.Lock()
    stream = hr.Streamer(range(3)) | hr.map(lambda i: (i, lock))
    with elsewhere(stream, start_method="spawn").open() as cursor, pytest.raises(hr.StreamConfigError) as error:
        next(cursor)
    assert "cannot send the stream to a process: TypeError: cannot pickle" in str(error.value)
    assert "start_method='fork'" in str(error.value)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_lambdas_and_classes_of_functions_travel(method: str) -> None:
    class Local:
        def __init__(self, i: int) -> None:
            self.i = i

    with elsewhere(hr.Streamer(range(3)) | hr.map(lambda i: Local(i)), start_method=method).open() as cursor:
        assert [item.i for item in cursor] == [0, 1, 2]
    with elsewhere(hr.Streamer(range(3)) | hr.map(raising(lambda: Own(5), 1)), start_method=method).open() as cursor:
        assert next(cursor) == 0
        with pytest.raises(Own, match="5"):
            next(cursor)
        assert cursor.skip() == 1
        assert next(cursor) == 2


# --- workers that die ---------------------------------------------------------------------------


def _kills(i: int) -> int:
    return os.kill(os.getpid(), signal.SIGKILL) or i  # type: ignore[func-returns-value]


def _exits(i: int) -> int:
    os._exit(3)


def _faults(i: int) -> int:
    faulthandler.disable()
    ctypes.string_at(0)
    return i


def deadly(how: Callable[[int], int], once: str = "") -> Callable[[int], int]:
    """A function that ends its process at item 20; the first time alone where a file says whether it was."""

    def user(i: int) -> int:
        if i != 20 or (once and Path(once).exists()):
            return i
        if once:
            Path(once).touch()
        time.sleep(0.02)
        return how(i)

    return user


@pytest.mark.parametrize(("source", "workers"), KINDS)
@pytest.mark.parametrize(
    ("how", "text"), [(_kills, "killed by signal 9"), (_exits, "status 3"), (_faults, "signal 11")]
)
def test_a_dead_worker_is_an_error_and_the_next_call_starts_anew(
    how: Any, text: str, source: str, workers: int, tmp_path: Any
) -> None:
    stream = SOURCES[source]() | hr.map(deadly(how, str(tmp_path / "was")))
    with elsewhere(stream, workers=workers).open() as cursor:
        found: list[int] = []
        began = time.monotonic()
        with pytest.raises(WorkerError, match=text):
            found.extend(iter(cursor.__next__, None))
        assert time.monotonic() - began < HANG
        assert found == list(range(len(found)))
        assert cursor.position == len(found)
        state = pickle.loads(pickle.dumps(cursor.state()))
        assert found + list(cursor) == list(range(40)), "from the right place"
    with elsewhere(stream, workers=workers).open(at=state) as cursor:
        assert found + list(cursor) == list(range(40))


@pytest.mark.parametrize("where", ["process", "zmq"])
@pytest.mark.parametrize(("source", "workers"), KINDS)
def test_an_item_that_kills_every_worker(source: str, workers: int, where: str) -> None:
    with (SOURCES[source]() | hr.map(deadly(_exits)) | hr.background(where, workers=workers)).open() as cursor:
        found: list[int] = []
        for _ in range(2):  # the first may have died with items that it had not sent; the second sends each
            with pytest.raises(WorkerError, match="status 3"):
                found.extend(iter(cursor.__next__, None))
        assert found == list(range(20))
        assert cursor.position == 20
        with pytest.raises(WorkerError):
            next(cursor)
        assert cursor.skip() == 1
        if source == "numbers":  # nothing is run for what is passed
            assert list(cursor) == list(range(21, 40))
            return
        with pytest.raises(WorkerError):  # here it is: there is no way past it
            next(cursor)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_worker_killed_from_outside(workers: int) -> None:
    before = children()
    n = 30_000
    stream = elsewhere(hr.source(np.arange(n)) | hr.map(int), workers=workers, ahead="16kB")
    with stream.open() as cursor:
        found = cursor.take(100)
        mine = children() - before
        assert len(mine) == workers
        os.kill(min(mine), signal.SIGKILL)
        assert none_alive({min(mine)})
        killed = 0
        while len(found) < n:
            try:
                found.append(next(cursor))
            except WorkerError:
                killed += 1
        assert found == list(range(n))
        assert killed == 1, "once for each that dies"


def test_a_worker_that_is_stopped_by_the_system_says_so() -> None:
    before = children()
    with elsewhere(hr.Streamer(range(10**9)), ahead=1000).open() as cursor:
        next(cursor)
        (pid,) = children() - before
        os.kill(pid, signal.SIGTERM)
        with pytest.raises(WorkerError, match=f"pid {pid}"):
            for _ in cursor:
                pass
        assert next(cursor) == cursor.position - 1


# --- hidden randomness --------------------------------------------------------------------------


def _drawn(i: int) -> Any:
    return os.getpid(), random.random(), float(np.random.random())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_numbers_that_are_not_from_the_key_differ_between_workers(method: str) -> None:
    np.random.seed(0)
    stream = hr.source(np.arange(200)) | hr.map(_drawn)
    with elsewhere(stream, workers=3, start_method=method).open(hr.Key(3)) as cursor:
        drawn = list(cursor)
    assert len({pid for pid, _, _ in drawn}) == 3
    assert len({one for _, one, _ in drawn}) == len({other for _, _, other in drawn}) == 200
    passes = [{one for _, one, _ in elsewhere(hr.Streamer(range(9)) | hr.map(_drawn))} for _ in range(2)]
    assert not passes[0] & passes[1], "two passes of no seed"
