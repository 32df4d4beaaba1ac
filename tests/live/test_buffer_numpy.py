"""NumpyBuffer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import AddressError, DataError, StreamConfigError
from headrace.live.buffers.base import BufferShapeError
from headrace.live.buffers.numpy_buffer import NumpyBuffer


def test_the_newest_rows_stay_and_the_oldest_go() -> None:
    buffer = NumpyBuffer(maxlen=5)
    buffer.extend(np.arange(8).reshape(4, 2))
    buffer.extend([])
    buffer.append([8, 9])
    buffer.extend([[10, 11], [12, 13]])
    assert buffer.view().tolist() == [[4, 5], [6, 7], [8, 9], [10, 11], [12, 13]]
    assert buffer.view(2).tolist() == [[4, 5], [6, 7]]
    assert buffer.newest(2).tolist() == [[10, 11], [12, 13]]
    assert len(buffer) == 5
    assert np.asarray(buffer).shape == (5, 2)
    assert np.array(buffer).flags.writeable
    assert repr(buffer) == "NumpyBuffer(maxlen=5, shape=(5, 2))"
    assert buffer.popleft(2).tolist() == [[4, 5], [6, 7]]
    assert buffer.popleft(9).tolist() == [[8, 9], [10, 11], [12, 13]]
    assert buffer.popleft(0).shape == (0, 2)
    assert buffer.popleft_all().shape == (0, 2)
    with pytest.raises(AddressError):
        buffer.popleft(1)
    buffer.extend(np.ones((2, 2)))
    buffer.clear()
    assert buffer.view().shape == (0, 2)


@pytest.mark.parametrize(("n_cols", "shape"), [(None, (0, 0)), (3, (0, 3)), ((), (0,)), ((4, 5, 3), (0, 4, 5, 3))])
def test_an_empty_one_has_the_shape_that_is_known(n_cols: Any, shape: tuple[int, ...]) -> None:
    buffer = NumpyBuffer(maxlen=3, n_cols=n_cols)
    assert buffer.view().shape == buffer.popleft(0).shape == buffer.popleft_all().shape == shape
    assert len(buffer) == 0


def test_rows_of_another_shape_are_refused() -> None:
    buffer = NumpyBuffer(maxlen=3, n_cols=3)
    with pytest.raises(BufferShapeError, match=r"shape \(2, 4\), wanted \(n, 3\)") as caught:
        buffer.extend(np.zeros((2, 4)))
    assert isinstance(caught.value, AssertionError)
    with pytest.raises(BufferShapeError, match=r"wanted \(n, 3\)"):
        buffer.extend(np.zeros(3))
    with pytest.raises(BufferShapeError):
        NumpyBuffer().extend(1.0)
    with pytest.raises(BufferShapeError, match=r"wanted \(n,\)"):
        NumpyBuffer(n_cols=()).extend(np.zeros((1, 1)))
    assert len(buffer) == 0


def test_dtypes_are_joined() -> None:
    buffer = NumpyBuffer()
    for rows in (np.zeros(1, np.int8), np.zeros(1, np.float32), np.zeros(1, np.complex64)):
        buffer.extend(rows)
        assert buffer.view().dtype == rows.dtype
    with pytest.raises(DataError, match="dtype"):
        buffer.extend(np.zeros(1, "M8[s]"))
    assert len(buffer) == 3


def test_values_stay_where_the_shape_is_one_value() -> None:
    buffer = NumpyBuffer(maxlen=2)
    for value in (1, 2.5, 3):
        buffer.append(value)
    assert buffer.view().tolist() == [2.5, 3]


@pytest.mark.parametrize("n_cols", [-1, 2.5, (1, -1), "x", (1, "x")])
def test_what_is_no_shape_is_refused(n_cols: Any) -> None:
    with pytest.raises(StreamConfigError, match="n_cols"):
        NumpyBuffer(n_cols=n_cols)
    with pytest.raises(StreamConfigError, match="maxlen"):
        NumpyBuffer(maxlen=0)
    with pytest.raises(DataError):
        NumpyBuffer().view(-1)
    with pytest.raises(DataError):
        NumpyBuffer().newest(1.5)  # type: ignore[arg-type]
