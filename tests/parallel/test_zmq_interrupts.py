"""Handlers that raise while items are drawn from a worker behind a socket: none is lost, and none comes twice.

Whether something is left behind is not asked here: a worker that was half made, or half ended, when one struck is left
to its finalizer, and what strikes in there is swallowed by Python.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import headrace as hr
from parallel.alarms import Alarm, draw, numbers
from parallel.left import MARKS
from parallel.served import KEY
from support.counts import heavy, soaking

pytestmark = [
    *MARKS,
    *(mark for mark in MARKS if mark.name == "filterwarnings"),
    pytest.mark.timeout(3600 if soaking() else 120, method="thread"),  # the other method needs the alarm for itself
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def paused(i: int) -> Any:
    if i % 20 == 0:
        time.sleep(0.001)
    return i, np.full(3, i)


@pytest.mark.soak
def test_an_alarm_loses_nothing_of_a_worker_behind_a_socket(alarm: Alarm) -> None:
    times = heavy(1000)
    with (hr.Streamer(numbers) | hr.map(paused) | hr.background("zmq", ahead=20_000)).open(KEY) as cursor:
        expected = 0
        for i, at in draw(cursor, alarm, times):
            assert i + 1 == at
            assert 0 <= i - expected < 2
            expected = i + 1
