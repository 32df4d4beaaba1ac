"""Figures are painted whatever becomes of another."""

from __future__ import annotations

import threading
from threading import Event
from typing import Any

import pytest

from headrace.plot.painter import Painter


def test_one_that_cannot_be_painted_is_told_and_keeps_no_other_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    first, painted, painter = Event(), Event(), Painter(period=0.001)

    def bad() -> bool:
        first.set()
        raise OSError("the page is gone")

    def good() -> bool:
        painted.set()
        return True

    painter.want(bad)
    painter.want(good)
    assert first.wait(20)
    assert painted.wait(20)
    painter.want(bad)  # and the thread goes on
    painted.clear()
    painter.want(good)
    assert painted.wait(20)
    assert {str(each.exc_value) for each in told} == {"the page is gone"}
    for thread in threading.enumerate():
        if thread.name == "headrace-painter":
            thread.join(20)
