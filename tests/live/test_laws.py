"""Every device keeps the laws of devices, and the laws find those that do not."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block
from headrace.live.devices.clock import SystemClock
from headrace.live.devices.threaded import Threaded
from headrace.live.devices.wake import Wake
from headrace.live.merging.merge import Merge
from headrace.live.sampler import Sampler
from headrace.live.sources import FunctionSource
from headrace.live.tables import Table
from headrace.testing import LawError, check_device
from headrace.testing.device_case import Case
from headrace.testing.laws_devices import LAWS
from support.counts import soaking


def sampler(clock: Any, **options: Any) -> Sampler:
    return Sampler({"x": lambda t: np.array([t, 2 * t]), "n": lambda: 1}, 100, clock=clock, **options)


def broken(clock: Any) -> Sampler:
    def source(t: float) -> float:
        if t > 0.5:
            raise OSError("unplugged")
        return t

    return Sampler({"x": source}, 100, clock=clock)


class Chunks(Threaded):
    def run(self, stopping: threading.Event) -> None:
        began, k = self.clock.now(), 0
        while self.clock.wait_until(began + 0.1 * (k + 1), stopping):
            moments = self.anchor.unix(began) + (np.arange(50) / 500 + 0.1 * k)
            self.put_block({"timestamp": moments, "audio": np.full((50, 2), k, np.int16)})
            k += 1


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(sampler, id="sampler"),
        pytest.param(lambda clock: sampler(clock, max_bytes=24 * 5), id="sampler that drops"),
        pytest.param(lambda clock: sampler(clock, max_bytes=24 * 5, overflow="drop_newest"), id="and the newest"),
        pytest.param(lambda clock: Chunks(clock=clock, names=("timestamp", "audio")), id="chunks"),
        pytest.param(lambda clock: FunctionSource({"x": np.sin}, 500, clock=clock), id="functions"),
        pytest.param(lambda clock: Merge(sampler(clock), {"f": sampler(clock), "g": lambda t: t}), id="merge"),
        pytest.param(lambda clock: Table({"timestamp": np.arange(20.0), "x": np.arange(20)}, 3), id="table"),
    ],
)
def test_the_laws_hold(make: Any, request: pytest.FixtureRequest) -> None:
    report = check_device(make, broken=broken)
    assert len(report.held) + len(report.skipped) == 14
    assert set(report.skipped.values()) <= {
        "it drops rows that nobody reads for a whole run", "its rows come at the speed of who reads them"
    }  # fmt: skip
    if request.node.callspec.id in ("sampler", "chunks", "functions", "merge"):
        assert not report.skipped


def test_they_hold_by_the_machine_s_clock() -> None:
    report = check_device(sampler, clock=SystemClock, seconds=0.2, starts=5)
    assert set(report.skipped) == {
        "no matter when it is read", "no step of the wall clock", "a failure is raised once"
    }  # fmt: skip


# The laws that another process might break: its counts, its end, its pipe. What else a device does is the same code.
IN_A_PROCESS = ("each row once", "counts add up", "a ring for what comes", "nothing is left")


def test_they_hold_in_a_process_of_its_own() -> None:
    def make(clock: Any) -> Sampler:
        return Sampler({"x": lambda t: t}, 200, process=True)

    if soaking():
        assert "nothing is left" in check_device(make, clock=SystemClock, seconds=0.2, starts=2).held
        return
    for law in IN_A_PROCESS:  # each start takes as long as importing the room
        case = Case(law, make, None, SystemClock(), 0.2, 1, "a sampler in a process")
        LAWS[law](case)
        case.leave()


class Poor:
    """A device that keeps no law in particular; what it breaks is put in."""

    def __init__(self, clock: Any, **wrong: Any) -> None:
        self.inner = sampler(clock)
        self.wrong, self.blocks = wrong, list[Block]()

    def __getattr__(self, name: str) -> Any:
        return self.wrong[name] if name in self.wrong else getattr(self.inner, name)

    def __enter__(self) -> Any:
        self.inner.start()
        return self

    def __exit__(self, *told: Any) -> None:
        self.stop()

    def stop(self) -> None:
        self.inner.stop()

    def read(self) -> Any:
        return self.inner.read()


class Repeats(Poor):
    def read(self) -> Any:
        block = self.inner.read()
        if len(self.blocks) == 2 and block:
            block.first -= 1
        self.blocks += [block] * bool(block)
        return block


class Changes(Poor):
    def read(self) -> Any:
        block = self.inner.read()
        if self.blocks:
            self.blocks[-1]["x"][:] = -1
        self.blocks += [block] * bool(block)
        return block


class Renames(Poor):
    def read(self) -> Any:
        block = self.inner.read()
        self.blocks += [block] * bool(block)
        return Block({**block, f"more{len(self.blocks)}": block["n"]}, first=block.first) if block else block


class Backwards(Poor):
    def read(self) -> Any:
        block = self.inner.read()
        return Block({**block, "timestamp": block["timestamp"][::-1]}, first=block.first) if block else block


class Listed(Poor):
    def read(self) -> Any:
        return dict(self.inner.read())


class Stays(Poor):
    def stop(self) -> None:
        pass


class Loses(Poor):
    def stop(self) -> None:
        self.inner.stop()
        self.inner._pending.take()


class Leaks(Poor):
    def stop(self) -> None:
        self.inner.stop()
        threading.Thread(target=threading.Event().wait, args=(20,), daemon=True).start()


class WallTimes(Threaded):
    def run(self, stopping: threading.Event) -> None:
        began, k = self.clock.now(), 0
        while self.clock.wait_until(began + 0.01 * k, stopping):
            self.put({"timestamp": self.clock.wall()})
            k += 1


@pytest.mark.parametrize(
    ("make", "law"),
    [
        (lambda clock: Poor(clock, is_active=True), "a device"),
        (lambda clock: Poor(clock, state="running"), "a device"),
        (lambda clock: object(), "a device"),
        (lambda clock: Listed(clock), "a device"),
        (lambda clock: Renames(clock), "columns stay the same"),
        (lambda clock: Poor(clock, names=("x",)), "columns stay the same"),
        (lambda clock: Repeats(clock), "each row once"),
        (lambda clock: Poor(clock, stats=lambda: dict.fromkeys(["produced", "delivered", "dropped", "pending"], 0)), "counts add up"),
        (lambda clock: Backwards(clock), "times in order"),
        (lambda clock: WallTimes(clock=clock, names=("timestamp",)), "no step of the wall clock"),
        (lambda clock: Changes(clock), "rows belong to who read them"),
        (lambda clock: Poor(clock, arrived=Wake()), "a ring for what comes"),
        (lambda clock: Stays(clock), "it stops"),
        (lambda clock: Loses(clock), "it stops"),
        (lambda clock: Leaks(clock), "it stops"),
        (lambda clock: Sampler({}, 0.01, clock=clock), "gone"),
    ],
)  # fmt: skip
def test_a_device_that_breaks_a_law_is_found(make: Any, law: str) -> None:
    if law == "gone":  # one row at the start is all that comes, and that is enough
        assert check_device(make).held
        return
    with pytest.raises((LawError, AttributeError, KeyError)) as found:
        check_device(make)
    assert isinstance(found.value, LawError), found.value
    assert found.value.law == law


def test_a_failure_that_is_raised_twice_is_found() -> None:
    class Twice(Poor):
        def read(self) -> Any:
            raise OSError("unplugged")

    def make(clock: Any) -> Any:
        return Twice(clock, state="failed", is_active=Sampler({}, 1).is_active)

    with pytest.raises(LawError, match=r"'a failure is raised once': read\(\) raised 2 times"):
        check_device(sampler, broken=make)
