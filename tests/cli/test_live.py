"""`headrace live`: the page from the command line."""

from __future__ import annotations

import signal
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from headrace.cli import main
from support.require import require

for name in ("starlette", "uvicorn", "websockets"):
    require(name)

OPEN = build_opener(ProxyHandler({})).open

LAB = """
import headrace.signals as s
from headrace.live import Sampler, System

def broken(t):
    if t > 0.2:
        raise OSError("unplugged")
    return t

def absent(t):
    return t
absent.start = lambda: 1 / 0
absent.stop = lambda: None

system = System(Sampler({"x": lambda t: t}, sample_rate=100), [s.Scale("x", name="y", scale_factor=2.0)])
fails = Sampler({"x": broken}, sample_rate=100)
never = Sampler({"x": absent}, sample_rate=100)
number = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "livelab.py").write_text(LAB)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "livelab", raising=False)
    return tmp_path


@contextmanager
def running(here: Path, *argv: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and the address it prints."""
    command = [sys.executable, "-m", "headrace", "live", *argv, "--no-open"]
    with subprocess.Popen(
        command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        try:
            assert run.stdout is not None
            yield run, run.stdout.readline().strip()
        finally:
            run.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_page_is_there_until_it_is_ended(here: Path, number: signal.Signals) -> None:
    with running(here, "livelab.py:system", "--token", "abc") as (run, url):
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/?token=abc")
        with OPEN(url, timeout=20) as answer:
            assert b"headrace" in answer.read()
        run.send_signal(number)
        out, told = run.communicate(timeout=60)
        assert (run.returncode, out) == (0, "")
        assert "Traceback" not in told


def test_a_failure_is_told_and_ends_in_one(here: Path) -> None:
    with running(here, "livelab.py:fails") as (run, url):
        assert run.stderr is not None
        assert "Ctrl-C ends it" in run.stderr.readline()
        assert "has failed" in run.stderr.readline()
        with OPEN(url, timeout=20) as answer:
            assert answer.status == 200, "the page stays, and says what"
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=60)
        assert run.returncode == 1
        assert "unplugged" in told
        assert "Traceback" not in told


@pytest.mark.parametrize(
    ("argv", "told", "code"),
    [
        (["livelab.py:number"], "wanted a System or a device", 2),
        (["livelab.py:nothing"], "has no 'nothing'", 2),
        (["livelab.py:system", "--port", "99999"], "port=99999", 2),
        (["livelab.py:system", "--rate", "0"], "rate=0.0", 2),
        (["livelab.py:system", "--token", "a b"], "token", 2),
        (["livelab.py:system", "--range", "y=3:1"], "is no range", 2),
        (["livelab.py:never"], "ZeroDivisionError", 1),
        (["livelab.py:system", "--record-to", "livelab.py/there"], "no folder can be made", 2),
    ],
    ids=lambda value: str(value[0] if isinstance(value, list) else value),
)
def test_mistakes_are_one_message(
    here: Path, argv: list[str], told: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", *argv, "--no-open"]) == code
    said = capsys.readouterr()
    assert told in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_browser_is_opened(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_(url: str) -> bool:
        with OPEN(url, timeout=20) as answer:
            assert answer.status == 200
        opened.append(url)
        signal.raise_signal(signal.SIGINT)
        return False

    monkeypatch.setattr(webbrowser, "open", open_)
    assert main(["live", "livelab.py:system", "--range", "y.scale_factor=0:9"]) == 0
    said = capsys.readouterr()
    assert said.out.split() == opened
    assert "no browser could be opened" in said.err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--help"]) == 0
    assert "--no-open" in capsys.readouterr().out
