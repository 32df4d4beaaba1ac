"""A Ctrl-C in the consumer's process, wherever it strikes: nothing is lost, nothing comes twice, nothing is left."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from parallel.elsewhere import CtrlC, Late, caught
from parallel.left import HANG, MARKS
from support.counts import heavy

pytestmark = [
    *MARKS,
    # Python's own hooks around a fork swallow what strikes in them, and say so.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def ctrl_c() -> Iterator[CtrlC]:
    stop = threading.Event()

    def strike() -> None:
        chance = random.Random(1)
        while not stop.wait(chance.choice([0.002, 0.01, 0.04])):
            os.kill(os.getpid(), signal.SIGINT)

    for handler in caught(signal.SIGINT):  # first: until then a strike would end the whole run
        killer = threading.Thread(target=strike)
        killer.start()
        try:
            yield handler
        finally:
            handler.armed = False
            stop.set()
            killer.join()


def slow(i: int) -> Any:
    if i % 20 == 0:
        time.sleep(0.001)
    return {"X": np.full(10, i), "i": i}


def numbers() -> Any:
    for i in range(10**9):
        yield slow(i)


def odd() -> Any:
    for i in range(10**9):
        yield {"X": np.full(10, -1 - i), "i": -1 - i}


STREAMS: dict[str, Any] = {
    "one": lambda: hr.Streamer(numbers) | hr.background("process", ahead=20_000),
    "many": lambda: hr.functional(slow) | hr.background("process", workers=2, ahead=20_000),
    "mux": lambda: (
        hr.RoundRobinMux([hr.Streamer(numbers) for _ in range(3)]) | hr.background("process", workers=2, ahead=20_000)
    ),
    "thread": lambda: hr.Streamer(numbers) | hr.prefetch(ahead=20_000),
    "threads": lambda: hr.functional(slow) | hr.background("thread", workers=2, ahead=20_000),
}


@pytest.mark.soak
@pytest.mark.parametrize("error", [KeyboardInterrupt, Late])
@pytest.mark.parametrize("name", ["one", "many", "thread", "threads"])
def test_a_signal_loses_nothing(name: str, error: type[BaseException], ctrl_c: CtrlC) -> None:
    """One item may be lost: the one that was being handed over, which no code of ours can know of."""
    times, ctrl_c.error = heavy(1000), error
    end = time.monotonic() + HANG * (1 if times < 100 else 20)
    with STREAMS[name]().open(hr.Key(1)) as cursor:
        expected = 0
        while ctrl_c.struck < times and time.monotonic() < end:
            try:
                while ctrl_c.struck < times:
                    ctrl_c.armed = True
                    item = next(cursor)
                    ctrl_c.armed = False
                    at = cursor.position - 1
                    assert item["i"] == at
                    assert (item["X"] == at).all()
                    assert 0 <= at - expected < 2
                    expected = at + 1
            except (KeyboardInterrupt, Late):
                pass
        ctrl_c.armed = False
        assert ctrl_c.struck >= times
        state = cursor.state()
        at = cursor.position
    with STREAMS[name]().open(at=state) as cursor:
        assert next(cursor)["i"] == at


@pytest.mark.soak
@pytest.mark.parametrize("error", [KeyboardInterrupt, Late])
def test_a_signal_costs_a_mux_over_workers_one_item_at_most(error: type[BaseException], ctrl_c: CtrlC) -> None:
    """That between a mux and its member, as where nothing runs elsewhere; of the others none."""
    times, ctrl_c.error = heavy(1000), error
    end = time.monotonic() + HANG * (1 if times < 100 else 20)
    chosen = hr.StochasticMux([hr.Streamer(numbers), hr.Streamer(odd)], n_active=2, rate=None, weights=[1, 2])
    with (chosen | hr.background("process", workers=2, ahead=20_000)).open(hr.Key(1)) as cursor:
        due, lost = [0, 0], 0
        while ctrl_c.struck < times and time.monotonic() < end:
            try:
                while ctrl_c.struck < times:
                    ctrl_c.armed = True
                    item = next(cursor)
                    ctrl_c.armed = False
                    kind, i = (0, item["i"]) if item["i"] >= 0 else (1, -1 - item["i"])
                    assert (item["X"] == item["i"]).all()
                    assert i >= due[kind], "nothing comes twice"
                    lost += i - due[kind]
                    due[kind] = i + 1
            except (KeyboardInterrupt, Late):
                pass
        assert ctrl_c.struck >= times
        assert lost <= ctrl_c.struck


@pytest.mark.parametrize("name", list(STREAMS))
def test_a_ctrl_c_while_closing_leaves_nothing_behind(name: str, ctrl_c: CtrlC) -> None:
    for _ in range(10):
        cursor = STREAMS[name]().open(hr.Key(1))
        try:
            ctrl_c.armed = True
            next(cursor)
            cursor.close()
        except KeyboardInterrupt:
            pass
        ctrl_c.armed = False
        cursor.close()
        del cursor
