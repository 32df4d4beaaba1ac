"""Servers and consumers that vanish are noticed, and the next call goes on."""

from __future__ import annotations

import random
import signal
import threading

import pytest

import headrace as hr
from headrace.parallel import LinkError
from parallel.left import HANG, MARKS, until
from parallel.served import KEY, SERVES, each, program, shared
from support.counts import heavy

pytestmark = MARKS


def test_a_killed_server_is_an_error_and_a_new_one_goes_on() -> None:
    chance = random.Random(8)
    for _ in range(heavy(100)):
        with program(SERVES.replace("hr.functional(lambda i: i, size=10**9)", "hr.source(range(10**9))")) as (
            child,
            address,
        ):
            cursor = hr.connect(address, timeout=0.3).open()
            assert cursor.take(3) == [0, 1, 2]
            threading.Timer(chance.random() / 10, child.send_signal, [signal.SIGKILL]).start()
            found = [0, 1, 2]
            with pytest.raises(LinkError, match=r"gone|no server answers"):
                found.extend(cursor)
            place = len(found)
            assert found == list(range(place))
            with pytest.raises(LinkError, match="no server"):
                next(cursor)
        assert cursor.position == place
        cursor.stream.fix(timeout=HANG)
        other = hr.serve(hr.functional(lambda i: i, size=10**9), address, consumers="each", block=False)
        with other, pytest.raises(hr.StateMismatchError, match="another stream"):
            next(cursor)
        with hr.serve(hr.source(range(10**9)), address, consumers="each", block=False), cursor:
            assert cursor.take(3) == [place, place + 1, place + 2]


def test_a_server_that_is_stopped_counts_as_gone() -> None:
    """As one whose machine lost its network: no byte, and no end of the connection either."""
    code = SERVES.replace("lambda i: i", "lambda i: i if i < 3 else time.sleep(600)")
    with program(code) as (child, address):
        stream = hr.connect(address)
        with stream.open() as cursor:
            assert cursor.take(3) == [0, 1, 2]
            child.send_signal(signal.SIGSTOP)
            with pytest.raises(LinkError, match="gone"):
                next(cursor)


def test_a_server_at_work_is_not_gone() -> None:
    """What keeps the interpreter for itself does not keep the signs of life from going out."""
    code = SERVES.replace("lambda i: i", "lambda i: (sum(range(10**8)) and None) if i == 3 else i")
    with program(code) as (_, address), hr.connect(address).open() as cursor:
        assert cursor.take(5) == [0, 1, 2, None, 4]


def test_a_killed_consumer_is_noticed_and_its_items_are_counted() -> None:
    for serving in (each, shared):
        with serving(hr.functional(lambda i: i, size=10**7)) as server:
            code = f"cursor = hr.connect({server.address!r}).open()\nprint(next(cursor), flush=True)\ntime.sleep(600)"
            with program(code) as (child, first):
                assert first == "0"
                assert server.stats().consumers == 1
                child.send_signal(signal.SIGKILL)
                assert until(lambda: server.stats().consumers == 0)
                assert server.stats().lost > 0
            assert next(hr.connect(server.address).open(KEY).items) >= 0


def test_a_stopped_consumer_is_noticed() -> None:
    with each(hr.functional(lambda i: i, size=10**7)) as server:
        code = f"cursor = hr.connect({server.address!r}).open()\nprint(next(cursor), flush=True)\ntime.sleep(600)"
        with program(code) as (child, _):
            child.send_signal(signal.SIGSTOP)
            assert until(lambda: server.stats().consumers == 0)


def test_a_closed_server_is_an_error() -> None:
    with each(hr.functional(lambda i: i, size=10**9)) as server:
        cursor = hr.connect(server.address, timeout=0.3).open()
        next(cursor)
    with pytest.raises(LinkError, match=r"closed|gone|no server"):
        for _ in cursor:
            pass
    cursor.close()
