"""What columns may be: numbers of one length; what is masked, has gradients or is no number is told what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.errors import DataError
from headrace.signals.gyroscope import LARGEST
from support.require import require

GRAPH = s.Graph([s.Abs("x", "y")])
WAYS = [
    lambda x: s.Abs("x", "y")(x),
    lambda x: GRAPH({"x": x})["y"],
    lambda x: GRAPH.run()({"x": x})["y"],
    lambda x: s.Function(s.Abs("x", "y"))(x),
    lambda x: s.compute_signal_functions({"x": x}, [s.Abs("x", "y")])["y"],
]


@pytest.mark.parametrize("way", range(len(WAYS)))
@pytest.mark.parametrize(
    ("column", "says"),
    [
        (np.array([1, None], object), "astype\\(float\\)"),
        (np.array(["a", "b"]), "Convert it where it is made"),
        (np.zeros(3, [("a", float)]), "Take its fields apart"),
        (np.zeros(3, "M8[s]"), "Make seconds of moments"),
        (np.zeros(3, "m8[s]"), "Make seconds of durations"),
        ([[1, 2], [3]], "differ in length"),
        (np.ma.masked_array([1, 2], [False, True]), "astype\\(float\\)"),
    ],
    ids=["object", "text", "fields", "moments", "durations", "ragged", "masked"],
)
def test_what_is_no_column_of_numbers(way: int, column: Any, says: str) -> None:
    with pytest.raises(DataError, match=f"got .*, wanted [\\s\\S]*\n  [\\s\\S]*{says}|{says}"):
        WAYS[way](column)


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_what_is_masked_is_nan(way: int) -> None:
    masked = np.ma.masked_array([1.0, 1e6, -3.0], [False, True, False])
    assert np.array_equal(np.asarray(WAYS[way](masked)), [1, np.nan, 3], equal_nan=True)
    assert masked.data[1] == 1e6
    whole = np.ma.masked_array([1, -2], [False, False])
    assert np.asarray(WAYS[way](whole)).tolist() == [1, 2]


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_tensors_that_numpy_cannot_hold(way: int) -> None:
    torch = require("torch")
    with pytest.raises(DataError, match=r"requires gradients[\s\S]*to_torch\(\)"):
        WAYS[way](torch.zeros(3, requires_grad=True))
    with pytest.raises(DataError, match=r"torch.bfloat16[\s\S]*tensor.float\(\)"):
        WAYS[way](torch.zeros(3, dtype=torch.bfloat16))


@pytest.mark.parametrize("ask", [GRAPH, lambda columns: GRAPH.run()(columns)], ids=["graph", "run"])
def test_a_column_that_is_not_read_has_as_many_rows(ask: Any) -> None:
    with pytest.raises(DataError, match=r"8 rows of 'x' and 3 of 'z', wanted as many of each\.\n  Leave it out"):
        ask({"x": np.zeros(8), "z": np.zeros(3)})
    with pytest.raises(DataError, match="8 rows of 'x' and 3 of 'timestamp'"):
        ask({"x": np.zeros(8), "timestamp": np.zeros(3)})
    assert ask({"x": np.zeros(8), "about": "this"})["about"] == "this"


@pytest.mark.parametrize("node", [s.EventDetector("x", name="y", high=1), s.CrossCorrelation("x", "x", "y", 10)])
def test_no_channel_at_all(node: Any) -> None:
    assert s.Graph([node])({"x": np.zeros((5, 0))})["y"].shape[:2] == (5, 0)


# --- rows that are not finite -------------------------------------------------------------------------

BAD = [np.nan, np.inf, -np.inf, 10 * LARGEST]


@pytest.mark.parametrize("node", [
    s.MadgwickOrientation("g", "a", 100.0, "y", gain=0.5),
    s.FusionOrientation("g", "a", 100.0, "y"),
    s.FusionOrientation("g", "a", 100.0, "y", use_offset=False, gyroscope_range=2000.0),
], ids=lambda node: type(node).__name__)  # fmt: skip
@pytest.mark.parametrize("bad", BAD, ids=str)
def test_an_orientation_is_held_where_rows_are_not_finite(node: Any, bad: float) -> None:
    rng = np.random.default_rng(0)
    gyro, acc = rng.normal(size=(400, 3)) * 50, rng.normal(size=(400, 3)) / 9 + [0, 0.3, 1]
    gyro[350, 1] = bad
    acc[360, 2] = bad
    found = node(gyro, acc)
    assert np.isfinite(found).all()
    assert np.allclose(found[350], found[349], atol=1e-12)  # held
    assert not np.allclose(found[360], found[359], atol=1e-6)  # turned by the gyroscope
    without = acc.copy()
    without[360] = 0
    assert found.tobytes() == node(gyro, without).tobytes()
    run = s.Graph([node]).run()
    parts = [run({"g": gyro[at : at + 1], "a": acc[at : at + 1]})["y"] for at in range(400)]
    assert np.concatenate(parts).tobytes() == found.tobytes()


def test_the_first_row_may_be_the_bad_one() -> None:
    gyro, acc = np.zeros((5, 3)), np.array([[0.0, 0.0, 1.0]] * 5)
    gyro[0] = acc[0] = np.nan
    assert np.isfinite(s.MadgwickOrientation("g", "a", 100.0, "y")(gyro, acc)).all()


# --- functions that cannot take no row ----------------------------------------------------------------


@s.signal
def loudest(x: Any) -> Any:
    return x / np.abs(x).max() + np.mean(x)


def test_a_function_is_never_called_with_no_row() -> None:
    node = loudest("x", name="y")
    block = s.Graph([node, s.Delay("y", 1, "d")])({"x": np.array([2.0, 4.0])})
    assert block["y"].tolist() == [3.5, 4.0]
    assert block["d"].tolist() == [0.0, 3.5]
    run = s.Graph([node]).run()
    assert run({"x": np.zeros((0, 3), np.float32)})["y"].shape == (0, 3)
    assert run({"x": np.ones((2, 3), np.float32)})["y"].dtype == np.float32


def test_no_row_leaves_the_state_of_a_function() -> None:
    @s.signal(state=0)
    def numbered(before: Any, x: Any) -> Any:
        return before + np.arange(len(x)), before + len(x)

    run = s.Graph([numbered("x", name="i")]).run()
    assert [run({"x": np.zeros(n)})["i"].tolist() for n in (2, 0, 1)] == [[0, 1], [], [2]]


def test_a_function_that_cannot_take_one_row_is_named() -> None:
    def refuses(x: Any) -> Any:
        raise ZeroDivisionError("no")

    with pytest.raises(ZeroDivisionError) as caught:
        s.Graph([s.signal(refuses)("x", name="y")])({"x": np.ones(3)})
    assert any("refuses" in note and "one row of ones" in note for note in caught.value.__notes__)


# --- the same library out -----------------------------------------------------------------------------


def test_a_series_gives_a_series() -> None:
    pd = require("pandas")
    x = pd.Series([1.0, -2.0, 3.0, -4.0], index=list("abcd"), name="x")
    for made in (s.Abs("x", "y")(x), GRAPH({"x": x})["y"], GRAPH.run()({"x": x})["y"], s.Function(s.Abs("x", "y"))(x)):
        assert isinstance(made, pd.Series)
        assert (made.name, list(made.index), made.tolist()) == ("y", list("abcd"), [1, 2, 3, 4])
    slow = s.Combine([s.Windows("x", "w", 2), s.ExtractDimension("w", "v", 0)], name="y")
    for made in (slow(x), s.Graph([slow])({"x": x})["y"]):
        assert (list(made.index), made.tolist()) == (["b", "d"], [1, 3])
    assert isinstance(s.Windows("x", "w", 2)(x), np.ndarray)  # several numbers a row


def test_data_arrays_give_data_arrays() -> None:
    xr = require("xarray")
    x = xr.DataArray(
        np.arange(-6.0, 6).reshape(2, 6),
        dims=("channel", "time"),
        coords={"time": np.arange(6) / 10, "channel": ["l", "r"]},
    )
    wanted = np.abs(x)
    graph = s.Graph([s.Abs("x", "y"), s.Windows("x", "w", 3)])
    for block in (graph({"x": x}), graph.run()({"x": x})):
        assert isinstance(block["y"], xr.DataArray)
        assert block["y"].transpose(*x.dims).equals(wanted)
        assert block["w"].coords["time_w"].to_numpy().tolist() == [0.2, 0.5]
    run = s.Graph([s.Integrate("x", None, name="y")]).run()
    parts = [run(xr.Dataset({"x": x.isel(time=part)}))["y"] for part in (slice(0, 2), slice(2, 6))]
    assert xr.concat(parts, "time").equals(s.Graph([s.Integrate("x", None, name="y")])(xr.Dataset({"x": x}))["y"])
    with pytest.raises(DataError, match="DataArrays for all"):
        s.Graph([s.Sum("a", "b", name="y")])({"a": x, "b": x.to_numpy()})
    with pytest.raises(DataError, match="DataArrays for all"):
        s.Graph([s.Sum("a", "b", name="y")])({"a": x.to_numpy(), "b": x})


def test_a_run_gives_a_frame_for_a_frame() -> None:
    pd = require("pandas")
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0]}, index=[5, 6, 7])
    run = s.Graph([s.Integrate("x", None, name="y")]).run()
    parts = [run(frame.iloc[:2]), run(frame.iloc[2:])]
    assert pd.concat(parts).equals(s.Graph([s.Integrate("x", None, name="y")])(frame))
    slow = s.Graph([s.Windows("x", "w", 2)]).run()
    with pytest.raises(DataError, match="row for every 2"):
        slow(frame)
    assert slow.row == 0
    stream = hr.source([frame.iloc[:2], frame.iloc[2:]]) | s.Graph([s.Abs("x", "y")])
    assert [list(each["y"]) for each in stream] == [[1, 2], [4]]


def test_data_arrays_of_other_moments_are_not_filled_up() -> None:
    xr = require("xarray")
    a = xr.DataArray([1.0, 2.0, 3.0], dims="time", coords={"time": [0, 1, 2]})
    b = xr.DataArray([1.0, 2.0, 3.0], dims="time", coords={"time": [1, 2, 3]})
    with pytest.raises(hr.DataError, match="other coordinates"):
        s.Sum("a", "b", name="y")(a, b)
    for node in (s.Sum("a", "b", name="y"), s.Abs("a", name="y")):
        with pytest.raises(hr.DataError, match="other coordinates"):
            s.Graph([node])({"a": a, "b": b})


def test_outputs_alone_of_a_dataset() -> None:
    xr = require("xarray")
    data = xr.Dataset({"x": (("channel", "time"), np.arange(24.0).reshape(3, 8))}, coords={"time": np.arange(8) / 10})
    for node, dims in (
        (s.Windows("x", "y", 4), ("time_y", "y_0", "y_1")),
        (s.Norm("x", "y"), ("time",)),
        (s.Abs("x", "y"), ("time", "channel")),
    ):
        alone, whole = s.Graph([node], outputs=["y"])(data), s.Graph([node])(data)
        assert list(alone.data_vars) == ["y"]
        assert alone["y"].dims == dims
        assert alone["y"].identical(whole["y"])
