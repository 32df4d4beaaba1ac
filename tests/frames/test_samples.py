"""Stimuli: options that are none are told, whatever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.makers import digits
from headrace.errors import StreamConfigError
from headrace.frames import (
    EventFrameStream,
    EventStream,
    MNISTStream,
    chirp,
    gabor_kernel,
    mask_circle,
    mask_square,
    moving_bar,
    moving_grating,
    pulse,
    random_checker_stimulus,
    read_events,
    read_idx,
    sparse_input,
    write_events,
    write_idx,
)

NUMBERS: list[tuple[Any, str]] = [
    (moving_grating, "vt vx vy"),
    (moving_bar, "bar_pos bar_direction bar_width bar_v temporal_smoothing"),
    (sparse_input, "p"),
    (mask_square, "x_pos y_pos side"),
    (mask_circle, "x_pos y_pos radius"),
    (gabor_kernel, "frequency direction sigma phase"),
]
SIZES: list[tuple[Any, str]] = [
    (moving_grating, "t x y"),
    (moving_bar, "t x y"),
    (random_checker_stimulus, "t x y checker_size"),
    (sparse_input, "t x y"),
    (pulse, "t x y pulse_length"),
    (chirp, "t x y"),
    (mask_square, "x y"),
    (mask_circle, "x y"),
    (gabor_kernel, "x y"),
]


def test_stimuli_are_what_they_say() -> None:
    t, x, y = np.linspace(0, 30, 30), np.linspace(-1, 1, 7), np.linspace(-1, 1, 6)
    wave = np.sin(0.1 * t[:, None, None] + 2.0 * x[:, None] + 0.5 * y)
    assert np.allclose(moving_grating(30, 7, 6, vt=0.1, vx=2.0, vy=0.5), wave)
    bar = moving_bar(41, 41, 3, bar_pos=-1, bar_v=0.05)
    assert bar.argmax(axis=1).tolist() == [[k] * 3 for k in range(41)], "its middle moves along the rows"
    smooth = moving_bar(41, 41, 3, bar_pos=-1, bar_v=0.05, temporal_smoothing=2)
    assert smooth.max() < bar.max()
    assert np.allclose(smooth[20].argmax(axis=0), 20)
    sideways = moving_bar(5, 3, 41, bar_direction=np.pi / 2, bar_v=0.05)
    assert sideways.argmax(axis=2)[:, 0].tolist() == [0, 1, 2, 3, 4]
    light = chirp(4500, 2, 2)
    assert (light == light[:, :1, :1]).all()
    rising = np.abs(light[1750:2750, 0, 0] - 0.5)
    assert rising[:250].max() < rising[500:].max()
    crossings = np.flatnonzero(np.diff(np.sign(light[3000:4000, 0, 0] - 0.5)))
    assert np.diff(crossings)[:3].mean() > 2 * np.diff(crossings)[-3:].mean(), "faster and faster"
    assert mask_circle(21, 21, 0.5, 0, 0.3)[15, 10] == 1
    assert mask_square(21, 21, 0, -0.5, 0.4).sum() == 25
    gabor = gabor_kernel(21, 21, direction=np.pi / 2)
    assert np.allclose(gabor, gabor[::-1])
    assert gabor.min() < -0.3


@pytest.mark.parametrize(("make", "names"), NUMBERS)
def test_numbers_are_looked_at(make: Any, names: str) -> None:
    for name in names.split():
        for wrong in ("far", None, float("nan"), float("inf"), (1, 2), np.zeros((2, 2))):
            with pytest.raises(StreamConfigError, match=rf"{make.__name__}\({name}=\)"):
                make(**{name: wrong})
    for name, wrong in (
        ("bar_width", 0),
        ("sigma", 0),
        ("p", 1.1),
        ("side", -1),
        ("radius", -1),
        ("temporal_smoothing", -1),
    ):
        if name in names.split():
            with pytest.raises(StreamConfigError, match=rf"{make.__name__}\({name}=\)"):
                make(**{name: wrong})


@pytest.mark.parametrize(("make", "names"), SIZES)
def test_sizes_are_looked_at(make: Any, names: str) -> None:
    for name in names.split():
        for wrong in ("far", None, -1, 0.5, (1, 2)):
            with pytest.raises(StreamConfigError, match=rf"{make.__name__}\({name}\)"):
                make(**{name: wrong})
    with pytest.raises(StreamConfigError, match="fits into memory"):
        make(x=10**30)


def test_lengths_beyond_the_field_fill_it() -> None:
    assert pulse(3, 2, 2, pulse_length=10**30).all()
    checkers = random_checker_stimulus(50, 2, 3, checker_size=10**30, seed=3)
    assert (checkers == checkers[:, :1, :1]).all()
    assert set(np.unique(checkers)) == {0, 1}


def test_files_and_choices_that_are_none(tmp_path: Path) -> None:
    write_events(tmp_path / "a.npz", {"x": [1], "y": [1], "t": [1], "p": [1]})
    makes: list[Any] = [read_events, EventStream, EventFrameStream]
    wrong: Any
    for wrong in ("camera", [], 7):
        for make in makes:
            with pytest.raises(StreamConfigError, match=r"\(sensor=\)"):
                make(tmp_path / "a.npz", sensor=wrong)
    for wrong in (None, 7, tmp_path / "none"):
        with pytest.raises(StreamConfigError, match=r"read_idx\(path\)"):
            read_idx(wrong)
    for wrong in (None, 7, tmp_path / "none" / "a"):
        with pytest.raises(StreamConfigError, match=r"write_idx\(path\)"):
            write_idx(wrong, np.zeros(3, "u1"))
    for more in ({"rep": 10**30}, {"split": np.zeros(2)}):
        wrong = more
        with pytest.raises(StreamConfigError, match="MNISTStream"):
            MNISTStream(digits(tmp_path), **wrong)
