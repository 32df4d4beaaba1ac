"""The page in Chromium: what is drawn is what came, and what is turned and pressed is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.live import Session, System
from headrace.live.devices.threaded import Threaded
from headrace.plot.page import Page
from support.chromium import Chromium
from support.require import require

for name in ("starlette", "uvicorn", "websockets", "chromium"):
    require(name)

BAD = "<img src=x onerror=document.title='broken'>"


class Steps(Threaded):
    """A thousand rows a second: the number of the row, a picture, a word, and a column with an evil name."""

    def run(self, stopping: threading.Event) -> None:
        row, due = 0, self.clock.now()
        picture = np.zeros((50, 24, 32, 3), np.uint8)
        picture[:, :, 16:] = (250, 120, 10)
        while self.clock.wait_until(due, stopping):
            at = np.arange(row, row + 50, dtype=float)
            columns: dict[str, Any] = {"x": at, "pair": np.stack([np.sin(at / 9), np.cos(at / 9)], axis=1)}
            columns |= {"picture": picture, "word": np.array(["north"] * 50), BAD: at % 7}
            self.put_block(columns)
            row, due = row + 50, due + 0.05


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Chromium, Path]]:
    """One page and one browser for all tests, each of which leaves the system running."""
    folder = tmp_path_factory.mktemp("recordings")
    graph = [
        s.Scale("x", name="y", scale_factor=hr.Knob(2.0)),
        s.FourierTransform("x", name="spectrum", window_size=64, window_overlap=32),
    ]
    with System(Steps(rate=1000.0), graph) as system, Page(system, record_to=folder) as page, Chromium() as browser:
        browser.open(page.url)
        browser.until("panels.size === 6 && drawn.length > 5")
        yield page, browser, folder


def lines(name: str) -> str:
    return f"[...panels.values()].find((each) => each.panel.name === {name!r}).shown"


def inked(selector: str) -> str:
    """How many of a canvas' pixels are not clear."""
    return (
        f"(() => {{ const c = {selector}; const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })()"
    )


def coloured(canvas: str, colour: str) -> str:
    """How many of a canvas' pixels have a colour."""
    return (
        f"(() => {{ const c = {canvas}, [r, g, b] = {colour}; const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i + 3] === 255 && d[i] === r && d[i + 1] === g && d[i + 2] === b; return n; })()"
    )


def press(browser: Chromium, selector: str) -> None:
    """A click with a mouse, on what can be seen."""
    x, y = browser(
        f"(() => {{ const r = document.querySelector({selector!r}).getBoundingClientRect();"
        "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        browser.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def test_every_column_is_drawn_and_the_console_is_silent(shown: tuple[Page, Chromium, Path]) -> None:
    page, browser, _ = shown
    assert browser("location.href") == f"http://127.0.0.1:{page.port}/", "the token is in the address no more"
    assert browser("[...panels.values()].map((each) => each.panel.kind)") == ["lines", "lines", "image", "lines", "lines", "waterfall"]  # fmt: skip
    browser("seconds = 1; look()")
    browser.until(f"{lines('x')}.dense === true")
    browser("document.querySelector('main').scrollIntoView(false)")
    for name in ("x", "y", "pair"):
        browser.until(inked(f"{lines(name)}.strokes.canvas") + " > 300")
    browser.until(inked(f"{lines('spectrum')}.canvas") + " > 5000")
    assert browser.until(inked(f"{lines('picture')}.canvas")) == 24 * 32
    assert browser("document.querySelector('#values').innerText").split() == ["VALUES", "word", "north"]
    assert browser("document.querySelectorAll('.card img').length") == 0, "a name is a text"
    assert BAD in browser("[...document.querySelectorAll('.name')].map((each) => each.textContent).join()")
    assert browser("document.title").startswith("running")
    assert browser.said == []


def test_what_the_browser_has_is_what_came(shown: tuple[Page, Chromium, Path]) -> None:
    _, browser, _ = shown
    browser("seconds = 2; look()")
    browser.until(f"{lines('x')}.times.length > 50 && {lines('x')}.rows > 1")
    rows, first, low, high, y, now = browser(
        f"(() => {{ const x = {lines('x')}; return [x.rows, x.first, x.low[0], x.high[0], {lines('y')}.high[0], now]; }})()"
    )
    number = first + np.arange(len(low))
    assert np.array_equal(low[1:], number[1:] * rows), "the lowest of each is its first row, whose value is its number"
    assert np.array_equal(high[1:-1], (number[1:-1] + 1) * rows - 1)
    assert y == [2 * each for each in high]
    assert now == pytest.approx(high[-1] / 1000, abs=1e-9)  # divided here, multiplied there


def test_lines_reach_as_high_and_low_as_the_values(shown: tuple[Page, Chromium, Path]) -> None:
    _, browser, _ = shown
    browser("seconds = 1; look()")
    browser.until(f"{lines('pair')}.dense && {lines('pair')}.times.length > 200")
    top, bottom, high, low = browser(
        f"(() => {{ const l = {lines('pair')}, c = l.strokes.canvas, u = l.plot;"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, rows = [];"
        "for (let i = 3; i < d.length; i += 4) if (d[i] > 128) rows.push(Math.floor(i / 4 / c.width));"
        "const at = (v) => u.valToPos(v, 'y', true) - u.bbox.top;"
        "return [Math.min(...rows), Math.max(...rows), at(u.data[1][1]), at(u.data[1][0])]; })()"
    )
    assert abs(top - high) <= 2
    assert abs(bottom - low) <= 2


def test_a_slider_turns_a_knob(shown: tuple[Page, Chromium, Path]) -> None:
    page, browser, _ = shown
    knob = page.system.graph["y"].settings["scale_factor"]
    press(browser, "#knobs input[type=range]")  # the middle: what it is already
    for _ in range(3):
        for kind in ("keyDown", "keyUp"):
            browser.ask("Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39)  # fmt: skip
    browser.until("Number(document.querySelector('#knobs input[type=number]').value) > 2")
    end = time.monotonic() + 20
    while knob.value <= 2.0:
        assert time.monotonic() < end
        time.sleep(0.01)
    knob.set(3.5)  # by somebody else: the page follows
    browser.until(
        "document.activeElement.blur() || document.querySelector('#knobs input[type=number]').value === '3.5'"
    )
    browser("(() => { const n = document.querySelector('#knobs input[type=number]'); n.value = 9; n.dispatchEvent(new Event('change')); })()")  # fmt: skip
    end = time.monotonic() + 20
    while knob.value != 9.0:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert float(browser("document.querySelector('#knobs input[type=range]').max")) == 9.0
    knob.set(2.0)


def test_buttons_record_mark_stop_and_start(shown: tuple[Page, Chromium, Path]) -> None:
    page, browser, folder = shown
    browser("document.getElementById('session').value = 'monday'; document.getElementById('label').value = 'door'")
    assert browser("document.getElementById('mark').disabled") is True
    press(browser, "#record")
    browser.until("document.getElementById('record').innerText.includes('Stop')")
    press(browser, "#mark")
    time.sleep(0.3)
    press(browser, "#record")
    browser.until("document.getElementById('record').innerText === 'Record'")
    (path,) = folder.iterdir()
    with Session(path) as session:
        assert [mark.name for mark in session.marks] == ["door"]
        x = session.raw["x"][:]
    assert len(x) >= 100
    assert np.array_equal(x, np.arange(x[0], x[0] + len(x)))
    press(browser, "#stop")
    browser.until("document.getElementById('state').textContent === 'stopped'")
    assert page.system.state == "stopped"
    press(browser, "#start")
    browser.until("document.getElementById('state').textContent === 'running' && version > 1")
    browser.until(f"{lines('x')}.times.length > 20 && {lines('x')}.low[0][0] < 1000")
    assert browser.said == []


def test_what_cannot_be_done_is_said(shown: tuple[Page, Chromium, Path]) -> None:
    _, browser, _ = shown
    browser("say({ what: 'set', path: 'no.such', value: 1 })")
    assert "no such control" in browser.until("!document.getElementById('told').hidden && document.getElementById('told').textContent")  # fmt: skip


def test_a_page_that_does_not_draw_is_sent_no_more_and_then_everything(shown: tuple[Page, Chromium, Path]) -> None:
    page, browser, _ = shown
    browser("seconds = 10; look()")
    browser.until(f"{lines('x')}.times.length > 20")
    browser("window.kept = requestAnimationFrame; window.requestAnimationFrame = () => 0; 0")
    time.sleep(0.3)
    before = page.stats()["viewers"][0]
    time.sleep(0.7)
    after = page.stats()["viewers"][0]
    assert after["sent"] - before["sent"] <= 3
    assert after["dropped"] - before["dropped"] >= 8
    lost = page.system.stats()["consumers"]["page"]["dropped"]
    browser("window.requestAnimationFrame = window.kept; draw()")
    browser.until(f"drawn.length > 10 && {lines('x')}.times.length > 60")
    low, rows = browser(f"(() => {{ const x = {lines('x')}; return [x.low[0], x.rows]; }})()")
    assert np.array_equal(low[1:], low[1] + np.arange(len(low) - 1) * rows), "no gap"
    assert page.system.stats()["consumers"]["page"]["dropped"] == lost == 0


def test_lines_can_be_hidden_and_the_picture_held(shown: tuple[Page, Chromium, Path]) -> None:
    _, browser, _ = shown
    browser("seconds = 1; look()")
    canvas = lines("pair") + ".strokes.canvas"
    first, second = "[0x1f, 0x6f, 0x8b]", "[0xd1, 0x49, 0x5b]"  # --c0 and --c1, in the light
    browser.until(f"{coloured(canvas, first)} > 50 && {coloured(canvas, second)} > 50")
    press(browser, ".key")
    browser.until(f"{coloured(canvas, first)} === 0 && {coloured(canvas, second)} > 50")
    press(browser, ".key")
    browser.until(f"{coloured(canvas, first)} > 50")
    press(browser, "#hold")
    browser.until("held")
    one = browser(f"{lines('x')}.plot.data[0][1]")
    time.sleep(0.3)
    other = browser(f"{lines('x')}.plot.data[0][1]")
    assert one == other
    press(browser, "#hold")
    browser.until(f"{lines('x')}.plot.data[0][1] > {other}")


def test_other_views_of_the_same_rows(shown: tuple[Page, Chromium, Path]) -> None:
    _, browser, _ = shown
    for name, views in {"pair": ("trace", "bars", "lines"), "spectrum": ("newest", "waterfall")}.items():
        for view in views:
            browser(
                f"(() => {{ const c = document.querySelector('select[aria-label=\"how {name} is shown\"]');"
                f"c.value = '{view}'; c.dispatchEvent(new Event('change')); }})()"
            )
            canvas = {"lines": ".strokes.canvas"}.get(view, ".canvas" if name == "spectrum" else ".sheet")
            browser.until(f"{lines(name)}{canvas} && " + inked(lines(name) + canvas) + " > 200")
    assert browser.said == []


def test_dark_and_light(shown: tuple[Page, Chromium, Path]) -> None:
    _, browser, _ = shown

    def back() -> Any:
        return browser("getComputedStyle(document.body).backgroundColor")

    light = back()
    press(browser, "#theme")
    dark = back()
    assert sum(map(int, light[4:-1].split(","))) > 600
    assert sum(map(int, dark[4:-1].split(","))) < 150
    browser.until(inked(lines("x") + ".strokes.canvas") + " > 100")
    browser.open(browser("location.href"))
    browser.until("drawn.length > 2")
    assert back() == dark, "the choice is kept, and so is the token"
    press(browser, "#theme")


def test_a_server_that_goes_is_seen_and_one_that_comes_back_found() -> None:
    with System(Steps(rate=1000.0)) as system, Chromium() as browser:
        page = Page(system, token="abc")
        page.start()
        port = page.port
        try:
            browser.open(page.url)
            browser.until("drawn.length > 2")
            page.stop()
            browser.until("document.getElementById('state').textContent === 'disconnected'")
            assert browser("document.getElementById('stop').disabled") is True
            page = Page(system, token="abc", port=port)
            page.start()
            browser.until("document.getElementById('state').textContent === 'running' && drawn.length > 2")
        finally:
            page.stop()
