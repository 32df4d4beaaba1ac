"""What is swept, the peers, and a harvest round by round; all of it by name, so that processes find it."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from harness import Lap, Side, Stopwatch

ROWS, COLUMNS = 100, 101  # of the array that a point of a large harvest gives


def one(x: Any) -> Any:
    return x + 1


def two(x: Any) -> Any:
    return x + 1, x - 1


def add(x: Any, y: Any) -> Any:
    return x + y


def square(x: Any) -> Any:
    return np.full((100, 100), float(x))


def plate(x: Any) -> Any:
    return np.full((ROWS, COLUMNS), float(x))


def each(act: Callable[[], Any], n: int, *, prepare: Callable[[], Any] = lambda: None) -> Side:
    """`act()` once a turn; the unit is one of the `n` calls that it makes."""

    def run(_seconds: float) -> Lap:
        prepare()
        with Stopwatch() as watch:
            kept = act()
        del kept
        return watch.lap(n)

    return run


# --- the peers --------------------------------------------------------------------------------------


def peer(name: str, *, quick: bool) -> Any:
    """A peer's module; None where it is not installed, and in a quick run."""
    if quick:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError:
            print(f"  {name} cannot be imported: it is left out")
            return None


def pipeline(pipefunc: Any, fn: Callable[..., Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pipefunc.Pipeline([pipefunc.PipeFunc(fn, output_name="y", mapspec="x[i] -> y[i]")])


def mapped(made: Any, n: int, **more: Any) -> Callable[[], Any]:
    """A pipefunc pipeline over `n` points, held in memory, without a bar."""
    xs = np.arange(n)

    def run() -> Any:
        with warnings.catch_warnings(), contextlib.redirect_stdout(open(os.devnull, "w")):
            warnings.simplefilter("ignore")
            return made.map({"x": xs}, storage="dict", show_progress=False, **more)

    return run


# --- a harvest, round by round ----------------------------------------------------------------------


def written() -> int:
    """Bytes that this process has handed to the kernel."""
    told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(told["wchar"])


def memory(what: str) -> float:
    """MB of this process: `VmRSS` now, `VmHWM` at most since `forget`."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024


def forget() -> None:
    """Have `VmHWM` begin at what is used now."""
    Path("/proc/self/clear_refs").write_text("5")


def runner_of(room: Any, kind: str) -> Any:
    if kind == "plates":
        return room.Runner(
            plate,
            var_names="B",
            var_dims={"B": ["u", "v"]},
            var_coords={"u": range(ROWS), "v": np.linspace(0, 1, COLUMNS)},
        )
    return room.Runner(two, ["p", "q"])


def harvest(room_name: str, kind: str, path: str, rounds: int, points: int, seeded: int = 0) -> list[dict[str, float]]:
    """Seconds, MB written and MB of memory in each round of `points` new ones; `seeded` rounds are there before."""
    room = importlib.import_module(room_name)
    warm = room.Harvester(runner_of(room, kind), f"{path}-warm{Path(path).suffix}")
    warm.harvest_combos({"x": [0, 1]}, verbosity=0)
    harvester = room.Harvester(runner_of(room, kind), path)
    if seeded:
        harvester.harvest_combos({"x": range(seeded * points)}, verbosity=0)
        harvester = room.Harvester(runner_of(room, kind), path)
    made = []
    for k in range(seeded, seeded + rounds):
        forget()
        resident, before = memory("VmRSS"), written()
        with Stopwatch() as watch:
            harvester.harvest_combos({"x": range(k * points, (k + 1) * points)}, verbosity=0)
        told = {"MB": (written() - before) / 1e6, "memory": max(0.0, memory("VmHWM") - resident)}
        made.append({"cpu": watch.cpu, "wall": watch.wall, **told})
    return made


def diagonal(path: str, n: int) -> dict[str, float]:
    """MB of memory that `n` diagonal cases take until they are kept, and MB on disk."""
    from headrace.sweeps import Harvester, Runner

    harvester = Harvester(Runner(add, "z"), path)
    harvester.harvest_cases([{"x": -1, "y": -1}], verbosity=0)
    forget()
    resident = memory("VmRSS")
    harvester.harvest_cases([{"x": i, "y": -i} for i in range(n)], verbosity=0)
    peak = memory("VmHWM") - resident
    disk = sum(file.stat().st_size for file in Path(path).parent.rglob("*") if file.is_file()) / 1e6
    return {"memory": peak, "disk": disk, "points": len(harvester.table)}


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Without what peers print to stderr at their exit."""
    kept = sys.stderr
    with open(os.devnull, "w") as nowhere:
        sys.stderr = nowhere
        try:
            yield
        finally:
            sys.stderr = kept
