"""Bounds on what waits, and the end of servers and consumers in every state."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from itertools import count
from typing import Any

import numpy as np
import pytest
import zmq

import headrace as hr
from headrace.parallel import LinkError
from headrace.parallel.protocol import VERSION, Hello, key_text, say
from parallel.left import HANG, MARKS, Held, until
from parallel.served import each, program, rows, settled, shared

pytestmark = MARKS


def test_a_consumer_that_stalls_bounds_bytes_at_both_ends() -> None:
    made = 0

    @hr.streamable
    def large() -> Any:
        nonlocal made
        for made in count(1):  # noqa: B007  # read outside
            yield np.zeros(1 << 20, np.uint8)

    with each(large(), ahead="4MiB") as server, hr.connect(server.address, ahead="4MiB").open() as cursor:
        for taken in (1, 3, 10):
            cursor.take(taken - cursor.position)
            assert settled(lambda: made) - taken <= 4 + 4 + 2
            assert server.stats().waiting <= 4 << 20
    with shared(large(), ahead=1) as server, hr.connect(server.address, ahead=1).open() as cursor:
        made = 0
        for taken in range(1, 6):
            next(cursor)
            assert settled(lambda: made) - taken <= 3, "one item always fits"


def test_a_consumer_cannot_make_the_server_hold_more_than_it_would() -> None:
    large = hr.functional(lambda i: np.zeros(1 << 20, np.uint8))
    for serving in (each, shared):
        with serving(large, ahead="4MiB") as server, hr.connect(server.address, ahead="1GB").open() as cursor:
            next(cursor)
            assert settled(lambda: server.stats().items) <= 5
            assert server.stats().waiting <= 4 << 20


@pytest.mark.parametrize("leaves", ["the consumer", "the server"])
def test_a_far_place_that_is_not_reached_is_given_up(leaves: str) -> None:
    """Items without numbers are drawn up to there: not when nobody wants them any more."""
    drawn = 0

    @hr.streamable
    def endless() -> Any:
        nonlocal drawn
        for drawn in count():  # noqa: UP028  # read outside
            yield drawn

    server = each(endless())
    context = zmq.Context()
    consumer = context.socket(zmq.DEALER)
    consumer.connect(server.address)
    consumer.send(say(Hello(VERSION, False, key_text(hr.Key(1)), 1 << 50, [], 1)))
    assert until(lambda: drawn > 0)
    if leaves == "the server":
        server.close()
    consumer.close(0)
    context.term()
    assert until(lambda: not any(thread.name == "headrace-serve-draw" for thread in threading.enumerate()))
    server.close()


def test_a_small_item_is_there_as_soon_as_it_is_made() -> None:
    gate = threading.Semaphore(2)

    @hr.streamable
    def gated() -> Any:
        for i in range(6):
            gate.acquire()
            yield i

    with each(gated()) as server, hr.connect(server.address).open() as cursor:
        for i in range(6):  # each would wait for ever if it were kept back until a message is full
            assert next(cursor) == i
            gate.release()


def test_closing_in_every_state() -> None:
    with each(hr.functional(lambda i: np.zeros(100), size=5000)) as server:
        stream = hr.connect(server.address)
        for taken in (None, 0, 1, 700, 5000, 5001):
            cursor = stream.open()
            if taken is not None:
                cursor.take(taken)
            cursor.close()
            cursor.close()
            with pytest.raises(ValueError, match="closed"):
                next(cursor)
            assert cursor.state()["at"]["count"] == min(taken or 0, 5000)
        assert until(lambda: server.stats().consumers == 0)
        assert server.stats().lost == 0


def test_closing_while_the_stream_is_inside_slow_code() -> None:
    leave = threading.Event()

    @hr.streamable
    def slow() -> Any:
        yield 0
        leave.wait(HANG)

    server = each(slow())
    cursor = hr.connect(server.address).open()
    assert next(cursor) == 0
    began = time.monotonic()
    cursor.close()
    server.close()
    server.close()
    assert time.monotonic() - began < HANG / 2, "it was not waited for"
    leave.set()


def test_a_waiting_consumer_hears_of_the_end() -> None:
    never = threading.Event()

    @hr.streamable
    def silent() -> Any:
        yield 0
        never.wait(HANG)

    server = each(silent())
    with hr.connect(server.address, timeout=0.2).open() as cursor:
        next(cursor)
        threading.Timer(0.1, server.close).start()
        with pytest.raises(LinkError):
            next(cursor)
    never.set()


def test_a_cursor_that_is_dropped_leaves() -> None:
    with each(hr.functional(lambda i: i, size=10**9)) as server:
        cursor = hr.connect(server.address).open()
        next(cursor)
        del cursor
        for _ in hr.connect(server.address):
            break
        gc.collect()
        assert until(lambda: server.stats().consumers == 0)


def test_nothing_is_left_of_a_hundred() -> None:
    with each(rows()) as server:
        hr.connect(server.address).open().take(3)
        gc.collect()
        assert until(lambda: server.stats().consumers == 0)
        time.sleep(0.1)
        before = Held()
        for _ in range(100):
            with hr.connect(server.address).open() as cursor:
                cursor.take(3)
        assert until(lambda: not before.more())
    before = Held()
    for _ in range(100):
        with shared(rows()) as server:
            next(iter(hr.connect(server.address)))
    assert until(lambda: not before.more())


@pytest.mark.parametrize(
    "code",
    [
        "print('go', flush=True)\nhr.serve(iter(int, 1), 'tcp://127.0.0.1:0')",
        "with hr.serve(iter(lambda: time.sleep(9), 1), 'tcp://127.0.0.1:0', block=False) as s:\n"
        "    cursor = hr.connect(s.address).open()\n"
        "    print('go', flush=True)\n"
        "    next(cursor)",
    ],
    ids=["serving", "waiting"],
)
def test_ctrl_c_ends_both(code: str) -> None:
    with program(code) as (child, _):
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=HANG)
        assert "KeyboardInterrupt" in said
        assert child.returncode in (1, -signal.SIGINT, 130)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_a_fork_refuses_and_harms_nobody() -> None:
    code = """
import os
from headrace.errors import HeadraceError
with hr.serve(hr.functional(lambda i: i, size=10**6), "tcp://127.0.0.1:0", consumers="each", block=False) as server:
    with hr.connect(server.address).open() as cursor:
        next(cursor)
        if os.fork() == 0:
            try:
                cursor.take(10**6)
            except HeadraceError as error:
                os._exit(3 if "fork" in str(error) else 4)
            os._exit(5)
        print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
        assert cursor.take(99_999) == list(range(1, 100_000))
        print("well", flush=True)
"""
    with program(code) as (child, status):
        out, said = child.communicate(timeout=HANG)
        assert (status, out.strip()) == ("3", "well"), said
