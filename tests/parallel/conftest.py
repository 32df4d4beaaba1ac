"""Tests of processes ask for ``nothing_left``: whatever happens in them, nothing may be left over."""

from __future__ import annotations

import gc
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from parallel.alarms import Alarm
from parallel.left import Held


@pytest.fixture(autouse=True, scope="module")
def _frozen() -> None:
    """Each test here tidies up twice: not to walk over what the modules before have imported saves half of its time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail the test that leaves a process, a descriptor, a thread or a mapping behind."""
    held = Held()
    yield
    held.check()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of one's own with a short name: a path on a socket has 100 letters."""
    with tempfile.TemporaryDirectory(prefix="hr") as made:
        yield Path(made)


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    made = Alarm()
    before = signal.signal(signal.SIGALRM, made)
    yield made
    made.off()
    signal.signal(signal.SIGALRM, before)
