"""Whoever is killed, whenever: the others end, and nothing is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import WorkerError
from parallel import killed
from parallel.left import HANG, MARKS, children, none_alive
from support.counts import heavy

pytestmark = MARKS
DRIVER = Path(killed.__file__)


def shared() -> set[str]:
    return set(os.listdir("/dev/shm"))


@pytest.mark.soak
@pytest.mark.parametrize("name", list(killed.STREAMS))
def test_a_killed_consumer_leaves_no_worker(name: str) -> None:
    chance = random.Random(name)
    before, took = shared(), []
    for n in range(heavy(100)):  # 2 in the suite
        run = subprocess.Popen(
            [sys.executable, str(DRIVER), name, chance.choice(["0", "0.001"])], stdout=subprocess.PIPE, text=True
        )
        assert run.stdout is not None
        assert run.stdout.readline()
        time.sleep(chance.uniform(0, 0.05))
        workers = children(run.pid)
        assert workers
        began = time.monotonic()
        run.kill()
        run.communicate(timeout=HANG)
        assert none_alive(workers), f"round {n}: {workers} outlive their consumer"
        took.append(time.monotonic() - began)
    assert not {name for name in shared() - before if "headrace" in name}
    print(f"{name}: gone after {max(took):.3f} s at most")


@pytest.mark.soak
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("name", ["one", "many", "mux", "nested"])
def test_a_killed_worker_is_an_error_and_leaves_none(name: str, method: str) -> None:
    """And the run goes on from where it was, item for item."""
    chance = random.Random(name)
    stream = killed.STREAMS[name]()
    stream = stream.with_(start_method=method)
    if method == "spawn" and name == "nested":
        return
    key = hr.Key(5)
    with stream.open(key) as cursor:
        expected = [_told(item) for item in cursor.take(2000)]
    took = []
    for _ in range(heavy(100 if method == "fork" else 50)):
        before = children()
        with stream.open(key) as cursor:
            found = [_told(item) for item in cursor.take(chance.randrange(1, 900))]
            workers = children() - before
            victim = chance.choice(sorted(workers))
            os.kill(victim, signal.SIGKILL)
            began, died = time.monotonic(), 0
            while len(found) < 2000:
                try:
                    found.append(_told(next(cursor)))
                except WorkerError:
                    if not died:
                        took.append(time.monotonic() - began)
                    died += 1
                    assert died < 3
            assert found == expected
        assert none_alive(workers)
    print(f"{name} {method}: told after {max(took, default=0):.3f} s at most")


def _told(item: Any) -> tuple[Any, ...]:
    return tuple(int(part.flat[0]) if isinstance(part, np.ndarray) else part for part in item.values())
