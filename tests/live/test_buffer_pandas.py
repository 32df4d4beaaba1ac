"""PandasBuffer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import AddressError, StreamConfigError
from headrace.live.buffers.base import BufferShapeError
from headrace.live.buffers.pandas_buffer import PandasBuffer
from support.require import require

pandas = require("pandas")


def frame(start: int, n: int) -> object:
    return pandas.DataFrame({"a": range(start, start + n), "b": [f"{i}" for i in range(start, start + n)]})


@given(maxlen=st.none() | st.integers(1, 6), steps=st.lists(st.tuples(st.booleans(), st.integers(0, 8)), max_size=20))
def test_it_is_a_list_of_rows(maxlen: int | None, steps: list[tuple[bool, int]]) -> None:
    buffer, model, at = PandasBuffer(maxlen), list[int](), 0
    for pop, n in steps:
        if pop and model:
            assert buffer.popleft(n)["a"].tolist() == model[:n]
            model = model[n:]
        else:
            buffer.extend(frame(at, n))
            model = [*model, *range(at, at + n)]
            model = model[-maxlen:] if maxlen else model
            at += n
        assert len(buffer) == len(model)
        if n % 2 and model:
            assert buffer.view()["b"].tolist() == [str(i) for i in model]
            assert buffer.view(2)["a"].tolist() == model[:2]
            assert buffer.newest(2)["a"].tolist() == model[-2:]


def test_columns_come_in_any_order_and_all_of_them() -> None:
    buffer = PandasBuffer(maxlen=3, cols=["a", "b"])
    assert list(buffer.view().columns) == ["a", "b"]
    buffer.extend(pandas.DataFrame({"b": [1], "a": [2]}))
    buffer.append(pandas.Series({"b": 3, "a": 4}))
    buffer.append(pandas.DataFrame({"a": [5], "b": [6]}))
    buffer.append({"b": 0.5, "a": 7})
    assert buffer.view().to_numpy().tolist() == [[4, 3], [5, 6], [7, 0.5]]
    for wrong in ({"a": [1]}, {"a": [1], "b": [1], "c": [1]}):
        with pytest.raises(BufferShapeError, match="columns") as caught:
            buffer.extend(pandas.DataFrame(wrong))
        assert isinstance(caught.value, AssertionError)
    with pytest.raises(BufferShapeError, match="mapping"):
        buffer.append(3)
    with pytest.raises(BufferShapeError, match="each once"):
        PandasBuffer().extend(pandas.DataFrame([[1, 2]], columns=["a", "a"]))
    assert repr(buffer) == "PandasBuffer(maxlen=3, rows=3, cols=['a', 'b'])"
    buffer.clear()
    assert (len(buffer), list(buffer.view().columns)) == (0, ["a", "b"])


def test_an_empty_one() -> None:
    buffer = PandasBuffer()
    buffer.extend(pandas.DataFrame({"x": []}))
    assert (len(buffer), len(buffer.view()), len(buffer.popleft(0)), len(buffer.popleft_all())) == (0, 0, 0, 0)
    with pytest.raises(AddressError):
        buffer.popleft(1)
    with pytest.raises(StreamConfigError):
        PandasBuffer(maxlen=0)
    with pytest.raises(StreamConfigError, match="once"):
        PandasBuffer(cols=["a", "a"])


def test_frames_given_and_handed_out_are_apart() -> None:
    given_, buffer = pandas.DataFrame({"a": [1, 2]}), PandasBuffer()
    buffer.extend(given_)
    given_.loc[0, "a"] = 9
    out = buffer.view()
    out.loc[1, "a"] = 9
    assert buffer.view()["a"].tolist() == [1, 2]
    buffer.append({"a": 3})
    assert out["a"].tolist() == [1, 9]
