"""Another number of rows a second: against scipy, sines that are known between rows, and exact times."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block
from headrace.errors import StreamConfigError
from headrace.signals.graph import Graph
from headrace.signals.resample import Resample, resampling
from headrace.testing import check_signal
from support.require import require

FACTORS = [(3, 2), (2, 3), (1, 4), (5, 1), (160, 147), (4, 6), (1, 1)]


@pytest.mark.parametrize(("up", "down"), FACTORS)
def test_between_rows_a_sine_is_what_it_is(up: int, down: int) -> None:
    signal = Resample("x", "y", up, down)
    n = np.arange(4000)
    found = signal(np.sin(2 * np.pi * 0.05 * n) + 3)
    k = np.arange(len(found))
    at = k * float(signal.every) - float(signal.latency)
    inner = at > 60
    assert np.abs(found - np.sin(2 * np.pi * 0.05 * at) - 3)[inner].max() < 0.003
    assert len(found) == signal.pace.rows_before(4000)
    assert np.allclose(signal(np.full(500, 7.0)), 7.0, rtol=1e-14)


@pytest.mark.parametrize(("up", "down"), [(3, 2), (2, 3), (1, 4), (5, 1)])
def test_it_is_scipys_but_for_its_delay(up: int, down: int) -> None:
    x = np.random.default_rng(0).normal(size=600)
    signal = Resample("x", "y", up, down)
    late = signal.latency / signal.every
    assert late.denominator == 1
    mine, wanted = signal(x)[int(late) :], require("scipy.signal").resample_poly(x, up, down)
    inner = slice(60, len(mine) - 60)
    assert np.abs(mine - wanted[: len(mine)])[inner].max() < 0.01


@pytest.mark.parametrize(("down", "freq", "most"), [(4, 0.2, 0.002), (4, 0.3, 0.002), (2, 0.4, 0.002)])
def test_what_the_slower_rate_cannot_show_is_gone(down: int, freq: float, most: float) -> None:
    assert np.abs(Resample("x", "y", 1, down)(np.cos(2 * np.pi * freq * np.arange(2000))))[200:].max() < most


@pytest.mark.parametrize(("up", "down"), [*FACTORS, (7, 3)])
@pytest.mark.parametrize("half_width", [1, 10])
def test_the_laws(up: int, down: int, half_width: int) -> None:
    check_signal(Resample("x", "y", up, down, half_width), n=120, cuts=3)


def test_the_parameters() -> None:
    assert Resample("x", "y", 4, 6) == Resample("x", "y", 2, 3)
    assert Resample("x", "y", 2).every == Fraction(1, 2)
    assert Resample("x", "y", 2, 3, 4).latency == Fraction(4 * 3, 2)
    assert Resample("x", "y", 5, 5).latency == 0
    for bad in ((0,), (1, 0), (1.5,), (1, 2, 0), ("a",)):
        with pytest.raises(StreamConfigError, match="Resample"):
            Resample("x", "y", *bad)


def test_the_times_of_its_rows_are_exact() -> None:
    run = Graph([Resample("x", "y", 3, 2)]).run()
    found: list[Any] = []
    for at in range(0, 60, 7):
        rows = np.arange(at, min(at + 7, 60))
        block = run(Block({"timestamp": rows / 10, "x": rows * 1.0}, first=at, rate=10.0))
        found += block.timestamps("y", aligned=True).tolist()
    assert np.allclose(found, np.arange(len(found)) * 2 / 30 - 1.0)  # 10 rows late, at 10 rows a second


def test_the_factor_of_two_rates() -> None:
    assert resampling(100, 25) == (1, 4)
    assert resampling(44_100, 48_000) == (160, 147)
    assert resampling(30.0, 29.97, most=1000) == (999, 1000)
    with pytest.raises(StreamConfigError, match="ratio"):
        resampling(100, 100 * np.pi)
    with pytest.raises(StreamConfigError):
        resampling(0, 1)
