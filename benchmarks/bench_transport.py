"""One background process, and two, against Pescador, torch, Grain, SPDL, a pipe and a copy in this process.

`scripts/bench transport [SECTION ...] [--json FILE]`. Items are {'X': f8[n], 'Y': int}; the producer writes new bytes
for each, order and content are checked. Row 7 is the speed budget's, `4` are the other bars of its issue. By CPU time
an item costs what its busiest thread takes, or all of them on two cores; by wall time an absolute bar and the
comparison with the copy loop are scaled by what two busy processes reached. "x of A" is A's cost over ours.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from harness import COPY, Bench, Costs, main
from transport_common import SIZES
from transport_peers import MODULES, PEERS
from transport_runner import Runner

WORK = 20_000  # about a millisecond
COPY_BAR = {"1 MB": 0.5, "16 MB": 0.5}
PEER_BAR = {("1 MB", True): 2.0, ("16 MB", True): 1.3}
RATE_BAR = {"1 KB": 200.0, "32 KB": 4.0}  # thousand items, and GB, a second

Passes = dict[str, dict[str, np.ndarray]]


@contextmanager
def runners(*systems: str) -> Iterator[dict[str, Runner]]:
    found: dict[str, Runner] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in systems:
                if name in MODULES and importlib.util.find_spec(MODULES[name].split(".")[0]) is None:
                    print(f"  {MODULES[name]} cannot be imported: it is left out")
                    continue
                found[name] = Runner(name, folder)
            yield found
        finally:
            for runner in found.values():
                runner.close()


def systems(bench: Bench) -> tuple[str, ...]:
    return ("headrace", "copy loop", "pipe") if bench.quick else ("headrace", "copy loop", *PEERS)


def passes(bench: Bench, there: dict[str, Runner], nbytes: int, read: bool) -> Passes:
    """Figures of every system in every round: {system: {figure: (rounds,)}}. One that fails is told and left out."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in there}
    names, seconds = list(there), 2 * bench.window
    for turn in range(bench.rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if name not in found:
                continue
            try:
                found[name].append(there[name].ask("one_pass", nbytes, seconds, read))
            except RuntimeError as error:
                if name not in PEERS:
                    raise
                print(f"  {name} failed and is left out: {error}")
                del found[name]
    return {name: {key: np.array([lap[key] for lap in laps]) for key in laps[0]} for name, laps in found.items()}


def costs_of(figures: dict[str, np.ndarray]) -> Costs:
    return np.stack([figures["cpu"], figures["wall"]])


def fair(bench: Bench, costs: Costs) -> Costs:
    """By wall time, as if two busy processes were not slowed down by what else runs here."""
    return costs * np.array([[1.0], [min(1.0, bench.header["two processes"] / 2)]])


# --- 7 ----------------------------------------------------------------------------------------------


def throughput(bench: Bench) -> None:
    """items of 1 KB to 16 MB, unread and every byte read"""
    with runners(*systems(bench)) as there:
        for size, nbytes in SIZES.items():
            for read in (False, True):
                _size(bench, passes(bench, there, nbytes, read), size, nbytes, read)


def _size(bench: Bench, found: Passes, size: str, nbytes: int, read: bool) -> None:
    case = f"{size}, {'every byte read' if read else 'unread'}"
    ours = costs_of(found["headrace"])
    _absolute(bench, case, fair(bench, ours), size, nbytes, judged=not read)
    bar = None if read else COPY_BAR.get(size)
    copy = costs_of(found["copy loop"])
    bench.faster("7", f"{case}: x of the copy loop", fair(bench, ours), copy, bar, who="copy loop", show="us")
    peers = {name: costs_of(found[name]) for name in PEERS if name in found}
    best = min(peers, key=lambda name: float(np.median(peers[name][bench.clock])))
    bar = PEER_BAR.get((size, read))
    for name, costs in peers.items():
        who = f"{case}: x of {name}{', the best peer' if name == best else ''}"
        bench.faster("4", who, ours, costs, bar if name == best else None, who=name, show="us")
    for name in found:
        if name != "copy loop":
            judged = 4.0 if (name, size, read) == ("headrace", "32 KB", False) else None
            bench.within("4", f"{case}: consumer's CPU, {name}", found[name]["mine"] * 1e6, judged, "us", digits=1)


def _absolute(bench: Bench, case: str, costs: Costs, size: str, nbytes: int, *, judged: bool) -> None:
    """A row in thousand items, or GB, a second, on the machine that the bars were set on."""
    small = size == "1 KB"
    copying = 2 * nbytes / COPY if not small else 0.0  # of what the bar allows: the bytes are made and moved
    allowed = nbytes / 1e9 / RATE_BAR.get(size, COPY / 2e9) if not small else 1.0
    scale = allowed / (copying / (bench.header["copy GB/s"] * 1e9 / COPY) + (allowed - copying) / bench.scale)
    rates = (1e-3 if small else nbytes / 1e9) / costs / scale
    unit, bar = "k/s" if small else "GB/s", RATE_BAR.get(size) if judged else None
    met = [None, None] if bar is None else [bool(np.median(rate) >= bar) for rate in rates]
    mine = rates[bench.clock]
    note = f"measured {np.median(mine) * scale:.2f}"
    spread = (float(mine.min()), float(mine.max()))
    found, wanted = f"{np.median(mine):.2f} {unit}", "-" if bar is None else f">= {bar:g} {unit}"
    bench.add("7", f"{case}: scaled", found, "-", None, spread, wanted, met[bench.clock], met[1 - bench.clock], note)


# --- 4 ----------------------------------------------------------------------------------------------


def first(bench: Bench) -> None:
    """from nothing to the first item, by fork and by spawn"""
    with runners("headrace", "pipe") as there:
        for method in ("fork", "spawn"):
            for runner in there.values():
                runner.ask("first", method)  # imports, which a program has done, are not timed
            times: dict[str, list[float]] = {name: [] for name in there}
            for turn in range(bench.size(3, 1) * bench.rounds):
                for name in list(there)[:: 1 if turn % 2 else -1]:
                    times[name].append(there[name].ask("first", method))
            ours, bare = np.array(times["headrace"]), np.array(times["pipe"])
            note = f"{np.median(ours) * 1e3:.1f} ms, bare {np.median(bare) * 1e3:.1f} ms"
            case = f"first item by {method}: x of a bare process and a pipe"
            bench.within("4", case, ours / bare, 1.5, "x", note=note, digits=2)


def overlap(bench: Bench) -> None:
    """work on both sides, and two workers, against two bare processes"""
    n, work = bench.size(max(50, int(1250 * bench.window)), 3), bench.size(WORK, 100)
    cases = {"overlap": "equal producer and consumer", "workers": "two CPU-bound workers"}
    times: dict[str, list[float]] = {name: [] for name in ("bare", *cases)}
    with runners("headrace") as there:
        for turn in range(bench.size(4, 1) * bench.rounds):
            for name in list(times)[:: 1 if turn % 2 else -1]:
                times[name].append(there["headrace"].ask(name, n, work))
    bare = np.array(times["bare"])
    for name, case in cases.items():
        ratios = bare / np.array(times[name])
        _at_least(bench, f"{case}, of what two bare processes reach", ratios, 0.85)


def _at_least(bench: Bench, case: str, ratios: np.ndarray, bar: float) -> None:
    found = float(np.median(ratios))
    spread = (float(ratios.min()), float(ratios.max()))
    note = f"wall time, {len(ratios)} rounds"
    bench.add("4", case, f"{found:.2f}", "-", None, spread, f">= {bar:g}", found >= bar, found >= bar, note)


def closing(bench: Bench) -> None:
    """closing in the middle of a run"""
    with runners(*systems(bench)) as there:
        for size in ("1 KB", "1 MB"):
            found = passes(bench, there, SIZES[size], False)
            for name, figures in found.items():
                if name != "copy loop":
                    bar = 200.0 if name == "headrace" else None
                    bench.within("4", f"{size}: closing, {name}", figures["close"] * 1e3, bar, "ms", digits=1)


SECTIONS: dict[str, Any] = {"throughput": throughput, "first": first, "overlap": overlap, "closing": closing}

if __name__ == "__main__":
    main(SECTIONS, "Items from background processes, against their peers.")
