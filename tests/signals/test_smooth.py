"""Means that follow a signal, delays and kernels, against sums written out and scipy."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.errors import StreamConfigError
from headrace.signals.delay import Delay
from headrace.signals.envelope import Envelope
from headrace.signals.fir import Fir
from headrace.signals.smooth import ExponentialMean, GaussianSmooth, MovingAverage
from headrace.testing import check_signal


@pytest.mark.parametrize("length", [1, 2, 3, 7, 10, 64, 100, 1000])
def test_a_moving_average_is_the_mean_of_the_last_rows(length: int) -> None:
    x = np.random.default_rng(0).normal(size=(500, 2)) + 1e3
    wanted = [x[max(0, k - length + 1) : k + 1].mean(axis=0) for k in range(len(x))]
    assert np.allclose(MovingAverage("x", "y", length)(x), wanted, rtol=1e-13, atol=0)


def test_a_moving_average_forgets_what_is_no_number() -> None:
    x = np.arange(40.0)
    x[3] = np.nan
    found = MovingAverage("x", "y", 10)(x)
    assert np.isnan(found).nonzero()[0].tolist() == list(range(3, 13))
    assert found[13:].tolist() == [k - 4.5 for k in range(13, 40)]


def test_whole_numbers_and_complex_ones_have_means() -> None:
    assert MovingAverage("x", "y", 2)([1, 2, 4]).tolist() == [1, 1.5, 3]
    assert MovingAverage("x", "y", 2)([1j, 3.0]).tolist() == [1j, 1.5 + 0.5j]


@pytest.mark.parametrize("length", [1, 5, 40, 4000])
def test_laws_of_other_lengths(length: int) -> None:
    check_signal(MovingAverage("x", "y", length))
    check_signal(Delay("x", length, "y"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "signal",
    [
        MovingAverage("x", "y", 33),
        Fir("x", "y", np.linspace(1, 2, 40)),
        Delay("x", 9, "y"),
        GaussianSmooth("x", "y", 0.3, 100),
    ],
)
def test_long_blocks_are_worked_on_in_pieces_and_give_the_same_bytes(signal: Any) -> None:
    x = np.random.default_rng(0).normal(size=(50_000, 2))
    whole, state, found = signal(x), signal.init(x[:0]), []
    for lo in range(0, len(x), 7919):
        rows, state = signal.step(state, x[lo : lo + 7919])
        found.append(rows)
    assert np.concatenate(found).tobytes() == whole.tobytes()


@pytest.mark.parametrize("length", [0, -1, 2.5, "3", None, True])
def test_lengths_that_cannot_be(length: Any) -> None:
    with pytest.raises(StreamConfigError, match=r"MovingAverage\(length=\) got"):
        MovingAverage("x", "y", length)


def test_a_gaussian_against_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    x = np.random.default_rng(0).normal(size=400)
    smooth = GaussianSmooth("x", name="y", width_in_sec=0.2, sample_rate=100)  # sigma of 5 rows
    late = int(smooth.latency)
    assert smooth.latency == 10
    wanted = ndimage.gaussian_filter1d(x, 5, truncate=2.0, mode="nearest")
    assert np.allclose(smooth(x)[late:], wanted[:-late], atol=1e-12)


def test_half_a_gaussian_follows_sooner() -> None:
    step = np.concatenate([np.zeros(20), np.ones(40)])
    whole = GaussianSmooth("x", "y", 0.2, 100.0)(step)
    half = GaussianSmooth("x", "y", 0.2, 100.0, half=True)
    assert half.latency == 0
    assert half(step).sum() > whole.sum()
    assert half(step)[[0, -1]] == pytest.approx([0, 1])
    for width in np.arange(0.02, 0.4, 0.013):  # odd or even, all of them work
        assert half.with_(width_in_sec=width)(np.ones(9)) == pytest.approx(np.ones(9))


def test_a_fir_filter_against_numpy() -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=300), rng.normal(size=12)
    found = Fir("x", "y", kernel)(x)
    assert np.allclose(found[11:], np.convolve(x, kernel, "valid"), atol=1e-13)
    assert np.allclose(found[:3], [x[0] * kernel.sum(), x[1] * kernel[0] + x[0] * kernel[1:].sum(), found[2]])
    both = np.stack([x, -x], axis=1)
    assert Fir("x", "y", kernel)(both)[:, 0].tobytes() == found.tobytes()


def test_the_latency_of_a_fir_filter() -> None:
    assert Fir("x", "y", [1, 2, 1]).latency == 1
    assert Fir("x", "y", [1, 1]).latency == Fraction(1, 2)
    assert Fir("x", "y", [-1, 0, 1]).latency == 1
    assert Fir("x", "y", [1, 2, 3]).latency == 0


def test_the_response_of_a_fir_filter() -> None:
    found = Fir("x", "y", [0.5, 0.5]).response(points=3)
    assert found.w == pytest.approx([0, np.pi / 3, 2 * np.pi / 3])
    assert found.db == pytest.approx([0, 20 * np.log10(np.cos(np.pi / 6)), 20 * np.log10(0.5)])
    assert GaussianSmooth("x", "y", 0.1, 100.0).response().w[-1] < 50


@pytest.mark.parametrize("kernel", [[], [[1.0]], [np.nan], "abc", None])
def test_kernels_that_cannot_be(kernel: Any) -> None:
    with pytest.raises(StreamConfigError, match=r"Fir\(kernel=\) got"):
        Fir("x", "y", kernel)


def test_an_exponential_mean() -> None:
    pytest.importorskip("scipy")
    x = np.random.default_rng(0).normal(size=200)
    wanted, y = [], x[0]
    for each in x:
        y += 0.1 * (each - y)
        wanted.append(y)
    assert np.allclose(ExponentialMean("x", "y", 0.1)(x), wanted, atol=1e-14)
    with pytest.raises(StreamConfigError, match="at most 1"):
        ExponentialMean("x", "y", 1.5)


def test_an_exponential_mean_goes_on_with_another_alpha() -> None:
    pytest.importorskip("scipy")
    first, second = ExponentialMean("x", "y", 0.5), ExponentialMean("x", "y", 0.25)
    _, state = first.step(first.init(np.ones(0)), np.array([4.0, 8.0]))
    assert second.step(state, np.array([10.0]))[0].tolist() == [7.0]


def test_a_delay_shifts_any_rows() -> None:
    x = np.arange(6).reshape(3, 2)
    assert Delay("x", n=1, name="y")(x).tolist() == [[0, 0], [0, 1], [2, 3]]
    assert Delay("x", 0, "y")(x).tolist() == x.tolist()
    assert Delay("x", 5, "y").latency == 5
    assert Delay("x", 2, "y")(np.array([True, True, False])).tolist() == [False, False, True]
    with pytest.raises(StreamConfigError, match=r"Delay\(n=\) got -1"):
        Delay("x", -1, "y")


def test_the_envelope_of_a_sine() -> None:
    pytest.importorskip("scipy")
    x = 3 * np.sin(2 * np.pi * 50 * np.arange(4000) / 1000)
    found = Envelope("x", "y", cutoff_freq=2, sample_rate=1000)(x)
    assert found[2000:] == pytest.approx(np.full(2000, 6 / np.pi), rel=0.01)
    with pytest.raises(StreamConfigError, match="below 500"):
        Envelope("x", "y", 500, 1000)
