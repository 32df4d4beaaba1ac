"""A process that writes to a ledger is killed at any moment: what it was told is kept, is kept."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from headrace.store.ledger import Ledger
from support.counts import heavy, soaking
from support.require import require
from support.warm import ran

DRIVER = Path(__file__).with_name("ledger_driver.py")
PRELOAD = ("headrace.store.ledger",)
_spec = importlib.util.spec_from_file_location("ledger_driver", DRIVER)
assert _spec is not None
assert _spec.loader is not None
driver = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(driver)


def command(folder: Path, writer: int, first: int, batches: int, last: int = -1) -> list[str]:
    return [sys.executable, str(DRIVER), str(folder), str(writer), str(first), str(batches), str(last)]


def start(folder: Path, writer: int, first: int, batches: int, **more: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(folder, writer, first, batches), stdout=subprocess.PIPE, **more)


def batches(out: bytes) -> list[int]:
    return [int(line) for line in out.split(b"\n") if line.isdigit()]


def told(process: subprocess.Popen[bytes]) -> list[int]:
    return batches(process.communicate(timeout=100)[0])


def verify(folder: Path, acknowledged: dict[int, set[int]]) -> int:
    """Check that all that was acknowledged is there, each batch whole or not at all; return how many points there are."""
    ledger = Ledger(folder)
    ledger.check()
    found = {point.key: point for point in ledger.rows()}
    there = {(point.coords[0], point.coords[1]) for point in found.values()}
    for writer, those in acknowledged.items():
        lost = {batch for batch in those if (writer, batch) not in there}
        assert not lost, f"writer {writer}: batches {sorted(lost)} are lost"
    for writer, batch in there:
        for wanted in driver.batch_of(writer, batch):
            assert driver.same(found[wanted.key], wanted)
    assert sum(len(driver.batch_of(*each)) for each in there) == len(found)
    ledger.close()
    return len(found)


def test_killed_at_every_touch_of_the_disk(tmp_path: Path) -> None:
    touches = int(ran(command(tmp_path / "whole", 0, 0, 4, 0), *PRELOAD).stdout.split()[-1])
    assert touches > 20
    chosen = range(1, touches + 1) if soaking() else sorted(random.Random(5).sample(range(1, touches + 1), 8))
    for last in chosen:
        folder = tmp_path / f"killed-{last}"
        killed = ran(command(folder, 0, 0, 4, last), *PRELOAD)
        acknowledged = batches(killed.stdout)
        assert killed.returncode == -signal.SIGKILL, last
        verify(folder, {0: set(acknowledged)})
        again = ran(command(folder, 0, len(acknowledged), 3), *PRELOAD)  # goes on, without any repair
        acknowledged += batches(again.stdout)
        assert again.returncode == 0
        verify(folder, {0: set(acknowledged)})


def fork_writer(folder: Path, writer: int, first: int, batches: int) -> tuple[int, int]:
    """Fork a writer of this process: a hundred times faster than to start one. Returns its pid and what it tells."""
    out, inward = os.pipe()
    pid = os.fork()
    if pid:
        os.close(inward)
        return pid, out
    try:
        driver.write(folder, writer, first, batches, lambda batch: os.write(inward, f"{batch}\n".encode()))
        os._exit(0)
    except BaseException as error:
        os.write(2, repr(error).encode())
    finally:
        os._exit(1)


def read_all(out: int) -> list[int]:
    with os.fdopen(out, "rb") as file:
        return [int(line) for line in file.read().split(b"\n")[:-1]]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_killed_at_random_moments(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    draw = random.Random(7)
    acknowledged: set[int] = set()
    first, kills = 0, 0
    while kills < heavy(1000):
        pid, out = fork_writer(folder, 0, first, 10_000)
        time.sleep(draw.uniform(0.0, 0.08))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kills += 1
        acknowledged.update(read_all(out))
        first = max(acknowledged, default=-1) + 1 + draw.randint(0, 1)
        if kills % 20 == 0 or kills >= heavy(1000):
            verify(folder, {0: acknowledged})
            if len(acknowledged) > 2000:  # verification should not take longer than the rest
                folder, acknowledged, first = tmp_path / f"ledger-{kills}", set(), 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("writers", [2, 8])
def test_many_writers_and_kills(writers: int, tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    draw = random.Random(writers)
    wanted = heavy(10_000)
    acknowledged: dict[int, set[int]] = {w: set() for w in range(writers)}
    share = wanted // writers
    running: dict[int, tuple[int, int]] = {}
    for w in range(writers):
        running[w] = fork_writer(folder, w, 0, share)
    deadline = time.monotonic() + 3000
    while running and time.monotonic() < deadline:
        time.sleep(0.05)
        victim = draw.choice(list(running)) if draw.random() < 0.3 else -1
        for w, (pid, out) in list(running.items()):
            if w == victim:
                os.kill(pid, signal.SIGKILL)
            ended, status = os.waitpid(pid, 0 if w == victim else os.WNOHANG)
            if not ended:
                continue
            assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"writer {w} raised"
            acknowledged[w].update(read_all(out))
            del running[w]
            done = max(acknowledged[w], default=-1) + 1
            if done < share:
                running[w] = fork_writer(folder, w, done, share - done)
    assert not running
    assert all(len(those) >= share - 1 for those in acknowledged.values())
    verify(folder, acknowledged)


@pytest.mark.parametrize("writers", [2, 8])
def test_many_writers(writers: int, tmp_path: Path) -> None:
    share = heavy(10_000) // writers
    processes = [start(tmp_path / "ledger", w, 0, share) for w in range(writers)]
    acknowledged = {w: set(told(process)) for w, process in enumerate(processes)}
    assert [process.returncode for process in processes] == [0] * writers
    assert all(len(those) == share for those in acknowledged.values())
    verify(tmp_path / "ledger", acknowledged)


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/types.h>
static long seen = 0;
static void moment(void) {
    const char *last = getenv("KILL_AT");
    if (last && ++seen == atol(last)) kill(getpid(), SIGKILL);
}
#define AROUND(type, name, params, args) \
    type name params { \
        static type (*real) params = 0; \
        if (!real) real = (type (*) params) dlsym(RTLD_NEXT, #name); \
        moment(); type made = real args; moment(); return made; \
    }
AROUND(int, fsync, (int fd), (fd))
AROUND(int, fdatasync, (int fd), (fd))
AROUND(int, ftruncate, (int fd, off_t n), (fd, n))
AROUND(int, ftruncate64, (int fd, off64_t n), (fd, n))
AROUND(int, unlink, (const char *path), (path))
AROUND(int, rename, (const char *from, const char *to), (from, to))
AROUND(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
AROUND(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
"""


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_at_every_system_call_that_writes(tmp_path: Path) -> None:
    """As above, inside SQLite too: before and after each of its writes, truncations and syncs."""
    if sys.platform != "linux" or shutil.which("cc") is None:
        pytest.skip("needs Linux and a C compiler")
    (tmp_path / "shim.c").write_text(SHIM)
    shim = tmp_path / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, tmp_path / "shim.c", "-ldl"], check=True, timeout=100)
    # Of a small ledger that is there already: its making has the same touches, and fewer points to lose.
    draw = random.Random(3)
    last, survived = 0, 0
    while survived < 3:
        last += 1 if soaking() else draw.randint(20, 60)
        folder = tmp_path / f"killed-{last}"
        process = start(folder, 0, 0, 3, env={**os.environ, "LD_PRELOAD": str(shim), "KILL_AT": str(last)})
        acknowledged = told(process)
        assert process.returncode in (-signal.SIGKILL, 0)
        survived += process.returncode == 0
        verify(folder, {0: set(acknowledged)})
        again = ran(command(folder, 0, len(acknowledged), 2), *PRELOAD)
        acknowledged += batches(again.stdout)
        assert again.returncode == 0
        verify(folder, {0: set(acknowledged)})
    assert last > 40


IN_PLACE = """
import os, signal, sys
import h5py, numpy as np

path, last = sys.argv[1], int(sys.argv[2])
for k in range(10):
    if os.path.exists(path):
        with h5py.File(path, "r") as file:
            old = file["x"][...]
    else:
        old = np.zeros(0)
    new = np.concatenate([old, np.full(1000, k, float)])
    with h5py.File(path, "w") as file:
        if k == last:
            os.kill(os.getpid(), signal.SIGKILL)
        file["x"] = new
    print(k, flush=True)
"""


def test_a_file_that_is_rewritten_in_place_fails_this(tmp_path: Path) -> None:
    h5py = require("h5py")
    script = tmp_path / "in_place.py"
    script.write_text(IN_PLACE)
    path = tmp_path / "x.h5"
    done = subprocess.run([sys.executable, str(script), str(path), "5"], capture_output=True, check=False, timeout=100)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split()[-1] == b"4"
    with pytest.raises(OSError), h5py.File(path, "r") as file:  # five rounds were acknowledged
        assert len(file["x"]) >= 5000
