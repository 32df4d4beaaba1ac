"""Graphs: names, order, paces, whole columns in every form."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
import headrace.signals as s
from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from support.require import require

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=500), RNG.normal(size=500)


def graph(**more: Any) -> s.Graph:
    return s.Graph(
        [
            s.Scale("total", name="late", scale_factor=3.0),
            s.Integrate("sum", name="total"),
            s.Sum("x", "y", name="sum"),
        ],
        **more,
    )


def test_nodes_may_be_given_in_any_order() -> None:
    nodes = [
        s.Sum("x", "y", name="a"),
        s.Scale("a", name="b", scale_factor=2.0),
        s.Sum("a", "b", name="c"),
        s.Integrate("c", name="d"),
    ]
    found = [s.Graph(list(order))({"x": X, "y": Y}) for order in itertools.permutations(nodes)]
    for each in found:
        assert all(np.array_equal(each[name], found[0][name]) for name in "abcd")


def test_the_order_given_is_kept_where_it_can_be() -> None:
    nodes = [s.Scale("x", name=n, scale_factor=1.0) for n in "zyw_v"]
    assert [node.name for node in s.Graph(nodes)] == [node.name for node in nodes]


def test_a_block_holds_inputs_and_then_outputs() -> None:
    block = graph()({"extra": X, "y": Y, "x": X})
    assert list(block) == ["extra", "y", "x", "sum", "total", "late"]
    assert isinstance(block, Block)
    assert list(graph(outputs=["late", "x"])({"y": Y, "x": X})) == ["late", "x"]


@given(st.lists(st.integers(0, 50), max_size=30))
def test_blocks_of_any_sizes_give_what_one_does(sizes: list[int]) -> None:
    whole = graph()({"x": X, "y": Y})
    run = graph().run()
    at, found = 0, []
    for size in [*sizes, 500]:
        found.append(run({"x": X[at : at + size], "y": Y[at : at + size]}))
        at += size
    for name in whole:
        assert np.array_equal(np.concatenate([block[name] for block in found]), whole[name])


def test_nothing_of_the_callers_is_changed() -> None:
    columns = {"x": X.copy(), "y": Y.copy()}
    graph()(columns)
    assert list(columns) == ["x", "y"]
    assert np.array_equal(columns["x"], X)


# --- what is refused ----------------------------------------------------------------------------------


def test_names_are_unique() -> None:
    with pytest.raises(StreamConfigError, match="two nodes named 'a'"):
        s.Graph([s.Sum("x", "y", name="a"), s.Scale("x", name="a", scale_factor=1.0)])


def test_circles_are_refused_and_shown() -> None:
    with pytest.raises(StreamConfigError, match="a <- b <- c <- a"):
        s.Graph([s.Sum("b", name="a"), s.Sum("c", name="b"), s.Sum("a", "x", name="c")])
    with pytest.raises(StreamConfigError, match="a <- a"):
        s.Graph([s.Sum("a", name="a")])


def test_a_name_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(StreamConfigError, match=r"reads 'sine_O'.*\n?.*Did you mean 'sine_0'"):
        s.Graph([s.Sum("sine_O", name="a")], inputs=["sine_0", "noise"])
    with pytest.raises(DataError, match="Did you mean 'sine_0'"):
        s.Graph([s.Sum("sine_O", name="a")])({"sine_0": X})
    with pytest.raises(DataError, match=r"reads 'x', which the block has not.\n  It has no columns."):
        graph()({})
    with pytest.raises(DataError, match="It has 'other'"):
        graph()({"other": X})
    with pytest.raises(StreamConfigError, match="Did you mean 'total'"):
        graph(outputs=["totl"])
    with pytest.raises(StreamConfigError, match="Did you mean 'late'"):
        graph()["lat"]


def test_an_output_may_not_hide_a_column() -> None:
    with pytest.raises(DataError, match="has the name of a column"):
        graph()({"x": X, "y": Y, "late": X})


def test_columns_of_another_kind_than_before_are_refused() -> None:
    run = graph().run()
    run({"x": X[:10], "y": Y[:10]})
    with pytest.raises(DataError, match="column 'x' is now float32"):
        run({"x": X[:10].astype("f4"), "y": Y[:10]})
    with pytest.raises(DataError, match=r"column 'y' is now float64 of row shape \(1,\)"):
        run({"x": X[:10], "y": Y[:10, None]})
    assert run.row == 10


def test_an_error_names_the_node() -> None:
    with pytest.raises(DataError, match="wanted one shape") as caught:
        graph()({"x": X, "y": X[:, None]})
    assert "while computing Sum('x', 'y', name='sum')" in "".join(caught.value.__notes__)


def test_an_error_leaves_the_run_where_it_was() -> None:
    run = graph().run()
    run({"x": X[:10], "y": Y[:10]})
    with pytest.raises(DataError, match="'x': 10, 'y': 5"):
        run({"x": X[10:20], "y": Y[10:15]})
    whole = graph()({"x": X, "y": Y})["late"]
    assert np.array_equal(run({"x": X[10:], "y": Y[10:]})["late"], whole[10:])


def test_what_is_no_signal_is_refused() -> None:
    nodes: Any = [lambda x: x]
    with pytest.raises(StreamConfigError, match="wanted signals"):
        s.Graph(nodes)


@pytest.mark.parametrize("rows", [(), (X,), (X, X, X)])
def test_a_signal_wants_a_column_for_each_input(rows: Any) -> None:
    for signal in (s.Sum("a", "b", name="y"), s.Difference("a", "b", "y"), s.Integrate("a", "b", "y")):
        with pytest.raises(DataError, match="wanted one for each input: 'a', 'b'"):
            signal(*rows)


# --- forms --------------------------------------------------------------------------------------------


def test_lists_and_single_columns() -> None:
    one = s.Graph([s.Scale("x", name="y", scale_factor=2.0)])
    assert one([1.0, 2.0])["y"].tolist() == [2.0, 4.0]
    assert one(x=[1.0, 2.0])["y"].tolist() == [2.0, 4.0]
    assert s.Scale("x", name="y", scale_factor=2.0)({"x": np.ones(2)})["y"].tolist() == [2.0, 2.0]


def test_a_frame_gives_a_frame() -> None:
    pd = require("pandas")
    frame = pd.DataFrame({"x": X, "y": Y}, index=np.arange(500) * 2)
    found = graph()(frame)
    assert list(found.columns) == ["x", "y", "sum", "total", "late"]
    assert (found.index == frame.index).all()
    assert np.array_equal(found["late"].to_numpy(), graph()({"x": X, "y": Y})["late"])


def test_a_dataset_gives_a_dataset() -> None:
    xr = require("xarray")
    data = xr.Dataset(
        {"x": ("time", X), "y": ("time", Y), "other": ("place", [1, 2])}, coords={"time": np.arange(500.0)}
    )
    found = graph()(data)
    assert found["late"].dims == ("time",)
    assert np.array_equal(found["late"].to_numpy(), graph()({"x": X, "y": Y})["late"])
    assert np.array_equal(found["time"], data["time"])


def test_the_time_of_a_dataset_is_found_by_its_name() -> None:
    xr = require("xarray")
    require("scipy")
    eeg = np.stack([X, Y])
    data = xr.Dataset(
        {"eeg": (("channel", "time"), eeg, {"unit": "uV"}), "other": 3},
        coords={"time": np.arange(500.0), "channel": ["left", "right"]},
        attrs={"who": "me"},
    )
    node = s.LowPassFilter("eeg", "low", 4, 10, 100)
    found = s.Graph([node, s.Windows("low", "windows", 100)])(data)
    assert found["low"].dims == ("time", "channel")
    assert np.array_equal(found["low"].to_numpy(), node(eeg.T))
    assert found.attrs == {"who": "me"}
    assert (int(found["other"]), found["eeg"].attrs) == (3, {"unit": "uV"})
    assert found["time_windows"].to_numpy().tolist() == [99.0, 199.0, 299.0, 399.0, 499.0]
    low = node(data["eeg"])
    assert low.dims == ("time", "channel")
    assert low.identical(found["low"])
    with pytest.raises(DataError, match="which of them is time"):
        s.Graph([node])(data.rename(time="t", channel="c"))
    assert s.Graph([node], timestamp="t")(data.rename(time="t"))["low"].dims == ("t", "channel")


def test_a_frame_does_not_lose_a_column_to_a_part_of_another() -> None:
    pd = require("pandas")
    with pytest.raises(DataError, match="has a column 'both_0'"):
        s.Graph([s.Stack("x", "y", name="both")])(pd.DataFrame({"x": X, "y": Y, "both_0": X}))


def test_tensors_give_tensors() -> None:
    torch = require("torch")
    columns = {"x": torch.from_numpy(X.copy()), "y": torch.from_numpy(Y.copy())}
    found = graph()(columns)
    assert all(isinstance(each, torch.Tensor) for each in found.values())
    assert np.array_equal(found["late"].numpy(), graph()({"x": X, "y": Y})["late"])
    assert isinstance(s.Sum("x", "y", name="z")(columns["x"], columns["y"]), torch.Tensor)


# --- as an op -----------------------------------------------------------------------------------------


def blocks(n: int = 50) -> list[dict[str, Any]]:
    return [{"x": X[i : i + n], "y": Y[i : i + n]} for i in range(0, 500, n)]


def test_a_stream_of_blocks() -> None:
    stream = hr.Streamer(blocks()) | graph() | s.Scale("late", name="later", scale_factor=0.5)
    found = list(stream)
    whole = graph()({"x": X, "y": Y})
    assert np.array_equal(np.concatenate([block["later"] for block in found]), whole["late"] * 0.5)
    assert [block.first for block in found] == list(range(0, 500, 50))


def test_a_pass_goes_on_from_its_state() -> None:
    stream = hr.Streamer(blocks(30)) | graph()
    expected = list(stream)
    with stream.open(hr.Key(1)) as cursor:
        cursor.take(5)
        state = cursor.state()
    with stream.open(at=state) as cursor:
        rest = cursor.take(100)
    assert len(rest) == len(expected) - 5
    assert all(np.array_equal(a["late"], b["late"]) for a, b in zip(rest, expected[5:], strict=True))


def test_a_state_of_another_graph_is_refused() -> None:
    stream = hr.Streamer(blocks()) | graph()
    with stream.open(hr.Key(1)) as cursor:
        cursor.take(2)
        state = cursor.state()
    other = hr.Streamer(blocks()) | graph().set_params(**{"late.scale_factor": 4.0})
    with pytest.raises(hr.StateMismatchError):
        other.open(at=state)


def test_a_stream_of_bare_columns() -> None:
    found = list(hr.Streamer([np.ones(2), np.ones(3)]) | s.Integrate("x", name="total"))
    assert np.concatenate([block["total"] for block in found]).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(DataError, match="a dict of columns"):
        list(hr.Streamer([np.ones(2)]) | graph())


# --- parameters ---------------------------------------------------------------------------------------


def test_parameters_by_path() -> None:
    assert graph().get_params() == {"total.use_trapz": True, "late.scale_factor": 3.0}
    assert graph().set_params(**{"late.scale_factor": 1.0})["late"] == s.Scale("total", name="late", scale_factor=1.0)
    with pytest.raises(StreamConfigError, match="Did you mean 'scale_factor'"):
        graph().set_params(**{"late.scale_facto": 1.0})
    with pytest.raises(StreamConfigError, match="Did you mean 'late'"):
        graph().set_params(**{"lat.scale_factor": 1.0})


def test_equal_graphs_are_equal() -> None:
    assert graph() == graph()
    assert graph() != graph(outputs=["late"])
    assert s.from_json(s.to_json(graph(outputs=["late"], rate=3.0))) == graph(outputs=["late"], rate=3.0)


def test_what_follows_in_time_is_not_divided() -> None:
    rows = hr.source({"x": X, "y": Y}) | hr.blocks(20, rate=100.0)
    for stream in (rows, rows | graph(), hr.Streamer(blocks()) | graph()):
        with pytest.raises(StreamConfigError, match="cannot be divided"):
            stream.shard(0, 2)
    with hr.mix([rows | graph(), rows | graph()], seed=0).shard(1, 2).open() as cursor:
        assert next(cursor).n == 20
