"""What signals need is there before the source starts."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np

import headrace.signals as s
from headrace.core.knob import Knob
from headrace.live.running.system import System
from headrace.live.running.warm import warm
from live.hand import Hand

AT_START = """
import sys
import headrace.signals as s
from headrace.live.devices.threaded import Threaded
from headrace.live.running.system import System
class Source(Threaded):
    def opened(self):
        print("scipy.signal" in sys.modules)
    def run(self, stopping):
        stopping.wait()
with System(Source(), [s.LowPassFilter("x", name="low", order=2, cutoff_freq=5, sample_rate=100)]):
    pass
"""


def test_a_source_starts_when_what_its_filters_need_has_been_imported() -> None:
    done = subprocess.run([sys.executable, "-c", AT_START], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


def test_no_function_of_the_users_is_called_and_nothing_is_refused() -> None:
    calls: list[Any] = []

    def mine(x: Any) -> Any:
        calls.append(x.shape)
        return x

    graph = s.Graph([
        s.signal(mine)("x", name="y"), s.Scale("y", name="z", scale_factor=2.0), s.Norm("acc", name="n"),
        s.ExtractDimension("acc", "ax", dim=0), s.Scale("ax", name="turned", scale_factor=Knob(1.0)),
    ])  # fmt: skip
    warm(graph)
    assert calls == []
    hand = Hand()
    with System(hand, graph) as system:
        hand.say(2, x=np.zeros(2), acc=np.zeros((2, 3)))
        assert system.read()["turned"].tolist() == [0, 0]


ADDED = """
import sys
import headrace.signals as s
from headrace.live.devices.threaded import Threaded
from headrace.live.running.system import System
class Source(Threaded):
    def run(self, stopping):
        stopping.wait()
with System(Source()) as system:
    system.add_derived_signal(s.LowPassFilter("x", name="low", order=2, cutoff_freq=5, sample_rate=100))
    print("scipy.signal" in sys.modules)
"""


def test_one_that_is_added_has_imported_what_it_needs_before_its_first_block() -> None:
    done = subprocess.run([sys.executable, "-c", ADDED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]
