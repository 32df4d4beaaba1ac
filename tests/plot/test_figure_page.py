"""The page's side of a figure, in a browser: what Python sends is drawn, reported, and readable on light and dark."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.plot
from headrace.live import DataBuffer, System, Table
from headrace.plot.frontends import Line
from headrace.plot.screen import frame_of
from support.chromium import Chromium
from support.require import require

SCRIPT = Path(headrace.plot.__file__).with_name("figure.js")
# What a notebook does for a widget: a model with traits, whose bytes arrive as DataViews.
NOTEBOOK = """
const thaw = (v) => Array.isArray(v) ? v.map(thaw)
  : v && v.b64 !== undefined ? new DataView(Uint8Array.from(atob(v.b64), (c) => c.charCodeAt(0)).buffer)
  : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, thaw(x)])) : v;
window.show = (told) => {
  const el = document.createElement("div");
  document.body.append(el);
  const state = {...thaw(told), drawn: 0, sent: 0}, calls = {};
  const model = {
    get: (k) => state[k], send: ({drawn}) => { state.drawn = drawn; state.sent += 1; },
    on: (name, call) => { calls[name] = call; }, off: (name) => { delete calls[name]; },
  };
  const end = render({model, el});
  return {state, calls, el, end, send: (frame) => { state.frame = thaw(frame); calls["change:frame"](); }};
};
window.ink = (el) => {
  const canvas = el.querySelector("canvas"), colours = new Map();
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  for (let k = 0; k < data.length; k += 4) if (data[k + 3] > 200) {
    const colour = [data[k], data[k + 1], data[k + 2]].join();
    colours.set(colour, (colours.get(colour) || 0) + 1);
  }
  return Object.fromEntries(colours);
};
"""
BLUE = "42,136,208"


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"b64": b64encode(value).decode()}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    require("anywidget")
    path = tmp_path_factory.mktemp("page") / "index.html"
    script = SCRIPT.read_text(encoding="utf-8").replace("export default { render };", "")
    path.write_text(f"<!doctype html><body><script>{script}{NOTEBOOK}</script></body>")
    with Chromium(size=(800, 600)) as tab:
        tab.open(path.as_uri())
        yield tab
        assert not tab.said, "nothing is complained of on the console"


def shown(page: Chromium, figure: Any, name: str, ink: str = "black") -> None:
    told = json.dumps({"spec": figure.widget.spec, "frame": plain({**figure.widget.frame, "n": 1})})
    page(f"document.body.style.color = {ink!r}; window.{name} = show({told}); 0")
    page.until(f"{name}.state.drawn === 1")


def buffer() -> DataBuffer:
    t = np.arange(300) / 50
    made = DataBuffer(maxlen=300)
    image = np.zeros((300, 12, 16, 3), np.uint8) + np.uint8(90)
    made.extend({
        "t": t, "x": np.sin(t), "big": np.exp(3 * np.sin(t)), "acc": np.stack([t, -t], axis=1),
        "m": np.stack([np.cos(t), np.sin(t)], axis=1), "p": np.tile([0.25, 0.75], (300, 1)), "image": image,
    })  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("key", "kind", "more"),
    [
        ("x", "chart", {}),
        ("acc", "chart", {"x_key": "t"}),
        ("m", "trace2D", {}),
        ("p", "histogram", {"class_names": ["up", "down"]}),
    ],
)
def test_what_is_sent_is_drawn(page: Chromium, key: str, kind: str, more: dict[str, Any]) -> None:
    figure = buffer().plot(key, kind, **more)
    shown(page, figure, "one")
    colours = page("ink(one.el)")
    assert colours[BLUE] > 100
    assert colours.get("213,94,0", 0) > 100 or key != "acc", "the second line has its own colour"
    assert page("one.state.sent") == 1, "what was drawn is reported once"
    figure.close()


def test_it_is_drawn_in_the_page_s_own_ink(page: Chromium) -> None:
    figure = buffer().plot("x")
    for ink, colour in (("rgb(0, 0, 0)", "0,0,0"), ("rgb(255, 255, 255)", "255,255,255")):
        shown(page, figure, "one", ink)
        assert page("ink(one.el)").get(colour, 0) > 5
    figure.close()


def test_the_next_frame_is_drawn_and_an_end_is_an_end(page: Chromium) -> None:
    b = buffer()
    figure = b.plot("x")
    shown(page, figure, "one")
    before = page("one.el.querySelector('canvas').toDataURL()")
    b.extend({name: column[:100] for name, column in b.as_dict().items()})
    marks = frame_of(tuple(figure.marks), tuple(mark.data for mark in figure.marks))
    page(f"one.send({json.dumps(plain({'n': 2, 'marks': marks}))})")
    page.until("one.state.drawn === 2")
    assert page("one.el.querySelector('canvas').toDataURL()") != before
    page("one.end(); 0")
    assert page("Object.keys(one.calls).length") == 0
    figure.close()


def test_what_cannot_be_drawn_is_told(page: Chromium) -> None:
    figure = buffer().plot("x")
    shown(page, figure, "one")
    page("one.send({n: 2, marks: [], error: 'DataError: no numbers\\n  Convert them.'})")
    page.until("one.state.drawn === 2")
    colours = page("ink(one.el)")
    assert BLUE not in colours
    assert colours
    figure.close()


def test_the_page_writes_what_the_drawing_does(page: Chromium) -> None:
    from headrace.plot.marks import LogScale, Scale
    from headrace.plot.ranges import clock_ticks, clock_time, ticks, written

    for low, high in ((0.0, 1.0), (-3.0, 40.0), (0.00001, 0.00009), (1.7e9, 1.7e9 + 3), (-2e7, 3e8), (0.25, 0.2501)):
        places, step = ticks(Scale(), low, high)
        told = page(
            f"(() => {{ const [at, step] = ticks({{}}, {low}, {high}, 6); return at.map((v) => written(v, step)); }})()"
        )
        assert [float(each) for each in told] == [float(written(each, step)) for each in places]
    log = page("ticks({kind: 'log'}, 0.01, 2000, 6)[0]")
    assert log == pytest.approx(ticks(LogScale(), 0.01, 2000)[0])
    for seconds in (0.7, 3.0, 50.0, 900.0, 2e5, 3e6):
        low = 1.7e9 + 0.3
        places, step = clock_ticks(low, low + seconds)
        told = page(f"(() => {{ const [at, told] = moments({low}, {low + seconds}, 6); return at.map(told); }})()")
        assert told == [clock_time(each, step) for each in places]


def test_a_picture_is_an_image_and_empty_and_log_figures_are_drawn(page: Chromium) -> None:
    b = buffer()
    film = b.plot("image", "video")
    shown(page, film, "film")
    page.until("film.el.querySelector('img').naturalWidth === 16")
    empty = DataBuffer(data={"s": np.zeros((0, 5), complex)})
    nothing = empty.plot("s", "spectrogram")
    shown(page, nothing, "none")
    line = Line(System(Table({name: b[name] for name in ("t", "big")})), "t", "big", y_scale="log", flip_x=True)
    with line.system as of:
        of.join(20)
    figure = line.figure
    told = {"n": 1, "marks": frame_of(tuple(figure.marks), tuple(mark.data for mark in figure.marks))}
    figure.widget.frame = told
    shown(page, figure, "log")
    assert page("ink(log.el)")[BLUE] > 100
    for each in (line, film, nothing):
        each.close()
