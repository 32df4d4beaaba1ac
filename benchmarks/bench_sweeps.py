"""Sweeps against xyzpy, pipefunc and joblib from PyPI, with the same functions.

`scripts/bench sweeps [SECTION ...] [--json FILE]`. Rows are numbered as the bars of the issue: 3 the cost of a round
of a harvest, 4 the cost of a call, a draw, a look-up, sparse cases; "-" are figures without a bar. What runs in other
processes is judged by wall time, scaled by a bare loop of the same round and by what two busy processes reach.
"""

from __future__ import annotations

import concurrent.futures as futures
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import sweeps_common as common
from harness import CLOCKS, Bench, Costs, apart, bare_rows, drawing, main
from sweeps_common import each

from headrace import sweeps

SAME = 1.0  # a ratio of at least this: not dearer than the peer
LABELLED = 1 / 1.5


# --- 4 ----------------------------------------------------------------------------------------------


def serial(bench: Bench) -> None:
    """the cost of a trivial call in this process"""
    n = bench.size(100_000, 100)
    xs = list(range(n))
    side = round(n**0.5)
    grid = {"x": range(side), "y": range(side)}
    cases = [{"x": x} for x in xs]
    few = n // 10
    xyzpy, joblib, pipefunc = (common.peer(name, quick=bench.quick) for name in ("xyzpy", "joblib", "pipefunc"))
    ours, labelled, both = sweeps, sweeps.Runner(common.one, "y"), sweeps.Runner(common.two, ["p", "q"])
    theirs = xyzpy and xyzpy.Runner(common.one, "y")
    their_both = xyzpy and xyzpy.Runner(common.two, ["p", "q"])
    made = pipefunc and common.pipeline(pipefunc, common.one)
    costs = bench.costs(
        loop=each(lambda: [common.one(x=x) for x in xs], n),
        ours=each(lambda: ours.combo_runner(common.one, {"x": xs}, verbosity=0), n),
        xyzpy=xyzpy and each(lambda: xyzpy.combo_runner(common.one, {"x": xs}, verbosity=0), n),
        joblib=joblib and each(lambda: joblib.Parallel(n_jobs=1)(joblib.delayed(common.one)(x=x) for x in xs), n),
        pipefunc=made and each(common.mapped(made, few, parallel=False), few),
        grid=each(lambda: ours.combo_runner(common.add, grid, verbosity=0), side * side),
        xyzpy_grid=xyzpy and each(lambda: xyzpy.combo_runner(common.add, grid, verbosity=0), side * side),
        cases=each(lambda: ours.combo_runner(common.one, cases=cases, verbosity=0), n),
        xyzpy_cases=xyzpy and each(lambda: xyzpy.combo_runner(common.one, cases=cases, verbosity=0), n),
        labelled=each(lambda: labelled.run_combos({"x": xs}, verbosity=0), n),
        xyzpy_labelled=theirs and each(lambda: theirs.run_combos({"x": xs}, verbosity=0), n),
        both=each(lambda: both.run_combos({"x": xs}, verbosity=0), n),
        xyzpy_both=their_both and each(lambda: their_both.run_combos({"x": xs}, verbosity=0), n),
    )
    show: dict[str, Any] = {"show": "us"}
    bench.faster("4", f"combo_runner, {n} calls", costs["ours"], costs["xyzpy"], SAME, who="xyzpy", **show)
    bench.faster("4", f"labelled, {n} calls, against combo_runner of", costs["labelled"], costs["xyzpy"], LABELLED, who="xyzpy", **show)  # fmt: skip
    for case, mine, other in (
        (f"labelled, {n} calls", "labelled", "xyzpy_labelled"),
        (f"labelled, two outputs, {n} calls", "both", "xyzpy_both"),
        (f"combo_runner, a grid of {side} x {side}", "grid", "xyzpy_grid"),
        (f"combo_runner, {n} cases", "cases", "xyzpy_cases"),
    ):
        bench.faster("-", case, costs[mine], costs[other], None, who="xyzpy", **show)
    bench.faster("-", f"combo_runner, {n} calls", costs["ours"], costs["joblib"], None, who="joblib", **show)
    bench.faster("-", f"combo_runner, {n} calls; theirs {few}", costs["ours"], costs["pipefunc"], None, who="pipefunc", **show)  # fmt: skip
    bench.faster("-", f"combo_runner, {n} calls", costs["ours"], costs["loop"], None, who="bare loop", **show)


def sampler(bench: Bench) -> None:
    """the cost of a draw"""
    if not _there(bench, "Sampler"):
        return
    n = bench.size(100_000, 50)
    xyzpy = common.peer("xyzpy", quick=bench.quick)
    draw = np.random.default_rng(0).random
    for what, values in (("a function", draw), ("a list", [1, 2, 3])):
        combos = {"x": values}

        def make(room: Any, combos: Any = combos) -> Any:
            return lambda: room.Sampler(room.Runner(common.one, "y"), default_combos=combos).sample_combos(n, verbosity=0)  # fmt: skip

        costs = bench.costs(bare=drawing(bare_rows()), ours=each(make(sweeps), n), xyzpy=xyzpy and each(make(xyzpy), n))
        bench.within("4", f"Sampler, a draw from {what}", 1e6 * bench.scaled(costs["ours"], costs["bare"]), 3.0, "us")
        bench.faster("-", f"Sampler, a draw from {what}", costs["ours"], costs["xyzpy"], None, who="xyzpy", show="us")


def missing(bench: Bench) -> None:
    """looking up which points are missing"""
    n = bench.size(100_000, 100)
    xyzpy = common.peer("xyzpy", quick=bench.quick)
    ds = sweeps.Runner(common.one, "y").run_combos({"x": range(n)}, verbosity=0)
    combos = {"x": range(n)}
    costs = bench.costs(
        bare=drawing(bare_rows()),
        ours=each(lambda: sweeps.parse_into_cases(combos, ds=ds), n),
        xyzpy=xyzpy and each(lambda: xyzpy.parse_into_cases(combos, ds=ds), n),
    )
    scaled = 1e6 * bench.scaled(costs["ours"], costs["bare"])
    bench.within("4", f"missing look-up in a complete dataset of {n}, a point", scaled, 1.5, "us")
    bench.faster("-", f"missing look-up in a complete dataset of {n}", costs["ours"], costs["xyzpy"], None, who="xyzpy", show="us")  # fmt: skip
    if not _there(bench, "Harvester"):
        return
    few = n // 10
    with tempfile.TemporaryDirectory() as folder:
        for what, path in (("in memory", None), ("on disk", str(Path(folder, "points")))):
            harvester = sweeps.Harvester(sweeps.Runner(common.one, "y"), path)
            harvester.harvest_combos({"x": range(few)}, verbosity=0)

            def again(harvester: Any = harvester) -> None:
                harvester.harvest_combos({"x": range(few)}, missing_only=True, verbosity=0)

            costs = bench.costs(bare=drawing(bare_rows()), ours=each(again, few))
            scaled = 1e6 * bench.scaled(costs["ours"], costs["bare"])
            bench.within("4", f"missing_only=True, {few} points that are there {what}, a point", scaled, 1.5, "us")


def sparse(bench: Bench) -> None:
    """cases on a diagonal"""
    n = bench.size(100_000, 100)
    if not _there(bench, "Harvester"):
        return
    with tempfile.TemporaryDirectory() as folder:
        found = apart(f"""
            import json
            import sweeps_common as common
            print(json.dumps(common.diagonal({str(Path(folder, "diagonal"))!r}, {n})))
        """)
    bench.within("4", f"{n} diagonal cases held and saved: memory", np.array([found["memory"]]), 100, "MB", digits=1)
    bench.within("-", f"{n} diagonal cases held and saved: on disk", np.array([found["disk"]]), None, "MB", digits=1)
    bench.says("4", f"{n} diagonal cases: points in the table", f"{found['points']:.0f}", found["points"] == n + 1, f"{n + 1}")  # fmt: skip


def parallel(bench: Bench) -> None:
    """two workers: calls that cost nothing, and results of 80 KB"""
    xyzpy, joblib, pipefunc = (common.peer(name, quick=bench.quick) for name in ("xyzpy", "joblib", "pipefunc"))
    pool = futures.ProcessPoolExecutor(2)
    try:
        for what, fn, n, few, bar in (
            ("trivial call", common.one, bench.size(10_000, 50), 1000, 5.0),
            ("100x100 result", common.square, bench.size(1000, 20), 200, 100.0),
        ):
            xs = list(range(n))

            def ours(fn: Any = fn, xs: Any = xs, **how: Any) -> Any:
                return sweeps.combo_runner(fn, {"x": xs}, verbosity=0, **how)

            ours(parallel=2)
            made = pipefunc and common.pipeline(pipefunc, fn)
            jobs: Any = joblib and joblib.Parallel(n_jobs=2)
            costs = bench.costs(
                bare=drawing(bare_rows()),
                ours=each(lambda: ours(parallel=2), n),
                handed=each(lambda: ours(executor=pool), n),
                joblib=joblib and each(lambda jobs=jobs, fn=fn, xs=xs: jobs(joblib.delayed(fn)(x) for x in xs), n),
                chunked=each(lambda fn=fn, xs=xs, n=n: list(pool.map(fn, xs, chunksize=max(1, n // 64))), n),
                pipefunc=made and each(common.mapped(made, n, parallel=True, executor=pool), n),
                xyzpy=xyzpy
                and each(
                    lambda fn=fn, few=few: xyzpy.combo_runner(fn, {"x": range(few)}, executor=pool, verbosity=0), few
                ),
            )
            for how, name in ("parallel=2", "ours"), ("executor=ProcessPoolExecutor(2)", "handed"):
                judged = bar if name == "ours" else None
                bench.within("4", f"{n} of a {what}, {how}, each", _by_wall(bench, costs[name], costs["bare"]), judged, "us")  # fmt: skip
            for who in ("joblib", "chunked", "pipefunc", "xyzpy"):
                told = "pool.map chunked" if who == "chunked" else who
                _faster_by_wall(bench, f"{n} of a {what}, parallel=2, wall time", costs["ours"], costs[who], told)
        if xyzpy:  # at the end: joblib does not work after it
            costs = bench.costs(
                ours=each(lambda: ours(parallel=2), n),
                xyzpy=each(lambda: xyzpy.combo_runner(common.square, {"x": range(few)}, parallel=2, verbosity=0), few),
            )
            _faster_by_wall(
                bench, f"{n} of a {what}, parallel=2 both, wall time", costs["ours"], costs["xyzpy"], "xyzpy"
            )
    finally:
        pool.shutdown()


def _by_wall(bench: Bench, costs: Costs, bare: Costs) -> np.ndarray:
    """Microseconds by wall time, on the machine that the bars were set on."""
    share = min(1.0, bench.header["two processes"] / 2)
    return 1e6 * bench.scaled(costs, bare)[1] * share


def _faster_by_wall(bench: Bench, case: str, ours: Costs, theirs: Costs | None, who: str) -> None:
    if theirs is not None:
        bench.faster("-", case, np.repeat(ours[1:], 2, axis=0), np.repeat(theirs[1:], 2, axis=0), None, who=who, show="us")  # fmt: skip


# --- 3 ----------------------------------------------------------------------------------------------


def harvest(bench: Bench) -> None:
    """rounds of a harvest: time, bytes written, memory"""
    if not _there(bench, "Harvester"):
        return
    rounds, points = bench.size(100, 6), bench.size(100, 5)
    for kind, what, new in (
        ("scalars", "2 numbers", points * 3 * 8 / 1e6),
        ("plates", "an array of 100x101", points * common.ROWS * common.COLUMNS * 8 / 1e6),
    ):
        for name, suffix in (("a ledger", ""), ("h5", ".h5"), ("zarr", ".zarr")):
            laps = [_laps("headrace.sweeps", kind, suffix, rounds, points) for _ in range(min(bench.rounds, 3))]
            case = f"{what}, {name}: round {rounds}"
            ends = slice(0, 5), slice(-5, None)  # a round has fsyncs in it: five of each end
            first, last = (
                np.array([[np.median([lap[clock] for lap in each[end]]) for each in laps] for clock in CLOCKS])
                for end in ends
            )
            bench.within("3", f"{case} / round 1, time", last / first, 1.3, "x")
            bench.within("-", f"{case}, time", 1e3 * last, None, "ms")
            most = np.array([max(lap["MB"] for lap in each) for each in laps])
            bench.within("3", f"{what}, {name}: MB written in any round", most, round(1.2 * new + 4, 2), "MB")
            peak = np.array([np.median([lap["memory"] for lap in each[ends[1]]]) for each in laps])
            bar = 3 * new if kind == "plates" else None
            bench.within("3" if bar else "-", f"{case}, memory at most", peak, bar and round(bar, 2), "MB")
        if common.peer("xyzpy", quick=bench.quick):
            ends = [_laps("xyzpy", kind, ".h5", 1, points, seeded)[0] for seeded in (0, rounds - 1)]
            clock = CLOCKS[bench.clock]
            ratio = ends[1][clock] / ends[0][clock]
            note = f"{ends[1][clock] * 1e3:.0f} ms, {ends[1]['MB']:.0f} MB written, {ends[1]['memory']:.0f} MB of memory"  # fmt: skip
            bench.says("-", f"{what}, xyzpy, h5: round {rounds} / round 1, time", f"{ratio:.1f} x", None, "-", note)


def _laps(room: str, kind: str, suffix: str, rounds: int, points: int, seeded: int = 0) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, f"points{suffix}"))
        found: list[dict[str, float]] = apart(f"""
            import json
            import sweeps_common as common
            print(json.dumps(common.harvest({room!r}, {kind!r}, {path!r}, {rounds}, {points}, {seeded})))
        """)
    return found


def _there(bench: Bench, name: str) -> bool:
    if hasattr(sweeps, name):
        return True
    bench.says("-", f"headrace.sweeps.{name} is not there yet: left out", "none yet", None, "-")
    return False


SECTIONS = {f.__name__: f for f in (serial, sampler, missing, sparse, parallel, harvest)}

if __name__ == "__main__":
    main(SECTIONS, __doc__ or "")
