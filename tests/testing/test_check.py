"""Every law finds the component that breaks it, and no law is broken by one that keeps them all."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core.sink import ListSink
from headrace.testing import LawError, Report, check_op, check_sink, check_stream, counted, flaky
from testing import broken

BREAKS: list[tuple[Any, str]] = [
    (broken.NotFrozen(), "frozen"),
    (broken.HoldsALock(), "picklable"),
    (broken.Silent(), "printable"),
    (broken.OpensEarly(), "start opens nothing"),
    (broken.KeepsAFileOpen(), "start opens nothing"),
    (broken.CallsEarly(), "start opens nothing"),
    (broken.ForgetsItInTheFingerprint(), "fingerprint"),
    (broken.HiddenRandomness(), "no hidden randomness"),
    (broken.HiddenMemory(), "no hidden randomness"),
    (broken.IgnoresItsSeed(), "a seed repeats"),
    (broken.KeepsTheCallersRoot(), "a seed repeats"),
    (broken.AlwaysTheSameUnseeded(), "unseeded passes differ"),
    (broken.LapsRepeat(), "unseeded passes differ"),
    (broken.SkipsOneTooMany(), "drawn in any way"),
    (broken.MiscountsPosition(), "drawn in any way"),
    (broken.ReadsOtherColumns(), "drawn in any way"),
    (broken.StartsAgainAfterItsEnd(), "drawn in any way"),
    (broken.GivesAfterClose(), "closing"),
    (broken.LeavesAThread(), "nothing left after close"),
    (broken.WrongSize(), "size"),
    (broken.WrongSpec(), "spec"),
    (broken.ReusesItsArray(), "an item is its owner's"),
    (broken.ReusesItsDict(), "an item is its owner's"),
    (broken.ForgetsWhereItWas(), "resume"),
    (broken.SavesLate(), "resume"),
    (broken.SavingDraws(), "saving changes nothing"),
    (broken.StateIsAlive(), "saving changes nothing"),
    (broken.StateEndsWithClose(), "closing"),
    (broken.OnlyFreshCursorsLoad(), "restore"),
    (broken.TakesAnyState(), "another's state is refused"),
    (broken.ShardsOfNothing(), "shards"),
    (broken.DependsOnTheProcess(), "the same in another process"),
    (broken.OtherFingerprintElsewhere(), "the same in another process"),
]

OPS: list[tuple[Any, str]] = [
    (broken.LosesAroundErrors, "a failed item is tried again"),
    (broken.SwallowsErrors, "a failed item fails for ever"),
    (broken.DrawsAtOpening, "start opens nothing"),
]


@pytest.mark.parametrize(("stream", "law"), BREAKS, ids=[type(stream).__name__ for stream, _ in BREAKS])
def test_a_broken_law_is_named(stream: Any, law: str) -> None:
    elsewhere = law == "the same in another process"
    with pytest.raises(LawError) as caught:
        check_stream(stream, seed=3, processes=elsewhere)
    assert caught.value.law == law
    assert caught.value.seen
    assert caught.value.wanted
    assert f"breaks the law '{law}'" in str(caught.value)
    assert isinstance(caught.value, AssertionError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("items", [5, 20, 21, 60])
def test_what_keeps_the_laws_passes(items: int) -> None:
    report = check_stream(broken.Good(), items=items)
    assert len(report.held) > 15
    assert ("an end stays" in report.held) is (items > 20)
    assert "the same in another process" in report.held
    assert "another key, other items" in report.held
    assert len(check_op(broken.Op, processes=False).held) > 40
