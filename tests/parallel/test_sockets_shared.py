"""Consumers that share one pass: each item goes to one of them, whoever comes and goes."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

import headrace as hr
from parallel.left import HANG, MARKS, until
from parallel.served import KEY, alike, program, rows, shared

pytestmark = MARKS


def test_consumers_that_share_get_each_item_once() -> None:
    found: list[list[int]] = [[], [], []]

    def consume(k: int, address: str) -> None:
        for item in hr.connect(address, ahead=4000):
            found[k].append(item)
            time.sleep(0.0002)

    with shared(range(2000), ahead=4000) as server:
        threads = [threading.Thread(target=consume, args=(k, server.address)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG)
        assert server.wait(HANG), "all is given away"
        stats = server.stats()
        assert (stats.items, stats.lost, stats.in_flight, stats.consumers) == (2000, 0, 0, 0)
    assert sorted([*found[0], *found[1], *found[2]]) == list(range(2000))
    assert all(found), "each got some"
    assert all(part == sorted(part) for part in found)


def test_what_a_consumer_leaves_others_get() -> None:
    with shared(range(1000)) as server:
        stream = hr.connect(server.address)
        found = []
        for n in (0, 1, 10, 200):
            with stream.open() as cursor:
                found += cursor.take(n)
            assert until(lambda: server.stats().consumers == 0)
        found += list(stream)
        assert sorted(found) == list(range(1000))
        assert server.wait(HANG)
        assert server.stats().lost == 0
    with shared(range(100)) as server:
        stream = hr.connect(server.address)
        with stream.open() as slow:
            next(slow)
            assert len(list(stream)) + len(list(slow)) == 99


def test_what_is_shared_cannot_be_resumed() -> None:
    with shared(rows(), key=KEY) as server:
        stream = hr.connect(server.address)
        assert stream.resume == "none"
        assert stream.size is None
        assert "share its items" in str(stream)
        with stream.open() as cursor, pytest.raises(hr.ResumeError, match='consumers="each"'):
            cursor.state()
        assert alike(list(stream), rows().open(KEY).take(100))


def test_serving_blocks_until_all_is_given_away(folder: Path) -> None:
    address = f"ipc://{folder}/s"
    code = f"print('go', flush=True)\nprint(hr.serve(range(100), {address!r}).stats().items)"
    with program(code) as (child, _):
        assert list(hr.connect(address, timeout=HANG)) == list(range(100))
        assert child.wait(HANG) == 0
        assert child.stdout is not None
        assert child.stdout.read().strip() == "100"


def test_a_consumer_without_work_waits_for_what_others_leave() -> None:
    with shared(range(3000)) as server:
        stream = hr.connect(server.address)
        holds = stream.open()
        first = holds.take(1000)
        rest: list[int] = []
        waits = threading.Thread(target=lambda: rest.extend(stream))
        waits.start()
        assert until(lambda: server.stats().consumers == 2 and server.stats().waiting == 0)
        for _ in range(20):  # it waits, for longer than its grace, while the other goes on
            first += holds.take(50)
            time.sleep(0.02)
        assert waits.is_alive(), "there may be more"
        holds.close()
        waits.join(HANG)
        assert sorted(first + rest) == list(range(3000))
        assert server.wait(HANG)
        assert server.stats().lost == 0


def test_consumers_that_wait_for_each_other_come_to_an_end() -> None:
    """As members of one mux: while one waits, the other is not asked for what it has."""
    with shared(range(2000)) as server:
        mux = hr.RoundRobinMux([hr.connect(server.address), hr.connect(server.address)])
        assert sorted(mux) == list(range(2000))
        assert server.wait(HANG)
        assert server.stats().lost == 0


@pytest.mark.parametrize("n", [0, 1, 100])
def test_all_is_given_away_to_one_that_did_not_ask_for_the_end(n: int) -> None:
    with shared(range(n)) as server:
        with hr.connect(server.address).open() as cursor:
            assert cursor.take(n) == list(range(n))
            if not n:
                assert list(cursor) == []
        assert server.wait(HANG)
        assert server.stats()[4:] == (0, 0)


def test_a_consumer_that_asks_for_more_tells_others_that_it_has_nothing() -> None:
    """Or each of two that have had their last item would hold back the end of the other."""
    gate = threading.Semaphore(0)

    @hr.streamable
    def two() -> Any:
        yield 0
        yield 1
        assert gate.acquire(timeout=HANG)

    with shared(two()) as server:
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.extend(hr.connect(server.address))) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert until(lambda: server.stats()[:4:3] == (2, 0) and len(found) == 2), (
            "the server knows that they have nothing"
        )
        gate.release()
        for thread in threads:
            thread.join(HANG)
        assert sorted(found) == [0, 1]


class Slow(hr.Stream[Any]):
    """Three items of a cursor that takes its time to close."""

    def start(self, key: hr.Key) -> hr.Cursor[Any]:
        return SlowRun(self, key)


class SlowRun(hr.Cursor[Any]):
    def run(self) -> Any:
        while self.count < 3:
            self.count += 1
            yield self.count

    def release(self) -> None:
        time.sleep(0.3)


def test_all_is_given_away_when_the_stream_ends_behind_its_last_consumer() -> None:
    with shared(Slow()) as server:
        with hr.connect(server.address).open() as cursor:
            assert cursor.take(3) == [1, 2, 3]
        assert until(lambda: server.stats().consumers == 0)
        assert server.wait(HANG)
