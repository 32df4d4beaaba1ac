"""Sensors of change: what holds of them whatever the film.

All seeds are fixed, so that nothing here fails by chance. Bounds on what is drawn are four standard deviations or more:
of other seeds, 6 in 100 000 would be outside of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.light import THETA, film
from headrace.errors import DataError, StreamConfigError
from headrace.frames import (
    DVS,
    IntegrativeMotionSensor,
    Sensor,
    SensorStream,
    SequenceStream,
    event_frames,
)

# --- DVS ------------------------------------------------------------------------------------------


def test_constant_input_gives_no_event() -> None:
    assert not DVS(0.01)(np.full((50, 6, 6), 0.3)).any()
    assert not DVS(0.01, eps=0)(np.random.default_rng(1).random((1, 6, 6)) + 1).any(), "nor does a first frame"


@pytest.mark.parametrize(("on", "off"), [(THETA, THETA), (0.1, 0.3)])
def test_events_tell_the_log_intensity_to_a_threshold(on: float, off: float) -> None:
    light, log = film()
    counts = DVS(theta_on=on, theta_off=off, eps=0)(light)[0].astype(float)
    told = log[0] + np.cumsum(on * counts[0] - off * counts[1], axis=0)
    assert (log - told < on * (1 + 1e-9)).all()
    assert (told - log < off * (1 + 1e-9)).all()


def test_brightness_as_such_makes_no_difference() -> None:
    light, _ = film()
    assert (DVS(THETA, eps=0)(light) == DVS(THETA, eps=0)(light * 1024)).all()


def test_polarity_is_symmetric() -> None:
    light, _ = film()
    counts, mirrored = (DVS(THETA, eps=0)(each) for each in (light, 1 / light))
    assert (counts[0, 0] == mirrored[0, 1]).all()
    assert (counts[0, 1] == mirrored[0, 0]).all()
    assert counts.any()


def test_time_reversed_swaps_polarities_up_to_one_event() -> None:
    light, _ = film()
    there, back = (DVS(THETA, eps=0)(each).sum(axis=(0, 2)) for each in (light, light[::-1]))
    net, reverse = (each[0] - each[1] for each in (there, back))
    assert (np.abs(net + reverse) <= 1).all()


def test_events_are_those_of_the_counts_in_order_of_time() -> None:
    light, _ = film()
    counts = DVS(THETA)(light)
    events = DVS(THETA).events(light)
    assert len(events) == counts.sum()
    assert (np.diff(events["t"]) >= 0).all()
    # An event of frame i lies between frames i - 1 and i.
    columns = {name: events[name] for name in ("x", "y", "p")}
    again = event_frames({**columns, "t": events["t"] - 1}, (7, 6), t_zero=-1e-3, frames=60)
    assert np.abs(again - counts).sum() <= 0.02 * counts.sum(), "but for those on the very border"


def test_times_are_interpolated() -> None:
    ramp = np.exp(np.linspace(0, 1, 11)).reshape(11, 1, 1)
    events = DVS(0.25, eps=0).events(ramp, t_zero=2.0)
    assert events["t"].tolist() == [2002500, 2005000, 2007500, 2010000][: len(events)]
    assert events["p"].all()


def test_events_of_blocks_are_those_of_the_whole() -> None:
    light, _ = film()
    whole, cut = DVS(THETA), DVS(THETA)
    parts = np.concatenate([cut.events(light[lo:hi]) for lo, hi in ((0, 1), (1, 30), (30, 30), (30, 60))])
    assert (whole.events(light) == parts).all()
    cut.clear_state()
    assert (cut.events(light) == parts).all()


def test_thresholds_differ_between_pixels_by_the_seed() -> None:
    ramp = np.broadcast_to(np.exp(np.linspace(0, 20, 100))[:, None, None], (100, 20, 20))
    one, same, other = (DVS(0.2, sigma_theta=0.03, seed=seed)(ramp) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()
    thresholds = 20 / one.sum(axis=(0, 1, 2))
    assert thresholds.std() == pytest.approx(0.03, rel=0.15)
    assert thresholds.mean() == pytest.approx(0.2, rel=0.03)


def test_noise_and_leak_have_their_rates() -> None:
    still = np.full((2001, 10, 10), 0.5)
    noisy = DVS(0.2, shot_noise=20, seed=3)(still).sum(axis=(0, 2, 3, 4)) / (2.0 * 100)
    assert noisy == pytest.approx([10, 10], rel=0.15)
    leaky = DVS(0.2, leak_rate=5)(still).sum(axis=(0, 2, 3, 4)) / (2.0 * 100)
    assert leaky[0] == pytest.approx(5, rel=0.12)
    assert leaky[1] == 0


def test_a_refractory_pixel_rests() -> None:
    light, _ = film(frames=200)
    events = DVS(0.05, refractory=0.0015).events(light)
    free = DVS(0.05).events(light)
    assert 0 < len(events) < len(free)
    for row, col in ((0, 0), (3, 4), (6, 5)):
        times = events["t"][(events["y"] == row) & (events["x"] == col)]
        assert (np.diff(times) >= 1499).all()
    counts = DVS(0.05, refractory=0.0015)(light)
    assert len(events) == counts.sum()


def test_a_low_pass_follows_slowly() -> None:
    step = np.repeat([1.0, 4.0], [1, 400]).reshape(-1, 1, 1)
    first = {hz: np.flatnonzero(DVS(0.2, eps=0, cutoff_hz=hz)(step)[0, 0, :, 0, 0]) for hz in (None, 10)}
    assert first[None].tolist() == [1]
    # ln 4 (1 - exp(-2 pi 10 t)) passes 0.2 k at t.
    due = [np.log(1 / (1 - 0.2 * k / np.log(4))) / (2 * np.pi * 10) * 1000 for k in range(1, 7)]
    assert first[10] == pytest.approx(due, abs=1.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"theta": 0},
        {"theta_on": -1},
        {"eps": -1},
        {"dt": 0},
        {"refractory": "long"},
        {"shot_noise": 2000, "dt": 0.001},
        {"seed": 0.5},
        {"theta": "0.3"},
        {"theta": True},
        {"theta": 10**400},
        {"dt": "0.04"},
    ],
    ids=lambda wrong: "-".join(f"{name}-{type(value).__name__}" for name, value in wrong.items()),
)
def test_options_of_a_dvs(wrong: dict[str, Any]) -> None:
    with pytest.raises(StreamConfigError, match="wanted "):
        DVS(**wrong)


def test_a_filter_that_lets_nothing_through_is_none() -> None:
    with pytest.raises(
        StreamConfigError, match=r"DVS\(cutoff_hz=\) got 0, wanted a frequency in hertz, more than 0\.\n  None is"
    ):
        DVS(cutoff_hz=0)


def test_what_has_no_logarithm_is_told() -> None:
    sensor = DVS(0.2, eps=0)
    with pytest.raises(DataError, match="least intensity is 0 with eps=0"):
        sensor(np.zeros((2, 3, 3)))
    with pytest.raises(DataError, match="intensity"):
        DVS()(np.full((2, 3, 3), np.nan))
    sensor(np.ones((2, 3, 3)))
    with pytest.raises(DataError, match=r"frame of shape \(4, 3\), wanted \(3, 3\)"):
        sensor(np.ones((2, 4, 3)))
    with pytest.raises(DataError, match="Choose a channel"):
        DVS().events(np.ones((1, 3, 2, 4, 4)))
    never: Any = "soon"
    with pytest.raises(StreamConfigError, match="t_zero"):
        DVS().events(np.ones((2, 4, 4)), t_zero=never)


@pytest.mark.parametrize("dt", [0.001, 1 / 25])
def test_rates_are_those_of_the_film(dt: float) -> None:
    """Whatever its frames' distance: per second, and not per frame."""
    frames, rows = round(4 / dt) + 1, 10 if dt == 0.001 else 40
    still = SequenceStream(np.full((frames, rows, 10), 0.5), dt=dt)
    seconds = (frames - 1) * dt * rows * 10
    noisy = SensorStream(still, DVS(0.2, shot_noise=20, seed=3)).get(frames).sum(axis=(0, 2, 3, 4)) / seconds
    assert noisy == pytest.approx([10, 10], rel=4 / (10 * seconds) ** 0.5)
    leaky = SensorStream(still, DVS(0.2, leak_rate=5)).get(frames).sum(axis=(0, 2, 3, 4)) / seconds
    assert leaky.tolist() == pytest.approx([5, 0], rel=0.06)
    both = SensorStream(still, DVS(0.2, shot_noise=20, leak_rate=5, seed=3))
    assert both.dt == dt
    times = both.get_events(frames)["t"]
    assert times.max() == pytest.approx(4e6, rel=0.02)


def test_a_low_pass_and_a_rest_are_in_the_time_of_the_film() -> None:
    step = SequenceStream(np.repeat([1.0, 4.0], [1, 50]).reshape(-1, 1, 1), dt=0.04)
    events = SensorStream(step, DVS(0.2, eps=0, cutoff_hz=1)).get_events(51)
    alpha = 1 - np.exp(-2 * np.pi * 0.04)
    log = np.log(4) * (1 - (1 - alpha) ** np.arange(51))
    due = np.interp(0.2 * np.arange(1, len(events) + 1), log, np.arange(51)) * 0.04e6
    assert len(events) == 6
    assert events["t"] == pytest.approx(due, abs=2)
    light, _ = film()
    times = SensorStream(SequenceStream(light[:, :1, :1], dt=0.04), DVS(0.05, refractory=0.1)).get_events(60)["t"]
    assert len(times) > 10
    assert 99_999 <= np.diff(times).min() < 200_000


def test_a_sensor_and_a_film_have_one_dt() -> None:
    light, _ = film()
    slow, given = SequenceStream(light, dt=0.04), DVS(THETA, dt=0.04)
    assert SensorStream(slow, given).dt == SensorStream(light, given).dt == 0.04
    assert SensorStream(hr.source(light), given).get_events(60)["t"].max() > 2_000_000
    assert given.dt == 0.04
    assert DVS().dt is None
    for sensor in (DVS(dt=0.001), DVS(shot_noise=30)):
        with pytest.raises(StreamConfigError, match=r"DVS\((dt|shot_noise)=\) got .* frames that are 0\.04 s apart"):
            SensorStream(slow, sensor)
    with pytest.raises(StreamConfigError, match="wanted at most 1000"):
        DVS(shot_noise=2000)(light)
    stream = SensorStream(slow, DVS(THETA))
    stream.dt = 0.04
    with pytest.raises(StreamConfigError, match=r"SensorStream\(dt=\) got 0\.001, wanted 0\.04"):
        stream.dt = 0.001
    other = SensorStream(slow, IntegrativeMotionSensor())  # it counts by frames
    other.dt = 0.001
    assert other.dt == 0.001


@pytest.mark.parametrize("channels", [1, 2])
def test_noise_rests_too(channels: int) -> None:
    still = np.full((500, 5, 5) if channels == 1 else (500, 5, 5, 2), 0.5)
    sensor = DVS(0.2, shot_noise=300, leak_rate=50, refractory=0.01, seed=3)
    counts = sensor.counts(still)
    assert counts.sum() > 100
    last = np.full(counts.shape[1:3] + (channels,), -np.inf)
    for k, pair in enumerate(counts):
        fired = (pair[..., :channels] + pair[..., channels:]) > 0
        assert (k - last[fired] >= 9).all()
        last[fired] = k
    if channels == 1:
        events = DVS(0.2, shot_noise=300, leak_rate=50, refractory=0.01, seed=3).events(still)
        assert len(events) == counts.sum()
        pixel = events["y"].astype(int) * 5 + events["x"]
        assert all((np.diff(events["t"][pixel == k]) >= 9_999).all() for k in range(25))


# --- the integrative sensor -----------------------------------------------------------------------


def test_the_linear_sensor_is_a_rate_coder() -> None:
    values = np.array([0.3, -0.3, 0.0, 0.7]).reshape(2, 2)
    counts = IntegrativeMotionSensor()(np.broadcast_to(values, (40, 2, 2)))
    assert counts.sum(axis=2)[0].tolist() == [[[11, 0], [0, 27]], [[0, 11], [0, 0]]]
    assert set(np.unique(counts)) == {0, 1}
    assert not IntegrativeMotionSensor()(np.random.default_rng(1).random((200, 5, 5)))[0, 1].any()


def test_the_log_sensor_follows_by_factors() -> None:
    light = np.array([0.5, 1.1, 1.1, 1.1, 0.2, 0.2, 0.2]).reshape(-1, 1, 1)
    counts = IntegrativeMotionSensor("log", 1.5)(light)[0, :, :, 0, 0]
    level, due = 0.5, []
    for value in light.ravel():
        due.append((value / level > 1.5, value / level < 1 / 1.5))
        level *= 1.5 if due[-1][0] else 1 / 1.5 if due[-1][1] else 1
    assert counts.T.tolist() == [list(map(float, pair)) for pair in due]


def test_options_of_the_integrative_sensor() -> None:
    for wrong in (("log", 1.0), ("linear", 0), ("sqrt", 1), ("linear", "high")):
        with pytest.raises(StreamConfigError):
            IntegrativeMotionSensor(*wrong)
    for below in (-1, 0.1, 1):
        with pytest.raises(StreamConfigError, match="wanted more than 1 for 'log'"):
            IntegrativeMotionSensor("log", below)


@pytest.mark.parametrize("more", [{}, {"sigma_theta": 0.03, "seed": 3}, {"theta_on": 0.1, "theta_off": 0.3}])
@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_and_single_frames_are_the_same(more: dict[str, Any], channels: int) -> None:
    light, _ = film()
    columns = light if channels == 1 else np.stack([light, light[::-1], light * 2], axis=-1)
    block = DVS(THETA, **more)
    single = SensorStream(columns, DVS(THETA, **more))
    parts = [block.counts(columns[lo:hi]) for lo, hi in ((0, 1), (1, 20), (20, 60))]
    if "seed" not in more:
        assert (np.concatenate(parts) == single.read(60)).all()
    again = DVS(THETA, **more)
    assert (np.concatenate([again.counts(columns[k : k + 1]) for k in range(60)]) == np.concatenate(parts)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_at_once_are_frame_by_frame_to_the_bit(channels: int) -> None:
    light, _ = film()
    columns = light if channels == 1 else np.stack([light, light[::-1], light * 2], axis=-1)
    block, single = (DVS(theta_on=0.1, theta_off=0.17, sigma_theta=0.03, seed=3) for _ in range(2))
    whole = block.counts(columns)
    assert whole.any()
    assert (Sensor.counts(single, columns) == whole).all(), "which calls step for each"
    assert (Sensor.counts(single, columns) == block.counts(columns)).all(), "and both have kept the same"


def test_a_block_that_fails_changes_nothing() -> None:
    light, _ = film()
    broken = light[10:20].copy()
    broken[5] = -1
    for sensor in (DVS(THETA), DVS(THETA, leak_rate=3)):
        whole = sensor(light)
        sensor.clear_state()
        sensor(light[:10])
        with pytest.raises(DataError):
            sensor(broken)
        with pytest.raises(DataError):
            sensor.events(broken)
        assert (sensor(light[10:]) == whole[:, :, 10:]).all()
