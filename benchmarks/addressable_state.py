"""Sections of `bench_addressable`: what a state takes to save and restore, and what a deep cursor keeps."""

from __future__ import annotations

import gc
import json
import pickle
import tracemalloc
from collections.abc import Callable
from itertools import islice
from typing import Any

import addressable_peers as peers
import numpy as np
from addressable_common import BLOCK_ROWS, SEEDS, few, members_for, mixed, pipeline, power
from addressable_peers import QUOTED, QUOTED_BYTES, peer
from harness import Bench, apart, bare_rows, calling, drawing

import headrace as hr

# --- 3 ----------------------------------------------------------------------------------------------


def state(bench: Bench) -> None:
    """saving and restoring permuted members | mix(1000) | map | batch(32)"""
    rows, data, weights = members_for(bench.size(1000, 10))
    sizes = {}
    for depth, at_most in ((10**3, 5.0), (10**9, 5.0), (10**12, 250.0)):
        sizes[depth] = _saved(bench, depth, data, weights)
        _restored(bench, depth, at_most, data, weights)
    fixed = {size - len(str(depth // 32 + 1)) for depth, size in sizes.items()}
    found = "equal" if len(fixed) == 1 else f"they are {sorted(sizes.values())} B"
    bench.says("3", "states but for the digits of their position", found, len(fixed) == 1, "equal")
    _state_peers(bench, sizes[10**3], rows, data, weights)


def _stopped(depth: int, data: list[Any], weights: np.ndarray, seed: int = 7) -> Any:
    """A cursor that has just given the batch that begins near item `depth`."""
    cursor = pipeline(data, weights, seed).open(hr.Key(7), at=depth // 32)
    next(cursor)
    return cursor


def _going_on(cursor: Any) -> Any:
    next(cursor)  # so that no save repeats the one before
    return cursor


def _saved(bench: Bench, depth: int, data: list[Any], weights: np.ndarray) -> int:
    cursor = _stopped(depth, data, weights)
    size = len(json.dumps(cursor.state()))
    case = f"state at item {power(depth)}"
    bench.within("3", f"{case}, as JSON", np.array([size]), 300, "B", digits=0)
    first = calling(lambda c: c.state() and c, lambda: _stopped(depth, data, weights, next(SEEDS)))
    with few(bench, 2 if depth > 10**9 else bench.rounds):  # a cursor there takes 0.2 s to make
        costs = bench.costs(
            bare=drawing(bare_rows()),
            first=first,
            later=calling(lambda c: c.state() and None, lambda: _going_on(cursor), times=bench.size(20, 1)),
        )
    bench.within("3", f"{case}, first save", bench.scaled(costs["first"], costs["bare"]) * 1e3, 10.0, "ms")
    bench.within("3", f"{case}, later saves", bench.scaled(costs["later"], costs["bare"]) * 1e6, 20.0, "us", digits=1)
    cursor.close()
    return size


def _restored(bench: Bench, depth: int, at_most: float, data: list[Any], weights: np.ndarray) -> None:
    cursor = _stopped(depth, data, weights)
    text = json.dumps(cursor.state())

    def restore(stream: Any) -> Any:
        again = stream.open(at=json.loads(text))
        next(again)
        return again

    costs = bench.costs(
        bare=drawing(bare_rows()),
        ours=calling(restore, lambda: pipeline(data, weights)),
        made=calling(lambda _: restore(pipeline(data, weights))),
    )
    case = f"state at item {power(depth)}, restored to the first batch"
    bench.within("3", case, bench.scaled(costs["ours"], costs["bare"]) * 1e3, at_most, "ms")
    bench.within("3", f"{case}, stream made too", bench.scaled(costs["made"], costs["bare"]) * 1e3, None, "ms")
    again = restore(pipeline(data, weights))
    pairs = zip(again.take(20), [*cursor.take(21)][1:], strict=True)
    equal = all(np.array_equal(a[name], b[name]) for a, b in pairs for name in ("X", "Y"))
    bench.says("3", f"state at item {power(depth)} goes on after restore", "equal" if equal else "no", equal, "equal")


def _state_peers(bench: Bench, ours: int, rows: list[Any], data: list[Any], weights: np.ndarray) -> None:
    nodes, grain = peer(bench, "torchdata"), peer(bench, "Grain")
    cursor = _stopped(10**3, data, weights)
    text = json.dumps(cursor.state())
    sides: dict[str, Any] = {
        "save": calling(lambda c: c.state() and None, lambda: _going_on(cursor), times=bench.size(20, 1)),
        "restore": calling(lambda s: next(s.open(at=json.loads(text))) and None, lambda: pipeline(data, weights)),
    }
    sizes: dict[str, int | None] = dict.fromkeys(QUOTED_BYTES)
    if nodes:
        node = peers.started(peers.torchdata_mix(nodes, rows, weights))
        sizes["torchdata"] = _size(_skipped(node, 20_000).state_dict())
        saved = node.state_dict()
        sides["torchdata save"] = calling(lambda node: node.state_dict() and None, lambda: _skipped(node, 1))
        sides["torchdata restore"] = calling(
            lambda fresh: next(peers.started(fresh, saved)) and None, lambda: peers.torchdata_mix(nodes, rows, weights)
        )
    for who, make in (("Grain", peers.grain_pipeline), ("Grain Iter", peers.grain_iter_mix)) if grain else ():
        sizes[who] = _grain_state(sides, who, lambda make=make: make(grain, rows, weights))
    with few(bench):
        costs = bench.costs(**sides)
    for who, size in sizes.items():
        smaller(bench, f"state at item 1e3, against {who}: bytes", ours, who, size)
        for what in ("save", "restore"):
            case, their = f"state at item 1e3, against {who}: {what}", costs.get(f"{who} {what}")
            quoted = QUOTED.get(f"{who} {what}")
            bench.faster("3", case, costs[what], their, None, who=who, show="us", quoted=quoted)


def _skipped(node: Any, n: int) -> Any:
    for _ in islice(node, n):
        pass
    return node


def _grain_state(sides: dict[str, Any], who: str, make: Callable[[], Any]) -> int:
    """Add what saving and restoring costs; return the size of a state."""
    iterator = _skipped(make(), 30)
    saved = iterator.get_state()

    def restore(fresh: Any) -> None:
        fresh.set_state(saved)
        next(fresh)

    sides[f"{who} save"] = calling(lambda it: it.get_state() and None, lambda: _skipped(iterator, 1), times=5)
    sides[f"{who} restore"] = calling(restore, make)
    return _size(saved)


def _size(state: Any) -> int:
    """Bytes of a peer's state, in whatever makes it smaller: torchdata's holds a tensor and is no JSON."""
    try:
        return min(len(json.dumps(state)), len(pickle.dumps(state)))
    except TypeError:
        return len(pickle.dumps(state))


def smaller(bench: Bench, case: str, ours: int, who: str, theirs: int | None) -> None:
    """A row that compares bytes."""
    note = "" if theirs is not None else "peer's figure quoted from peers.md, not this run"
    theirs = QUOTED_BYTES[who] if theirs is None else theirs
    bench.add("3", case, f"{ours} B", f"{who} {theirs} B", theirs / ours, None, "-", None, None, note)


# --- 7 ----------------------------------------------------------------------------------------------


def memory(bench: Bench) -> None:
    """what a cursor near item 1e12 keeps, in a fresh process"""
    n, draws, seeks = bench.size(1000, 10), bench.size(10**6, 10**4), bench.size(100, 2)
    found = apart(f"import json, addressable_state as a; print(json.dumps(a.caches({n}, {draws}, {seeks})))")
    unit = 2**20
    case = "mix of 1000, permuted, near item 1e12: kept after"
    for what, name in (
        (f"{power(draws)} draws", "read"),
        (f"{power(draws // 10)} items more", "items"),
        (f"{seeks} scattered [i]", "scattered"),
    ):
        bench.within("7", f"{case} {what}", np.array([found[name] / unit]), 16.0, "MiB", digits=2)
    bench.within("7", f"{case} all that: peak", np.array([found["peak"] / unit]), None, "MiB", digits=2)


def caches(n: int, draws: int, seeks: int, at: int = 10**12) -> dict[str, int]:
    """Bytes that Python and NumPy hold more than before the cursor; the data and the recipe were there before."""
    _, data, weights = members_for(n)
    next(mixed(data[:3], weights[:3], permuted=True).open())  # modules that load when first used are no cache
    stream = mixed(data, weights, permuted=True)
    gc.collect()
    tracemalloc.start()
    cursor = stream.open(hr.Key(7), at=at)
    found = {}
    for _ in range(-(-draws // BLOCK_ROWS)):
        cursor.read(BLOCK_ROWS)
    found["read"] = _held()
    for _ in islice(cursor, draws // 10):
        pass
    found["items"] = _held()
    for i in np.random.default_rng(2).integers(0, at, seeks).tolist():
        stream[i]
    found["scattered"] = _held() - found["items"]  # [i] has caches of its own
    found["peak"] = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    cursor.close()
    return found


def _held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
