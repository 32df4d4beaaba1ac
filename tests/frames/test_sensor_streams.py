"""Sensors as streams, spikes and cameras that move: what holds of them whatever the film.

All seeds are fixed, so that nothing here fails by chance. Bounds on what is drawn are four standard deviations or more:
of other seeds, 6 in 100 000 would be outside of one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.light import THETA, film
from frames.makers import digits
from headrace.errors import DataError, HeadraceWarning, StreamConfigError
from headrace.frames import (
    DVS,
    Poisson,
    PoissonStream,
    PseudoNMNIST,
    SensorStream,
    SequenceStream,
    moving_bar,
    write_idx,
)
from headrace.frames.digits.saccades import classic_view, corners_of, path_of, view
from headrace.frames.sensors import stream as sensor_streams
from support.require import require

# --- sensors as streams ---------------------------------------------------------------------------


def test_a_description_does_not_doubt_a_sensor() -> None:
    light, _ = film()
    for sensor in (DVS(THETA), DVS(THETA, shot_noise=10, seed=7)):
        told = str(hr.describe(SensorStream(light, sensor)))
        assert "DVS" in told
        assert "rng" not in told


def test_a_stream_counts_what_its_sensor_does_and_gives_events() -> None:
    light, _ = film()
    sensor = DVS(THETA)
    stream = SensorStream(SequenceStream(light), sensor)
    assert (stream.get(60) == sensor(light)).all()
    stream.reset()
    stream.get(10)
    events, whole = stream.get_events(50), DVS(THETA).events(light)
    assert (events == whole[np.searchsorted(whole["t"], 9000, "right") :]).all()
    assert stream.i == 60
    assert len(stream.get_events(5)) == 0


def test_events_that_memory_cannot_hold_are_not_made() -> None:
    flash = np.zeros((3, 40, 40))
    flash[1] = 1e30
    stream = SensorStream(flash, DVS(1e-6, eps=1e-300))
    assert not len(stream.get_events(2))
    for _ in range(2):
        with pytest.raises(DataError, match=r"events, .* wanted what fits into memory"):
            stream.get_events(2)
    assert stream.i == 1
    stream.skip()
    assert not len(stream.get_events(2))
    with pytest.raises(DataError, match="wanted what fits into memory"):
        DVS(1e-6, eps=1e-300).events(flash)


def test_events_are_given_of_as_many_frames_as_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    light, _ = film()
    stream, whole = SensorStream(light, DVS(THETA)), SensorStream(light, DVS(THETA)).get_events(60)
    monkeypatch.setattr(sensor_streams, "memory", lambda: 1 << 16)
    found = [stream.get_events(60)]
    assert 0 < stream.i < 60
    while stream.available():
        found.append(stream.get_events(60))
    assert (np.concatenate(found) == whole).all()


def test_a_failing_frame_can_be_passed() -> None:
    light, _ = film(frames=6)
    light[3] = -1
    with SensorStream(light, DVS(THETA)) as stream:
        assert stream.get(3).shape[2] == 3
        for _ in range(2):
            with pytest.raises(DataError, match="intensity"):
                stream.get(1)
        assert stream.skip(1) == 1
        rest = stream.get(9)
    without = DVS(THETA)(np.delete(light, 3, axis=0))
    assert (rest == without[:, :, 3:]).all()


def test_frames_that_were_looked_at_keep_their_events() -> None:
    light, _ = film()
    looks: list[Any] = [lambda stream: stream.peek(7), lambda stream: stream.available(9)]
    sources: list[Any] = [light, hr.source(light) | hr.filter(np.any)]  # which does not know how many it has
    for source in sources:
        stream = SensorStream(source, DVS(THETA))
        whole = stream.get_events(60)
        for look in looks:
            stream.reset()
            first = stream.get_events(20)
            look(stream)
            assert stream.i == 20
            rest = stream.get_events(100)
            assert (np.concatenate([first, rest]) == whole).all()


def test_events_before_a_frame_that_fails_are_given() -> None:
    light, _ = film(frames=9)
    whole = DVS(THETA, dt=0.001).events(light[:5])
    light[5] = -1
    stream = SensorStream(light, DVS(THETA))
    assert (stream.get_events(9) == whole).all()
    for _ in range(2):
        assert stream.i == 5
        with pytest.raises(DataError, match="intensity"):
            stream.get_events(4)
    assert stream.skip(1) == 1
    assert len(stream.get_events(9))
    assert stream.i == 9


def test_what_a_sensor_stream_refuses() -> None:
    no_sensor: Any = abs
    with pytest.raises(StreamConfigError, match="wanted a DVS"):
        SensorStream(np.ones((3, 4, 4)), no_sensor)
    for make, name in ((lambda none: SensorStream(none, DVS()), "SensorStream"), (PoissonStream, "PoissonStream")):
        with pytest.raises(StreamConfigError, match=f"{name} got None, wanted a stream of frames"):
            make(None)
    stream = SensorStream(np.ones((1, 3, 5, 4, 4)), DVS())
    assert stream.get(2).shape == (1, 6, 2, 4, 4)
    with pytest.raises(StreamConfigError, match="one channel"):
        stream.get_events(1)
    with pytest.raises(StreamConfigError, match="cannot be divided"):
        stream.shard(0, 2)


def test_items_that_are_no_frames_are_told() -> None:
    wrong: Any
    for wrong in (["ab", "cd"], [1, 2], [{"frame": np.ones((2, 2))}], [np.ones(3)]):
        with pytest.raises(DataError, match="SensorStream got an item"):
            SensorStream(hr.source(wrong), DVS()).get(1)
    for wrong in (["ab", "cd"], [{"frame": np.ones((2, 2))}]):
        with pytest.raises(DataError, match="Poisson spikes got"):
            PoissonStream(hr.source(wrong), seed=3).get(1)


def test_a_sensor_of_a_process_of_its_own() -> None:
    light, _ = film()
    stream = SensorStream(light, DVS(THETA))
    there = list((stream | hr.background("process")).iterate())
    assert (np.stack(there) == stream.read(60)).all()


# --- Poisson --------------------------------------------------------------------------------------


def test_spikes_of_frames() -> None:
    frames = np.broadcast_to(np.array([0.0, 0.3, 1.0]), (4000, 5, 3))
    spikes = PoissonStream(frames, seed=3).get(4000)
    assert spikes.dtype == bool
    assert not spikes[..., 0].any()
    assert spikes[..., 2].all()
    assert abs(spikes[..., 1].mean() - 0.3) < 4 * (0.21 / 20000) ** 0.5
    assert PoissonStream(np.full((9, 2, 2), 255, "u1"), 1 / 255).get(9).all()
    with pytest.raises(DataError, match="from 0 to 255, wanted 0 to 1"):
        PoissonStream(np.array([[[0, 255]]])).get(1)
    with pytest.raises(DataError, match="wanted 0 to 1"):
        Poisson()(np.full((1, 2, 2), np.nan))


def test_spikes_of_blocks_do_not_depend_on_their_length() -> None:
    p = np.random.default_rng(3).random((1, 2, 20, 3, 4))
    whole = Poisson(7)(p)
    spikes = Poisson(7)
    parts = [spikes(p[:, :, lo:hi]) for lo, hi in ((0, 3), (3, 4), (4, 20))]
    assert (np.concatenate(parts, axis=2) == whole).all()
    spikes.clear_state()
    assert (spikes(p) == whole).all()


def test_spikes_of_tensors_are_tensors() -> None:
    torch = require("torch")
    found = Poisson(7)(torch.ones(1, 1, 3, 2, 2))
    assert found.dtype == torch.bool
    assert found.all()


# --- saccades -------------------------------------------------------------------------------------


def test_the_path_is_closed_and_the_digit_inside() -> None:
    assert path_of([0]).tolist() == path_of([300]).tolist()
    for size in ((34, 34), (28, 28), (40, 31)):
        corners = corners_of((28, 28), size)
        assert (corners >= 0).all()
        assert (corners + 28 <= np.array(size) + 1e-9).all()
        image = np.random.default_rng(1).random((28, 28))
        seen = view(image, size)
        assert seen.shape == (300, *size)
        assert np.allclose(seen.sum(axis=(1, 2)), image.sum()), "nothing of it is ever out of sight"
        step = np.abs(np.diff(np.r_[corners, corners[:1]], axis=0)).max(initial=0)
        assert step <= (np.array(size) - 28).max() / 100 + 1e-9, "no jump, from the last to the first neither"


def test_on_and_off_are_balanced_and_a_blank_is_silent(tmp_path: Path) -> None:
    stream = PseudoNMNIST(digits(tmp_path, 5, 28, 28), init=0, advance=1)
    for _ in range(5):
        on, off = stream.get(300).sum(axis=(0, 2, 3, 4))
        assert on > 100
        assert abs(on - off) <= 0.1 * max(on, off)
    for value in (0, 200):
        write_idx(tmp_path / "t10k-images-idx3-ubyte", np.full((5, 34, 34), value, "u1"))
        with pytest.warns(HeadraceWarning, match="no room to move"):
            assert not PseudoNMNIST(tmp_path).get(600).any()


def test_each_digit_has_its_events(tmp_path: Path) -> None:
    stream = PseudoNMNIST(digits(tmp_path, 5, 10, 10), 0.3, (16, 16), init=0, advance=2)
    counts, labels = stream.get_with_labels(900)
    events, label = stream.get_events(1)
    assert label == 4 == labels[300]
    assert stream.i == 900
    assert len(events) == counts[0, :, 300:600].sum()
    assert events["t"].min() >= 0
    assert events["t"].max() < 300_000
    assert (stream[300:600] == stream[[*range(300, 600)]]).all()


def test_the_classic_geometry(tmp_path: Path) -> None:
    image = np.zeros((28, 28))
    image[0, 0] = 1
    seen = classic_view(image, (34, 34))
    at = [tuple(np.argwhere(frame)[0].tolist()) if frame.any() else None for frame in seen]
    assert at[0] == (7, 7)  # from 21 on, and the digit from 28 on
    assert at[20] == (3, 3)
    assert at[50] is None  # gone over the border
    assert at[299] == (7, 7)
    assert (at[200], at[199]) == (None, (7, 7)), "the column jumps"
    stream = PseudoNMNIST(digits(tmp_path), output_size=(8, 8), classic=True, threshold=1, init=0)
    block = stream.get(600)
    assert block[0, 0].any()
    assert not block[0, 1].any(), "it adds up what is never below 0"
    with pytest.raises(StreamConfigError, match="classic"):
        stream.get_events(0)


def test_a_camera_in_a_mux() -> None:
    camera = SensorStream(moving_bar(200, 12, 12, bar_v=0.01) + 0.1, DVS(0.2))
    members: list[Any] = [camera, np.zeros((50, 12, 12, 2), "f4")]
    mixed: hr.ChainMux[Any] = hr.ChainMux(members)
    found = list(mixed)
    assert len(found) == 250
    assert (np.stack(found[:200]) == camera.read(200)).all()
