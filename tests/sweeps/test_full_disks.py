"""Harvests on a disk that gets full: one error, and what there was is kept."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import SinkError
from headrace.store import load_df, load_ds
from headrace.sweeps import Harvester, Runner, exports, losers
from support.full_disk import check_refused, full_disk
from support.require import require

require("xarray")
require("zarr")


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refuse(*_: Any, **__: Any) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def runner(more: float = 0.0) -> Runner:
    return Runner(lambda a: a + 0.125 + more, "y", fn_args=["a"], verbosity=0)


@pytest.mark.parametrize("name", ["f", "f.zarr", "f.dmp"])
def test_a_harvest_keeps_what_it_has_and_goes_on_when_there_is_room(name: str) -> None:
    require("joblib")
    harvester = Harvester(runner(), name)
    harvester.harvest_combos({"a": range(10)})
    for _ in range(2):
        with full_disk(10_000), pytest.raises(SinkError, match="saved before is safe"):
            harvester.harvest_combos({"a": range(2000)})
        assert harvester.table["y"].tolist()[:10] == [a + 0.125 for a in range(10)]
        assert len(Harvester(runner(), name).table) == len(harvester.table)
    harvester.harvest_combos({"a": range(2000)})
    assert sorted(Harvester(runner(), name).table["y"]) == [a + 0.125 for a in range(2000)]


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.pkl", "x.json", "x.feather", "x.zarr", "x.dmp"])
def test_an_export_that_finds_no_room_leaves_the_one_before(name: str) -> None:
    require("pyarrow")
    require("joblib")
    harvester = Harvester(runner())
    harvester.harvest_combos({"a": range(1000)})
    kept = Path(name)
    kept.mkdir() if name == "x.zarr" else kept.write_bytes(b"kept")
    with full_disk(100), pytest.raises(SinkError, match="File too large") as caught:
        harvester.export(name)
    assert isinstance(caught.value.__cause__, OSError)
    assert os.listdir() == [name]
    assert name == "x.zarr" or kept.read_bytes() == b"kept"
    harvester.export(name)
    if name == "x.csv":
        assert len(load_df(name, "csv")) == 1000


@pytest.mark.parametrize("folder", [False, True])
def test_half_an_original_is_never_taken_for_the_whole(folder: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("x.zarr" if folder else "x.dmp")
    inside = path / "part" if folder else path
    inside.parent.mkdir(exist_ok=True)
    inside.write_bytes(b"x" * 5000)
    monkeypatch.setattr(os, "link", refuse)  # a disk that has no links
    with full_disk(1000), pytest.raises(OSError, match="File too large"):
        exports.keep_original(path)
    assert os.listdir() == [path.name]
    kept = exports.keep_original(path)
    assert kept.name == f"{path.name}.orig"
    assert (kept / "part" if folder else kept).read_bytes() == b"x" * 5000


def test_an_original_that_cannot_be_kept_is_not_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    require("joblib")
    harvester = Harvester(runner(), "x.dmp")
    harvester.harvest_combos({"a": [1]})
    Path("x.dmp").write_bytes(b"somebody else's")
    with monkeypatch.context() as there:
        there.setattr(exports, "keep_original", refuse)
        with pytest.raises(SinkError, match="Read-only file system") as caught:
            harvester.save_full_ds(harvester.runner.run_combos({"a": [2]}))
    check_refused(caught.value, "a harvest", Path("x.dmp").absolute())
    assert Path("x.dmp").read_bytes() == b"somebody else's"


@pytest.mark.parametrize("name", ["f", "f.zarr"])
@pytest.mark.parametrize("backup", [False, True])
def test_a_harvest_that_cannot_be_removed_is_as_it_was(
    name: str, backup: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    harvester = Harvester(runner(), name)
    harvester.harvest_combos({"a": [1, 2]})
    with monkeypatch.context() as there:
        there.setattr(os, "rename", refuse)
        with pytest.raises(SinkError, match="Read-only file system") as caught:
            harvester.delete_ds(backup=backup)
    check_refused(caught.value, "delete_ds", Path(name).absolute())
    assert len(Harvester(runner(), name).table) == 2
    harvester.delete_ds(backup=backup)
    assert not Path(name).exists()


def test_results_that_were_not_taken_need_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.sweeps.harvesting.HELD", 1000)
    monkeypatch.setattr(losers, "HELD", 200)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    Harvester(runner(), "f").harvest_combos({"a": range(100)})
    harvester = Harvester(runner(0.5), "f")
    harvester.harvest_combos({"a": range(150)}, overwrite=False)
    assert harvester.last_ds["y"].values.tolist() == [a + 0.625 for a in range(150)]
    assert sorted(harvester.table["y"]) == [a + (0.125 if a < 100 else 0.625) for a in range(150)]


EXPORTS = """
import gc, os, sys
from headrace.errors import SinkError
from headrace.store import load_ds
from headrace.sweeps import Harvester, Runner
from support.full_disk import check_refused, full_disk

name = sys.argv[1]
harvester = Harvester(Runner(lambda a: a + 0.125, "y", fn_args=["a"], verbosity=0))
harvester.harvest_combos({"a": range(10)})
harvester.export(name)
with open(name, "rb") as file:
    before = file.read()
harvester.harvest_combos({"a": range(1000)})
for most in (500, 3000, 9000, 15_000, 20_000):
    with full_disk(most):
        try:
            harvester.export(name)
        except SinkError as error:
            check_refused(error, "save_ds", os.path.realpath(name))
        else:
            sys.exit(f"{most} bytes were enough")
        gc.collect()
    with open(name, "rb") as file:
        assert file.read() == before
    assert os.listdir() == [name]
if sys.argv[2] == "again":
    harvester.export(name)
    assert load_ds(name).y.values.tolist() == [a + 0.125 for a in range(1000)]
"""

AFTER = """
import resource
import numpy as np
from headrace.sweeps import Harvester, Runner

runner = Runner(lambda a: np.full(20_000, a + 0.5), "y", fn_args=["a"], var_dims={"y": "t"}, verbosity=0)
harvester = Harvester(runner, "f.h5")
harvester.harvest_combos({"a": range(2)})
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, -1))  # to the end
harvester.harvest_combos({"a": range(10)})
"""


def child(script: str, *args: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("resource")  # not on Windows
    there = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        [sys.executable, "-c", script, *args], env=there, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("engine", ["h5netcdf", "netCDF4"])
@pytest.mark.parametrize("how", ["again", "no more"])
def test_a_process_whose_file_finds_no_room_goes_on_and_ends_as_it_should(engine: str, how: str) -> None:
    require(engine)
    ran = child(EXPORTS, "x.h5" if engine == "h5netcdf" else "x.nc", how)
    assert ran.returncode == 0, ran.stderr


def test_the_file_of_a_harvest_that_finds_no_room_is_written_later() -> None:
    require("h5netcdf")
    ran = child(AFTER)
    assert ran.returncode == 0, ran.stderr
    assert "could not be written, and the ledger has all of it: save_ds could not write to" in ran.stderr
    assert load_ds("f.h5").sizes["a"] == 2
    assert sorted(os.listdir()) == ["f.h5", "f.h5.ledger"]
    harvester = Harvester(runner(), "f.h5")
    assert len(harvester.table) == 10
    harvester.export()
    assert load_ds("f.h5").y.values[:, 7].tolist() == [a + 0.5 for a in range(10)]
