"""Columns of several paces in one buffer: they stay in step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from headrace.core.block import Block, Pace
from headrace.errors import DataError
from headrace.live.buffers.buffer import DataBuffer
from headrace.signals import FourierTransform, Graph
from headrace.signals.run import Run


def test_a_column_that_is_not_brought_says_so() -> None:
    buffer = DataBuffer(maxlen=6)
    whole = {"t": [0, 1], "x": [0.5, 1.5], "n": [1, 2], "name": ["a", "b"], "o": np.array([{}, {}], object)[:, None]}
    buffer.extend({**whole, "c": [1j, 2j], "at": np.array([1, 2], "M8[s]"), "v": np.zeros((2, 3), np.float32)})
    buffer.extend({"t": [2, 3]})
    assert {name: len(rows) for name, rows in buffer.items()} == dict.fromkeys(buffer, 4)
    assert np.isnan(buffer["x"][2:]).all()
    assert buffer["n"].dtype == np.float64
    assert np.isnan(buffer["n"]).tolist() == [False, False, True, True]
    assert buffer["name"].tolist() == ["a", "b", "", ""]
    assert buffer["o"][2:].tolist() == [[None], [None]]
    assert np.isnan(buffer["c"][2:]).all()
    assert np.isnat(buffer["at"]).tolist() == [False, False, True, True]
    assert (buffer["v"].dtype.name, np.isnan(buffer["v"]).sum()) == ("float32", 6)
    buffer.append({"t": 4})
    assert np.isnan(buffer["x"]).tolist() == [False, False, True, True, True]


def test_a_column_that_is_new_starts_then() -> None:
    buffer = DataBuffer(maxlen=5)
    buffer.extend({"t": [0, 1, 2]})
    buffer.extend({"t": [3, 4], "x": [3.0, 4.0]})
    assert (buffer["x"].tolist(), buffer["t"][-2:].tolist()) == ([3, 4], [3, 4])
    assert len(buffer) == 5
    old = buffer.popleft(4)  # the oldest moments, not the oldest rows of each
    assert (old["t"].tolist(), old["x"].tolist()) == ([0, 1, 2, 3], [3])
    assert (buffer["t"].tolist(), buffer["x"].tolist()) == ([4], [4])


def windows(first: int, n: int) -> Block:
    """Rows ``first`` to ``first + n`` of a run, and a mean of every 4 of them at the last."""
    pace = Pace(Fraction(4), Fraction(3))
    rows = np.arange(first, first + n)
    means = np.arange(pace.rows_before(first), pace.rows_before(first + n)) * 4 + 1.5
    return Block({"timestamp": rows / 10, "x": rows, "mean": means}, first=first, paces={"mean": pace})


def test_a_slower_column_keeps_its_places() -> None:
    buffer = DataBuffer(maxlen=12)
    at = 0
    for n in (1, 5, 0, 7, 3, 4):
        buffer.extend(windows(at, n))
        at += n
    assert buffer["mean"].tolist() == [1.5, 5.5, 9.5, 13.5, 17.5]
    times = buffer.timestamps("mean")
    assert np.isnan(times[:1]).all()  # before what is held
    assert np.allclose(times[2:], [1.1, 1.5, 1.9])
    assert buffer.timestamps("x").tolist() == buffer["timestamp"].tolist()
    old = buffer.popleft(5)  # rows 8 to 12
    assert old["x"].tolist() == [8, 9, 10, 11, 12]
    assert old["mean"].tolist() == [1.5, 5.5, 9.5]
    assert old.timestamps("mean")[-1] == pytest.approx(1.1)
    assert buffer["mean"].tolist() == [13.5, 17.5]
    assert buffer.newest(4)["mean"].tolist() == [17.5]
    assert buffer.view(3)["mean"].tolist() == [13.5]
    buffer.extend(buffer.copy())
    assert buffer["mean"].tolist() == [13.5, 17.5] * 2
    assert buffer.timestamps("mean").tolist() == pytest.approx([1.5, 1.9] * 2)


def test_rows_that_come_in_bursts_or_between_two() -> None:
    burst = Pace(Fraction(4), Fraction(3), 2)
    buffer = DataBuffer()
    buffer.extend(Block({"timestamp": np.arange(8.0), "b": np.arange(4)}, paces={"b": burst}))
    assert buffer.timestamps("b").tolist() == [3, 3, 7, 7]
    buffer = DataBuffer()
    half = Pace(Fraction(1, 2))
    buffer.extend(Block({"timestamp": np.arange(2.0), "h": np.arange(3)}, paces={"h": half}))
    assert buffer.timestamps("h").tolist() == [0, 0, 1]


def test_columns_of_one_slower_pace_stay_of_one_length() -> None:
    pace = Pace(Fraction(2), Fraction(1))
    buffer = DataBuffer(maxlen=3)
    for k in range(4):
        more = {} if k == 2 else {"b": np.array([k + 0.5])}
        block = {"timestamp": np.array([2.0 * k, 2.0 * k + 1]), "a": np.array([k]), **more}
        buffer.extend(Block(block, first=2 * k, paces={"a": pace, "b": pace}))
    assert buffer["a"].tolist() == [1, 2, 3]
    assert np.array_equal(buffer["b"], [1.5, np.nan, 3.5], equal_nan=True)
    assert buffer.timestamps("b")[1:].tolist() == buffer.timestamps("a")[1:].tolist() == [5, 7]


def test_a_plain_mapping_may_bring_fewer_rows_of_a_new_column() -> None:
    buffer = DataBuffer(maxlen=100)
    buffer.extend({"x": np.arange(4), "spectrum": np.empty((0, 3), complex)})
    buffer.extend({"x": np.arange(4), "spectrum": np.ones((1, 3), complex)})
    buffer.extend({"x": np.arange(4)})
    assert {name: rows.shape for name, rows in buffer.items()} == {"x": (12,), "spectrum": (1, 3)}
    buffer.extend({"x": np.arange(4), "y": np.arange(4.0)})
    with pytest.raises(DataError, match=r"\{'x': 4, 'y': 3\}"):
        buffer.extend({"x": np.arange(4), "y": np.arange(3.0)})


def test_a_column_may_change_its_pace() -> None:
    buffer = DataBuffer(maxlen=10)
    buffer.extend({"x": [0, 1], "y": [0, 1]})
    slower = Pace(Fraction(2), Fraction(1))
    buffer.extend(Block({"x": np.array([2, 3]), "y": np.array([3])}, first=2, paces={"y": slower}))
    assert buffer["y"].tolist() == [0, 1, 3]
    assert buffer.newest(2)["y"].tolist() == [3]
    buffer.extend(Block({"x": np.array([4, 5]), "y": np.array([4, 5])}, first=4))
    assert buffer.newest(3)["y"].tolist() == [3, 4, 5]


def test_a_block_changed_by_hand_is_refused() -> None:
    block = Block({"x": np.arange(3)})
    assert block.n == 3
    block["y"] = np.arange(2)
    buffer = DataBuffer()
    with pytest.raises(DataError, match="lengths"):
        buffer.extend(block)
    assert list(buffer) == []


def test_a_run_of_a_graph_fills_it_with_what_the_graph_gives_at_once() -> None:
    graph = Graph([FourierTransform("x", name="spectrum", window_size=64, window_overlap=32)])
    times = np.arange(1000) / 100
    columns = {"timestamp": times, "x": np.sin(times)}
    run, buffer = Run(graph), DataBuffer()
    for at in range(0, 1000, 13):
        buffer.extend(run({name: rows[at : at + 13] for name, rows in columns.items()}))
    whole = graph(columns)
    assert np.array_equal(buffer["spectrum"], whole["spectrum"])
    assert buffer.timestamps("spectrum").tolist() == whole.timestamps("spectrum").tolist()
    assert buffer.newest(40)["spectrum"].shape == (1, 33)
