"""Large results of worker processes: through memory that both share, whole, and nobody else's afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from headrace.parallel.executors import outcomes, shutdown
from headrace.parallel.executors.lane import Lane
from headrace.parallel.executors.messages import receive, send, size_of, written
from parallel.left import MARKS

pytestmark = MARKS


@pytest.fixture(autouse=True)
def _cold(nothing_left: None) -> Iterator[None]:
    yield
    shutdown()


def ends() -> tuple[Lane, Lane]:
    fd = Lane.file()
    made = Lane(fd), Lane(fd)
    os.close(fd)
    return made


def test_what_is_offered_is_fetched_in_turn() -> None:
    writer, reader = ends()

    def parts(k: int) -> list[memoryview]:
        return [memoryview(bytes([k + j]) * (1000 * (j + 1))) for j in range(3)]

    for k in range(0, 40, 4):
        assert writer.offer(parts(k))
        assert writer.offer(parts(k + 1))
        assert not writer.offer(parts(k + 2))  # both halves are taken
        first = reader.fetch([1000, 2000, 3000])
        assert writer.offer(parts(k + 3))  # over the first, which is copied out
        assert [bytes(part) for part in first] == [bytes(part) for part in parts(k)]
        for wanted in (k + 1, k + 3):
            assert [bytes(part) for part in reader.fetch([1000, 2000, 3000])] == [bytes(part) for part in parts(wanted)]
    assert not writer.offer([memoryview(bytes(1 << 21)), memoryview(b"x")])
    assert writer.offer([memoryview(bytes(1 << 21))])


def test_large_arrays_are_not_in_the_pipe() -> None:
    writer, reader = ends()
    tell, out = os.pipe()
    try:
        sent = [np.arange(40_000) + k for k in range(4)]  # 1.3 MB: a pipe of 64 KB would have us wait for ever
        assert size_of(written(sent)) > 1 << 20
        send(out, written(sent), writer)
        found = receive(tell, reader)
        assert [each.tolist() for each in found] == [each.tolist() for each in sent]
        found[0][:] = 0
        assert sent[0][1] == 1
    finally:
        os.close(tell)
        os.close(out)


def test_results_of_any_size_come_whole_however_slowly_they_are_taken() -> None:
    def make(i: int) -> Any:
        size = (10, 2_000, 30_000, 300_000)[i % 4]  # up to 2.4 MB: more than there is room for
        return np.full(size, i), {"twice": [np.full(size // 2, -i), i]}

    kept: dict[int, Any] = {}
    for i, outcome in outcomes(make, ({"i": i} for i in range(200)), parallel=2):
        kept[i] = outcome.value
        if i % 50 == 0:
            sum(range(1_000_000))  # meanwhile both workers have more than is fetched
    for i in range(200):
        one, two = kept[i]
        assert len(one) == (10, 2_000, 30_000, 300_000)[i % 4]
        assert (one == i).all()
        assert (two["twice"][0] == -i).all()
        assert two["twice"][1] == i
        one[:] = -1  # its own memory: no other result changes
        kept[i] = None


def test_a_cheap_call_takes_few_steps_in_the_program() -> None:
    def steps(n: int) -> int:
        found = 0

        def count(*_: Any) -> None:
            nonlocal found
            found += 1

        coming = outcomes(lambda i: i + 1, [{"i": i} for i in range(n)], parallel=2)
        sys.setprofile(count)
        try:
            for _ in coming:
                pass
        finally:
            sys.setprofile(None)
        return found

    steps(2000)
    assert (steps(12_000) - steps(2000)) / 10_000 < 32
