"""Streams of every kind to run elsewhere, in a module that a worker can import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import headrace as hr


def noisy(item: Any, rng: np.random.Generator) -> Any:
    return item, float(rng.random())


def row(i: int, rng: np.random.Generator) -> Any:
    return {"X": rng.normal(size=3), "y": i}


def rows(i: np.ndarray[Any, Any], rng: np.random.Generator) -> Any:
    return {"X": rng.normal(size=(len(i), 2)), "y": i}


def jitter(columns: Any, rng: np.random.Generator) -> Any:
    return {**columns, "u": rng.random(len(columns["y"]))}


@hr.streamable
def walk(n: int, *, rng: np.random.Generator) -> Iterator[Any]:
    at = 0.0
    for _ in range(n):
        at += rng.normal()
        yield {"at": at, "X": rng.normal(size=2)}


def walks(n: int = 5) -> list[Any]:
    return [walk(8 + k) | hr.map(noisy) for k in range(n)]


def indexed(n: int = 35) -> Any:
    return hr.functional(row, size=n) | hr.permute()


def granular(n: int = 35) -> Any:
    return hr.functional(rows, size=n, batched=True) | hr.map(jitter, batched=True)


STREAMS: dict[str, Callable[[], Any]] = {
    "indexed": indexed,
    "granular": granular,
    "generator": lambda: walk(35) | hr.map(noisy),
    "stack": lambda: walk(60) | hr.map(noisy) | hr.shuffle(6) | hr.batch(4),
    "stochastic": lambda: hr.StochasticMux(walks(), n_active=3, rate=4) | hr.take(35),
    "exhaustive": lambda: hr.StochasticMux(walks(), n_active=2, rate=None, mode="exhaustive"),
    "shuffled": lambda: hr.ShuffledMux(walks(), weights=[1, 2, 3, 4, 5]) | hr.shuffle(5) | hr.take(35),
    "roundrobin": lambda: hr.RoundRobinMux(walks()) | hr.batch(2),
    "chain": lambda: hr.ChainMux(walks()),
    "mix": lambda: hr.mix([walk(6), walk(9)], weights=[1, 2]) | hr.take(35),
    "indexed mix": lambda: hr.mix([indexed(20), indexed(30)], weights=[1, 2]) | hr.take(35),
    "nested": lambda: (
        hr.ShuffledMux([hr.StochasticMux(walks(3), n_active=2, rate=3), hr.ChainMux(walks(2))]) | hr.take(35)
    ),
}
ONE = {"generator", "stack"}  # one source, which cannot be shared out
