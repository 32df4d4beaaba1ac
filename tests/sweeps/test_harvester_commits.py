"""Killed right before or after any commit of whatever changes a harvest: what is there is what was, or what is to be."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.store import ledger_db, load_ds, save_ds
from headrace.sweeps import Harvester, Runner, Sampler
from support.require import require

xr = require("xarray")
require("h5netcdf")
require("h5py")

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def made(plus: float = 0.0) -> Runner:
    return Runner(lambda a, **more: a + plus, "y", fn_args=["a"], verbosity=0)


def rows(name: str) -> list[Any]:
    """Return what a new harvester finds, whatever it has to take in first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        harvester = Harvester(made(), name)
        ds = harvester.full_ds
    if name.endswith(".h5"):
        assert load_ds(name).identical(xr.Dataset() if ds is None else ds)
    harvester.ledger.check()
    return sorted(map(repr, harvester.table.to_dict("records")))


def expand(name: str) -> None:
    Harvester(made(), name).expand_dims("c", 7)


def drop(name: str) -> None:
    Harvester(made(), name).drop_sel(a=[1, 2])


def replace(name: str) -> None:
    Harvester(made(), name).save_full_ds(xr.Dataset({"y": ("a", [9.0, 8.0])}, {"a": [3, 9]}))


def add(name: str) -> None:
    Harvester(made(), name).add_ds(xr.Dataset({"y": ("a", [5.0, 6.0])}, {"a": [5, 6]}))


def wait(name: str) -> None:
    harvester = Harvester(made(), name)
    harvester.harvest_combos({"a": [5, 6]}, sync=False)
    harvester.save_full_ds()


def overwrite(name: str) -> None:
    Harvester(made(10.0), name).harvest_combos({"a": [1, 2, 3]}, overwrite=True)


def killed(act: Callable[[str], None], name: str, at: int, after: bool) -> bool:
    """Do something in a process that is killed at its commit number ``at``; tell whether it came to that."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    try:
        count, commit = [0], ledger_db.commit

        def last(connection: Any) -> None:
            count[0] += 1
            if count[0] == at and not after:
                os._exit(9)
            commit(connection)
            if count[0] == at:
                os._exit(9)

        ledger_db.commit = last
        warnings.simplefilter("ignore")
        act(name)
    finally:
        os._exit(0)


@pytest.mark.parametrize("act", [expand, drop, replace, add, wait, overwrite])
@pytest.mark.parametrize("name", ["f", "f.h5"])
def test_killed_at_any_commit(act: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def begin(where: str) -> None:
        os.mkdir(where)
        monkeypatch.chdir(tmp_path / where)
        Harvester(made(), name).harvest_combos({"a": [1, 2, 3]})

    begin("whole")
    was = rows(name)
    act(name)
    wanted = rows(name)
    assert was != wanted
    for at in range(1, 20):
        came = False
        for after in (False, True):
            monkeypatch.chdir(tmp_path)
            begin(f"{at}-{after}")
            came = killed(act, name, at, after)
            found = rows(name)
            assert found == wanted if not came or after else found in (was, wanted), (at, after)
        if not came:
            return
    pytest.fail("so many commits")


@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["f", "f.h5"])
def test_killed_while_a_dataset_is_taken_in(
    at: int, after: bool, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_ds(xr.Dataset({"y": ("a", [1.0, 2.0, 30.0])}, {"a": [1, 2, 30]}), "f.h5")

    def harvest(name: str) -> None:
        Harvester(made(), name).harvest_combos({"a": [1, 4]}, missing_only=True)

    killed(harvest, name, at, after)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        harvest(name)
    assert len(rows(name)) == 4
    assert Harvester(made(), name).full_ds["y"].sel(a=30) == 30


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_sampler_that_is_killed_has_each_row_once(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    require("pandas")

    def sample(name: str) -> None:
        Sampler(made(), name, {"a": lambda rng: rng.random()}, seed=3).sample_combos(5)

    killed(sample, "s.csv", at, after=at % 2 == 0)
    sample("s.csv")
    df = Sampler(made(), "s.csv", {"a": [1]}, seed=3).full_df
    assert len(df) in (5, 10)
    assert df["a"].is_unique
    assert (df["y"] == df["a"]).all()
