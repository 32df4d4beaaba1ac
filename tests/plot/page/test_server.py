"""The page's server: who may come in, what it says, what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.block import Block
from headrace.errors import MissingExtraError, StreamConfigError
from headrace.live import Sampler, System, VirtualClock
from headrace.live.devices.threaded import Threaded
from headrace.plot.page import Page, hands
from headrace.plot.page.frames import unpack
from plot.page.said import mutated
from support.counts import heavy
from support.require import require

for name in ("starlette", "uvicorn", "websockets"):
    require(name)

from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402  # skips first where it is missing
from websockets.sync.client import ClientConnection, connect  # noqa: E402  # as above

HANG = 20.0
OPEN = build_opener(ProxyHandler({})).open  # nothing between us and the server


class Steps(Threaded):
    """Rows that count, a hundred times a second."""

    def run(self, stopping: threading.Event) -> None:
        row, due = 0, self.clock.now()
        while self.clock.wait_until(due, stopping):
            self.put_block({"x": np.arange(row, row + 10, dtype=float)})
            row, due = row + 10, due + 0.01


def make() -> System:
    return System(Steps(rate=1000.0), [s.Scale("x", name="y", scale_factor=hr.Knob(2.0))])


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with make() as system, Page(system, token="secret", record_to=tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def door() -> Iterator[Page]:
    """One page for all who are let in or not."""
    with make() as system, Page(system, token="secret") as made:
        yield made


def get(page: Page, path: str = "/?token=secret", **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = Request(f"http://127.0.0.1:{page.port}{path}", headers=headers)
    try:
        with OPEN(request, timeout=HANG) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def browser(page: Page, *, token: str = "secret", origin: str | None = "", **headers: str) -> ClientConnection:
    own = f"http://127.0.0.1:{page.port}" if origin == "" else origin
    return connect(
        f"ws://127.0.0.1:{page.port}/live?token={token}", origin=own,
        additional_headers=headers, open_timeout=HANG, max_size=1 << 26, proxy=None,
    )  # fmt: skip


def hear(socket: ClientConnection, what: str, *, answer: bool = True) -> Any:
    """The next message of a kind, `frame` for frames, each of which is said to be drawn."""
    while True:
        said = socket.recv(timeout=HANG)
        if isinstance(said, bytes):
            frame = unpack(said)
            if answer:
                say(socket, "drawn", frame=frame[1])
            if what == "frame":
                return frame
        elif json.loads(said)["what"] == what:
            return json.loads(said)


def to_the_end(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=HANG)


def say(socket: ClientConnection, what: str, **more: Any) -> None:
    socket.send(json.dumps({"what": what, **more}))


# --- who may come in ------------------------------------------------------------------------------------


def test_the_address_opens_the_page_and_what_it_needs(door: Page) -> None:
    status, headers, body = get(door)
    assert status == 200
    assert b"headrace" in body
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    kept = cookie.partition(";")[0]
    assert get(door, "/", Cookie=kept)[0] == 200, "the cookie is enough from then on"
    for name in ("page.js", "panels.js", "strokes.js", "views.js", "waterfall.js", "style.css", "uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE", "icon.svg"):  # fmt: skip
        assert get(door, f"/assets/{name}", Cookie=kept)[0] == 200
        if name not in ("uPlot.LICENSE", "icon.svg"):
            assert f"/assets/{name}".encode() in body
    assert b"http" not in body.replace(b"http-equiv", b""), "nothing from elsewhere"


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/?token=secre", "/?token=secret1", "/assets/page.js", "/?" + "a=b&" * 40])  # fmt: skip
def test_without_the_token_nothing_is_there(door: Page, path: str) -> None:
    status, _, body = get(door, path)
    assert status == 403
    assert b"secret" not in body


def test_cookies_that_are_wrong(door: Page) -> None:
    name = f"headrace-{door.port}"
    for cookie in (f"{name}=wrong", "headrace=secret", f"{name}", "\x01\x02=;;;", f"{name}=", f"other={name}=secret"):
        assert get(door, "/", Cookie=cookie)[0] == 403
    assert get(door, "/", Cookie=f"a=b; {name}=secret")[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:PORT", "10.0.0.1:PORT", "[::2]:PORT", "localhost:PORTx", "", "localhost:"])  # fmt: skip
def test_another_host_is_refused(door: Page, host: str) -> None:
    wrong = host.replace("PORT", str(door.port))
    assert get(door, Host=wrong)[0] == 400
    with pytest.raises(InvalidStatus) as told, browser(door, Host=wrong):
        pass
    assert told.value.response.status_code == 400


def test_its_own_names_are_let_in(door: Page) -> None:
    for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        assert get(door, Host=f"{host}:{door.port}")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1", "https://127.0.0.1:PORT", "http://localhost:PORT", "null", "file://", None])  # fmt: skip
def test_a_socket_from_another_page_is_refused(door: Page, origin: str | None) -> None:
    wrong = None if origin is None else origin.replace("PORT", str(door.port))
    with pytest.raises(InvalidStatus) as told, browser(door, origin=wrong):
        pass
    assert told.value.response.status_code == 403
    if wrong is not None:
        assert get(door, Origin=wrong)[0] == 403


def test_a_socket_without_the_token_is_refused(door: Page) -> None:
    for token in ("", "wrong", "secret1"):
        with pytest.raises(InvalidStatus) as told, browser(door, token=token):
            pass
        assert told.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/assets/../server.py", "/assets/%2e%2e/server.py", "/assets/..%2fserver.py", "/assets/", "/assets/nothing.js", "/server.py", "//etc/passwd"])  # fmt: skip
def test_only_the_assets_can_be_had(door: Page, path: str) -> None:
    assert get(door, f"{path}?token=secret")[0] == 404


def test_nothing_can_be_written(door: Page) -> None:
    for method in ("POST", "PUT", "DELETE"):
        request = Request(f"http://127.0.0.1:{door.port}/?token=secret", data=b"x", method=method)
        with pytest.raises(HTTPError) as told:
            OPEN(request, timeout=HANG)
        with told.value:
            assert told.value.code == 405


# --- what it says ---------------------------------------------------------------------------------------


def test_frames_are_the_rows(page: Page) -> None:
    rows: dict[str, dict[int, tuple[float, float]]] = {"x": {}, "y": {}}
    with browser(page) as socket:
        layout = hear(socket, "layout")
        names = {panel["id"]: panel["name"] for panel in layout["panels"]}
        assert list(names.values()) == ["x", "y"]
        say(socket, "view", seconds=1.0, pixels=2000)
        while len(rows["x"]) < 300:
            version, _, _, sections = hear(socket, "frame")
            assert version == layout["version"]
            for section in sections:
                if section.rows == 1:
                    pairs = zip(section.low[:, 0].tolist(), section.high[:, 0].tolist(), strict=True)
                    rows[names[section.panel]].update({section.number + k: pair for k, pair in enumerate(pairs)})
    assert all(pair == (k, k) for k, pair in rows["x"].items())
    assert all(pair == (2 * k, 2 * k) for k, pair in rows["y"].items())
    assert sorted(rows["x"]) == list(range(min(rows["x"]), max(rows["x"]) + 1)), "no gap"


def test_a_browser_that_stalls_gets_fewer_frames_and_no_row_is_lost(page: Page) -> None:
    with browser(page) as stalled, browser(page) as other:
        say(stalled, "view", seconds=10.0, pixels=8000)
        seen: dict[int, float] = {}

        def take(socket: ClientConnection, answer: bool) -> int:
            _, number, _, sections = hear(socket, "frame", answer=answer)
            for section in sections:
                if section.panel == 0 and socket is stalled and section.rows <= 2:
                    seen.update(zip(range(section.number, section.number + len(section.high)), section.high[:, 0], strict=True))  # fmt: skip
            return int(number)

        before = take(stalled, answer=False)
        for _ in range(20):  # the other one goes on
            take(other, answer=True)
        last = before
        while hear(stalled, "status", answer=False):
            viewers = page.stats()["viewers"]
            if viewers[0]["dropped"] >= 5:
                break
        with contextlib.suppress(TimeoutError):
            while True:  # what was under way
                said = stalled.recv(timeout=0.2)
                if isinstance(said, bytes):
                    last = unpack(said)[1]
                elif page.stats()["viewers"][0]["sent"] == last:
                    break
        assert viewers[0]["sent"] - viewers[0]["drawn"] <= 5
        say(stalled, "view", seconds=10.0, pixels=8000)
        say(stalled, "drawn", frame=last)
        while len(seen) < 400:
            take(stalled, answer=True)
        numbers = sorted(seen)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "everything it ever had, without a gap"
        step = seen[numbers[2]] - seen[numbers[1]]
        assert all(seen[k] == k * step + step - 1 for k in numbers[1:-2])
    stats = page.system.stats()["consumers"]["page"]
    assert stats["dropped"] == 0


def test_what_a_stalled_browser_missed_comes_when_nothing_else_does(page: Page) -> None:
    with browser(page) as socket:
        say(socket, "view", seconds=10.0, pixels=8000)
        while (status := hear(socket, "status", answer=False))["viewers"][0]["dropped"] < 5:
            pass
        page.system.stop()
        rows = page.system.stats()["rows"]
        status = hear(socket, "status", answer=False)
        while status["rows"] != rows or status["consumers"]["page"]["pending"]:
            status = hear(socket, "status", answer=False)
        say(socket, "drawn", frame=status["viewers"][0]["sent"])
        now = 0.0
        while now < (rows - 1) / 1000:
            _, _, now, _ = hear(socket, "frame")


def test_a_slider_turns_a_knob(page: Page) -> None:
    with browser(page) as socket:
        (told,) = hear(socket, "controls")["controls"]
        assert (told["path"], told["kind"], told["value"], told["low"], told["high"]) == ("y.scale_factor", "knob", 2.0, 0.0, 4.0)  # fmt: skip
        say(socket, "set", path="y.scale_factor", value=5)
        while hear(socket, "controls")["controls"][0]["value"] != 5.0:
            pass
        assert page.system.graph["y"].settings["scale_factor"].value == 5.0
        say(socket, "set", path="y.other", value=5)
        assert "there is no such control" in hear(socket, "refused")["why"]


def test_buttons_start_stop_record_and_mark(page: Page, tmp_path: Path) -> None:
    from headrace.live import Session

    with browser(page) as socket:
        assert hear(socket, "status")["state"] == "running"
        say(socket, "mark", name="early")
        assert "nothing is recorded" in hear(socket, "refused")["why"]
        say(socket, "record", name="monday")
        while not (status := hear(socket, "status"))["recording"]:
            pass
        assert Path(status["path"]).parent == tmp_path
        say(socket, "mark", name="door")
        rows = status["rows"]
        while hear(socket, "status")["rows"] < rows + 100:
            pass
        say(socket, "stop recording")
        while hear(socket, "status")["recording"]:
            pass
        say(socket, "stop")
        while hear(socket, "status")["state"] != "stopped":
            pass
        say(socket, "start")
        while hear(socket, "status")["state"] != "running":
            pass
        assert hear(socket, "layout")["version"] == 2, "a new run begins anew"
    session = Session(status["path"])
    assert status["path"].split("/")[-1].startswith("monday-")
    assert [mark.name for mark in session.marks] == ["door"]
    x = session.raw["x"][:]
    assert len(x) >= 100
    assert np.array_equal(x, np.arange(x[0], x[0] + len(x)))


def test_a_recording_that_fails_is_shown_and_another_can_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import headrace.live.recording.container
    from headrace.errors import SinkError

    real, full = headrace.live.recording.container._write_all, [True]

    def write(fd: int, part: bytes) -> int:
        if full and b"ROWS" in bytes(part):
            raise OSError(28, "No space left on device")
        return real(fd, part)

    monkeypatch.setattr(headrace.live.recording.container, "_write_all", write)

    def watch(socket: Any) -> None:
        say(socket, "record", name="monday")
        while not (status := hear(socket, "status"))["failure"]:
            pass
        assert "No space left on device" in status["failure"]
        assert (status["state"], status["recording"]) == ("running", False)
        full.clear()
        say(socket, "record", name="tuesday")
        while not (status := hear(socket, "status"))["recording"]:
            pass
        assert status["failure"] is None
        say(socket, "stop recording")
        while hear(socket, "status")["recording"]:
            pass

    system = make()
    with (
        pytest.raises(SinkError, match="No space left"),  # nobody who reads was told
        system,
        Page(system, token="secret", record_to=tmp_path) as page,
        browser(page) as socket,
    ):
        watch(socket)


def test_a_failure_is_shown_and_the_page_goes_on(tmp_path: Path) -> None:
    def bad(t: float) -> float:
        if t > 0.2:
            raise ZeroDivisionError("of the user's")
        return t

    system = System(Sampler({"x": bad}, sample_rate=100))
    with Page(system, token="secret") as page:
        system.start()
        with browser(page) as socket:
            while (status := hear(socket, "status"))["state"] != "failed":
                pass
            while status["failure"] is None:
                status = hear(socket, "status")
            assert "of the user's" in status["failure"]
            assert page.failure is not None
            say(socket, "start")
            while hear(socket, "status")["state"] != "running":
                pass
        assert page.failure is None or system.state == "failed"
    with contextlib.suppress(ZeroDivisionError):
        system.stop()


def test_counters_of_every_consumer(page: Page) -> None:
    page.system.add_consumer(lambda block: None, name="mine")
    with browser(page) as socket:
        while "mine" not in (status := hear(socket, "status"))["consumers"]:
            pass
        assert {"mine", "page", "read"} <= status["consumers"].keys()
        each = status["consumers"]["page"]
        assert each["produced"] == each["delivered"] + each["dropped"] + each["pending"]
        assert status["source"]["produced"] >= status["rows"] > 0
        assert status["viewers"][0].keys() == {"sent", "drawn", "dropped"}


def test_a_column_that_cannot_be_shown_is_said_and_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from headrace.plot.page.store import Store

    add, calls = Store.add, [0]

    def failing(self: Store, block: Block) -> None:
        calls[0] += "odd" in block  # the page of other tests is there, too
        if calls[0] == 2:
            calls[0] += 1
            raise ZeroDivisionError("of the page")
        add(self, block)

    monkeypatch.setattr(Store, "add", failing)
    system = System(Sampler({"odd": lambda t: t}, sample_rate=100))
    with system, Page(system, token="secret") as page, browser(page) as socket:
        assert "of the page" in hear(socket, "refused")["why"], "also to who comes later"
        hear(socket, "frame")


def test_a_device_that_does_not_tell_its_counters_ends_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Sampler({"x": lambda t: t}, sample_rate=100)
    failures: list[Exception] = []
    stats = device.stats

    def told() -> dict[str, Any]:
        if failures:
            raise failures.pop()
        return stats()

    monkeypatch.setattr(device, "stats", told)
    system = System(device)
    with system, Page(system, token="secret") as page, browser(page) as socket:
        hear(socket, "status")
        failures += [OSError("the driver is busy")] * 2
        assert "the driver is busy" in hear(socket, "refused")["why"]
        assert hear(socket, "status")["state"] == "running"
        hear(socket, "frame")


def test_a_source_that_does_not_stop_holds_up_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "LATEST", 0.1)
    asked, let_go, stopped = threading.Event(), threading.Event(), threading.Event()

    class Hangs(Threaded):
        def run(self, stopping: threading.Event) -> None:
            stopping.wait()

        def stop(self) -> None:
            asked.set()
            let_go.wait(HANG)
            super().stop()
            stopped.set()

    system = System(Hangs())
    page = Page(system, token="secret")
    page.start()
    system.start()
    with browser(page) as socket:
        say(socket, "stop")
        assert asked.wait(HANG)
    page.stop()
    assert not stopped.is_set()
    let_go.set()
    assert stopped.wait(HANG)
    system.stop()


# --- what it takes --------------------------------------------------------------------------------------


def test_messages_that_are_too_long_end_the_connection(page: Page) -> None:
    with browser(page) as socket:
        socket.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            to_the_end(socket)
    with browser(page) as socket:
        hear(socket, "frame")


def test_bytes_are_refused(page: Page) -> None:
    with browser(page) as socket:
        socket.send(b"\x00\x01")
        assert "no JSON" in hear(socket, "refused")["why"]


def test_mutated_messages_do_no_harm(page: Page, tmp_path: Path) -> None:
    rng = random.Random(11)
    left = heavy(100_000)
    while left:
        with browser(page) as socket, contextlib.suppress(ConnectionClosed):
            for _ in range(min(left, 500)):
                left -= 1
                socket.send(mutated(rng)[:4000])
            say(socket, "set", path="none.such", value=1)
            while "none.such" not in hear(socket, "refused")["why"]:
                say(socket, "set", path="none.such", value=1)
    page.system.start()
    with browser(page) as socket:
        assert hear(socket, "status")["state"] in ("running", "stopped")
    assert page.is_active
    assert all(path.parent == tmp_path for path in tmp_path.iterdir())


# --- what it leaves -------------------------------------------------------------------------------------


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def ours() -> list[str]:
    return sorted(each.name for each in threading.enumerate() if each.name.startswith("headrace"))


@contextlib.contextmanager
def browser_left_behind(system: System) -> Iterator[None]:
    """A page with two browsers, one of which goes without a word, and the other stays until it is shut out."""
    with contextlib.ExitStack() as both:
        with system, Page(system, token="secret") as page:
            first, second = both.enter_context(browser(page)), both.enter_context(browser(page))
            hear(first, "frame")
            second.socket.close()
        with pytest.raises(ConnectionClosed):
            to_the_end(first)
        yield


def test_nothing_is_left_of_it() -> None:
    system = make()
    with Page(system) as page:
        page.stop()
    mine, before = ours(), (threading.active_count(), descriptors())
    for _ in range(3):
        with browser_left_behind(system):
            pass
    assert "page" not in system.stats()["consumers"]
    assert ours() == mine
    end = monotonic() + HANG
    while (threading.active_count(), descriptors()) != before:  # the browsers' own threads end a little later
        assert monotonic() < end, [each.name for each in threading.enumerate()]
        sleep(0.01)
    page.stop()
    page.start()
    page.start()
    assert page.is_active
    page.stop()
    assert not page.is_active


def test_two_pages_of_one_system() -> None:
    with make() as system, Page(system, token="secret") as one, Page(system, token="secret") as other:
        assert one.port != other.port
        for page in (one, other):
            with browser(page) as socket:
                hear(socket, "frame")
        assert {"page", "page 2"} <= system.stats()["consumers"].keys()


def test_a_virtual_clock_and_a_system_that_is_not_started() -> None:
    clock = VirtualClock()
    system = System(Sampler({"x": lambda t: t}, sample_rate=10, clock=clock))
    with Page(system, token="secret") as page, browser(page) as socket:
        assert hear(socket, "status")["state"] == "idle"
        with system:
            clock.advance(1.05)
            _, _, _, ((_, number, _, _, high, _, _),) = hear(socket, "frame")
        assert number == 0
        np.testing.assert_allclose(high[:, 0], np.arange(len(high)) / 10)


@pytest.mark.parametrize(
    "options",
    [{"rate": 0}, {"rate": float("nan")}, {"seconds": -1}, {"token": ""}, {"token": "a b"}, {"token": "a;b"}, {"port": 70_000}, {"host": "no such host.invalid"}],
    ids=str,
)  # fmt: skip
def test_parameters_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(StreamConfigError, match="Page got"), Page(make(), **options):
        pass


def test_a_port_that_is_taken_and_something_that_is_no_system() -> None:
    system = make()
    with Page(system) as page:
        other = Page(system, port=page.port)
        with pytest.raises(StreamConfigError, match="cannot listen"):
            other.start()
        assert not other.is_active
    with pytest.raises(StreamConfigError, match="wanted a System"):
        Page(7)
    assert list(system.stats()["consumers"]) == ["read"]


def test_without_the_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    page = Page(make())
    with pytest.raises(MissingExtraError, match=r"headrace\[live\]"):
        page.start()


def test_only_starting_a_page_imports_the_server() -> None:
    code = (
        "import sys, headrace.plot.page.server\n"
        "print([m for m in ('starlette', 'uvicorn', 'websockets', 'matplotlib', 'xarray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_token_is_drawn_anew() -> None:
    tokens = {Page(make()).token for _ in range(5)}
    assert len(tokens) == 5
    assert all(len(token) >= 32 for token in tokens)


def test_listening_to_the_network_takes_addresses_and_no_names() -> None:
    from headrace.plot.page.guard import Guard

    async def answers(host: str, scope_type: str = "http") -> int:
        said: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def send(message: Any) -> None:
            said.append(message)

        async def receive() -> Any:
            return {}

        scope = {
            "type": scope_type,
            "path": "/",
            "query_string": b"token=secret",
            "headers": [(b"host", host.encode())],
        }
        await Guard(app, host="0.0.0.0", port=80, token="secret")(scope, receive, send)
        return int(said[0]["status"])

    assert [asyncio.run(answers(host)) for host in ("192.168.1.7", "[fe80::1]", "localhost", "evil.example")] == [200, 200, 200, 400]  # fmt: skip


def test_a_wheel_has_what_the_page_is_made_of(tmp_path: Path) -> None:
    builder = require("hatchling.builders.wheel").WheelBuilder
    root = Path(__file__).parents[3]
    if not (root / "pyproject.toml").is_file() or not (root / "src" / "headrace" / "plot" / "page" / "assets").is_dir():
        pytest.skip("not a checkout")
    packed = {each.distribution_path for each in builder(str(root)).recurse_included_files()}
    assets = {path.name for path in (root / "src" / "headrace" / "plot" / "page" / "assets").iterdir()}
    assert {f"headrace/plot/page/assets/{name}" for name in assets} <= packed
    assert "uPlot.LICENSE" in assets
