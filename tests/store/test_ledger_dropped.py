"""Ledgers that nobody closes: memory is tidied up at any moment, within another ledger's opening too."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from headrace.store.ledger import Ledger, Point

HANG = 60.0


def in_a_circle(path: Path, i: int) -> list[object]:
    ledger = Ledger(path)
    ledger.put([Point(b"%08d" % i, (i,), (i,))])
    circle: list[object] = [ledger]
    circle.append(circle)
    return circle


def test_ledgers_dropped_while_another_is_opened_stop_nobody_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    circles = [in_a_circle(tmp_path / f"ledger{i % 3}", i) for i in range(15)]
    stat = os.stat

    def tidies(*args: Any, **more: Any) -> Any:
        """Look at a file; meanwhile another ledger is dropped, and memory tidied up."""
        if circles:
            circles.pop()
            gc.collect()
        return stat(*args, **more)

    def works() -> None:
        while circles:
            with Ledger(tmp_path / "another") as ledger:
                ledger.put([Point(b"0", (0,), (0,))])

    # The thread that tidies up is the one that opens: it would wait for itself.
    monkeypatch.setattr(os, "stat", tidies)
    thread = threading.Thread(target=works, daemon=True)
    thread.start()
    thread.join(HANG)
    assert not thread.is_alive(), "it hangs"
    monkeypatch.undo()
    for k in range(3):
        with Ledger(tmp_path / f"ledger{k}") as ledger:
            assert len(ledger) == 5


def test_what_was_dropped_leaves_no_file_open(tmp_path: Path) -> None:
    for i in range(20):
        in_a_circle(tmp_path / f"ledger{i}", i)
    gc.collect()
    Ledger(tmp_path / "last").put([Point(b"0", (0,), (0,))])
    gc.collect()
    held = [
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")
    ]
    assert not [path for path in held if str(tmp_path) in path]
