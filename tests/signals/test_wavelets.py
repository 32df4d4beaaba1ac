"""Wavelets, against PyWavelets on whole recordings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.wavelets import WaveletBands, WaveletBank, WaveletTransform
from support.require import require

pywt = require("pywt")
X = np.random.default_rng(0).normal(size=600)


@pytest.mark.parametrize("mode", ["periodization", "symmetric", "zero"])
@pytest.mark.parametrize(("wavelet", "level"), [("haar", 5), ("db4", 3), ("bior2.2", 2)])
def test_a_window_is_transformed_as_a_whole(wavelet: str, level: int, mode: str) -> None:
    found = WaveletTransform("x", "y", 64, 32, wavelet, level, mode)(X)
    bands = WaveletBands("x", "y", 64, 32, wavelet, level, mode)(X)
    assert len(found) == (600 - 64) // 32 + 1
    for i, row in enumerate(found):
        wanted = pywt.wavedec(X[32 * i : 32 * i + 64], wavelet, mode, level)
        assert np.array_equal(row, np.concatenate(wanted))
        assert np.allclose(bands[i], [(each**2).sum() / 64 for each in wanted], rtol=1e-12)


def test_powers_add_up_to_the_mean_square() -> None:
    bands = WaveletBands("x", "y", 64)(X)
    squares = (X[:576].reshape(9, 64) ** 2).mean(axis=1)
    assert np.allclose(bands.sum(axis=1), squares)


def test_channels_come_before_coefficients() -> None:
    x = np.stack([X, 2 * X], axis=1)
    found = WaveletTransform("x", "y")(x)
    assert found.shape == (9, 2, 64)
    assert np.array_equal(found[:, 0], WaveletTransform("x", "y")(X))
    assert WaveletBands("x", "y")(x.astype(np.float32)).dtype == np.float32
    assert WaveletBands("x", "y", upsample=True)(x).shape == (600, 2, 4)
    assert WaveletBank("x", "y", (2.0, 3.0))(x).shape == (600, 2, 2)


@pytest.mark.parametrize("wavelet", ["morl", "mexh", "gaus1", "cmor1.5-1.0"])
@pytest.mark.parametrize("scale", [1.0, 3.5, 10.0])
def test_a_bank_is_the_continuous_transform_some_rows_later(wavelet: str, scale: float) -> None:
    x = np.zeros(600)
    x[300] = 1  # so that no end is near
    bank = WaveletBank("x", "y", (scale,), wavelet)
    found, wanted = bank(x)[:, 0], pywt.cwt(x, np.array([scale]), wavelet)[0][0]
    late = int(bank.latency)
    assert any(np.allclose(np.roll(found, -late - by), wanted, atol=1e-12) for by in (-1, 0))
    assert np.iscomplexobj(found) == wavelet.startswith("c")


def test_scales_are_aligned_and_their_frequencies_are_found() -> None:
    bank = WaveletBank("x", "y", [4, 8, 16], "cmor1.5-1.0")
    assert np.allclose(bank.frequencies(100), [25, 12.5, 6.25])
    tone = np.where(np.arange(600) >= 300, np.cos(2 * np.pi * 0.125 * np.arange(600)), 0)
    power = np.abs(bank(tone))
    assert power[500:].max(axis=0).argmax() == 1
    beat = np.zeros(600)
    beat[300] = 1
    square = np.abs(bank(beat)) ** 2
    middle = (np.arange(600)[:, None] * square).sum(axis=0) / square.sum(axis=0)
    assert np.abs(middle - 300 - float(bank.latency)).max() <= 0.51


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WaveletTransform("x", "y", wavelet="morl"), "wavelet="),
        (lambda: WaveletTransform("x", "y", 16, wavelet="db4", level=3), "wanted at most 1"),
        (lambda: WaveletTransform("x", "y", mode="none"), "mode="),
        (lambda: WaveletBands("x", "y", level=0), "level="),
        (lambda: WaveletBank("x", "y", (1.0,), "haar"), "wavelet="),
        (lambda: WaveletBank("x", "y", ()), "scales="),
        (lambda: WaveletBank("x", "y", (0.0,)), "scales="),
    ],
)
def test_what_they_refuse(make: Any, message: str) -> None:
    with pytest.raises(StreamConfigError, match=message):
        make()


def test_complex_rows_are_refused() -> None:
    for signal in (WaveletTransform("x", "y"), WaveletBank("x", "y", (2.0,))):
        with pytest.raises(DataError, match="complex"):
            signal(np.zeros(100, complex))
