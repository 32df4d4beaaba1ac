"""Who runs the calls: every way to say it, and what is said to who says it wrong."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import multiprocessing.pool
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import HeadraceWarning, MissingExtraError, StreamConfigError, WorkerError
from headrace.parallel.executors import Outcome, outcomes, resolve
from headrace.parallel.executors.counting import cpus, workers_of
from parallel.left import HANG
from support.require import require


class Inline:
    """An executor with ``submit`` alone, whose futures have ``get`` alone."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1

        class Future:
            def get(self) -> Any:
                return fn(*args, **kwargs)

        return Future()


def values(**asked: Any) -> list[Any]:
    found = {i: outcome.value for i, outcome in outcomes(lambda x: x + 1, [{"x": i} for i in range(30)], **asked)}
    return [found[i] for i in range(30)]


def test_nothing_asked_for_is_serial() -> None:
    assert resolve() is None
    assert resolve(parallel=False) is None
    assert resolve(parallel=0) is None
    assert resolve(parallel=np.False_) is None  # type: ignore[arg-type]  # what a comparison of numpy's gives
    assert resolve("serial", parallel=4, num_workers=3) is None
    assert [i for i, _ in outcomes(lambda x: x, [{"x": 0}] * 5)] == list(range(5))


@pytest.mark.parametrize(
    ("asked", "n"),
    [
        ({"parallel": True}, cpus()),
        ({"parallel": np.True_}, cpus()),
        ({"parallel": 3}, 3),
        ({"parallel": np.int64(3)}, 3),
        ({"num_workers": 3}, 3),
        ({"parallel": True, "num_workers": 3}, 3),
        ({"parallel": 5, "num_workers": 3}, 3),
        ({"executor": "processes", "num_workers": 3}, 3),
        ({"executor": "processes"}, cpus()),
    ],
)
def test_worker_processes_of_our_own(asked: Any, n: int) -> None:
    engine = resolve(**asked)
    assert engine is not None
    assert engine.name == f"{n} processes"


@pytest.mark.parametrize("given", [0, -1, 1.5, "2"])
def test_a_number_of_workers_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(StreamConfigError, match=r"num_workers= got .*, wanted a number of workers of at least 1"):
        resolve(num_workers=given)
    if given:
        with pytest.raises(StreamConfigError, match="Pass parallel=True for one per processor"):
            resolve(parallel=given)


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(StreamConfigError, match="got 'loky', wanted one of 'serial', 'threads', 'processes'"):
        outcomes(abs, [], executor="loky")
    with pytest.raises(StreamConfigError, match="got 7, wanted an instance with submit or apply_async"):
        resolve(7)
    with pytest.raises(StreamConfigError, match=r"Call it: ThreadPoolExecutor\(...\)"):
        resolve(concurrent.futures.ThreadPoolExecutor)


@pytest.mark.parametrize(
    ("name", "package"), [("dask", "distributed"), ("ray", "ray"), ("mpi", "mpi4py"), ("joblib", "joblib")]
)
def test_a_name_whose_package_is_missing_says_so(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [each for each in sys.modules if each.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises((MissingExtraError, ImportError), match=package):
        list(outcomes(abs, [], executor=name))


def test_an_executor_needs_no_more_than_submit_and_result_or_get() -> None:
    pool = Inline()
    assert values(executor=pool, num_workers=2) == list(range(1, 31))
    assert pool.calls < 30  # they travelled together


def test_an_executor_that_does_not_say_how_many_it_has_is_noted() -> None:
    with pytest.warns(HeadraceWarning, match="the Inline handed over does not say how many workers it has"):
        assert values(executor=Inline()) == list(range(1, 31))


def test_futures_without_a_result_are_an_error() -> None:
    class Strange:
        def submit(self, *_: Any) -> object:
            return object()

    with pytest.raises(WorkerError, match="returned a object, which has neither"):
        values(executor=Strange(), num_workers=1)


def test_an_executor_that_was_shut_down_is_an_error_that_names_the_calls() -> None:
    pool = concurrent.futures.ThreadPoolExecutor(2)
    pool.shutdown()
    with pytest.raises(
        WorkerError, match="the ThreadPoolExecutor handed over lost calls 0 to 3: RuntimeError: cannot schedule"
    ) as e:
        values(executor=pool)
    assert isinstance(e.value.__cause__, RuntimeError)


def test_executors_of_the_callers_are_never_shut_down() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool, multiprocessing.pool.ThreadPool(2) as threads:
        some = outcomes(lambda x: x, ({"x": i} for i in range(10**9)), executor=pool)
        next(some)
        some.close()  # type: ignore[attr-defined]  # it is a generator
        assert values(executor=pool) == list(range(1, 31))
        assert values(executor=threads) == list(range(1, 31))
        assert pool.submit(abs, -1).result() == 1
        assert threads.apply(abs, (-1,)) == 1


def test_who_knows_how_many_is_asked() -> None:
    with concurrent.futures.ThreadPoolExecutor(5) as pool, multiprocessing.pool.ThreadPool(6) as threads:
        assert workers_of(pool, None, "it") == 5
        assert workers_of(threads, None, "it") == 6
        assert workers_of(pool, 7, "it") == 7


def test_an_engine_is_as_good_as_what_it_was_made_of() -> None:
    engine = resolve("threads", num_workers=2)
    assert values(executor=engine) == list(range(1, 31))
    assert resolve(engine) is engine


def test_joblibs_context_is_honoured_and_an_executor_comes_first() -> None:
    joblib = require("joblib")
    with joblib.parallel_config(backend="threading", n_jobs=2):
        engine = resolve()
        assert engine is not None
        assert engine.name == "joblib"
        assert values() == list(range(1, 31))
        assert resolve("serial") is None
        other = resolve("threads")
        assert other is not None
        assert other.name != "joblib"
    assert resolve() is None


def test_a_context_of_numpys_reaches_threads() -> None:
    with np.errstate(divide="raise"):
        found = list(outcomes(lambda x: np.float64(1) / x, [{"x": 0.0}], executor="threads", num_workers=1))
    assert isinstance(found[0][1].error, FloatingPointError)


def test_outcomes_are_plain_tuples() -> None:
    ((number, outcome),) = outcomes(lambda x: x, [{"x": 3}])
    assert number == 0
    assert isinstance(outcome, Outcome)
    value, error, seconds = outcome
    assert (value, error) == (3, None)
    assert seconds >= 0


def test_an_executor_of_the_callers_is_not_left_busy() -> None:
    """What was handed over and has not begun does nothing once the run is closed, though it cannot be cancelled."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        some = outcomes(lambda x: time.sleep(0.2), ({"x": i} for i in range(1000)), executor=pool)
        next(some)
        some.close()  # type: ignore[attr-defined]  # it is a generator
        began = time.monotonic()
        assert pool.submit(abs, -1).result(HANG) == 1
        assert time.monotonic() - began < HANG
    assert not list(Path(tempfile.gettempdir()).glob(f"headrace-{os.getpid()}-*"))


def test_a_ctrl_c_ends_a_run_on_an_executor_of_the_callers() -> None:
    def handler(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            for seconds in (0.3, 0.05, 0.02):
                signal.setitimer(signal.ITIMER_REAL, seconds)
                with pytest.raises(KeyboardInterrupt):
                    for _ in outcomes(lambda x: time.sleep(0.01), ({"x": i} for i in range(10**6)), executor=pool):
                        pass
            assert values(executor=pool) == list(range(1, 31))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not list(Path(tempfile.gettempdir()).glob(f"headrace-{os.getpid()}-*"))
