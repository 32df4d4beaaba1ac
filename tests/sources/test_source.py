"""``hr.source`` over arrays, tables and datasets of other libraries: items, columns, dtypes to the bit."""

from __future__ import annotations

import datetime
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.core.items import leaves, stack
from headrace.sources.source import Items, Table
from headrace.testing import check_stream
from support.require import require

N = 12
COLUMNS: dict[str, Any] = {
    "bool": np.arange(N) % 3 == 0,
    "int8": np.arange(N, dtype=np.int8),
    "uint64": np.arange(N, dtype=np.uint64) + 2**63,
    "float16": np.arange(N, dtype=np.float16) / 7,
    "float32, F order": np.asfortranarray(np.arange(6.0 * N, dtype=np.float32).reshape(N, 2, 3)),
    "complex64": np.arange(N, dtype=np.complex64) * 1j,
    "big-endian": np.arange(N, dtype=">i4"),
    "big-endian rows": np.arange(2 * N, dtype=">f8").reshape(N, 2),
    "strings": np.array(["word" * (i % 3) for i in range(N)]),
    "bytes": np.array([b"ab" * (i % 3) for i in range(N)]),
    "rows of strings": np.array([["a", "bcd"]] * N),
    "datetime64": np.arange(N).astype("datetime64[D]"),
    "timedelta64": np.arange(N).astype("timedelta64[ms]"),
    "structured": np.array([(i, i / 2) for i in range(N)], dtype=[("a", "i4"), ("b", "f8")]),
    "strided": np.arange(4 * N)[::4],
    "reversed": np.arange(N)[::-1],
    "no columns": np.zeros((N, 0)),
    "read-only": np.broadcast_to(np.arange(3), (N, 3)),
}


def examined(stream: Any, items: list[Any]) -> None:
    """By number, by pass and as columns the same, to the bit."""
    assert len(stream) == len(items)
    assert stream.access == "index"
    found = list(stream)
    assert all(map(same, found, [stream[i] for i in range(len(items))]))
    for mine, theirs in zip(found, items, strict=True):
        assert same(mine, theirs)
    wanted = columns_or_error(lambda: stack(found))
    for ask in (lambda: stream[:], lambda: stream[list(range(len(items)))], lambda: stream.open(hr.Key(1)).read(10**6)):
        assert same(columns_or_error(ask), wanted)
    assert same(columns_or_error(lambda: stream[::-2]), columns_or_error(lambda: stack(found[::-2])))
    if found[3:7]:
        assert same(columns_or_error(lambda: stream[3:7]), columns_or_error(lambda: stack(found[3:7])))
    assert all(len(leaf) == 0 for _, leaf in leaves(stream[3:3])), "columns of no rows"


def columns_or_error(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except hr.DataError:
        return "no columns"


@pytest.mark.parametrize("name", COLUMNS)
def test_rows_of_an_array(name: str) -> None:
    array = COLUMNS[name]
    before = array.copy()
    examined(hr.source(array), list(array))
    examined(
        hr.source({"x": array, "n": np.arange(N)}), [{"x": x, "n": n} for x, n in zip(array, np.arange(N), strict=True)]
    )
    examined(hr.source((array, array)), list(zip(array, array, strict=True)))
    assert same(array, before)
    check_stream(hr.source({"x": array}), items=30, processes=False)


def test_objects_are_items_that_need_not_stack() -> None:
    array = np.empty(N, object)
    array[:] = [object() if i % 2 else [i] for i in range(N)]
    stream = hr.source({"o": array, "i": np.arange(N)})
    assert stream[1]["o"] is array[1]
    with pytest.raises(hr.DataError, match="'o'"):
        stream[0:3]
    assert hr.source({"o": np.array([1, 2, 3], object)})[:]["o"].dtype == np.int64


def test_rows_are_views_that_cannot_be_written_to() -> None:
    array = np.arange(6.0).reshape(3, 2)
    stream = hr.source({"x": array})
    for rows in (stream[0]["x"], stream[0:2]["x"], next(iter(stream))["x"]):
        assert np.shares_memory(rows, array)
        with pytest.raises(ValueError, match="read-only"):
            rows[0] = 9
    assert array.flags.writeable, "the caller's array is theirs"
    for rows in (stream[[0, 2]]["x"], (stream | hr.permute()).seeded(1)[:]["x"]):
        assert not np.shares_memory(rows, array)
        if rows.flags.writeable:
            rows[:] = -1
    assert array.tolist() == [[0, 1], [2, 3], [4, 5]]
    twin = pickle.loads(pickle.dumps(stream))
    assert not twin[0]["x"].flags.writeable
    assert twin == stream
    assert twin.fingerprint == stream.fingerprint


def test_containers_are_the_callers() -> None:
    data = [{"i": [i]} for i in range(4)]
    stream = hr.source(data)
    stream[2]["i"].append(5)
    stream[2].clear()
    assert data[2] == stream[2] == {"i": [2]}
    columns = {"a": np.arange(3)}
    stream = hr.source(columns)
    columns["b"] = np.arange(4)
    assert list(stream[0]) == ["a"]


def test_nested_columns() -> None:
    stream = hr.source(
        {"in": {"x": np.arange(6).reshape(3, 2), "t": (np.arange(3), np.array(["a", "b", "c"]))}, "y": range(3)}
    )
    assert same(stream[1], {"in": {"x": np.array([2, 3]), "t": (np.int64(1), np.str_("b"))}, "y": np.int64(1)})
    assert stream[1:]["in"]["t"][1].tolist() == ["b", "c"]


def test_a_table_of_no_rows() -> None:
    stream = hr.source({"x": np.zeros((0, 3)), "s": np.array([], str)})
    assert (len(stream), list(stream), stream[:]) == (0, [], {})
    with pytest.raises(hr.AddressError):
        stream[0]
    check_stream(stream, processes=False)
    assert list(stream | hr.repeat()) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"a": np.arange(3), "b": np.arange(4)}, r"lengths \{'a': 3, 'b': 4\}"),
        ({}, "no columns"),
        ({"a": 3}, "a int for column 'a'"),
        ({"a": np.array(3)}, "column 'a'"),
        (np.ma.masked_array([1, 2], [True, False]), "masked"),
        (3, "a int, wanted something with len"),
        ((x for x in "abc"), "a generator"),
        ({1, 2}, "a set"),
        (hr.Streamer("abc"), "no numbers"),
    ],
)
def test_what_it_cannot_take(data: Any, says: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=says):
        hr.source(data)


def test_what_is_a_stream_already() -> None:
    stream = hr.functional(lambda i: i, size=3)
    assert hr.source(stream) is stream


def test_sequences_are_items_as_they_are() -> None:
    class Dataset:
        asked: list[int]

        def __init__(self) -> None:
            self.asked = []

        def __len__(self) -> int:
            return 6

        def __getitem__(self, i: int) -> Any:
            assert 0 <= i < 6
            assert type(i) is int, "plain integers, as a dataset of others may want them"
            self.asked.append(i)
            return np.arange(3) + i, i

    data = Dataset()
    stream = hr.source(data)
    assert type(stream) is Items
    examined(stream, [(np.arange(3) + i, i) for i in range(6)])
    data.asked.clear()
    assert stream[np.int64(-1)][1] == 5
    assert stream[[1, 3]][1].tolist() == [1, 3]
    assert list((stream | hr.permute()).seeded(1))
    assert data.asked[:3] == [5, 1, 3]
    examined(hr.source(range(5)), list(range(5)))
    examined(hr.source(["a", None, 3]), ["a", None, 3])


def test_several_items_at_once_where_a_dataset_offers_it() -> None:
    class Offers(list[Any]):
        calls = 0

        def __getitems__(self, places: list[int]) -> list[Any]:
            self.calls += 1
            return [self[i] for i in places]

    data = Offers(range(10))
    stream = hr.source(data) | hr.batch(5)
    assert stream[1].tolist() == [5, 6, 7, 8, 9]
    assert data.calls == 1


def test_an_error_of_a_dataset_says_where() -> None:
    class Bad(list[Any]):
        def __getitem__(self, i: Any) -> Any:
            if i == 17:
                raise OSError("a bad disk")
            return super().__getitem__(i)

    stream = hr.source(Bad(range(30))) | hr.batch(4)
    with pytest.raises(OSError, match="bad disk") as caught:
        stream[4]
    assert any("item 17 of root/batch/sequence" in note for note in caught.value.__notes__)
    with stream.open(at=4) as cursor:
        with pytest.raises(OSError, match="bad disk"):
            next(cursor)
        assert cursor.skip() == 1
        assert next(cursor).tolist() == [20, 21, 22, 23]


# --- arrays that lie elsewhere ------------------------------------------------------------------


@pytest.fixture
def mapped(tmp_path: Path) -> Any:
    np.save(tmp_path / "x.npy", np.arange(60_000.0).reshape(20_000, 3))
    return np.load(tmp_path / "x.npy", mmap_mode="r")


def test_a_mapped_file_is_pickled_by_its_name(mapped: Any) -> None:
    stream = hr.source({"x": mapped})
    sent = pickle.dumps(stream)
    assert len(sent) < 1500
    twin = pickle.loads(sent)
    assert twin.fingerprint == stream.fingerprint
    assert same(twin[-1], stream[-1])
    assert same(twin[[5, 19_999, 5]]["x"], np.asarray(mapped)[[5, 19_999, 5]])
    part = pickle.loads(pickle.dumps(hr.source(mapped[100:200])))
    assert len(pickle.dumps(hr.source(mapped[100:200]))) < 1500
    assert same(np.asarray(part[0]), np.asarray(mapped[100]))
    strided = pickle.loads(pickle.dumps(hr.source(mapped[::1000])))
    assert same(np.asarray(strided[3]), np.asarray(mapped[3000]))


def test_rows_of_a_mapped_file_are_plain_read_only_arrays(mapped: Any, tmp_path: Path) -> None:
    stream = hr.source({"x": mapped})
    for rows in (stream[3]["x"], stream[3:9]["x"], stream[[4, 2]]["x"], next(iter(stream))["x"]):
        assert type(rows) is np.ndarray
    writable = np.load(tmp_path / "x.npy", mmap_mode="r+")
    rows = hr.source(writable)[3:9]
    with pytest.raises(ValueError, match="read-only"):
        rows[0] = 1
    check_stream(stream | hr.take(40), items=60, processes=False)


def test_h5py(tmp_path: Path) -> None:
    h5py = require("h5py")
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["x"] = np.arange(60, dtype=np.float32).reshape(20, 3)
        file["s"] = np.arange(20)
    with h5py.File(tmp_path / "d.h5", "r") as file:
        stream = hr.source({"x": file["x"], "s": file["s"]})
        whole = {"x": file["x"][:], "s": file["s"][:]}
        examined(stream, [{"x": x, "s": s} for x, s in zip(whole["x"], whole["s"], strict=True)])
        assert same(stream[[7, 3, 7, 19]]["x"], whole["x"][[7, 3, 7, 19]])
        assert sorted(int(item["s"]) for item in (stream | hr.permute()).seeded(3)) == list(range(20))
        sent = pickle.dumps(stream)
    assert len(sent) < 1500
    twin = pickle.loads(sent)
    assert same(twin[:]["x"], whole["x"])
    twin.data["x"].array.file.close()


def test_zarr(tmp_path: Path) -> None:
    zarr = require("zarr")
    array = zarr.create_array(str(tmp_path / "a.zarr"), shape=(20, 3), dtype="f4", chunks=(7, 3))
    array[:] = np.arange(60, dtype=np.float32).reshape(20, 3)
    examined(hr.source({"x": array}), [{"x": x} for x in array[:]])
    assert same(hr.source(array)[[7, 3, 19, 3]], array[:][[7, 3, 19, 3]])
    assert same(pickle.loads(pickle.dumps(hr.source(array)))[4], array[4])


# --- tables -------------------------------------------------------------------------------------


def test_pandas() -> None:
    pandas = require("pandas")
    frame = pandas.DataFrame(
        {
            "i": np.arange(5),
            "f": np.arange(5, dtype=np.float16),
            "b": [True, False] * 2 + [True],
            "when": pandas.to_datetime(["2024-01-01"] * 5),
            "o": [[1], None, 3, "x", 5.0],
        },
        index=list("abcde"),
    )
    stream = hr.source(frame)
    assert type(stream) is Table
    assert len(stream) == 5
    item = stream[2]
    assert list(item) == list(frame.columns)
    assert same(item["i"], np.int64(2))
    assert same(item["f"], np.float16(2))
    assert same(item["b"], np.True_)
    assert item["when"] == np.datetime64("2024-01-01")
    assert [row["o"] for row in stream] == [[1], None, 3, "x", 5.0]
    words = hr.source(pandas.DataFrame({"s": ["a", "bcd", "e"]}))
    assert words[1]["s"] == "bcd"
    assert words[:]["s"].dtype == np.dtype("<U3")
    assert hr.source(pandas.Series([1.5, 2.5]))[1] == 2.5
    assert hr.source(frame["i"])[1:3].tolist() == [1, 2]
    assert hr.source(frame[["i"]].iloc[::2])[:]["i"].tolist() == [0, 2, 4]
    double = pandas.DataFrame(np.zeros((2, 2)), columns=["a", "a"])
    with pytest.raises(hr.StreamConfigError, match="different names"):
        hr.source(double)
    check_stream(hr.source(frame[["i", "f", "b"]]), items=9, processes=False)


def test_pandas_columns_with_missing_values() -> None:
    pandas = require("pandas")
    frame = pandas.DataFrame({"n": pandas.array([1, None, 3], "Int64"), "c": pandas.Categorical(["x", "y", "x"])})
    found = [item["n"] for item in hr.source(frame)]
    assert found[0] == 1
    assert pandas.isna(found[1])
    assert [item["c"] for item in hr.source(frame)] == ["x", "y", "x"]


def test_arrow() -> None:
    pa = require("pyarrow")
    table = pa.table(
        {
            "i": pa.array([1, 2, 3], pa.int32()),
            "s": ["a", "bcd", ""],
            "l": [[1, 2], [3, 4], [5, 6]],
            "when": pa.array([datetime.datetime(2024, 1, 1)] * 3),
            "b": [True, False, True],
        }
    )
    for made in (table, table.to_batches()[0], pa.concat_tables([table.slice(0, 2), table.slice(2)])):
        stream = hr.source(made)
        assert len(stream) == 3
        assert same(stream[1]["i"], np.int32(2))
        assert stream[1]["s"] == "bcd"
        assert np.asarray(stream[1]["l"]).tolist() == [3, 4]
        assert bool(stream[1]["b"]) is False
        assert stream[:]["i"].dtype == np.int32
        assert stream[2]["when"] == np.datetime64("2024-01-01")


def test_polars() -> None:
    polars = require("polars")
    stream = hr.source(polars.DataFrame({"i": [1, 2, 3], "s": ["a", "bcd", "e"]}))
    assert same(stream[1]["i"], np.int64(2))
    assert stream[:]["s"].tolist() == ["a", "bcd", "e"]


def test_xarray() -> None:
    xarray = require("xarray")
    dataset = xarray.Dataset({"x": (("n", "t"), np.arange(6.0).reshape(3, 2)), "y": ("n", np.arange(3))})
    examined(hr.source(dataset), [{"x": x, "y": y} for x, y in zip(dataset.x.values, dataset.y.values, strict=True)])
    examined(hr.source(dataset.x), list(dataset.x.values))
    with pytest.raises(hr.StreamConfigError, match="wanted one length for all"):
        hr.source(dataset.assign(z=("t", np.arange(2))))


def test_datasets_of_hugging_face() -> None:
    datasets = require("datasets")
    made = datasets.Dataset.from_dict({"i": list(range(6)), "s": list("abcdef")})
    stream = hr.source(made)
    assert stream[2] == {"i": 2, "s": "c"}
    assert stream[1:3]["i"].tolist() == [1, 2]
    assert [item["i"] for item in stream] == list(range(6))
    assert stream[[5, 0]]["s"].tolist() == ["f", "a"]
    as_arrays = hr.source(made.with_format("numpy"))
    assert same(as_arrays[2]["i"], np.int64(2))
    assert sorted(item["i"] for item in (stream | hr.permute()).seeded(1)) == list(range(6))


def test_torch() -> None:
    torch = require("torch")
    tensor = torch.arange(6, dtype=torch.float32).reshape(3, 2)
    examined(hr.source({"x": tensor}), [{"x": x} for x in tensor.numpy()])
    assert np.shares_memory(hr.source(tensor)[0], tensor.numpy())
    assert same(hr.source(tensor.clone().requires_grad_())[1], np.array([2, 3], np.float32))
    data = torch.utils.data.TensorDataset(tensor, torch.arange(3))
    stream = hr.source(data)
    assert stream[1][1] == 1
    assert torch.equal(stream[2][0], tensor[2])


def test_folders(tmp_path: Path) -> None:
    for k in range(3):
        np.savez(tmp_path / f"{k}.npz", x=np.arange(4) + 10 * k)
    stream = hr.source(str(tmp_path / "*.npz"))
    assert [int(stream[i]["x"]) for i in (0, 4, -1)] == [0, 10, 23]
    assert stream[2:6]["x"].tolist() == [2, 3, 10, 11]
    shuffled = (stream | hr.permute() | hr.repeat(2)).seeded(3)
    assert sorted(int(item["x"]) for item in shuffled)[::2] == sorted(int(item["x"]) for item in stream)


def test_what_goes_in_comes_out_as_it_was() -> None:
    """No list is rounded, cut or taken apart on the way in."""
    assert hr.source({"a": [2**53 + 1, 1.5]})[0] == {"a": 2**53 + 1}
    assert hr.source({"a": ["x\0", "yy"]})[0] == {"a": "x\0"}
    assert hr.source((np.arange(3), [4, 5, 6]))[1] == (1, 5)
    assert hr.source(([1, 2], [3, 4]))[0] == [1, 2]
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": pandas.array([2**53 + 1, None], dtype="Int64")})
    assert hr.source(frame)[0] == {"a": 2**53 + 1}
