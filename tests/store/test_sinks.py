"""The three kinds of dataset keep what they are given, and say what they cannot keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.errors import SinkError
from headrace.store import NpzFolder, ParquetFolder, ZarrStore, read
from headrace.testing import check_sink
from support.require import require

NEEDS = {NpzFolder: "numpy", ZarrStore: "zarr", ParquetFolder: "pyarrow"}


@pytest.fixture(params=list(NEEDS), ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Any:
    require(NEEDS[request.param])
    return request.param


def rows(n: int) -> list[dict[str, Any]]:
    return [
        {"X": np.full((2, 3), k, "f4"), "y": np.int64(k), "name": np.str_("x" * (k % 5)), "ok": np.bool_(k % 2)}
        for k in range(n)
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_keeps_the_laws_of_sinks(kind: Any) -> None:
    report = check_sink(kind, items=rows(20), read=read)
    assert not report.skipped


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 50])
def test_what_is_written_is_read(kind: Any, n: int, tmp_path: Path) -> None:
    with kind(tmp_path / "set", part=16) as sink:
        for row in rows(n):
            sink.write(row)
    found = read(tmp_path / "set")
    assert len(found) == n
    assert same(list(found), rows(n))
    assert same(found[:], hr.core.stack(rows(n)) if n else found[:])


DTYPES = ["?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "c8", "c16", "M8[ns]", "M8[D]", "m8[s]", "U", "S", "g"]
REFUSED = {(ZarrStore, "S"), (ZarrStore, "g"), (ParquetFolder, "c8"), (ParquetFolder, "c16"), (ParquetFolder, "g")}


@pytest.mark.parametrize("shape", [(), (2,), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_shape_comes_back_or_is_refused(kind: Any, dtype: str, shape: Any, tmp_path: Path) -> None:
    column = np.arange(3 * int(np.prod(shape))).reshape(3, *shape)
    # Strings only as wide as the longest: a width is no part of a dataset.
    column = np.array(column.astype(str).tolist()).astype(dtype) if dtype in "US" else column.astype(dtype)
    write = [{"v": column[k]} for k in range(3)]
    if (kind, dtype) in REFUSED:
        with pytest.raises(SinkError, match="cannot store field 'v'"), kind(tmp_path / "set", part=2) as sink:
            hr.drain(write, sink)
        return
    with kind(tmp_path / "set", part=2) as sink:
        hr.drain(write, sink)
    found = read(tmp_path / "set").columns()["v"]
    assert found.dtype == column.dtype
    assert np.array_equal(found, column)  # not to the bit: a long double has bytes that mean nothing


def test_structures_of_items(kind: Any, tmp_path: Path) -> None:
    @dataclass
    class Point:
        a: int
        b: float

    cases: dict[str, Any] = {
        "tuple": ((np.int64(1), np.zeros(2)), ("item_0", "item_1")),
        "bare": (np.arange(3), ("value",)),
        "number": (np.float64(2.5), ("value",)),
        "nested": (
            {"X": {"a": np.int64(1), "b": (np.int64(2), np.int64(3))}, "y": np.int64(4)},
            ("X.a", "X.b.0", "X.b.1", "y"),
        ),
        "odd names": (
            {"file": np.int64(1), "allow_pickle": np.int64(2), "a b": np.int64(3)},
            ("file", "allow_pickle", "a b"),
        ),
    }
    for name, (item, fields) in cases.items():
        with kind(tmp_path / name) as sink:
            hr.drain([item, item], sink)
        found = read(tmp_path / name)
        assert found.fields == fields
        assert same(found[1], item)
    with kind(tmp_path / "dataclass") as sink:
        hr.drain([Point(1, 2.0)], sink)
    assert read(tmp_path / "dataclass")[0] == {"a": 1, "b": 2.0}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"X": 1, "y": np.zeros(2)}, {"X": 2, "y": np.zeros(3)}], r"'y'.*shape \(3,\) at row 1, shape \(2,\)"),
        ([{"X": 1}, {"X": 2.5}], "'X'.*float64 at row 1, dtype int64"),
        ([{"X": 1.5}, {"X": 2**60 + 1}], "'X'.*int64 at row 1"),
        ([{"X": 1.5}, {"X": "a"}], "'X'.*str at row 1"),
        ([{"X": "a"}, {"X": 1}], "'X'.*int64 at row 1, dtype str"),
        ([{"X": 1}, {"Y": 1}], r"\['Y'\] at row 1, wanted \['X'\]"),
        ([{"X": object()}], "'X'.*object"),
        ([{"X": {"a": 1}, "X.a": 2}], "two values called 'X.a'"),
        ([{"": 1}], "a field called ''"),
        ([{}], "without fields"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_items_that_do_not_fit_are_refused_by_field_and_row(items: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=message), NpzFolder(tmp_path / "set") as sink:
        hr.drain(items, sink)
    with pytest.raises(SinkError, match="not complete"):
        read(tmp_path / "set")


def test_the_row_named_is_the_row_of_the_dataset(tmp_path: Path) -> None:
    bad = [{"X": k} for k in range(3000)] + [{"X": 1.5}]
    with pytest.raises(SinkError, match="row 3000"), NpzFolder(tmp_path / "set") as sink:
        hr.drain(bad, sink)


def test_numbers_that_fit_without_loss_are_taken(tmp_path: Path) -> None:
    with NpzFolder(tmp_path / "set") as sink:
        hr.drain([{"X": 1.5}, {"X": 2}, {"X": True}], sink)
    assert read(tmp_path / "set").columns()["X"].tolist() == [1.5, 2.0, 1.0]


def test_what_the_caller_changes_afterwards_is_not_kept(tmp_path: Path) -> None:
    buffer = np.zeros(2)
    batch = hr.Batch(X=np.zeros((3, 2)))
    with NpzFolder(tmp_path / "items") as sink, NpzFolder(tmp_path / "batches") as batches:
        for k in range(3):
            buffer[:] = k
            sink.write({"X": buffer, "list": [k]})
            batch["X"][:] = k
            batches.write(batch)
    assert read(tmp_path / "items").columns()["X"].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert read(tmp_path / "batches").columns()["X"][:, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


# --- batches and limits -------------------------------------------------------------------------


def batched(n: int, size: int) -> Iterator[Any]:
    for lo in range(0, n, size):
        yield hr.core.stack(rows(n)[lo : lo + size])


@pytest.mark.parametrize("size", [1, 7, 16, 40])
def test_batches_are_stored_row_by_row(kind: Any, size: int, tmp_path: Path) -> None:
    with kind(tmp_path / "set", part=16) as sink, kind(tmp_path / "rows", part=16) as by_row:
        hr.drain(batched(50, size), sink)
        hr.drain(rows(50), by_row)
    assert same(list(read(tmp_path / "set")), rows(50))
    same_but = {"_progress.json"}  # where it stands that they came in batches
    a, b = files(tmp_path / "set"), files(tmp_path / "rows")
    assert {k: v for k, v in a.items() if k not in same_but} == {k: v for k, v in b.items() if k not in same_but}


def test_batches_of_tuples_need_a_word(tmp_path: Path) -> None:
    columns = (np.arange(3), np.zeros((3, 2)))
    with NpzFolder(tmp_path / "as items") as sink:
        sink.write(columns)
    with NpzFolder(tmp_path / "as rows", batches=True) as sink:
        sink.write(columns)
    assert len(read(tmp_path / "as items")) == 1
    assert len(read(tmp_path / "as rows")) == 3


def test_a_limit_cuts_a_batch_and_keeps_the_rest_for_later(kind: Any, tmp_path: Path) -> None:
    batches = list(batched(50, 20))
    with kind(tmp_path / "set", part=8, limit=25) as sink:
        sink.write(batches[0])
        assert not sink.full
        sink.write(batches[1])
        assert sink.full
        with pytest.raises(SinkError, match="limit of 25"):
            sink.write(batches[2])
    assert same(list(read(tmp_path / "set")), rows(25))
    with kind(tmp_path / "set", limit=30, resume=True) as sink:
        assert sink.full  # of what was kept for later
    assert same(list(read(tmp_path / "set")), rows(30))
    with kind(tmp_path / "set", limit=inf, resume=True) as sink:
        assert sink.rows == 40
        sink.write(batches[2])
    assert same(list(read(tmp_path / "set")), rows(50))


def test_parts_are_about_16_mb_of_whole_batches(tmp_path: Path) -> None:
    cases = [
        ({"X": np.zeros(1024)}, 2048),
        ({"X": np.zeros(1 << 22)}, 1),
        ({"X": 1}, 1 << 20),
        (hr.Batch(X=np.zeros((100, 1024))), 2000),
        (hr.Batch(X=np.zeros((3000, 1024))), 3000),
    ]
    for k, (item, part) in enumerate(cases):
        with NpzFolder(tmp_path / str(k)) as sink:
            sink.write(item)
            assert sink.part == part


def test_a_first_batch_without_rows(kind: Any, tmp_path: Path) -> None:
    with kind(tmp_path / "set") as sink:
        hr.drain([hr.Batch(x=np.zeros(0)), hr.Batch(x=np.arange(3.0))], sink)
    assert read(tmp_path / "set").columns()["x"].tolist() == [0.0, 1.0, 2.0]
    with kind(tmp_path / "none") as sink:
        sink.write(hr.Batch(x=np.zeros(0)))
    assert len(read(tmp_path / "none")) == 0


# --- opening ------------------------------------------------------------------------------------


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(kind: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SinkError, match="not empty"):
        kind(tmp_path)
    with pytest.raises(SinkError, match="not a dataset"):
        kind(tmp_path, resume=True)
    assert files(tmp_path) == {"mine.txt": b"mine"}
    with pytest.raises(SinkError, match="is a file"):
        kind(tmp_path / "mine.txt")


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with NpzFolder(tmp_path / "set") as sink:
        sink.write({"X": 1})
        for resume in (False, True):
            with pytest.raises(SinkError, match="being written by process"):
                NpzFolder(tmp_path / "set", resume=resume)
    assert len(read(tmp_path / "set")) == 1


@pytest.mark.parametrize("option", [{"part": 0}, {"part": 1.5}, {"limit": -1}, {"part": True}], ids=str)
def test_numbers_that_make_no_sense_are_refused_before_anything_is_made(option: Any, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="wanted a whole number"):
        NpzFolder(tmp_path / "set", **option)
    assert not (tmp_path / "set").exists()


def test_resume_goes_on_where_it_was_kept(kind: Any, tmp_path: Path) -> None:
    with kind(tmp_path / "whole", part=16) as sink:
        hr.drain(rows(50), sink)
    sink = kind(tmp_path / "set", part=16)
    hr.drain(rows(50)[:21], sink)
    sink.keep({"at": 21})
    hr.drain(rows(50)[21:40], sink)  # parts are written, but not kept
    sink.release()
    with pytest.raises(SinkError, match="not complete"):
        read(tmp_path / "set")
    assert len(read(tmp_path / "set", partial=True)) == 21
    with kind(tmp_path / "set", resume=True) as sink:
        assert (sink.rows, sink.kept, sink.record, sink.part) == (21, 21, {"at": 21}, 16)
        assert same(list(read(tmp_path / "set", partial=True)), rows(21))
        hr.drain(rows(50)[21:], sink)
    assert same(list(read(tmp_path / "set")), rows(50))
    assert files(tmp_path / "set") == files(tmp_path / "whole")


def others(folder: Path) -> dict[str, bytes]:
    """Put files of a user's into a dataset, some called as ours are; return them."""
    (folder / "labels").mkdir()
    made = {
        "labels/zarr.json": b"{}",
        "labels/c.0": b"1",
        "labels/c.9": b"1",
        "labels/.notes.tmp": b"2",
        ".notes.tmp": b"3",
        "part-000009.npz": b"4",
        "part-000009.parquet": b"5",
        "notes.txt": b"6",
    }
    if (folder / "y").is_dir():
        made["y/c.9"] = b"7"
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return made


@pytest.mark.parametrize("how", ["complete", "kept", "left"])
def test_going_on_removes_nothing_of_others(kind: Any, how: str, tmp_path: Path) -> None:
    with kind(tmp_path / "whole", part=4) as sink:
        hr.drain(rows(20), sink)
    sink = kind(tmp_path / "set", part=4, limit=20 if how == "left" else 10)
    hr.drain(rows(10), sink)
    if how == "complete":
        sink.close()
    else:
        sink.keep()
    if how == "left":  # parts 2 and 3 are written beyond what is kept, 4 is not
        hr.drain(rows(20)[10:17], sink)
    sink.release()
    mine = others(tmp_path / "set")
    with kind(tmp_path / "set", limit=20, resume=True) as sink:
        assert sink.rows == 10
        if how == "left":
            assert len(list((tmp_path / "set").glob("part-*"))) in (2, 3 + 2)  # zarr's are elsewhere
        hr.drain(rows(20)[10:], sink)
    found = files(tmp_path / "set")
    assert {name: found.pop(name) for name in mine} == mine
    whole = files(tmp_path / "whole")
    assert found.keys() == whole.keys()
    same_but = {"_progress.json"}  # the limit
    assert {k: v for k, v in found.items() if k not in same_but} == {
        k: v for k, v in whole.items() if k not in same_but
    }


def test_a_file_in_the_way_of_a_part_is_not_written_over(kind: Any, tmp_path: Path) -> None:
    sink = kind(tmp_path / "set", part=4)
    hr.drain(rows(10), sink)
    sink.keep()
    sink.release()
    assert "_begun.json" not in files(tmp_path / "set")
    mine = {"part-000004.npz", "part-000004.parquet"}
    mine |= {"y/c.4"} if kind is ZarrStore else set()
    for name in mine:
        (tmp_path / "set" / name).write_bytes(b"mine")
    with pytest.raises(SinkError, match=r"000004|c\.4"), kind(tmp_path / "set", resume=True) as sink:
        hr.drain(rows(30)[10:], sink)
    for name in mine:
        assert (tmp_path / "set" / name).read_bytes() == b"mine"
        (tmp_path / "set" / name).unlink()
    with kind(tmp_path / "set", resume=True) as sink:
        assert sink.rows == 10
        hr.drain(rows(30)[10:], sink)
    assert same(list(read(tmp_path / "set")), rows(30))


def test_parts_written_before_anything_was_kept_go_on_resume(kind: Any, tmp_path: Path) -> None:
    sink = kind(tmp_path / "set", part=4)
    hr.drain(rows(9), sink)
    sink.release()
    assert any("000001" in name or "c.1" in name for name in files(tmp_path / "set"))
    kind(tmp_path / "set", resume=True).release()
    assert files(tmp_path / "set").keys() == {"_progress.json"}
    assert [p.name for p in (tmp_path / "set").iterdir()] == ["_progress.json"]


def test_what_was_decided_stays(tmp_path: Path) -> None:
    sink = NpzFolder(tmp_path / "set", part=4)
    sink.write({"X": 1})
    sink.keep()
    sink.release()
    with pytest.raises(SinkError, match="parts of 4 rows"):
        NpzFolder(tmp_path / "set", part=5, resume=True)
    with pytest.raises(SinkError, match="batches=False"):
        NpzFolder(tmp_path / "set", batches=True, resume=True)
    require("pyarrow")
    with pytest.raises(SinkError, match="of kind 'npz'"):
        ParquetFolder(tmp_path / "set", resume=True)


def test_a_complete_dataset_takes_no_more(tmp_path: Path) -> None:
    with NpzFolder(tmp_path / "set") as sink:
        sink.write({"X": 1})
    before = files(tmp_path / "set")
    with NpzFolder(tmp_path / "set", resume=True) as sink:
        assert sink.complete
        with pytest.raises(SinkError, match="is complete with 1 rows"):
            sink.write({"X": 1})
    assert files(tmp_path / "set") == before


def test_after_a_failed_write_only_what_was_kept_counts(tmp_path: Path) -> None:
    sink = NpzFolder(tmp_path / "set")
    sink.write({"X": 1})
    sink.keep()
    for bad in ({"X": "a"}, {"X": 1.5}):
        sink.write(bad)
    with pytest.raises(SinkError):
        sink.keep()
    with pytest.raises(SinkError, match="after one that failed"):
        sink.write({"X": 2})
    sink.close()  # leaves it as it was kept
    with NpzFolder(tmp_path / "set", resume=True) as sink:
        assert sink.rows == 1
        sink.write({"X": 2})
    assert read(tmp_path / "set").columns()["X"].tolist() == [1, 2]


# --- what others read ---------------------------------------------------------------------------


def test_npz_parts_are_what_numpy_loads(tmp_path: Path) -> None:
    with NpzFolder(tmp_path / "set", part=2) as sink:
        hr.drain(rows(3), sink)
    with np.load(tmp_path / "set" / "part-000001.npz", allow_pickle=False) as part:
        assert part["X"].shape == (1, 2, 3)
        assert part["name"].tolist() == ["xx"]


def test_zarr_opens_the_group_without_a_warning(tmp_path: Path) -> None:
    zarr = require("zarr")
    with ZarrStore(tmp_path / "set.zarr", part=2, dims={"X": ("channel", "time")}) as sink:
        hr.drain(rows(5), sink)
    group = zarr.open_group(tmp_path / "set.zarr", mode="r")
    assert sorted(name for name, _ in group.arrays()) == ["X", "name", "ok", "y"]
    assert group["X"].metadata.dimension_names == ("item", "channel", "time")
    assert group["X"].shape == (5, 2, 3)
    assert group["X"].chunks == (2, 2, 3)
    assert np.asarray(group["y"]).tolist() == list(range(5))
    assert list(np.asarray(group["name"])) == ["", "x", "xx", "xxx", "xxxx"]
    alone = zarr.open_array(tmp_path / "set.zarr" / "X", mode="r")  # without the group's summary too
    assert alone.shape == (5, 2, 3)


def test_parquet_reads_the_folder_as_one_table(tmp_path: Path) -> None:
    require("pyarrow")
    import pyarrow.parquet as parquet

    with ParquetFolder(tmp_path / "set.parquet", part=2) as sink:
        hr.drain(rows(5), sink)
    table = parquet.read_table(tmp_path / "set.parquet")
    assert table.num_rows == 5
    assert table["y"].to_pylist() == list(range(5))
    assert table["X"].to_pylist()[3] == [[3.0] * 3] * 2
    assert table["name"].to_pylist()[4] == "xxxx"


@pytest.mark.parametrize("name", ["a/b", "__x", "..", "zarr.json"])
def test_names_that_zarr_cannot_have(name: str, tmp_path: Path) -> None:
    require("zarr")
    with pytest.raises(SinkError, match="field"), ZarrStore(tmp_path / "set.zarr") as sink:
        sink.write({name: 1})


def test_arrays_without_elements(kind: Any, tmp_path: Path) -> None:
    items = [{"X": np.zeros((0, 2)), "y": np.int64(k)} for k in range(5)]
    if kind is ParquetFolder:
        with pytest.raises(SinkError, match=r"shape \(0, 2\)"), kind(tmp_path / "set") as sink:
            hr.drain(items, sink)
        return
    with kind(tmp_path / "set", part=2) as sink:
        hr.drain(items, sink)
    assert same(list(read(tmp_path / "set")), items)


def test_the_last_file_tells_what_there_is(kind: Any, tmp_path: Path) -> None:
    with kind(tmp_path / "set", part=2, dims={"X": ("channel", "time"), "y": ("wrong",)}) as sink:
        hr.drain(rows(5), sink)
    told = json.loads((tmp_path / "set" / "_headrace.json").read_text())
    assert (told["rows"], told["part"], told["parts"]) == (5, 2, 3)
    assert told["fields"]["X"] == {"shape": [2, 3], "dtype": "<f4", "dims": ["item", "channel", "time"]}
    assert told["fields"]["y"]["dims"] == ["item"]
    assert told["fields"]["name"]["dtype"] == "<U0"
