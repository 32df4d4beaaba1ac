"""Running statistics: what NumPy says of the whole, to the last digits, however the numbers came."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import DataError, StreamConfigError
from headrace.stats import RunningCovariance, RunningCovarianceMatrix, RunningStatistics
from support.require import require

NUMBERS = st.floats(-1e6, 1e6)
OFFSETS = st.sampled_from([0.0, 1.0, -1e9, 1e12, 1e-12])


def exact(xs: list[float], ys: list[float] | None = None) -> tuple[float, float]:
    """The mean and the (co)variance as fractions have them."""
    ys = xs if ys is None else ys
    a, b = [Fraction(x) for x in xs], [Fraction(y) for y in ys]
    x, y = sum(a) / len(a), sum(b) / len(b)
    return float(x), float(sum((p - x) * (q - y) for p, q in zip(a, b, strict=True)) / len(a))


def near(got: float, wanted: float, xs: list[float], digits: float = 1e-13) -> bool:
    """Equal but for what rounding the numbers themselves costs."""
    big = max(map(abs, xs))
    spread = max(xs) - min(xs)
    return abs(got - wanted) <= digits * (abs(wanted) + spread * spread) + 1e-15 * big * (spread + 1e-3 * big * 1e-13)


@given(xs=st.lists(NUMBERS, min_size=1, max_size=80), offset=OFFSETS, cuts=st.lists(st.integers(0, 80), max_size=4))
def test_the_same_as_of_the_whole(xs: list[float], offset: float, cuts: list[int]) -> None:
    xs = [x + offset for x in xs]
    mean, var = exact(xs)
    one, two, three = RunningStatistics(), RunningStatistics(), RunningStatistics()
    for x in xs:
        one.update(x)
    edges = sorted({0, len(xs), *(min(cut, len(xs)) for cut in cuts)})
    for low, high in pairwise(edges):
        two.update_from_it(np.array(xs[low:high]))
        part = RunningStatistics()
        part.update_from_it(iter(xs[low:high]))
        three.merge(part)
    for each in (one, two, three):
        assert each.count == len(xs)
        assert math.isclose(each.mean, mean, rel_tol=1e-14, abs_tol=1e-15 * max(map(abs, xs)) * 4)
        assert near(each.var, var, xs)
        assert each.M2 >= 0


NASTY = {
    "far from zero": 1e9 + np.random.default_rng(0).normal(size=10_000),
    "very far": 1e15 + np.arange(1000) % 2,
    "all equal": np.full(12_345, 0.1),
    "tiny": np.random.default_rng(1).normal(size=5000) * 1e-150,
    "a huge one": np.concatenate([[1e12], np.random.default_rng(2).normal(size=9999)]),
    "a huge one last": np.concatenate([np.random.default_rng(2).normal(size=9999), [1e12]]),
    "drifting": np.linspace(-1e8, 1e8, 20_001) + np.random.default_rng(3).normal(size=20_001),
}


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("how", ["one by one", "array", "generator"])
def test_nasty_numbers(name: str, how: str) -> None:
    data = NASTY[name]
    wide = data.astype(np.longdouble)
    mean, var = float(wide.mean()), float(((wide - wide.mean()) ** 2).mean())
    stats = RunningStatistics()
    if how == "one by one":
        for x in data.tolist():
            stats.update(x)
    else:
        stats.update_from_it(data if how == "array" else iter(data.tolist()))
    assert stats.mean == pytest.approx(mean, rel=1e-13, abs=1e-13 * float(np.abs(data).max()))
    assert stats.var == pytest.approx(var, rel=1e-9, abs=1e-30 if name == "all equal" else 0)
    if name != "very far":  # NumPy's own mean is rounded there, and its deviation 3 % too large
        assert stats.std == pytest.approx(float(data.std()), rel=1e-9, abs=1e-14)


def test_a_sum_of_squares_would_fail_here() -> None:
    """What Welford's way is for: the data of this file do tell it from the school formula."""
    data = NASTY["far from zero"]
    school = float((data**2).mean() - data.mean() ** 2)
    assert abs(school - data.var()) > 1


def test_nothing_and_one_and_what_is_no_number() -> None:
    stats = RunningStatistics()
    assert (stats.count, stats.mean, stats.M2) == (0, 0.0, 0.0)
    assert stats.var == stats.std == stats.err == stats.rel_err == math.inf
    assert not stats.converged(1.0, 1.0)
    assert repr(stats) == "RunningStatistics(mean=None, count=0)"
    stats.update(3)
    assert (stats.mean, stats.var, stats.err, stats.rel_err) == (3.0, 0.0, 0.0, 0.0)
    stats.update(5)
    assert (stats.mean, stats.var, stats.std) == (4.0, 1.0, 1.0)
    assert stats.err == pytest.approx(1 / math.sqrt(2))
    assert stats.converged(0.2, 0.0)
    assert not stats.converged(0.1, 0.0)
    assert stats.converged(0.0, 0.8)
    with pytest.raises(TypeError):
        stats.update(1j)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(TypeError, match="wanted real numbers"):
        stats.update_from_it(np.array([1j]))
    assert stats.count == 2
    for x in (-1, 1):
        opposite = RunningStatistics()
        opposite.update_from_it([x, -x])
        assert opposite.rel_err == math.inf


def test_nan_and_infinity_show() -> None:
    for bad in (math.nan, math.inf):
        for how in (list, np.array):
            stats = RunningStatistics()
            stats.update_from_it(how([1.0, bad] + [2.0] * 30))
            assert not math.isfinite(stats.mean)
            assert math.isnan(stats.var) or stats.var == math.inf
            assert not stats.converged(1, 1)


def test_numbers_before_an_error_count() -> None:
    def numbers() -> Any:
        yield from range(5000)
        raise OSError("the instrument is off")

    stats = RunningStatistics()
    with pytest.raises(OSError, match="off"):
        stats.update_from_it(numbers())
    assert (stats.count, stats.mean) == (5000, 2499.5)


@given(pairs=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=60), offset=OFFSETS, cut=st.integers(0, 60))
def test_covariances(pairs: list[tuple[float, float]], offset: float, cut: int) -> None:
    xs, ys = ([pair[k] + offset for pair in pairs] for k in (0, 1))
    both = xs + ys
    rc, rcm = RunningCovariance(), RunningCovarianceMatrix(2)
    rc.update_from_it(xs, iter(ys))
    rcm.update_from_it(xs[:cut], ys[:cut])
    for x, y in zip(xs[cut:], ys[cut:], strict=True):
        rcm.update(x, y)
    assert rc.count == rcm.count == len(pairs)
    _, covar = exact(xs, ys)
    assert near(rc.covar, covar, both)
    assert rc.sample_covar == pytest.approx(rc.covar * len(xs) / (len(xs) - 1))
    matrix = rcm.covar_matrix
    assert np.array_equal(matrix, matrix.T)
    for i, a in enumerate((xs, ys)):
        for j, b in enumerate((xs, ys)):
            assert near(float(matrix[i, j]), exact(a, b)[1], both)
    assert np.allclose(rcm.sample_covar_matrix * (len(xs) - 1), matrix * len(xs))


def test_covariances_against_numpy() -> None:
    data = np.random.default_rng(4).normal(size=(4, 10_000)).cumsum(axis=0) + 1e8
    rcm = RunningCovarianceMatrix(4)
    rcm.update_from_it(*data)
    assert np.allclose(rcm.covar_matrix, np.cov(data, bias=True), rtol=1e-7)
    assert np.allclose(rcm.sample_covar_matrix, np.cov(data), rtol=1e-7)
    assert repr(rcm) == "RunningCovarianceMatrix(n=4, count=10000)"


def test_covariances_of_nothing_and_of_what_does_not_fit() -> None:
    rc, rcm = RunningCovariance(), RunningCovarianceMatrix(3)
    assert math.isnan(rc.covar)
    assert math.isnan(rc.sample_covar)
    assert np.isnan(rcm.covar_matrix).all()
    assert "covar=nan" in repr(rc)
    with pytest.raises(DataError, match="wanted 3"):
        rcm.update(1, 2)
    with pytest.raises(DataError, match="wanted 3"):
        rcm.update_from_it([1], [2])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        rc.update_from_it([1, 2], [1])
    with pytest.raises(StreamConfigError):
        RunningCovarianceMatrix(0)


def test_uncertainties() -> None:
    uncertainties = require("uncertainties")
    rcm = RunningCovarianceMatrix(2)
    rcm.update_from_it([1, 2, 4], [3, 4, 9])
    for bias, matrix in ((True, rcm.covar_matrix), (False, rcm.sample_covar_matrix)):
        x, y = rcm.to_uncertainties(bias)
        assert (x.nominal_value, y.nominal_value) == pytest.approx((7 / 3, 16 / 3))
        assert np.allclose(np.array(uncertainties.covariance_matrix([x, y]), float), matrix)
