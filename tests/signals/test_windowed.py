"""Windows: what stands before the first one, and which windows cannot be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.checks import holding
from headrace.signals.inference_windows import WindowedInference
from headrace.signals.windowed import Windows


def counted(x: Any) -> Any:
    return np.full(len(x), x.shape[1])


def default(value: Any, **more: Any) -> Any:
    return Windows("x", name="w", window_size=3, upsample=True, default_value=value, **more)


@pytest.mark.parametrize("value", ["abc", None, True, [1, 2], b"1"])
def test_a_default_is_a_number(value: Any) -> None:
    with pytest.raises(StreamConfigError, match=r"default_value.*wanted a number"):
        default(value)
    with pytest.raises(StreamConfigError, match=r"default_value.*wanted a number"):
        WindowedInference("x", name="w", model=counted, window_size=3, default_value=value)


@pytest.mark.parametrize(
    ("value", "dtype"), [(np.nan, "i8"), (0.5, "i8"), (-1, "u1"), (300, "i1"), (2, "?"), (1j, "f8"), (np.inf, "i2")]
)
def test_a_default_that_the_rows_cannot_hold(value: Any, dtype: str) -> None:
    with pytest.raises(DataError, match=r"default_value.*cannot|default_value.*can hold"):
        default(value)(np.zeros(5, dtype))


@pytest.mark.parametrize(("value", "dtype"), [(7.0, "i8"), (np.nan, "f4"), (1, "?"), (1 + 2j, "c8"), (255, "u1")])
def test_a_default_that_they_can(value: Any, dtype: str) -> None:
    found = default(value)(np.zeros(5, dtype))
    assert found.dtype == dtype
    assert np.array_equal(found[0], np.full(3, value, dtype), equal_nan=dtype != "?")
    assert np.array_equal(found[4], np.zeros(3, dtype))
    assert holding("x", value, np.dtype(dtype)).shape == ()


@pytest.mark.parametrize("value", [np.nan, 0.5])
def test_a_default_that_what_a_model_says_cannot_be(value: float) -> None:
    signal = WindowedInference("x", name="w", model=counted, window_size=3, upsample=True, default_value=value)
    with pytest.raises(DataError, match=r"default_value.*can hold"):
        signal(np.arange(5.0))


def test_the_middle_of_a_window_is_when_a_model_speaks_of() -> None:
    signal = WindowedInference("x", name="w", model=counted, window_size=9, window_overlap=3)
    assert signal.latency == Fraction(4)
    assert signal.with_(upsample=True).latency == 0


@pytest.mark.parametrize(("size", "overlap"), [(3, 3), (0, 0), (2.5, 0), (4, -1)])
def test_windows_that_cannot_be(size: Any, overlap: Any) -> None:
    with pytest.raises(StreamConfigError, match="window_"):
        Windows("x", name="w", window_size=size, window_overlap=overlap)
    with pytest.raises(StreamConfigError, match="window_"):
        WindowedInference("x", name="w", model=counted, window_size=size, window_overlap=overlap)
