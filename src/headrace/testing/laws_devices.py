"""The laws of devices, one function each."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.core.block import Block
from headrace.core.items import same
from headrace.errors import DataError
from headrace.live.devices.protocol import Device
from headrace.testing.device_case import PARTS, Case
from headrace.testing.report import NotApplicable


def _protocol(case: Case) -> None:
    device = case.device()
    case.want(isinstance(device, Device), "methods or attributes are missing", "those of headrace.live.Device")
    case.want(device.state == "idle", f"the state {device.state!r} before start()", "'idle'")
    case.want(
        not device.is_active and not device.is_active(), "it is active before start()", "not to be, called or not"
    )
    try:
        case.want(not case.read(device).n, "rows before start()", "none")
    except DataError:
        pass  # a table may say that it was not started
    case.within("stop()", device.stop)


def _starts(case: Case) -> None:
    device = case.device()
    case.within("start()", device.start)
    threads = threading.active_count()
    case.want(device.is_active and device.is_active() is True, "it is not active after start()", "to be, called or not")
    case.want(device.state == "running", f"the state {device.state!r} after start()", "'running'")
    case.within("start()", device.start)
    case.want(threading.active_count() <= threads, "a second start() started another thread", "no effect")


def _columns(case: Case) -> None:
    device = case.device()
    blocks = case.run(device)
    kinds = [{name: (column.dtype, column.shape[1:]) for name, column in block.items()} for block in blocks]
    for kind in kinds:
        case.want(kind == kinds[0], f"columns {kind}, after {kinds[0]}", "the same names, types and shapes")
    missing = sorted(set(kinds[0]) - set(device.names))
    case.want(not missing, f"columns {missing} that are not among names", "all of them")


def _once(case: Case) -> None:
    device = case.device()
    blocks, at = case.run(device), None
    for block in blocks:
        case.want(
            at is None or block.first >= at,
            f"row {block.first} after row {(at or 0) - 1}",
            "each row once, and in order",
        )
        at = block.first + block.n
    rows = sum(block.n for block in blocks)
    gaps = (at or 0) - blocks[0].first - rows
    dropped = device.stats()["dropped"]
    case.want(gaps <= dropped, f"{gaps} rows are missing, and {dropped} counted as dropped", "a count of what is lost")


def _counts(case: Case) -> None:
    device = case.device()
    rows = 0

    def look() -> None:
        stats = device.stats()
        total = stats["delivered"] + stats["dropped"] + stats["pending"]
        case.want(stats["produced"] == total, f"{stats}", "produced == delivered + dropped + pending")
        case.want(stats["delivered"] == rows, f"{stats['delivered']} rows delivered, and {rows} read", "the same")
        case.want("late" in stats, f"counts {list(stats)}", "'late' among them")

    device.start()
    for _ in range(PARTS):
        case.advance(case.seconds / PARTS)
        if case.virtual:
            rows += case.read(device).n
            look()
    device.stop()
    rows += sum(block.n for block in case.rest(device))
    look()


def _times(case: Case) -> None:
    times = _moments(case.run(case.device()))
    case.want(times.dtype == np.float64, f"times of {times.dtype}", "float64, Unix seconds")
    case.want(np.isfinite(times).all(), "times that are no numbers", "a time for each row")
    case.want((np.diff(times) >= 0).all(), "a time before that of the row before", "times that never go back")


def _moments(blocks: list[Block]) -> Any:
    if any(block.times is None for block in blocks):
        raise NotApplicable("its rows have no times")
    return np.concatenate([np.asarray(block.times) for block in blocks])


def _reads(case: Case) -> None:
    once = _unread(case, 0.0)
    often = _moments(case.run(_fresh(case)))
    case.want(len(often) == len(once), f"{len(often)} rows read in parts, {len(once)} at once", "the same rows")
    apart = np.abs(np.diff(often) - np.diff(once)).max() if len(often) > 1 else 0.0
    case.want(apart < 1e-5, "other times when it is read more often", "times that do not depend on who reads when")


def _wall(case: Case) -> None:
    plain, stepped = _unread(case, 0.0), _unread(case, -3600.0)
    case.want(len(plain) == len(stepped), f"{len(stepped)} rows, and {len(plain)} without the step", "the same rows")
    apart = np.abs(np.diff(plain) - np.diff(stepped)).max() if len(plain) > 1 else 0.0
    case.want(apart < 1e-5, f"times {apart:.3g} s off after a step of the wall clock", "a monotonic clock's")


def _unread(case: Case, step: float) -> Any:
    """Return the times of a run that nobody reads until it is over, the wall clock set in the middle of it."""
    if not case.virtual:
        raise NotApplicable("its clock is not turned by hand")
    device = _fresh(case)
    device.start()
    case.advance(case.seconds / 2)
    if step:
        case.clock.step_wall(step)
    case.advance(case.seconds / 2)
    stats = device.stats()
    if stats["dropped"]:
        raise NotApplicable("it drops rows that nobody reads for a whole run")
    if not stats["pending"]:
        raise NotApplicable("its rows come at the speed of who reads them")
    device.stop()
    return _moments(case.rest(device))


def _fresh(case: Case) -> Any:
    case.clock = type(case.clock)()
    return case.device()


def _kept(case: Case) -> None:
    device = case.device()
    device.start()
    seen = []
    for _ in range(2):
        for _ in range(PARTS):
            case.advance(case.seconds / PARTS)
            block = case.read(device)
            seen.append((dict(block), {name: np.array(column, copy=True) for name, column in block.items()}))
    for block_, copy in seen:
        case.want(same(block_, copy), "rows that were read have changed since", "rows that belong to who read them")


def _rings(case: Case) -> None:
    device = case.device()
    device.start()
    rows = rung = 0
    for _ in range(PARTS):
        case.advance(case.seconds / PARTS)
        pending = device.stats()["pending"]
        rung = bool(device.arrived.wait(0))
        case.want(rung or not pending, f"{pending} rows wait and `arrived` was not set", "a ring for what comes")
        rows += case.read(device).n
    case.want(rows, f"no row came in {case.seconds} seconds", "some; seconds= says how long to wait")


def _stops(case: Case) -> None:
    device = case.device()
    before = threading.active_count()
    device.start()
    case.advance(case.seconds)
    pending = device.stats()["pending"]
    case.within("stop()", device.stop)
    case.within("stop()", device.stop)
    case.want(not device.is_active, "it is active after stop()", "not to be")
    case.want(device.state == "stopped", f"the state {device.state!r} after stop()", "'stopped'")
    left = threading.active_count() - before
    case.want(left <= 0, f"{left} threads are left after stop()", "none")
    rows = sum(block.n for block in case.rest(device))
    case.want(rows >= pending, f"{rows} of {pending} rows that waited at stop() were read", "all of them")


def _again(case: Case) -> None:
    device = case.device()
    for _ in range(3):
        case.run(device)
    with device as entered:
        case.want(entered is device, "`with` gives something else", "the device")
        case.want(device.is_active, "it is not active inside `with`", "to be")
    case.want(not device.is_active, "it is active after `with`", "not to be")


def _leaves_nothing(case: Case) -> None:
    device = case.device()
    device.start()
    device.stop()  # what is loaded when first used
    threads, files = threading.active_count(), _descriptors()
    for _ in range(case.starts):
        case.within("start()", device.start)
        case.within("stop()", device.stop)
    left = threading.active_count() - threads
    case.want(left <= 0, f"{left} threads are left after {case.starts} starts and stops", "none")
    left = _descriptors() - files
    case.want(left <= 0, f"{left} descriptors are open after {case.starts} starts and stops", "none")


def _descriptors() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:  # another system
        return 0


def _fails(case: Case) -> None:
    if case.broken is None:
        raise NotApplicable("no broken= was given")
    device = case.device(broken=True)
    device.start()
    case.advance(case.seconds)
    case.want(device.state == "failed", f"the state {device.state!r} after a failure", "'failed'")
    case.want(not device.is_active, "it is active after a failure", "not to be")
    case.want(device.arrived.wait(0), "`arrived` was not set by a failure", "a ring")
    raised: list[Exception] = []
    for _ in range(1000):
        try:
            if not case.read(device).n and raised:
                break
        except Exception as error:
            raised.append(error)
            if len(raised) > 1:
                break
    case.want(len(raised) == 1, f"read() raised {len(raised)} times", "the failure once, after the rows before it")
    case.within("stop()", device.stop)


LAWS: dict[str, Callable[[Case], None]] = {
    "a device": _protocol,
    "it starts": _starts,
    "columns stay the same": _columns,
    "each row once": _once,
    "counts add up": _counts,
    "times in order": _times,
    "rows belong to who read them": _kept,
    "a ring for what comes": _rings,
    "it stops": _stops,
    "no matter when it is read": _reads,
    "no step of the wall clock": _wall,
    "it starts again": _again,
    "nothing is left": _leaves_nothing,
    "a failure is raised once": _fails,
}
