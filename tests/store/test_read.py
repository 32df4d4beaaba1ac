"""A dataset read back is a sequence of items, columns, and a source."""

from __future__ import annotations

import dataclasses
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.errors import DataError, SinkError
from headrace.store import NpzFolder, ParquetFolder, ZarrStore, read
from support.require import require

NEEDS = {NpzFolder: "numpy", ZarrStore: "zarr", ParquetFolder: "pyarrow"}


@pytest.fixture(params=list(NEEDS), ids=lambda kind: kind.__name__)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    require(NEEDS[request.param])
    with request.param(tmp_path / "set", part=7) as sink:
        hr.drain(rows(40), sink)
    return tmp_path / "set"


def rows(n: int) -> list[dict[str, Any]]:
    return [
        {"X": np.full(3, k), "name": np.str_("x" * (k % 9)), "pair": (np.int64(k), np.float64(k))} for k in range(n)
    ]


def test_items_and_columns(folder: Path) -> None:
    data, items = read(folder), rows(40)
    assert len(data) == 40
    assert data.fields == ("X", "name", "pair.0", "pair.1")
    assert same(data[0], items[0])
    assert same(data[-1], items[39])
    for lo, hi in [(0, 40), (0, 7), (7, 14), (5, 23), (39, 40), (-3, 99)]:
        assert same(data[lo:hi], hr.core.stack(items[lo:hi])), (lo, hi)
    assert isinstance(data[:3], hr.Batch)
    for at in (40, -41):
        with pytest.raises(IndexError):
            data[at]
    with pytest.raises(DataError, match="step 1"):
        data[::2]


def test_no_rows_keep_their_shape(folder: Path) -> None:
    empty = read(folder)[5:5]
    assert empty["X"].shape == (0, 3)
    assert empty["X"].dtype == np.int64
    assert empty["name"].dtype.kind == "U"


def test_it_feeds_a_stream_that_resumes(folder: Path) -> None:
    stream = hr.Streamer(read(folder)) | hr.batch(6)
    assert stream.resume == "exact"
    with stream.open() as cursor:
        cursor.take(3)
        state = cursor.state()
    assert same(stream.open(at=state).take(9), list(stream)[3:])
    assert hr.Streamer(read(folder)).fingerprint == hr.Streamer(read(folder)).fingerprint


def test_it_pickles_without_what_it_remembers(folder: Path) -> None:
    data = read(folder)
    fresh = len(pickle.dumps(data))
    data[0]
    assert len(pickle.dumps(data)) == fresh
    assert same(pickle.loads(pickle.dumps(data))[5], data[5])


def test_npz_parts_are_mapped_not_read(tmp_path: Path) -> None:
    with NpzFolder(tmp_path / "set") as sink:
        hr.drain([{"X": np.zeros(100)}] * 20, sink)
    found = read(tmp_path / "set").columns(0, 20)["X"]
    base: Any = found
    while isinstance(base, np.ndarray) and base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert not found.flags.writeable


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    with NpzFolder(tmp_path / "set") as sink:
        hr.drain([{"X": 1.0}], sink)

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "evil"),)

    np.savez(tmp_path / "set" / "part-000000.npz", X=np.array([Evil()], dtype=object))
    with pytest.raises(ValueError, match="objects"):
        read(tmp_path / "set")[0]
    assert not (tmp_path / "evil").exists()


def test_what_is_no_dataset_is_said_to_be_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SinkError, match="not a dataset"):
            read(path)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    with NpzFolder(tmp_path / "set", part=4) as sink:
        hr.drain([{"X": k} for k in range(8)], sink)
    short = tmp_path / "set" / "part-000001.npz"
    np.savez(short, X=np.arange(2))
    data = read(tmp_path / "set")
    assert data[3]["X"] == 3
    with pytest.raises(SinkError, match="part 1 has fewer than 4"):
        data[4]


def test_what_is_remembered_is_each_ones_own_and_no_part_of_it(tmp_path: Path) -> None:
    for name in "ab":
        with hr.store.NpzFolder(tmp_path / name) as sink:
            hr.drain([{"x": ord(name)}], sink)
    a, b, again = read(tmp_path / "a"), read(tmp_path / "b"), read(tmp_path / "a")
    assert a[0] == {"x": ord("a")}
    assert b[0] == {"x": ord("b")}
    assert a == again
    assert "cache" not in repr(a)
    assert "_cache" in {field.name for field in dataclasses.fields(a)}
    assert dataclasses.replace(a, path=tmp_path / "b")[0] == {"x": ord("b")}
