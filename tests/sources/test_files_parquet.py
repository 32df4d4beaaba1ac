from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.core.stream import Field
from headrace.errors import DataError, StreamConfigError
from support.require import require

pa = require("pyarrow")
pq = require("pyarrow.parquet")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    data = pa.table({"x": np.arange(45.0), "k": np.arange(45), "name": [f"n{i}" for i in range(45)]})
    pq.write_table(data, tmp_path / "a.parquet", row_group_size=10)
    return tmp_path / "a.parquet"


@pytest.mark.parametrize("order", ["sequential", "shuffled", "random"])
def test_every_cut(order: Any, table: Path, cuts_change_nothing: Callable[..., list[Any]]) -> None:
    items = cuts_change_nothing(hr.parquet(table, order=order), 45)
    assert all(item == {"x": item["k"], "k": item["k"], "name": f"n{item['k']}"} for item in items)
    numbers = [int(item["k"]) for item in items]
    if order == "sequential":
        assert numbers == list(range(45))
    else:
        assert numbers != list(range(45))
        assert (sorted(numbers) == list(range(45))) == (order == "shuffled")


def test_size_spec_columns_and_n(table: Path) -> None:
    stream = hr.parquet(table)
    assert len(stream) == 45
    assert stream.spec == {"x": Field((), "<f8"), "k": Field((), "<i8"), "name": Field((), "<U0")}
    assert list(next(iter(hr.parquet(table, ["name", "x"])))) == ["name", "x"]
    assert len(list(hr.parquet(table, n=12))) == len(hr.parquet(table, n=12)) == 12
    with pytest.raises(DataError, match=r"no column 'z'.*\n.*x, k, name"):
        list(hr.parquet(table, "z"))
    with pytest.raises(StreamConfigError, match="order="):
        hr.parquet(table, order="best")  # type: ignore[arg-type]


def test_kinds_of_values_and_nulls(tmp_path: Path) -> None:
    day = datetime.date(2024, 5, 6)
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12.0).reshape(2, 2, 3))
    data = pa.table(
        {
            "f": pa.array([1.5, None]),
            "i": pa.array([2**60 + 1, None]),
            "b": pa.array([True, None]),
            "t": pa.array([np.datetime64("2024-01-01T00:00:00", "us"), None]),
            "d": pa.array([day, None]),
            "s": pa.array(["a", None]),
            "c": pa.array(["x", "y"]).dictionary_encode(),
            "raw": pa.array([b"ab", None]),
            "list": pa.array([[1, 2, 3], None]),
            "nested": pa.array([[[1.0], [2.0]], [[3.0, 4.0], [5.0]]]),
            "struct": pa.array([{"a": 1}, {"a": 2}]),
            "money": pa.array([Decimal("1.25"), None]),
            "tensor": tensor,
            "nothing": pa.nulls(2),
        }
    )
    pq.write_table(data, tmp_path / "a.parquet")
    first, second = hr.parquet(tmp_path / "a.parquet")
    assert type(first["f"]) is np.float64
    assert np.isnan(second["f"])
    assert first["i"] == 2**60 + 1
    assert type(first["i"]) is np.int64
    assert bool(first["b"])
    assert first["t"] == np.datetime64("2024-01-01")
    assert np.isnat(second["t"])
    assert first["d"] == np.datetime64(day)
    assert (first["s"], first["c"], first["raw"], first["struct"]) == ("a", "x", b"ab", {"a": 1})
    assert same(first["list"], np.array([1, 2, 3]))
    assert same(first["nested"], np.array([[1.0], [2.0]]))
    assert second["nested"] == [[3.0, 4.0], [5.0]]
    assert first["money"] == Decimal("1.25")
    assert second["tensor"].tolist() == np.arange(6.0, 12).reshape(2, 3).tolist()
    for name in ("i", "b", "s", "raw", "list", "money", "nothing"):
        assert second[name] is None


def test_no_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": pa.array([], pa.float64())}), tmp_path / "a.parquet")
    for order in ("sequential", "shuffled", "random"):
        assert list(hr.parquet(tmp_path / "a.parquet", order=order)) == []


def test_broken_files_say_so(tmp_path: Path, table: Path) -> None:
    (tmp_path / "empty.parquet").write_bytes(b"")
    (tmp_path / "short.parquet").write_bytes(table.read_bytes()[:-50])
    for name, error in [("empty.parquet", DataError), ("short.parquet", pa.ArrowInvalid)]:
        stream = hr.parquet(tmp_path / name)
        assert stream.size is None
        with pytest.raises(error) as caught:
            list(stream)
        assert f"  file: {tmp_path / name}" in caught.value.__notes__


def test_one_descriptor_and_none_after(table: Path, open_here: Callable[[], list[str]]) -> None:
    cursor = hr.parquet(table, order="random").open(hr.Key(1))
    assert open_here() == []
    cursor.take(20)
    assert open_here() == [str(table)]
    cursor.close()
    assert open_here() == []
    assert len(hr.parquet(table)) == 45
    assert open_here() == []
