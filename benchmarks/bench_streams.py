"""Streams, ops and muxes against Pescador and torchdata: `scripts/bench streams [SECTION ...] [--json FILE]`.

Rows are numbered as in the speed budget. Every object measured is the public one, drawn by `for` as users do.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from harness import BLOCK, Bench, apart, bare_rows, calling, drawing, main, passing

import headrace as hr

# What the peers reach where the bars were set; used, and marked, when one is not installed. Items per second.
QUOTED = {
    "torchdata 10": 1.31e6,
    "torchdata 1000": 1.24e6,
    "shuffled 10": 113e3,
    "shuffled 1000": 47e3,
    "stochastic 100": 58e3,
    "nested": 36e3,
    "streamer": 4.0e6,
    "chain 10": 1.67e6,
    "chain 1000": 1.27e6,
    "chain 10000": 0.46e6,
    "batch 128": 128 / 34.1e-6,
    "batch 16": 1.0e6,
    "images 128": 430e3,
    "images 16": 1.0e6,
}


def peers(bench: Bench) -> tuple[Any, Any]:
    """Pescador and torchdata's nodes, each None when it is not there."""
    found = []
    for module in () if bench.quick else ("pescador", "torchdata.nodes"):
        try:
            found.append(importlib.import_module(module))
        except ImportError as error:
            print(f"  {module} cannot be imported ({error}): its figures are quoted")
            found.append(None)
    return (found[0], found[1]) if found else (None, None)


# --- sources ----------------------------------------------------------------------------------------


def rows_for(k: int, n: int = 256) -> list[dict[str, Any]]:
    X = np.random.default_rng(k).standard_normal((n, 8))
    return [{"X": X[i], "Y": k} for i in range(n)]


def endless(rows: list[Any]) -> Any:
    while True:
        yield from rows


class Endless:
    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows

    def __iter__(self) -> Any:
        return endless(self.rows)


def drawn_rows(*, rng: np.random.Generator) -> Any:
    while True:
        yield {"X": BLOCK[int(rng.random() * 64)]}


def first_rows(n: int) -> Any:
    for i in range(n):
        yield {"X": BLOCK[i & 63]}


def same(item: Any) -> Any:
    return item


def same_rng(item: Any, rng: np.random.Generator) -> Any:
    return item


def weights_for(n: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(1.0, 10.0, n)


# --- sections ---------------------------------------------------------------------------------------


def ops(bench: Bench) -> None:
    """what a layer costs"""
    pescador, _ = peers(bench)
    rows = rows_for(0)
    plain = hr.Streamer(endless, rows)
    five: hr.Stream[Any] = plain
    for _ in range(5):
        five = five | hr.map(same)
    noisy = plain | hr.map(same_rng)
    noisy_five: hr.Stream[Any] = plain
    for _ in range(5):
        noisy_five = noisy_five | hr.map(same_rng)
    costs = bench.costs(
        bare=drawing(bare_rows()),
        plain=drawing(plain.iterate()),
        plain_cursor=drawing(plain.open()),
        plain_next=drawing(iter(plain.open().__next__, None)),
        five=drawing(five.iterate()),
        five_cursor=drawing(five.open()),
        noisy=drawing(noisy.iterate()),
        noisy_cursor=drawing(noisy.open()),
        noisy_five=drawing(noisy_five.iterate()),
        their=None if pescador is None else drawing(pescador.Streamer(endless, rows).iterate()),
    )

    def layer(many: str, few: str, n: int) -> np.ndarray:
        return bench.scaled((costs[many] - costs[few]) / n, costs["bare"]) * 1e6

    for path, end in (("iterate()", ""), ("cursor", "_cursor")):
        bench.within("1", f"map(identity), each of 5, by {path}", layer(f"five{end}", f"plain{end}", 5), 0.1, "us")
    for path, end in (("iterate()", ""), ("cursor", "_cursor")):
        bench.within("1", f"map with rng, one, by {path}", layer(f"noisy{end}", f"plain{end}", 1), 1.0, "us")
    bench.within("1", "map with rng, each of 5, by iterate()", layer("noisy_five", "plain", 5), 1.0, "us")
    plain_us, quoted = costs["plain"], QUOTED["streamer"]
    bench.faster("-", "Streamer.iterate(), for", plain_us, costs["their"], 0.7, quoted=quoted)
    bench.faster("-", "Streamer, for item in cursor", costs["plain_cursor"], costs["their"], None, quoted=quoted)
    bench.faster("-", "Streamer, next(cursor)", costs["plain_next"], costs["their"], None, quoted=quoted)


def mux(bench: Bench) -> None:
    """ShuffledMux and StochasticMux, items per second"""
    pescador, nodes = peers(bench)
    _shuffled(bench, pescador, nodes)
    _stochastic(bench, pescador)


def _shuffled(bench: Bench, pescador: Any, nodes: Any) -> None:
    for n, bar in ((10, 3.0), (1000, 2.0)):
        n_used = bench.size(n, 10)
        rows, weights = [rows_for(k) for k in range(n_used)], weights_for(n_used)
        ours = hr.ShuffledMux([hr.Streamer(endless, r) for r in rows], weights)
        their = torch = None
        if pescador is not None:
            members = [pescador.Streamer(endless, r) for r in rows]
            their = drawing(pescador.ShuffledMux(members, weights=weights, random_state=0).iterate())
        if nodes is not None:
            torch = nodes.MultiNodeWeightedSampler(
                {str(k): nodes.IterableWrapper(Endless(r)) for k, r in enumerate(rows)},
                {str(k): float(w) for k, w in enumerate(weights)},
                stop_criteria="CYCLE_FOREVER",
                seed=0,
            )
            torch.reset()
            torch = drawing(torch, warm=20 * n_used)
        warm = bench.size(20 * n_used + 5000, 10)
        costs = bench.costs(
            loop=drawing(ours.iterate(), warm=warm),
            cursor=drawing(ours.open(), warm=warm),
            their=their,
            torch=torch,
        )
        for path, name in (("iterate()", "loop"), ("cursor", "cursor")):
            case = f"ShuffledMux of {n}, weighted, by {path}"
            quoted = QUOTED[f"torchdata {n}"]
            bench.faster("2", case, costs[name], costs["torch"], bar, who="torchdata", quoted=quoted)
        quoted = QUOTED[f"shuffled {n}"]
        bench.faster("2", f"ShuffledMux of {n}, weighted", costs["loop"], costs["their"], None, quoted=quoted)


def _stochastic(bench: Bench, pescador: Any) -> None:
    n = bench.size(3000, 50)

    def ours(n_active: int, make: Any = bare_rows, **options: Any) -> Any:
        n_active = n_active if options.get("mode") is None else min(n, n_active)
        stream = hr.StochasticMux([hr.Streamer(make) for _ in range(n)], bench.size(n_active, 5), 8, **options)
        return drawing(stream.iterate(), warm=bench.size(2000 + 15 * n_active, 10))

    their = None
    if pescador is not None:
        members = [pescador.Streamer(bare_rows) for _ in range(n)]
        their = drawing(pescador.StochasticMux(members, 100, 8, random_state=0).iterate(), warm=2000, chunk=200)
    costs = bench.costs(
        at_10=ours(10),
        at_100=ours(100),
        at_10k=ours(10_000),
        weighted=ours(100, weights=weights_for(n)),
        rng=ours(100, drawn_rows),
        single=ours(100, mode="single_active"),
        single_weighted=ours(100, mode="single_active", weights=weights_for(n)),
        poisson=ours(100, dist="poisson"),
        constant=ours(100, dist="constant"),
        their=their,
    )
    peer, quoted = costs["their"], QUOTED["stochastic 100"]
    case = "StochasticMux 3000, rate 8, n_active 100"
    bench.faster("3", case, costs["at_100"], peer, 15, quoted=quoted)
    bench.faster("3", f"{case}, members take rng", costs["rng"], peer, 6, quoted=quoted)
    bench.faster("3", f"{case}, weighted", costs["weighted"], peer, None, quoted=quoted)
    bench.faster("3", f"{case}, single_active", costs["single"], peer, None, quoted=quoted)
    bench.faster("3", f"{case}, single_active, weighted", costs["single_weighted"], peer, None, quoted=quoted)
    bench.faster("3", f"{case}, poisson", costs["poisson"], peer, None, quoted=quoted)
    bench.faster("3", f"{case}, constant", costs["constant"], peer, None, quoted=quoted)
    case = "StochasticMux 3000, rate 8, n_active 10 000"
    bench.faster("3", case, costs["at_10k"], costs["at_10"], 0.5, who="at 10:")

    def nested(library: Any) -> Any:
        inner = [library.StochasticMux([library.Streamer(bare_rows) for _ in range(100)], 10, 8) for _ in range(10)]
        return drawing(library.ShuffledMux(inner).iterate(), warm=bench.size(3000, 10), chunk=200)

    costs = bench.costs(ours=nested(hr), their=None if pescador is None else nested(pescador))
    case = "ShuffledMux of 10 x StochasticMux(100, 10, 8)"
    bench.faster("3", case, costs["ours"], costs["their"], 5, quoted=QUOTED["nested"])


def start(bench: Bench) -> None:
    """the first item of a mux of 30 000"""
    pescador, _ = peers(bench)
    n = bench.size(30_000, 300)
    pool = [hr.Streamer(bare_rows) for _ in range(n)]
    if pescador is not None:
        theirs = pescador.StochasticMux([pescador.Streamer(bare_rows) for _ in range(n)], 100, 8, random_state=0)

    def first(stream: Any) -> Any:
        items = stream.iterate()
        next(items)
        return items

    for mode in ("with_replacement", "single_active", "exhaustive"):
        for label, weights in (("even", None), ("weighted", weights_for(n))):

            def fresh(mode: Any = mode, weights: Any = weights) -> Any:
                return hr.StochasticMux(pool, 100, 8, weights, mode)

            used = fresh()
            first(used).close()
            costs = bench.costs(
                bare=drawing(bare_rows()),
                cold=calling(first, fresh),
                warm=calling(first, lambda used=used: used, times=2),
            )
            for when, bar in (("cold", 10.0), ("warm", 5.0)):
                values = bench.scaled(costs[when], costs["bare"]) * 1e3
                bench.within("3", f"first item of 30 000, {mode}, {label}: {when}", values, bar, "ms")
    stream = hr.ShuffledMux(pool, weights_for(n))
    costs = bench.costs(
        bare=drawing(bare_rows()),
        ours=calling(first, lambda: stream),
        their=None if pescador is None else calling(first, lambda: theirs),
    )
    values = bench.scaled(costs["ours"], costs["bare"]) * 1e3
    bench.within("3", "first item of 30 000, ShuffledMux: warm", values, None, "ms")
    if costs["their"] is not None:
        values = bench.scaled(costs["their"], costs["bare"]) * 1e3
        bench.within("3", "first item of 30 000, Pescador's StochasticMux", values, None, "ms", digits=1)


def batch(bench: Bench) -> None:
    """columns from row dicts"""
    pescador, _ = peers(bench)
    X = np.random.default_rng(0).standard_normal((bench.size(4096, 64), 64))
    rows = [{"X": X[i], "Y": i} for i in range(len(X))]
    images = [{"X": np.random.default_rng(i).random((64, 64))} for i in range(bench.size(128, 8))]
    for what, name, items in (
        ("rows {X: f8[64], Y: int}", "batch", rows),
        ("images {X: f8[64, 64]}", "images", images),
    ):
        for n in (128, 16):
            stream = hr.Streamer(endless, items)
            options = {"warm": bench.size(50, 2), "chunk": 8}
            costs = bench.costs(
                op=drawing((stream | hr.batch(n)).iterate(), **options),
                buffer=drawing(hr.buffer_stream(stream, n).iterate(), **options),
                their=None if pescador is None else drawing(pescador.buffer_stream(endless(items), n), **options),
                recipe=None
                if pescador is None
                else drawing(pescador.buffer_stream(pescador.Streamer(endless, items), n), **options),
            )
            quoted = QUOTED[f"{name} {n}"] / n
            # The bar is set on Pescador over a bare generator; over a Streamer, as ours always is, it costs more.
            for path, side in (("batch", "op"), ("buffer_stream", "buffer")):
                case = f"{path} of {n} {what}"
                bench.faster("6", case, costs[side], costs["their"], 1.0, quoted=quoted, show="us")
            if costs["recipe"] is not None:
                case = f"batch of {n} {what}, both over a Streamer"
                bench.faster("6", case, costs["op"], costs["recipe"], None, show="us")


def ordered(bench: Bench) -> None:
    """RoundRobinMux and ChainMux"""
    pescador, _ = peers(bench)

    def robin(library: Any, n: int) -> Any:
        n = bench.size(n, 10)
        return drawing(library.RoundRobinMux([library.Streamer(bare_rows) for _ in range(n)]).iterate(), warm=5 * n)

    costs = bench.costs(
        at_10=robin(hr, 10),
        at_1000=robin(hr, 1000),
        their_10=None if pescador is None else robin(pescador, 10),
        their_1000=None if pescador is None else robin(pescador, 1000),
    )
    bench.faster("-", "RoundRobinMux of 1000", costs["at_1000"], costs["at_10"], 0.7, who="at 10:")
    for n in (10, 1000):
        bench.faster("-", f"RoundRobinMux of {n}", costs[f"at_{n}"], costs[f"their_{n}"], None)
    for n, each in ((10, 10_000), (1000, 100), (10_000, 10)):
        n_used, each_used = bench.size(n, 10), bench.size(each, 10)
        libraries = {"ours": hr, "their": pescador}
        made = {
            name: None if lib is None else lib.ChainMux([lib.Streamer(first_rows, each_used) for _ in range(n_used)])
            for name, lib in libraries.items()
        }
        costs = bench.costs(
            **{
                name: None if stream is None else passing(stream.iterate, n_used * each_used)
                for name, stream in made.items()
            }
        )
        quoted = QUOTED[f"chain {n}"]
        bench.faster("-", f"ChainMux of {n} x {each}", costs["ours"], costs["their"], 0.7, quoted=quoted)


def state(bench: Bench) -> None:
    """saving and restoring a StochasticMux"""
    n = bench.size(3000, 50)
    for label, weights in (("even", None), ("weighted", weights_for(n))):
        pool = [hr.Streamer(bare_rows) for _ in range(n)]
        stream = hr.StochasticMux(pool, bench.size(100, 5), 8, weights, seed=7)
        cursor = stream.open()
        cursor.skip(bench.size(100_000, 100))

        def fresh_cursor(pool: Any = pool, weights: Any = weights) -> Any:
            cursor = hr.StochasticMux(pool, bench.size(100, 5), 8, weights, seed=7).open()
            cursor.skip(100)
            return cursor

        text = json.dumps(cursor.state())

        def restored(text: str, stream: Any = stream) -> Any:
            cursor = stream.open(at=json.loads(text))
            next(cursor)
            return cursor

        costs = bench.costs(
            bare=drawing(bare_rows()),
            first=calling(lambda cursor: cursor.state() and cursor, fresh_cursor),
            save=calling(lambda cursor: cursor.state() and None, lambda cursor=cursor: cursor),
            restore=calling(restored, lambda text=text: text),
        )
        again = restored(text)
        equal = all(
            np.array_equal(a["X"], b["X"]) for a, b in zip(again.take(1000), [*cursor.take(1001)][1:], strict=True)
        )
        case = f"StochasticMux 3000/100, 1e5 items in, {label}"
        bench.within("-", f"{case}: state as JSON", np.array([len(text) / 1024]), 100.0, "KiB", digits=1)
        for what, name, bar in (
            ("save", "save", 10.0),
            ("first save", "first", None),
            ("restore and next item", "restore", None),
        ):
            bench.within("-", f"{case}: {what}", bench.scaled(costs[name], costs["bare"]) * 1e3, bar, "ms")
        bench.says("-", f"{case}: goes on after restore", "equal" if equal else "different", equal, "equal")


def memory(bench: Bench) -> None:
    """what running and idle members hold, in fresh processes"""
    compat = importlib.util.find_spec("headrace.compat") and importlib.util.find_spec("headrace.compat.pescador")
    modules = {"headrace": "native", **({"headrace.compat.pescador": "compat"} if compat else {})}
    size, n, n_idle = bench.size(2**20, 2**12), bench.size(200, 20), bench.size(30_000, 300)
    unit = 2**20
    for module, label in modules.items():
        found = apart(f"import streams_apart as a; a.report(a.everything({module!r}, {n}, {size}, {n_idle}))")
        for name, how in (("peak", "peak, tracemalloc"), ("rss", "growth of RSS")):
            case = f"10 of 200 members that hold 1 MiB each, {label}: {how}"
            bench.within("-", case, np.array([found[name] / unit]), 12.0, "MiB", digits=2)
        kept = found["on file"]
        bench.says("-", f"a memmap argument, {label}", "on its file" if kept else "copied", kept, "on its file")
        case = f"30 000 idle Streamer(f, path), {label}"
        bench.within("-", f"{case}: tracemalloc", np.array([found["streams"] / unit]), 10.0, "MiB", digits=2)
        bench.within("-", f"{case}: the paths alone", np.array([found["paths"] / unit]), None, "MiB", digits=2)


def imports(bench: Bench) -> None:
    """what `import headrace` costs beyond NumPy; run as `import`"""
    tries = 1 if bench.quick else 9
    every = "import headrace\nfor name in headrace.__all__: getattr(headrace, name)"
    lines = {"numpy": "import numpy", "headrace": "import numpy, headrace", "all": f"import numpy\n{every}"}
    with tempfile.TemporaryDirectory() as cache:
        # Compiled once into a place of its own, so that a machine that writes no bytecode does not compile each time.
        env = dict(os.environ)
        if not bench.quick:
            env["PYTHONPYCACHEPREFIX"] = cache
            env.pop("PYTHONDONTWRITEBYTECODE", None)

        def spent(command: list[str]) -> tuple[float, float]:
            before, watch = (
                resource.getrusage(resource.RUSAGE_CHILDREN),
                calling(lambda _: subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)),
            )
            wall = watch(0).wall
            after = resource.getrusage(resource.RUSAGE_CHILDREN)  # os.times counts in hundredths of a second
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall

        for code in () if bench.quick else lines.values():
            spent([sys.executable, "-c", code])
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in lines}
        for _ in range(tries):
            for name, code in lines.items():
                found[name].append(spent([sys.executable, "-c", code]))
        cpu = {name: np.array(times)[:, 0] * 1e3 * bench.scale for name, times in found.items()}
        for name, case in (("headrace", "import headrace"), ("all", "import headrace, touch every name")):
            bench.within("-", f"{case}: CPU beyond import numpy", cpu[name] - cpu["numpy"], 60.0, "ms", digits=1)
        bench.within("-", "import numpy: CPU", cpu["numpy"], None, "ms", digits=1)
        script = Path(sys.executable).with_name("headrace")
        command = [str(script), "--help"] if script.exists() else [sys.executable, "-m", "headrace.cli", "--help"]
        try:
            wall = np.array([spent(command)[1] for _ in range(tries)])
        except (subprocess.CalledProcessError, OSError):
            bench.says("-", "headrace --help", "there is none yet", None, "<= 0.4 s")
            return
        bench.within("-", "headrace --help: wall", wall, 0.4, "s")


SECTIONS = {
    "ops": ops,
    "mux": mux,
    "start": start,
    "batch": batch,
    "ordered": ordered,
    "state": state,
    "memory": memory,
    "import": imports,
}

if __name__ == "__main__":
    main(SECTIONS, "Streams, ops and muxes against their peers.")
