"""Results of functions on disk, and small changes of labelled data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from headrace.errors import DataError, StreamConfigError
from headrace.store import auto_xyz_ds, cache_to_disk, check_runs, post_fix, sort_dims, trimna
from support.require import require


def test_a_function_is_called_once_per_set_of_arguments(tmp_path: Path) -> None:
    require("joblib")
    calls = []

    @cache_to_disk(cachedir=str(tmp_path / "cache"), ignore=["loud"])  # type: ignore[untyped-decorator]  # a function or a decorator
    def square(x: float, loud: bool = False) -> float:
        """The square."""
        calls.append(x)
        return x * x

    assert [square(3), square(3), square(4), square(3, loud=True)] == [9, 9, 16, 9]
    assert calls == [3, 4]
    assert "The square." in str(square.__doc__)
    assert (tmp_path / "cache").is_dir()
    bare = cache_to_disk(np.cumsum, cachedir=tmp_path / "other")
    assert bare([1, 2]).tolist() == bare([1, 2]).tolist() == [1, 3]


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("joblib")
    monkeypatch.chdir(tmp_path)

    @cache_to_disk
    def one() -> int:
        return 1

    assert one() == 1
    assert (tmp_path / "__xyz_cache__").is_dir()


def test_trimna() -> None:
    nan = np.nan
    ds = xr.Dataset(
        {"v": (("x", "y"), [[1, nan, nan], [nan, nan, nan], [nan, 2, nan]]), "n": ("x", [nan, nan, nan])},
        coords={"x": [1, 2, 3], "y": [1, 2, 3]},
    )
    made = trimna(ds)
    assert made.x.values.tolist() == [1, 3]
    assert made.y.values.tolist() == [1, 2]
    assert ds.sizes == {"x": 3, "y": 3}
    assert trimna(ds.v).shape == (2, 2)
    assert trimna(xr.Dataset({"v": ("x", [1, 2])})).sizes["x"] == 2


def test_sort_dims_and_post_fix() -> None:
    ds = xr.Dataset(
        {"a": (("y", "x"), np.zeros((2, 3))), "b": (("x", "y"), np.zeros((3, 2))), "c": (("z", "x"), np.ones((1, 3)))}
    )
    sort_dims(ds)
    assert [ds[name].dims for name in "abc"] == [("y", "x"), ("y", "x"), ("x", "z")]
    assert list(post_fix(ds, "p")) == ["a_p", "b_p", "c_p"]
    assert list(ds) == ["a", "b", "c"]


def test_check_runs(capsys: pytest.CaptureFixture[str]) -> None:
    there = np.where(np.arange(10) % 3 == 0, np.nan, 1.0)
    ds = xr.Dataset({"a": (("run", "x"), np.stack([there, there], 1))}, coords={"run": np.arange(5, 15), "x": [1, 2]})
    check_runs(ds)
    check_runs(ds, var="a", sel={"x": 1})
    check_runs(ds.a)
    told = capsys.readouterr().out.splitlines()
    assert told == ["RANGE: 6 -> 13 | TOTAL: 6 | MISSING: 8, 11"] * 3
    check_runs(ds.where(ds.a > 3))
    check_runs(ds.isel(run=[2, 1]))
    assert capsys.readouterr().out.splitlines() == ["* NO DATA *", "RANGE: 6 -> 7 | TOTAL: 2 | MISSING: none"]
    with pytest.raises(StreamConfigError, match="dim='q'"):
        check_runs(ds, dim="q")
    with pytest.raises(TypeError, match="wanted integers"):
        check_runs(ds.assign_coords(run=np.arange(10) / 2))


def test_bare_arrays() -> None:
    rng = np.random.default_rng(0)
    assert auto_xyz_ds(np.arange(5.0), rng.random((3, 5))).sizes == {"z": 3, "x": 5}
    assert auto_xyz_ds(np.arange(5.0), rng.random((5, 3))).sizes == {"z": 3, "x": 5}
    square = np.arange(9).reshape(3, 3)
    assert auto_xyz_ds([0, 1, 2], square).y.values[0].tolist() == [0, 3, 6], "a line is a column"
    assert auto_xyz_ds([1, 2], [3, 4]).y.values.tolist() == [[3, 4]]
    assert auto_xyz_ds([1], [3]).y.values.tolist() == [[3]]
    both = auto_xyz_ds(rng.random((3, 4)), rng.random((3, 4)))
    assert both.x.dims == both.y.dims == ("z", "_x")
    assert auto_xyz_ds(rng.random((2,) * 5)).x.dims == tuple("yzwvu")
    for x, y in [(rng.random((3, 4)), rng.random((4, 3))), (rng.random(5), rng.random((5, 2, 3))), ([1, 2], [1, 2, 3])]:
        with pytest.raises(DataError):
            auto_xyz_ds(x, y)
    with pytest.raises(DataError):
        auto_xyz_ds(np.zeros((1,) * 6))
