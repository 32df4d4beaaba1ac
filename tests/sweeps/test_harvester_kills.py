"""A harvest is killed, interrupted and shared: what was acknowledged is there, and the next one goes on."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from support.counts import heavy
from support.require import require

require("xarray")
require("h5netcdf")
h5py = require("h5py")

_spec = importlib.util.spec_from_file_location("harvest_driver", Path(__file__).with_name("harvest_driver.py"))
assert _spec is not None
assert _spec.loader is not None
driver = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(driver)

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.timeout(3600),
]
SIZE = 7


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("warm.h5", "warm.zarr"):  # what is imported here, forks need not import
        driver.harvest(name, 0, 1, lambda text: None)
        driver.check(name, set())


def of_rounds(lines: list[tuple[str, int]]) -> set[int]:
    return {a for kind, k in lines if kind == "round" for a in range(k * SIZE, (k + 1) * SIZE)}


def of_calls(lines: list[tuple[str, int]]) -> list[int]:
    return [a for kind, a in lines if kind == "call"]


@pytest.mark.soak
@pytest.mark.parametrize("name", ["foo", "foo.h5", "foo.zarr"])
def test_killed_at_random_moments(name: str) -> None:
    draw, acknowledged, kills, first, total = random.Random(name), set(), 0, 0, 0
    while kills < heavy(350):
        pid, out = driver.forked(lambda tell, first=first: driver.harvest(name, first, 10_000, tell))
        time.sleep(draw.uniform(0.01, 0.25))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kills += 1
        lines = driver.told(out)
        acknowledged |= of_rounds(lines)
        first = max((a for a in acknowledged), default=-1) // SIZE + 1
        if kills % 10 == 0 or kills >= heavy(350):
            driver.check(name, acknowledged)
        total += len(of_rounds(lines))
        if kills % 50 == 0:  # begin anew: a large file takes long to write and shows nothing more
            driver.harvester(name).delete_ds()
            acknowledged, first = set(), 0
    assert total > kills  # so that there was something to lose


@pytest.mark.soak
@pytest.mark.parametrize("name", ["foo", "foo.h5", "foo.zarr"])
def test_interrupted_at_random_moments(name: str) -> None:
    """Ctrl-C in every phase: all but what was being handed over is there, and nothing has to be repaired."""
    draw, acknowledged, first = random.Random(name), set(), 0
    for k in range(heavy(350)):
        pid, out = driver.forked(lambda tell, first=first: driver.harvest(name, first, 10_000, tell))
        time.sleep(draw.uniform(0.03, 0.25))
        os.kill(pid, signal.SIGINT)
        assert driver.ended(pid) == 130
        lines = driver.told(out)
        acknowledged |= of_rounds(lines)
        acknowledged |= set(of_calls(lines)[:-2])  # the last calls may not have returned
        driver.check(name, acknowledged)
        first = max(acknowledged, default=-1) // SIZE + 1
        if k % 50 == 49:
            driver.harvester(name).delete_ds()
            acknowledged, first = set(), 0


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("name", ["foo", "foo.h5"])
def test_stopped_at_every_touch_of_the_disk(name: str, number: int) -> None:
    def work(tell: Any, last: int, where: str) -> None:
        moments = driver.Moments(last, number)
        moments.install()
        driver.harvest(where, 0, 4, tell)
        tell(f"moments {moments.seen}")

    pid, out = driver.forked(lambda tell: work(tell, -1, f"whole-{name}"))
    os.waitpid(pid, 0)
    touches = dict(driver.told(out))["moments"]
    assert touches > 20
    every = range(1, touches + 1)
    for last in every if heavy(50) == 50 else random.Random(1).sample(every, 5):
        where = f"{last}-{name}"
        pid, out = driver.forked(lambda tell, last=last, where=where: work(tell, last, where))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in ((130, 0) if number == signal.SIGINT else (-9,)), (last, code)
        lines = driver.told(out)
        there = driver.check(where, of_rounds(lines))
        if number == signal.SIGINT:
            assert set(of_calls(lines)[:-2]) <= there
        pid, out = driver.forked(lambda tell, where=where: driver.harvest(where, 0, 5, tell))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert set(of_calls(driver.told(out))) == set(range(5 * SIZE)) - there  # exactly what is missing
        driver.check(where, set(range(5 * SIZE)))


@pytest.mark.soak
@pytest.mark.parametrize("writers", [2, 8])
@pytest.mark.parametrize("name", ["foo", "foo.h5", "foo.zarr"])
def test_many_harvests_at_once(name: str, writers: int) -> None:
    rounds = max(2, heavy(30 * 8) // writers)
    started = [driver.forked(lambda tell, w=w: driver.harvest(name, 1000 * w, rounds, tell)) for w in range(writers)]
    acknowledged: set[int] = set()
    for pid, out in started:
        acknowledged |= of_rounds(driver.told(out))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(acknowledged) == writers * rounds * SIZE
    assert driver.check(name, acknowledged) == acknowledged


@pytest.mark.soak
def test_the_same_points_harvested_by_several() -> None:
    """Equal results of two processes are no conflict, and nothing is there twice."""
    rounds = heavy(500)
    started = [driver.forked(lambda tell: driver.harvest("foo", 0, rounds, tell)) for _ in range(3)]
    for pid, out in started:
        driver.told(out)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert driver.check("foo", set()) == set(range(rounds * SIZE))


@pytest.mark.soak
def test_a_file_that_is_rewritten_in_place_fails_this(tmp_path: Path) -> None:
    """The same kills of a writer of the usual kind: points that it has acknowledged are gone."""
    path, draw = tmp_path / "x.h5", random.Random(5)
    lost, first, acknowledged, kills = 0, 0, set(), 0
    while kills < (1000 if not lost else heavy(1000)):  # in the suite, until it fails
        kills += 1
        pid, out = driver.forked(lambda tell, first=first: driver.in_place(path, first, 10_000, tell))
        time.sleep(draw.uniform(0.0, 0.1))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        acknowledged |= of_rounds(driver.told(out))
        try:
            with h5py.File(path, "r") as file:
                there = set(map(int, file["points"][:, 0]))
        except (OSError, KeyError):
            there = set()
        lost += not acknowledged <= there
        first = max(acknowledged, default=-1) // SIZE + 1
        if not acknowledged <= there or first > 300:
            path.unlink(missing_ok=True)
            acknowledged, first = set(), 0
    assert lost > 0
    print(f"in place: {lost} of {kills} kills lost what was acknowledged")
