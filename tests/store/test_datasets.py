"""Datasets in files: every type comes back as it was, from every engine, and other readers can read them."""

from __future__ import annotations

import copy
import io
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.errors import DataError, HeadraceWarning, SinkError, StreamConfigError
from headrace.store import dataset_path, delete_ds, find_dataset, load_ds, save_ds, swap
from headrace.store.files import FolderLock
from support.counts import heavy, soaking
from support.exactly import ATTRIBUTES, VALUES, as_objects, check_same, columns, differ
from support.full_disk import check_refused, full_disk
from support.require import require

ENGINES = ["h5netcdf", "netcdf4", "zarr", "joblib"]
FILES = ENGINES[:3]
PACKAGE = {"h5netcdf": "h5netcdf", "netcdf4": "netCDF4", "zarr": "zarr", "joblib": "joblib"}


@pytest.fixture(params=ENGINES, scope="module")
def engine(request: pytest.FixtureRequest) -> str:
    require(PACKAGE[request.param])
    return str(request.param)


@pytest.fixture(params=FILES, scope="module")
def file_engine(request: pytest.FixtureRequest) -> str:
    require(PACKAGE[request.param])
    return str(request.param)


def variable(dims: Any, data: Any, attrs: Any = None) -> Any:
    """A variable that holds `data` as it is: xarray's own way takes None among texts for NaN."""
    return xr.Variable(dims, data, attrs=attrs, fastpath=isinstance(data, np.ndarray) and data.dtype == object)


@st.composite
def datasets(draw: st.DrawFn) -> Any:
    n, m = draw(st.integers(0, 4)), draw(st.integers(1, 3))
    shapes: list[tuple[tuple[str, ...], tuple[int, ...]]] = [((), ()), (("x",), (n,)), (("x", "y"), (n, m))]
    made = {}
    for name in draw(
        st.lists(st.sampled_from(["a", "loss", "mean loss", "é", "x/y", "1st", "b_"]), unique=True, max_size=3)
    ):
        dims, shape = draw(st.sampled_from(shapes))
        made[name] = variable(dims, draw(columns(shape)), draw(ATTRIBUTES))
    coords = {}
    if draw(st.booleans()):
        kinds = ["i8", "f8", "?", "U5", "S4", "c16", "M8[ns]", "texts", "integers"]
        labels = draw(columns((m,), kinds).filter(lambda labels: len(set(labels.tolist())) == m))
        coords["y"] = variable(("y",), labels, draw(ATTRIBUTES))
    if draw(st.booleans()):
        coords["extra"] = variable(("x",), draw(columns((n,))))
    if draw(st.booleans()):
        coords["a place"] = variable((), draw(columns(())))
    return xr.Dataset(made, coords=coords, attrs=draw(ATTRIBUTES))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exact")


@given(ds=datasets())
@settings(max_examples=300 if soaking() else 40)
def test_any_dataset_comes_back_as_it_was(ds: Any, folder: Path, file_engine: str) -> None:
    before = copy.deepcopy(dict(ds.attrs)), {name: dict(v.attrs) for name, v in ds.variables.items()}
    data = {name: v._data for name, v in ds.variables.items()}
    save_ds(ds, folder / "any", file_engine)
    assert not differ(before[0], dict(ds.attrs))
    assert not differ(before[1], {name: dict(v.attrs) for name, v in ds.variables.items()})
    assert all(v._data is data[name] and not v.encoding for name, v in ds.variables.items())
    check_same(load_ds(folder / "any", file_engine), ds)
    chunked = load_ds(folder / "any", file_engine, chunks={})
    check_same(chunked, ds)
    chunked.close()
    lazy = load_ds(folder / "any", file_engine, load_to_mem=False)
    check_same(lazy, ds)
    lazy.close()


@given(st.data())
@settings(max_examples=500 if soaking() else 60)
def test_any_column_comes_back_as_it_was(folder: Path, data: st.DataObject) -> None:
    """Without files: what is stored, and what it is read back from, of shapes of any kind."""
    from headrace.store.columns import Format, restore, store

    shape = tuple(data.draw(st.lists(st.integers(0, 3), max_size=3)))
    column = data.draw(columns(shape))
    held = data.draw(st.sampled_from([Format(True, True), Format(False, False)]))
    bare = data.draw(st.booleans())
    stored = store(column, held, "it", bare=bare)
    assert stored.data.dtype.kind in "iufO" or (held.complex and stored.data.dtype.kind == "c")
    assert stored.extra is None or not bare
    assert stored.data.dtype != object or set(map(type, stored.data.ravel().tolist())) == {str}
    assert not differ(restore(stored.data, stored.mark, "it"), column)


@given(attrs=st.dictionaries(st.text(max_size=5), VALUES, max_size=5))
@example(attrs={"constants": {"a": None, "b": [True, {"c": 1j}]}, "none": None, "yes": True, "n": 2**70, "e": ""})
@settings(max_examples=200 if soaking() else 30)
def test_attributes_come_back_as_they_were(attrs: dict[str, Any], folder: Path, file_engine: str) -> None:
    save_ds(xr.Dataset(attrs=attrs), folder / "attrs", file_engine)
    back = load_ds(folder / "attrs", file_engine).attrs
    assert set(back) == set(attrs)
    assert not differ({name: back[name] for name in attrs}, attrs)


def everything() -> Any:
    ragged = as_objects([np.arange(3), [1, "a", None]], (2,))
    return xr.Dataset(
        {
            "flag": ("a", [True, False]),
            "flag_or_not": variable(("a",), as_objects([True, None], (2,))),
            "wave": ("a", [1 + 2j, complex(np.nan, -0.0)]),
            "count": ("a", [2**63 - 1, -5]),
            "when": ("a", np.array(["2020-01-01T12:00", "NaT"], "M8[ns]")),
            "long": ("a", np.array([5, "NaT"], "m8[ns]")),
            "text": ("a", ["x", "yyé"]),
            "text_or_not": variable(("a",), as_objects(["x", None], (2,))),
            "count_or_not": variable(("a",), as_objects([2**60 + 1, None], (2,))),
            "ragged": variable(("a",), ragged),
            "q": ((), "hello"),
        },
        coords={"a": ["u", "v"], "ok": ("a", [True, False])},
        attrs={"opts": {"order": 4}, "tol": None, "fast": True},
    )


def test_what_other_readers_find(tmp_path: Path, file_engine: str) -> None:
    save_ds(everything(), tmp_path / "e", file_engine)
    with xr.open_dataset(dataset_path(tmp_path / "e", file_engine), engine=file_engine) as ds:
        ds.load()
    assert ds.flag.dtype == bool
    assert ds.flag_or_not.values[0] == 1
    assert np.isnan(ds.flag_or_not.values[1])
    assert ds["count"].dtype == np.int64
    assert ds.when.values[0] == np.datetime64("2020-01-01T12:00")
    assert np.isnat(ds.when.values[1])
    assert ds.long.dtype.kind == "m"
    assert ds.text.values.tolist() == ["x", "yyé"]
    assert ds.text_or_not.values.tolist() == ["x", ""]
    assert np.isnan(ds.count_or_not.values[1])
    assert set(ds.coords) == {"a", "ok"}
    assert ds.a.values.tolist() == ["u", "v"]
    assert ds.attrs["tol"] == "None"
    assert ds.attrs["opts"] == "{'order': 4}"
    assert list(ds.data_vars) == list(everything().data_vars)


@pytest.mark.parametrize("kind", ["plain", "with marks"])
def test_a_file_that_another_program_has_changed_is_read_as_it_is_now(
    tmp_path: Path, file_engine: str, kind: str
) -> None:
    """A mark that is no longer about what is there is passed over."""
    path = dataset_path(tmp_path / "e", file_engine)
    ds = everything().drop_vars(["wave", "ragged"])
    save_ds(ds, path, file_engine)
    with xr.open_dataset(path, engine=file_engine) as opened:
        theirs = opened.load()
    theirs = theirs.isel(a=[1, 0]).assign(fresh=("a", [0.5, np.nan])).assign_attrs(tol="1e-3", more="yes")
    theirs["when"] = theirs.when + np.timedelta64(1, "D")
    theirs.when.encoding.clear()
    theirs["flag"] = ("a", np.array([3, 4], "i4"), theirs.flag.attrs)
    if kind == "plain":
        for v in (theirs, *theirs.variables.values()):
            v.attrs.pop("headrace", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = tmp_path / "theirs"
        if file_engine == "zarr":
            theirs.to_zarr(other)
        else:
            theirs.to_netcdf(other, engine=file_engine)
    back = load_ds(other, file_engine)
    assert back.when.values[1] == np.datetime64("2020-01-02T12:00")
    assert back.flag.values.tolist() == [3, 4]
    assert back.fresh.values[0] == 0.5
    assert back["count"].values.tolist() == [-5, 2**63 - 1]
    assert back.text.values.tolist() == ["yyé", "x"]
    assert back.attrs["tol"] == "1e-3"
    assert back.attrs["more"] == "yes"
    assert "headrace" not in back.attrs or kind == "plain"
    assert back.attrs["opts"] == ("{'order': 4}" if kind == "plain" else {"order": 4})


def test_datasets_of_others_are_read_as_xarray_reads_them(tmp_path: Path, file_engine: str) -> None:
    ds = xr.Dataset(
        {"t": ("x", pd.date_range("2000-01-01", periods=3)), "v": ("x", [1.0, np.nan, 3.0], {"units": "m"})},
        coords={"x": [1, 2, 3]},
    )
    path = dataset_path(tmp_path / "theirs", file_engine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _ = ds.to_zarr(path) if file_engine == "zarr" else ds.to_netcdf(path, engine=file_engine)
    assert load_ds(path).identical(ds)
    assert load_ds(path, chunks={"x": 2}).v.chunks == ((2, 1),)
    raw = load_ds(path, decode_times=False)
    assert raw.t.dtype.kind in "if"
    with pytest.raises(StreamConfigError, match="wanted one"):
        load_ds(path, chunks={}, load_to_mem=True)


def test_a_classic_file(tmp_path: Path) -> None:
    ds = xr.Dataset({"v": ("x", [1.0, 2.0])})
    ds.to_netcdf(tmp_path / "old.nc", engine="scipy")
    assert load_ds(tmp_path / "old.nc").identical(ds)
    assert load_ds(tmp_path / "old.nc", "h5netcdf").identical(ds)


@pytest.mark.parametrize("name", ["noext", "data.v2", "a.h5", "dir.h5/b"])
def test_a_name_is_one_file_however_it_is_asked_for(tmp_path: Path, engine: str, name: str) -> None:
    """B3: existence was asked of another name than what was written, and everything lost."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    assert find_dataset(path, engine) is None
    save_ds(xr.Dataset({"v": 1}), str(path), engine)
    where = dataset_path(path, engine)
    assert where.exists()
    assert find_dataset(path, engine) == where == find_dataset(where, engine)
    assert load_ds(path, engine).v == 1
    save_ds(xr.Dataset({"v": 2}), path, engine)
    assert [p.name for p in where.parent.iterdir()] == [where.name], "nothing is left beside"
    assert load_ds(str(where), engine).v == 2
    if engine != "joblib":
        assert load_ds(path).v == 2, "and without the engine"
    delete_ds(path, engine)
    assert find_dataset(path, engine) is None


def test_names_and_engines(tmp_path: Path) -> None:
    assert dataset_path("a.nc", "zarr").name == "a.nc"
    assert dataset_path("a.h5.bak").name == "a.h5.bak"
    with pytest.raises(StreamConfigError, match="h5netcdf, netcdf4, joblib, zarr"):
        dataset_path("a", "hdf5")
    with pytest.raises(FileNotFoundError, match="there is no dataset"):
        load_ds(tmp_path / "a")
    assert load_ds(tmp_path / "a", create_new=True).identical(xr.Dataset())
    save_ds(xr.Dataset({"v": 1}), tmp_path / "a.nc")
    assert load_ds(tmp_path / "a").v == 1, "the only one of that name"
    save_ds(xr.Dataset({"v": 2}), tmp_path / "a", "zarr")
    with pytest.raises(FileNotFoundError, match=r"a\.nc and a\.zarr"):
        load_ds(tmp_path / "a")
    save_ds(xr.Dataset({"v": 3}), tmp_path / "a.dmp")
    with pytest.raises(DataError, match="runs code"):
        load_ds(tmp_path / "a.dmp")
    assert load_ds(tmp_path / "a.dmp", "joblib").v == 3
    (tmp_path / "link.h5").symlink_to(tmp_path / "real.h5")
    save_ds(xr.Dataset({"v": 4}), tmp_path / "link.h5")
    assert (tmp_path / "link.h5").is_symlink()
    assert load_ds(tmp_path / "real.h5").v == 4


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no dataset")
    with pytest.raises(DataError, match=r"text\.h5 holds no dataset"):
        load_ds(tmp_path / "text.h5")
    save_ds(xr.Dataset({"v": ("x", np.arange(1000.0))}), tmp_path / "cut.h5")
    whole = (tmp_path / "cut.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.h5 cannot be read"):
        load_ds(tmp_path / "cut.h5")
    (tmp_path / "empty.h5").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty\.h5"):
        load_ds(tmp_path / "empty.h5")


def test_what_is_refused(tmp_path: Path) -> None:
    for wrong in ({"mode": "a"}, {"group": "g"}, {"append_dim": "x"}):
        with pytest.raises(StreamConfigError, match="in place"):
            save_ds(xr.Dataset(), tmp_path / "a", **wrong)  # type: ignore[arg-type]  # mypy takes it for the engine
    with pytest.raises(DataError, match="wanted an xarray Dataset"):
        save_ds({"v": 1}, tmp_path / "a")
    with pytest.raises(DataError, match="encoding="):
        save_ds(xr.Dataset({"v": 1}), tmp_path / "a", encoding={"w": {"zlib": True}})
    assert not list(tmp_path.iterdir())
    save_ds(xr.DataArray([1, 2], dims="x", name="v"), tmp_path / "array")
    assert load_ds(tmp_path / "array").v.values.tolist() == [1, 2]


class Opaque:
    def __init__(self, n: int) -> None:
        self.n = n


def test_objects_without_a_written_form(tmp_path: Path, file_engine: str) -> None:
    ds = xr.Dataset({"v": variable(("x",), as_objects([Opaque(1), 3], (2,)))})
    with pytest.raises(DataError, match=r"(?s)the variable 'v' holds a .*Opaque.*allow_pickle"):
        save_ds(ds, tmp_path / "a", file_engine)
    assert not list(tmp_path.iterdir())
    save_ds(ds, tmp_path / "a", file_engine, allow_pickle=True)
    with pytest.raises(DataError, match="runs code"):
        load_ds(tmp_path / "a", file_engine)
    one, three = load_ds(tmp_path / "a", file_engine, allow_pickle=True).v.values
    assert (one.n, three) == (1, 3)


def test_attributes_without_a_written_form_cost_no_data(tmp_path: Path, file_engine: str) -> None:
    """B15: one constant too odd, and all the work was lost."""
    ds = xr.Dataset({"v": 1}, attrs={"fn": np.sin, "f": len, "odd": {"o": Opaque(1)}, "s": {1}})
    with pytest.warns(HeadraceWarning, match="no written form|as a list"):
        save_ds(ds, tmp_path / "a", file_engine)
    back = load_ds(tmp_path / "a", file_engine).attrs
    assert back["f"] == "builtins:len"
    assert "Opaque" in back["odd"]["o"]
    assert back["s"] == [1]


def test_encodings(tmp_path: Path) -> None:
    ds = xr.Dataset({"v": ("x", np.zeros(100_000)), "flag": ("x", np.zeros(100_000, bool))})
    save_ds(ds, tmp_path / "small.h5", encoding={"v": {"zlib": True}, "flag": {"zlib": True}})
    assert (tmp_path / "small.h5").stat().st_size < 50_000
    check_same(load_ds(tmp_path / "small.h5"), ds)
    save_ds(ds + 0.26, tmp_path / "lossy.h5", encoding={"v": {"dtype": "int16", "scale_factor": 0.5, "_FillValue": -1}})
    assert set(load_ds(tmp_path / "lossy.h5").v.values.tolist()) == {0.5}
    # The width of a text in the file that a dataset came from says nothing about the texts that it holds now.
    texts = load_ds(tmp_path / "t.h5", create_new=True).assign(t=("x", ["a"]))
    save_ds(texts, tmp_path / "t.h5")
    longer = xr.concat([load_ds(tmp_path / "t.h5"), xr.Dataset({"t": ("x", ["longer"])})], "x")
    save_ds(longer, tmp_path / "t.h5")
    assert load_ds(tmp_path / "t.h5").t.values.tolist() == ["a", "longer"]


def test_indexes_and_extension_arrays(tmp_path: Path, file_engine: str) -> None:
    frame = pd.DataFrame({"a": [1, 1, 2], "b": ["x", "y", "x"], "v": [1.0, 2.0, 3.0]}).set_index(["a", "b"])
    stacked = xr.Dataset({"v": ("p", frame.v.to_numpy())}).assign_coords(
        xr.Coordinates.from_pandas_multiindex(frame.index, "p")
    )
    save_ds(stacked, tmp_path / "multi", file_engine)
    back = load_ds(tmp_path / "multi", file_engine)
    assert back.identical(stacked)
    assert back.sel(a=1, b="y").v.item() == 2.0
    kinds = {
        "c": pd.Categorical(["lo", "hi", None], categories=["lo", "hi"], ordered=True),
        "n": pd.array([1, None, 2**60 + 1], dtype="Int64"),
    }
    ext = xr.Dataset({name: ("x", values) for name, values in kinds.items()})
    save_ds(ext, tmp_path / "ext", file_engine)
    back = load_ds(tmp_path / "ext", file_engine)
    for name in kinds:
        assert str(back[name].dtype) == str(ext[name].dtype)
        assert back[name].to_series().equals(ext[name].to_series())


def test_with_dask(tmp_path: Path, file_engine: str) -> None:
    require("dask")
    whole = xr.Dataset(
        {
            "v": (("x", "y"), np.arange(40.0).reshape(10, 4)),
            "c": (("x", "y"), np.arange(40).reshape(10, 4) * (1 + 2j)),
            "ok": ("x", np.arange(10) % 3 == 0),
            "t": ("x", np.arange(10).astype("M8[s]")),
            "g": ("x", np.arange(10, dtype="g") / 3),
        },
        coords={"x": np.arange(10)},
    )
    ds = whole.chunk({"x": (3, 5, 2), "y": 3})  # of unequal lengths, as a merge leaves them
    save_ds(ds, tmp_path / "d", file_engine)
    assert ds.v.chunks is not None
    check_same(load_ds(tmp_path / "d", file_engine), whole)
    back = load_ds(tmp_path / "d", file_engine, chunks={"x": 4})
    assert all(back[name].chunks is not None for name in whole.data_vars)
    assert back.v.chunks[0] == (4, 4, 2)
    check_same(back, whole)
    # Saved over what it is read from: the old file is read to its end.
    if file_engine != "zarr":
        save_ds(back + 0 if file_engine == "none" else back, tmp_path / "d", file_engine)
        check_same(load_ds(tmp_path / "d", file_engine), whole)
    back.close()


def test_a_lazy_zarr_can_be_saved_over_itself(tmp_path: Path) -> None:
    require("dask")
    ds = xr.Dataset({"v": ("x", np.arange(10.0))})
    save_ds(ds, tmp_path / "d.zarr")
    save_ds(load_ds(tmp_path / "d.zarr", chunks={"x": 3}) * 2, tmp_path / "d.zarr")
    check_same(load_ds(tmp_path / "d.zarr"), ds * 2)


def test_the_zero_that_is_negative_is_kept_in_a_chunk_of_zeros(tmp_path: Path, file_engine: str) -> None:
    save_ds(xr.Dataset({"v": ("x", [-0.0, -0.0])}), tmp_path / "z", file_engine)
    assert np.signbit(load_ds(tmp_path / "z", file_engine).v.values).all()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("odd"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [True, False])
def test_a_save_that_fails_leaves_what_was_there(
    tmp_path: Path, engine: str, error: BaseException, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before:
        save_ds(xr.Dataset({"v": 1}), tmp_path / "a", engine)

    def fails(*args: Any, **kwargs: Any) -> Any:
        (tmp,) = [each for each in args if isinstance(each, Path | io.IOBase)]
        tmp.write_bytes(b"half") if isinstance(tmp, Path) else tmp.write(b"half")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(xr.Dataset, "to_netcdf", fails)
        patch.setattr(xr.Dataset, "to_zarr", fails)
        patch.setattr(require("joblib"), "dump", fails)
        with pytest.raises(SinkError if isinstance(error, OSError) else type(error)) as caught:
            save_ds(xr.Dataset({"v": 2}), tmp_path / "a", engine)
    if isinstance(error, OSError):
        assert "What was saved before is as it was" in str(caught.value)
        assert caught.value.__cause__ is error
    there = [path.name for path in tmp_path.iterdir()]
    assert there == ([dataset_path("a", engine).name] if before else [])
    if before:
        assert load_ds(tmp_path / "a", engine).v == 1


@pytest.mark.parametrize("backup", [True, False])
def test_deleting(tmp_path: Path, engine: str, backup: bool) -> None:
    """B19: the backup of a zarr folder failed."""
    save_ds(xr.Dataset({"v": 1}), tmp_path / "a", engine)
    kept = delete_ds(tmp_path / "a", engine, backup=backup)
    assert find_dataset(tmp_path / "a", engine) is None
    if backup:
        assert kept is not None
        assert kept.name.startswith(dataset_path("a", engine).name + ".BAK-")
        assert load_ds(kept, engine).v == 1
    else:
        assert kept is None
        assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        delete_ds(tmp_path / "a", engine)


def test_the_rights_of_a_file_are_kept(tmp_path: Path) -> None:
    save_ds(xr.Dataset({"v": 1}), tmp_path / "a.h5")
    (tmp_path / "a.h5").chmod(0o640)
    save_ds(xr.Dataset({"v": 2}), tmp_path / "a.h5")
    assert (tmp_path / "a.h5").stat().st_mode & 0o777 == 0o640


def test_another_writer_is_waited_for(tmp_path: Path, file_engine: str) -> None:
    path = dataset_path(tmp_path / "a", file_engine)
    lock = FolderLock(tmp_path, f".lock-{path.name}")
    with pytest.raises(SinkError, match="being written by"), swap.held(path, wait=0.05):
        pass
    thread = threading.Thread(target=save_ds, args=(xr.Dataset({"v": 1}), path, file_engine))
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    assert not path.exists()
    lock.release()
    thread.join(60)
    assert load_ds(path).v == 1


def test_readers_beside_writers_see_one_or_the_other(tmp_path: Path, file_engine: str) -> None:
    path = tmp_path / "a"
    versions = [xr.Dataset({name: ("x", np.full(50 + k, k)) for name in "abcd"}) for k in range(2)]
    save_ds(versions[0], path, file_engine)
    done = threading.Event()
    wrong: list[Any] = []

    def read() -> None:
        while not done.is_set():
            try:
                seen = load_ds(path, file_engine)
                if not any(seen.identical(version) for version in versions):
                    wrong.append(seen)
            except Exception as error:  # a reader must see none
                wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for k in range(heavy(1500)):
        save_ds(versions[k % 2], path, file_engine)
    done.set()
    reader.join(60)
    assert not wrong


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() == 0:
        pytest.skip("root: may write anywhere")
    yield tmp_path
    tmp_path.chmod(0o755)


def test_a_folder_that_cannot_be_written_to(read_only: Path, file_engine: str) -> None:
    save_ds(xr.Dataset({"v": 1}), read_only / "a", file_engine)
    read_only.chmod(0o555)
    with pytest.raises(SinkError, match="cannot write to"):
        save_ds(xr.Dataset({"v": 2}), read_only / "a", file_engine)
    assert load_ds(read_only / "a", file_engine).v == 1


@pytest.mark.parametrize("most", [3000, 2_000_000, 10_000_000])
def test_a_disk_that_takes_no_more_of_what_dask_computes(tmp_path: Path, most: int) -> None:
    require("dask")
    require("h5netcdf")
    values = np.random.default_rng(0).normal(size=(1500, 1000))
    ds = xr.Dataset({"v": (("x", "y"), values), "w": (("x", "y"), values)})
    encoding: dict[Any, Any] = {
        "v": {"zlib": True, "complevel": 1, "chunksizes": (700, 700)}
    }  # which no chunk of dask fills
    path = tmp_path / "d.h5"
    save_ds(xr.Dataset({"v": 1}), path)
    with full_disk(most), pytest.raises(SinkError) as caught:
        save_ds(ds.chunk({"x": 400, "y": 300}), path, encoding=encoding)
    check_refused(caught.value, "save_ds", path)
    assert os.listdir(tmp_path) == [path.name]
    assert load_ds(path).v == 1
    save_ds(ds.chunk({"x": 400, "y": 300}), path, encoding=encoding)
    assert load_ds(path).identical(ds)


def test_a_disk_that_takes_no_more_with_an_older_xarray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("h5netcdf")
    ds = xr.Dataset({"v": ("x", np.arange(1000.0))})
    monkeypatch.setattr(xr, "__version__", "2024.6.0")
    with full_disk(3000), pytest.raises(SinkError) as caught:
        save_ds(ds, tmp_path / "d.h5")
    check_refused(caught.value, "save_ds", tmp_path / "d.h5")
    save_ds(ds, tmp_path / "d.h5")
    assert load_ds(tmp_path / "d.h5").identical(ds)
