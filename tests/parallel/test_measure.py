"""Measuring a stream: what is counted, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.parallel import Stats, measure


def rows(n: int, pause: float = 0.0) -> Iterator[dict[str, Any]]:
    for i in range(n):
        time.sleep(pause)
        yield {"X": np.full(100, float(i)), "Y": i}


def test_items_and_bytes_are_counted_to_the_end() -> None:
    found = measure(hr.Streamer(rows, 50), seconds=60)
    assert (found.items, found.nbytes) == (50, 50 * 808)
    assert found.rate > 0 < found.first
    assert found.stages == ()
    assert "a consumer that takes less than" in str(found)


def test_an_empty_stream_is_said_to_be_so() -> None:
    found = measure(hr.Streamer(rows, 0))
    assert (found.items, found.rate, found.gain) == (0, 0.0, 0.0)
    assert str(found) == "the stream has no items"


def test_it_stops_when_the_time_is_over() -> None:
    assert 1 <= measure(hr.Streamer(rows, 10**9), seconds=0.05).items < 10**9


@pytest.mark.parametrize("where", ["thread", "process"])
def test_a_slow_source_is_the_bottleneck(where: str) -> None:
    found = measure(hr.Streamer(rows, 60, 0.002) | hr.background(where), seconds=60)
    ((name, stats),) = found.stages
    assert (name, stats.items, stats.bottleneck) == ("background", 60, "source")
    assert "bottleneck    the source" in str(found)


@pytest.mark.parametrize("where", ["thread", "process"])
def test_a_slow_consumer_is_the_bottleneck_and_a_perfect_loader_gains_nothing(where: str) -> None:
    stream = hr.Streamer(rows, 10**9) | hr.background(where, ahead=20_000)
    found = measure(stream, seconds=0.4, consumer=lambda item: time.sleep(0.002))
    assert found.stages[0][1].bottleneck == "consumer"
    assert 0.5 < found.gain < 2
    assert "a perfect loader would be" in str(found)


def test_a_perfect_loader_gains_what_the_source_costs() -> None:
    found = measure(hr.Streamer(rows, 10**9, 0.004), seconds=0.4, consumer=lambda item: time.sleep(0.001))
    assert found.gain > 2  # five times at best


def test_stages_are_found_below_ops_and_below_each_other() -> None:
    stream = hr.Streamer(rows, 40) | hr.prefetch() | hr.batch(4) | hr.background("process") | hr.map(len)
    found = measure(stream, seconds=60)
    assert [stats.items for _, stats in found.stages] == [10]  # the inner one runs in the process
    stream = hr.Streamer(rows, 40) | hr.background("process") | hr.batch(4) | hr.prefetch()
    assert [stats.items for _, stats in measure(stream, seconds=60).stages] == [10, 40]


def test_stages_are_found_below_a_mux_and_a_zip() -> None:
    parts = [hr.Streamer(rows, 10**9) | hr.prefetch() for _ in range(2)]
    for stream in (hr.RoundRobinMux(parts) | hr.batch(4), hr.zip(*parts) | hr.map(len)):
        stages = measure(stream, seconds=0.2).stages
        assert [name for name, _ in stages] == ["background"] * 2
        assert all(stats.items > 0 for _, stats in stages)
    many = hr.RoundRobinMux([hr.Streamer(rows, 10**9) | hr.background("inline") for _ in range(11)])
    told = str(measure(many, seconds=0.2))
    assert told.count("nothing runs ahead") == 8
    assert "and 3 more stages" in told


def test_the_consumers_part_is_counted_wherever_items_are_made() -> None:
    sources = [hr.Streamer(rows, 100) for _ in range(2)]
    for stream in (
        hr.Streamer(rows, 200) | hr.prefetch(),
        hr.RoundRobinMux(sources) | hr.background("process", workers=2),
    ):
        ((_, stats),) = measure(stream, seconds=60).stages
        assert stats.items == 200
        assert stats.cpu > 0


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(hr.StreamConfigError, match="seconds"):
        measure(range(3), seconds=0)
    with pytest.raises(hr.StreamConfigError, match="consumer"):
        measure(range(3), consumer=7)  # type: ignore[arg-type]


def test_stats_say_who_holds_up_whom() -> None:
    assert Stats(seconds=1.0).bottleneck == "neither"
    assert Stats().bottleneck == "neither"
    assert Stats(seconds=1.0, worker_waited=0.5).bottleneck == "consumer"
    assert Stats(seconds=1.0, worker_waited=0.5, workers=8).bottleneck == "neither"
    assert Stats(seconds=1.0, bytes=90, ahead=100).bottleneck == "consumer"
    assert Stats(items=5, seconds=2.0, nbytes=4)[:2] == (5, 0)
