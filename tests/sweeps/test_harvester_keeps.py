"""What a harvest keeps when something goes wrong or others are at work: nothing acknowledged is lost, nothing is hidden."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DamageError, DataError, HeadraceWarning, StreamConfigError
from headrace.store import ledger_db, load_ds, save_ds
from headrace.sweeps import Harvester, Runner, losers
from support.require import require

xr = require("xarray")
require("h5netcdf")
require("h5py")


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def runner(plus: float = 0.0, **more: Any) -> Runner:
    return Runner(lambda a: a + plus, "y", verbosity=0, **more)


def results(harvester: Any) -> dict[Any, Any]:
    table = harvester.table
    return dict(zip(table["a"].tolist(), table["y"].tolist(), strict=True))


def told(stream: Any, came: list[Any]) -> None:
    """Add what a stream yields to a list."""
    for settings, result in stream:
        came.append((settings["a"], result))


def python(code: str) -> None:
    """Run in a process of its own, which ends as if it were killed."""
    head = (
        "import os\nfrom headrace.sweeps import Harvester, Runner\nimport headrace.store.ledger_db as db\n"
        "def runner(plus=0.0): return Runner(lambda a: a + plus, 'y', verbosity=0)\n"
    )
    done = subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 9, done.stderr


# --- files that somebody touches ------------------------------------------------------------------


def test_an_older_file_of_ones_own_takes_nothing_back() -> None:
    """Acknowledged, killed before the file was written again, the old file copied: the ledger is right."""
    old = "import headrace.sweeps.kept as r\n"
    python("h = Harvester(runner(), 'f.h5'); h.harvest_combos({'a': [1, 2]}); os._exit(9)")
    python(
        f"{old}r.SMALL = -1\nh = Harvester(runner(10.0), 'f.h5'); h.harvest_combos({{'a': [1, 2]}}, overwrite=True); os._exit(9)"
    )
    assert load_ds("f.h5")["y"].values.tolist() == [1, 2]
    shutil.copyfile("f.h5", "copy.h5")
    shutil.copyfile("copy.h5", "kept.h5")
    os.replace("copy.h5", "f.h5")
    harvester = Harvester(runner(), "f.h5")
    harvester.harvest_combos({"a": [3]})
    harvester.harvest_combos({"a": [4]}, overwrite=True)
    assert results(harvester) == {1: 11, 2: 12, 3: 3, 4: 4}
    assert load_ds("f.h5")["y"].values.tolist() == [11, 12, 3, 4]
    shutil.move("kept.h5", "f.h5")  # one of ours, from before the last writing
    with pytest.warns(HeadraceWarning, match="an older one of the same harvest"):
        harvester.harvest_combos({"a": [5]}, overwrite=True)
    assert load_ds("f.h5")["y"].values.tolist() == [11, 12, 3, 4, 5]


@pytest.mark.parametrize("name", ["f.h5", "f.zarr"])
def test_a_file_that_somebody_writes_meanwhile_is_taken_in(name: str) -> None:
    if name.endswith("zarr"):
        require("zarr")

    def work(a: int) -> float:
        if a == 3:
            save_ds(xr.Dataset({"y": ("a", [99.0, 1.0, 2.0])}, {"a": [50, 1, 2]}), name)
        return float(a)

    harvester = Harvester(Runner(work, "y", verbosity=0), name)
    harvester.harvest_combos({"a": [1, 2]})
    harvester.harvest_combos({"a": [3, 4]})
    assert results(harvester) == {1: 1, 2: 2, 3: 3, 4: 4, 50: 99}
    assert load_ds(name)["y"].to_series().to_dict() == {1: 1, 2: 2, 3: 3, 4: 4, 50: 99}


def test_a_file_that_is_changed_meanwhile_stays_where_it_contradicts() -> None:
    def work(a: int) -> float:
        if a == 3:
            save_ds(xr.Dataset({"y": ("a", [100.0, 2.0])}, {"a": [1, 2]}), "f.h5")
        return float(a)

    harvester = Harvester(Runner(work, "y", verbosity=0), "f.h5")
    harvester.harvest_combos({"a": [1, 2]})
    with pytest.warns(HeadraceWarning, match="changed by another program meanwhile, and is left as it is"):
        harvester.harvest_combos({"a": [3]})
    assert load_ds("f.h5")["y"].values.tolist() == [100, 2]
    with pytest.raises(DataError, match=r"y=100.0 at a=1 from .*f\.h5, which somebody has changed"):
        harvester.full_ds
    harvester.add_ds(load_ds("f.h5"), overwrite=True)
    assert results(harvester) == {1: 100, 2: 2, 3: 3}


def test_a_dataset_beside_a_ledger_is_taken_in_after_a_kill() -> None:
    save_ds(xr.Dataset({"y": ("a", [1.0, 2.0])}, {"a": [1, 2]}), "f.h5")
    python(
        "def commit(connection): os._exit(9)\n"
        "db.commit = commit\nimport warnings; warnings.simplefilter('ignore')\nHarvester(runner(), 'f').full_ds"
    )
    harvester = Harvester(runner(), "f")
    with pytest.warns(HeadraceWarning, match=r"f\.h5 is taken into the ledger f"):
        harvester.harvest_combos({"a": [3]})
    assert results(harvester) == {1: 1, 2: 2, 3: 3}
    Harvester(runner(), "f").harvest_combos({"a": [4]})  # once


def test_what_somebody_adds_to_the_file_stays_in_it() -> None:
    harvester = Harvester(runner(attrs={"unit": "m"}), "f.h5")
    harvester.harvest_combos({"a": [1, 2]})
    ds = load_ds("f.h5")
    ds["y"].attrs["units"] = "K"
    ds["a"].attrs["long_name"] = "amount"
    ds.attrs["note"] = "mine"
    save_ds(ds, "f.h5")
    for again in (Harvester(runner(), "f.h5"), harvester):
        assert again.full_ds.attrs == {"unit": "m", "note": "mine"}
        assert again.full_ds["y"].attrs == {"units": "K"}
        again.harvest_combos({"a": [3]}, missing_only=True)
        assert load_ds("f.h5").identical(again.full_ds)
        assert load_ds("f.h5")["a"].attrs == {"long_name": "amount"}


def test_a_file_with_more_than_a_ledger_holds_is_kept() -> None:
    harvester = Harvester(runner(), "f.h5")
    harvester.harvest_combos({"a": [1, 2]})
    save_ds(load_ds("f.h5").assign_coords(label=("a", ["u", "v"])), "f.h5")
    with pytest.warns(HeadraceWarning, match="'label' lies along arguments"):
        harvester.harvest_combos({"a": [3]})
    assert load_ds("f.h5.orig")["label"].values.tolist() == ["u", "v"]


def test_what_is_added_to_full_ds_is_saved() -> None:
    for name in ("f.h5", "f"):
        harvester = Harvester(runner(), name)
        harvester.harvest_combos({"a": [1, 2]})
        full = harvester.full_ds
        with pytest.raises(ValueError, match="view"):
            full["y"][0] = 99.0
        full["z"] = full["y"] * 2
        full.attrs["note"] = "mine"
        assert harvester.full_ds is full
        harvester.save_full_ds()
        again = Harvester(runner(), name)
        assert again.full_ds["z"].values.tolist() == [2, 4]
        assert again.full_ds.attrs["note"] == "mine"
        harvester.full_ds["w"] = harvester.full_ds["y"]
        harvester.harvest_combos({"a": [3]})
        with pytest.warns(HeadraceWarning, match="was changed in full_ds before is not in it"):
            assert "w" not in harvester.full_ds
        if name == "f.h5":
            assert load_ds(name).identical(harvester.full_ds)
            os.remove(name)
            shutil.rmtree("f.h5.ledger")


def test_changing_a_copy_changes_nothing() -> None:
    harvester = Harvester(runner(), None)
    harvester.harvest_combos({"a": [1, 2]})
    mine = harvester.full_ds.copy(deep=True)
    mine["y"][0] = 99.0
    assert harvester.full_ds["y"].values.tolist() == [1, 2]


# --- all that there is -----------------------------------------------------------------------------


def test_a_dataset_becomes_all_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Runner(lambda a: (2**60 + a, float(a), "x"), ["n", "y", "s"], verbosity=0)
    harvester = Harvester(both, "f.h5")
    harvester.harvest_combos({"a": [1, 2, 3]})
    ds = harvester.full_ds.drop_vars("s").sel(a=[1, 2]).copy(deep=True)
    ds["y"][0] = np.nan
    ds["n"] = ds["n"].astype(float)  # as a dataset with holes has it
    states = set()
    commit = ledger_db.commit

    def watched(connection: Any) -> None:
        commit(connection)
        states.add(tuple(connection.execute("SELECT key, value FROM points ORDER BY key")))

    monkeypatch.setattr(ledger_db, "commit", watched)
    harvester.save_full_ds(ds)
    assert len(states) == 1  # in one step: no kill leaves a mixture
    table = harvester.table
    assert table["n"].tolist() == [2**60 + 1, 2**60 + 2]
    assert np.isnan(table["y"][0])
    assert table["y"][1] == 2
    assert list(table.columns) == ["a", "n", "y"]
    assert load_ds("f.h5").identical(harvester.full_ds)


# --- waiting ---------------------------------------------------------------------------------------


def test_what_waits_is_kept_until_it_is_written() -> None:
    Harvester(runner(), "f").harvest_combos({"a": [1, 2]})
    harvester = Harvester(runner(100.0), "f")
    harvester.harvest_combos({"a": [2, 3]}, sync=False)
    harvester.harvest_combos({"a": [1]}, sync=False, overwrite=True)
    with pytest.raises(DataError, match=r"y=102.0 at a=2.*\n.*the new ones wait"):
        harvester.harvest_combos({"a": [4]})
    assert results(Harvester(runner(), "f")) == {1: 101, 2: 2, 3: 103}  # each by the rule of its own round
    harvester.harvest_combos({"a": [4]}, overwrite=True)
    assert results(Harvester(runner(), "f")) == {1: 101, 2: 102, 3: 103, 4: 104}


@pytest.mark.parametrize("act", ["nothing missing", "stream", "add_ds", "export", "drop_sel"])
def test_what_waits_is_written_by_whatever_comes_next(act: str) -> None:
    harvester = Harvester(runner(), "f")
    harvester.harvest_combos({"a": [1]}, sync=False)
    if act == "nothing missing":
        harvester.harvest_combos({"a": [1]}, missing_only=True)
    elif act == "stream":
        list(harvester.stream({"a": [2]}))
    elif act == "add_ds":
        harvester.add_ds(xr.Dataset({"y": ("a", [5.0])}, {"a": [5]}))
    elif act == "export":
        harvester.export("out.csv")
    else:
        harvester.drop_sel(a=7, errors="ignore")
    assert 1 in results(Harvester(runner(), "f"))


def test_many_that_wait_are_written_in_few_steps() -> None:
    harvester = Harvester(runner(), "f")
    for k in range(20):
        harvester.harvest_combos({"a": range(50 * k, 50 * k + 50)}, sync=False)
    harvester.save_full_ds()
    assert len(harvester.table) == 1000
    assert harvester.ledger.totals.commits <= 25


# --- two processes ---------------------------------------------------------------------------------


def test_an_argument_that_is_added_meanwhile() -> None:
    """What was run without it is refused, by name, and the ledger stays readable."""
    other = Harvester(runner(), "f")
    other.harvest_combos({"a": [1]})

    def work(a: int) -> float:
        if a == 3:
            other.expand_dims("c", 7)
        return float(a)

    harvester = Harvester(Runner(work, "y", verbosity=0), "f")
    with pytest.raises(StreamConfigError, match=r"the arguments \['a'\], and its points have \['c', 'a'\] by now"):
        harvester.harvest_combos({"a": [2, 3]})
    assert Harvester(runner(), "f").table.to_dict("list") == {"c": [7], "a": [1], "y": [1.0]}
    assert harvester.last_ds["y"].values.tolist() == [2, 3]
    with pytest.raises(StreamConfigError, match="'c', and has it already"):
        other.expand_dims("c", 8)


@pytest.mark.parametrize("name", ["y", "t"])
def test_an_argument_that_has_the_name_of_a_result(name: str) -> None:
    harvester = Harvester(Runner(lambda a: [a, a], "y", var_dims={"y": "t"}, verbosity=0), "f.h5")
    harvester.harvest_combos({"a": [1]})
    with pytest.raises(StreamConfigError, match=f"'{name}', which is the name of a result or of its axis"):
        harvester.expand_dims(name, 1)
    assert harvester.full_ds["y"].dims == ("a", "t")


def test_the_ledger_of_another_kind_is_refused() -> None:
    from headrace.sweeps import Sampler

    Sampler(runner(), "s", {"a": [1]}).sample_combos(2)
    with pytest.raises(StreamConfigError, match="that of a Sampler"):
        Harvester(runner(), "s").harvest_combos({"a": [1]})
    Harvester(runner(), "h").harvest_combos({"a": [1]})
    with pytest.raises(StreamConfigError, match="that of a Harvester"):
        Sampler(runner(), "h", {"a": [1]}).sample_combos(2)
    assert len(Harvester(runner(), "h").table) == 1


# --- conflicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [None, False])
def test_last_ds_is_what_was_computed_however_large(rule: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.sweeps.harvesting.HELD", 1000)
    monkeypatch.setattr(losers, "HELD", 200)
    Harvester(runner(), "f").harvest_combos({"a": range(100)})
    harvester = Harvester(runner(0.5), "f")
    if rule is None:
        with pytest.raises(DataError, match="the new ones are in last_ds"):
            harvester.harvest_combos({"a": range(150)})
    else:
        harvester.harvest_combos({"a": range(150)}, overwrite=False)
    assert harvester.last_ds["y"].values.tolist() == [k + 0.5 for k in range(150)]
    assert results(harvester)[3] == 3


def test_a_stream_tells_what_is_kept_and_nothing_else() -> None:
    Harvester(runner(), "f").harvest_combos({"a": [1, 2]})
    harvester = Harvester(runner(100.0), "f")
    came: list[Any] = []
    with pytest.raises(DataError, match=r"y=101.0 at a=1.* and 1 more"):
        told(harvester.stream({"a": [1, 2, 3, 4]}), came)
    assert came == [(3, 103), (4, 104)]
    again = [(settings["a"], result) for settings, result in harvester.stream({"a": [1, 3, 5]}, overwrite=False)]
    assert again == [(1, 1), (3, 103), (5, 105)]
    rest: Any = harvester.stream({"a": [1, *range(10, 20)]}, overwrite=None)
    next(rest)
    with pytest.warns(HeadraceWarning, match=r"y=101\.0 at a=1"):
        rest.close()


def test_a_stream_tells_what_was_kept_before_an_error() -> None:
    def work(a: int) -> float:
        if a == 6:
            raise ValueError("no luck")
        return a + 100.0

    Harvester(runner(), "f").harvest_combos({"a": [0]})
    harvester = Harvester(Runner(work, "y", verbosity=0), "f")
    came: list[Any] = []
    with pytest.raises(ValueError, match="no luck") as caught:
        told(harvester.stream({"a": range(9)}), came)
    assert came == [(a, a + 100) for a in range(1, 6)]
    assert set(dict(came)) <= set(results(harvester))
    assert any("before that: the harvest f got y=100.0 at a=0" in note for note in caught.value.__notes__)
    with pytest.raises(ValueError, match="no luck") as caught:
        harvester.harvest_combos({"a": range(9)})
    assert any("before that" in note for note in caught.value.__notes__)


# --- damage ----------------------------------------------------------------------------------------


def test_a_damaged_point_costs_one_point() -> None:
    harvester = Harvester(runner(), "f.h5")
    harvester.harvest_combos({"a": range(100)})
    assert harvester.salvage() == []
    harvester.ledger.close()
    file = Path("f.h5.ledger/ledger.db")
    data = bytearray(file.read_bytes())
    data[data.rindex(np.float64(50).tobytes()) + 3] ^= 4
    file.write_bytes(data)
    again = Harvester(runner(), "f.h5")
    with pytest.raises(DamageError, match="salvage"):
        again.table
    (lost,) = again.salvage()
    assert lost.settings == {"a": 50}
    assert len(again.table) == 99
    again.harvest_combos({"a": range(100)}, missing_only=True)
    assert results(again) == {a: a for a in range(100)}
    assert load_ds("f.h5").identical(again.full_ds)
    assert Harvester(runner(), None).salvage() == []


def test_a_damaged_array_is_computed_again() -> None:
    made = Runner(lambda a: np.arange(20_000) + a, "y", var_dims={"y": "t"}, verbosity=0)
    for rule in (None, True, False):
        harvester = Harvester(made, "f")
        harvester.harvest_combos({"a": [1]})
        (file,) = Path("f/arrays").rglob("*.npy")
        data = bytearray(file.read_bytes())
        data[-3] ^= 1
        file.write_bytes(data)
        harvester.harvest_combos({"a": [1]}, overwrite=rule)
        assert Harvester(made, "f").full_ds["y"].values[0, -1] == 20_000


# --- results that fit no dataset -------------------------------------------------------------------


def test_one_odd_result_is_named_when_it_comes() -> None:
    harvester = Harvester(Runner(lambda a: np.arange(2) if a == 1 else a, "y", verbosity=0), "f")
    with pytest.warns(HeadraceWarning, match=r"'y' of shape \(2,\) at \{'a': 1\}.*\n.*harvester.table has it"):
        harvester.harvest_combos({"a": [0, 1, 2]})
    with pytest.raises(DataError, match="y") as caught:
        harvester.full_ds
    assert "{'a': 1}" in "".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert len(harvester.table) == 3
    harvester.drop_sel(a=1)
    assert harvester.full_ds["y"].values.tolist() == [0, 2]


def test_results_that_clash_are_an_error_of_ours() -> None:
    harvester = Harvester(Runner(lambda a: {"a": 7, "z": 1}, None, verbosity=0), "f")
    harvester.harvest_combos({"a": [1, 2]})
    with pytest.raises(DataError, match=r"harvester\.table"):
        harvester.full_ds
    assert len(harvester.table) == 2


def test_settings_that_the_function_changes() -> None:
    """Coordinates are what was asked for, whatever became of them in a call."""

    def work(a: list[int], b: int) -> int:
        a.append(b)
        return b

    harvester = Harvester(Runner(work, "y", verbosity=0), "f")
    harvester.harvest_combos({"a": [[1], [2]], "b": [1, 2]})
    assert sorted(harvester.table["a"].tolist()) == [[1], [1], [2], [2]]
    again = Harvester(Runner(work, "y", verbosity=0), "f")
    again.harvest_combos({"a": [[1], [2]], "b": [1, 2]}, missing_only=True)
    assert len(again.table) == 4


def test_holes_of_a_file_with_texts() -> None:
    """Where other programs have nothing they write NaN, and an empty text beside it."""
    ds = xr.Dataset(
        {"n": (("a", "b"), [[1.0, np.nan], [np.nan, 2.0]]), "s": (("a", "b"), [["x", ""], ["", "y"]])},
        {"a": [1, 2], "b": [1, 2]},
    )
    ds.to_netcdf("f.h5", engine="h5netcdf")
    calls = []

    def work(a: int, b: int) -> tuple[float, str]:
        calls.append((a, b))
        return 7.0, "new"

    harvester = Harvester(Runner(work, ["n", "s"], verbosity=0), "f.h5")
    harvester.harvest_combos({"a": [1, 2], "b": [1, 2]}, missing_only=True)
    assert calls == [(1, 2), (2, 1)]
    assert harvester.full_ds["s"].values.tolist() == [["x", "new"], ["new", "y"]]
    Path("g").mkdir()
    xr.Dataset({"s": ("a", ["", "y"])}, {"a": [1, 2]}).to_netcdf("g.h5", engine="h5netcdf")
    assert len(Harvester(Runner(work, ["s"], verbosity=0), "g.h5").table) == 2  # nothing but texts: an empty one is one


def test_arrays_that_nothing_speaks_of_go_with_an_export() -> None:
    plus = [0]
    made = Runner(lambda a: np.arange(20_000) + a + plus[0], "y", var_dims={"y": "t"}, verbosity=0)
    harvester = Harvester(made, "f")

    def files() -> list[Path]:
        return list(Path("f/arrays").rglob("*.npy"))

    def aged() -> None:
        for path in Path("f/arrays").rglob("*"):
            os.utime(path, (0, 0))

    for _ in range(5):
        plus[0] += 1000
        harvester.harvest_combos({"a": [1, 2]}, overwrite=True)
    assert len(files()) == 10
    aged()  # as when the clock is set forward: what is seen for the first time may be another process's that is at work
    harvester.export("out.h5")
    assert len(files()) == 10
    harvester.export("out.h5")
    assert len(files()) == 2
    assert Harvester(made, "f").full_ds["y"].values[:, 0].tolist() == [5001, 5002]


def test_large_arrays_count_for_what_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have files of their own, and the dataset is as large all the same."""
    monkeypatch.setattr("headrace.sweeps.kept.SMALL", 1_000_000)
    harvester = Harvester(Runner(lambda a: np.arange(20_000) + a, "y", var_dims={"y": "t"}, verbosity=0), "f.h5")
    harvester.harvest_combos({"a": range(5)})
    assert load_ds("f.h5").sizes["a"] == 5
    harvester.harvest_combos({"a": range(5, 10)})
    assert load_ds("f.h5").sizes["a"] == 5
    harvester.export()
    assert load_ds("f.h5").sizes["a"] == 10


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything")
def test_a_dataset_that_may_not_be_written_to_is_an_error_when_it_is_loaded() -> None:
    harvester = Harvester(runner(), "f.h5")
    harvester.harvest_combos({"a": [1]})
    os.chmod("f.h5", 0o444)
    with pytest.raises(OSError, match=r"f\.h5"):
        harvester.load_full_ds()
