"""What the name of a harvest stands for, and what is deleted with it: nothing that is somebody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, HeadraceWarning, SinkError, StreamConfigError
from headrace.store import load_ds, save_ds
from headrace.sweeps import Harvester, Runner
from support.require import require

xr = require("xarray")
require("h5netcdf")
require("h5py")


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def runner(plus: float = 0.0, **more: Any) -> Runner:
    return Runner(lambda a: a + plus, "y", verbosity=0, **more)


@pytest.mark.parametrize("name", ["", ".", "..", "sub/.", "results.csv", "a.parquet", "run.H5", "s.h5.ledger"])
def test_names_that_are_none(name: str) -> None:
    Path("sub").mkdir()
    with pytest.raises(StreamConfigError, match="wanted"):
        Harvester(runner(), name)


def test_names_with_points_are_names() -> None:
    Harvester(runner(), "lr=0.1").harvest_combos({"a": [1]})
    assert Path("lr=0.1/ledger.db").exists()


@pytest.mark.parametrize("name", ["proj", "data.zarr"])
@pytest.mark.parametrize("backup", [False, True])
def test_what_is_somebody_elses_is_not_deleted(name: str, backup: bool) -> None:
    folder = Path(name)
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(SinkError, match="Nothing was deleted"):
        Harvester(runner(), name).delete_ds(backup)
    if name == "proj":
        with pytest.raises(SinkError, match=r"holds 'thesis\.tex'"):
            Harvester(runner(), name).harvest_combos({"a": [1]})
    assert [path.name for path in Path().iterdir()] == [name]
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


def test_a_plain_file_is_not_deleted() -> None:
    Path("note").write_text("mine")
    with pytest.raises(SinkError, match="Nothing was deleted"):
        Harvester(runner(), "note").delete_ds()
    assert Path("note").read_text() == "mine"


@pytest.mark.parametrize("backup", [False, True])
def test_of_a_ledger_only_what_is_its_own_is_deleted(backup: bool) -> None:
    made = Runner(lambda a: np.arange(20_000) + a, "y", var_dims={"y": "t"}, verbosity=0)
    harvester = Harvester(made, "mixed")
    harvester.harvest_combos({"a": [1]})
    Path("mixed/notes.txt").write_text("mine")
    harvester.delete_ds(backup)
    assert [path.name for path in Path("mixed").iterdir()] == ["notes.txt"]
    if backup:
        (kept,) = Path().glob("mixed.BAK-*")
        assert Harvester(made, str(kept)).full_ds["y"].values[0, 5] == 6


def test_a_dataset_that_was_there_first_can_be_deleted() -> None:
    xr.Dataset({"y": ("a", [1.0])}, {"a": [1]}).to_netcdf("f.h5", engine="h5netcdf")
    Harvester(runner(), "f.h5").delete_ds()
    assert not Path("f.h5").exists()


def test_two_backups_in_one_second() -> None:
    for k in range(3):
        harvester = Harvester(runner(k), "f.h5")
        harvester.harvest_combos({"a": [1]})
        harvester.delete_ds(backup=True)
    kept = sorted(path.name for path in Path().glob("f.h5.BAK-*") if not path.name.endswith(".ledger"))
    assert len(kept) == 3
    assert sorted(load_ds(name, engine="h5netcdf")["y"].item() for name in kept) == [1, 2, 3]
    assert all(Path(f"{name}.ledger", "ledger.db").exists() for name in kept)


def test_which_of_several_is_meant() -> None:
    Harvester(runner(), "f.h5").harvest_combos({"a": [1]})
    with pytest.warns(HeadraceWarning, match=r"there is a harvest f\.h5, which is another one"):
        Harvester(runner(), "f").harvest_combos({"a": [2]})
    assert len(Harvester(runner(), "f").table) == 1  # now that there is one, without a word
    ds = xr.Dataset({"y": ("a", [1.0])}, {"a": [1]})
    save_ds(ds, "g.h5")
    save_ds(ds, "g.nc")
    with pytest.raises(StreamConfigError, match=r"g\.h5 or g\.nc, which are there, wanted one"):
        Harvester(runner(), "g")


def test_a_file_whose_axes_have_no_names() -> None:
    h5py = require("h5py")
    with h5py.File("f.h5", "w") as file:
        file["y"] = np.arange(3.0)
    with pytest.raises(DataError, match="axes have no names"):
        Harvester(runner(), "f.h5").harvest_combos({"a": [1]})
    assert [path.name for path in Path().iterdir()] == ["f.h5"]
