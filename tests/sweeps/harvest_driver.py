"""Harvests until it is killed or interrupted; what it was told is told on a pipe. Imported by test_harvester_kills.py."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.store import ledger_db
from headrace.sweeps import Harvester, Runner


def made(a: int, b: int) -> tuple[float, np.ndarray[Any, Any]]:
    """Return what the function gives: now and then an array that has a file of its own."""
    return a / 7 + b, np.full(13_000 if a % 17 == 0 else a % 50, float(a))


def harvester(name: str, fn: Callable[..., Any] = made) -> Harvester:
    return Harvester(Runner(fn, ["x", "v"], var_dims={"v": ...}, verbosity=0), name)


def harvest(name: str, first: int, rounds: int, tell: Callable[[str], None], size: int = 7) -> None:
    """Harvest rounds of ``size`` points; tell of each call before it begins, and of each round when it returned."""

    def fn(a: int, b: int) -> Any:
        tell(f"call {a}")
        return made(a, b)

    mine = harvester(name, fn)
    for k in range(first, first + rounds):
        mine.harvest_combos({"a": range(k * size, (k + 1) * size), "b": [1]}, missing_only=True)
        tell(f"round {k}")


def check(name: str, wanted: set[int]) -> set[int]:
    """Check that all these points are there, each as it was made; return which there are."""
    mine = harvester(name)
    mine.ledger.check()
    table = mine.table
    if not len(table):
        assert not wanted, f"lost: {sorted(wanted)}"
        return set()
    for a, x, v in zip(table["a"], table["x"], table["v"], strict=True):
        right = made(a, 1)
        assert x == right[0]
        assert np.array_equal(v, right[1])
    there = set(map(int, table["a"]))
    assert wanted <= there, f"lost: {sorted(wanted - there)}"
    mine.ledger.close()
    return there


def forked(work: Callable[[Callable[[str], None]], None]) -> tuple[int, int]:
    """Do some work in a fork; return its process, and where it tells of it."""
    out, inward = os.pipe()
    held = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT}
    )  # a fork shall not be interrupted outside of its try
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        os.close(inward)
        return pid, out
    code = 1
    gc.callbacks.clear()  # hypothesis', where Python drops a Ctrl-C
    sys.unraisablehook = _dropped
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        os.close(out)

        def say(text: str) -> None:
            os.write(inward, f"{text}\n".encode())

        work(say)
        code = 0
    except KeyboardInterrupt:
        code = 130
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
    finally:
        os._exit(code)


def _dropped(unraisable: Any) -> None:
    """End as by a Ctrl-C that Python itself drops in an import: no library can do anything about that."""
    if unraisable.exc_type is KeyboardInterrupt and "importlib" in getattr(unraisable.object, "__module__", ""):
        os._exit(130)
    sys.__unraisablehook__(unraisable)


def ended(pid: int) -> int:
    """Return the exit code of a process, which is to end by itself; one that goes on is ended, and no success."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def told(out: int) -> list[tuple[str, int]]:
    with os.fdopen(out, "rb") as file:
        lines = [line.split() for line in file.read().split(b"\n")[:-1]]
    return [(kind.decode(), int(number)) for kind, number in lines]


class Moments:
    """Interrupts this process at the n-th moment: before and after each fsync, rename and commit."""

    def __init__(self, last: int, number: int = signal.SIGINT) -> None:
        self.last, self.number, self.seen = last, number, 0

    def moment(self) -> None:
        self.seen += 1
        if self.seen == self.last:
            os.kill(os.getpid(), self.number)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def touched(*args: Any, **kwargs: Any) -> Any:
            self.moment()
            found = function(*args, **kwargs)
            self.moment()
            return found

        return touched

    def install(self) -> None:
        for name in ("fsync", "rename", "replace"):
            setattr(os, name, self.around(getattr(os, name)))
        ledger_db.commit = self.around(ledger_db.commit)


def in_place(path: Path, first: int, rounds: int, tell: Callable[[str], None], size: int = 7) -> None:
    """The same rounds, by a writer that reads a file, and writes it anew."""
    import h5py

    for k in range(first, first + rounds):
        old = np.zeros((0, 2))
        if path.exists():
            with h5py.File(path, "r") as file:
                old = file["points"][...]
        rows = [(a, made(a, 1)[0]) for a in range(k * size, (k + 1) * size)]
        for a, _ in rows:
            tell(f"call {a}")
        with h5py.File(path, "w") as file:
            file["points"] = np.concatenate([old, np.array(rows)])
            file["pad"] = np.zeros(50_000)
        tell(f"round {k}")
