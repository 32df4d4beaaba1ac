"""Features chosen, joined and folded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.shape import Concatenate, ExtractDimension, Reshape, Stack

RNG = np.random.default_rng(0)
A, B, C = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2, 3))


def test_a_dimension_is_one_on_the_axes_behind_time() -> None:
    assert np.array_equal(ExtractDimension("x", "y", 1)(A), A[:, 1])
    assert np.array_equal(ExtractDimension("x", "y", dim=-1)(A), A[:, -1])
    assert np.array_equal(ExtractDimension("x", "y", (1, 2))(C), C[:, 1, 2])
    assert np.array_equal(ExtractDimension("x", "y", [1])(C), C[:, 1])
    assert ExtractDimension("x", "y", np.int64(1)) == ExtractDimension("x", "y", 1)


@pytest.mark.parametrize("dim", [3, -4, (0, 0)])
def test_a_dimension_that_is_not_there(dim: Any) -> None:
    with pytest.raises(DataError, match="have no element"):
        ExtractDimension("x", "y", dim)(A)


@pytest.mark.parametrize("dim", [1.5, "a", (), (1, None), True])
def test_what_is_no_dimension(dim: Any) -> None:
    with pytest.raises(StreamConfigError, match="dim="):
        ExtractDimension("x", "y", dim)


def test_concatenate_joins_features_and_a_plain_column_is_one() -> None:
    both = np.concatenate([A, B], axis=1)
    assert np.array_equal(Concatenate("a", "b", name="y")(A, B), both)
    assert np.array_equal(Concatenate(["a", "b"], name="y")(A, B), both)
    assert np.array_equal(Concatenate("a", "b", name="y", axis=-1)(C, C), np.concatenate([C, C], axis=2))
    assert Concatenate("a", "b", name="y", axis=0)(C, C).shape == (5, 4, 3)
    assert np.array_equal(Concatenate("a", "b", name="y")(A[:, 0], A[:, 1:]), A)


@pytest.mark.parametrize(("axis", "inputs"), [(1, (A, B)), (-2, (A, B)), (0, (A, C)), (0, (C, C[..., :2]))])
def test_what_cannot_be_concatenated(axis: int, inputs: Any) -> None:
    with pytest.raises(DataError, match="equal but on feature axis"):
        Concatenate("a", "b", name="y", axis=axis)(*inputs)


def test_stack_adds_an_axis_behind_time() -> None:
    assert np.array_equal(Stack("a", "b", name="y")(A, B), np.stack([A, B], axis=1))
    assert np.array_equal(Stack("a", "b", name="y", axis=-1)(A, B), np.stack([A, B], axis=2))
    assert np.array_equal(Stack("a", "b", name="y", axis=1)(A, B), np.stack([A, B], axis=2))
    with pytest.raises(DataError, match="wanted an axis from -2 to 1"):
        Stack("a", "b", name="y", axis=2)(A, B)
    with pytest.raises(DataError, match="one shape"):
        Stack("a", "b", name="y")(A, C)
    with pytest.raises(StreamConfigError, match="axis="):
        Stack("a", name="y", axis=None)  # type: ignore[arg-type]


def test_reshape_keeps_time() -> None:
    assert Reshape("x", (3, 2), "y")(C).shape == (5, 3, 2)
    assert np.array_equal(Reshape("x", -1, "y")(C), C.reshape(5, 6))
    assert Reshape("x", (-1, 2), "y")(C[:0]).shape == (0, 3, 2)
    assert Reshape("x", (), "y")(A[:, :1]).shape == (5,)
    for shape in ((4,), (2, -1, 4), ()):
        with pytest.raises(DataError, match="do not fill"):
            Reshape("x", shape, "y")(C)
    for bad in ((-1, -1), (-2,), "a", (1.5,)):
        with pytest.raises(StreamConfigError, match="shape="):
            Reshape("x", bad, "y")


def test_another_shape_is_not_the_memory_of_the_input() -> None:
    x = np.zeros((3, 4))
    found = Reshape("x", (2, 2), "y")(x)
    found[...] = 7
    assert not x.any()
