"""What threads ask of the operating system is theirs alone, and refused quietly."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from headrace.live.devices import priority
from headrace.live.sampler import Sampler

PR_GET_TIMERSLACK = 30
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's own calls")


def in_thread(function: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def slack() -> int:
    return int(ctypes.CDLL(None).prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0))


@linux
def test_exact_timers_are_those_of_one_thread() -> None:
    before = slack()
    assert in_thread(lambda: (priority.exact_timers(), slack())) == (True, 1)
    assert slack() == before


@linux
def test_a_sampler_asks_for_exact_timers() -> None:
    with Sampler({"slack": slack}, 200) as sampler:
        while not sampler.stats()["produced"]:
            sampler.arrived.wait(1.0)
    assert set(sampler.read()["slack"].tolist()) == {1}


@linux
def test_who_comes_first_does_so_alone() -> None:
    code = "import os; print(os.sched_getscheduler(0))"

    def look() -> tuple[bool, int, str]:
        first = priority.come_first()
        told = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
        return first, os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, told.stdout.strip()

    first, mine, below = in_thread(look)
    assert mine == (os.SCHED_FIFO if first else os.SCHED_OTHER)
    assert int(below) == os.SCHED_OTHER
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_what_is_refused_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refused, raising=False)
    monkeypatch.setattr(os, "nice", refused)
    assert priority.come_first() is False
    monkeypatch.setattr(ctypes, "CDLL", refused)
    assert priority.exact_timers() is False


@linux
@pytest.mark.parametrize("options", [{"process": True}, {"spin": 1e-5}])
def test_a_sampler_that_is_to_be_exact_comes_first_where_that_is_allowed(options: dict[str, Any]) -> None:
    allowed = in_thread(priority.come_first)
    with Sampler({"policy": lambda: os.sched_getscheduler(0)}, 200, **options) as sampler:
        while not sampler.stats()["produced"]:
            sampler.arrived.wait(1.0)
    wanted = os.SCHED_FIFO if allowed else os.SCHED_OTHER
    assert {int(each) & ~os.SCHED_RESET_ON_FORK for each in sampler.read()["policy"]} == {wanted}
