"""RayExecutor by itself: the interface of concurrent.futures, on Ray."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from headrace.errors import HeadraceWarning
from headrace.parallel.executors import RayExecutor, RayGPUExecutor
from support.require import require

ray = require("ray")

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
]


@pytest.fixture(scope="module")
def executor() -> Iterator[RayExecutor]:
    paths = os.pathsep.join(path for path in sys.path if path)
    env = {"env_vars": {"PYTHONPATH": paths}}
    with RayExecutor(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=env) as made:
        yield made


def test_calls_return_futures(executor: RayExecutor) -> None:
    future = executor.submit(lambda x, y: x + y, 1, y=2)
    assert future.result(timeout=100) == 3
    assert future.done()
    assert not future.cancel()
    assert executor.num_workers == 2


def test_what_a_call_raises_is_raised(executor: RayExecutor) -> None:
    with pytest.raises(ZeroDivisionError):
        executor.submit(lambda: 1 / 0).result()


def test_callables_that_are_no_functions(executor: RayExecutor) -> None:
    assert executor.submit(partial(pow, 2), 5).result() == 32
    assert executor.submit(len, [1, 2]).result() == 2


def test_futures_among_the_arguments_are_what_they_return(executor: RayExecutor) -> None:
    one, big = executor.submit(lambda: 1), executor.scatter(np.arange(1000))
    found = executor.submit(lambda a, b, c: (a["x"][0] + 1, int(b.sum()), c), {"x": (one,)}, big, c=[one]).result()
    assert found == (2, 499500, [1])


def test_map_keeps_the_order(executor: RayExecutor) -> None:
    assert list(executor.map(lambda a, b: a * b, range(5), range(5))) == [0, 1, 4, 9, 16]


def test_options_of_a_call(executor: RayExecutor) -> None:
    def naps(seconds: float) -> float:
        time.sleep(seconds)
        return time.time()

    began = time.time()
    both = [executor.submit(naps, 0.5, remote_opts={"num_cpus": 2}) for _ in range(2)]
    assert max(future.result() for future in both) - began >= 1.0  # each takes both processors


def test_a_timeout(executor: RayExecutor) -> None:
    future = executor.submit(lambda: time.sleep(30))
    with pytest.raises(TimeoutError):
        future.result(timeout=0.2)
    assert future.cancel()


def test_arguments_are_ignored_when_ray_runs(executor: RayExecutor) -> None:
    with pytest.warns(HeadraceWarning, match="Ray runs already"):
        other: Any = RayGPUExecutor(num_cpus=7, gpus_per_task=0.5)
    assert other.default_remote_opts == {"num_gpus": 0.5}
    other.shutdown()  # which it has not started
    assert executor.submit(lambda: 4).result() == 4
