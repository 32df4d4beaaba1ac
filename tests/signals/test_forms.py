"""Columns of other libraries: mixed ones, DataArrays that go on, names that a Dataset or DataFrame has already."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.errors import DataError
from support.require import require

X = np.arange(12.0)
SUM = s.Sum("a", "b", name="y")


def of(start: int, stop: int) -> Any:
    """Return the rows of a DataArray."""
    xr = require("xarray")
    return xr.DataArray(X[start:stop], dims="time", coords={"time": np.arange(start, stop) / 2})


# --- several libraries --------------------------------------------------------------------------------


WAYS: list[Any] = [
    SUM,
    s.Function(SUM),
    lambda a, b: s.Graph([SUM])({"a": a, "b": b})["y"],
    lambda a, b: s.Graph([SUM]).run()({"a": a, "b": b})["y"],
]


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_one_of_another_library_among_those_read_decides(way: int) -> None:
    torch, pd = require("torch"), require("pandas")
    tensor, series = torch.tensor(X), pd.Series(X, index=X + 5)
    for a, b in ((X, tensor), (tensor, X), (list(X), tensor)):
        assert isinstance(WAYS[way](a, b), torch.Tensor)
    for a, b in ((X, series), (series, X)):
        made = WAYS[way](a, b)
        assert isinstance(made, pd.Series)
        assert list(made.index) == list(series.index)
    assert type(WAYS[way](X, X)) is np.ndarray
    told = r"got a tensor for '.' and a Series for '.', wanted one library.*\n  Convert one of them"
    for a, b in ((tensor, series), (series, tensor)):
        with pytest.raises(DataError, match=told):
            WAYS[way](a, b)


def test_a_change_that_does_not_work_is_told_once_with_tensors_too() -> None:
    torch = require("torch")
    run = s.Graph([s.Abs("x", "y")]).run()
    run({"x": torch.ones(2)})
    run.add(s.Abs("nowhere", "z"))
    with pytest.raises(DataError, match="nowhere"):
        run({"x": torch.ones(2)})
    assert run({"x": torch.ones(2)})["y"].tolist() == [1, 1]
    assert run.row == 4


def test_a_tensor_that_puts_off_conjugation() -> None:
    torch = require("torch")
    x = torch.tensor([3 + 4j, -1j])
    assert s.Abs("x", "y")(x.conj()).tolist() == [5, 1]
    assert s.Abs("x", "y")(x.conj().imag).tolist() == [4, 1]


# --- DataArrays that go on ----------------------------------------------------------------------------


def test_a_function_goes_on_with_data_arrays() -> None:
    xr = require("xarray")
    total = s.Function(s.Integrate("x", None, name="y"))
    parts = [total(of(0, 5)), total(of(5, 5)), total(of(5, 12))]
    assert xr.concat(parts, "time").identical(s.Integrate("x", None, name="y")(of(0, 12)))
    assert total.rows == 12
    slow = s.Function(s.Windows("x", "w", 4))
    parts = [slow(of(at, min(at + 5, 12))) for at in (0, 5, 10)]
    assert xr.concat(parts, "time_w").identical(s.Windows("x", "w", 4)(of(0, 12)))
    both = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("channel", "time"), coords={"channel": ["l", "r"]})
    made = s.Function(s.MovingAverage("x", "y", 2))(both)
    assert made.identical(s.MovingAverage("x", "y", 2)(both))
    with pytest.raises(DataError, match="a DataArray for each of 'a', 'b'"):
        s.Function(SUM)(of(0, 5), X[:5])


def test_an_error_leaves_a_function_of_data_arrays_where_it_was() -> None:
    total = s.Function(s.Integrate("x", None, name="y"))
    total(of(0, 5))
    with pytest.raises(DataError, match="had float64 of"):
        total(of(5, 9).astype(np.float32))
    assert total(of(5, 6)).to_numpy().tolist() == s.Integrate("x", None, name="y")(X)[5:6].tolist()


def test_a_stream_of_data_arrays_is_one_of_blocks_of_them() -> None:
    xr = require("xarray")
    blocks = list(hr.source([of(0, 5), of(5, 12)]) | s.Delay("x", 1, "y"))
    assert [type(block).__name__ for block in blocks] == ["Block", "Block"]
    assert xr.concat([block["y"] for block in blocks], "time").identical(s.Delay("x", 1, "y")(of(0, 12)))
    with pytest.raises(DataError, match="a dict of columns"):
        list(hr.source([of(0, 5)]) | SUM)


# --- names that are taken -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["v", "q", "c", "e", "when"])
def test_a_name_that_a_dataset_has(name: str) -> None:
    xr = require("xarray")
    data = xr.Dataset(
        {"x": ("time", X), "v": ("time", X), "q": 5.0, "e": ("when", [1.0])}, coords={"time": X / 2, "c": 3}
    )
    for outputs in (None, [name]):
        with pytest.raises(DataError, match=f"name='{name}'.* has the name of a .*\n  Give it another one"):
            s.Graph([s.Abs("x", name)], outputs=outputs)(data)


def test_a_dimension_whose_name_is_taken() -> None:
    xr = require("xarray")
    graph = s.Graph([s.Windows("x", "w", 4)])
    for taken in ("w_0", "time_w"):
        with pytest.raises(DataError, match=f"'w' has a dimension that is to be called '{taken}', wanted a name"):
            graph(xr.Dataset({"x": ("time", X), taken: ("time", X)}))
    with pytest.raises(DataError, match="'w' has a dimension that is to be called 'w_0'"):
        s.Graph([s.Abs("x", "w_0"), s.Windows("x", "w", 4)])(xr.Dataset({"x": ("time", X)}))


def test_what_a_graph_makes_of_a_dataset_another_reads() -> None:
    first = s.Graph([s.Windows("x", "w", 4)])(of(0, 12).to_dataset(name="x"))
    second = s.Graph([s.Integrate("w", None, name="y")])(first)
    assert second["y"].dims == ("time_w", "w_0")
    assert second["y"].equals(s.Integrate("z", None, name="y")(first["w"]))
    assert np.array_equal(second["y"], s.Integrate("w", None, name="y")(first["w"].to_numpy()))


def test_a_frame_with_two_columns_of_a_name() -> None:
    pd = require("pandas")
    frame = pd.DataFrame(np.ones((3, 2)), columns=["x", "x"])
    with pytest.raises(DataError, match=r"several columns 'x', wanted one of each name.\n  Give each a name"):
        s.Graph([s.Abs("x", "y")])(frame)


def test_functions_one_after_the_other_give_what_a_graph_gives() -> None:
    pd = require("pandas")
    frame = pd.DataFrame({"x": X}, index=X + 5)
    node = s.Integrate("x", None, name="y")
    wanted = s.Graph([node])(frame)
    assert s.compute_signal_functions(frame, [node]).equals(wanted)
    total = s.Function(node)
    parts = [s.compute_signal_functions(part, [total]) for part in (frame.iloc[:5], frame.iloc[5:])]
    assert pd.concat(parts).equals(wanted)
    with pytest.raises(DataError, match="row for every 4"):
        s.compute_signal_functions(frame, [total, s.Windows("x", "w", 4)])
    assert total.rows == 12
    data = of(0, 12).to_dataset(name="x")
    nodes = [node, s.Windows("y", "w", 4)]
    assert s.compute_signal_functions(data, nodes).identical(s.Graph(nodes)(data))
    slow = [s.Function(each) for each in nodes]
    parts = [s.compute_signal_functions(data.isel(time=part), slow)["w"] for part in (slice(0, 5), slice(5, 12))]
    assert np.array_equal(np.concatenate(parts), s.Graph(nodes)(data)["w"])
    assert [list(part["time_w"]) for part in parts] == [[1.5], [3.5, 5.5]]
