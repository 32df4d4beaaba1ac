"""The analytic signal, and modulation: against scipy and what was put in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.demodulation import AmplitudeDemodulation, FrequencyDemodulation
from headrace.signals.hilbert import AnalyticSignal, HilbertEnvelope, HilbertPhase
from headrace.signals.modulation import AmplitudeModulation, FrequencyModulation
from support.require import require

RATE = 1000.0
T = np.arange(3000) / RATE
CHIRP = (1 + 0.5 * np.sin(2 * np.pi * T)) * np.cos(2 * np.pi * (60 * T + 10 * T * T))


def test_the_analytic_signal_is_that_of_scipy_and_its_latency_is_right() -> None:
    signal = AnalyticSignal("x", "y", 101)
    assert signal.latency == 50
    found, wanted = signal(CHIRP), require("scipy.signal").hilbert(CHIRP)
    assert np.array_equal(found.real[50:], CHIRP[:-50])
    assert np.abs(found[300:] - wanted[250:-50]).max() < 0.01
    assert np.abs(HilbertEnvelope("x", "y", 101)(CHIRP)[300:] - np.abs(wanted)[250:-50]).max() < 0.01
    phase = HilbertPhase("x", "y", 101)(CHIRP)
    assert np.abs(np.exp(1j * phase[300:]) - np.exp(1j * np.angle(wanted))[250:-50]).max() < 0.02


def test_a_phase_can_go_on_beyond_pi() -> None:
    wrapped, on = HilbertPhase("x", "y", 65)(CHIRP), HilbertPhase("x", "y", 65, unwrapped=True)(CHIRP)
    assert np.abs(wrapped).max() <= np.pi
    assert np.allclose(on, np.unwrap(wrapped), atol=1e-9)
    assert on[-1] > 300


def test_a_constant_has_no_other_part() -> None:
    assert np.allclose(AnalyticSignal("x", "y", 11)(np.full(30, 5.0)), 5.0, atol=1e-12)
    assert AnalyticSignal("x", "y", 11)(np.ones(3, np.float32)).dtype == np.complex64
    assert AnalyticSignal("x", "y", 11)(np.ones((3, 2))).dtype == np.complex128


@pytest.mark.parametrize("n", [1, 2, 64, 0, 3.5])
def test_a_filter_of_another_length_is_refused(n: Any) -> None:
    with pytest.raises(StreamConfigError, match="n_taps="):
        HilbertEnvelope("x", "y", n)


def test_a_carrier_is_one_of_its_row_alone() -> None:
    x = np.sin(2 * np.pi * 3 * T)
    wanted = (1 + 0.5 * x) * np.cos(2 * np.pi * 90 * T + 0.3)
    assert np.allclose(AmplitudeModulation("x", "y", 90, RATE, 0.5, 0.3)(x), wanted, atol=1e-9)
    wanted = np.cos(2 * np.pi * (90 * T + np.cumsum(x) * 20 / RATE) + 0.3)
    assert np.allclose(FrequencyModulation("x", "y", 90, RATE, 20, 0.3)(x), wanted, atol=1e-9)


@pytest.mark.parametrize("phase", [0.0, 1.0, 3.0])
def test_what_was_put_on_a_carrier_comes_off_it(phase: float) -> None:
    x = np.sin(2 * np.pi * 3 * T) + 0.3 * np.sin(2 * np.pi * 7 * T)
    sent = AmplitudeModulation("x", "y", 200, RATE, 0.5, phase)(x)
    back = AmplitudeDemodulation("y", "z", 200, RATE, 50, depth=0.5)
    assert back.latency == 50
    assert np.abs(back(sent)[150:] - x[100:-50]).max() < 0.02
    sent = 3 * FrequencyModulation("x", "y", 200, RATE, 30, phase)(x)
    off = FrequencyDemodulation("y", "z", 200, RATE, 30, 100, 81)
    assert off.latency == Fraction(40)
    assert np.abs(off(sent)[150:] - x[110:-40]).max() < 0.02
    assert off(sent.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AmplitudeModulation("x", "y", 500, RATE), "carrier_freq="),
        (lambda: AmplitudeModulation("x", "y", 0, RATE), "carrier_freq="),
        (lambda: FrequencyModulation("x", "y", 5, RATE, "a"), "deviation="),  # type: ignore[arg-type]
        (lambda: AmplitudeDemodulation("x", "y", 5, RATE, 500), "bandwidth="),
        (lambda: AmplitudeDemodulation("x", "y", 5, RATE, 5, depth=0), "depth="),
        (lambda: FrequencyDemodulation("x", "y", 5, RATE, 0, 5), "deviation="),
        (lambda: FrequencyDemodulation("x", "y", 5, RATE, 1, 5, 0), "n_taps="),
    ],
)
def test_what_they_refuse(make: Any, message: str) -> None:
    with pytest.raises(StreamConfigError, match=message):
        make()


def test_complex_rows_are_refused() -> None:
    for signal in (
        AnalyticSignal("x", "y"),
        AmplitudeModulation("x", "y", 5, RATE),
        AmplitudeDemodulation("x", "y", 5, RATE, 5),
    ):
        with pytest.raises(DataError, match="complex"):
            signal(np.ones(3, complex))
