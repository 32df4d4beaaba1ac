"""Streams of every kind for the bridges: with numbers and without, seeded and not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

import headrace as hr

ROWS = 60


def jitter(item: Any, rng: np.random.Generator) -> Any:
    return {**item, "X": item["X"] + rng.normal(size=2)}


def table(n: int = ROWS) -> Any:
    """Rows that tell their number."""
    return hr.source({"X": np.arange(2.0 * n).reshape(n, 2), "id": np.arange(n)})


def numbered(n: int = ROWS, seed: int | None = 7) -> Any:
    """Random in order and values, and each item with a number."""
    stream = table(n) | hr.permute() | hr.map(jitter)
    return stream if seed is None else stream.seeded(seed)


def member(k: int, n: int) -> Any:
    """Rows with ids from 1000 k on."""
    return hr.source({"X": np.zeros((n, 2)), "id": np.arange(n) + 1000 * k}) | hr.shuffle(5)


def members(sizes: tuple[int, ...] = (9, 12, 7, 11)) -> Any:
    """Items without numbers, in parts by member."""
    return (hr.RoundRobinMux([member(k, n) for k, n in enumerate(sizes)]) | hr.map(jitter)).seeded(3)


def ids(items: Any) -> list[int]:
    return [int(item["id"]) for item in items]


def values(items: Any) -> list[tuple[int, list[float]]]:
    """What an item holds, comparable whether it has arrays or tensors."""
    return [(int(item["id"]), item["X"].tolist()) for item in items]


def flat(lists: Iterable[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(lists))
