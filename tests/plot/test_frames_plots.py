"""Frames and events as figures and films."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace import frames, plot
from headrace.errors import DataError, StreamConfigError
from headrace.frames import (
    DVS,
    EventStream,
    FrameStream,
    RandomStream,
    SensorStream,
    SequenceStream,
    moving_bar,
    write_events,
)
from support.require import require

BAR = moving_bar(40, 6, 8, bar_v=0.05).astype("f4")


@pytest.fixture
def pyplot() -> Iterator[Any]:
    found = require("matplotlib.pyplot")
    before = dict(require("matplotlib").rcParams)
    yield found
    found.close("all")
    assert dict(require("matplotlib").rcParams) == before


def test_a_figure_by_what_frames_are(pyplot: Any) -> None:
    one_pixel = plot.plot_frames(np.sin(np.arange(50)))
    (axes,) = one_pixel.axes
    assert axes.lines[0].get_ydata() == pytest.approx(np.sin(np.arange(50)))
    (axes,) = plot.plot_frames(BAR[0]).axes
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(BAR[0])
    assert len(plot.plot_frames(BAR).axes) == 6
    (axes,) = plot.plot_frames(BAR, "lines").axes
    assert len(axes.lines) == 48
    (axes,) = plot.plot_frames(BAR, "matshow").axes
    assert axes.images[0].get_array().shape == (6, 40 * 9 - 1)
    mode: Any = "pie"
    with pytest.raises(StreamConfigError, match="mode="):
        plot.plot_frames(BAR, mode)
    for wrong in (np.array(["a"]), np.zeros((0, 3, 3)), 3.0):
        with pytest.raises(DataError):
            plot.plot_frames(wrong)


def test_plot_takes_frames_too(pyplot: Any) -> None:
    stream = RandomStream((4, 4), seed=3)
    axes = plot.plot(stream, title="noise")
    assert axes.get_title() == "noise"
    assert len(axes.figure.axes) == 6
    assert stream.i == 0
    assert len(plot.plot(BAR).figure.axes) == 6
    with pytest.raises(StreamConfigError, match="figure of their own"):
        plot.plot(BAR, axes)


def test_blocks_in_every_form(pyplot: Any) -> None:
    colour = np.random.default_rng(3).random((1, 3, 10, 4, 5))
    for block, lanes in ((BAR, 1), (colour, 3), (colour[0], 3), (np.stack([colour] * 2)[:, 0], 6), (colour[None], 3)):
        figure = plot.plot_tensor(block, n_examples=4)
        assert len(figure.axes) == 1 + 4 * lanes
    torch = require("torch")
    assert len(plot.plot_tensor(torch.ones(3, 2, 2, requires_grad=True), 2).axes) == 3


def test_columns_of_a_film_look_like_the_film(pyplot: Any) -> None:
    for channels in (1, 2, 3, 4):
        film = SequenceStream(np.random.default_rng(3).integers(0, 256, (1, channels, 12, 6, 8), "u1"))
        for columns in (film[:12], np.asarray(film), film.peek(12)):
            assert np.array_equal(plot.preview(columns, n=12).frames, plot.preview(film, n=12).frames)
            assert np.array_equal(plot.tiled(columns), plot.tiled(film))
            one, two = (plot.plot_tensor(each, n_examples=4) for each in (columns, film))
            assert len(one.axes) == len(two.axes) == 1 + 4 * channels
            assert np.array_equal(one.axes[1].images[0].get_array(), two.axes[1].images[0].get_array())
            assert len(plot.plot_frames(columns).axes) == len(plot.plot_frames(film).axes)
            pyplot.close("all")


def test_what_a_tensor_plot_shows(pyplot: Any) -> None:
    figure = plot.plot_tensor(BAR, 3, max_lines=4, tlim=(10, 31), xlim=4, ylim=(2, 8), title="bar")
    above, *images = figure.axes
    part = BAR[10:31, :4, 2:8]
    assert above.get_title() == "bar"
    assert above.lines[0].get_xdata().tolist() == list(range(10, 31))
    assert above.lines[0].get_ydata() == pytest.approx(part.mean(axis=(1, 2)))
    assert 2 <= len(above.lines) - 1 <= 16
    band = above.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((part.min(), part.max()))
    assert [each.get_title() for each in images] == ["10", "20", "30"]
    for each, frame in zip(images, part[[0, 10, 20]], strict=True):
        assert np.asarray(each.images[0].get_array()) == pytest.approx(frame)
        assert each.images[0].get_clim() == pytest.approx((part.min(), part.max()))
    small = plot.plot_tensor(np.zeros((5, 4, 3, 2, 2)), resize_small_figures=False).get_size_inches()
    assert plot.plot_tensor(np.zeros((5, 4, 3, 2, 2))).get_size_inches()[1] > small[1]
    for wrong in ({"n_examples": 0}, {"max_lines": -1}, {"tlim": (5, 5)}, {"xlim": 0}, {"ylim": "all"}):
        with pytest.raises(StreamConfigError):
            plot.plot_tensor(BAR, **wrong)


def test_a_stream_that_is_drawn_does_not_move(pyplot: Any) -> None:
    stream = RandomStream((4, 4), seed=3)
    stream.get(5)
    figure = plot.plot_tensor(stream, 2, tlim=10)
    assert np.asarray(figure.axes[1].images[0].get_array()) == pytest.approx(stream[5])
    assert stream.plot("lines").axes
    assert plot.preview(stream, 7).frames.shape == (7, 4, 4)
    assert stream.i == 5
    assert stream.get(1).shape == (1, 4, 4)
    camera = SensorStream(BAR + 0.1, DVS(0.1))
    assert len(plot.plot_tensor(camera, 2).axes) == 5, "ON and OFF"
    assert len(plot.plot_tensor(hr.source(BAR), 2).axes) == 3
    once = FrameStream(frame for frame in BAR)
    assert len(once.preview(10)) == 10
    assert len(list(once)) == 40


def test_lines_and_tiles_as_arrays(pyplot: Any) -> None:
    found = plot.plot_5d_time(BAR, mean=True)
    assert found[:, 0] == pytest.approx(BAR.mean(axis=(1, 2)))
    assert plot.plot_5d_time(BAR, mean=(3,)).shape == (40, 8)
    assert plot.plot_5d_time(BAR, time=(2, 3)).shape == (240, 8)
    block = np.arange(2 * 1 * 3 * 2 * 2).reshape(2, 1, 3, 2, 2)
    image = plot.plot_5d_matshow(block, border_val="max")
    assert image.shape == (5, 8)
    assert image[:2, :2].tolist() == block[0, 0, 0].tolist()
    assert image[3:, 6:].tolist() == block[1, 0, 2].tolist()
    assert (image[2] == 23).all()
    assert plot.tiled(block, border=False).shape == (4, 6)
    assert plot.tiled(block, dims=((2, 3), (0, 1, 4))).shape == (8, 5)
    for wrong in ({"dims": ((0, 1), (2, 3))}, {"dims": 3}, {"border_val": "most"}):
        with pytest.raises(StreamConfigError):
            plot.tiled(block, **wrong)
    with pytest.raises(StreamConfigError):
        plot.plot_5d_time(BAR, time=(7,))


# --- films ----------------------------------------------------------------------------------------


def test_a_film_in_a_notebook_moves_and_needs_nothing() -> None:
    film = plot.preview(BAR, n=5, fps=10)
    assert repr(film) == "<film of 5 frames, 10 a second: .save('film.gif') writes it>"
    page = film._repr_html_()
    pictures = re.findall(r'href="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 5
    assert page.count("<animate") == 5
    assert 'dur="0.500s"' in page
    image = require("PIL.Image")
    shown = np.asarray(image.open(BytesIO(base64.b64decode(pictures[2]))))
    assert np.abs(shown / 255 - (BAR[2] - BAR[:5].min()) / np.ptp(BAR[:5])).max() < 0.01
    code = "import sys; sys.modules.update(dict.fromkeys(['matplotlib', 'PIL', 'av'])); import numpy as np; "
    code += "from headrace.plot import preview; print(len(preview(np.eye(4)[None])._repr_html_()))"
    assert int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60).stdout) > 100


def test_colours_are_what_they_are() -> None:
    columns = np.zeros((2, 4, 4, 3), "u1")
    columns[..., 0], columns[..., 1] = 200, 7
    film = plot.preview(columns.transpose(3, 0, 1, 2)[None])
    assert (film.frames == columns).all()
    assert (plot.preview(FrameStream(columns)).frames == columns).all()
    assert (plot.preview(columns.transpose(3, 0, 1, 2)[None] / 255.0).frames == columns).all()
    side = plot.preview(np.zeros((2, 2, 3, 4, 5)))
    assert side.frames.shape == (3, 4, 4 * 5 + 3 * 2), "batches and channels side by side"


def test_bytes_are_shown_as_they_are_and_other_values_stretched() -> None:
    dim = np.array([50, 75, 100], "u1").reshape(3, 1, 1) * np.ones((4, 4), "u1")
    for shown in (plot.preview(dim), FrameStream(dim).preview(), plot.preview(dim, side=2)):
        assert shown.frames[:, 0, 0].tolist() == [50, 75, 100]
    lanes = plot.preview(np.stack([dim, dim])[:, np.newaxis])
    assert lanes.frames[:, 0, 0].tolist() == [50, 75, 100]
    assert plot.preview(dim.astype("f4")).frames[:, 0, 0].tolist() == [0, 128, 255]
    assert plot.preview(dim > 60).frames[:, 0, 0].tolist() == [0, 255, 255]


def test_films_in_files(tmp_path: Path) -> None:
    film = plot.preview(BAR, 12, fps=20)
    image = require("PIL.Image")
    with image.open(film.save(tmp_path / "a.gif")) as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"]) == (12, (8, 6), 50)
        gif.seek(3)
        assert np.abs(np.asarray(gif.convert("L")).astype(int) - film.frames[3]).max() <= 2
    assert film.save(tmp_path / "a.svg").read_text().startswith("<svg")
    require("av")
    reader = frames.VideoReader(film.save(tmp_path / "a.mp4"), None, mode="mean")
    with reader:
        block = reader.get(99)
        assert len(block) == 12
        assert reader.fps == pytest.approx(20)
        zoom = block.shape[1] // 6
        assert np.abs(block[3][zoom // 2 :: zoom, zoom // 2 :: zoom] - film.frames[3]).mean() < 12
    with pytest.raises(StreamConfigError, match=r"\.gif, \.mp4 or \.svg"):
        film.save(tmp_path / "a.mov")
    for wrong in ({"n": 0}, {"fps": 0}):
        with pytest.raises(StreamConfigError):
            plot.preview(BAR, **wrong)


# --- events ---------------------------------------------------------------------------------------


def test_a_raster_has_a_mark_for_each_event(pyplot: Any) -> None:
    events = DVS(0.1).events(BAR + 0.1)
    axes = plot.plot_event_raster(events, (6, 8))
    on, off = axes.lines
    assert len(on.get_xdata()) == (events["p"] == 1).sum() > 0
    assert len(off.get_xdata()) == (events["p"] == 0).sum() > 0
    k = int(np.flatnonzero(events["p"])[7])
    assert (on.get_xdata()[7], on.get_ydata()[7]) == (events["t"][k] / 1e3, events["y"][k] * 8 + events["x"][k])
    many = np.resize(events, 200_000)
    assert sum(len(line.get_xdata()) for line in plot.plot_event_raster(many).lines) <= 50_000
    spikes = np.zeros((9, 2, 3), bool)
    spikes[4, 1, 2] = True
    (line, _) = plot.plot_event_raster(spikes, ax=axes).lines[-2:]
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([4], [5])
    with pytest.raises(DataError):
        plot.plot_event_raster({"x": [1]})


def test_a_raster_of_a_stream_of_events(pyplot: Any, tmp_path: Path) -> None:
    n = np.arange(150_000)
    events = {"x": n % 40, "y": n // 5000, "t": n * 7, "p": n % 2}
    write_events(tmp_path / "a.npz", events)
    stream = EventStream(tmp_path / "a.npz")
    for line, other in zip(plot.plot_event_raster(stream).lines, plot.plot_event_raster(events).lines, strict=True):
        assert line.get_xdata().tolist() == other.get_xdata().tolist()
        assert line.get_ydata().tolist() == other.get_ydata().tolist()
    few = plot.plot_event_raster(stream | hr.take(3)).lines
    assert [line.get_xdata().tolist() for line in few] == [[0.007], [0.0, 0.014]]
    assert [line.get_xdata().tolist() for line in plot.plot_event_raster(stream | hr.take(0)).lines] == [[], []]
    with pytest.raises(DataError, match=r"plot_event_raster\(size=\) got 29 x 40 .* up to row 29, column 39"):
        plot.plot_event_raster(stream, (29, 40))


def test_time_surfaces_side_by_side(pyplot: Any) -> None:
    events = {"x": [0, 1], "y": [0, 0], "t": [0, 30_000], "p": [1, 0]}
    on, off = plot.plot_time_surface(events, (1, 2), tau=0.03).axes
    assert np.asarray(on.images[0].get_array()) == pytest.approx(np.array([[np.exp(-1), 0]]))
    assert np.asarray(off.images[0].get_array()) == pytest.approx(np.array([[0, 1.0]]))
