"""What the peers of `bench_addressable` run, and what they reach in `peers.md` where one is not installed.

Every builder takes the peer's module and the rows of each member, so that all systems draw from the same data.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import Any

import numpy as np
from bench_streams import Endless, endless, rows_for
from harness import Bench

# Per second where the bars were set: peers.md 3a, 3c, 3d, 3e.
QUOTED = {
    "torchdata 10": 1_309_236,
    "torchdata 1000": 1_238_319,
    "Grain [i] 10": 61_959,
    "Grain [i] 1000": 9_657,
    "Grain iter 10": 41_748,
    "Grain iter 1000": 4_919,
    "HF 10": 20_081,
    "HF 1000": 10_051,
    "Pescador 10": 112_714,
    "Pescador 1000": 46_998,
    "torchdata save": 1 / 8.715e-3,
    "torchdata restore": 1 / 16.34e-3,
    "Grain Iter save": 1 / 1.339e-3,
    "Grain Iter restore": 1 / 57.71e-3,
    "Pescador batch": 1 / 34.1e-6,
    "Grain batch": 1 / 1001.7e-6,
    "Philox": 1 / 12.044e-6,
    "bulk": 1 / 1.055e-6,
    "Grain index_shuffle": 1 / 3.927e-6,
}
QUOTED_BYTES = {"torchdata": 28_383, "Grain Iter": 7_060, "Grain": 31}
MODULES = {
    "torchdata": "torchdata.nodes",
    "Grain": "grain",
    "HF": "datasets",
    "Pescador": "pescador",
    "index_shuffle": "grain._src.python.experimental.index_shuffle.python.index_shuffle_module",
}


def peer(bench: Bench, name: str) -> Any:
    """The module of a peer, None when it is not there or not wanted."""
    if bench.quick:
        return None
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing here comes from a hub: do not let it be asked
    try:
        return importlib.import_module(MODULES[name])
    except ImportError as error:
        print(f"  {MODULES[name]} cannot be imported ({error}): its figures are quoted, or left out")
        return None


# --- mixes ------------------------------------------------------------------------------------------


def torchdata_mix(nodes: Any, rows: list[Any], weights: np.ndarray) -> Any:
    """A weighted sampler, not started: `reset()` starts it, `reset(state)` resumes it."""
    return nodes.MultiNodeWeightedSampler(
        {str(k): nodes.IterableWrapper(Endless(r)) for k, r in enumerate(rows)},
        {str(k): float(w) for k, w in enumerate(weights)},
        stop_criteria="CYCLE_FOREVER",
        seed=0,
    )


def started(node: Any, state: Any = None) -> Any:
    node.reset(state)
    return node


def grain_mix(grain: Any, rows: list[Any], weights: np.ndarray, *, shuffled: bool = False) -> Any:
    """A MapDataset: one fixed interleave after the weights, not a random mix."""
    members = [grain.MapDataset.source(r).seed(k) for k, r in enumerate(rows)]
    return grain.MapDataset.mix([(m.shuffle() if shuffled else m).repeat() for m in members], weights.tolist())


def grain_iter(grain: Any, dataset: Any) -> Any:
    """Without reader threads: they cost a factor of 15 on data in memory."""
    return iter(dataset.to_iter_dataset(grain.ReadOptions(0, 0)))


def grain_pipeline(grain: Any, rows: list[Any], weights: np.ndarray) -> Any:
    """shuffled members, mix, random map, batch(32): what our state row runs."""
    mixed = grain_mix(grain, rows, weights, shuffled=True).seed(1)
    return grain_iter(grain, mixed.random_map(noisy).batch(32))


def grain_iter_mix(grain: Any, rows: list[Any], weights: np.ndarray) -> Any:
    options = grain.ReadOptions(0, 0)
    members = [grain.MapDataset.source(r).repeat().to_iter_dataset(options) for r in rows]
    return iter(grain.IterDataset.mix(members, weights.tolist()))


def noisy(item: Any, rng: np.random.Generator) -> Any:
    return {"X": item["X"] + rng.standard_normal(8), "Y": item["Y"]}


def hf_rows(k: int) -> Iterator[Any]:
    return (yield from endless(rows_for(k)))


def hf_mix(datasets: Any, rows: list[Any], weights: np.ndarray) -> Any:
    """Members make their rows themselves: what a generator holds would be hashed, all of it, for every member."""
    make = datasets.IterableDataset.from_generator
    members = [make(hf_rows, gen_kwargs={"k": k}) for k in range(len(rows))]
    return datasets.interleave_datasets(members, probabilities=(weights / weights.sum()).tolist(), seed=0)


def pescador_mix(pescador: Any, rows: list[Any], weights: np.ndarray) -> Any:
    members = [pescador.Streamer(endless, r) for r in rows]
    return pescador.ShuffledMux(members, weights=weights, random_state=0).iterate()


# --- numbers ----------------------------------------------------------------------------------------


def calls(function: Callable[[], Any]) -> Iterator[Any]:
    """Call for ever. Not `iter(function, None)`: an array does not compare to None as a truth value."""
    while True:
        yield function()


def addressed(get: Callable[[int], Any], places: list[int]) -> Iterator[Any]:
    return map(get, cycle(places))


def fresh_philox(i: int) -> np.ndarray:
    """What a row of random numbers by number costs with NumPy alone."""
    return np.random.Generator(np.random.Philox(key=7, counter=i)).standard_normal(64)


def grain_normals(grain: Any) -> Any:
    return grain.MapDataset.range(10**9).seed(7).random_map(lambda i, rng: rng.standard_normal(64))


def grain_order(module: Any, n: int) -> Iterator[int]:
    shuffle = module.index_shuffle
    return (shuffle(i % n, n - 1, 7, 4) for i in count())  # 4 rounds, as Grain's own `shuffle` asks for
