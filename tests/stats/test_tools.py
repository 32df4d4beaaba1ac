"""Timers, memory, bars and the small things."""

from __future__ import annotations

import gc
import io
import math
import subprocess
import sys
import threading
import time
import types
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import StreamConfigError
from headrace.stats import (
    MemoryMonitor,
    RunningStatistics,
    Timer,
    autocorrect_kwargs,
    benchmark,
    estimate_from_repeats,
    flatten,
    format_number_with_error,
    get_peak_memory_usage,
    getsizeof,
    isiterable,
    prod,
    progbar,
    report_memory,
    report_memory_gpu,
    unzip,
)
from headrace.stats import memory as memory_module


def test_a_timer_runs_and_stops() -> None:
    with Timer() as timer:
        time.sleep(0.01)
        assert timer.end is None
        assert timer.t < timer.t
    assert timer.end is not None
    assert timer.t == timer.time == timer.interval == timer.end - timer.start >= 0.01
    assert repr(timer).startswith("Timer(")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, ()),
        ({"n": 3}, (3,)),
        ({"setup": lambda: "s"}, ("s",)),
        ({"setup": lambda n: ("s", n), "n": 3}, (("s", 3),)),
        ({"setup": lambda n: ("s", n), "n": 3, "starmap": True}, ("s", 3)),
        ({"setup": lambda: "ab", "starmap": True}, ("a", "b")),
    ],
)
def test_a_benchmark_calls_as_it_says(settings: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    calls = []
    taken = benchmark(lambda *args: calls.append(args), min_t=1e-4, **settings)
    assert set(calls) == {wanted}
    assert 0 < taken < 1


def test_a_benchmark_times_blocks_that_are_long_enough() -> None:
    made: list[int] = []
    taken = benchmark(lambda: time.sleep(0.002), setup=None, min_t=0.01, repeats=3, get="mean")
    assert taken >= 0.002
    counts = []

    def setup() -> int:
        made.append(0)
        counts.append(len(made))
        return len(made)

    calls: list[int] = []
    benchmark(calls.append, setup=setup, min_t=0.002, repeats=3)
    blocks = [calls.count(k) for k in counts]
    assert blocks[-1] == blocks[-2] == blocks[-3], "the three that were timed are of one length"
    assert all(b in (2 * a, 8 * a) for a, b in pairwise(blocks[:-2]))


@pytest.mark.parametrize("wrong", [{"get": "max"}, {"repeats": 0}, {"starmap": True}])
def test_a_benchmark_refuses_before_it_calls(wrong: dict[str, Any]) -> None:
    with pytest.raises(StreamConfigError):
        benchmark(pytest.fail, **wrong)


def test_estimates() -> None:
    draw = np.random.default_rng(0)
    calls = []

    def noisy(mean: float, *, scale: float) -> float:
        calls.append((mean, scale))
        return mean + scale * draw.normal()

    stats = estimate_from_repeats(noisy, 5.0, scale=1.0, rtol=0.01)
    assert isinstance(stats, RunningStatistics)
    assert stats.converged(0.01, 0.01)
    assert stats.count == len(calls) > 100
    assert set(calls) == {(5.0, 1.0)}
    assert len(estimate_from_repeats(lambda: 1.0, get="samples")) == 5
    assert estimate_from_repeats(lambda: 1.0, get="mean", min_samples=9) == 1.0
    assert estimate_from_repeats(draw.normal, max_samples=7, rtol=1e-9).count == 7
    loose, tight = (
        estimate_from_repeats(np.random.default_rng(1).normal, rtol=0.1, tol_scale=scale) for scale in (10.0, 1.0)
    )
    assert loose.count < tight.count
    with pytest.raises(StreamConfigError, match="wanted 'stats'"):
        estimate_from_repeats(pytest.fail, get="median")


@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_a_ctrl_c_ends_an_estimate(verbosity: int, capsys: pytest.CaptureFixture[str]) -> None:
    left = iter([1.0, 2.0, 4.0])

    def fn() -> float:
        for x in left:
            return x
        raise KeyboardInterrupt

    assert estimate_from_repeats(fn, get="samples", verbosity=verbosity) == (1.0, 2.0, 4.0)
    assert ("2.33" in capsys.readouterr().err) == (verbosity > 0)


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError):
        estimate_from_repeats(lambda: 1 / 0, verbosity=1)


@pytest.mark.parametrize(
    ("x", "err", "told"),
    [
        (0.1542412, 0.0626653, "0.154(63)"),
        (-128124123097, 6424, "-1.281241231(64)e+11"),
        (1e-7, 3e-9, "1.000(30)e-07"),
        (123.4, 1.2, "1.234(12)e+02"),
        (12.34, 1.2, "12.3(12)"),
        (0.01234, 0.0005, "1.234(50)e-02"),
        (0.9999, 0.00999, "1.000(10)"),
        (5, 0.0995, "5.00(10)"),
        (-5.5, 0.25, "-5.50(25)"),
        (0, 0.1, "0.00(10)"),
        (1.5, 12, "2(12)"),
        (1.5, 120, "0.0(12)e+02"),
        (2.5, 0, "2.5(0)"),
        (math.nan, 1, "nan(1)"),
        (1, math.inf, "1(inf)"),
        (1e300, 1e-300, "1e+300(1e-300)"),
        (1e300, 1e299, "1.00(10)e+300"),
    ],
)
def test_numbers_with_errors(x: float, err: float, told: str) -> None:
    assert format_number_with_error(x, err) == told


@given(x=st.floats(-1e30, 1e30), err=st.floats(1e-20, 1e30))
def test_a_number_with_its_error_says_both(x: float, err: float) -> None:
    told = format_number_with_error(x, err)
    digits, _, rest = told.partition("(")
    brackets, _, power = rest.partition(")")
    scale = 10.0 ** int(power[1:] or 0)
    if len(brackets) != 2 or not brackets.isdigit():  # more digits than a float has
        assert float(digits) == x
        return
    decimals = len(digits.partition(".")[2])
    said = int(brackets) * 10.0**-decimals * scale
    assert said == pytest.approx(err, rel=0.051)
    assert abs(float(digits) * scale - x) <= said / 10 * 0.5001 + abs(x) * 1e-12


def test_sizes() -> None:
    ones = np.ones(1000)
    assert getsizeof(ones) >= 8000
    assert getsizeof(ones[:2]) >= 8000, "a view holds the whole"
    assert getsizeof([ones] * 100) < 9000 + 1000, "each counts once"
    assert getsizeof(np.array([ones, None], object)) >= 8000
    loop: list[Any] = []
    loop.append(loop)
    assert getsizeof(loop) < 200

    class Held:
        def __init__(self) -> None:
            self.data = bytearray(5000)

    assert 5000 < getsizeof(Held()) < 10_000
    assert getsizeof({"fn": len, "module": gc, "made": lambda: 0}) < 2000
    for code in (gc, Held, len, test_sizes):
        with pytest.raises(TypeError, match="wanted data"):
            getsizeof(code)


def test_a_monitor_sees_what_came_and_went() -> None:
    with MemoryMonitor(interval=0.005) as monitor:
        before = monitor.peak
        held = np.ones(30_000_000)
        time.sleep(0.1)
        del held
    assert monitor.peak - before > 0.2
    peak = monitor.peak
    monitor.stop()
    monitor.start()
    monitor.start()
    monitor.stop()
    assert monitor.peak < peak, "a new start is from now"
    assert "headrace-memory" not in {thread.name for thread in threading.enumerate()}
    assert get_peak_memory_usage() >= 0.2


def test_peak_is_of_this_program_not_of_its_parent() -> None:
    if sys.platform != "linux":
        pytest.skip("Linux: the peak of a process that was forked from a large one")
    held = np.ones(50_000_000)
    code = "from headrace.stats import get_peak_memory_usage as peak; print(peak())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert float(told) < held.nbytes / 1e9


def test_reports_never_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert report_memory().startswith("Process memory: ")
    assert isinstance(report_memory_gpu(), str)
    monkeypatch.setattr(memory_module, "_resident", lambda: 1 / 0)
    assert "division" in report_memory()
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: 1 / 0)
    assert "division" in report_memory_gpu()
    told = types.SimpleNamespace(stdout="0, 1024, 81559\n1, 0, 81559\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: told)
    assert report_memory_gpu() == "GPU 0: 1.07GB used of 85.52GB / GPU 1: 0.00GB used of 85.52GB"


def test_bars() -> None:
    out = io.StringIO()
    assert list(progbar([1, 2], file=out, desc="here")) == [1, 2]
    assert "here" in out.getvalue()
    assert out.getvalue().isascii()
    by_hand = progbar(total=3, file=out)
    by_hand.update(3)
    by_hand.close()
    assert by_hand.smoothing == 0
    assert "tqdm_monitor" not in {type(thread).__name__ for thread in threading.enumerate()}


NESTED = st.integers(0, 3).flatmap(
    lambda n: st.lists(st.lists(st.tuples(*[st.integers()] * 2), min_size=n, max_size=n))
)


@given(NESTED)
def test_unzip_moves_a_level(its: list[list[tuple[int, int]]]) -> None:
    assert unzip(its, 0) is its
    if its:
        one, two = (unzip(its, 2) + ((), ()))[:2] if its[0] else ((), ())
        assert tuple(one) == tuple(tuple(a for a, _ in row) for row in its) or not its[0]
        assert tuple(two) == tuple(tuple(b for _, b in row) for row in its) or not its[0]
    assert list(flatten(its, 2)) == [pair for row in its for pair in row]
    assert list(flatten(its, 1)) == its


def test_small_things() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        unzip([(1, 2), (3,)])
    assert isiterable(np.ones(2))
    assert not isiterable(np.ones(()))
    assert prod(iter([2, 3])) == 6
    assert prod([]) == 1


def test_misspelt_keywords() -> None:
    @autocorrect_kwargs
    def one(a: int, *, markersize: int = 3) -> int:
        return a + markersize

    assert one(1, markersize=4) == 5
    with pytest.raises(ValueError, match="Did you mean markersize="):
        one(1, marker_size=4)
    with pytest.raises(ValueError, match="It knows a, markersize"):
        one(1, zzz=4)

    @autocorrect_kwargs(valid_kwargs=["palette"])  # type: ignore[untyped-decorator]  # a function or a decorator
    def two(**kwargs: Any) -> dict[str, Any]:
        """Two."""
        return kwargs

    assert two(palette=1) == {"palette": 1}
    assert two.__doc__ == "Two."
    with pytest.raises(StreamConfigError, match="palette"):
        two(pallete=1)
    with pytest.raises(StreamConfigError):
        two(kwargs=1)
