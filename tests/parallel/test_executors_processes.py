"""Worker processes of our own: kept warm, replaced when they die, ended with the program, and in nobody's way."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import StreamConfigError, WorkerError
from headrace.parallel.executors import outcomes, shutdown
from headrace.parallel.executors.crew import Engine
from headrace.parallel.executors.futures import FutureCrew
from headrace.parallel.executors.on_dask import submit_of
from headrace.parallel.executors.task import Task
from parallel.left import HANG, MARKS, alive, children, none_alive, until
from support.counts import heavy
from support.require import require

pytestmark = MARKS


@pytest.fixture(autouse=True, scope="module")
def _none_before() -> None:
    """Workers that an earlier module kept warm are not the ones meant here."""
    shutdown()


@pytest.fixture(autouse=True)
def _cold(nothing_left: None) -> Iterator[None]:
    yield
    shutdown()


def run(fn: Any, n: int, **asked: Any) -> list[Any]:
    found: list[Any] = [None] * n
    for i, outcome in outcomes(fn, ({"i": i} for i in range(n)), **(asked or {"parallel": 2})):
        found[i] = outcome.error or outcome.value
    return found


def ours() -> set[int]:
    return children()


def test_workers_stay_warm_and_forget_what_they_did() -> None:
    big = np.zeros(1_000_000)
    first = set(run(lambda i: (os.getpid(), big.nbytes)[0], 50))
    warm = ours()
    assert first <= warm
    assert set(run(lambda i: os.getpid(), 50)) <= warm
    assert ours() == warm
    shutdown()
    assert until(lambda: ours() == set())


def test_no_more_workers_than_calls() -> None:
    run(lambda i: time.sleep(0.05), 2, parallel=8)
    assert len(ours()) <= 2


def test_a_number_of_workers_is_that_many() -> None:
    def naps(i: int) -> int:
        time.sleep(0.3)
        return os.getpid()

    pids = run(naps, 6, parallel=3)
    assert len(set(pids)) == 3


def test_workers_know_what_is_around_the_program_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(lambda i: i, 4)
    (tmp_path / "just_written.py").write_text("def there():\n    return 'there'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADRACE_TEST_SAYS", "so")

    def looks(i: int) -> Any:
        import just_written  # type: ignore[import-not-found]  # written above

        return just_written.there(), os.getcwd(), os.environ["HEADRACE_TEST_SAYS"]

    assert run(looks, 4) == [("there", str(tmp_path), "so")] * 4


def test_a_module_that_has_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    file = tmp_path / "headrace_changing.py"
    file.write_text("def there(i):\n    return 'old'\n")
    monkeypatch.syspath_prepend(tmp_path)
    changing: Any = importlib.import_module("headrace_changing")
    assert run(changing.there, 3) == ["old"] * 3
    time.sleep(0.01)
    file.write_text("def there(i):\n    return 'newer'\n")
    importlib.invalidate_caches()
    importlib.reload(changing)
    assert run(changing.there, 3) == ["newer"] * 3


def test_what_calls_draw_at_random_differs_between_workers() -> None:
    import random

    drawn = run(lambda i: (random.random(), float(np.random.random())), 40)
    assert len(set(drawn)) == 40


# --- deaths -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_a_call_that_ends_its_worker_is_an_error_and_the_others_go_on(how: str) -> None:
    def dies(i: int) -> int:
        if i in (5, 700):
            if how == "exit":
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        return i

    found = run(dies, 1000)
    assert [i for i in range(1000) if found[i] != i] == [5, 700]
    assert isinstance(found[700], WorkerError)
    assert "call 700 of dies was lost: its worker (pid " in str(found[700])
    assert ("ended with status 0" if how == "exit" else "was killed by SIGKILL") in str(found[700])
    assert run(lambda i: i, 10) == list(range(10))


def test_every_call_may_end_its_worker() -> None:
    found = run(lambda i: os._exit(i), 6)
    assert all(isinstance(each, WorkerError) and f"call {i} of" in str(each) for i, each in enumerate(found))


def test_idle_workers_that_were_killed_are_replaced() -> None:
    run(lambda i: i, 10)
    for pid in ours():
        os.kill(pid, signal.SIGKILL)
    assert run(lambda i: i, 10) == list(range(10))


@pytest.mark.soak
def test_workers_killed_at_random_moments_lose_no_other_call() -> None:
    def naps(i: int) -> int:
        time.sleep(0.001)
        return i

    rng = np.random.default_rng(7)
    for _ in range(heavy(100)):
        done = threading.Event()

        def kills(done: threading.Event = done) -> None:
            while not done.wait(rng.uniform(0.2, 1.0)):
                for pid in list(ours())[:1]:
                    os.kill(pid, signal.SIGKILL)

        thread = threading.Thread(target=kills)
        thread.start()
        try:
            found = run(naps, 2000)
        finally:
            done.set()
            thread.join()
        for i, each in enumerate(found):
            assert each == i or (isinstance(each, WorkerError) and f"call {i} of" in str(each))
        assert sum(each != i for i, each in enumerate(found)) < 100


def test_workers_that_cannot_start_are_an_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("headrace.parallel.executors.pool._BOOT", "import sys; sys.exit(9)  # {path} {fds}")
    with pytest.raises(WorkerError, match="in a row died before they began a call; the last one ended with status 9"):
        run(lambda i: i, 10)


def test_a_program_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerError, match="cannot start a worker process"):
        run(lambda i: i, 10)


# --- ends ---------------------------------------------------------------------------------------------


def test_closing_early_ends_what_is_under_way_at_once() -> None:
    began = time.monotonic()
    some = outcomes(lambda i: time.sleep(0 if i == 0 else 60), ({"i": i} for i in range(100)), parallel=2)
    assert next(some)[0] == 0
    some.close()  # type: ignore[attr-defined]  # it is a generator
    assert time.monotonic() - began < HANG
    assert run(lambda i: i, 3) == [0, 1, 2]


def test_closing_early_may_wait_for_what_is_under_way(tmp_path: Path) -> None:
    def writes(i: int) -> None:
        time.sleep(0.2)
        (tmp_path / str(i)).write_text("")

    some = outcomes(writes, ({"i": i} for i in range(100)), parallel=2, cancel=False)
    next(some)
    some.close()  # type: ignore[attr-defined]
    assert 2 <= len(list(tmp_path.iterdir())) <= 6


@pytest.fixture
def strikes() -> Iterator[Callable[[float], Any]]:
    """Have a KeyboardInterrupt strike in so many seconds, as a Ctrl-C does."""

    def handler(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_ctrl_c_at_any_moment_ends_promptly_and_leaves_the_pool_as_good(strikes: Callable[[float], Any]) -> None:
    rng = np.random.default_rng(3)
    for k in range(heavy(1000)):
        seconds = 0.0 if k % 2 else 0.01

        def naps(i: int, seconds: float = seconds) -> int:
            time.sleep(seconds)
            return i

        strikes(float(rng.uniform(0.0005, 0.3 if k % 5 == 0 else 0.05)))
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run(naps, 1_000_000)
        assert time.monotonic() - began < HANG
        assert len(ours()) <= 2
    assert run(lambda i: i, 300) == list(range(300))


def test_a_call_that_is_given_up_may_clean_up(tmp_path: Path) -> None:
    def works(i: int) -> None:
        if i == 0:
            return
        try:
            (tmp_path / "begun").write_text("")
            time.sleep(60)
        finally:
            (tmp_path / "cleaned").write_text("")

    some = outcomes(works, [{"i": 0}, {"i": 1}], parallel=2)
    next(some)
    assert until((tmp_path / "begun").exists)
    some.close()  # type: ignore[attr-defined]
    assert (tmp_path / "cleaned").exists()
    assert run(lambda i: i, 3) == [0, 1, 2]


def script(text: str, tmp_path: Path, **more: Any) -> subprocess.Popen[str]:
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(text))
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


SLOW = """
    import os, sys, time
    from headrace.parallel.executors import outcomes

    def slow(i):
        os.write(1, b"%d\\n" % os.getpid())  # at once: what two processes print may run together
        time.sleep(60)

    for _ in outcomes(slow, ({"i": i} for i in range(100)), parallel=2):
        pass
"""


def begun(program: subprocess.Popen[str]) -> set[int]:
    assert program.stdout is not None
    return {int(program.stdout.readline()) for _ in range(2)}


def test_ctrl_c_in_a_terminal_reaches_everybody_and_leaves_nobody(tmp_path: Path) -> None:
    with script(SLOW, tmp_path, start_new_session=True) as program:
        workers = begun(program)
        os.killpg(program.pid, signal.SIGINT)
        _, said = program.communicate(timeout=HANG)
    assert "KeyboardInterrupt" in said
    assert said.count("Traceback") == 1, said
    assert none_alive(workers)


def test_workers_do_not_outlive_a_program_that_is_killed(tmp_path: Path) -> None:
    with script(SLOW, tmp_path) as program:
        workers = begun(program)
        program.kill()
        program.communicate(timeout=HANG)
    assert none_alive(workers)


def test_a_script_needs_no_main_guard_and_ends_without_a_word(tmp_path: Path) -> None:
    text = """
        import os
        from headrace.parallel.executors import outcomes
        class Point:
            def __init__(self, x): self.x = x
        def double(x): return helper(x)
        def helper(x): return Point(2 * x)
        for _ in range(2):
            found = dict(outcomes(double, [{"x": i} for i in range(100)], parallel=2))
            assert all(type(o.value) is Point and o.value.x == 2 * i for i, o in found.items())
        print("done")
    """
    with script(text, tmp_path) as program:
        out, err = program.communicate(timeout=2 * HANG)
    assert (out, err) == ("done\n", "")


def test_what_calls_print_is_to_be_seen(tmp_path: Path) -> None:
    text = """
        from headrace.parallel.executors import outcomes
        print([o.error for _, o in outcomes(lambda x: print("call", x), [{"x": 1}], parallel=2)])
    """
    with script(text, tmp_path) as program:
        out, err = program.communicate(timeout=2 * HANG)
    assert out.splitlines() == ["call 1", "[None]"]
    assert err == ""


def test_a_fork_of_the_program_has_workers_of_its_own() -> None:
    run(lambda i: i, 10)
    mine = ours()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            good = run(lambda i: i, 10) == list(range(10))
            shutdown()
            os.write(write, b"y" if good else b"n")
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    assert os.read(read, 1) == b"y"
    os.close(read)
    assert os.waitpid(child, 0)[1] == 0
    assert all(map(alive, mine))
    assert set(run(lambda i: os.getpid(), 20)) <= mine


def test_a_call_may_have_workers_of_its_own() -> None:
    def outer(i: int) -> list[int]:
        from headrace.parallel import executors

        return sorted(
            outcome.value for _, outcome in executors.outcomes(lambda j: 10 * i + j, [{"j": 1}, {"j": 2}], parallel=2)
        )

    assert run(outer, 3) == [[1, 2], [11, 12], [21, 22]]


def test_threads_may_run_at_the_same_time() -> None:
    found: dict[int, list[int]] = {}

    def runs(k: int) -> None:
        found[k] = run(lambda i: 1000 * k + i, 300)

    threads = [threading.Thread(target=runs, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {k: [1000 * k + i for i in range(300)] for k in range(4)}


# --- what travels -------------------------------------------------------------------------------------


def test_large_arguments_and_results_travel_both_ways() -> None:
    calls = [{"x": np.full(2_000_000, float(i))} for i in range(8)]
    for i, outcome in outcomes(lambda x: x + 1, calls, parallel=2):
        assert outcome.error is None
        assert (outcome.value == i + 1).all()


def test_a_function_that_cannot_be_sent_is_refused_at_once() -> None:
    lock = threading.Lock()
    with pytest.raises(StreamConfigError, match="cannot be sent to a worker process: TypeError: cannot pickle"):
        run(lambda i: lock, 3)


def test_a_function_that_cannot_be_read_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    module = types.ModuleType("nowhere_to_be_found")
    exec("def lost(i):\n    return i", module.__dict__)
    monkeypatch.setitem(sys.modules, "nowhere_to_be_found", module)
    with pytest.raises(StreamConfigError, match="lost cannot be read by the workers: ModuleNotFoundError"):
        run(module.lost, 3)


def test_joblib_and_scikit_learn_go_on_working_beside_it(tmp_path: Path) -> None:
    """B11: xyzpy shares loky's process-wide executor, and joblib dies of what it leaves there."""
    require("joblib")
    require("sklearn")
    text = """
        import joblib
        import numpy as np
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_val_score
        from headrace.parallel.executors import outcomes

        rng = np.random.default_rng(0)
        x = rng.normal(size=(60, 2))
        y = (x[:, 0] > 0).astype(int)

        def joblibs():
            assert joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-i) for i in range(20)) == list(range(20))
            assert cross_val_score(LogisticRegression(), x, y, cv=3, n_jobs=2).mean() > 0.8

        for _ in range(2):
            some = outcomes(lambda i: i, ({"i": i} for i in range(20)), parallel=2)
            next(some)
            joblibs()
            assert len(list(some)) == 19
            joblibs()
        print("done")
    """
    with script(text, tmp_path) as program:
        out, err = program.communicate(timeout=3 * HANG)
    assert (out, err) == ("done\n", "")


def test_a_worker_that_dies_is_noticed_though_what_it_forked_lives_on(tmp_path: Path) -> None:
    """The child holds the worker's pipe open: its end is no sign that can be waited for."""

    def call(i: int) -> int:
        if i == 1:
            child = os.fork()
            if child == 0:
                time.sleep(HANG)
                os._exit(0)
            told.write_text(str(child))
            os.kill(os.getpid(), signal.SIGKILL)
        return i

    told = tmp_path / "child"
    before = time.monotonic()
    found = run(call, 4)
    assert time.monotonic() - before < HANG / 2
    assert isinstance(found.pop(1), WorkerError)
    assert found == [0, 2, 3]
    os.kill(int(told.read_text()), signal.SIGKILL)


def test_no_call_of_a_chunk_is_made_after_one_that_fails_where_that_is_the_end(tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def call(i: int) -> int:
        with open(calls, "a") as file:
            file.write(f"{i}\n")
        if i == 500:
            raise ValueError("no luck")
        return i

    came = []
    for i, outcome in outcomes(call, ({"i": i} for i in range(5000)), parallel=1, executor="processes", stops=True):
        if outcome.error is not None:
            break
        came.append(i)
    assert came == list(range(500))
    assert [int(line) for line in calls.read_text().split()][-1] == 500


def test_the_file_of_a_run_stays_young(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system removes files of temporary folders that nobody has touched for days; a run may take weeks."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    task = Task(len, near=True)
    (path,) = tmp_path.glob("headrace-*.task")
    os.utime(path, (0, 0))
    assert pickle.loads(pickle.dumps(task)).wanted
    assert path.stat().st_mtime > time.time() - 1000
    task.finish()
    assert not task.wanted


def test_a_function_that_dask_has_got_is_not_taken_for_another() -> None:
    """Numbers of objects come back when these are gone; a client that is used again must not mix up functions."""

    class Client:
        asynchronous = False

        def scatter(self, task: Any, **_: Any) -> Any:
            return pickle.loads(pickle.dumps(task))

        def submit(self, fn: Any, task: Any, chunk: Any, pure: bool) -> Any:
            made: Future[Any] = Future()
            made.set_result(fn(task, chunk))
            return made

    submit = submit_of(Client())
    engine = Engine("dask", lambda task: FutureCrew(task, submit, 2))
    for k in range(50):
        large = np.full(20_000, float(k))
        found = [outcome.value for _, outcome in outcomes(lambda i, large=large: large[i], [{"i": 1}], executor=engine)]
        assert found == [k]
