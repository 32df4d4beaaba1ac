"""Waves as functions of time, against scipy and by hand."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from headrace.errors import StreamConfigError
from headrace.sources import waves
from headrace.sources.waves import RandomNoise, SineWave, SquareWave, TriangleWave
from support.require import require

T = np.linspace(-3, 7, 10_001)


def test_the_formulas_are_those_of_scipy() -> None:
    signal = require("scipy.signal")
    angle = 2 * np.pi * 1.7 * T + 0.3
    assert np.allclose(waves.sine(T, 2, 1.7, 0.3), 2 * np.sin(angle), atol=1e-13)
    assert np.array_equal(waves.square(T, 2, 1.7, 0.3), 2 * signal.square(angle))
    assert np.allclose(waves.triangle(T, 2, 1.7, 0.3), 2 * signal.sawtooth(angle, 0.5), atol=1e-13)


@pytest.mark.parametrize("kind", [SineWave, SquareWave, TriangleWave])
def test_a_wave_is_called_with_a_time_or_many_and_its_attributes_count_from_the_next_call_on(kind: Any) -> None:
    wave = kind()
    assert (wave.amplitude, wave.frequency, wave.phase) == (1, 1, 0)
    assert type(wave(0.1)) is float
    assert wave(np.array([0.1, 0.2])).tolist() == [wave(0.1), wave(0.2)]
    assert wave(1) == wave(1.0)
    before = wave(0.1)
    wave.amplitude = 3.0
    assert wave(0.1) == 3 * before
    wave.frequency, wave.phase = 2.0, 0.5
    assert wave(0.1) == kind(3.0, 2.0, 0.5)(0.1)
    assert pickle.loads(pickle.dumps(wave))(0.1) == wave(0.1)
    assert repr(wave) == f"{kind.__name__}(amplitude=3.0, frequency=2.0, phase=0.5)"


def test_noise_is_fixed_by_its_seed_however_it_is_drawn() -> None:
    one, many = RandomNoise(2.0, seed=7), RandomNoise(2.0, seed=7)
    drawn = [one(t / 10) for t in range(20)]
    assert drawn == many(np.arange(20) / 10).tolist()
    assert RandomNoise(2.0, seed=8)(0.0) != drawn[0]
    assert RandomNoise()(0.0) != RandomNoise()(0.0)
    assert RandomNoise(0.0, seed=1)() == 0
    values = RandomNoise(2.0, seed=1)(np.zeros(20_000))
    assert abs(values.mean()) < 0.06
    assert abs(values.std() - 2) < 0.06


def test_noise_leaves_the_global_generator_alone_and_goes_on_after_pickling() -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    noise = RandomNoise(seed=3)
    noise(0.0)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]
    twin = pickle.loads(pickle.dumps(noise))
    assert twin(0.0) == noise(0.0)


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(StreamConfigError, match="seed"):
        RandomNoise(seed="a")  # type: ignore[arg-type]
