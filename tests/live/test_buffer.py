"""DataBuffer: a mapping of the newest rows."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block
from headrace.errors import AddressError, DataError, StreamConfigError
from headrace.live.buffers.base import BufferShapeError
from headrace.live.buffers.buffer import DataBuffer


def test_the_newest_rows_stay() -> None:
    buffer = DataBuffer(maxlen=4)
    for start in range(0, 9, 3):
        buffer.extend({"x": np.arange(start, start + 3), "v": np.arange(start, start + 3)[:, None] * [1, 10]})
    assert buffer["x"].tolist() == [5, 6, 7, 8]
    assert buffer["v"].tolist() == [[5, 50], [6, 60], [7, 70], [8, 80]]
    assert len(buffer) == 4


def test_the_documented_example_of_a_column_set_by_hand() -> None:
    buffer = DataBuffer(maxlen=400)
    buffer["acc"] = np.zeros((200, 3))
    for _ in range(300):
        buffer.append({"acc": [1.0, 2.0, 3.0]})
    buffer.extend({"acc": np.ones((200, 3))})
    assert buffer["acc"].shape == (400, 3)
    assert buffer["acc"][0].tolist() == [1, 2, 3]
    assert buffer["acc"][-1].tolist() == [1, 1, 1]


def test_it_is_a_mapping_in_the_order_the_columns_came() -> None:
    buffer = DataBuffer(maxlen=400)
    buffer.extend({"timestamp": np.arange(3.0), "sine": np.arange(3.0)})
    assert repr(buffer.keys()) == "dict_keys(['timestamp', 'sine'])"
    assert list(buffer) == ["timestamp", "sine"]
    assert [rows.tolist() for rows in buffer.values()] == [[0, 1, 2]] * 2
    assert dict(buffer.items()).keys() == buffer.as_dict().keys()
    del buffer["timestamp"]
    assert "timestamp" not in buffer
    assert buffer.get("timestamp") is None
    assert buffer.pop("sine").tolist() == [0, 1, 2]
    assert (len(buffer), list(buffer)) == (0, [])
    buffer["a"] = [1]
    buffer.clear()
    assert buffer == {}


def test_repr_has_a_signal_a_line() -> None:
    buffer = DataBuffer(maxlen=7, data={"timestamp": np.zeros(2), "acc": np.zeros((2, 3))})
    assert repr(buffer) == "DataBuffer(max_size=7, data=timestamp: (2,)\nacc: (2, 3))"


def test_a_component_has_a_name() -> None:
    buffer = DataBuffer(data={"acc": np.arange(6).reshape(2, 3), "x_1": [7, 8], "im": np.zeros((2, 4, 5)), "t": [0, 1]})
    assert buffer["acc_1"].tolist() == [1, 4]
    assert buffer["x_1"].tolist() == [7, 8]
    assert buffer["im_3_4"].shape == (2,)
    assert "acc_2" in buffer
    for name in ("acc_3", "t_0", "nothing_1", "acc_-1", "acc_", 3):
        assert name not in buffer
    with pytest.raises(KeyError) as caught:
        buffer["acc_3"]
    assert caught.value.args == ("acc_3",)
    assert str(caught.value).startswith(
        "DataBuffer got the column 'acc_3', wanted one of acc, x_1, im, t.\n  Did you mean"
    )
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(KeyError):
        del buffer["acc_1"]


def test_nothing_is_added_by_nothing() -> None:
    buffer = DataBuffer(maxlen=3)
    buffer.extend({})
    buffer.extend(Block({}))
    buffer.extend({"x": np.empty((0, 3)), "t": np.empty(0)})
    assert list(buffer) == []
    buffer.extend({"x": [1, 2]})
    buffer.extend({"x": []})
    assert buffer["x"].tolist() == [1, 2]
    assert buffer["x"].dtype == np.int_


@pytest.mark.parametrize(
    ("first", "then", "dtype"),
    [
        ([1, 2], [0.5], np.float64),
        (np.zeros(2, np.float32), np.zeros(1, np.float32), np.float32),
        (np.zeros(2, np.uint8), np.zeros(1, np.int8), np.int16),
        ([True], [2], np.int64),
        ([0.5], [1 + 2j], np.complex128),
        (["a"], ["longer"], np.dtype("<U6")),
        (np.zeros(1, ">f8"), np.zeros(1, ">f8"), np.dtype("=f8")),
    ],
)
def test_dtypes_are_joined_as_numpy_does(first: Any, then: Any, dtype: Any) -> None:
    buffer = DataBuffer(maxlen=8)
    buffer.extend({"x": first})
    buffer.extend({"x": then})
    buffer.extend({"x": first})
    assert buffer["x"].dtype == dtype
    assert buffer["x"].tolist() == np.concatenate([first, then, first]).tolist()


def test_append_adds_a_moment_of_any_shape() -> None:
    buffer = DataBuffer(maxlen=2)
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for t in range(3):
        buffer.append({"t": t, "v": (t, 2), "image": image + t})
    assert buffer["t"].tolist() == [1, 2]
    assert buffer["v"].tolist() == [[1, 2], [2, 2]]
    assert (buffer["image"].shape, buffer["image"].dtype.name) == ((2, 2, 4, 3), "uint8")
    assert (buffer["image"][-1] == image + 2).all()


def test_a_wrong_shape_is_refused_and_nothing_is_added() -> None:
    buffer = DataBuffer(maxlen=5)
    buffer.extend({"t": [0, 1], "v": np.zeros((2, 3))})
    with pytest.raises(BufferShapeError, match=r"rows of shape \(2,\) for column 'v', wanted \(3,\)") as caught:
        buffer.extend({"t": [2, 3], "v": np.zeros((2, 2))})
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(DataError, match="lengths"):
        buffer.extend({"t": [2, 3], "v": np.zeros((3, 3))})
    with pytest.raises(BufferShapeError, match="append"):
        buffer.extend({"t": 2.0, "v": np.zeros((1, 3))})
    with pytest.raises(BufferShapeError, match="append"):
        buffer["w"] = 1.0
    with pytest.raises(DataError, match="dtype"):
        buffer.extend({"v": np.zeros((1, 3)), "t": np.array(["2020"], "M8[D]")})
    with pytest.raises(DataError, match="several shapes"):
        buffer.extend({"t": [1, 2], "v": [[1], [1, 2]]})
    assert (buffer["t"].tolist(), buffer["v"].shape) == ([0, 1], (2, 3))


@pytest.mark.parametrize("maxlen", [0, -3, 2.5, "many"])
def test_a_maxlen_that_is_none_is_refused(maxlen: Any) -> None:
    with pytest.raises(StreamConfigError, match="maxlen"):
        DataBuffer(maxlen)


def test_popleft_gives_the_oldest_and_forgets_them() -> None:
    buffer = DataBuffer(data={"t": np.arange(6), "v": np.arange(12).reshape(6, 2)})
    first = buffer.popleft(2)
    assert isinstance(first, DataBuffer)
    assert (first["t"].tolist(), first["v"].tolist()) == ([0, 1], [[0, 1], [2, 3]])
    assert buffer.popleft(0)["t"].tolist() == []
    assert buffer.popleft(99)["t"].tolist() == [2, 3, 4, 5]
    assert len(buffer) == 0
    assert buffer.popleft_all()["v"].shape == (0, 2)
    assert buffer.popleft(0)["t"].shape == (0,)
    with pytest.raises(AddressError) as caught:
        buffer.popleft(1)
    assert isinstance(caught.value, IndexError)
    with pytest.raises(DataError):
        buffer.popleft(-1)
    buffer.extend({"t": [9], "v": [[9, 9]]})
    assert first["t"].tolist() == [0, 1]
    assert buffer["t"].tolist() == [9]


def test_view_gives_the_oldest_newest_the_newest() -> None:
    buffer = DataBuffer(maxlen=5, data={"t": np.arange(8)})
    assert buffer.view()["t"].tolist() == [3, 4, 5, 6, 7]
    assert buffer.view(2)["t"].tolist() == [3, 4]
    assert buffer.newest(2)["t"].tolist() == [6, 7]
    assert buffer.newest(0)["t"].tolist() == []
    assert buffer.newest(9)["t"].tolist() == [3, 4, 5, 6, 7]
    assert np.shares_memory(buffer.newest(2)["t"], buffer["t"])


def test_a_copy_and_its_original_go_their_own_ways() -> None:
    buffer = DataBuffer(maxlen=4, data={"t": np.arange(4)})
    other = buffer.copy()
    assert np.shares_memory(other["t"], buffer["t"])
    for i in range(20):
        buffer.append({"t": i})
        assert other["t"].tolist() == [0, 1, 2, 3]
    other.extend({"t": [7, 8]})
    assert other["t"].tolist() == [2, 3, 7, 8]
    assert buffer["t"].tolist() == [16, 17, 18, 19]
    assert other.maxlen == 4


def test_nothing_of_the_callers_is_kept_or_changed() -> None:
    mine = np.arange(4.0)
    given = {"t": mine}
    buffer = DataBuffer(maxlen=4, data=given)
    buffer["u"] = mine
    buffer.extend({"t": mine, "u": mine})
    mine[:] = -1
    buffer.append({"t": 9.0, "u": 9.0})
    assert buffer["t"].tolist() == buffer["u"].tolist() == [1, 2, 3, 9]
    assert (list(given), mine.tolist()) == (["t"], [-1] * 4)


def test_a_view_cannot_be_written_to() -> None:
    buffer = DataBuffer(data={"t": np.arange(4.0)})
    for rows in (buffer["t"], buffer.as_dict()["t"], buffer.popleft(2)["t"]):
        with pytest.raises(ValueError, match="read-only"):
            rows[0] = 1


@pytest.mark.parametrize("again", [copy.deepcopy, lambda buffer: pickle.loads(pickle.dumps(buffer))])
def test_pickled_it_is_the_same_buffer(again: Any) -> None:
    buffer = DataBuffer(maxlen=4, data={"t": np.arange(6)})
    buffer.extend(Block({"t": np.arange(2)}))
    other = again(buffer)
    assert other == buffer
    other.extend({"t": [5]})
    assert other["t"].tolist() == [5, 0, 1, 5]
    assert buffer["t"].tolist() == [4, 5, 0, 1]


def test_it_is_told_when_it_changes() -> None:
    buffer, seen = DataBuffer(maxlen=3), []

    class Picture:
        def refresh(self, changed: DataBuffer) -> None:
            seen.append(changed["t"].tolist())

    picture = Picture()
    end = buffer.watch(picture.refresh)
    buffer.append({"t": 1})
    buffer["t"] = [5]
    end()
    end()
    buffer.append({"t": 2})
    assert seen == [[1], [5]]
    buffer.watch(picture.refresh)
    del picture
    buffer.append({"t": 3})
    assert len(seen) == 2


def test_a_watcher_that_raises_stops_neither_rows_nor_others() -> None:
    buffer, seen = DataBuffer(), []

    def bad(_: DataBuffer) -> None:
        raise RuntimeError("no picture")

    buffer.watch(bad)
    buffer.watch(lambda changed: seen.append(len(changed)))
    with pytest.raises(RuntimeError, match="no picture"):
        buffer.append({"t": 1})
    assert seen == [1]


def test_an_unknown_kind_of_picture_is_refused_with_those_there_are() -> None:
    buffer = DataBuffer(data={"t": [1]})
    with pytest.raises(ValueError, match="'chart', 'spectrogram', 'trace2D', 'histogram', 'video'"):
        buffer.plot("t", "pie")
    with pytest.raises(KeyError):
        buffer.plot("u")
