"""Cursors on sockets that are dropped, or left open at the end of a program: nothing hangs, is left, or is lost."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import headrace as hr
from headrace.parallel.hand_socket import _Line
from parallel.left import HANG, MARKS, until
from parallel.served import each, program, shared

pytestmark = MARKS


def ran(code: str, folder: Path) -> str:
    """What another program prints. It ends, says nothing else, and leaves no folder behind."""
    path = folder / "script.py"
    path.write_text(
        "import gc, os, sys, tempfile\nimport headrace as hr\n"
        f"tempfile.tempdir = {str(folder)!r}\n"
        f"def main():\n{code}\nif __name__ == '__main__':\n    main()\n"
    )
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=HANG, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(folder.glob("headrace-*"))
    return done.stdout.strip()


OPENED = """
    global cursor
    cursor = (hr.Streamer(range(10**9)) | hr.background("zmq", ahead=10_000, start_method={method!r})).open()
    print(cursor.take({n}))
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize(
    "end", ["", "    del cursor\n    gc.collect()\n", "    cursor.again = cursor\n    del cursor\n"]
)
def test_a_worker_behind_a_socket_that_is_dropped(n: int, end: str, method: str, folder: Path) -> None:
    assert ran(OPENED.format(n=n, method=method) + end, folder) == str(list(range(n)))


def test_many_that_are_dropped_leave_nothing() -> None:
    before = set(Path(tempfile.gettempdir()).glob("headrace-*"))
    for k in range(10):
        cursor = (hr.Streamer(range(10**9)) | hr.background("zmq", ahead=10_000)).open()
        cursor.take(k % 3)
        del cursor
    gc.collect()
    assert set(Path(tempfile.gettempdir()).glob("headrace-*")) <= before


def test_a_child_of_a_fork_does_no_harm_to_it(folder: Path) -> None:
    code = (
        OPENED.format(n=1, method="fork")
        + """
    child = os.fork()
    if child == 0:
        del cursor
        gc.collect()
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(cursor.take(5000)[-1])
    cursor.close()
"""
    )
    assert ran(code, folder).split("\n") == ["[0]", "0", "5000"]


def test_a_child_of_a_fork_closes_no_line_of_its_parents() -> None:
    line = _Line()
    try:
        child = os.fork()
        if child == 0:
            line.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert Path(line.address.removeprefix("ipc://")).exists()
    finally:
        line.close()
    assert not Path(line.address.removeprefix("ipc://")).parent.exists()


def all_left(server: Any) -> bool:
    """Wait until no consumer is there. What is dropped is collected in each look: a collection that another thread is at
    makes ``gc.collect()`` return at once, having done nothing.
    """
    return until(lambda: gc.collect() >= 0 and server.stats().consumers == 0)


# --- what a server gives away ---------------------------------------------------------------------


def counts(n: int) -> hr.Stream[Any]:
    return hr.Streamer(range(n))


@pytest.mark.parametrize("taken", [0, 1, 2, 100, 1500, 3000])
def test_what_a_dropped_consumer_was_not_given_others_get(taken: int) -> None:
    with shared(counts(3000)) as server:
        cursor = hr.connect(server.address).open()
        found = cursor.take(taken)
        del cursor
        gc.collect()
        assert all_left(server)
        if taken < 3000:
            found += list(hr.connect(server.address))
        assert found == list(range(3000))
        assert server.wait(HANG)
        assert server.stats().lost == 0


def test_what_a_program_was_not_given_that_ends_without_closing_others_get() -> None:
    with shared(counts(3000)) as server:
        code = (
            f"import threading\ncursor = hr.connect({server.address!r}).open()\n"
            "threading.Thread(target=lambda c: time.sleep(600), args=(cursor,), daemon=True).start()\n"  # keeps it
            "print(len(cursor.take(1234)), flush=True)"
        )
        with program(code) as (child, taken):
            assert taken == "1234"
            assert child.wait(HANG) == 0
            assert child.stderr is not None
            assert child.stderr.read() == ""
        assert list(hr.connect(server.address)) == list(range(1234, 3000))
        assert server.stats().lost == 0


def test_what_a_failed_take_has_drawn_others_get_when_its_cursor_goes() -> None:
    def bad(i: int) -> int:
        if i == 5:
            raise KeyError(i)
        return i

    for drops in (False, True):
        with shared(counts(9) | hr.map(bad)) as server:
            cursor = hr.connect(server.address).open()
            with pytest.raises(KeyError):
                cursor.take(7)
            assert cursor.position == 0
            if not drops:
                cursor.close()
            cursor = hr.connect(server.address).open()  # the other is dropped, where it is not closed
            gc.collect()
            with cursor:
                found = []
                while True:
                    try:
                        found.append(next(cursor))
                    except KeyError:
                        cursor.skip()
                    except StopIteration:
                        break
            assert all_left(server)
            assert found == sorted(set(found)), "none comes twice"
            assert len(found) + server.stats().lost == 8, "what was taken up too early is counted"


def test_a_dropped_consumer_of_its_own_pass_leaves() -> None:
    with each(counts(10**9)) as server:
        for taken in (0, 1, 5000):
            cursor = hr.connect(server.address).open()
            cursor.take(taken)
            del cursor
            gc.collect()
            assert all_left(server)
        assert server.stats().lost == 0


def test_a_program_that_ends_with_all_open(folder: Path) -> None:
    code = """
    global server, cursors
    server = hr.serve(range(10**6), "ipc://" + tempfile.mkdtemp(prefix="s") + "/s", block=False)
    cursors = [hr.connect(server.address).open() for _ in range(3)]
    print(sorted(next(cursor) for cursor in cursors)[0])
"""
    assert ran(code, folder) == "0"
