"""What results come from is told, and that it has changed is not passed over."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import HeadraceWarning
from headrace.sweeps import Harvester, Runner
from support.require import require

require("xarray")
require("pandas")
require("h5netcdf")


@pytest.fixture(autouse=True)
def _anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scaled(a: float, c: float = 1) -> float:
    return a * c


def drawn(a: float, *, rng: Any) -> float:
    return a + float(rng.normal())


def harvester(fn: Any = scaled, name: Any = "foo", **more: Any) -> Harvester:
    return Harvester(Runner(fn, "y", verbosity=0, **more), name)


@pytest.mark.parametrize("name", ["foo", "foo.h5"])
class TestConstants:
    """A harvest that goes on with another constant."""

    def test_it_is_told_and_the_dataset_does_not_claim_it(self, name: str) -> None:
        harvester(name=name, constants={"c": 1}).harvest_combos({"a": [1, 2]})
        other = harvester(name=name, constants={"c": 10})
        with pytest.warns(HeadraceWarning, match=r"another constant \(c=1, now 10\)(.|\n)*overwrite=True") as told:
            other.harvest_combos({"a": [1, 2, 3]}, missing_only=True)
        assert told[0].filename == __file__
        assert other.full_ds["y"].values.tolist() == [1, 2, 30]
        assert "c" not in other.full_ds.attrs
        assert [each["c"] for each in other.timings["constants"]] == [1, 1, 10]

    def test_also_when_nothing_is_missing_or_nothing_is_there(self, name: str) -> None:
        harvester(name=name, constants={"c": 1}).harvest_combos({"a": [1, 2]})
        with pytest.warns(HeadraceWarning, match="another constant"):
            harvester(name=name, constants={"c": 10}).harvest_combos({"a": [1]}, missing_only=True)
        with pytest.warns(HeadraceWarning, match="another constant"):
            harvester(name=name).harvest_combos({"a": [7]}, constants={"c": 10})
        with pytest.warns(HeadraceWarning, match=r"c=1, not given now"):
            list(harvester(name=name).stream({"a": [8]}))

    def test_the_same_ones_and_new_ones_for_all_are_not(self, name: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            harvester(name=name, constants={"c": 1}).harvest_combos({"a": [1, 2]})
            again = harvester(name=name, constants={"c": 1.0})
            again.harvest_combos({"a": [1, 2, 3]}, missing_only=True)
            assert again.full_ds.attrs["c"] == 1
            anew = harvester(name=name, constants={"c": 10})
            anew.harvest_combos({"a": [1, 2, 3]}, overwrite=True)
            assert anew.full_ds["y"].values.tolist() == [10, 20, 30]
            assert anew.full_ds.attrs["c"] == 10

    def test_an_argument_of_the_points_is_none(self, name: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            harvester(name=name).harvest_combos({"a": [1, 2], "c": [1]})
            for c in (2, 3):
                harvester(name=name, constants={"c": c}).harvest_combos({"a": [1]})


class Model:
    """Something whose text has an address in it."""

    def __init__(self) -> None:
        self.held = [self]


def test_what_has_no_content_is_not_compared() -> None:
    for seed in (np.random.default_rng(1), np.random.default_rng(2)):
        constants = {"c": Model(), "d": len, "e": np.arange(3), "f": float("nan")}
        made = harvester(lambda a, c, d, e, f, *, rng: a, constants=constants, seed=seed)
        made.harvest_combos({"a": [1, 2]}, missing_only=True)
    with pytest.warns(HeadraceWarning, match="another constant .e="):
        made.harvest_combos({"a": [3]}, constants={"e": np.arange(4)})


def test_another_seed_matters_to_who_draws() -> None:
    harvester(drawn).harvest_combos({"a": [1]})
    with pytest.warns(HeadraceWarning, match=r"another seed \(0, now 7\)"):
        harvester(drawn, seed=7).harvest_combos({"a": [1, 2]}, missing_only=True)
    harvester(name="bar").harvest_combos({"a": [1]})
    harvester(name="bar").harvest_combos({"a": [1, 2]}, missing_only=True, seed=7)


def test_the_last_results_are_looked_at_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.setattr(os, "getpid", lambda: 1)
        harvester(name="foo").harvest_combos({"a": [1]})
        with pytest.warns(HeadraceWarning, match="another constant"):
            harvester(name="foo", constants={"c": 5}).harvest_combos({"a": [2]})
    with pytest.warns(HeadraceWarning, match="another constant"):
        harvester(name="foo").harvest_combos({"a": [1, 2]}, missing_only=True)
