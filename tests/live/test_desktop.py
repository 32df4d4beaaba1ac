"""The mouse and the keyboard, through the real driver, on a screen of their own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, MissingExtraError, StreamConfigError
from headrace.live import Merge, Sampler
from headrace.live.keyboard import KeyboardDataSource, KeyboardSource
from headrace.live.mouse import MouseDataSource, MouseSource
from live.hand import until
from live.screens import screen
from support.counts import heavy
from support.require import demanded


def driver() -> None:
    """Skip where pynput is not installed: importing it needs a screen, so `require` cannot tell."""
    from importlib.util import find_spec

    if find_spec("pynput") is None:
        if "pynput" in demanded():
            pytest.fail("pynput: the package is not installed, and HEADRACE_REQUIRE names it", pytrace=False)
        pytest.skip("pynput: the package is not installed")


@pytest.fixture(scope="module")
def display() -> Iterator[None]:
    driver()
    with screen():
        yield


@pytest.fixture
def hand(display: None) -> Any:
    """Moves the mouse."""
    from pynput.mouse import Controller

    return Controller()


@pytest.fixture
def fingers(display: None) -> Any:
    """Type keys."""
    from pynput.keyboard import Controller

    return Controller()


def left() -> tuple[int, int]:
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


# --- the mouse ------------------------------------------------------------------------------------------


def test_the_mouse_says_where_it_is(hand: Any) -> None:
    mouse = MouseSource()
    mouse.start()
    for place in ((123, 45), (0, 0), (639, 479)):
        hand.position = place
        found = mouse()
        assert found.tolist() == list(place)
        assert found.dtype == np.int64
    mouse.stop()
    mouse.stop()


def test_it_connects_by_itself_and_starts_again(hand: Any) -> None:
    hand.position = (5, 6)
    mouse = MouseDataSource()
    assert mouse().tolist() == [5, 6]
    for _ in range(3):
        mouse.start()
        assert mouse().tolist() == [5, 6]
        mouse.stop()
    again = pickle.loads(pickle.dumps(mouse))
    assert again().tolist() == [5, 6]
    again.stop()


def test_a_sampler_follows_it(hand: Any) -> None:
    hand.position = (1, 1)
    with Sampler({"mouse_position": MouseSource()}, sample_rate=200) as sampler:
        until(lambda: sampler.stats()["produced"])
        hand.position = (300, 200)
        n = sampler.stats()["produced"]
        until(lambda: sampler.stats()["produced"] > n + 2)
    block = sampler.read()
    assert block["mouse_position"].shape == (block.n, 2)
    assert block["mouse_position"][0].tolist() == [1, 1]
    assert block["mouse_position"][-1].tolist() == [300, 200]


def test_nothing_of_it_is_left(hand: Any) -> None:
    mouse = MouseSource()
    mouse.start()
    mouse.stop()
    before = left()
    for _ in range(20):
        mouse.start()
        mouse.stop()
    assert all(now <= then for now, then in zip(left(), before, strict=True))  # less: of earlier tests


# --- the keyboard ---------------------------------------------------------------------------------------


def test_keys_have_the_documented_names(display: None) -> None:
    from pynput.keyboard import Key, KeyCode

    keyboard = KeyboardSource([Key.enter, "a", "Key.shift_r", KeyCode.from_char("."), "shift_l"])
    assert keyboard.keys == ("enter", "a", "shift_r", ".", "shift_l")
    keyboard.start()
    assert keyboard() == {
        "pressing_enter": 0, "pressing_a": 0, "pressing_shift_r": 0, "pressing_.": 0, "pressing_shift_l": 0
    }  # fmt: skip
    keyboard.stop()


@pytest.fixture
def listening(fingers: Any) -> Iterator[KeyboardDataSource]:
    keyboard = KeyboardDataSource(["enter", "a", "shift_l"])
    keyboard.start()
    _heard(keyboard, fingers)
    yield keyboard
    keyboard.stop()


def _heard(keyboard: KeyboardSource, fingers: Any) -> None:
    """Type until the driver hears it: it says that it listens a moment before it does."""
    from pynput.keyboard import Key

    def typed() -> bool:
        fingers.tap(Key.enter)
        return bool(keyboard()["pressing_enter"])

    until(typed)
    until(lambda: not any(keyboard().values()))


def test_a_key_that_is_held_down_is_one(listening: KeyboardSource, fingers: Any) -> None:
    from pynput.keyboard import Key

    fingers.press(Key.enter)
    until(lambda: listening()["pressing_enter"])
    fingers.press("a")
    until(lambda: listening() == {"pressing_enter": 1, "pressing_a": 1, "pressing_shift_l": 0})
    fingers.release(Key.enter)
    until(lambda: listening() == {"pressing_enter": 0, "pressing_a": 1, "pressing_shift_l": 0})
    fingers.release("a")
    until(lambda: not any(listening().values()))
    fingers.tap("b")
    assert not any(listening().values())


def test_a_short_stroke_is_in_one_row(listening: KeyboardSource, fingers: Any) -> None:
    for _ in range(heavy(250)):
        fingers.tap("a")
        until(lambda: listening()["pressing_a"])
        until(lambda: not listening()["pressing_a"])  # its release may be heard a moment later
        assert not listening()["pressing_a"]


def test_a_capital_is_the_same_key(listening: KeyboardSource, fingers: Any) -> None:
    from pynput.keyboard import Key

    fingers.press(Key.shift)
    until(lambda: listening()["pressing_shift_l"])
    fingers.press("A")
    until(lambda: listening()["pressing_a"])
    fingers.release(Key.shift)
    fingers.release("a")  # what the driver says after shift was let go
    until(lambda: not any(listening().values()))


def test_a_sampler_takes_keys_as_columns_and_starts_again(fingers: Any) -> None:
    keyboard = KeyboardSource(["enter"])
    sampler = Sampler({"keyboard": keyboard}, sample_rate=500)
    for _ in range(3):
        with sampler:

            def typed() -> bool:
                from pynput.keyboard import Key

                fingers.tap(Key.enter)
                block = sampler.read()
                return bool(block) and bool(block["pressing_enter"].any())

            until(typed)
        assert list(sampler.read())[1:] in ([], ["pressing_enter"])
    with Sampler({"keyboard": keyboard}, sample_rate=500, prefix=True) as sampler:
        until(lambda: sampler.stats()["produced"])
    assert list(sampler.read()) == ["timestamp", "keyboard_pressing_enter"]


def test_it_starts_and_stops_and_leaves_nothing(display: None) -> None:
    keyboard = KeyboardSource("a")
    keyboard.start()
    keyboard.stop()
    before = left()
    for _ in range(heavy(1000)):
        keyboard.start()
        keyboard.start()
        keyboard.stop()
        keyboard.stop()
    assert all(now <= then for now, then in zip(left(), before, strict=True))  # less: of earlier tests


def test_it_follows_a_leader(fingers: Any) -> None:
    keyboard = KeyboardSource("enter")
    keyboard.start()
    with Merge(Sampler({"x": lambda t: t}, 200), {"keys": keyboard}) as merged:
        _heard(keyboard, fingers)
        until(lambda: merged.stats()["pending"] > 3)
        block = merged.read()
    keyboard.stop()
    assert set(np.unique(block["keys_pressing_enter"])) <= {0, 1}


def test_what_is_no_key_is_said(display: None) -> None:
    with pytest.raises(StreamConfigError, match=r"(?s)the key 'entr'.*mean 'enter'"):
        KeyboardSource(["entr"])
    with pytest.raises(StreamConfigError, match="'enter', 'space'"):
        KeyboardSource(["qqqqqq"])
    with pytest.raises(StreamConfigError, match="each once"):
        KeyboardSource(["a", "a"])
    with pytest.raises(StreamConfigError, match="one or more"):
        KeyboardSource([])
    with pytest.raises(DataError, match=r"before start\(\)"):
        KeyboardSource("a")()
    assert repr(KeyboardSource("enter")) == "KeyboardSource(['enter'])"
    assert pickle.loads(pickle.dumps(KeyboardSource("enter"))).keys == ("enter",)


# --- without a screen -----------------------------------------------------------------------------------

GONE = """
import os, sys, time
from headrace.live import Sampler
from headrace.live.mouse import MouseSource
from headrace.live.keyboard import KeyboardSource
from live.screens import screen

def said(call):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            call()
        except Exception as error:
            return error
        time.sleep(0.01)
    sys.exit("nothing was raised")

with screen() as server:
    mouse, keyboard = MouseSource(), KeyboardSource("a")
    with Sampler({"mouse": mouse}, 100) as pointing:
        sampler = Sampler({"keyboard": keyboard}, 100)
        sampler.start()
        assert sampler.read() is not None
        server.terminate()
        server.wait()
        error = said(sampler.read)
        assert "lost the keyboard" in str(error), error
        assert sampler.state == "failed"
        sampler.stop()
        said(pointing.read)
        assert pointing.state == "failed"
    print("and again:", type(said(keyboard.start)).__name__)
with screen() as server:
    for source in (mouse, keyboard):
        source.stop()
        source.start()
        source()
        source.stop()
print("well")
"""


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path, **env}, capture_output=True, text=True,
        timeout=100,
    )  # fmt: skip


def test_a_server_that_goes_is_a_failure_and_they_start_again_with_another() -> None:
    driver()
    done = run(GONE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "and again: StreamConfigError\nwell\n"
    assert done.stderr == ""


def test_without_a_screen_they_say_so() -> None:
    driver()
    code = """
import os
from headrace.errors import StreamConfigError
from headrace.live.keyboard import KeyboardSource
from headrace.live.mouse import MouseSource
for display in ("", ":987"):
    os.environ["DISPLAY"] = display
    for source in (MouseSource(), KeyboardSource("a"), MouseSource()):
        try:
            source.start()
        except StreamConfigError as error:
            print(error)
"""
    done = run(code)
    said = [line.partition(":")[0] for line in done.stdout.splitlines() if "wanted an X server" in line]
    assert [line.split(",")[0] for line in said] == [
        f"{who} got {what}"
        for what in ("no DISPLAY", "DISPLAY='")
        for who in ("MouseSource", "KeyboardSource", "MouseSource")
    ], done.stderr
    assert done.stdout.count("DISPLAY=':987'") == 3
    assert done.stdout.count("xvfb-run") == 6


def test_without_the_package_it_names_the_extra() -> None:
    code = """
import sys
class No:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pynput":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, No())
sys.modules["pynput"] = None
from headrace.errors import MissingExtraError
from headrace.live.keyboard import KeyboardSource
from headrace.live.mouse import MouseSource
for source in (MouseSource(), KeyboardSource("a")):
    try:
        source.start()
    except MissingExtraError as error:
        print(error)
"""
    done = run(code)
    assert done.stdout.count("pip install 'headrace[sensors]'") == 2, done.stderr


def test_importing_them_imports_no_driver() -> None:
    code = "import sys, headrace.live.mouse, headrace.live.keyboard; print('pynput' in sys.modules)"
    assert run(code).stdout == "False\n"
    assert issubclass(MissingExtraError, ImportError)
