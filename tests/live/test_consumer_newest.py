"""The policy that keeps the newest rows: as many as are wanted, and none that would still count."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block, Pace
from headrace.live.devices.pieces import size_of
from headrace.live.running.consumer import Consumer
from headrace.live.running.waiting import MANY
from live.hand import balanced


def block(first: int, n: int = 100) -> Block:
    return Block({"x": np.arange(first, first + n, dtype=float)}, first=first)


def begun(**kwargs: Any) -> Consumer:
    consumer = Consumer(policy="latest", **kwargs)
    consumer.begin()
    return consumer


def offered(consumer: Consumer, blocks: int) -> Consumer:
    for k in range(blocks):
        consumer.offer(block(k * 100), came=0.0)
    return consumer


def firsts(consumer: Consumer) -> list[int]:
    found = []
    while (each := consumer.take()) is not None:
        found.append(each.first)
    return found


@pytest.mark.parametrize(("newest", "kept"), [(1, [900]), (100, [900]), (101, [800, 900]), (250, [700, 800, 900])])
def test_latest_keeps_whole_blocks_with_as_many_rows_as_are_wanted(newest: int, kept: list[int]) -> None:
    consumer = offered(begun(newest=newest), 10)
    assert balanced(consumer.stats())
    assert firsts(consumer) == kept
    assert consumer.stats()["dropped"] == 1000 - 100 * len(kept)


def test_latest_keeps_as_many_rows_of_the_slowest_column_and_no_more_bytes_than_the_limit() -> None:
    halves = [
        Block({"x": np.zeros(4), "y": np.zeros(2)}, first=4 * i, paces={"y": Pace(Fraction(2))}) for i in range(9)
    ]
    consumer = begun(newest=5)
    for each in halves:
        consumer.offer(each, came=0.0)
    assert consumer.read().first == 24, "three blocks, of which each has two rows of it"
    consumer = begun(newest=1000, limit=3 * size_of(block(0)))
    offered(consumer, 10)
    assert firsts(consumer) == [700, 800, 900]
    assert balanced(consumer.stats())


def test_many_small_blocks_that_are_joined_count_as_they_did() -> None:
    consumer = begun(newest=1000)
    for i in range(5000):
        consumer.offer(Block({"x": np.full(1, i)}, first=i), came=0.0)
    rows = consumer.read()["x"]
    assert rows[-1000:].tolist() == list(range(4000, 5000))
    assert len(rows) <= 1000 + 2 * MANY
    assert balanced(consumer.stats())
