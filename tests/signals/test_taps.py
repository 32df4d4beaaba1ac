"""Weighted sums of rows: the same bits however many rows there are, on both ways of adding."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.signals.taps import fir

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 33, 500])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2)])
def test_rows_cut_anywhere_give_the_same_bits(n: int, shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=(n - 1 + 900, *shape))
    x[RNG.random(x.shape) < 0.3] = -0.0
    taps = RNG.normal(size=n)
    taps[1::3] = 0
    whole = fir(taps, x)
    for sizes in ([1] * 900, RNG.integers(0, 60, 60).tolist(), [899, 1], [7] * 128):
        at, found = 0, []
        for size in sizes:
            size = min(size, 900 - at)
            found.append(fir(taps, x[at : at + size + n - 1].copy()))
            at += size
        joined = np.concatenate(found)
        assert joined.tobytes() == whole[: len(joined)].tobytes()
    flat = x.reshape(len(x), -1)
    wanted = np.stack([np.convolve(column, taps, "valid") for column in flat.T], axis=1)
    assert np.allclose(whole.reshape(900, -1), wanted, atol=1e-12)


def test_complex_taps_and_rows() -> None:
    taps, x = RNG.normal(size=5) + 1j * RNG.normal(size=5), RNG.normal(size=(50, 3)) + 1j * RNG.normal(size=(50, 3))
    for t in (taps, taps.real):
        for rows in (x, x.real.copy(), x[:, 0].copy()):
            wanted = np.apply_along_axis(lambda column, t=t: np.convolve(column, t, "valid"), 0, rows)
            assert np.allclose(fir(t, rows), wanted)
            assert fir(t, rows[:4]).shape == (0, *rows.shape[1:])


def test_nothing_to_add() -> None:
    assert fir(np.zeros(3), np.ones(5)).tolist() == [0, 0, 0]
    assert fir(np.ones(3), np.ones((2, 4))).shape == (0, 4)
