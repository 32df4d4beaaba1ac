"""Merging datasets: as xarray does it, but for types, of which none is changed and no digit lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from headrace.errors import DataError
from headrace.store import load_ds, merge_ds, merge_sync_conflict_datasets, save_ds, save_merge_ds
from support.exactly import as_objects, check_same, differ
from support.require import require

FILES = ["h5netcdf", "netcdf4", "zarr", "joblib"]
LABELS = st.lists(st.integers(0, 5), unique=True, max_size=4)
VALUES = st.sampled_from([np.nan, 0.0, 1.0, 2.0])


@st.composite
def grids(draw: st.DrawFn, dtype: str = "f8", elements: Any = VALUES) -> Any:
    a, b = draw(LABELS), draw(LABELS)
    shape = (len(a), len(b))
    made = {"v": (("a", "b"), draw(hn.arrays(dtype, shape, elements=elements)))}
    if draw(st.booleans()):
        made["w"] = (("b",), draw(hn.arrays(dtype, shape[1:], elements=elements)))  # type: ignore[assignment]
    return xr.Dataset(
        made, coords={"a": np.array(a, int), "b": np.array(b, int)}, attrs=draw(st.sampled_from([{}, {"k": 1}]))
    )


@given(one=grids(), two=grids(), overwrite=st.sampled_from([None, True, False]))
def test_the_same_as_xarray(one: Any, two: Any, overwrite: bool | None) -> None:
    before = one.copy(deep=True), two.copy(deep=True)
    try:
        if overwrite is None:
            wanted = xr.merge([one, two], compat="no_conflicts", join="outer", combine_attrs="override")
        else:
            wanted = two.combine_first(one) if overwrite else one.combine_first(two)
    except xr.MergeError:
        with pytest.raises(xr.MergeError, match=r"differs?: .* is there, .* is new, at "):
            merge_ds(one, two, overwrite)
    else:
        made = merge_ds(one, two, overwrite)
        for dim in "ab":
            labels = made[dim].values.tolist()
            assert labels == sorted(labels) or labels == one[dim].values.tolist() == two[dim].values.tolist()
        # What pandas does not sort, as one side is empty, is sorted here.
        xr.testing.assert_equal(made, wanted.sel(a=made.a, b=made.b))
        assert made.attrs == one.attrs
    check_same(one, before[0])
    check_same(two, before[1])


def scalar(name: str, value: Any, a: int, b: int) -> Any:
    data = as_objects([value], (1, 1)) if value is None or isinstance(value, list) else np.array([[value]])
    fast = data.dtype == object
    return xr.Dataset({name: xr.Variable(("a", "b"), data, fastpath=fast)}, coords={"a": [a], "b": [b]})


EXACT = {
    "small integer": (3, "<i8", "<f8"),
    "large integer": (2**60 + 1, "<i8", "|O"),
    "unsigned": (np.uint8(200), "|u1", "<f8"),
    "boolean": (True, "|b1", "|O"),
    "text": ("hello", "<U5", "|O"),
    "float": (0.1, "<f8", "<f8"),
    "complex": (1j, "<c16", "<c16"),
    "date": (np.datetime64("2020-01-01", "ns"), "<M8[ns]", "<M8[ns]"),
    "bytes": (b"ab", "|S2", "|O"),
    "long double": (np.longdouble(1) / 3, np.dtype("g").str, np.dtype("g").str),
}


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("engine", [None, *FILES])
def test_types_through_a_grid_with_holes(kind: str, engine: str | None, tmp_path: Path) -> None:
    """B12: integers became floats, booleans floats or objects, and stayed that."""
    if engine is not None:
        require({"netcdf4": "netCDF4"}.get(engine, engine))
    value, whole, holes = EXACT[kind]
    made: Any = None
    for k, (a, b) in enumerate([(1, 1), (2, 2), (1, 2), (2, 1)]):
        new = scalar("v", value, a, b)
        if engine is None:
            made = new if made is None else merge_ds(made, new)
        else:
            save_merge_ds(new, tmp_path / "m", engine=engine)
            made = load_ds(tmp_path / "m", engine)
        assert made.v.dtype.str == (holes if k in (1, 2) else whole), k
        assert "headrace" not in str(made.attrs) + str(made.v.attrs)
        hole = made.v.sel(a=2, b=1).item() if k == 2 else None
        assert hole is None or hole != hole
        kept = made.v.sel(a=1, b=1).values[()]
        assert kept == value
    assert (
        made.v.values.ravel().tolist()
        == [np.asarray(value)[()].item() if kind != "date" else made.v.values[0, 0].item()] * 4
    )


def test_none_and_texts_and_ragged_columns() -> None:
    made = merge_ds(scalar("v", "x", 1, 1), scalar("v", "y", 2, 2))
    assert not differ(made.v.values, as_objects(["x", None, None, "y"], (2, 2)))
    with_more = merge_ds(made, scalar("v", None, 1, 2))
    assert not differ(with_more.v.values, made.v.values)
    ragged = merge_ds(scalar("v", [1, 2], 1, 1), scalar("v", [3, 4], 2, 2))
    assert not differ(ragged.v.values, as_objects([[1, 2], None, None, [3, 4]], (2, 2)))
    assert not differ(merge_ds(ragged, ragged).v.values, ragged.v.values)
    with pytest.raises(xr.MergeError):
        merge_ds(ragged, scalar("v", [1, 3], 1, 1))
    mixed = merge_ds(scalar("v", 1, 1, 1), scalar("v", "one", 2, 1))
    assert mixed.v.values.ravel().tolist() == [1, "one"]
    both = merge_ds(scalar("v", 2**60 + 1, 1, 1), scalar("v", 0.5, 2, 1))
    assert both.v.values.ravel().tolist() == [2**60 + 1, 0.5], "no float holds both"


def test_labels_of_any_kind() -> None:
    def of(*labels: Any) -> Any:
        values = labels if len({type(label) for label in labels}) == 1 else as_objects(list(labels), (len(labels),))
        return xr.Dataset(
            {"v": ("a", np.arange(len(labels)))}, coords={"a": xr.Variable("a", np.asarray(values), fastpath=True)}
        )

    assert merge_ds(of("b"), of("a", "long")).a.values.tolist() == ["a", "b", "long"]
    assert merge_ds(of(2, 1), of(1, 2), True).a.values.tolist() == [1, 2]
    assert merge_ds(of(2, 1), of(2, 1)).a.values.tolist() == [2, 1], "what is the same stays in its order"
    assert merge_ds(of(2**60 + 1), of(2**60)).a.values.tolist() == [2**60, 2**60 + 1]
    assert merge_ds(of(True), of(False)).a.values.tolist() == [False, True]
    assert merge_ds(of("b", 1), of(None)).a.values.tolist() == ["b", 1, None], "no order: as they came"
    dates = [np.datetime64("2020-01-02", "s"), np.datetime64("2020-01-01", "s")]
    assert (np.diff(merge_ds(of(dates[0]), of(dates[1])).a.values) > np.timedelta64(0)).all()


def test_axes_without_labels() -> None:
    one = xr.Dataset({"v": (("a", "t"), [[1.0, 2.0]])}, coords={"a": [1]})
    two = xr.Dataset({"v": (("a", "t"), [[3.0, 4.0]])}, coords={"a": [2]})
    assert merge_ds(one, two).v.values.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(DataError, match="along 't'"):
        merge_ds(one, two.isel(t=[0]))
    assert merge_ds(one, xr.Dataset({"w": ("t", [5, 6])})).w.values.tolist() == [5, 6]
    assert merge_ds(xr.Dataset(), one).identical(one)


def test_coordinates_and_axes_in_another_order() -> None:
    one = xr.Dataset(
        {"v": (("a", "b"), [[1, 2]])}, coords={"a": [1], "b": [1, 2], "unit": "m", "mass": ("b", [0.5, 1.5])}
    )
    two = one.assign_coords(a=[2]).transpose("b", "a")
    made = merge_ds(one, two)
    assert made.v.dims == ("a", "b")
    assert made.v.values.tolist() == [[1, 2], [1, 2]]
    assert set(made.coords) == {"a", "b", "unit", "mass"}
    with pytest.raises(xr.MergeError, match="unit"):
        merge_ds(one, two.assign_coords(unit="s"))
    assert merge_ds(one, two.assign_coords(unit="s"), True).unit == "s"


def test_what_is_left_to_xarray() -> None:
    broad = xr.Dataset({"v": (("a", "b"), [[1.0, 2.0]])}, coords={"a": [1], "b": [1, 2]}, attrs={"k": 1})
    narrow = xr.Dataset({"v": ("a", [1.0])}, coords={"a": [2]})
    for overwrite in (None, True, False):
        made = merge_ds(broad, narrow, overwrite)
        assert made.attrs == {"k": 1}
        assert made.v.sel(a=2).values.tolist() == [1, 1]
    require("dask")
    chunked = broad.chunk({"a": 1})
    made = merge_ds(chunked, broad.assign_coords(a=[2]))
    assert made.v.chunks is not None
    assert made.v.values.tolist() == [[1, 2], [1, 2]]


@pytest.mark.parametrize("engine", FILES)
def test_a_conflict_leaves_the_file(tmp_path: Path, engine: str) -> None:
    one = scalar("v", 1, 1, 1).assign_attrs(first=True)
    save_merge_ds(one, tmp_path / "m", engine=engine)
    with pytest.raises(xr.MergeError, match="1 value of 'v' differs: 1 is there, 2 is new, at a=1, b=1"):
        save_merge_ds(scalar("v", 2, 1, 1), tmp_path / "m", engine=engine)
    check_same(load_ds(tmp_path / "m", engine), one)
    save_merge_ds(scalar("v", 2, 1, 1), tmp_path / "m", False, engine=engine)
    check_same(load_ds(tmp_path / "m", engine), one)
    save_merge_ds(scalar("v", 2, 1, 1), tmp_path / "m", True, engine=engine)
    assert load_ds(tmp_path / "m", engine).v.item() == 2
    assert load_ds(tmp_path / "m", engine).attrs == {"first": True}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_without_suffix_is_the_same_file_in_the_next_process(tmp_path: Path) -> None:
    """B3: the second process overwrote what the first had saved."""
    code = (
        "import sys, xarray as xr; from headrace.store import save_merge_ds\n"
        "save_merge_ds(xr.Dataset({'v': ('a', [1])}, coords={'a': [int(sys.argv[1])]}), 'noext')"
    )
    for k in range(2):
        subprocess.run([sys.executable, "-c", code, str(k)], cwd=tmp_path, check=True, timeout=100)
    assert load_ds(tmp_path / "noext").a.values.tolist() == [0, 1]
    save_ds(load_ds(tmp_path / "noext"), tmp_path / "as.zarr")
    save_merge_ds(scalar("v", 1, 1, 1).isel(b=0, drop=True).assign_coords(a=[7]), tmp_path / "as")
    assert load_ds(tmp_path / "as.zarr").a.values.tolist() == [0, 1, 7], (
        "what is there is added to, whatever its suffix"
    )


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["h5netcdf", "zarr"])
def test_two_writers_lose_nothing(tmp_path: Path, engine: str) -> None:
    code = (
        "import sys, xarray as xr; from headrace.store import save_merge_ds\n"
        "first = int(sys.argv[1])\n"
        "for k in range(first, first + 15):\n"
        "    save_merge_ds(xr.Dataset({'v': ('a', [k])}, coords={'a': [k]}), 'm', engine=sys.argv[2])\n"
    )
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen([*command, str(k * 100), engine], cwd=tmp_path) for k in range(2)]
    assert [each.wait(200) for each in both] == [0, 0]
    made = load_ds(tmp_path / "m", engine)
    assert made.a.values.tolist() == made.v.values.tolist() == [*range(15), *range(100, 115)]


def test_copies_left_by_a_conflict(tmp_path: Path) -> None:
    for k, name in enumerate(["scan.h5", "scan (conflicted copy).h5", "scan.sync-conflict-1.h5"]):
        save_ds(scalar("v", k, k, 1), tmp_path / name)
    for name in ("scan2.h5", "other.h5"):
        save_ds(scalar("v", 9, 9, 9), tmp_path / name)
    (tmp_path / "scan.txt").write_text("notes")
    assert merge_sync_conflict_datasets(tmp_path / "scan") == tmp_path / "scan.h5"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.h5", "scan.h5", "scan.txt", "scan2.h5"]
    assert load_ds(tmp_path / "scan.h5").a.values.tolist() == [0, 1, 2]
    assert merge_sync_conflict_datasets(tmp_path / "scan") is None
    save_ds(scalar("v", 5, 0, 1), tmp_path / "scan-b.h5")
    with pytest.raises(xr.MergeError):
        merge_sync_conflict_datasets(tmp_path / "scan*.h5")
    assert (tmp_path / "scan-b.h5").exists()
    assert merge_sync_conflict_datasets(tmp_path / "scan", combine_first=True) is not None
    assert load_ds(tmp_path / "scan.h5").v.sel(a=0, b=1) == 0
    assert not (tmp_path / "scan-b.h5").exists()
