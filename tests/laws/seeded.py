"""Streams that draw, in a module that another process can import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import headrace as hr


def numbers(name: str, n: int = 10**9, *, rng: np.random.Generator) -> Iterator[tuple[str, float]]:
    for _ in range(n):
        yield name, float(rng.random())


def member(name: str, n: int = 10**9) -> hr.Stream[Any]:
    return hr.Streamer(numbers, name, n)


def noisy(item: Any, rng: np.random.Generator) -> Any:
    return (*item, float(rng.random()))


def muxes(members: list[Any]) -> dict[str, Any]:
    """Every mux, with members that come again and again."""
    return {
        "shuffled": hr.ShuffledMux(members),
        "weighted": hr.ShuffledMux(members, weights=range(1, len(members) + 1)),
        "stochastic": hr.StochasticMux(members, n_active=2, rate=4),
        "single active": hr.StochasticMux(members, n_active=2, rate=4, mode="single_active"),
        "round robin": hr.RoundRobinMux(members, mode="cycle"),
        "permuted": hr.RoundRobinMux(members, mode="permuted_cycle"),
        "chain": hr.ChainMux(members, mode="cycle"),
        "nested": hr.ShuffledMux([hr.StochasticMux(members[:2], n_active=1, rate=3), *members[2:]]),
        "mapped": hr.ShuffledMux(members) | hr.map(noisy) | hr.shuffle(4),
    }


def first(stream: hr.Stream[Any], seed: int, n: int = 60) -> list[Any]:
    with stream.open(hr.Key(seed)) as cursor:
        return cursor.take(n)


def drawn_by_all(seed: int) -> dict[str, list[Any]]:
    made = muxes([member("a", 7), member("b", 7), member("c", 7)])
    return {kind: first(stream, seed) for kind, stream in made.items()}
