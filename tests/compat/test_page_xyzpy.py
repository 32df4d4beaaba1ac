"""What xyzpy documents, in our own words: each feature as its pages show it, run through the door."""

from __future__ import annotations

import math
import random
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import headrace.compat.xyzpy as xyz
from headrace.compat.xyzpy.gen.case_runner import case_runner, case_runner_to_ds
from headrace.compat.xyzpy.gen.combo_runner import combo_runner, combo_runner_to_ds
from headrace.compat.xyzpy.gen.farming import Harvester, Runner, Sampler
from support.require import require

QUIET: dict[str, Any] = {"verbosity": 0}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def height(x: float, shift: float, power: int, amp: float = 1.0, base: float = 0.0) -> dict[str, float]:
    return {"fx": amp * (x - shift) ** power + base}


def volume(a: int, b: int, c: int) -> int:
    return 100 * a + 10 * b + c


def sum_and_difference(a: int, b: int) -> tuple[int, int]:
    return a + b, a - b


# --- the quick start --------------------------------------------------------------------------------


def test_the_quick_start_runs_as_printed(capsys: pytest.CaptureFixture[str]) -> None:
    require("h5netcdf")
    combos: dict[str, Any] = {
        "x": [-2 + i * 0.25 for i in range(17)],
        "power": [1, 2, 3],
        "shift": [0.0, 0.5, 1.0],
        "base": [-2.0, 1.0],
        "amp": [-1.0, 1.0],
    }
    ds = xyz.cultivate(height, var_names=None, data_name="heights.h5", combos=combos)
    assert dict(ds.sizes) == {"x": 17, "power": 3, "shift": 3, "base": 2, "amp": 2}
    assert float(ds["fx"].sel(x=1.0, power=2, shift=0.5, base=1.0, amp=-1.0)) == 0.75
    assert "612" in capsys.readouterr().err
    calls: list[float] = []

    def counted(x: float, **settings: Any) -> dict[str, float]:
        calls.append(x)
        return height(x, **settings)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the function is another one
        again = xyz.cultivate(counted, data_name="heights.h5", combos={**combos, "x": [1.0, 9.0]}, verbosity=0)
    assert set(calls) == {9.0}
    assert again.sizes["x"] == 18
    with pytest.raises(xyz.XYZError, match="plots come with a later version"):
        ds.xyz.plot(x="x", y="fx", hue="base", col="power", row="amp")
    Path("heights.h5").unlink()


def test_cultivate_takes_runners_and_harvesters() -> None:
    made = xyz.cultivate(
        volume, var_names="v", runner_opts={"constants": {"c": 1}}, combos={"a": [1], "b": [2]}, **QUIET
    )
    assert made["v"].values.tolist() == [[121]]
    assert made.attrs == {"c": 1}
    harvester = xyz.Harvester(xyz.Runner(volume, "v"))
    for _ in range(2):
        ds = xyz.cultivate(harvester, combos={"a": [1, 2]}, constants={"b": 0, "c": 0}, **QUIET)
    assert ds["v"].values.tolist() == [100, 200]
    with pytest.raises(ZeroDivisionError):
        xyz.cultivate(lambda a: {"y": 1 / a}, combos={"a": [1, 0]}, **QUIET)
    found = xyz.cultivate(lambda a: {"y": 1 / a}, combos={"a": [1, 0, 2]}, raise_errors=False, **QUIET)
    assert found["y"].sel(a=2) == 0.5


# --- combo_runner and case_runner -------------------------------------------------------------------


def test_nested_results_of_every_combination() -> None:
    combos = {"a": [1, 2], "b": [3, 4, 5], "c": [6]}
    found = combo_runner(volume, combos, **QUIET)
    assert found == (((136,), (146,), (156,)), ((236,), (246,), (256,)))
    pairs = [("a", [1, 2]), ("b", [3, 4, 5])]
    assert combo_runner(volume, pairs, constants={"c": 6}, **QUIET) == ((136, 146, 156), (236, 246, 256))
    assert combo_runner(volume, ("a", [1, 2]), constants={"b": 3, "c": 6}, **QUIET) == (136, 236)
    assert combo_runner(volume, constants={"a": 1, "b": 2, "c": 3}, **QUIET) == 123


def test_generators_and_texts_as_values() -> None:
    assert combo_runner(lambda a, b: f"{a}{b}", {"a": (i for i in range(2)), "b": "xy"}, **QUIET) == (
        ("0x", "0y"),
        ("1x", "1y"),
    )


def test_split_results_one_structure_for_each_output() -> None:
    sums, differences = combo_runner(sum_and_difference, {"a": [1, 2], "b": [3, 4]}, split=True, **QUIET)
    assert sums == ((4, 5), (5, 6))
    assert differences == ((-2, -3), (-1, -2))


def test_flat_results_in_order() -> None:
    assert combo_runner(volume, {"a": [1, 2], "b": [3], "c": [4, 5]}, flat=True, **QUIET) == (134, 135, 234, 235)


@pytest.mark.parametrize("shuffle", [True, 7])
def test_shuffled_runs_give_results_in_order_and_leave_random_alone(shuffle: Any) -> None:
    order: list[int] = []
    random.seed(3)
    due = random.random()
    random.seed(3)

    def noting(a: int) -> int:
        order.append(a)
        return 10 * a

    found = combo_runner(noting, {"a": range(50)}, shuffle=shuffle, **QUIET)
    assert random.random() == due
    assert found == tuple(10 * a for a in range(50))
    assert order != sorted(order) == list(range(50))


def test_cases_with_combos() -> None:
    found = combo_runner(volume, {"c": [7, 8]}, cases=[{"a": 1, "b": 2}, {"a": 3, "b": 4}], **QUIET)
    assert found[0][0] == (127, 128)
    assert found[1][1] == (347, 348)
    assert all(math.isnan(cell) for cell in found[0][1] + found[1][0])


def test_case_runner() -> None:
    cases = [(1, 2, 3), (4, 5, 6)]
    assert case_runner(volume, ("a", "b", "c"), cases, **QUIET) == (123, 456)
    assert case_runner(volume, ("a", "b"), [(1, 2), (4, 5)], constants={"c": 0}, **QUIET) == (120, 450)
    assert case_runner(abs_of, "x", [-1, -2], **QUIET) == (1, 2)
    assert case_runner(sum_and_difference, ("a", "b"), [(3, 1), (5, 5)], split=True, **QUIET) == ((4, 10), (2, 0))
    assert case_runner(volume, ("a", "b"), [(1, 2)], combos={"c": [3, 4]}, **QUIET) == (123, 124)


def abs_of(x: float) -> float:
    return abs(x)


# --- parallel ---------------------------------------------------------------------------------------


def test_parallel_runs() -> None:
    def volume(a: int, b: int, c: int) -> int:  # workers cannot import what pytest has read from here
        return 100 * a + 10 * b + c

    combos = {"a": [1, 2], "b": [3, 4], "c": range(4)}
    due = combo_runner(volume, combos, **QUIET)
    assert combo_runner(volume, combos, parallel=True, num_workers=2, **QUIET) == due
    assert combo_runner(volume, combos, num_workers=2, **QUIET) == due
    assert combo_runner(lambda a, b, c: volume(a, b, c), combos, parallel=2, **QUIET) == due


def test_executors_that_are_handed_over() -> None:
    combos = {"a": [1, 2], "b": [3, 4], "c": range(4)}
    due = combo_runner(volume, combos, **QUIET)
    with ThreadPoolExecutor(2) as pool:
        assert combo_runner(volume, combos, executor=pool, **QUIET) == due
        assert pool.submit(abs, -3).result() == 3  # it is still the caller's
    with ThreadPool(2) as pool2:
        assert combo_runner(volume, combos, executor=pool2, **QUIET) == due
    with pytest.raises(xyz.XYZError, match="executor"):
        combo_runner(volume, combos, executor=object(), **QUIET)


def test_joblib_works_after_a_parallel_run() -> None:
    joblib = require("joblib")
    combo_runner(lambda x: x, {"x": [1, 2]}, parallel=2, **QUIET)
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(x) for x in (-1, -2)) == [1, 2]


# --- progress ---------------------------------------------------------------------------------------


def test_verbosity(capsys: pytest.CaptureFixture[str]) -> None:
    combo_runner(abs_of, {"x": [1, 2]}, verbosity=0)
    assert capsys.readouterr() == ("", "")
    combo_runner(abs_of, {"x": [1, 2]})
    assert "2" in capsys.readouterr().err
    combo_runner(abs_of, {"x": [1, 2]}, verbosity=2)
    assert capsys.readouterr().err


# --- labelled results -------------------------------------------------------------------------------


def test_a_dataset_with_axes_constants_and_attributes() -> None:
    def wave(freq: float, phase: float, t: Any, gain: float, table: Any) -> tuple[Any, float]:
        signal = gain * np.sin(2 * np.pi * freq * t + phase)
        return signal, float(table[0])

    t = np.linspace(0, 1, 5)
    ds = combo_runner_to_ds(
        wave,
        {"freq": [1.0, 2.0], "phase": [0.0, 0.5, 1.0]},
        ["signal", "first"],
        var_dims={"signal": ["t"]},
        constants={"t": t, "gain": 2.0},
        resources={"table": [7.0]},
        attrs={"made": "here"},
        verbosity=0,
    )
    assert ds["signal"].dims == ("freq", "phase", "t")
    assert ds["first"].dims == ("freq", "phase")
    np.testing.assert_array_equal(ds["t"], t)
    assert ds.attrs == {"made": "here", "gain": 2.0}
    np.testing.assert_allclose(ds["signal"].sel(freq=2.0, phase=0.5), 2 * np.sin(4 * np.pi * t + 0.5))


def test_axes_may_have_coordinates_of_their_own() -> None:
    ds = combo_runner_to_ds(
        lambda n: np.arange(3) * n, {"n": [1, 2]}, "x", var_dims="i", var_coords={"i": [10, 20, 30]}, **QUIET
    )
    assert int(ds["x"].sel(n=2, i=30)) == 4
    plain = combo_runner_to_ds(lambda n: np.arange(3) * n, {"n": [1, 2]}, "x", var_dims="auto", **QUIET)
    assert plain["auto"].values.tolist() == [0, 1, 2]


def test_types_of_complete_and_sparse_grids() -> None:
    full = combo_runner_to_ds(lambda a: (a, a > 1, f"t{a}", a + 1j), {"a": [1, 2]}, ["i", "b", "s", "c"], **QUIET)
    assert [full[name].dtype.kind for name in "ibsc"] == ["i", "b", "U", "c"]
    sparse = case_runner_to_ds(
        lambda a, z: (a, a > 1, f"t{a}", a + 1j), None, [(1, 1), (2, 2)], ["i", "b", "s", "c"], **QUIET
    )
    assert [sparse[name].dtype.kind for name in "ibsc"] == ["f", "O", "O", "c"]
    assert sparse["s"].values.tolist() == [["t1", None], [None, "t2"]]
    assert int(sparse["b"].isnull().sum()) == 2


def test_names_from_the_function() -> None:
    ds = combo_runner_to_ds(lambda a, b: {"s": a + b, "v": ("t", [a, b])}, {"a": [1, 2], "b": [3]}, None, **QUIET)
    assert ds["s"].dims == ("a", "b")
    assert ds["v"].sel(a=2).values.tolist() == [[2, 3]]

    def returns_ds(a: int) -> xr.Dataset:
        return xr.Dataset({"x": ("t", [a, 2 * a])}, {"t": [0.5, 1.5]})

    assert combo_runner_to_ds(returns_ds, {"a": [1, 2]}, None, **QUIET)["x"].sel(a=2, t=1.5) == 4


def test_data_arrays_give_a_data_array() -> None:
    def returns_array(a: int, b: int, name: str | None = None) -> xr.DataArray:
        return xr.DataArray(np.arange(3) * a + b, dims="t", coords={"t": [1, 2, 3]}, name=name)

    found = combo_runner_to_ds(returns_array, {"a": [1, 2], "b": [3, 4]}, None, attrs={"made": "here"}, **QUIET)
    assert isinstance(found, xr.DataArray)
    assert (found.name, found.dims, found.attrs) == (None, ("a", "b", "t"), {"made": "here"})
    assert int(found.sel(a=2, b=4, t=3)) == 8
    runner = xyz.Runner(returns_array, None, constants={"name": "named"})
    assert runner.run_combos({"a": [1], "b": [2]}, **QUIET).name == "named"
    assert isinstance(runner.last_ds, xr.DataArray)
    sparse = xyz.Runner(returns_array, None).run_cases([(1, 1), (2, 2)], fn_args=("a", "b"), **QUIET)
    assert np.isnan(sparse.sel(a=1, b=2)).all()
    assert isinstance(sparse, xr.DataArray)
    assert isinstance(xyz.case_runner_to_ds(returns_array, None, [(1, 1)], None, **QUIET), xr.DataArray)


def test_tables() -> None:
    df = xyz.combo_runner_to_df(
        sum_and_difference, {"a": [1, 2], "b": [3, 4]}, ["s", "d"], attrs={"made": "here"}, shuffle=True, **QUIET
    )
    assert df.columns.tolist() == ["a", "b", "made", "s", "d"]
    assert (df["s"] == df["a"] + df["b"]).all()
    assert (df["d"] == df["a"] - df["b"]).all()
    cases = xyz.case_runner_to_df(volume, ("a", "b"), [(1, 2), (3, 4)], "v", constants={"c": 0}, **QUIET)
    assert cases.to_dict("list") == {"a": [1, 3], "b": [2, 4], "c": [0, 0], "v": [120, 340]}
    texts = xyz.case_runner_to_df(lambda a: f"value {a}", "a", [1, 2], "text", **QUIET)
    assert texts["text"].tolist() == ["value 1", "value 2"]


# --- runners ----------------------------------------------------------------------------------------


def test_a_runner_knows_its_names() -> None:
    runner = Runner(volume, "v", constants={"c": 5}, resources={"b": 0}, verbosity=0)
    ds = runner.run_combos({"a": [1, 2]})
    assert ds is runner.last_ds
    assert ds.identical(xr.Dataset({"v": ("a", [105, 205])}, {"a": [1, 2]}, attrs={"c": 5}))
    assert runner.run_combos({"a": [1]}, constants={"c": 6}).attrs == {"c": 6}
    assert runner.constants == {"c": 5}
    assert runner(1, 2, 3) == 123
    assert runner.run_cases([{"a": 1}, {"a": 3}])["v"].values.tolist() == [105, 305]
    runner.constants = {"c": 7}
    runner.var_names = "w"
    assert runner.run_combos({"a": [1]})["w"].values.tolist() == [107]
    frame = runner.run_combos({"a": [1, 2]}, to_df=True)
    assert isinstance(frame, pd.DataFrame)


def test_label_makes_runners_harvesters_and_samplers() -> None:
    @xyz.label(var_names=["s", "d"], verbosity=0)
    def both(a: int, b: int) -> tuple[int, int]:
        """Add and take away."""
        return a + b, a - b

    assert isinstance(both, xyz.Runner)
    assert (vars(both)["__name__"], both.__doc__, both(5, 3)) == ("both", "Add and take away.", (8, 2))
    assert both.run_combos({"a": [1], "b": [2]})["d"].values.tolist() == [[-1]]

    @xyz.label(var_names="y", harvester=True, verbosity=0)
    def square(a: int) -> int:
        return a * a

    assert isinstance(square, xyz.Harvester)
    square.harvest_combos({"a": [1, 2]})
    square.harvest_combos({"a": [3]})
    assert square.full_ds["y"].values.tolist() == [1, 4, 9]

    @xyz.label(var_names="y", sampler=True, verbosity=0)
    def cube(a: int) -> int:
        return a**3

    assert isinstance(cube, xyz.Sampler)
    assert len(cube.sample_combos(3, {"a": [1, 2]})) == 3
    with pytest.raises(ValueError, match="one of them"):
        xyz.label("y", harvester=True, sampler=True)(abs_of)


# --- harvesters -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "engine", "file"), [("foo", "h5netcdf", "foo.h5"), ("foo.h5", "h5netcdf", "foo.h5"), ("foo", "zarr", "foo.zarr")])  # fmt: skip
def test_results_stay_on_disk_and_grow(name: str, engine: str, file: str) -> None:
    require("zarr" if engine == "zarr" else "h5netcdf")
    runner = Runner(sum_and_difference, ["s", "d"], verbosity=0)
    Harvester(runner, name, engine=engine).harvest_combos({"a": [1, 2], "b": [3, 4]})
    assert Path(file).exists()
    again = Harvester(runner, name, engine=engine)
    again.harvest_combos({"a": [5], "b": [3, 4]})
    assert again.full_ds["a"].values.tolist() == [1, 2, 5]
    assert again.last_ds["a"].values.tolist() == [5]
    assert xyz.load_ds(file, engine=engine).identical(again.full_ds)
    again.delete_ds(backup=True)
    assert not Path(file).exists()
    assert list(Path().glob(f"{file}.BAK-*"))


def test_what_is_missing_and_what_is_known() -> None:
    calls: list[Any] = []

    def counted(a: int, b: int) -> int:
        calls.append((a, b))
        return a * b

    harvester = Harvester(Runner(counted, "y", verbosity=0), "foo.h5")
    harvester.harvest_combos({"a": [1, 2], "b": [3, 4]})
    calls.clear()
    harvester.harvest_combos({"a": [1, 2, 3], "b": [3, 4]}, missing_only=True)
    assert calls == [(3, 3), (3, 4)]
    calls.clear()
    harvester.harvest_combos({"a": ..., "b": [9]})
    assert calls == [(1, 9), (2, 9), (3, 9)]
    harvester.harvest_cases([(7, 7)], missing_only=True)
    assert int(harvester.full_ds["y"].sel(a=7, b=7)) == 49
    names, cases = xyz.find_missing_cases(harvester.full_ds)
    assert names == ("a", "b")
    assert set(cases) == {(a, 7) for a in (1, 2, 3)} | {(7, b) for b in (3, 4, 9)}


def test_overwriting() -> None:
    scale = [1]
    harvester = Harvester(Runner(lambda a: scale[0] * a, "y", verbosity=0))
    harvester.harvest_combos({"a": [1, 2]})
    scale[0] = 10
    with pytest.raises(xr.MergeError):
        harvester.harvest_combos({"a": [2, 3]})
    assert harvester.last_ds["y"].values.tolist() == [20, 30]
    harvester.harvest_combos({"a": [2, 3]}, overwrite=False)
    assert harvester.full_ds["y"].values.tolist() == [1, 2, 30]
    harvester.harvest_combos({"a": [2]}, overwrite=True)
    assert harvester.full_ds["y"].values.tolist() == [1, 20, 30]


def test_a_dataset_is_changed_by_hand() -> None:
    harvester = Harvester(Runner(lambda a: float(a), "y", verbosity=0), "foo.h5")
    harvester.harvest_combos({"a": [1, 2]})
    harvester.add_ds(xr.Dataset({"y": ("a", [4.5])}, {"a": [4]}))
    assert harvester.full_ds["y"].values.tolist() == [1, 2, 4.5]
    harvester.drop_sel(a=2)
    assert harvester.full_ds["a"].values.tolist() == [1, 4]
    harvester.expand_dims("b", 7)
    assert set(harvester.full_ds["y"].dims) == {"a", "b"}
    assert xyz.load_ds("foo.h5")["b"].values.tolist() == [7]


def test_an_old_file_is_gone_on_with() -> None:
    require("h5netcdf")
    xr.Dataset({"y": ("a", [10.0, 20.0])}, {"a": [1, 2]}).to_netcdf("old.h5", engine="h5netcdf")
    harvester = Harvester(Runner(lambda a: 10.0 * a, "y", verbosity=0), "old.h5")
    harvester.harvest_combos({"a": [2, 3]}, missing_only=True)
    assert harvester.full_ds["y"].values.tolist() == [10, 20, 30]
    assert xyz.load_ds("old.h5.orig", engine="h5netcdf")["y"].values.tolist() == [10, 20]


def test_a_harvester_in_memory_of_data_that_is_there() -> None:
    ds = xr.Dataset({"y": ("a", [1.0])}, {"a": [1]})
    harvester = Harvester(Runner(lambda a: float(a), "y", verbosity=0), full_ds=ds)
    harvester.harvest_combos({"a": [1, 2]}, missing_only=True)
    assert harvester.full_ds["y"].values.tolist() == [1, 2]
    assert harvester.fn is harvester.runner.fn
    assert harvester(5) == 5.0


def test_chunks() -> None:
    require("dask")
    harvester = Harvester(Runner(lambda a: np.ones(4) * a, "y", var_dims="t", verbosity=0), "foo.h5", chunks={"a": 1})
    harvester.harvest_combos({"a": [1, 2]})
    assert harvester.full_ds["y"].chunks is not None
    assert harvester.full_ds["y"].values.tolist() == [[1] * 4, [2] * 4]


# --- samplers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["pickle", "csv"])
def test_random_settings_into_a_table(engine: str) -> None:
    runner = Runner(sum_and_difference, ["s", "d"], verbosity=0)
    sampler = Sampler(runner, "samples", default_combos={"a": random.random, "b": [1, 2]}, engine=engine)
    first = sampler.sample_combos(10)
    assert first.columns.tolist() == ["a", "b", "s", "d"]
    assert (first["s"] == first["a"] + first["b"]).all()
    assert first["a"].nunique() == 10
    assert set(first["b"]) <= {1, 2}
    sampler.sample_combos(5, {"b": [3]})
    assert sampler.last_df["b"].tolist() == [3] * 5
    again = Sampler(runner, "samples", engine=engine)
    assert len(again.full_df) == 15
    assert len(xyz.load_df("samples", engine=engine)) == 15
    names, cases = sampler.gen_cases_fnargs(4)
    assert (names, len(cases)) == (("a", "b"), 4)
    again.add_df({"a": [0.0], "b": [0], "s": [0.0], "d": [0.0]})
    assert len(again.full_df) == 16
    again.delete_df()
    assert not Path("samples").exists()


# --- missing cases ----------------------------------------------------------------------------------


def test_missing_cases() -> None:
    ds = xyz.case_runner_to_ds(volume, ("a", "b"), [(1, 1), (2, 2)], "v", constants={"c": 0}, **QUIET)
    assert xyz.find_missing_cases(ds) == (("a", "b"), ((1, 2), (2, 1)))
    assert xyz.is_case_missing(ds, {"a": 1, "b": 2})
    assert xyz.is_case_missing(ds, {"a": 9, "b": 2})
    assert not xyz.is_case_missing(ds["v"], {"a": 1, "b": 1})
    found = xyz.parse_into_cases({"a": [1, 2, 3]}, cases=[{"b": 1}, {"b": 2}], ds=ds)
    assert found == [{"b": 1, "a": 2}, {"b": 1, "a": 3}, {"b": 2, "a": 1}, {"b": 2, "a": 3}]
    waves = xr.Dataset({"w": (("a", "t"), [[1.0, np.nan], [np.nan, np.nan]])}, {"a": [1, 2]})
    assert xyz.find_missing_cases(waves, ignore_dims="t") == (("a",), ((2,),))
    assert xyz.find_missing_cases(waves)[0] == ("a", "t")
    infinite = xr.Dataset({"y": ("a", [1.0, np.inf])}, {"a": [1, 2]})
    assert xyz.find_missing_cases(infinite, method="isfinite")[1] == ((2,),)
    with pytest.raises(ValueError, match="isnull"):
        xyz.find_missing_cases(infinite, method="nothing")


# --- files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["h5netcdf", "zarr", "joblib"])
def test_datasets_in_files(engine: str) -> None:
    require(engine)
    ds = xr.Dataset({"x": (("a", "b"), np.array([[1 + 2j, 3], [4, 5j]]))}, {"a": [1, 2], "b": ["u", "v"]})
    xyz.save_ds(ds, "data", engine=engine)
    assert xyz.load_ds("data", engine=engine).identical(ds)
    assert len(xyz.load_ds("none", engine=engine, create_new=True).data_vars) == 0


def test_merging_into_files_and_trimming() -> None:
    require("h5netcdf")
    one, two = (xr.Dataset({"y": ("a", [float(a)])}, {"a": [a]}) for a in (1, 2))
    xyz.save_merge_ds(one, "data.h5")
    xyz.save_merge_ds(two, "data.h5")
    merged = xyz.load_ds("data.h5")
    assert merged["y"].values.tolist() == [1, 2]
    with pytest.raises(xr.MergeError):
        xyz.save_merge_ds(two + 1, "data.h5")
    xyz.save_merge_ds(two + 1, "data.h5", overwrite=True)
    assert xyz.load_ds("data.h5")["y"].values.tolist() == [1, 3]
    wide = merged.reindex(a=[0, 1, 2, 3])
    assert xyz.trimna(wide)["a"].values.tolist() == [1, 2]
    assert list(xyz.post_fix(merged, "new").data_vars) == ["y_new"]


def test_results_of_a_function_are_cached(capsys: pytest.CaptureFixture[str]) -> None:
    require("joblib")
    calls: list[int] = []

    cached: Any = xyz.cache_to_disk(cachedir="cache")

    @cached  # type: ignore[untyped-decorator]  # it takes any function
    def squared(a: int) -> int:
        calls.append(a)
        return a * a

    assert [squared(3), squared(3)] == [9, 9]
    assert calls == [3]


# --- utilities --------------------------------------------------------------------------------------


def test_timing() -> None:
    with xyz.Timer() as timer:
        time.sleep(0.01)
    assert timer.t == timer.time == timer.interval >= 0.009
    assert 0 < xyz.benchmark(lambda: sum(range(100)), min_t=1e-3) < 1
    timed = xyz.Benchmarker([sum, sorted], setup=range, benchmark_opts={"min_t": 1e-4})
    timed.run([10, 100], verbosity=0)
    assert set(timed.ds["kernel"].values) == {"sum", "sorted"}
    with pytest.raises(xyz.XYZError, match="later version"):
        timed.plot()


def test_statistics() -> None:
    stats = xyz.RunningStatistics()
    stats.update_from_it([1.0, 2.0, 3.0])
    stats.update(4.0)
    assert (stats.count, stats.mean) == (4, 2.5)
    assert stats.std == pytest.approx(np.std([1, 2, 3, 4]))
    assert not stats.converged(1e-6, 1e-6)
    rng = random.Random(0)
    found = xyz.estimate_from_repeats(rng.random, rtol=0.05, min_samples=20)
    assert found.mean == pytest.approx(0.5, abs=0.2)
    assert xyz.format_number_with_error(0.1542, 0.0626) == "0.154(63)"
    covariance = xyz.RunningCovariance()
    covariance.update_from_it([1, 2, 3], [2, 4, 6])
    assert covariance.covar == pytest.approx(4 / 3)


def test_memory_and_bars(capsys: pytest.CaptureFixture[str]) -> None:
    assert xyz.getsizeof([1, 2, 3]) > 0
    assert isinstance(xyz.report_memory(), str)
    assert isinstance(xyz.report_memory_gpu(), str)
    assert list(xyz.progbar(range(3))) == [0, 1, 2]
    assert tuple(xyz.unzip([(1, 2), (3, 4)])) == ((1, 3), (2, 4))
