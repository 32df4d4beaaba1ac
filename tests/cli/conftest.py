"""A file of streams in an empty folder, and the command run on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

STREAMS = """
import time

import numpy as np

import headrace as hr


def item(i, rng):
    return {"X": rng.normal(size=(2, 3)).astype("f4"), "y": i, "name": "ab" * (i % 3)}


def slow(i):
    time.sleep(0.005)
    return {"i": i}


def broken(i):
    if i == 20:
        raise KeyError("no such song")
    return {"i": i}


def counting():
    i = 0
    while True:
        yield {"i": i}
        i += 1


def made():
    return stream


def wants(path, other=3):
    return stream


def fails():
    raise RuntimeError("not today")


def number():
    return 3.5


@hr.streamable
def marked():
    yield from range(3)


class Handle:
    def __recipe__(self):
        return stream


class space:
    inner = hr.Streamer("xyz")


stream = hr.Streamer(range(100)) | hr.map(item) | hr.shuffle(8)
batches = stream | hr.batch(7)
slowly = hr.Streamer(range(2000)) | hr.map(slow)
fragile = hr.Streamer(range(40)) | hr.map(broken)
endless = hr.Streamer(range(5)) | hr.repeat()
ragged = hr.Streamer([{"X": np.zeros(k)} for k in (2, 3)])
once = hr.Streamer(iter(range(10)))
handle = Handle()
values = [1, 2, 3]
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "demo_streams.py").write_text(STREAMS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "demo_streams", raising=False)
    monkeypatch.delitem(sys.modules, "demo_streams_py", raising=False)
    return tmp_path


@pytest.fixture
def command(here: Path) -> Run:
    """Run the real command in a process of its own."""

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "headrace", *argv],
            cwd=here,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    return run
