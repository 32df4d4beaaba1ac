"""Times of samples that come in chunks: on a line through the chunks, never back, and near the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.live.sound_times import SampleTimes

RATE, CHUNK = 8000.0, 200


def told(heard: Any, gaps: Any = (), chunk: int = CHUNK) -> tuple[Any, list[int]]:
    times = SampleTimes(RATE)
    found = [times.of(chunk, float(moment), gap=k in gaps) for k, moment in enumerate(heard)]
    return np.concatenate([moments for moments, _ in found]), [lost for _, lost in found]


@pytest.mark.parametrize("ppm", [-100, 0, 100])
def test_jitter_is_no_part_of_the_times(ppm: int) -> None:
    n, rng = 1600, np.random.default_rng(3)
    truth = 100 + np.arange(n * CHUNK) / RATE * (1 + ppm * 1e-6)  # 40 seconds
    late = rng.normal(0, 0.005, n) + (rng.random(n) < 0.02) * rng.exponential(0.05, n)
    moments, lost = told(truth[::CHUNK] + late)
    assert not any(lost)
    off = np.abs(moments - truth)[int(30 * RATE) :]
    assert np.percentile(off, 99) < 0.001
    assert (np.diff(moments) > 0).all()
    assert np.abs(np.diff(moments) * RATE - 1).max() < 0.11


def test_lost_samples_are_counted_and_leapt_over() -> None:
    truth = 5 + np.arange(400) * CHUNK / RATE
    truth[300:] += 0.5  # what was heard in that time is gone
    moments, lost = told(truth, gaps={300})
    assert abs(sum(lost) - 0.5 * RATE) < 5
    assert [k for k, n in enumerate(lost) if n] == [300]
    assert np.abs(moments[::CHUNK] - truth).max() < 1e-3


@pytest.mark.parametrize("step", [0.5, -0.5])
def test_a_step_that_nobody_told_of_is_followed(step: float) -> None:
    truth = 5 + np.arange(900) * CHUNK / RATE
    truth[200:] += step
    moments, lost = told(truth)
    assert not any(lost)
    assert (np.diff(moments) > 0).all()
    assert np.abs(moments[::CHUNK] - truth)[-300:].max() < 1e-3


@given(st.lists(st.floats(-0.2, 3.0), min_size=1, max_size=60), st.sets(st.integers(0, 60)), st.integers(1, 500))
def test_times_never_go_back(late: list[float], gaps: set[int], chunk: int) -> None:
    heard = 1e4 + np.arange(len(late)) * chunk / RATE + np.array(late)
    moments, lost = told(heard, gaps, chunk)
    assert (np.diff(moments) > 0).all()
    assert min(lost) >= 0
