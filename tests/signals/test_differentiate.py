"""Integrals, derivatives and rates against closed forms and the documented values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.differentiate import Differentiate, Integrate, SampleRate
from headrace.testing import check_signal


def test_documented_integrals() -> None:
    assert Integrate("a", "b", name="y")(np.ones(100), np.arange(100)).tolist() == list(range(100))
    assert Integrate("a", "b", name="y")([1, 2, 10], [0, 1, 2]).tolist() == [0, 1.5, 7.5]
    assert Integrate("a", "b", name="y", use_trapz=False)([1, 2, 3], [0, 1, 101]).tolist() == [0, 2, 302]


def test_integrals_against_scipy() -> None:
    integrate = pytest.importorskip("scipy.integrate")
    rng = np.random.default_rng(0)
    t, x = np.cumsum(rng.random(1000)), rng.normal(size=(1000, 3))
    wanted = integrate.cumulative_trapezoid(x, t, axis=0, initial=0)
    assert np.allclose(Integrate("a", "b", name="y")(x, t), wanted, atol=1e-12)
    assert np.allclose(Integrate("a", name="y")(x), integrate.cumulative_trapezoid(x, axis=0, initial=0), atol=1e-12)
    own = t[:, None] * [1, 2, 3]  # each channel over its own
    assert np.allclose(Integrate("a", "b", name="y")(x, own), wanted * [1, 2, 3], atol=1e-11)


def test_a_small_step_on_a_long_integral_is_not_lost_in_single_precision() -> None:
    found = Integrate("a", name="y", use_trapz=False)(np.ones(2**24 + 10, dtype=np.float32))
    assert found.dtype == np.float64
    assert found[-1] == 2**24 + 9


def test_derivatives() -> None:
    t = np.arange(10) / 4
    assert Differentiate("a", "t", name="y")(t**2, t).tolist() == [0, *(t[1:] + t[:-1])]
    assert Differentiate("a", "timestamp", name="y").inputs == ("a", "timestamp")
    three = np.stack([t, 2 * t, 3 * t], axis=1)
    assert Differentiate("a", "t", name="y")(three, t)[1:].tolist() == [[1, 2, 3]] * 9
    assert Differentiate("a", name="y")(three)[1:].tolist() == [[0.25, 0.5, 0.75]] * 9
    assert Differentiate("a", name="y")(three)[0].tolist() == [0, 0, 0]


def test_where_time_rests_the_derivative_is_0() -> None:
    found = Differentiate("a", "t", name="y")([1.0, 5.0, 6.0], [0.0, 0.0, 1.0])
    assert found.tolist() == [0, 0, 1]


def test_whole_numbers_are_subtracted_exactly() -> None:
    t = np.array([2**62, 2**62 + 4, 2**62 + 3], dtype=np.uint64)
    assert Differentiate("t", name="y")(t).tolist() == [0, 4, -1]
    assert SampleRate("t", name="y", unit_multiplier=8)(t)[1:].tolist() == [2.0, -8.0]
    assert Differentiate("t", name="y")([True, False, True]).tolist() == [0, -1, 1]


def test_sample_rates() -> None:
    found = SampleRate()([1.7e9, 1.7e9 + 0.5, 1.7e9 + 0.5])
    assert np.isnan(found[0])
    assert found[1:].tolist() == [2, np.inf]
    assert SampleRate(start=0)([1.7e9, 1.7e9 + 0.25]).tolist() == [1 / 1.7e9, 4]
    assert SampleRate().name == "sample_rate"


@pytest.mark.parametrize(
    "signal",
    [
        Integrate("a", "b", name="y", use_trapz=False),
        Integrate("a", name="y"),
        Differentiate("a", name="y"),
        SampleRate("t", "y", start=-1.0),
    ],
)
def test_laws_of_the_other_forms(signal: Integrate) -> None:
    check_signal(signal)


@pytest.mark.parametrize("make", [Integrate, Differentiate])
def test_shapes_that_do_not_fit_are_refused(make: type[Integrate]) -> None:
    with pytest.raises(DataError, match=r"rows of shape \(3,\) over rows of shape \(2,\)"):
        make("a", "b", name="y")(np.ones((4, 3)), np.ones((4, 2)))


def test_what_is_no_number_is_refused() -> None:
    unit: Any = "ms"
    with pytest.raises(StreamConfigError, match=r"unit_multiplier=\) got 'ms'"):
        SampleRate(unit_multiplier=unit)
    with pytest.raises(StreamConfigError, match="what to call its output"):
        Differentiate("a", "b")


NARROW = [
    ("u1", 0, 200),
    ("i1", -128, 127),
    ("i2", -30_000, 30_000),
    ("u2", 65_535, 0),
    ("i4", -2_000_000_000, 2_000_000_000),
]
NARROW += [("u4", 3_000_000_000, 0), ("u8", 2**63 + 5, 2**63), ("?", 1, 0)]


@pytest.mark.parametrize(("dtype", "low", "high"), NARROW)
def test_whole_numbers_further_apart_than_their_dtype_goes(dtype: str, low: int, high: int) -> None:
    x, apart = np.array([low, high, low], dtype), high - low
    assert Differentiate("x", name="y")(x).tolist() == [0, apart, -apart]
    assert Differentiate("x", "t", name="y")([0.0, 1.0, 1.0], x).tolist() == [0, 1 / apart, 0]
    assert Integrate("a", "b", name="y", use_trapz=False)(np.ones(3), x).tolist() == [0, apart, 0]
    assert SampleRate("x", name="y")(x)[1:].tolist() == [1 / apart, -1 / apart]
    assert SampleRate("x", name="y", start=0)(x)[1:].tolist() == [1 / apart, -1 / apart]
    pieces = Differentiate("x", name="y")
    first, state = pieces.step(pieces.init(x[:0]), x[:1])
    assert [*first.tolist(), *pieces.step(state, x[1:])[0].tolist()] == [0, apart, -apart]
