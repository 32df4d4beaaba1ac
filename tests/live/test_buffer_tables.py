"""A buffer as a table of another library, and back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block, Pace
from headrace.errors import DataError
from headrace.live.buffers.buffer import DataBuffer
from support.require import require

pandas = require("pandas")


def same(one: DataBuffer, other: DataBuffer) -> bool:
    return one == other and [rows.dtype for rows in one.values()] == [rows.dtype for rows in other.values()]


def buffer_of_all() -> DataBuffer:
    return DataBuffer(
        maxlen=9,
        data={
            "timestamp": np.arange(3.0),
            "my_sig_2": np.arange(3, dtype=np.int16),
            "acc": np.arange(9, dtype=np.float32).reshape(3, 3),
            "image": np.arange(36, dtype=np.uint8).reshape(3, 2, 2, 3),
            "z": np.arange(6).reshape(3, 2) * 1j,
            "name": ["a", "bb", ""],
            "on": [True, False, True],
        },
    )


def test_a_frame_has_a_column_per_number() -> None:
    buffer = DataBuffer(data={"t": [0, 1], "v": [[1, 2], [3, 4]], "m": np.arange(8).reshape(2, 2, 2)})
    frame = buffer.to_dataframe()
    assert list(frame.columns) == ["t", "v_0", "v_1", "m_0_0", "m_0_1", "m_1_0", "m_1_1"]
    assert frame["v_1"].tolist() == [2, 4]
    assert frame["m_1_0"].tolist() == [2, 6]
    assert list(buffer.to_dataframe(["v"]).columns) == ["v_0", "v_1"]


def test_frames_give_the_same_columns_back() -> None:
    buffer = buffer_of_all()
    frame = buffer.to_dataframe()
    assert same(DataBuffer.from_dataframe(frame, maxlen=9), buffer)
    some = DataBuffer.from_dataframe(frame.iloc[1:].assign(speed_0=[1, 2]).drop(columns="z_1"))
    assert some["my_sig_2"].tolist() == [1, 2]
    assert some["speed"].shape == (2, 1)
    assert some["z"].shape == (2, 1)
    assert DataBuffer.from_dataframe(frame, maxlen=2)["acc"].shape == (2, 3)


def test_without_a_word_of_what_they_were_names_are_gathered() -> None:
    frame = pandas.DataFrame(
        {"t": [0, 1], "my_sig_2": [5, 6], "acc_0": [1, 2], "acc_1": [0.5, 1.5], "m_0_1": [3, 4], "x2_0": [7, 8]}
    )
    buffer = DataBuffer.from_dataframe(frame)
    assert buffer["my_sig"].tolist() == [[0, 0, 5], [0, 0, 6]]
    assert buffer["acc"].tolist() == [[1, 0.5], [2, 1.5]]
    assert buffer["m"].tolist() == [[[0, 3]], [[0, 4]]]
    assert buffer["x2_0"].shape == (2,)
    assert list(buffer) == ["t", "my_sig", "acc", "m", "x2_0"]


@pytest.mark.parametrize(
    "names", [["x_20240101"], ["x", "x_0"], ["x_0", "x_0_1"], ["x_1", "x_01"], ["1_0"], ["x_0_1_2_3"]]
)
def test_names_that_make_no_array_stay(names: list[str]) -> None:
    buffer = DataBuffer.from_dataframe(pandas.DataFrame({name: [1, 2] for name in names}))
    assert list(buffer) == names
    assert all(rows.shape == (2,) for rows in buffer.values())


def test_what_started_late_is_missing_before() -> None:
    buffer = DataBuffer()
    buffer.extend({"t": [0, 1]})
    buffer.extend({"t": [2], "n": [7], "v": [[1.0, 2.0]]})
    frame = buffer.to_dataframe()
    assert frame["n"].isna().tolist() == [True, True, False]
    assert frame["v_1"].tolist()[2] == 2
    assert np.isnan(buffer.to_xarray()["v"].values[:2]).all()


def test_what_has_no_one_length_is_refused() -> None:
    pace = Pace(Fraction(2), Fraction(1))
    buffer = DataBuffer()
    block = {"timestamp": np.arange(4.0), "a": np.arange(2), "b": np.ones((2, 3))}
    buffer.extend(Block(block, paces={"a": pace, "b": pace}))
    for form in (buffer.to_dataframe, buffer.to_arrow):
        with pytest.raises(DataError, match=r"(?s)'timestamp': 4, 'a': 2.*names="):
            form()
    assert list(buffer.to_dataframe(["a", "b"]).columns) == ["a", "b_0", "b_1", "b_2"]
    with pytest.raises(KeyError):
        buffer.to_dataframe(["nothing"])
    with pytest.raises(DataError, match="three axes"):
        DataBuffer(data={"x": np.zeros((2, 1, 1, 1, 1))}).to_dataframe()
    with pytest.raises(DataError, match="two columns for the name 'x_0'"):
        DataBuffer(data={"x": np.zeros((2, 1)), "x_0": [1, 2]}).to_dataframe()
    with pytest.raises(DataError, match="one name"):
        DataBuffer.from_dataframe(pandas.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_dataset_has_a_dimension_for_each_pace() -> None:
    require("xarray")
    pace = Pace(Fraction(2), Fraction(1))
    buffer = DataBuffer(maxlen=8)
    block = {"a": np.arange(2), "timestamp": np.arange(4.0), "acc": np.ones((4, 3)), "b": np.ones((2, 5), complex)}
    buffer.extend(Block(block, paces={"a": pace, "b": pace}))
    dataset = buffer.to_xarray()
    assert dict(dataset.sizes) == {"time_a": 2, "time": 4, "acc_0": 3, "b_0": 5}
    assert dataset["b"].dims == ("time_a", "b_0")
    assert dataset["time_a"].values.tolist() == [1, 3]
    assert dataset["time"].values.tolist() == [0, 1, 2, 3]
    again = DataBuffer.from_xarray(dataset, maxlen=8)
    assert same(again, buffer)
    assert again.newest(2)["a"].tolist() == [1]
    assert DataBuffer(data={"time": [[1], [2]]}).to_xarray()["time"].dims == ("row", "time_0")
    with pytest.raises(DataError, match="dimension"):
        DataBuffer.from_xarray(dataset.assign(k=3))


def test_a_table_of_arrow_gives_the_same_columns_back() -> None:
    arrow = require("pyarrow")
    buffer = buffer_of_all()
    table = buffer.to_arrow()
    assert table.schema.field("acc").type == arrow.fixed_shape_tensor(arrow.float32(), [3])
    assert table.schema.field("z").type.field("real").type == arrow.fixed_shape_tensor(arrow.float64(), [2])
    assert same(DataBuffer.from_arrow(table, maxlen=9), buffer)
    assert same(DataBuffer.from_arrow(arrow.concat_tables([table[:1], table[1:]]), maxlen=9), buffer)
    assert DataBuffer.from_arrow(table[1:])["image"].tolist() == buffer["image"][1:].tolist()
    empty = DataBuffer.from_arrow(table[:0])
    assert (empty["acc"].shape, empty["z"].shape) == ((0, 3), (0, 2))
    with pytest.raises(DataError, match="wanted values, tensors"):
        DataBuffer.from_arrow(arrow.table({"x": [[1], [1, 2]]}))


@pytest.mark.parametrize("name", ["to_dataframe", "to_arrow", "to_xarray"])
def test_an_empty_buffer_gives_an_empty_table(name: str) -> None:
    require("pyarrow")
    made: Any = getattr(DataBuffer(), name)()
    assert len(made.data_vars if name == "to_xarray" else made.columns) == 0
