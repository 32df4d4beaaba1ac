"""What every room's benchmark shares: interleaved rounds, two clocks, a table with bars.

A *side* is a function that works for about a given time and returns a `Lap`. `Bench.costs` runs all sides of a
comparison in turn, round after round, so that whatever else the machine does hits all of them; figures are paired by
round. Costs are arrays of shape (2, rounds) in seconds per unit of work: row 0 by CPU time, row 1 by wall time.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

CLOCKS = ("cpu", "wall")
TURNS = 4  # a round is so many shorter turns of every side: a burst of other work then hits all of them
GENERATOR, COPY, PROCESSES = 5.2e6, 14e9, 2.0  # the machine that the absolute bars were set on
BLOCK = np.random.default_rng(0).random((64, 8))
Costs = np.ndarray


@dataclass
class Lap:
    n: float
    cpu: float
    wall: float


Side = Callable[[float], Lap]


class Stopwatch:
    def __enter__(self) -> Stopwatch:
        self.cpu, self.wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu

    def lap(self, n: float) -> Lap:
        return Lap(n, self.cpu, self.wall)


# --- sides ------------------------------------------------------------------------------------------


def drawing(source: Iterable[Any], *, warm: int = 2000, chunk: int = 1000) -> Side:
    """A `for` loop over something endless that goes on from round to round; the unit is an item."""
    iterator = iter(source)
    for _ in islice(iterator, warm):
        pass

    def run(seconds: float) -> Lap:
        n, end = 0, time.perf_counter() + seconds
        with Stopwatch() as watch:
            while True:
                for _ in islice(iterator, chunk):
                    pass
                n += chunk
                if time.perf_counter() >= end:
                    break
        next(iterator)  # raises when it ended on the way: the count would be wrong
        return watch.lap(n)

    return run


def passing(make: Callable[[], Iterable[Any]], n: int) -> Side:
    """Whole `for` loops over something of `n` items, starts included; the unit is an item."""
    found = sum(1 for _ in make())
    assert found == n, f"a pass gave {found} items, wanted {n}"

    def run(seconds: float) -> Lap:
        passes, end = 0, time.perf_counter() + seconds
        with Stopwatch() as watch:
            while passes == 0 or time.perf_counter() < end:
                for _ in make():
                    pass
                passes += 1
        return watch.lap(n * passes)

    return run


def calling(act: Callable[[Any], Any], prepare: Callable[[], Any] = lambda: None, times: int = 1) -> Side:
    """`act(prepare())` a few times a turn, of which only `act` counts; the unit is a call."""

    def run(_seconds: float) -> Lap:
        total = Lap(0, 0.0, 0.0)
        for _ in range(times):
            given = prepare()
            with Stopwatch() as watch:
                kept = act(given)
            total = Lap(total.n + 1, total.cpu + watch.cpu, total.wall + watch.wall)
            close = getattr(kept, "close", None)
            if close is not None:
                close()
        return total

    return run


def bare_rows() -> Iterable[dict[str, Any]]:
    """The reference generator; also what members of muxes run, so that nothing hangs off their arguments."""
    i = 0
    while True:
        yield {"X": BLOCK[i & 63]}
        i += 1


# --- rows -------------------------------------------------------------------------------------------


@dataclass
class Row:
    section: str
    row: str
    case: str
    ours: str
    peer: str
    ratio: float | None  # peer cost / our cost: above 1 we are faster
    spread: tuple[float, float] | None  # of what is judged, over the rounds
    bar: str
    met: bool | None
    met_other_clock: bool | None
    note: str = ""


class Bench:
    """Collects rows. `quick` asks for a run that only shows that everything works."""

    def __init__(self, *, quick: bool = False, rounds: int = 5, window: float = 0.2, clock: str = "auto") -> None:
        self.quick, self.rounds, self.window = quick, rounds, window
        if quick:
            self.rounds, self.window = 1, 0.002
        self.rows: list[Row] = []
        self.section = ""
        self.clock = 0 if clock == "auto" else CLOCKS.index(clock)
        self.auto = clock == "auto"
        self.header: dict[str, Any] = {}

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def costs(self, **sides: Side | None) -> dict[str, Costs | None]:
        """Seconds per unit of every side in every round; None for a side that is None."""
        there = {name: side for name, side in sides.items() if side is not None}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in there}
        names = list(there)
        for _ in range(self.rounds):
            spent = {name: Lap(0, 1e-9, 1e-9) for name in names}
            for turn in range(self.size(TURNS, 1)):
                for name in names[turn % len(names) :] + names[: turn % len(names)]:
                    lap, total = there[name](self.window / TURNS), spent[name]
                    spent[name] = Lap(total.n + lap.n, total.cpu + lap.cpu, total.wall + lap.wall)
            for name, lap in spent.items():
                found[name].append((lap.cpu / lap.n, lap.wall / lap.n))
        made: dict[str, Costs | None] = {name: np.array(pairs).T for name, pairs in found.items()}
        return {name: made.get(name) for name in sides}

    def faster(
        self,
        row: str,
        case: str,
        ours: Costs,
        peer: Costs | None,
        at_least: float | None,
        *,
        who: str = "Pescador",
        quoted: float | None = None,
        show: str = "rate",
        note: str = "",
    ) -> None:
        """A row that compares costs. Without the peer, `quoted` is its rate on the reference machine, per second."""
        text = _rate if show == "rate" else _micro
        if peer is None and quoted is not None:
            peer = np.full_like(ours, 1 / (quoted * self.scale))
            note = f"{note} peer's figure quoted from the design, not this run".strip()
        if peer is None:
            self.add(row, case, text(self.typical(ours)), "-", None, None, _bar(at_least, "x"), None, None, note)
            return
        ratio = peer / ours
        met = None if at_least is None else [bool(np.median(r) >= at_least) for r in ratio]
        mine = ratio[self.clock]
        self.add(
            row,
            case,
            text(self.typical(ours)),
            f"{who} {text(self.typical(peer))}",
            float(np.median(mine)),
            (float(mine.min()), float(mine.max())),
            _bar(at_least, "x"),
            *self._verdicts(met),
            note,
        )

    def within(
        self, row: str, case: str, values: Costs, at_most: float | None, unit: str, *, note: str = "", digits: int = 3
    ) -> None:
        """A row with a bar that is a number; `values` has shape (2, rounds), or (rounds,) where there is one clock."""
        values = np.atleast_2d(values)
        if len(values) == 1:
            values = np.repeat(values, 2, axis=0)
        met = None if at_most is None else [bool(np.median(v) <= at_most) for v in values]
        mine = values[self.clock]
        self.add(
            row,
            case,
            f"{np.median(mine):.{digits}f} {unit}",
            "-",
            None,
            (float(mine.min()), float(mine.max())),
            "-" if at_most is None else f"<= {at_most:g} {unit}",
            *self._verdicts(met),
            note,
        )

    def says(self, row: str, case: str, found: str, met: bool | None, bar: str, note: str = "") -> None:
        """A row that is a fact, not a figure."""
        self.add(row, case, found, "-", None, None, bar, met, met, note)

    def typical(self, costs: Costs) -> float:
        return float(np.median(costs[self.clock]))

    def scaled(self, costs: Costs, bare: Costs) -> Costs:
        """An absolute cost as it would be on the machine that the bars were set on, round by round."""
        return costs * (1 / GENERATOR) / bare

    def _verdicts(self, met: list[bool] | None) -> tuple[bool | None, bool | None]:
        return (None, None) if met is None else (met[self.clock], met[1 - self.clock])

    def add(self, row: str, case: str, *rest: Any) -> None:
        self.rows.append(Row(self.section, row, case, *rest))
        print(_line(self.rows[-1], CLOCKS[1 - self.clock]), flush=True)

    # --- the machine --------------------------------------------------------------------------------

    def reference(self) -> None:
        """Time the three loops that absolute bars are scaled by, and choose the clock."""
        bare = self.costs(bare=drawing(bare_rows()))["bare"]
        assert bare is not None
        waiting = float(np.median(bare[1] / bare[0]))
        load = os.getloadavg()[0]
        busy = waiting > 1.03 or load > 0.3 * (os.cpu_count() or 1)
        if self.auto:
            self.clock = 0 if busy else 1
        generator = 1 / self.typical(bare)
        self.scale = generator / GENERATOR
        copy = self._copy()
        double = self._double()
        self.header = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "cpus": os.cpu_count(),
            "load": load,
            "wall/cpu": round(waiting, 3),
            "clock": CLOCKS[self.clock],
            "rounds": self.rounds,
            "generator M/s": generator / 1e6,
            "copy GB/s": copy / 1e9,
            "two processes": double,
        }
        other = CLOCKS[1 - self.clock]
        why = "something else is running" if busy else "the machine is quiet"
        print(f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} CPUs, load {load:.2f}")
        print(
            f"Figures are by {CLOCKS[self.clock]} time ({why}: a loop takes {waiting:.2f}x its CPU time). "
            f"Medians of {self.rounds} interleaved rounds; in brackets the spread of what is judged.\n"
            f"'!{other}' behind a verdict: it differs by {other} time."
        )
        print(
            f"Reference loops: bare generator {generator / 1e6:.2f} M items/s ({self.scale:.2f} of 5.2), "
            f"copy of 16 MiB {copy / 1e9:.1f} GB/s ({copy / COPY:.2f} of 14), "
            f"two busy processes {double:.2f}x ({double / PROCESSES:.2f} of 2)"
        )
        print(_line(Row("", "row", "case", "ours", "peer", None, None, "bar", None, None), ""), flush=True)

    def _copy(self) -> float:
        source, target = np.ones(self.size(2**21, 2**12)), np.empty(self.size(2**21, 2**12))
        side = self.costs(copy=calling(lambda _: np.copyto(target, source), times=self.size(10, 1)))["copy"]
        assert side is not None
        return source.nbytes / self.typical(side)

    def _double(self) -> float:
        """How much more two busy processes do than one, by wall time: each counts its own loop in its own time."""
        code = f"import time\nt = time.perf_counter()\nfor _ in range({self.size(5_000_000, 10_000)}): pass\n"
        command = [sys.executable, "-S", "-c", code + "print(time.perf_counter() - t)"]

        def seconds(n: int) -> float:
            started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(n)]
            return statistics.mean(float(process.communicate()[0]) for process in started)

        return statistics.median(2 * seconds(1) / seconds(2) for _ in range(self.rounds))


def _bar(at_least: float | None, unit: str) -> str:
    return "-" if at_least is None else f">= {at_least:g}{unit}"


def _rate(cost: float) -> str:
    rate = 1 / cost
    return f"{rate / 1e6:.2f} M/s" if rate >= 1e6 else f"{rate / 1e3:.1f} k/s"


def _micro(cost: float) -> str:
    return f"{cost * 1e3:.2f} ms" if cost >= 1e-3 else f"{cost * 1e6:.2f} us"


def _line(row: Row, other: str) -> str:
    if row.row == "row":
        ratio, met = "ratio", "met"
    else:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        met = {True: "yes", False: "NO", None: ""}[row.met]
    spread = "" if row.spread is None else f"[{row.spread[0]:.3g} {row.spread[1]:.3g}]"
    if row.met is not row.met_other_clock:
        met += f" !{other}"
    cells = f"{row.row:4} {row.case:66} {row.ours:>12} {row.peer:>22} {ratio:>7} {spread:>14} {row.bar:>11} {met}"
    return f"{cells}  ({row.note})" if row.note else cells.rstrip()


# --- running things apart ---------------------------------------------------------------------------


def apart(code: str, **env: str) -> Any:
    """Run code in a fresh interpreter that can import this folder; return what it prints last, as JSON."""
    here = str(Path(__file__).parent)
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **env},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"what ran apart failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


# --- the command line -------------------------------------------------------------------------------


@contextmanager
def _frozen() -> Any:
    """Keep the garbage collector away from what earlier sections left."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def main(sections: Mapping[str, Callable[[Bench], None]], about: str, argv: list[str] | None = None) -> Bench:
    parser = argparse.ArgumentParser(
        description=about,
        epilog="sections: " + ", ".join(f"{name} ({(f.__doc__ or '').strip()})" for name, f in sections.items()),
    )
    parser.add_argument("section", nargs="*", help="which parts to run; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write header and rows as JSON")
    parser.add_argument("--quick", action="store_true", help="only show that everything runs: small, short, no peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window", type=float, default=0.2, help="seconds a side runs in a round")
    parser.add_argument("--clock", choices=("auto", *CLOCKS), default="auto")
    asked = parser.parse_args(argv)
    unknown = [name for name in asked.section if name not in sections]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there is {', '.join(sections)}")
    bench = Bench(quick=asked.quick, rounds=asked.rounds, window=asked.window, clock=asked.clock)
    bench.reference()
    for name in asked.section or sections:
        bench.section = name
        with _frozen():
            sections[name](bench)
    judged = [row for row in bench.rows if row.met is not None]
    missed = [row.case for row in judged if not row.met]
    print(f"{len(judged) - len(missed)} of {len(judged)} bars met" + "".join(f"\n  not met: {case}" for case in missed))
    if asked.json:
        asked.json.write_text(json.dumps({**bench.header, "rows": [asdict(row) for row in bench.rows]}, indent=1))
    return bench
