"""Filters, their design and their responses against scipy offline, and filters of plain arrays."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import headrace.signals.cascade as cascade
from headrace.errors import DataError, MissingExtraError, StreamConfigError
from headrace.signals.design import (
    butterworth,
    gaussian_kernel,
    gaussian_smooth_offline,
    half_gaussian_kernel,
    moving_average_kernel,
    notch,
    response,
    windowed_fir,
)
from headrace.signals.filters import (
    BandPassFilter,
    BandStopFilter,
    Butterworth,
    HighPassFilter,
    LowPassFilter,
    NotchFilter,
    Sos,
)
from headrace.signals.plain_filters import ButterFilter, Filter, FirFilter
from headrace.testing import check_signal
from support.require import require

ss = require("scipy.signal")

RNG = np.random.default_rng(0)
X, WIDE = RNG.normal(size=3000) + 5, RNG.normal(size=(500, 2, 3)) + 5


def offline(sos: Any, x: Any) -> Any:
    zi = ss.sosfilt_zi(sos)
    start = np.multiply.outer(zi, x[0])
    return ss.sosfilt(sos, x, axis=0, zi=start)[0]


@pytest.mark.parametrize(
    ("signal", "sos"),
    [
        (LowPassFilter("x", "y", 4, 10, 1000), ss.butter(4, 10, "lowpass", fs=1000, output="sos")),
        (HighPassFilter("x", "y", 3, 10, 100), ss.butter(3, 10, "highpass", fs=100, output="sos")),
        (BandPassFilter("x", "y", 2, (5, 20), 100), ss.butter(2, (5, 20), "bandpass", fs=100, output="sos")),
        (BandStopFilter("x", "y", 2, (5, 20), 100), ss.butter(2, (5, 20), "bandstop", fs=100, output="sos")),
        (Butterworth("x", "y", 5, 20, 100, "high"), ss.butter(5, 20, "highpass", fs=100, output="sos")),
        (NotchFilter("x", "y", 50, 1000, quality=20), ss.tf2sos(*ss.iirnotch(50, 20, fs=1000))),
        (Sos("x", "y", ss.cheby1(4, 1, 0.2, output="sos")), ss.cheby1(4, 1, 0.2, output="sos")),
    ],
)
def test_against_scipy_offline(signal: Any, sos: Any) -> None:
    assert np.allclose(signal(X), offline(sos, X), rtol=0, atol=1e-11)
    assert np.allclose(signal(WIDE), offline(sos, WIDE), rtol=0, atol=1e-11)
    single = signal(X.astype(np.float32))
    assert single.dtype == np.float32
    assert np.allclose(single, signal(X.astype(np.float32).astype(float)), atol=1e-5)


def test_one_channel_gives_the_bytes_of_scipy_and_each_of_many_those_of_one() -> None:
    signal = LowPassFilter("x", "y", 4, 10, 1000)
    assert signal(X).tobytes() == offline(signal.sections(), X).tobytes()
    assert signal(WIDE)[:, 1, 2].tobytes() == signal(np.ascontiguousarray(WIDE[:, 1, 2])).tobytes()


def test_a_band_may_be_a_list_as_json_has_it() -> None:
    made = BandPassFilter("x", "y", 2, [5, 20], 100)  # type: ignore[arg-type]
    assert made == BandPassFilter("x", "y", 2, (5.0, 20.0), 100.0)


def test_complex_rows_are_filtered() -> None:
    signal = LowPassFilter("x", "y", 2, 10, 100)
    found = signal(X + 2j * X)
    assert np.allclose(found, signal(X) * (1 + 2j))


def test_without_the_inner_loop_of_scipy_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = BandPassFilter("x", "y", 3, (5, 20), 100)
    wanted = signal(X), signal(WIDE)
    monkeypatch.setitem(sys.modules, "scipy.signal._sosfilt", None)
    monkeypatch.setattr(cascade, "_kernel", None)
    assert signal(X).tobytes() == wanted[0].tobytes()
    assert signal(WIDE).tobytes() == wanted[1].tobytes()
    assert cascade._kernel is cascade.in_place
    monkeypatch.setattr(cascade, "_kernel", None)


def test_a_missing_scipy_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.signal", None)
    with pytest.raises(MissingExtraError, match=r"headrace\[signals\]"):
        butterworth(3, 7.25, 100)


def test_an_integrator_begins_at_0() -> None:
    pole = Sos("x", "y", [[1.0, 0.0, 0.0, 1.0, -1.0, 0.0]])
    assert pole([1.0, 1.0, 1.0]).tolist() == [1, 2, 3]


def test_long_and_wide_blocks_are_worked_on_in_pieces() -> None:
    x = RNG.normal(size=(5000, 32))
    check_signal(LowPassFilter("x", "y", 4, 10, 1000), lambda rng, n: (np.resize(x, (n, 32)),), channels=False, n=2500)
    signal = LowPassFilter("x", "y", 4, 10, 1000)
    assert np.allclose(signal(x), offline(signal.sections(), x), atol=1e-11)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: BandPassFilter("x", "y", 2, 5.0, 100), r"cutoff_freq=\) got 5.0, wanted two frequencies"),  # type: ignore[arg-type]
        (lambda: LowPassFilter("x", "y", 2, (5.0, 6.0), 100), "wanted one frequency"),  # type: ignore[arg-type]
        (lambda: LowPassFilter("x", "y", 2, 50, 100), "wanted a frequency below 50, half of that"),
        (lambda: BandStopFilter("x", "y", 2, (20, 5), 100), "wanted rising frequencies"),
        (lambda: HighPassFilter("x", "y", 0, 5, 100), r"HighPassFilter\(order=\) got 0"),
        (lambda: HighPassFilter("x", "y", 2, 5, 0), r"sample_rate=\) got 0"),
        (lambda: Butterworth("x", "y", 2, 5, 100, "wide"), "wanted one of 'lowpass'"),
        (lambda: NotchFilter("x", "y", 60, 100), "below 50"),
        (lambda: NotchFilter("x", "y", 10, 100, quality=0), r"quality=\) got 0"),
        (lambda: Sos("x", "y", [[1, 2, 3]]), r"of shape \(sections, 6\)"),
        (lambda: Sos("x", "y", [[1, 0, 0, 2, 0, 0]]), "whose a0 is not 1"),
        (lambda: windowed_fir(10, 5, 100, "highpass"), "wanted an odd number"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, says: str) -> None:
    with pytest.raises(StreamConfigError, match=says):
        make()


# --- responses and kernels --------------------------------------------------------------------------


def test_responses_against_scipy() -> None:
    sos = butterworth(4, (5, 20), 100, "bandpass")
    w, h = ss.sosfreqz(sos, worN=512, fs=100)
    found = response(sos, 100)
    assert np.allclose(found.w, w)
    assert np.allclose(found.db[1:], 20 * np.log10(np.abs(h[1:])), atol=1e-6)
    assert np.allclose(found.phase[1:] - found.phase[1], np.unwrap(np.angle(h))[1:] - np.angle(h[1]), atol=1e-6)
    kernel = windowed_fir(31, 10, 100)
    w, h = ss.freqz(kernel, worN=512, fs=100)
    assert np.allclose(10 ** (response(kernel, 100).db / 20), np.abs(h), atol=1e-12)


def test_a_cutoff_lies_at_half_the_power() -> None:
    assert LowPassFilter("x", "y", 4, 10, 100).response().w[-1] < 50
    found = response(butterworth(4, 10, 100), 100, at=[10])
    assert found.db == pytest.approx([-3.0103], abs=1e-4)
    assert response(notch(50, 30, 1000), 1000, at=[50, 400]).db[0] < -100


def test_kernels() -> None:
    assert gaussian_kernel(0.2, 100).sum() == pytest.approx(1)
    assert len(gaussian_kernel(0.2, 100)) == 21
    for width in np.arange(0.01, 0.5, 0.007):
        half = half_gaussian_kernel(width, 100)
        assert half.sum() == pytest.approx(1)
        assert (np.diff(half) <= 0).all()
        assert len(moving_average_kernel(width, 100)) % 2 == 1


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_smoothing_offline(axis: int) -> None:
    ndimage = require("scipy.ndimage")
    x = RNG.normal(size=(60, 50))
    wanted = ndimage.gaussian_filter1d(x, 3, axis=axis, truncate=2.0, mode="nearest")
    assert np.allclose(gaussian_smooth_offline(x, 3, axis=axis), wanted, atol=1e-12)


# --- filters of plain arrays ------------------------------------------------------------------------


def test_a_plain_filter_goes_on_where_it_was() -> None:
    plain = ButterFilter(4, 10, "lowpass", 100)
    parts = [plain.process(X[:100]), [plain.process(X[100])], plain.process(X[101:101]), plain.process(X[101:])]
    wanted = offline(butterworth(4, 10, 100), X)
    assert np.allclose(np.concatenate(parts), wanted, atol=1e-11)
    plain.reset()
    assert np.allclose(plain.process(X), wanted, atol=1e-11)


def test_a_plain_filter_of_three_channels_takes_rows_and_blocks() -> None:
    x = WIDE[:, 0]
    plain = ButterFilter(2, 10, "highpass", 100, n_channels=3)
    first, rest = plain.process(x[0]), plain.process(x[1:])
    assert first.shape == (3,)
    assert np.allclose(np.concatenate([first[None], rest]), offline(butterworth(2, 10, 100, "highpass"), x), atol=1e-11)
    with pytest.raises(DataError, match=r"of 3 channels got an array of shape \(5, 2\)"):
        plain.process(np.ones((5, 2)))


def test_forth_and_back_there_is_no_delay() -> None:
    sos = butterworth(4, 10, 100)
    plain = Filter(sos, fs=100)
    assert np.allclose(plain.process_offline(X), ss.sosfiltfilt(sos, X))
    b, a = plain.as_ba()
    assert np.allclose(ss.lfilter(b, a, X[:50]), ss.sosfilt(sos, X[:50]))
    assert np.allclose(Filter.from_ba(b, a).process(X), plain.process(X), atol=1e-9)
    w, db, phase = plain.response()
    assert w.shape == db.shape == phase.shape == (512,)
    with pytest.raises(StreamConfigError, match=r"sections of shape \(3,\)"):
        Filter([1.0, 2.0, 3.0])


def test_a_plain_fir_filter() -> None:
    kernel = gaussian_kernel(0.1, 100)
    plain = FirFilter(kernel, 100)
    found = np.concatenate([plain.process(X[:7]), plain.process(X[7:])])
    assert np.allclose(found[len(kernel) :], np.convolve(X, kernel, "valid")[1:], atol=1e-12)
    assert np.allclose(plain.process_offline(X), ss.filtfilt(kernel, [1.0], X))
    assert plain.as_ba()[1].tolist() == [1]
    assert plain.response().db[0] == pytest.approx(0)
    with pytest.warns(UserWarning, match="sums up to 2"):
        FirFilter([1.0, 1.0], 100)
