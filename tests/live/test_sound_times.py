"""Times of samples that come in chunks: on a line through the chunks, never back, and near the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.live.wires.sound_times import SampleTimes

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


def test_jitter_of_arrival_is_no_part_of_the_times_of_a_driver_that_knows_none() -> None:
    n, rng = 1600, np.random.default_rng(4)
    truth = 100 + np.arange(n * CHUNK) / RATE * (1 + 50e-6)
    came = np.maximum.accumulate(truth[::CHUNK] + CHUNK / RATE + rng.exponential(0.005, n))
    times = SampleTimes(RATE)
    found = [times.of(CHUNK, at - CHUNK / RATE, at) for at in came]
    moments = np.concatenate([each for each, _ in found])
    assert np.percentile(np.abs(moments - truth)[int(30 * RATE) :], 99) < 0.002
    steps = np.diff(moments)[int(5 * RATE) :] * RATE  # the first have come late, by as much as nobody knew
    assert np.percentile(np.abs(steps - 1), 99) < 0.03
    assert all(each[-1] <= at for (each, _), at in list(zip(found, came, strict=True))[40:])  # none is in the future


def test_lost_samples_are_counted_and_leapt_over() -> None:
    truth = 5 + np.arange(400) * CHUNK / RATE
    truth[300:] += 0.5  # what was heard in that time is gone
    moments, lost = told(truth, gaps={300})
    assert abs(sum(lost) - 0.5 * RATE) < 5
    assert [k for k, n in enumerate(lost) if n] == [300]
    assert np.abs(moments[::CHUNK] - truth).max() < 1e-3


def test_a_loss_that_nobody_told_of_is_found_and_counted() -> None:
    truth = 5 + np.arange(900) * CHUNK / RATE
    truth[200:] += 0.5
    moments, lost = told(truth)
    assert abs(sum(lost) - 0.5 * RATE) < 20
    assert len(np.flatnonzero(lost)) == 1
    assert (np.diff(moments) > 0).all()
    assert np.abs(moments[::CHUNK] - truth)[-300:].max() < 1e-3


def test_first_chunks_that_were_late_are_made_good_little_by_little() -> None:
    truth = 5 + np.arange(4000) * CHUNK / RATE
    truth[:20] += 0.3
    moments, lost = told(truth)
    assert not any(lost)
    steps = np.diff(moments) * RATE
    assert steps.min() > 0.89
    assert steps.max() < 1.011
    assert np.abs(moments[::CHUNK] - truth)[-300:].max() < 1e-3


@pytest.mark.parametrize("busy", [0.5, 3.0])
def test_a_host_that_is_busy_has_lost_nothing(busy: float) -> None:
    """Chunks wait, and then come at once; the driver does not know how old they are."""
    truth = 5 + np.arange(1200) * CHUNK / RATE
    came = np.maximum(truth + CHUNK / RATE, np.where((truth > 15) & (truth < 15 + busy), 15 + busy, 0))
    times = SampleTimes(RATE)
    found = [times.of(CHUNK, at - CHUNK / RATE, at) for at in came]
    assert not any(lost for _, lost in found)
    np.testing.assert_allclose(np.concatenate([each for each, _ in found])[::CHUNK], truth, atol=2e-3)


def test_what_a_driver_says_of_the_age_of_sound_alone_is_no_loss() -> None:
    truth = 5 + np.arange(1200) * CHUNK / RATE
    ages = np.where(np.arange(1200) < 60, 0.6, 0.1)
    times = SampleTimes(RATE, since=4.9)
    found = [times.of(CHUNK, at + CHUNK / RATE - age, at + CHUNK / RATE) for at, age in zip(truth, ages, strict=True)]
    assert not any(lost for _, lost in found)
    moments = np.concatenate([each for each, _ in found])
    assert moments[0] == 4.9  # and none was heard before it listened
    np.testing.assert_allclose(np.diff(moments) * RATE, 1, atol=0.011)
    np.testing.assert_allclose(moments[-CHUNK], truth[-1] + CHUNK / RATE - 0.1, atol=1e-3)


@given(st.lists(st.floats(-0.2, 3.0), min_size=1, max_size=60), st.sets(st.integers(0, 60)), st.integers(1, 500))
def test_times_never_go_back(late: list[float], gaps: set[int], chunk: int) -> None:
    heard = 1e4 + np.arange(len(late)) * chunk / RATE + np.array(late)
    moments, lost = told(heard, gaps, chunk)
    assert (np.diff(moments) > 0).all()
    assert min(lost) >= 0
