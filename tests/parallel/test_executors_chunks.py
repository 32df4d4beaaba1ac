"""How calls are put together, taken apart and handed out again."""

from __future__ import annotations

import itertools
import pickle
import threading
import time
from typing import Any

import numpy as np
import pytest

from headrace.parallel.executors import outcomes
from headrace.parallel.executors.carry import is_plain, weight
from headrace.parallel.executors.chunk import BUDGET, Chunk, Done, run
from headrace.parallel.executors.failure import arrived, packed
from headrace.parallel.executors.sizes import Sizes
from headrace.parallel.executors.source import Source
from headrace.parallel.executors.task import Task, name_of


def done(n: int, seconds: float, nbytes: int = 0) -> Done:
    made = Done()
    made.values = [0] * n
    made.seconds.extend([seconds] * n)
    made.nbytes = n * nbytes
    return made


def grown(seconds: float, nbytes: int = 0, rounds: int = 20) -> int:
    sizes = Sizes(2)
    for _ in range(rounds):
        sizes.learn(done(sizes.n, seconds, nbytes))
    return sizes.n


def test_cheap_calls_travel_together_and_long_ones_alone() -> None:
    assert grown(1e-7) >= 1000
    assert 5 <= grown(1e-3) <= 20
    assert grown(0.1) == 1
    assert grown(1e-6, nbytes=80_000) <= 14
    assert grown(1e-6, nbytes=1 << 30) == 1


def test_a_size_grows_step_by_step_and_falls_at_once() -> None:
    sizes = Sizes(2)
    ns = []
    for _ in range(6):
        sizes.learn(done(sizes.n, 1e-7))
        ns.append(sizes.n)
    assert all(b <= 8 * a for a, b in itertools.pairwise([1, *ns]))
    sizes.learn(done(sizes.n, 1.0))
    assert sizes.n == 1


def test_the_last_calls_are_shared_out() -> None:
    sizes = Sizes(2)
    sizes.n = 1000
    assert sizes.fair(None) == 1000
    assert sizes.fair(100) == 25
    assert sizes.fair(1) == 1


def test_a_source_numbers_calls_and_hands_out_again_what_comes_back_first() -> None:
    sizes = Sizes(1)
    sizes.n = 4
    source = Source(({"x": i} for i in range(6)), sizes)
    first = source.take()
    assert first is not None
    assert first.numbers == [0, 1, 2, 3]
    source.give_back(first, 1, {2})
    numbers = []
    while (chunk := source.take()) is not None:
        numbers += chunk.numbers
        assert [call["x"] for call in chunk.calls] == chunk.numbers
    assert numbers == [1, 3, 4, 5]


def test_a_chunk_ends_when_its_time_is_over() -> None:
    chunk = Chunk(list(range(10)), [{"x": BUDGET / 2.5}] * 10)
    task = Task(lambda x: time.sleep(x))
    assert 1 <= len(run(task, chunk).values) <= 3


def test_calls_that_suddenly_take_long_are_shared_by_all() -> None:
    """A thousand cheap calls, then long ones: those that travelled with the cheap ones are handed out again."""
    running, most, lock = 0, 0, threading.Lock()

    def call(i: int) -> None:
        nonlocal running, most
        if i >= 1000:
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.12)
            with lock:
                running -= 1

    assert len(list(outcomes(call, ({"i": i} for i in range(1012)), executor="threads", num_workers=4))) == 1012
    assert most >= 3


def test_nothing_begins_after_the_end() -> None:
    task = Task(lambda: 1)
    task.finish()
    assert not run(task, Chunk([0], [{}])).wanted


def test_a_file_says_whether_results_are_wanted_and_goes_with_the_run() -> None:
    task = Task(lambda: big[0], near=True) if (big := np.zeros(100_000)).size else None
    assert task is not None
    assert task.path is not None
    copy = pickle.loads(pickle.dumps(task))
    assert copy.fn() == 0
    assert copy.wanted
    task.finish()
    assert not copy.wanted


@pytest.mark.parametrize("value", [1, 1.0, "a", b"a", None, True, 1j, np.float32(1), np.zeros(3), [1, (2, {"a": 3})]])
def test_plain_values(value: Any) -> None:
    assert is_plain(value)
    assert weight(value) > 0


@pytest.mark.parametrize(
    "value", [print, {1: 2}, {1}, object(), np.array([None]), [[[[[1]]]]], np.ma.masked_array([1]), Ellipsis]
)
def test_values_that_are_not_plain(value: Any) -> None:
    assert not is_plain(value)
    assert weight(value) > 0


def test_names_of_functions() -> None:
    from functools import partial

    class Called:
        def __call__(self) -> None: ...

    assert name_of(partial(partial(test_names_of_functions))) == "test_names_of_functions"
    assert name_of(lambda: 0) == "<lambda>"
    assert name_of(Called()) == "Called"
    assert name_of(partial(Called())) == "Called"


def test_an_error_that_no_pickler_takes_is_told_in_words() -> None:
    class Refuses(Exception):
        def __reduce__(self) -> Any:
            raise TypeError("never")

        def __new__(cls, *args: Any) -> Refuses:
            if args == ("again",):
                return super().__new__(cls, *args)
            raise TypeError("no")

    error = arrived(packed(Refuses("again")), 4, "f")
    assert "Refuses: again" in str(error) or isinstance(error, Refuses)
    assert error.__notes__ == ["  while running call 4 of f"]
