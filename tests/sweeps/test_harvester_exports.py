"""The dataset that a ledger is shown as: when it is written, and what becomes of one that somebody else wrote."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import HeadraceWarning, StreamConfigError
from headrace.store import load_ds, save_ds
from headrace.sweeps import Harvester, Runner, exports
from support.require import require

xr = require("xarray")
require("h5netcdf")
require("h5py")
require("zarr")


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["foo.h5", "foo.nc", "foo.zarr"])
def name(request: pytest.FixtureRequest) -> Any:
    return request.param


def runner(**more: Any) -> Runner:
    return Runner(lambda a, b=0: float(a), "y", fn_args=["a"], verbosity=0, **more)


def theirs(name: str, **values: float) -> Any:
    ds = xr.Dataset({"y": ("a", [float(v) for v in values.values()])}, {"a": [int(k[1:]) for k in values]})
    if name.endswith(".zarr"):
        ds.to_zarr(name, mode="w", consolidated=False)
    else:
        ds.to_netcdf(name, engine="h5netcdf")
    return ds


def inside(name: str) -> dict[int, float]:
    found: dict[int, float] = load_ds(name)["y"].to_series().to_dict()
    return found


def test_it_is_written_after_each_harvest(name: str) -> None:
    harvester = Harvester(runner(), name)
    assert not Path(name).exists()
    harvester.harvest_combos({"a": [1]})
    assert inside(name) == {1: 1}
    harvester.harvest_combos({"a": [2]})
    assert inside(name) == {1: 1, 2: 2}
    harvester.drop_sel(a=1)
    assert inside(name) == {2: 2}
    before = os.stat(name).st_ino
    assert harvester.full_ds is not None
    assert os.stat(name).st_ino == before  # it shows what there is: nothing to write
    assert sorted(path.name for path in Path().iterdir()) == [name, f"{name}.ledger"]


def test_nothing_is_in_it_but_the_results(name: str) -> None:
    harvester = Harvester(runner(attrs={"unit": "m"}), name)
    harvester.harvest_combos({"a": [1]})
    assert load_ds(name).identical(harvester.full_ds)
    assert load_ds(name).attrs == {"unit": "m"}


def test_a_large_one_is_written_when_it_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.sweeps.kept.SMALL", 1000)
    harvester = Harvester(runner(), name)
    harvester.harvest_combos({"a": [1]})
    assert inside(name) == {1: 1}
    harvester.harvest_combos({"a": range(200)})
    assert inside(name) == {1: 1}
    assert len(harvester.full_ds["a"]) == 200
    assert len(inside(name)) == 200
    harvester.harvest_combos({"a": range(300)}, missing_only=True)
    harvester.export()
    assert len(inside(name)) == 300


def calls_of(act: Any) -> int:
    """How many functions are called: the cost of something whatever else the machine does."""
    found = 0

    def count(*_: Any) -> None:
        nonlocal found
        found += 1

    def run() -> None:
        sys.setprofile(count)
        try:
            act()
        finally:
            sys.setprofile(None)

    thread = threading.Thread(target=run)  # where what Ctrl-C must not cut in two is done at once
    thread.start()
    thread.join(100)
    return found


def test_a_round_costs_what_is_new_in_it(name: str) -> None:
    harvester = Harvester(Runner(lambda a: (a, a / 2), ["p", "q"], verbosity=0), name)

    def turn(first: int, n: int) -> int:
        return calls_of(lambda: harvester.harvest_combos({"a": range(first, first + n)}))

    turn(0, 20)
    small = turn(20, 20)
    harvester.harvest_combos({"a": range(100, 4000)})
    turn(4000, 20)
    large = turn(4020, 20)
    assert len(load_ds(name)["a"]) == 40 + 3900 + 40
    assert large < 1.2 * small + 500


def test_it_shows_the_ledger_whatever_came_in_between(name: str) -> None:
    """Rounds in any order, of any types, with failures, changes and another harvester beside: always as if made anew."""
    draw = random.Random(name)

    def work(a: Any, b: Any) -> Any:
        if draw.random() < 0.1:
            raise ValueError("no luck")
        n = draw.choice([draw.randrange(9), 2**60 + 1, None, 0.5])
        return n, draw.choice(["x", "a longer text", None]), [draw.random(), 1]

    made = Runner(work, ["n", "s", "v"], var_dims={"v": "t"}, verbosity=0)
    harvesters = [Harvester(made, name, allow_pickle=True) for _ in range(2)]
    for k in range(25):
        harvester = draw.choice(harvesters)
        act = draw.random()
        if act < 0.1 and k:
            known = harvester.table["a"].tolist()
            if known:
                harvester.drop_sel(a=draw.choice(known))
        elif act < 0.15 and k:
            harvester.ledger.change(
                lambda point: point if point.row % 3 else point._replace(value=(7, "y", [1.0, 2.0]))
            )
            harvester.save_full_ds()
        else:
            a = draw.sample(draw.choice([[0, 1, 2.5], [1.0, float("nan"), -3]]), draw.randrange(1, 4))
            b = draw.sample(["u", "w", "v", "zz"], draw.randrange(1, 3))
            harvester.harvest_combos({"a": a, "b": b}, overwrite=draw.random() < 0.7, on_error="keep")
        fresh = Harvester(made, name, allow_pickle=True).full_ds
        shown = load_ds(name, allow_pickle=True)
        assert shown.identical(xr.Dataset() if fresh is None else fresh), k


def test_it_shows_variables_that_not_all_points_have(name: str) -> None:
    both = Runner(lambda a: (a, 2 * a), ["p", "q"], verbosity=0)
    one = Runner(lambda a: -a, "p", verbosity=0)
    harvesters = Harvester(both, name), Harvester(one, name)
    for k in range(6):
        harvesters[k % 2].harvest_combos({"a": range(10 * k, 10 * k + 10)})
        assert load_ds(name).identical(Harvester(one, name).full_ds)
    shown = load_ds(name)["q"].values
    assert shown[:10].tolist() == list(range(0, 20, 2))
    assert np.isnan(shown[10:20]).all()


def test_what_waits_is_not_in_it(name: str) -> None:
    harvester = Harvester(runner(), name)
    harvester.harvest_combos({"a": [1]})
    harvester.harvest_combos({"a": [2]}, sync=False)
    harvester.ledger.set_note("x", 1, counts=True)  # so that the file is written again
    assert harvester.full_ds["a"].values.tolist() == [1, 2]
    assert inside(name) == {1: 1}


def test_and_at_exit(tmp_path: Path) -> None:
    code = (
        "from headrace.sweeps import Harvester, Runner, kept\n"
        "kept.SMALL = 100\n"
        "harvester = Harvester(Runner(lambda a: a, 'y', verbosity=0), 'foo.h5')\n"
        "harvester.harvest_combos({'a': range(300)})\n"
        "import os; assert not os.path.exists('foo.h5')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)
    assert len(inside("foo.h5")) == 300


def test_one_that_is_gone_is_written_again(name: str) -> None:
    harvester = Harvester(runner(), name)
    harvester.harvest_combos({"a": [1, 2]})
    hr.store.delete_ds(name)
    with pytest.warns(HeadraceWarning, match=f"{name} was gone"):
        assert len(Harvester(runner(), name).full_ds["a"]) == 2
    assert inside(name) == {1: 1, 2: 2}


def test_one_that_was_there_first(name: str) -> None:
    """It is taken in, and the original is kept before the first overwrite."""
    theirs(name, a1=10, a5=50)
    harvester = Harvester(runner(), name)
    assert harvester.full_ds["y"].values.tolist() == [10, 50]
    harvester.harvest_combos({"a": [5, 7]}, missing_only=True)
    assert inside(name) == {1: 10, 5: 50, 7: 7}
    kept = Path(f"{name}.orig")
    original = (
        xr.open_zarr(kept, consolidated=False) if name.endswith(".zarr") else xr.open_dataset(kept, engine="h5netcdf")
    )
    with original:
        assert original["y"].to_series().to_dict() == {1: 10, 5: 50}
    harvester.harvest_combos({"a": [8]})
    assert not Path(f"{name}.orig-2").exists()
    hr.store.delete_ds(f"{name}")
    shutil.rmtree(f"{name}.ledger")
    theirs(name, a3=3)
    Harvester(runner(), name).harvest_combos({"a": [4]})
    assert Path(f"{name}.orig-2").exists()  # nothing is overwritten, an original least of all


def test_one_that_somebody_has_changed(name: str) -> None:
    harvester = Harvester(runner(), name)
    harvester.harvest_combos({"a": [1, 2]})
    theirs(name, a2=2, a9=90)
    with pytest.warns(HeadraceWarning, match=r"foo.* lacks a point now, which the ledger has"):
        assert harvester.full_ds["y"].to_series().to_dict() == {1: 1, 2: 2, 9: 90}
    assert inside(name) == {1: 1, 2: 2, 9: 90}  # what only the ledger had is in it again
    theirs(name, a2=222)
    with pytest.raises(xr.MergeError, match=r"y=222.0 at a=2 from .*foo.*\n.*move the file away"):
        harvester.full_ds
    assert inside(name) == {2: 222}  # theirs is left alone
    with pytest.warns(HeadraceWarning, match="lacks 2 points"):
        harvester.harvest_combos({"a": [3]}, overwrite=True)
    assert inside(name) == {1: 1, 2: 222, 3: 3, 9: 90}
    theirs(name, a2=0)
    with pytest.warns(HeadraceWarning, match="lacks 3 points"):
        harvester.harvest_combos({"a": [3]}, overwrite=False)
    assert inside(name) == {1: 1, 2: 222, 3: 3, 9: 90}
    assert not list(Path().glob("*.orig*"))


def test_a_copy_of_ones_own_is_no_change(name: str) -> None:
    """Types that a dataset with holes cannot show, and times of files, are no reason to complain."""
    large = 2**60 + 1
    made = Runner(lambda a, b: (large + a, None if a == 1 else "x", a > 1), ["n", "s", "t"], verbosity=0)
    harvester = Harvester(made, name)
    harvester.harvest_cases([{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    copied = Path("copy") / name
    copied.parent.mkdir()
    (shutil.copytree if Path(name).is_dir() else shutil.copyfile)(name, copied)
    hr.store.delete_ds(name)
    shutil.move(copied, name)
    again = Harvester(made, name)
    again.harvest_combos({"a": [5], "b": [6]})
    assert again.table["n"].tolist() == [large + 1, large + 3, large + 5]
    assert again.table["s"].tolist() == [None, "x", "x"]


def test_killed_while_it_was_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the renaming and the note of it: it is one's own, whatever its time."""
    harvester = Harvester(runner(), name)
    harvester.harvest_combos({"a": [1, 2]})

    def killed(path: Path) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as there:
        there.setattr(exports, "digest_of", killed)
        harvester.ledger.set_note("x", 1, counts=True)
        with pytest.raises(KeyboardInterrupt):
            harvester._export.refresh()  # type: ignore[union-attr]  # it has one
    harvester.ledger.change(lambda point: point._replace(value=(point.value[0] + 100,)))  # so that the file differs
    assert harvester.full_ds["y"].values.tolist() == [101, 102]
    assert inside(name) == {1: 101, 2: 102}


def test_names_without_suffix() -> None:
    """B3: a name is one place, in every process."""
    Harvester(runner(), "foo").harvest_combos({"a": [1, 2, 3]})
    Harvester(runner(), "foo").harvest_combos({"a": [4, 5]})
    assert len(Harvester(runner(), "foo").table) == 5
    assert [path.name for path in Path().iterdir()] == ["foo"]
    Harvester(runner(), "bar", engine="h5netcdf").harvest_combos({"a": [1]})
    assert sorted(path.name for path in Path().glob("bar*")) == ["bar.h5", "bar.h5.ledger"]
    theirs("old.h5", a1=1)
    with pytest.warns(HeadraceWarning, match=r"old\.h5 is taken into the ledger old"):
        Harvester(runner(), "old").harvest_combos({"a": [2]})
    assert len(Harvester(runner(), "old").table) == 2
    assert inside("old.h5") == {1: 1}
    theirs("bare.zarr", a1=1)
    os.rename("bare.zarr", "bare")
    assert len(Harvester(runner(), "bare").table) == 1


def test_export_elsewhere() -> None:
    harvester = Harvester(runner(), "foo")
    harvester.harvest_combos({"a": [1, 2]})
    for name in ("out.h5", "out.zarr"):
        harvester.export(name)
        assert load_ds(name).identical(harvester.full_ds)
    harvester.export("out.csv")
    assert Path("out.csv").read_text() == "a,y\n1,1.0\n2,2.0\n"
    harvester.export("out.pkl")
    assert require("pandas").read_pickle("out.pkl").equals(harvester.table)
    with pytest.raises(StreamConfigError, match="wanted a path"):
        harvester.export()


def test_sparse_ones_are_left_to_tables() -> None:
    harvester = Harvester(Runner(lambda x, y: x, "z", verbosity=0), "foo.h5")
    harvester.harvest_cases([{"x": i, "y": i} for i in range(5000)])
    assert not Path("foo.h5").exists()  # 200 MB for 5000 numbers
    harvester.export("foo.csv")
    assert len(Path("foo.csv").read_text().splitlines()) == 5001


def test_two_harvesters_of_one_file(name: str) -> None:
    one, two = Harvester(runner(), name), Harvester(runner(), name)
    for k in range(3):
        one.harvest_combos({"a": [10 * k]})
        two.harvest_combos({"a": [10 * k + 1]})
    wanted = {float(a): float(a) for a in (0, 1, 10, 11, 20, 21)}
    assert inside(name) == wanted
    assert one.full_ds.identical(two.full_ds)


def test_a_directory_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    Harvester(runner(), str(folder / name)).harvest_combos({"a": [1, 2]})
    view = tmp_path / "view"
    view.mkdir()
    made = subprocess.run(["mount", "--bind", folder, view], capture_output=True, check=False)
    if (
        made.returncode
        or subprocess.run(["mount", "-o", "remount,bind,ro", view], capture_output=True, check=False).returncode
    ):
        subprocess.run(["umount", view], capture_output=True, check=False)
        pytest.skip("may not mount here")
    harvester = Harvester(runner(), str(view / name))
    try:
        assert harvester.full_ds["y"].values.tolist() == [1, 2]
        assert len(harvester.table) == 2
        with pytest.raises(hr.HeadraceError, match="cannot be written"):
            harvester.harvest_combos({"a": [3]})
    finally:
        harvester.ledger.close()
        subprocess.run(["umount", view], check=True)


def test_what_xyzpy_wrote() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it puts its accessor where our door has put one, in the same process
        xyzpy = require("xyzpy")
    old = xyzpy.Harvester(xyzpy.Runner(lambda a, b: a * b, "y"), "foo.h5")
    old.harvest_combos({"a": [1, 2], "b": [0.5]}, verbosity=0)
    harvester = Harvester(Runner(lambda a, b: a * b, "y", verbosity=0), "foo.h5")
    harvester.harvest_combos({"a": [1, 2, 3], "b": ...}, missing_only=True)
    assert harvester.full_ds["y"].values.tolist() == [[0.5], [1.0], [1.5]]
    assert load_ds("foo.h5").identical(harvester.full_ds)
    assert Path("foo.h5.orig").exists()


def test_save_ds_takes_what_it_gives(name: str) -> None:
    harvester = Harvester(Runner(lambda a: (a, np.arange(3) * a), ["n", "v"], var_dims={"v": "t"}, verbosity=0), name)
    harvester.harvest_combos({"a": [1, 2]})
    save_ds(harvester.full_ds, f"other-{name}")
    other = Harvester(harvester.runner, f"other-{name}")
    assert other.full_ds.identical(harvester.full_ds)
    assert other.table["n"].dtype == np.int64
