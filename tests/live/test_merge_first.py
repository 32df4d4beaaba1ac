"""A merge before its followers have said anything, and followers that are started with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError
from headrace.live.devices.clock import VirtualClock
from headrace.live.devices.threaded import Threaded
from headrace.live.merging.merge import Merge
from live.test_merge import Scripted, run, ticks


def vectors(clock: VirtualClock, at: list[float], **options: Any) -> Scripted:
    return Scripted(clock, at, "acc", [np.arange(3.0) + k for k in range(len(at))], **options)


def test_rows_are_held_until_a_follower_that_runs_has_said_what_its_columns_are() -> None:
    clock = VirtualClock()
    blocks = []
    with Merge(ticks(clock), {"ring": vectors(clock, [2.05, 2.15])}) as merged:
        assert merged.names == ("timestamp", "k", "ring_acc")
        for _ in range(5):
            clock.advance(0.5)
            blocks.append(merged.read())
        assert [block.n for block in blocks] == [0, 0, 0, 0, 26]
    assert blocks[4]["ring_acc"].shape == (26, 3)
    assert np.isnan(blocks[4]["ring_acc"][:21]).all()
    assert blocks[4]["ring_acc"][21:23].tolist() == [[0, 1, 2], [1, 2, 3]]


def test_a_follower_that_says_nothing_holds_up_its_leader_for_so_long_and_has_no_columns() -> None:
    clock = VirtualClock()
    with Merge(ticks(clock), {"ring": vectors(clock, [2.05])}, hold=1.0) as merged:
        clock.advance(0.2)
        assert not merged.read()
        clock.advance(1.1)
        assert list(merged.read()) == ["timestamp", "k"]
        clock.advance(1.2)
        later = merged.read()
    assert later["ring_acc"][-1].tolist() == [0, 1, 2]
    assert merged.stats()["delivered"] == 26


def test_no_more_is_held_than_there_may_be() -> None:
    clock = VirtualClock()
    with Merge(ticks(clock), {"ring": vectors(clock, [])}, max_bytes=80) as merged:
        clock.advance(0.3)
        assert not merged.read()
        clock.advance(0.3)
        assert merged.read()["k"].tolist() == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("how", ["latest", "nearest", "linear", "all", "window:mean", "window:any", "window:count"])
def test_columns_that_are_told_beforehand_are_there_from_the_first_row(how: str) -> None:
    clock = VirtualClock()
    like = {"ring": {"acc": np.zeros(3)}}
    follower = vectors(clock, [2.05, 2.95])
    with Merge(ticks(clock), {"ring": follower}, how, like=like, patience=0.5) as merged:
        clock.advance(0.1)
        early = merged.read()
        if how in ("nearest", "linear"):
            assert not early
            clock.advance(0.6)
            early = merged.read()
        assert early["k"].tolist() == [0, 1]
        clock.advance(3.0)
        late = merged.read()
    assert list(early) == list(late)
    for name in set(early) - {"k", "timestamp"}:
        assert (early[name].dtype, early[name].shape[1:]) == (late[name].dtype, late[name].shape[1:])
    if how == "latest":
        assert np.isnan(early["ring_acc"]).all()
        assert late["ring_acc"][-1].tolist() == [1, 2, 3]


def test_what_is_not_as_it_was_told_beforehand_is_refused() -> None:
    clock = VirtualClock()
    with Merge(ticks(clock), {"ring": vectors(clock, [0.05])}, like={"ring": {"acc": 0.0}}) as merged:
        clock.advance(0.3)
        merged.read()
        with pytest.raises(DataError, match=r"'acc' of shape \(3,\), wanted \(\) as before"):
            merged.read()


@pytest.mark.parametrize("how", ["window:mean", "window:any"])
def test_a_follower_of_texts_is_named_where_numbers_are_wanted(how: str) -> None:
    clock = VirtualClock()
    with Merge(ticks(clock), {"f": Scripted(clock, [0.0, 0.15], values=["a", "b"])}, how) as merged:
        clock.advance(0.3)
        with pytest.raises(DataError, match=f"follower 'f' gave .* for 'v', wanted numbers for how='{how}'"):
            merged.read()


def test_texts_are_counted() -> None:
    clock = VirtualClock()
    merged = Merge(ticks(clock), {"f": Scripted(clock, [0.0, 0.15], values=["a", "b"])}, "window:count")
    assert run(merged, clock, 0.3)["f_count"].tolist() == [1, 0, 1, 0]


class Keys:
    """As a keyboard: asked before it is started, it raises."""

    def __init__(self, told: list[str]) -> None:
        self.told, self.is_active = told, False

    def start(self) -> None:
        self.told.append("start")
        self.is_active = True

    def stop(self) -> None:
        self.told.append("stop")
        self.is_active = False

    def __call__(self) -> dict[str, int]:
        if not self.is_active:
            raise RuntimeError("asked before start()")
        return {"a": 1}


def test_functions_that_can_be_started_are_started_and_stopped() -> None:
    clock, told = VirtualClock(), list[str]()
    mine, other = Keys(told), Keys([])
    other.start()
    merged = Merge(ticks(clock), {"keys": mine, "other": other})
    for _ in range(2):
        found = run(merged, clock, 0.3)
        assert found["keys_a"].tolist() == found["other_a"].tolist() == [1, 1, 1, 1]
    assert told == ["start", "stop"] * 2
    assert other.told == ["start"]  # it ran before, and is its owner's


def test_functions_are_stopped_where_the_leader_does_not_start() -> None:
    class Broken(Threaded):
        def opened(self) -> None:
            raise OSError("no such thing")

    told: list[str] = []
    with pytest.raises(OSError, match="no such thing"):
        Merge(Broken(), {"keys": Keys(told)}).start()
    assert told == ["start", "stop"]
