"""Functions timed at sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.errors import StreamConfigError
from headrace.sweeps import Benchmarker

given: list[int] = []


def setup(n: int) -> range:
    given.append(n)
    return range(n)


FAST: dict[str, Any] = {"min_t": 1e-5, "repeats": 1}


def test_times_of_every_function_at_every_size() -> None:
    timed = Benchmarker([sum, sorted], setup=range, benchmark_opts=FAST)
    timed.run([10, 20], verbosity=0)
    timed.run([30], "sum", verbosity=0)
    assert timed.ds["time"].dims == ("n", "kernel")
    assert timed.ds["n"].values.tolist() == [10, 20, 30]
    assert bool((timed.ds["time"].sel(kernel="sum") > 0).all())
    assert timed.ds["time"].isnull().sum() == 1


def test_without_setup_a_function_is_handed_the_size() -> None:
    given: list[Any] = []
    timed = Benchmarker([lambda n: given.append(n)], names=["seen"], benchmark_opts=FAST)
    timed.run([3, 5], verbosity=0)
    assert set(given) == {3, 5}


def test_times_are_kept_and_only_missing_ones_taken(tmp_path: Path) -> None:
    where = str(tmp_path / "times")
    given.clear()
    Benchmarker([len], setup=setup, benchmark_opts=FAST, data_name=where).run([1, 2], verbosity=0)
    assert set(given) == {1, 2}
    given.clear()
    timed = Benchmarker([len], setup=setup, benchmark_opts=FAST, data_name=where)
    timed.run([1, 2, 3], missing_only=True, verbosity=0)
    assert set(given) == {3}
    before = float(timed.ds["time"].sel(n=1, kernel="len"))
    timed.run([1], verbosity=0)
    assert float(timed.ds["time"].sel(n=1, kernel="len")) != before


def test_names_are_each_once() -> None:
    with pytest.raises(StreamConfigError, match="a name of its own"):
        Benchmarker([len, len])
    with pytest.raises(StreamConfigError, match="a name of its own"):
        Benchmarker([len], names=["a", "b"])
    with pytest.raises(StreamConfigError, match=r"some of \['len'\]"):
        Benchmarker([len]).run([1], "sum")
