"""Frames that are too many, or too large, to be drawn as they are."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace import frames, plot
from headrace.errors import DataError, HeadraceWarning, StreamConfigError
from headrace.frames import FrameStream, RandomStream, VideoReader
from support.require import require

MIB = 1 << 20
LARGE = (1024, 1024)  # 4 MiB of float32: 500 of them are 2 GB, and 16 are the 64 MiB that are drawn


@pytest.fixture
def pyplot() -> Iterator[Any]:
    found = require("matplotlib.pyplot")
    yield found
    found.close("all")


def peak(made: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and how many MiB it had at most."""
    tracemalloc.start()
    try:
        return made(), tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["handle", "recipe"])
def test_a_stream_of_large_frames_is_thinned_to_a_number_of_bytes(form: str, pyplot: Any) -> None:
    handle = RandomStream(LARGE, seed=3)
    handle.get(5)
    start = 5 if form == "handle" else 0
    figure, most = peak(lambda: plot.plot_tensor(handle if form == "handle" else handle.__recipe__(), 3))
    assert most < 120
    above, *images = figure.axes
    at = above.lines[0].get_xdata()
    assert at.tolist() == list(range(0, 500, 32)), "equally far apart, with their true numbers"
    assert above.lines[0].get_ydata()[1] == pytest.approx(handle[start + 32].mean(dtype="f8"))
    assert [each.get_title() for each in images] == ["0", "256", "480"]
    assert (np.asarray(images[1].images[0].get_array()) == handle[start + 256]).all()
    assert handle.i == 5


def test_a_part_of_large_frames_is_drawn_finer(pyplot: Any) -> None:
    figure = plot.plot_tensor(RandomStream(LARGE, seed=3), 2, tlim=(480, 490), xlim=64)
    assert figure.axes[0].lines[0].get_xdata().tolist() == list(range(480, 490))
    with pytest.raises(StreamConfigError, match="a part of 0 to 500"):
        plot.plot_tensor(RandomStream(LARGE, seed=3), tlim=(500, 510))


def test_frames_that_come_in_order_are_drawn_while_they_fit(pyplot: Any) -> None:
    once = FrameStream(np.full(LARGE, k, "f4") for k in range(24))
    figure, most = peak(lambda: plot.plot_tensor(once, 2))
    assert most < 140
    assert figure.axes[0].lines[0].get_ydata().tolist() == list(range(16))
    assert once.i == 0
    assert [float(frame[0, 0]) for frame in once] == list(range(24))
    unseeded = RandomStream(LARGE)
    figure = plot.plot_tensor(unseeded, 2)
    assert len(figure.axes[0].lines[0].get_xdata()) == 16
    assert (np.asarray(figure.axes[1].images[0].get_array()) == unseeded.get(1)[0]).all()


def test_an_array_is_not_copied_whole(pyplot: Any) -> None:
    block = np.random.default_rng(3).integers(0, 256, (2, 1, 30, 720, 1280), "u1")
    before = block.copy()
    figure, most = peak(lambda: plot.plot_tensor(block, 2))
    assert most < 60, "53 MiB of bytes are 422 of floats"
    means = [line.get_ydata() for line in figure.axes[0].lines if line.get_alpha() is None]
    assert np.array(means) == pytest.approx(block.mean(axis=(3, 4))[:, 0])
    assert (block == before).all()
    # What takes no memory as a view must take none when it is drawn.
    endless = np.broadcast_to(np.uint8(7), (1 << 20, 1 << 10, 1 << 10))
    with pytest.raises(DataError, match=r"film\[::100\]"):
        plot.tiled(endless)
    with pytest.raises(DataError, match="mean="):
        plot.plot_5d_time(endless)


def test_lines_of_large_frames_are_some(pyplot: Any) -> None:
    block = np.arange(3 * 100 * 200).reshape(3, 100, 200)
    lines = plot.plot_frames(block, "lines").axes[0].lines
    assert 900 < len(lines) <= 1000
    drawn = sorted(int(line.get_ydata()[0]) for line in lines)
    assert len({value // 200 for value in drawn}) > 20, "from all over the frame"
    assert len({value % 200 for value in drawn}) > 40
    for shape in ((5, 1, 64), (5, 64, 1)):
        assert len(plot.plot_tensor(np.zeros(shape), 1, max_lines=16).axes[0].lines) == 1 + 16


def test_large_frames_side_by_side(pyplot: Any) -> None:
    shown = plot.plot_frames(RandomStream(LARGE, seed=3), "matshow").axes[0].images[0].get_array()
    assert shown.shape == (1024, 4 * 1025 - 1)
    assert (shown[:, 1025:2049] == RandomStream(LARGE, seed=3)[125]).all()


def test_spikes_of_many_frames_are_in_their_order(pyplot: Any) -> None:
    spikes = np.random.default_rng(3).random((1, 2, 40, 300, 400)) < 0.05
    on, off = plot.plot_event_raster(spikes).lines
    for line, channel in ((on, 0), (off, 1)):
        at, pixel = line.get_xdata(), line.get_ydata()
        assert (np.diff(at) >= 0).all()
        assert len(at) > 15_000
        assert spikes[0, channel].reshape(40, -1)[at, pixel].all()
        assert set(at.tolist()) == set(range(40))
    assert len(on.get_xdata()) + len(off.get_xdata()) <= 50_000
    with pytest.raises(StreamConfigError, match="Rows come first"):
        plot.plot_event_raster(spikes, 7)


def test_frames_of_several_shapes_are_refused(pyplot: Any) -> None:
    shapes = hr.source([0, 1]) | hr.map(lambda k: np.zeros((1024, 1024 + int(k)), "f4"))
    with pytest.raises(DataError, match="1024 x 1025"):
        plot.plot_tensor(shapes)


# --- films ----------------------------------------------------------------------------------------


def test_a_film_of_large_frames_is_shrunk_and_thinned() -> None:
    stream = RandomStream((900, 1000), seed=3)
    film, most = peak(lambda: stream.preview(120, fps=20))
    assert most < 150, "412 MiB as they are"
    assert film.frames.shape == (60, 450, 500)
    assert repr(film) == (
        "<film of 60 frames (1 of 2, 450 x 500 of 900 x 1000), 10 a second: .save('film.gif') writes it>"
    )
    means = np.stack([stream[2 * k].reshape(450, 2, 500, 2).mean(axis=(1, 3)) for k in (0, 30)])
    shown = film.frames[[0, 30]].astype("f8")
    scale = np.polyfit(means.ravel(), shown.ravel(), 1)
    assert np.abs(np.polyval(scale, means) - shown).max() < 1
    assert plot.preview(stream, 2, side=100).frames.shape == (2, 90, 100)
    assert plot.preview(stream, 2, side=1000).frames.shape == (2, 900, 1000)
    with pytest.raises(StreamConfigError, match="side"):
        plot.preview(stream, 2, side=0)


def test_shrunk_colours_and_channels() -> None:
    colours = np.zeros((3, 5, 9, 3), "u1")
    colours[:, 4] = 200
    film = plot.preview(FrameStream(colours), side=5)
    assert film.frames.shape == (3, 3, 5, 3)
    assert film.frames[:, 2].min() == 200, "the edge is the mean of what there is"
    assert film.frames[:, :2].max() == 0
    spikes = np.zeros((2, 8, 8), bool)
    spikes[1, 3, 3] = True
    assert plot.preview(spikes, side=2).frames.max() == 255, "what is faint remains"
    side = plot.preview(np.zeros((4, 2, 6, 6)), side=14)
    assert side.frames.shape == (2, 2, 2 * 4 + 3 * 2)


def test_a_notebook_gets_a_bounded_film() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (40, 700, 700), "u1")
    film = plot.Film(noise, 10)
    page = film._repr_html_()
    shown = page.count("<image")
    assert 8 < shown < 20
    assert len(page) < 8.5 * MIB
    assert page.endswith(f"{shown} of 40 frames: .save('film.gif') writes all</div>")
    assert 'dur="4.000s"' in page, "it lasts as long"
    wide = plot.Film(np.zeros((2, 90, 2000, 3), "u1"), 10)
    (size,) = set(re.findall(r'<image width="(\d+)" height="(\d+)"', wide._repr_html_()))
    assert size == ("667", "30")
    assert "writes all" not in wide._repr_html_()
    assert noise.shape == film.frames.shape == (40, 700, 700)


@pytest.mark.parametrize("fps", [12.5, 0.4, 30000 / 1001])
def test_an_mp4_plays_at_the_rate_it_was_given(fps: float, tmp_path: Path) -> None:
    require("av")
    colours = np.zeros((6, 301, 27, 3), "u1")
    colours[..., 0], colours[3, ..., 1] = 200, 90
    path = plot.preview(FrameStream(colours), fps=fps).save(tmp_path / "a.mp4")
    with VideoReader(path, None, mode="rgb") as video:
        assert video.fps == pytest.approx(fps, rel=1e-4)
        assert np.diff(video.times) == pytest.approx(1 / fps, rel=1e-3)
        block = video.get(9)[0].transpose(1, 2, 3, 0)
    assert block.shape == (6, 302, 28, 3), "even sizes, which every program shows"
    assert np.abs(block[:, :301, :27].astype(int) - colours).max() < 12
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


def lasting(path: Path) -> list[int]:
    """How many milliseconds each frame of a gif stands."""
    found = []
    with require("PIL.Image").open(path) as gif:
        for k in range(gif.n_frames):
            gif.seek(k)
            found.append(gif.info["duration"])
    return found


MOVING = np.eye(60).reshape(60, 6, 10)  # one pixel that moves


@pytest.mark.parametrize("fps", [12.5, 24, 30, 34.5, 50])
def test_a_gif_plays_at_the_rate_it_was_given(fps: float, tmp_path: Path) -> None:
    require("PIL.Image")
    ends = np.cumsum(lasting(plot.preview(MOVING, fps=fps).save(tmp_path / "a.gif")))
    assert ends == pytest.approx(np.arange(1, 61) * 1000 / fps, abs=5.001), "the format counts in hundredths"


def test_a_gif_that_would_be_faster_than_programs_show_it_says_so(tmp_path: Path) -> None:
    require("PIL.Image")
    film = plot.preview(MOVING, fps=60)
    with pytest.warns(HeadraceWarning, match=r"a film of 60 frames a second, wanted 50 at most .*\n.*\.mp4 or \.svg"):
        film.save(tmp_path / "a.gif")
    assert lasting(tmp_path / "a.gif") == [20] * 60


def test_a_gif_in_which_nothing_moves_lasts_as_long(tmp_path: Path) -> None:
    require("PIL.Image")
    for n in (1, 8):
        assert sum(lasting(plot.preview(np.zeros((n, 3, 3)), fps=8).save(tmp_path / "a.gif"))) == pytest.approx(
            125 * n, abs=5
        )


# --- messages -------------------------------------------------------------------------------------


ODD: Any = float("inf")
ODD_LIST: Any = [7]
TWO = np.zeros((2, 2, 2))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: plot.plot_frames(TWO, ODD),
        lambda: plot.plot_frames(np.zeros((0, 3, 3))),
        lambda: plot.plot_frames(np.array(["a"])),
        lambda: plot.plot_tensor(TWO, tlim=(5, 5)),
        lambda: plot.plot_tensor(TWO, tlim=ODD),
        lambda: plot.plot_tensor(TWO, n_examples=ODD),
        lambda: plot.plot_5d_time(TWO, time=(7,)),
        lambda: plot.plot_5d_time(TWO, mean=(ODD,)),
        lambda: plot.tiled(TWO, dims=ODD),
        lambda: plot.tiled(TWO, border_val="most"),
        lambda: plot.tiled(TWO, border_val=ODD_LIST),
        lambda: plot.preview(TWO).save("a.mov"),
        lambda: plot.preview(frames.FrameStream(np.zeros((0, 3, 3)))),
    ],
)
def test_what_is_wrong_and_what_to_do(wrong: Callable[[], Any]) -> None:
    with pytest.raises((DataError, StreamConfigError)) as caught:
        wrong()
    first, *rest = str(caught.value).split("\n")
    assert " got " in first
    assert ", wanted " in first
    assert rest
    assert rest[0].startswith("  ")
