"""What was computed live is computed again as it was: where signals failed, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.block import Block
from headrace.live.devices.clock import VirtualClock
from headrace.live.recording.session import Session
from headrace.live.running.system import System
from live.hand import Hand, until
from support.exactly import differ

left = [0]  # times that the signal is still to fail


@s.signal
def touchy(x: Any) -> Any:
    if (x == 9).any() and left[0]:
        left[0] -= 1
        raise OSError("busy")
    return x * 1.0


def say(hand: Hand, system: System, blocks: int) -> None:
    for _ in range(blocks):
        hand.say(4)
        until(lambda: system.stats()["rows"] == hand.said)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("mode", "failures", "rows"), [("skip", 1, 36), ("restart", 1, 40), ("restart", 2, 36), ("fail", 1, 8)]
)
def test_what_failed_live_is_left_out_or_begun_again(
    tmp_path: Path, mode: Any, failures: int, rows: int, late: bool
) -> None:
    knob = hr.Knob(2.0)
    graph = [touchy("x", name="y"), s.Integrate("y", None, name="sum"), s.Scale("sum", name="more", scale_factor=knob)]
    hand, live = Hand(), list[Block]()
    clock = VirtualClock()
    system = System(hand, graph, on_error=mode, clock=clock)
    consumer = system.add_consumer(policy="spill")
    left[0] = failures
    system.start()
    system.record(tmp_path / "s")
    say(hand, system, 1 if late else 2)
    if late:  # after the second from which a recording begins with the first row
        clock.advance(2.0)
        say(hand, system, 1)
        system.stop_recording()
        system.record(tmp_path / "late")
    knob.set(3.0)
    say(hand, system, 1)
    if mode != "fail":
        system.add_derived_signal(s.Scale("sum", name="less", scale_factor=0.5))
        say(hand, system, 4)
        knob.set(5.0)
        say(hand, system, 3)
        system.stop()
    else:
        with pytest.raises(OSError, match="busy"):
            system.stop()
    try:
        live.extend(consumer)
    except OSError:
        assert mode == "fail"
    left[0] = 0
    assert sum(block.n for block in live) == rows
    if late:
        live = [block for block in live if block.first >= 8]
    session = Session(tmp_path / ("late" if late else "s"), known_functions={f"{__name__}:touchy": touchy})
    again = session.signals()
    blocks = list(again.blocks())
    assert sum(block.n for block in blocks) == sum(block.n for block in live) == again.n
    for name in ("x", "y", "sum", "more"):
        whole = np.concatenate([block[name] for block in live]) if live else np.zeros(0)
        assert differ(np.concatenate([block[name] for block in blocks] or [np.zeros(0)]), whole) == "", name
        assert differ(np.asarray(again[name]), whole) == "", name
