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
    (broken.FollowsTheCallersRoot(), "a seed repeats"),
    (broken.AlwaysTheSameUnseeded(), "unseeded passes differ"),
    (broken.LapsRepeat(), "unseeded passes differ"),
    (broken.SkipsOneTooMany(), "drawn in any way"),
    (broken.MiscountsPosition(), "drawn in any way"),
    (broken.ReadsOtherColumns(), "drawn in any way"),
    (broken.StartsAgainAfterItsEnd(), "drawn in any way"),
    (broken.GivesAfterClose(), "closing"),
    (broken.ClosesOnce(), "closing"),
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
    (broken.TuningThatCounts(), "tuning changes nothing"),
    (broken.ShardsOverlap(), "shards"),
    (broken.ShardsOfNothing(), "shards"),
    (broken.DependsOnTheProcess(), "the same in another process"),
    (broken.OtherFingerprintElsewhere(), "the same in another process"),
]

OPS: list[tuple[Any, str]] = [
    (broken.LosesAroundErrors, "a failed item is tried again"),
    (broken.EndsAtAnError, "a failed item is tried again"),
    (broken.GivesUp, "a failed item fails for ever"),
    (broken.PassesMore, "skip passes a failed item"),
    (broken.ForgetsAtAnError, "state at an error"),
    (broken.WrapsErrors, "ValueError"),
    (broken.DrawsAhead, "nothing drawn in excess"),
    (broken.DrawsAtOpening, "opening draws nothing"),
    (broken.NeedsAnItem, "AssertionError"),
]


@pytest.mark.parametrize(("stream", "law"), BREAKS, ids=[type(stream).__name__ for stream, _ in BREAKS])
def test_a_broken_law_is_named(stream: Any, law: str) -> None:
    elsewhere = law == "the same in another process"
    with pytest.raises((LawError, ValueError)) as caught:
        check_stream(stream, seed=3, processes=elsewhere)
    if isinstance(caught.value, ValueError):  # the component's own error is handed on
        assert str(caught.value) == "closed already"
        return
    assert isinstance(caught.value, LawError)
    assert caught.value.law == law
    assert caught.value.seen
    assert caught.value.wanted
    assert f"breaks the law '{law}'" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("items", [5, 20, 21, 60])
def test_what_keeps_the_laws_passes(items: int) -> None:
    report = check_stream(broken.Good(), items=items)
    assert len(report.held) > 15
    assert ("an end stays" in report.held) is (items > 20)
    assert "the same in another process" in report.held
    assert "another key, other items" in report.held
    assert len(check_op(broken.Op, processes=False).held) > 40


@pytest.mark.parametrize(("op", "law"), OPS, ids=[op.__name__ for op, _ in OPS])
def test_a_broken_law_of_an_op_is_named(op: Any, law: str) -> None:
    with pytest.raises(Exception) as caught:  # which it is, the next line asks
        check_op(op, processes=False)
    assert (caught.value.law if isinstance(caught.value, LawError) else type(caught.value).__name__) == law
    if law == "nothing drawn in excess":
        assert law in check_op(op, ahead=2, processes=False).held
        assert law not in check_op(op, ahead=None, processes=False).held
        with pytest.raises(LawError):
            check_op(op, ahead=1, processes=False)


def test_every_op_of_ours_keeps_them() -> None:
    def parity(row: Any) -> bool:
        return bool(row["y"] % 2)

    report = check_op(hr.batch(4) | hr.map(dict) | hr.take(9), processes=False)
    assert "skip passes a failed item" in report.held
    assert "empty source: resume" in report.held
    assert "one item: resume" in report.held
    assert check_op(hr.filter(parity), processes=False)
    assert check_op(hr.map(abs), range(30), processes=False)
    with pytest.raises(LawError, match="nothing drawn in excess"):
        check_op(hr.shuffle(5), processes=False)
    assert check_op(hr.shuffle(5), ahead=5, processes=False)


def test_reports_say_what_did_not_apply_and_why() -> None:
    report = check_stream(hr.Streamer(iter(range(5))), processes=False)
    assert isinstance(report, Report)
    assert report.skipped["resume"] == "it can be drawn only once, and says so"
    assert "does not apply resume: it can be drawn only once" in str(report)
    local = check_stream(hr.Streamer(range(5)) | hr.map(lambda i: i), processes=False)
    assert "is not at the top of a module" in local.skipped["picklable"]
    assert "batch" not in local.of
    assert local.skipped["another key, other items"] == "no random numbers were seen"
    assert report.skipped["the same in another process"] == "processes=False"


def test_hidden_randomness_names_the_functions_that_take_no_rng() -> None:
    def jitter(item: int) -> float:
        return item + np.random.random()

    with pytest.raises(LawError, match=r"no hidden randomness.*[\s\S]*perhaps in .*jitter"):
        check_stream(hr.Streamer(range(5)) | hr.map(jitter), processes=False)


def test_what_a_component_raises_is_handed_on() -> None:
    def fails(item: int) -> int:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        check_stream(hr.Streamer(range(5)) | hr.map(fails), processes=False)


def test_a_check_is_repeatable_and_its_seed_counts() -> None:
    source = counted(range(50))
    drawn = []
    for seed in (1, 1, 2):
        before = source.drawn
        check_stream(source | hr.batch(3), seed=seed, processes=False)
        drawn.append(source.drawn - before)
    assert drawn[0] == drawn[1] != drawn[2]


def test_checking_leaves_the_stream_as_it_was() -> None:
    rows: list[Any] = [{"X": np.arange(3) + i, "y": i} for i in range(30)]
    stream = hr.Streamer(rows) | hr.batch(4)
    before = pickle.dumps(stream)
    check_stream(stream, processes=False)
    assert pickle.dumps(stream) == before
    assert len(rows) == 30
    assert all(row["X"].tolist() == [i, i + 1, i + 2] for i, row in enumerate(rows))


def test_testing_needs_neither_pytest_nor_hypothesis() -> None:
    code = """
import sys
sys.modules["pytest"] = sys.modules["hypothesis"] = None
import headrace as hr
from headrace.testing import check_stream
check_stream(hr.Streamer(range(9)) | hr.batch(2), processes=False)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# --- flaky and counted --------------------------------------------------------------------------


def test_flaky_is_a_recipe() -> None:
    stream = flaky(range(10), at=4, times=2)
    assert stream == flaky(range(10), at=4, times=2)
    assert stream != flaky(range(10), at=5, times=2)
    for _ in range(2):
        with pytest.raises(hr.testing.Broken, match="item 4 is broken"):
            list(stream)
    assert stream.failures == 2
    assert list(stream) == list(range(10))
    again = pickle.loads(pickle.dumps(stream))
    assert again.failures == 0
    assert again == stream
    assert again.fingerprint == stream.fingerprint
    assert list(flaky(range(3), at=4)) == [0, 1, 2]
    assert list(flaky(range(3), at=0, times=0)) == [0, 1, 2]
    with pytest.raises(KeyError, match="item 1"):
        list(flaky(range(3), at=1, error=KeyError))


@pytest.mark.parametrize("bad", [{"at": -1}, {"at": 1.5}, {"times": -1}, {"error": 3}, {"error": KeyboardInterrupt}])
def test_flaky_checks_its_arguments(bad: dict[str, Any]) -> None:
    with pytest.raises(hr.StreamConfigError, match=rf"flaky\({next(iter(bad))}=\) got"):
        flaky(range(3), **bad)


def test_flaky_and_counted_keep_the_laws() -> None:
    assert check_stream(flaky(range(30), times=0), processes=False)
    assert check_stream(counted(range(30)), processes=False)


# --- sinks --------------------------------------------------------------------------------------


class PickleSink:
    def __init__(self, folder: Path) -> None:
        self.file = (folder / "items").open("wb")

    def write(self, item: Any) -> None:
        pickle.dump(item, self.file)

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def read_pickles(folder: Path) -> Iterator[Any]:
    with (folder / "items").open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except EOFError:
                return


class WritesAfterClose(ListSink[Any]):
    def write(self, item: Any) -> None:
        self.items.append(item)


class ClosesOnceSink(PickleSink):
    def close(self) -> None:
        if self.file.closed:
            raise ValueError("closed already")
        super().close()


class ChangesItems(PickleSink):
    def write(self, item: Any) -> None:
        super().write(item)
        item["y"] = -1


class LosesTheLast(PickleSink):
    last: Any = None

    def write(self, item: Any) -> None:
        if self.last is not None:
            super().write(self.last)
        elif self.file.closed:
            raise ValueError
        self.last = item


class NeverCloses(PickleSink):
    def __exit__(self, *error: object) -> None:
        self.file.flush()


class Swallows(PickleSink):
    def __exit__(self, *error: object) -> Any:
        self.close()
        return True


class NoContext:
    def __init__(self, folder: Path) -> None: ...

    def write(self, item: Any) -> None: ...

    def close(self) -> None: ...


def test_a_good_sink_passes() -> None:
    report = check_sink(PickleSink, read=read_pickles)
    assert len(report.held) == 10
    assert not report.skipped
    assert "what is written can be read" in check_sink(PickleSink).skipped


@pytest.mark.parametrize(
    ("sink", "law"),
    [
        (NoContext, "is a sink"),
        (LosesTheLast, "what is written can be read"),
        (ClosesOnceSink, "ValueError"),
        (lambda folder: WritesAfterClose(), "no write after close"),
        (NeverCloses, "context manager"),
        (Swallows, "errors pass through"),
        (ChangesItems, "nothing of the caller's is changed"),
        (lambda folder: ListSink(), "an item may change after it was written"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_sink_is_told(sink: Any, law: str) -> None:
    kept: dict[Path, Any] = {}

    def make(folder: Path) -> Any:
        kept[folder] = sink(folder)
        return kept[folder]

    def read(folder: Path) -> Any:
        return kept[folder].items if hasattr(kept[folder], "items") else list(read_pickles(folder))

    with pytest.raises((LawError, ValueError)) as caught:
        check_sink(make, read=read)
    for left in kept.values():
        getattr(left, "file", left).close()
    assert (caught.value.law if isinstance(caught.value, LawError) else type(caught.value).__name__) == law


# --- elsewhere ----------------------------------------------------------------------------------


def test_elsewhere_hands_back_errors_as_text() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        hr.testing.elsewhere(divmod, 1, 0)
    with pytest.raises(RuntimeError, match="status 3"):
        hr.testing.elsewhere(_leave, 3)
    with pytest.raises(subprocess.TimeoutExpired):
        hr.testing.elsewhere(_sleep, timeout=0.5)
    assert hr.testing.elsewhere(print, "what is printed there does no harm") is None


_leave, _sleep = broken.leave, broken.sleep
