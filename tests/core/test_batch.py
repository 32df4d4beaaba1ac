"""Columns of n items."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import headrace as hr


def test_a_batch_is_a_dict_that_knows_its_length() -> None:
    batch = hr.Batch(X=np.zeros((3, 2)), y=[1, 2, 3])
    assert isinstance(batch, dict)
    assert list(batch) == ["X", "y"]
    assert batch.n == 3
    assert hr.Batch().n == 0
    assert hr.Batch({"a b": np.arange(2)}).n == 2
    assert pickle.loads(pickle.dumps(batch)).n == 3
    assert type(pickle.loads(pickle.dumps(batch))) is hr.Batch


def test_columns_inside_columns_count() -> None:
    inner = hr.Batch(a=np.arange(3))
    assert hr.Batch(inner=inner).n == 3
    assert hr.Batch(pair=(np.arange(3), np.zeros(3))).n == 3
    with pytest.raises(hr.DataError, match="lengths"):
        hr.Batch(inner=inner, y=np.arange(4))


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(hr.DataError, match=r"Batch got columns of lengths \{'X': 2, 'y': 1\}, wanted one length"):
        hr.Batch(X=[1, 2], y=[1])
    with pytest.raises(hr.DataError, match="column 'y', wanted something with a length"):
        hr.Batch(y=3)
