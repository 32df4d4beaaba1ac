"""What the files of `bench_addressable` share: sides, rows, and the streams that are measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
from addressable_peers import calls, noisy
from bench_streams import rows_for, weights_for
from harness import Bench, Costs, Lap, Side, drawing

import headrace as hr

BLOCK_ROWS = 4096
SEEDS = count(1000)  # what is fresh gets one that no stream had: no cache outside the object can help it


# --- sides and rows ---------------------------------------------------------------------------------


def reading(read: Callable[[], Any], n: int, warm: int = 2) -> Side:
    """Something that gives `n` rows at a call, called again and again; the unit is a row."""
    side = drawing(calls(read), warm=warm, chunk=1)

    def run(seconds: float) -> Lap:
        lap = side(seconds)
        return Lap(lap.n * n, lap.cpu, lap.wall)

    return run


@contextmanager
def few(bench: Bench, rounds: int = 2) -> Iterator[None]:
    """Fewer rounds, for peers that take seconds for one."""
    kept, bench.rounds = bench.rounds, min(bench.rounds, rounds)
    try:
        yield
    finally:
        bench.rounds = kept


def reaches(bench: Bench, row: str, case: str, costs: Costs, bare: Costs, at_least: float) -> None:
    """A row with a bar in million rows per second, on the machine that the bars were set on."""
    rates = 1e-6 / bench.scaled(costs, bare)
    met = [bool(np.median(rate) >= at_least) for rate in rates]
    mine = rates[bench.clock]
    spread, bar = (float(mine.min()), float(mine.max())), f">= {at_least:g} M/s"
    bench.add(
        row, case, f"{np.median(mine):.2f} M/s", "-", None, spread, bar, met[bench.clock], met[1 - bench.clock], ""
    )


def power(n: int) -> str:
    """A round number as short as it is read: 1e9."""
    digits, zeros = f"{n:.0e}".split("e")
    return f"{digits}e{int(zeros)}"


# --- what is measured -------------------------------------------------------------------------------


def members_for(n: int) -> tuple[list[Any], list[Any], np.ndarray]:
    """The same data as lists of dicts and as columns, and the weights."""
    rows = [rows_for(k) for k in range(n)]
    columns = [{"X": np.stack([r["X"] for r in some]), "Y": np.array([r["Y"] for r in some])} for some in rows]
    return rows, columns, weights_for(n)


def mixed(data: list[Any], weights: np.ndarray, *, permuted: bool = False, seed: int = 7) -> Any:
    members = [hr.source(one) for one in data]
    if permuted:
        members = [member | hr.permute() for member in members]
    return hr.mix(members, weights=weights, seed=seed)


def pipeline(columns: list[Any], weights: np.ndarray, seed: int = 7) -> Any:
    return mixed(columns, weights, permuted=True, seed=seed) | hr.map(noisy) | hr.batch(32)
