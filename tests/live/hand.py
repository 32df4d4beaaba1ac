"""A device that says what a test tells it to, when it tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

import numpy as np

from headrace.core.block import Block
from headrace.live.devices.active import Active
from headrace.live.devices.pending import Pending
from headrace.live.devices.wake import Wake

HANG = 20.0  # seconds after which a test fails instead of hanging


class Hand:
    """Keeps the protocol of devices without a thread of its own."""

    rate = 100.0
    names = ("x",)

    def __init__(self) -> None:
        self.arrived = Wake()
        self.state = "idle"
        self.starts = self.stops = self.said = 0
        self.failure: BaseException | None = None
        self.start_failures: list[BaseException] = []
        self.stop_failures: list[BaseException] = []
        self.at_start: Callable[[], Any] | None = None
        self._pending = Pending()
        self._lock = threading.Lock()

    @property
    def is_active(self) -> Active:
        return Active(self.state == "running")

    def start(self) -> None:
        self.starts += 1
        if self.start_failures:
            raise self.start_failures.pop(0)
        self.state = "running"
        if self.at_start is not None:
            self.at_start()

    def stop(self) -> None:
        self.stops += 1
        if self.state == "running":
            self.state = "stopped"
        self.arrived.set()
        if self.stop_failures:
            raise self.stop_failures.pop(0)

    def read(self) -> Block:
        failure = self.failure
        block = self._pending.take(self.rate)
        if not block and failure is not None:
            self.failure, self.state = None, "failed"
            raise failure
        return block

    def stats(self) -> dict[str, Any]:
        return {**self._pending.counts(), "late": 0}

    # --- the test's side ------------------------------------------------------------------------------

    def say(self, n: int = 1, **columns: Any) -> None:
        """Let ``n`` rows of ``x`` = 0, 1, 2 ... arrive, or columns."""
        with self._lock:
            if not columns:
                columns = {"x": np.arange(self.said, self.said + n, dtype=float)}
            self.said += n
            self._pending.block(columns)
        self.arrived.set()

    def fail(self, error: BaseException) -> None:
        """Fail after what was said."""
        self.failure = error
        self.arrived.set()

    def finish(self) -> None:
        """End by itself."""
        self.state = "stopped"
        self.arrived.set()


def until(condition: Callable[..., Any], *args: Any) -> None:
    """Wait until a condition of ``args`` holds."""
    end = monotonic() + HANG
    while not condition(*args):
        assert monotonic() < end, "what was waited for has not come to be"
        sleep(0.001)


def balanced(counts: dict[str, Any]) -> bool:
    """Tell whether every row is accounted for."""
    return bool(counts["produced"] == counts["delivered"] + counts["dropped"] + counts["pending"])
