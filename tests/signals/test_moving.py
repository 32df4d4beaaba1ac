"""Statistics of the last rows, and of all so far, against numpy window by window."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.moving import MovingMax, MovingMedian, MovingMin, MovingRMS, MovingStd
from headrace.signals.running import RunningMean, RunningStd
from headrace.signals.smooth import MovingAverage
from headrace.testing import check_signal


def _std1(x: Any) -> Any:
    return np.std(x, axis=0, ddof=1) if len(x) > 1 else np.full(x.shape[1:], np.nan)


FORMS: dict[str, tuple[Any, Any]] = {
    "rms": (MovingRMS, lambda x: np.sqrt(np.mean(x**2, axis=0))),
    "std": (MovingStd, lambda x: np.std(x, axis=0)),
    "min": (MovingMin, lambda x: np.min(x, axis=0)),
    "max": (MovingMax, lambda x: np.max(x, axis=0)),
    "median": (MovingMedian, lambda x: np.median(x, axis=0)),
}


@pytest.mark.parametrize("length", [1, 2, 3, 8, 13, 150])
@pytest.mark.parametrize("form", FORMS)
def test_against_numpy(form: str, length: int) -> None:
    make, wanted = FORMS[form]
    x = np.random.default_rng(0).normal(size=(120, 2))
    each = [wanted(x[max(0, k - length + 1) : k + 1]) for k in range(len(x))]
    assert np.allclose(make("x", "y", length)(x), each, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("length", [1, 2, 9, 64])
@pytest.mark.parametrize("form", FORMS)
def test_laws_of_other_lengths(form: str, length: int) -> None:
    check_signal(FORMS[form][0]("x", "y", length))


def test_a_spread_about_a_large_mean_keeps_its_digits() -> None:
    x = 1e9 + np.random.default_rng(0).normal(size=300)
    wanted = [_std1(x[max(0, k - 19) : k + 1]) for k in range(len(x))]
    assert np.allclose(MovingStd("x", "y", 20, ddof=1)(x), wanted, rtol=1e-6, atol=0, equal_nan=True)
    assert np.allclose(RunningStd("x", "y")(x), [x[: k + 1].std() for k in range(len(x))], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_number_is_forgotten(form: str) -> None:
    x = np.arange(30.0)
    x[4] = np.nan
    found = FORMS[form][0]("x", "y", 5)(x)
    assert np.isnan(found).nonzero()[0].tolist() == list(range(4, 9))


def test_all_rows_so_far() -> None:
    x = np.random.default_rng(0).normal(3, size=(50, 2))
    assert np.allclose(RunningMean("x", "y")(x), [x[: k + 1].mean(axis=0) for k in range(50)])
    assert np.allclose(RunningStd("x", "y", ddof=1)(x)[1:], [x[: k + 1].std(axis=0, ddof=1) for k in range(1, 50)])
    assert np.isnan(RunningStd("x", "y", ddof=1)(x)[0]).all()


@pytest.mark.parametrize("signal", [MovingStd("x", "y", 3), MovingMedian("x", "y", 3), RunningMean("x", "y")])
def test_complex_rows_are_refused(signal: Any) -> None:
    with pytest.raises(DataError, match="got complex rows, wanted real ones"):
        signal([1j, 2.0])


def test_parameters_that_cannot_be() -> None:
    with pytest.raises(StreamConfigError, match=r"MovingMax\(length=\) got 0"):
        MovingMax("x", "y", 0)
    with pytest.raises(StreamConfigError, match=r"MovingStd\(ddof=\) got 2"):
        MovingStd("x", "y", 3, ddof=2)
    with pytest.raises(StreamConfigError, match=r"RunningStd\(ddof=\) got -1"):
        RunningStd("x", "y", ddof=-1)


@pytest.mark.parametrize("kind", [MovingAverage, MovingRMS, MovingMin, MovingMax, MovingMedian])
def test_the_latency_is_that_of_what_slowly_changes(kind: Any) -> None:
    signal = kind("x", name="y", length=21)
    x = 1e6 + np.arange(200.0)  # so that a root mean square is a mean
    found = signal(x)[100]
    late = float(signal.latency)
    assert late == 10
    assert abs({MovingMin: found + 10, MovingMax: found - 10}.get(kind, found) - x[100 - 10]) < 1e-4
    assert kind("x", name="y", length=4).latency == Fraction(3, 2)
    assert MovingStd("x", name="y", length=5).latency == 2
