"""Sensors called with blocks, and the times of the events that they give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.frames import DVS, IntegrativeMotionSensor, SensorStream, TimedSequenceStream, event_frames, moving_bar


@pytest.mark.parametrize(
    "sensor", [DVS(0.1), DVS(0.1, refractory=0.001), IntegrativeMotionSensor("log", 1.1)], ids=repr
)
def test_a_sensor_called_with_several_batches_sees_each_for_itself(sensor: Any) -> None:
    block = np.random.default_rng(3).random((2, 3, 4, 5, 6)) + 0.1
    made = sensor.fresh()(block)
    assert made.shape == (2, 6, 4, 5, 6)
    assert made.any()
    for batch in (0, 1):
        assert (sensor.fresh()(block[batch : batch + 1])[0] == made[batch]).all()
    assert (SensorStream(block, sensor).get(4) == made).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("mode", ["linear", "log"])
def test_a_motion_sensor_refuses_what_would_leave_a_pixel_dead(mode: Any, value: float) -> None:
    sensor, block = IntegrativeMotionSensor(mode, 1.5), np.ones((3, 2, 2))
    expected = sensor.fresh()(block)
    broken = block.copy()
    broken[1, 0, 0] = value
    with pytest.raises(DataError, match="IntegrativeMotionSensor got a frame with NaN or infinite values"):
        sensor(broken)
    assert (sensor(block) == expected).all()


def test_a_wrong_threshold_is_called_what_it_was_called() -> None:
    wrong: Any = "x"
    with pytest.raises(StreamConfigError, match=r"DVS\(theta=\)"):
        DVS(theta=wrong)


# --- times of events --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sensor", [DVS(0.05, refractory=0.0003), DVS(0.05, shot_noise=20, leak_rate=20, seed=3)], ids=repr
)
@pytest.mark.parametrize("dt", [0.001, 0.04])
def test_events_of_a_sensor_are_its_frames(sensor: Any, dt: float) -> None:
    films = [TimedSequenceStream(moving_bar(60, 12, 12, bar_v=0.02) + 0.1, dt=dt, t_zero=5.0) for _ in range(2)]
    frames = SensorStream(films[0], sensor).get(60)
    events = SensorStream(films[1], sensor).get_events(60)
    again = event_frames(events, (12, 12), dt, t_zero=5.0 - dt, frames=60, closed="right")
    assert frames.sum() > 100
    assert (frames == again).all()


def test_events_on_the_border_of_two_frames() -> None:
    some = {"x": [0, 0, 0], "y": [0, 0, 0], "t": [0, 1000, 1001], "p": [1, 1, 1]}
    counts = {
        (closed, t_zero): event_frames(some, dt=0.001, t_zero=t_zero, closed=closed)[0, 0, :, 0, 0].tolist()
        for closed in ("left", "right")
        for t_zero in (None, 0.0, -0.001)
    }
    assert counts == {
        ("left", None): [1, 2],
        ("left", 0.0): [1, 2],
        ("left", -0.001): [0, 1, 2],
        ("right", None): [2, 1],
        ("right", 0.0): [1, 1],
        ("right", -0.001): [1, 1, 1],
    }
    wrong: Any = "both"
    with pytest.raises(StreamConfigError, match=r"event_frames\(closed=\) got 'both', wanted"):
        event_frames(some, closed=wrong)
