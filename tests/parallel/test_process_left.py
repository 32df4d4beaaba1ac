"""Nothing is left when a run is over, however it ends: dropped, inside another, by a fork, Ctrl-C or an exit."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import WorkerError
from parallel.elsewhere import elsewhere, sleeps
from parallel.left import HANG, MARKS, Held, alive, children, none_alive, until
from support.counts import heavy

pytestmark = MARKS


def _holds_on() -> Any:
    yield 1
    while True:
        try:
            time.sleep(100)
        except BaseException:  # as some libraries' code does
            pass


# --- nothing is left ------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("workers", [1, 3])
def test_opening_and_closing_again_and_again(workers: int, method: str) -> None:
    stream = elsewhere(hr.source(np.arange(5000.0)), workers=workers, start_method=method)
    with stream.open() as cursor:  # whatever Python starts once
        cursor.take(3)
    held = Held()
    for n in range(heavy(100 if method == "fork" else 50)):
        with stream.open() as cursor:
            cursor.take(n % 7)
        assert not held.more()


@pytest.mark.soak
def test_cursors_that_are_dropped() -> None:
    held = Held()
    for _ in range(heavy(100)):
        cursor = elsewhere(hr.Streamer(range(10**9)), ahead=1000).open()
        next(cursor)
        del cursor
        gc.collect()
        assert not held.more()
    for _ in elsewhere(hr.Streamer(range(10**9)), ahead=1000):
        break
    held.check()


def test_one_that_is_dropped_inside_code_of_the_users_ends_too() -> None:
    for source in (sleeps, _holds_on):
        cursor = elsewhere(hr.Streamer(source)).open()
        next(cursor)
        time.sleep(0.02)
        del cursor
        gc.collect()
        assert not multiprocessing.active_children()


def test_many_at_once() -> None:
    n = 30
    streams = [elsewhere(hr.Streamer(range(k, 10**9)), ahead=1000) for k in range(n)]
    cursors = [stream.open() for stream in streams]
    try:
        for step in range(3):
            assert [next(cursor) for cursor in cursors] == [k + step for k in range(n)]
    finally:
        for cursor in cursors:
            cursor.close()


@pytest.mark.soak
def test_threads_with_a_cursor_each() -> None:
    found: dict[int, Any] = {}

    def work(k: int) -> None:
        for _ in range(heavy(500)):
            with elsewhere(hr.source(np.arange(k, k + 500)), workers=2, ahead=4000).open() as cursor:
                found[k] = [int(item) for item in cursor] == list(range(k, k + 500))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10 * HANG)
    assert found == dict.fromkeys(range(6), True)


def test_one_inside_another() -> None:
    inner = elsewhere(hr.Streamer(range(100_000)) | hr.map(abs), ahead=2000)
    outer = elsewhere(inner | hr.map(lambda i: (os.getpid(), i)), ahead=2000)
    with outer.open() as cursor:
        found = cursor.take(100)
        assert [i for _, i in found] == list(range(100))
        assert found[0][0] != os.getpid()
        assert len(children()) == 2
        state = cursor.state()
    with outer.open(at=state) as cursor:
        assert [i for _, i in cursor.take(3000)] == list(range(100, 3100))
    both = hr.zip(elsewhere(hr.Streamer(range(99))), elsewhere(hr.Streamer(range(99))))
    assert list(both) == [(i, i) for i in range(99)]


def test_a_worker_of_a_worker_ends_with_it() -> None:
    before = children()
    inner = elsewhere(hr.Streamer(range(10**9)), ahead=2000)
    with elsewhere(inner, ahead=2000).open() as cursor:
        next(cursor)
        mine = children() - before
        assert len(mine) == 2
        (outer,) = (pid for pid in mine if any(p.pid == pid for p in multiprocessing.active_children()))
        os.kill(outer, signal.SIGKILL)
        with pytest.raises(WorkerError):
            for _ in cursor:
                pass
        assert none_alive(mine)


def test_a_daemonic_process_gets_a_clear_error() -> None:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_in_a_daemon, args=(there,), daemon=True)
    process.start()
    assert here.poll(HANG)
    kind, text = here.recv()
    process.join()
    process.close()
    here.close()
    there.close()
    assert kind == "WorkerError"
    assert "use 'thread' there" in text


def _in_a_daemon(pipe: Any) -> None:
    try:
        pipe.send(("none", str(list(elsewhere(hr.Streamer(range(3)))))))
    except Exception as error:
        pipe.send((type(error).__name__, str(error)))


# --- forks and ends of the consumer -------------------------------------------------------------


def test_a_fork_of_the_users_does_no_harm() -> None:
    stream = elsewhere(hr.Streamer(range(10**6)), ahead=5000)
    with stream.open() as cursor:
        cursor.take(10)
        state = cursor.state()
        child = os.fork()
        if child == 0:
            verdict = 1
            try:
                for use in (cursor.take, cursor.skip):
                    try:
                        use(10_000)
                        verdict = 2
                    except hr.HeadraceError as error:
                        if "before a fork" not in str(error):
                            verdict = 3
                with open(os.devnull) as file:  # it may well have a number that was a pipe's
                    cursor.close()
                    gc.collect()
                    os.fstat(file.fileno())
                with stream.open(at=state) as mine:
                    verdict = verdict if verdict > 1 or next(mine) != 10 else 0
            finally:
                os._exit(verdict)
        assert until(lambda: os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert cursor.take(3000) == list(range(10, 3010))


SCRIPT = """
import os, sys, time, gc, signal
import headrace as hr
def numbers():
    try:
        yield os.getpid()
        while True:
            time.sleep(0.01)
            yield os.getpid()
    finally:
        pass
def endless():
    yield os.getpid()
    time.sleep(100)
def main():
    {body}
if __name__ == "__main__":
    main()
"""


def script(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(body=textwrap.indent(textwrap.dedent(body), "    ").strip()))
    return path


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("source", ["numbers", "endless"])
def test_the_interpreter_ends_with_a_cursor_open(method: str, source: str, tmp_path: Path) -> None:
    path = script(
        tmp_path,
        f"""
        global cursor
        cursor = (hr.Streamer({source}) | hr.background("process", start_method={method!r})).open()
        print(next(cursor), flush=True)
        """,
    )
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=HANG, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert until(lambda: not alive(int(done.stdout)), 2 * 20)


def test_a_child_of_a_fork_that_ends_like_a_program_says_nothing(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        """
        global cursor
        cursor = (hr.Streamer(numbers) | hr.background("process")).open()
        next(cursor)
        child = os.fork()
        if child == 0:
            sys.exit(0)
        os.waitpid(child, 0)
        next(cursor)
        cursor.close()
        """,
    )
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=HANG, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("where", ["in the loop", "in a worker that sleeps"])
def test_ctrl_c_ends_everything(where: str, method: str, tmp_path: Path) -> None:
    source = "numbers" if where == "in the loop" else "endless"
    path = script(
        tmp_path,
        f"""
        try:
            for pid in hr.Streamer({source}) | hr.background("process", start_method={method!r}):
                print(pid, flush=True)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """,
    )
    run = subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert run.stdout is not None
    worker = int(run.stdout.readline())
    time.sleep(0.05)
    began = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)
    out, errors = run.communicate(timeout=HANG)
    assert time.monotonic() - began < 2 * 20
    assert out.endswith("interrupted\n")
    assert (run.returncode, errors) == (0, "")
    assert until(lambda: not alive(worker))


def test_sockets_end_while_signals_are_handled() -> None:
    """Once a DataLoader has had workers torch handles SIGCHLD, which comes just when a worker ends."""
    before = signal.signal(signal.SIGCHLD, lambda *told: None)
    try:
        for _ in range(heavy(500)):
            with (hr.source(np.arange(50)) | hr.background("zmq", workers=2)).open(hr.Key(0)) as cursor:
                assert cursor.take(2) == [0, 1]
    finally:
        signal.signal(signal.SIGCHLD, before)
