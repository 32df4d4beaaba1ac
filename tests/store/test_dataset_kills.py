"""A dataset that is being saved survives a kill at every touch of the file system, and at any other moment."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from support.counts import heavy, soaking
from support.require import require
from support.warm import ran

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows: no SIGKILL")]


def run(tmp_path: Path, engine: str, how: str, what: str, rounds: int = 10_000, step: int = 1) -> dict[str, int]:
    for package in ("h5netcdf", "zarr"):
        require(package)
    script = Path(__file__).with_name("killed_save.py")
    command = [sys.executable, str(script), engine, how, what, str(tmp_path), str(rounds), str(step)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = ran(command, "h5netcdf", "zarr", "xarray", "headrace.store", timeout=3000, env=env)
    assert done.returncode == 0, done.stderr[-3000:].decode()
    came: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    assert not any(name.startswith("code") for name in came) or what == "inplace", (came, done.stderr[-3000:])
    return came


ENDS = [("save", "kill"), ("merge", "interrupt"), ("save", "interrupt"), ("merge", "kill")]


@pytest.mark.soak
@pytest.mark.parametrize(("what", "how"), ENDS if soaking() else ENDS[:2])
@pytest.mark.parametrize("engine", ["h5netcdf", "zarr"])
def test_an_end_at_every_touch(tmp_path: Path, engine: str, what: str, how: str) -> None:
    step = 1 if soaking() else {"h5netcdf": 1, "zarr": 9}[engine]  # zarr touches many files
    came = run(tmp_path, engine, how, what, step=step)
    assert "lost" not in came, came
    assert came["whole"] == 1, "the last round ran to its end: every touch had its turn"
    assert came["killed" if how == "kill" else "interrupted"] > 9
    assert came["old"] > 5
    assert came["new"] > 0


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["h5netcdf", "zarr"])
def test_a_kill_at_any_moment(tmp_path: Path, engine: str) -> None:
    came = run(tmp_path, engine, "random", "save", rounds=heavy(500))
    assert "lost" not in came, came
    assert came["killed"] > 0


@pytest.mark.parametrize("engine", ["h5netcdf", "zarr"])
def test_a_writer_in_place_fails_here(tmp_path: Path, engine: str) -> None:
    """The comparison can fail: it does for the way that most programs write."""
    how = {"h5netcdf": ("random", 12, 1), "zarr": ("kill", 100, 9)}[engine]  # HDF5 touches files without Python
    came = run(tmp_path, engine, how[0], "inplace", rounds=how[1], step=how[2])
    assert came["lost"] > 0
