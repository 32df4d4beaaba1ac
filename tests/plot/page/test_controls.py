"""What can be turned, and what turning it does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.errors import StreamConfigError
from headrace.live import Merge, Sampler, System, VirtualClock
from headrace.plot.page import Page
from headrace.plot.page.controls import check_ranges, controls, turn
from headrace.sources import SineWave


def system(**options: Any) -> System:
    graph = [
        s.Scale("sine", name="more", scale_factor=hr.Knob(2.0)),
        s.Scale("sine", name="less", scale_factor=0.5),
        s.BandPassFilter("sine", name="band", order=2, cutoff_freq=(2, 8), sample_rate=100),
        s.Clip("sine", name="cut", min_value=None, max_value=hr.Knob(1)),
    ]
    sources: dict[str, Any] = {"sine": SineWave(frequency=0.0, phase=np.pi / 2), "plain": lambda: 1.0}
    return System(Sampler(sources, sample_rate=10, **options), graph)


def values(of: System) -> dict[str, Any]:
    return {each.path: each.value for each in controls(of)}


def test_knobs_come_first_then_sources_then_parameters() -> None:
    found = controls(system())
    assert [each.kind for each in found] == ["knob"] * 2 + ["source"] * 3 + ["parameter"] * 5
    assert values(system()) == {
        "more.scale_factor": 2.0, "cut.max_value": 1,
        "sine.amplitude": 1.0, "sine.frequency": 0.0, "sine.phase": np.pi / 2,
        "less.scale_factor": 0.5, "band.order": 2, "band.cutoff_freq[0]": 2, "band.cutoff_freq[1]": 8,
        "band.sample_rate": 100,
    }  # fmt: skip
    assert [each.path for each in found if each.told()["whole"]] == ["band.order"]


def test_turning_acts_on_the_next_block() -> None:
    clock = VirtualClock()
    running = system(clock=clock)
    with running:
        clock.advance(0.05)
        block = running.read()
        assert (block["more"].tolist(), block["less"].tolist()) == ([2.0], [0.5])
        turn(running, "more.scale_factor", 3)
        turn(running, "less.scale_factor", 0.25)
        turn(running, "sine.amplitude", 4.0)
        turn(running, "band.cutoff_freq[1]", 9)
        clock.advance(0.1)
        block = running.read()
    assert (block["sine"].tolist(), block["more"].tolist(), block["less"].tolist()) == ([4.0], [12.0], [1.0])
    assert values(running)["band.cutoff_freq[1]"] == 9
    assert values(running)["band.cutoff_freq[0]"] == 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nothing.there", 1.0),
        ("more", 1.0),
        ("sine.__class__", 1.0),
        ("plain.__dict__", 1.0),
        ("more.scale_factor", float("nan")),
        ("more.scale_factor", 10**400),
        ("band.order", 2.5),
        ("band.order", -1),
        ("band.cutoff_freq[1]", 1000),
        ("band.cutoff_freq[7]", 1),
        ("band.cutoff_freq[x]", 1),
    ],
)
def test_what_cannot_be_changes_nothing(path: str, value: Any) -> None:
    there = system()
    before = values(there)
    with pytest.raises(StreamConfigError):
        turn(there, path, value)
    assert values(there) == before


def test_a_knob_is_not_turned_to_what_its_signal_cannot_use() -> None:
    knob = hr.Knob(2.0)
    there = System(Sampler({"x": lambda: 1.0}, sample_rate=10), [s.Logarithm("x", name="log", base=knob)])
    with pytest.raises(StreamConfigError):
        turn(there, "log.base", -3.0)
    assert knob.value == 2.0


def test_whole_numbers_stay_whole_where_they_can() -> None:
    there = System(Sampler({"sine": SineWave(amplitude=2)}, sample_rate=10))
    turn(there, "sine.amplitude", 3.0)
    assert type(values(there)["sine.amplitude"]) is int
    turn(there, "sine.amplitude", 3.5)
    assert values(there)["sine.amplitude"] == 3.5


def test_a_pair_in_a_knob() -> None:
    knob = hr.Knob((2.0, 8.0))
    graph = [s.BandPassFilter("x", name="band", order=2, cutoff_freq=knob, sample_rate=100)]
    there = System(Sampler({"x": lambda: 1.0}, sample_rate=100), graph)
    turn(there, "band.cutoff_freq[0]", 3.0)
    assert knob.value == (3.0, 8.0)
    assert [each.kind for each in controls(there)][:2] == ["knob", "knob"]


def test_sliders_have_ends_around_the_value() -> None:
    ends = {each.path: (each.low, each.high) for each in controls(system(), {"sine.amplitude": (0.0, 0.5)})}
    assert ends["more.scale_factor"] == (0.0, 4.0)
    assert ends["sine.frequency"] == (-1.0, 1.0)
    assert ends["sine.amplitude"] == (0.0, 1.0), "what it is now is among them"


class Odd:
    """A source with numbers that no browser has."""

    def __init__(self) -> None:
        self.seed: Any = 2**2000
        self.far = 1.5e308
        self.other = 2**53 + 1
        self.there = 2**53

    def __call__(self) -> float:
        return 1.0


def test_numbers_that_no_browser_has_are_no_controls() -> None:
    odd = System(Sampler({"odd": Odd()}, sample_rate=10))
    assert list(values(odd)) == ["odd.there"]
    json.dumps([each.told() for each in controls(odd)], allow_nan=False)


def test_ranges_of_what_cannot_be_turned_are_refused() -> None:
    check_ranges(system(), {"sine.frequency": (0, 5)})
    with pytest.raises(StreamConfigError, match=r"'sine\.freq', which .*\n.*'sine\.frequency'"):
        check_ranges(system(), {"sine.freq": (0, 5)})
    with pytest.raises(StreamConfigError, match="Page got a range of 'zzz'"):
        Page(system(), ranges={"zzz": (0.0, 5.0)})


def test_sources_below_a_merge() -> None:
    follower = Sampler({"slow": SineWave(amplitude=3.0)}, sample_rate=5)
    merged = Merge(Sampler({"fast": SineWave()}, sample_rate=10), {"room": follower, "asked": SineWave(frequency=7.0)})
    there = System(merged)
    assert {"fast.phase", "slow.amplitude", "asked.frequency"} <= values(there).keys()
    turn(there, "asked.frequency", 8)
    assert values(there)["asked.frequency"] == 8.0


def test_sources_elsewhere_cannot_be_turned() -> None:
    there = System(Sampler({"sine": SineWave()}, sample_rate=10, process=True))
    assert controls(there) == []
