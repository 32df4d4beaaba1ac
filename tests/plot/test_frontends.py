"""Pictures of a running system, and dashboards of them."""

from __future__ import annotations

import gc
import threading
from time import monotonic, sleep
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import headrace.signals as s
from headrace.errors import StreamConfigError
from headrace.live import DataBuffer, System, Table
from headrace.plot.dashboard import WidgetDashboard
from headrace.plot.frontend_base import FrontendBase
from headrace.plot.frontends import Bar, Histogram, Line, Scatter, Video
from support.require import require

N = 300
COLUMNS = {
    "timestamp": 1.7e9 + np.arange(N) / 100,
    "x": np.sin(np.arange(N) / 10),
    "acc": np.arange(3.0 * N).reshape(N, 3),
    "image": np.arange(N * 24, dtype=np.int64).astype(np.uint8).reshape(N, 4, 6),
}


def until(condition: Any) -> None:
    end = monotonic() + 20
    while not condition():
        assert monotonic() < end, "what was waited for has not come to be"
        sleep(0.002)


def system(*functions: Any) -> System:
    return System(Table(COLUMNS, lines_per_read=40), list(functions))


def played(of: System) -> None:
    with of:
        assert of.join(20)


def test_a_line_shows_the_newest_rows() -> None:
    of = system()
    line = Line(of, "timestamp", "x", n_visible_points=50)
    assert line.marks[0].y.shape == (0,)
    assert [axis.label for axis in line.axes] == ["timestamp", "x"]
    played(of)
    assert np.array_equal(line.marks[0].x, COLUMNS["timestamp"][-50:])
    assert np.array_equal(line.marks[0].y, COLUMNS["x"][-50:])
    line.close()
    assert list(of.stats()["consumers"]) == ["read"]


@pytest.mark.parametrize(
    ("access", "label", "wanted"),
    [
        (("acc", 1), "acc_1", COLUMNS["acc"][-5:, 1]),
        (("acc", [0, 2]), "acc", COLUMNS["acc"][-5:, [0, 2]].T),
        ("acc", "acc", COLUMNS["acc"][-5:].T),
    ],
    ids=["one", "some", "all"],
)
def test_what_is_shown_of_a_column(access: Any, label: str, wanted: Any) -> None:
    of = system()
    line = Line(of, ("acc", 0), access, n_visible_points=5)
    played(of)
    assert line.axes[1].label == label
    assert np.array_equal(line.marks[0].y, wanted)
    assert np.array_equal(line.marks[0].x, COLUMNS["acc"][-5:, 0])
    line.close()


def test_scales_ranges_and_turned_axes_are_drawn() -> None:
    of = system(s.Exp("x", name="big", base=10.0))
    line = Line(of, "timestamp", "big", y_scale="log", y_range=(0.1, 10), flip_x=True)
    plain = Line(of, "timestamp", "big", y_scale="log", y_range=(0.1, 10))
    played(of)
    assert repr(line.axes[1].scale) == "LogScale(min=0.1, max=10)"
    assert line.axes[0].scale.reverse
    a, b = (each.to_svg().data.split('<path d="M')[1].split("L")[0].split() for each in (line, plain))
    assert float(a[0]) > 500 > 100 > float(b[0]), "the first point is on the right"
    assert a[1] == b[1]
    texts = [each.text for each in ElementTree.fromstring(line.to_svg().data).iter("{http://www.w3.org/2000/svg}text")]
    assert {"0.1", "1", "10"} <= set(texts)
    line.close()
    plain.close()


def test_a_slower_column_stands_at_its_own_times() -> None:
    of = system(s.FourierTransform("x", name="spectrum", window_size=64, window_overlap=32))
    loud = Line(of, "timestamp", "level", n_visible_points=400)
    of.add_derived_signal(s.Scale("x", name="level", scale_factor=2.0))
    slow = Scatter(of, "timestamp", ("mean", 0), n_visible_points=400)
    of.add_derived_signal(s.Abs("spectrum", name="mean"))
    played(of)
    assert loud.marks[0].y.shape == (N,)
    x, y, *_ = slow.marks[0].data
    assert x.shape == y.shape == ((N - 64) // 32 + 1,)
    assert np.allclose(x, COLUMNS["timestamp"][63::32][: len(x)])
    loud.close()
    slow.close()


def test_a_histogram_counts_the_newest_values() -> None:
    of = system()
    histogram = Histogram(of, ("acc", 0), bin_count=4, lookback_size=20, x_range=(0, None))
    played(of)
    newest = COLUMNS["acc"][-20:, 0]
    counts, edges = np.histogram(newest, bins=4, range=(0, newest.max()))
    assert histogram.marks[0].y.tolist() == counts.tolist() == [0, 0, 0, 20]
    assert np.array_equal(histogram.marks[0].x, (edges[1:] + edges[:-1]) / 2)
    histogram.close()


def test_bars_are_the_newest_row() -> None:
    of = system()
    bar = Bar(of, ("acc", [0, 2]), x_names=["x", "z"], y_range=(0, 1000))
    numbered = Bar(of, "acc")
    played(of)
    assert bar.marks[0].y.tolist() == COLUMNS["acc"][-1, [0, 2]].tolist()
    assert bar.marks[0].x.tolist() == ["x", "z"]
    assert numbered.marks[0].x.tolist() == ["0", "1", "2"]
    assert bar.axes[1].scale.max == 1000
    bar.close()
    numbered.close()


def test_a_video_is_the_newest_picture() -> None:
    of = system()
    film: Any = Video(of, "image")
    assert film.marks[0].value == b""
    played(of)
    assert np.array_equal(film.marks[0].image, COLUMNS["image"][-1])
    film.close()


line: Any = Line


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda of: line(of, "t", "x", x_scale="cubic"), "x_scale='cubic'"),
        (lambda of: line(of, "t", "x", y_range=(3, 1)), "lowest first"),
        (lambda of: line(of, "t", "x", y_range=3), r"\(lowest, highest\)"),
        (lambda of: line(of, "t", "x", y_scale="log", y_range=(0, 1)), "log scale"),
        (lambda of: line(of, "t", ("x",)), "access"),
        (lambda of: line(of, "t", ("x", "y")), "access"),
        (lambda of: line(of, "t", "x", n_visible_points=0), "maxlen=0"),
        (lambda of: Histogram(of, "x", bin_count=0), "bin_count=0"),
        (lambda of: line(None, "t", "x"), "wanted a System"),
        (lambda of: WidgetDashboard([]), "no widgets"),
    ],
    ids=str.split("scale order range log access numbers points bins system none"),
)
def test_arguments_that_are_none_are_refused(make: Any, match: str) -> None:
    of = system()
    with pytest.raises(StreamConfigError, match=match):
        make(of)
    assert list(of.stats()["consumers"]) == ["read"]


def test_numbers_that_a_row_has_not_are_told_to_who_looks() -> None:
    of = system()
    line = Line(of, "timestamp", ("acc", 3))
    played(of)
    with pytest.raises(ValueError, match=r"wanted \(4,\) or more"):
        line.marks[0].data
    line.close()


def test_a_frontend_that_nobody_holds_is_fed_no_more() -> None:
    of = system()
    line = Line(of, "timestamp", "x")
    assert len(of.stats()["consumers"]) == 2
    del line
    gc.collect()
    until(lambda: list(of.stats()["consumers"]) == ["read"])


def test_a_widget_on_a_page_keeps_its_frontend() -> None:
    require("anywidget")
    of = system()
    widget = Line(of, "timestamp", "x").widget
    gc.collect()
    assert len(of.stats()["consumers"]) == 2
    played(of)
    until(lambda: widget.frame["n"] and len(widget.frame["marks"][0]["lines"][0]["y"]) == 8 * 200)
    figure, _, line = widget.keeps
    line.close()
    assert line.figure is figure
    until(lambda: not any(thread.name == "headrace-painter" for thread in threading.enumerate()))


@pytest.mark.parametrize(
    ("key", "kind", "more"),
    [
        ("x", "chart", {"x_key": "timestamp"}),
        ("spectrum", "spectrogram", {"sample_rate": 100}),
        ("acc", "histogram", {"class_names": ["a", "b", "c"]}),
        ("acc", "trace2D", {}),
        ("image", "video", {}),
    ],
    ids=["chart", "spectrogram", "histogram", "trace2D", "video"],
)
def test_a_buffer_that_follows_is_plotted_before_its_first_row(key: str, kind: str, more: dict[str, Any]) -> None:
    """As the tour does, in one line; the figure keeps the buffer."""
    of = system(s.FourierTransform("x", name="spectrum", window_size=64))
    figure = DataBuffer(maxlen=100).follow(of).plot(key, plot_type=kind, **more)
    assert figure.marks[0].y.sum() == 0
    ElementTree.fromstring(figure.to_svg().data)
    played(of)
    assert len(figure.marks[0].x) == {"chart": 100, "spectrogram": 33, "histogram": 3, "trace2D": 100, "video": 2}[kind]
    figure.buffer.close()
    figure.close()


def test_a_column_that_never_comes_is_missed_when_others_do() -> None:
    of = system()
    figure = DataBuffer().follow(of).plot("y")
    played(of)
    with pytest.raises(KeyError, match="y"):
        figure.marks[0].data
    figure.buffer.close()
    with pytest.raises(KeyError):
        DataBuffer().plot("y")


def test_a_frontend_of_ones_own() -> None:
    class Rows(FrontendBase):
        def __init__(self, of: Any) -> None:
            self.rows = 0
            super().__init__(of)

        def update(self, block: Any) -> None:
            self.rows += len(block["x"])

    of = system()
    rows = Rows(of)
    played(of)
    rows.close()
    rows.close()
    assert rows.rows == N


def test_a_dashboard_is_a_square_of_them() -> None:
    of = system()
    parts = [Line(of, "timestamp", "x"), Bar(of, "acc"), Histogram(of, "x"), Video(of, "image"), Scatter(of, "x", "x")]
    dashboard = WidgetDashboard(parts)
    assert [len(row) for row in dashboard.rows] == [3, 2]
    played(of)
    bundle = dashboard._repr_mimebundle_()
    root = ElementTree.fromstring(bundle["image/svg+xml"])
    assert len(root.findall("{http://www.w3.org/2000/svg}svg")) == 5
    dashboard.close()
    assert list(of.stats()["consumers"]) == ["read"]


def test_a_dashboard_is_boxes_of_widgets() -> None:
    boxes = require("ipywidgets")
    require("anywidget")
    slider = boxes.FloatSlider()
    there = dict(boxes.widgets.widget._instances)
    figure = DataBuffer(data={"x": [1.0, 2.0]}).plot("x")
    dashboard = WidgetDashboard([figure, slider])
    assert isinstance(dashboard.widget, boxes.VBox)
    (row,) = dashboard.widget.children
    assert isinstance(row, boxes.HBox)
    assert [cell.children[0] for cell in row.children] == [figure.widget, slider]
    dashboard.close()
    assert slider.comm is None
    assert boxes.widgets.widget._instances.keys() <= there.keys(), "nothing is kept for ever"
    until(lambda: not any(thread.name == "headrace-painter" for thread in threading.enumerate()))


def test_those_that_were_dropped_are_in_nobodys_way_and_forgotten() -> None:
    there = system()
    before = set(there.stats()["consumers"])
    for _ in range(200):
        Line(there, "timestamp", "x")  # at the same address, most of the times
    gc.collect()
    until(lambda: set(there.stats()["consumers"]) == before)
