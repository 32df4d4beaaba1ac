"""What a process holds: children, descriptors, threads, mappings, memory. As Linux tells it."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any

import pytest

from support.counts import soaking

MARKS = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.timeout(3600 if soaking() else 120),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # from 3.12 on, where there are threads
]
HANG = 30.0  # seconds: nothing here takes a twentieth of it unless it hangs
# Started once, and stay.
_OF_PYTHON = ("multiprocessing.forkserver", "multiprocessing.resource_tracker", "loky.backend.resource_tracker")
_EARLIER: set[int] = set()  # what was there before this test: workers that are kept warm, for one


def until(true: Callable[[], Any], seconds: float = HANG) -> bool:
    """Wait until something is true; False when the time is over."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def _stat(pid: str) -> tuple[int, str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, parent = text.rpartition(")")[2].split()[:2]
    return int(parent), state


def alive(pid: int) -> bool:
    """Whether there is such a process, and not only its remains."""
    found = _stat(str(pid))
    return found is not None and found[1] not in "ZX"


def none_alive(pids: set[int]) -> bool:
    """Wait until none of some processes is there; False when one stays."""
    return until(lambda: not any(map(alive, pids)))


def children(root: int | None = None) -> set[int]:
    """The processes below one; of this process those that were not there before the test (`Held`)."""
    parents = {int(pid): found for pid in os.listdir("/proc") if pid.isdigit() and (found := _stat(pid))}
    below: set[int] = set()
    waiting = [root or os.getpid()]
    while waiting:
        above = waiting.pop()
        for pid, (parent, state) in parents.items():
            if parent == above and state not in "ZX":
                waiting.append(pid)
                below.add(pid)
    below = {pid for pid in below if not any(name in _command(pid) for name in _OF_PYTHON)}
    return below if root else below - _EARLIER


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def descriptors(pid: int | str = "self") -> dict[str, str]:
    """What each open descriptor is."""
    kept = (resource_tracker._resource_tracker, "_fd"), (forkserver._forkserver, "_forkserver_alive_fd")
    pythons = {str(getattr(owner, name, None)) for owner, name in kept}
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        if pid == "self" and fd in pythons:
            continue
        try:
            found[fd] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:  # the one that lists them
            continue
    return found


def mappings() -> list[str]:
    """Mappings of our shared memory."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if "memfd:headrace" in line]


def proportional(pids: set[int]) -> int:
    """Bytes of memory of some processes, shared pages counted once."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


class Held:
    """What this process holds now, so that it can be compared later."""

    def __init__(self) -> None:
        gc.collect()
        _EARLIER.clear()
        _EARLIER.update(children())
        self.descriptors = descriptors()
        self.threads, self.mappings = set(threading.enumerate()), len(mappings())
        self.shared = set(os.listdir("/dev/shm"))

    def more(self) -> str:
        """What is held now and was not then; nothing where all is as before."""
        found: list[str] = []
        if new := children():
            found.append(f"processes {new}")
        if len(now := descriptors()) > len(self.descriptors):
            found.append(f"descriptors {[what for fd, what in now.items() if fd not in self.descriptors]}")
        if new_threads := set(threading.enumerate()) - self.threads:
            found.append(f"threads {new_threads}")
        if len(mappings()) > self.mappings:
            found.append(f"{len(mappings()) - self.mappings} mappings")
        if ours := {name for name in set(os.listdir("/dev/shm")) - self.shared if "headrace" in name}:
            found.append(f"shared memory {ours}")
        return ", ".join(found)

    def check(self) -> None:
        """Raise when something is left, after giving what ends by itself time for it."""
        gc.collect()
        if not until(lambda: not self.more()):
            raise AssertionError(f"left: {self.more()}")
