"""Streams on sockets for tests: what is served, and other programs that serve or draw."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import headrace as hr
from headrace.core import same
from headrace.parallel import Server

HERE = "tcp://127.0.0.1:0"
KEY = hr.Key(11)


def settled(look: Callable[[], int]) -> int:
    while True:
        first = look()
        time.sleep(0.05)
        if look() == first:
            return first


def noisy(item: Any, rng: Any) -> Any:
    return item, float(rng.random())


def rows(n: int = 60) -> hr.Stream[Any]:
    return hr.functional(lambda i, rng: {"X": rng.random(3), "y": i}, size=n)


def deep(n: int = 30) -> hr.Stream[Any]:
    """Items in an order, with draws of their own: they have no numbers, and resume by replay."""
    members = [hr.Streamer(range(k, k + n)) | hr.map(noisy) for k in range(4)]
    return hr.StochasticMux(members, n_active=3, rate=5) | hr.shuffle(7)


def each(stream: Any, **more: Any) -> Server:
    return hr.serve(stream, HERE, consumers="each", block=False, **more)


def shared(stream: Any, **more: Any) -> Server:
    return hr.serve(stream, HERE, block=False, **more)


def alike(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))


@contextmanager
def program(code: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another program, and the first line that it prints."""
    head = "import sys, time, numpy as np, headrace as hr\n"
    child = subprocess.Popen(
        [sys.executable, "-c", head + code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        yield child, child.stdout.readline().strip()
    finally:
        child.kill()
        child.communicate()


SERVES = """
with hr.serve(hr.functional(lambda i: i, size=10**9), "tcp://127.0.0.1:0", consumers="each", block=False) as server:
    print(server.address, flush=True)
    time.sleep(600)
"""
