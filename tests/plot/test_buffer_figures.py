"""Figures of a buffer: what they hold, without a notebook; what they send, with a widget; what is drawn."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.live import DataBuffer
from headrace.plot.figure import Figure
from headrace.plot.pictures import pixels
from headrace.plot.readers import FLOOR
from support.require import require

T = np.arange(50) / 100


def buffer() -> DataBuffer:
    made = DataBuffer(maxlen=40)
    made.extend(
        {
            "timestamp": 1.7e9 + T,
            "x": np.sin(T),
            "acc": np.stack([T, -T, 2 * T], axis=1),
            "mouse": np.stack([np.arange(50), np.arange(50) ** 2], axis=1),
            "p": np.tile([0.25, 0.75], (50, 1)),
            "image": np.arange(50, dtype=np.uint8)[:, None, None, None] + np.zeros((4, 6, 3), np.uint8),
        }
    )
    return made


def until(condition: Any) -> None:
    end = monotonic() + 20
    while not condition():
        assert monotonic() < end, "what was waited for has not come to be"
        sleep(0.002)


def test_a_chart_has_the_axes_and_the_line_of_the_notebook() -> None:
    b = buffer()
    figure = b.plot("x")
    assert repr(figure) == (
        "Figure(axes=[Axis(label='t', scale=LinearScale()), "
        "Axis(label='x', orientation='vertical', scale=LinearScale())])"
    )
    (line,) = figure.marks
    assert np.array_equal(line.x, np.arange(40))
    assert np.array_equal(line.y, np.sin(T[10:]))
    b.extend({name: column[-3:] for name, column in b.as_dict().items()})
    assert np.array_equal(line.y, b["x"])
    assert np.array_equal(line.y[-3:], np.sin(T[-3:]))


def test_several_lines_and_another_column_across() -> None:
    figure = buffer().plot("acc", x_key="timestamp")
    assert [axis.label for axis in figure.axes] == ["timestamp", "acc"]
    assert figure.marks[0].y.shape == (3, 40)
    assert np.array_equal(figure.marks[0].y[2], 2 * T[10:])
    assert np.array_equal(figure.marks[0].x, 1.7e9 + T[10:])
    assert np.array_equal(buffer().plot("acc_1").marks[0].y, -T[10:])


def test_a_column_of_another_pace_stands_at_its_own_times() -> None:
    b = DataBuffer()
    b.extend({"timestamp": np.arange(8.0), "x": np.zeros(8), "slow": np.array([1.0, 2.0])})
    b.extend({"timestamp": np.arange(8.0, 12.0), "x": np.zeros(4), "slow": np.array([3.0])})
    mark = b.plot("slow", x_key="timestamp").marks[0]
    assert mark.x.shape == mark.y.shape == (3,)
    assert np.array_equal(mark.x, b.timestamps("slow"), equal_nan=True)


@pytest.mark.parametrize("window_size", [None, 256])
def test_a_spectrogram_shows_the_newest_spectrum_in_decibels(window_size: int | None) -> None:
    spectra = np.fft.rfft(np.sin(2 * np.pi * 7 * np.arange(256) / 100) * np.ones((3, 1))) / 256
    spectra[-1, 0] = 0
    b = DataBuffer(data={"s": spectra})
    figure = b.plot("s", plot_type="spectrogram", sample_rate=100, window_size=window_size)
    assert [axis.label for axis in figure.axes] == ["Hz", "db"]
    x, y, *_ = figure.marks[0].data
    assert x[np.argmax(y)] == pytest.approx(7, abs=0.2)
    assert y[0] == 10 * np.log10(FLOOR)
    assert np.array_equal(y[1:], 10 * np.log10(np.abs(spectra[-1, 1:])))


def test_a_window_that_is_not_the_spectrums_is_refused() -> None:
    b = DataBuffer(data={"s": np.zeros((2, 129), complex)})
    with pytest.raises(DataError, match="129 bins, wanted 256 or 257"):
        b.plot("s", "spectrogram", window_size=1)


def test_spectra_of_several_channels_are_lines() -> None:
    b = DataBuffer(data={"s": np.ones((2, 3, 5), complex)})
    assert b.plot("s", "spectrogram").marks[0].y.shape == (3, 5)


def test_a_trace_runs_downwards_as_on_a_screen() -> None:
    figure = buffer().plot("mouse", plot_type="trace2D")
    assert [axis.label for axis in figure.axes] == ["x", "y"]
    x, y, *_ = figure.marks[0].data
    assert (x[-1], y[-1]) == (49, -(49**2))
    unsigned = DataBuffer(data={"m": np.array([[1, 2]], np.uint16)}).plot("m", "trace2D")
    assert unsigned.marks[0].y.tolist() == [-2.0]


def test_a_histogram_has_a_bar_for_each_class() -> None:
    b = buffer()
    figure = b.plot("p", plot_type="histogram", class_names=["up", "down"])
    assert [axis.label for axis in figure.axes] == ["", "Probability"]
    assert figure.marks[0].x.tolist() == ["up", "down"]
    assert figure.marks[0].y.tolist() == [0.25, 0.75]
    assert b.plot("p", "histogram").marks[0].x.tolist() == ["0", "1"]
    with pytest.raises(DataError, match="3 class_names"):
        b.plot("p", "histogram", class_names="abc")


def test_a_video_shows_the_newest_picture() -> None:
    b = buffer()
    figure = b.plot("image", plot_type="video")
    assert figure.axes == []
    picture = figure.marks[0]
    assert picture.image.shape == (4, 6, 3)
    assert int(picture.image[0, 0, 0]) == 49
    assert picture.value[:2] == b"\xff\xd8" or picture.value[:4] == b"\x89PNG"
    assert "<image" in figure.to_svg().data


def test_pictures_of_every_dtype() -> None:
    assert pixels(np.array([[True, False]]), "m").tolist() == [[255, 0]]
    assert pixels(np.array([[300, -1, 7]]), "m").tolist() == [[255, 0, 7]]
    assert pixels(np.zeros((2, 3, 4), np.uint8), "m").shape == (2, 3, 3)
    assert pixels(np.array([[0.0, 200.4, np.nan]]), "m").tolist() == [[0, 200, 0]]
    with pytest.raises(DataError, match=r"\(rows, columns\)"):
        pixels(np.zeros(3), "m")


@pytest.mark.parametrize(
    ("key", "kind", "more", "error", "match"),
    [
        ("nothing", "chart", {}, KeyError, "nothing"),
        ("acd", "chart", {}, KeyError, r"got the column 'acd', wanted one of .*\n  Did you mean 'acc'"),
        ("x", "chart", {"x_key": "acd"}, KeyError, "Did you mean 'acc'"),
        ("x", "pie", {}, StreamConfigError, "'chart', 'spectrogram', 'trace2D', 'histogram', 'video'"),
        ("x", "chart", {"sample_rate": 1}, StreamConfigError, "got sample_rate, wanted one of x_key"),
        ("x", "trace2D", {"colour": 1}, StreamConfigError, "no arguments"),
        ("x", "spectrogram", {}, DataError, "FourierTransform"),
        ("p", "spectrogram", {"sample_rate": 0}, StreamConfigError, "more than 0"),
        ("x", "trace2D", {}, DataError, "points"),
        ("x", "histogram", {}, DataError, "classes"),
        ("x", "video", {}, DataError, "rows, columns"),
        ("x", "chart", {"x_key": "acc"}, DataError, "acc_0"),
        ("x", "chart", {"x_key": "y"}, KeyError, "y"),
    ],
)  # fmt: skip
def test_a_first_draw_that_fails_raises_and_leaves_nothing(
    key: str, kind: str, more: dict[str, Any], error: type[Exception], match: str
) -> None:
    b = buffer()
    with pytest.raises(error, match=match):
        b.plot(key, plot_type=kind, **more)
    assert not b._watchers, "nobody is told of changes"


def test_complex_and_text_columns_are_no_charts() -> None:
    b = DataBuffer(data={"c": np.ones(3, complex), "s": np.array(["a", "b", "c"])})
    with pytest.raises(DataError, match="plot_type='spectrogram'"):
        b.plot("c")
    with pytest.raises(DataError, match="real numbers"):
        b.plot("s")


def test_a_figure_that_nobody_holds_is_gone_and_the_buffer_forgets_it() -> None:
    b = buffer()
    figure = weakref.ref(b.plot("x"))
    assert figure() is None, "no cycle keeps it"
    assert not b._watchers
    kept = buffer().plot("x")  # the figure keeps its buffer
    gc.collect()
    assert len(kept.marks[0].y) == 40


def test_a_closed_figure_stays_as_it_was() -> None:
    b = buffer()
    figure = b.plot("x")
    figure.close()
    figure.close()
    before = figure.marks[0].y
    b.extend({name: column[:5] for name, column in b.as_dict().items()})
    assert figure.marks[0].y is before
    assert not b._watchers


def test_what_a_figure_showed_does_not_change() -> None:
    b = buffer()
    mark = b.plot("x").marks[0]
    before, copy = mark.y, mark.y.copy()
    for _ in range(5):
        b.extend({name: column[:30] for name, column in b.as_dict().items()})
    assert np.array_equal(before, copy)


def test_a_column_that_cannot_be_shown_any_more_is_told_to_who_looks_not_to_who_fills() -> None:
    b = buffer()
    figure = b.plot("p", "histogram", class_names=["a", "b"])
    b["p"] = np.zeros((4, 3))
    with pytest.raises(DataError, match="class_names"):
        figure.marks[0].data
    b["p"] = np.ones((4, 2))
    assert figure.marks[0].y.tolist() == [1.0, 1.0]


def test_x_and_y_are_of_one_moment_while_a_thread_fills() -> None:
    b = DataBuffer(maxlen=64)
    b.extend({"t": np.arange(64.0), "x": np.arange(64.0)})
    figure = b.plot("x", x_key="t")
    stop = threading.Event()

    def fill() -> None:
        n = 64
        while not stop.is_set():
            b.extend({"t": np.arange(n, n + 7.0), "x": np.arange(n, n + 7.0)})
            n += 7

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        for _ in range(300):
            x, y, *_ = figure.marks[0].data
            assert np.array_equal(x, y)
    finally:
        stop.set()
        thread.join()


def test_plotting_loads_no_package_for_pages() -> None:
    code = (
        "import sys; from headrace.live import DataBuffer; b = DataBuffer(data={'x': [1.0, 2.0]});"
        "f = b.plot('x'); b.extend({'x': [3.0]}); f.to_svg(); f._repr_mimebundle_();"
        "print([m for m in ('anywidget', 'ipywidgets', 'matplotlib', 'IPython', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


# --- drawings -------------------------------------------------------------------------------------

KINDS: list[tuple[str, str, dict[str, Any]]] = [
    ("x", "chart", {}),
    ("acc", "chart", {"x_key": "timestamp"}),
    ("mouse", "trace2D", {}),
    ("p", "histogram", {"class_names": ["<up>", "down & out"]}),
    ("image", "video", {}),
]


@pytest.mark.parametrize(("key", "kind", "more"), KINDS)
def test_every_kind_is_drawn(key: str, kind: str, more: dict[str, Any], tmp_path: Path) -> None:
    figure = buffer().plot(key, kind, **more)
    with pytest.raises(StreamConfigError, match=r"got 'figure.png', wanted a name that ends in .svg"):
        figure.save(tmp_path / "figure.png")
    assert not list(tmp_path.iterdir())
    path = figure.save(tmp_path / "figure.svg")
    root = ElementTree.fromstring(path.read_text())
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {axis.label for axis in figure.axes} - {""} <= set(texts)
    assert set(more.get("class_names", ())) <= set(texts)
    bundle = figure._repr_mimebundle_()
    assert bundle["text/plain"] == repr(figure)
    assert bundle["image/svg+xml"] == path.read_text()


def test_a_line_goes_through_its_points_and_leaves_gaps() -> None:
    b = DataBuffer(data={"x": np.array([0.0, 1.0, np.nan, 1.0, 0.0])})
    text = b.plot("x").to_svg().data
    (path,) = text.split("<path")[1:]
    assert path.count("M") == 2
    assert path.count("L") == 2


@pytest.mark.parametrize(
    "rows", [np.zeros(0), np.full(3, np.nan), np.array([1.0]), np.array([np.inf, 1.0]), np.zeros(5)]
)
def test_odd_columns_are_drawn_too(rows: Any) -> None:
    b = DataBuffer(data={"x": np.ones(9)})
    b["x"] = rows
    ElementTree.fromstring(b.plot("x").to_svg().data)


def test_a_long_line_is_drawn_with_few_points_and_keeps_its_peaks() -> None:
    rows = np.zeros(100_000)
    rows[54_321] = 7.0
    b = DataBuffer(data={"x": rows})
    text = b.plot("x").to_svg().data
    assert len(text) < 40_000
    assert "7" in [each.text for each in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")] or (
        ">6<" in text
    )
    assert len(b.plot("x").marks[0].y) == 100_000, "the data is whole"


def test_unix_seconds_are_written_as_the_time_of_day() -> None:
    import re

    def texts(figure: Figure) -> list[str]:
        root = ElementTree.fromstring(figure.to_svg().data)
        return [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]

    for seconds, wanted in ((0.5, r"\d\d:\d\d:\d\d\.\d"), (40, r"\d\d:\d\d:\d\d"), (9000, r"\d\d:\d\d")):
        b = DataBuffer(data={"timestamp": 1.7e9 + np.linspace(0, seconds, 50), "x": np.zeros(50)})
        assert sum(bool(re.fullmatch(wanted, each)) for each in texts(b.plot("x", x_key="timestamp"))) >= 3
    b = DataBuffer(data={"timestamp": np.linspace(0, 4, 50), "x": np.zeros(50)})
    assert "4" in texts(b.plot("x", x_key="timestamp")), "the seconds of a run are numbers"


# --- widgets --------------------------------------------------------------------------------------


@pytest.fixture
def shown() -> Any:
    require("anywidget")
    b = buffer()
    figure = b.plot("acc", x_key="timestamp")
    yield b, figure, figure.widget
    figure.close()
    until(lambda: not any(thread.name == "headrace-painter" for thread in threading.enumerate()))


def numbers(data: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(data, "<f8")


def test_a_widget_is_sent_what_the_figure_holds(shown: Any) -> None:
    b, figure, widget = shown
    assert [axis["label"] for axis in widget.spec["axes"]] == ["timestamp", "acc"]
    until(lambda: widget.frame["n"] == 1)
    widget._handle_custom_msg({"drawn": 1}, [])
    b.extend({name: column[:7] for name, column in b.as_dict().items()})
    until(lambda: widget.frame["n"] == 2)
    lines = widget.frame["marks"][0]["lines"]
    assert len(lines) == 3
    assert np.array_equal(numbers(lines[2]["y"]), figure.marks[0].y[2])
    assert np.array_equal(numbers(lines[0]["x"]), b["timestamp"])
    assert figure.widget is widget


def test_many_changes_are_few_frames_and_the_last_is_shown(shown: Any) -> None:
    b, _, widget = shown
    row = {name: column[:1] for name, column in b.as_dict().items()}
    for k in range(2000):
        b.extend({**row, "acc": np.full((1, 3), float(k))})
    until(lambda: numbers(widget.frame["marks"][0]["lines"][0]["y"])[-1] == 1999.0)
    assert widget.frame["n"] < 500


def test_a_page_that_draws_slowly_is_sent_few_frames(shown: Any) -> None:
    """Three frames may be under way; beyond that, four a second go out at most, in case the kernel hears nothing."""
    from headrace.plot.screen import AT_LEAST

    b, _, widget = shown
    row = {name: column[:1] for name, column in b.as_dict().items()}
    began = monotonic()
    while monotonic() - began < 1.0:
        b.extend(row)
        sleep(0.002)
    assert widget.frame["n"] <= 4 + (monotonic() - began) / AT_LEAST


def test_what_a_page_says_it_has_drawn_is_believed_if_it_is_a_number(shown: Any) -> None:
    _, _, widget = shown
    screen = widget.keeps[1]
    for told in ({"drawn": 3}, {"drawn": "7"}, {"drawn": 2}, {}, "drawn", None):
        widget._handle_custom_msg(told, [])
    assert screen.drawn == 3


def test_a_closed_figure_sends_nothing(shown: Any) -> None:
    b, figure, widget = shown
    figure.close()
    n = widget.frame["n"]
    b.extend({name: column[:1] for name, column in b.as_dict().items()})
    sleep(0.1)
    assert widget.frame["n"] == n


def test_what_cannot_be_shown_any_more_is_told_on_the_page(shown: Any) -> None:
    b, _, widget = shown
    b["timestamp"] = np.array(["a", "b"])
    until(lambda: "error" in widget.frame)
    assert "real numbers" in widget.frame["error"]


def test_in_a_kernel_the_bundle_has_the_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    require("anywidget")
    shell = require("IPython")
    monkeypatch.setattr(shell, "get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    figure = buffer().plot("x")
    bundle = figure._repr_mimebundle_()
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == figure.widget.model_id
    assert "image/svg+xml" in bundle
    figure.close()


def test_without_anywidget_a_kernel_shows_the_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    from headrace.plot import screen

    shell = require("IPython")
    monkeypatch.setattr(shell, "get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    monkeypatch.setitem(sys.modules, "anywidget", None)
    screen.widget_class.cache_clear()
    assert set(buffer().plot("x")._repr_mimebundle_()) == {"text/plain", "image/svg+xml"}


def test_a_figure_is_what_plot_returns() -> None:
    assert isinstance(buffer().plot("x"), Figure)


def test_a_line_with_gaps_keeps_the_peaks_beside_them() -> None:
    from headrace.plot.thinned import thinned

    y = np.sin(np.arange(10_007) / 50)
    y[5000:5003], y[4999], y[-1] = np.nan, 9.0, -9.0
    y[:64] = np.nan
    x, kept = thinned(np.arange(len(y)), y, 100)
    assert len(x) <= 202
    assert (np.nanmax(kept), np.nanmin(kept)) == (9.0, -9.0)
    assert (np.diff(x) >= 0).all()
    assert np.array_equal(kept, y[x], equal_nan=True)


def test_a_figure_nobody_looks_at_holds_no_rows() -> None:
    """The buffer writes over rows that nobody has; what a figure showed once would make it allocate anew, lap by lap."""
    b = buffer()
    figure = b.plot("x")
    assert len(figure.marks[0].y) == 40
    b.extend({name: column[:1] for name, column in b.as_dict().items()})
    assert figure._live._shown is None
    assert len(figure.marks[0].y) == 40


def test_what_comes_while_a_figure_is_made_is_shown() -> None:
    class Slow(DataBuffer):
        def watch(self, callback: Any) -> Any:
            self.extend({"x": [5.0]})
            return super().watch(callback)

    b = Slow(data={"x": [1.0]})
    assert b.plot("x").marks[0].y.tolist() == [1.0, 5.0]


def test_large_figures_are_painted_less_often() -> None:
    from headrace.plot.painter import REST, Painter

    painter, times = Painter(period=0.001), []

    def paint() -> bool:
        times.append(monotonic())
        sleep(0.02)
        return len(times) == 4

    painter.want(paint)
    until(lambda: len(times) == 4 and painter._thread is None)
    assert min(np.diff(times)) >= 0.02 * REST


def test_a_long_line_that_moves_on_keeps_its_points() -> None:
    from headrace.plot.thinned import parts

    rng = np.random.default_rng(0)
    b = DataBuffer(maxlen=10_000)
    b.extend({"t": np.arange(12_345.0), "x": rng.normal(size=12_345)})
    figure, shown = b.plot("x", x_key="t"), []
    for _ in range(4):
        x, y, _, first = figure.marks[0].data
        ((x, y),) = parts(x, y, first)
        shown.append(dict(zip(x.tolist(), y.tolist(), strict=True)))
        b.extend({"t": np.arange(37.0) + b.total, "x": rng.normal(size=37)})
    for one, other in pairwise(shown):
        inner = range(int(min(other)) + 16, int(max(one)) - 16)  # but for the stretches at the ends
        assert {t: v for t, v in one.items() if t in inner} == {t: v for t, v in other.items() if t in inner}
    assert b.total == 12_345 + 4 * 37
