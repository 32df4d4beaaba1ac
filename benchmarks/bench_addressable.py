"""Streams whose items have addresses, against torchdata, Grain, Hugging Face and Pescador.

`scripts/bench addressable [SECTION ...] [--json FILE]`. Rows are numbered: 1 mix by items, 2 its columns and cold
seeks, 3 state, 4 batches, 5 addressed random numbers, 6 orders, 7 memory. What is called fresh has a seed that no
stream had before, so that no cache outside the object can help it.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import addressable_peers as peers
import numpy as np
from addressable_common import BLOCK_ROWS, SEEDS, few, members_for, mixed, power, reaches, reading
from addressable_peers import QUOTED, addressed, peer
from addressable_state import memory, state
from bench_streams import endless
from harness import Bench, bare_rows, calling, drawing, main, passing

import headrace as hr

# --- 1 ----------------------------------------------------------------------------------------------


def mix(bench: Bench) -> None:
    """mix item by item; Grain, Hugging Face and Pescador in few rounds"""
    for n, bar in ((10, 3.0), (1000, 2.0)):
        rows, columns, weights = members_for(bench.size(n, 10))
        _mix_loops(bench, n, bar, rows, columns, weights)
        _mix_slow(bench, n, rows, columns, weights)


def _mix_loops(bench: Bench, n: int, bar: float, rows: list[Any], columns: list[Any], weights: np.ndarray) -> None:
    warm = bench.size(20 * n + 5000, 10)
    streams = {"columns": mixed(columns, weights), "lists of dicts": mixed(rows, weights)}
    streams["permuted columns"] = mixed(columns, weights, permuted=True)
    sides = {}
    for kind, stream in streams.items():
        sides[f"{kind}, by iterate()"] = drawing(stream.iterate(), warm=warm)
        sides[f"{kind}, by cursor"] = drawing(stream.open(), warm=warm)
    nodes = peer(bench, "torchdata")
    their = nodes and drawing(peers.started(peers.torchdata_mix(nodes, rows, weights)), warm=warm)
    costs = bench.costs(**sides, their=their)
    for name in sides:
        case, quoted = f"mix of {n}, {name}", QUOTED[f"torchdata {n}"]
        at_least = None if "permuted" in name else bar
        bench.faster("1", case, costs[name], costs["their"], at_least, who="torchdata", quoted=quoted)


def _mix_slow(bench: Bench, n: int, rows: list[Any], columns: list[Any], weights: np.ndarray) -> None:
    """Peers that give 5 to 100 thousand items a second; Grain's mix is periodic, not random."""
    stream = mixed(columns, weights)
    grain, datasets, pescador = (peer(bench, name) for name in ("Grain", "HF", "Pescador"))
    slow = {"warm": 200, "chunk": 50}
    order = grain and peers.grain_mix(grain, rows, weights)
    with few(bench):
        costs = bench.costs(
            loop=drawing(stream.iterate(), warm=bench.size(20 * n + 5000, 10)),
            index=drawing(map(stream.__getitem__, count()), warm=bench.size(200, 2), chunk=bench.size(50, 2)),
            by_index=grain and drawing(map(order.__getitem__, count()), **slow),
            by_iter=grain and drawing(peers.grain_iter(grain, order), **slow),
            # Their members start at their first draw: most have had it after so many.
            hf=datasets and drawing(peers.hf_mix(datasets, rows, weights), warm=5 * len(rows), chunk=50),
            pescador=pescador and drawing(peers.pescador_mix(pescador, rows, weights), warm=20 * len(rows), chunk=50),
        )
    for ours, theirs, who, quoted in (
        ("index", "by_index", "Grain [i]", "Grain [i]"),
        ("loop", "by_iter", "Grain", "Grain iter"),
        ("loop", "hf", "HF", "HF"),
        ("loop", "pescador", "Pescador", "Pescador"),
    ):
        case = f"mix of {n}, columns, {'mix[i]' if ours == 'index' else 'by iterate()'}, against {who}"
        bench.faster("1", case, costs[ours], costs[theirs], None, who=who, quoted=QUOTED[f"{quoted} {n}"])


# --- 2 ----------------------------------------------------------------------------------------------


def columns(bench: Bench) -> None:
    """mix by columns, a read of 4096 rows at a time"""
    for n, bar, bar_permuted in ((10, 8.0, 4.0), (1000, 3.0, 2.0)):
        rows, data, weights = members_for(bench.size(n, 10))
        plain, permuted = (mixed(data, weights, permuted=p).open() for p in (False, True))
        warm = bench.size(20, 1)
        costs = bench.costs(
            bare=drawing(bare_rows()),
            plain=reading(lambda c=plain: c.read(BLOCK_ROWS), BLOCK_ROWS, warm),
            permuted=reading(lambda c=permuted: c.read(BLOCK_ROWS), BLOCK_ROWS, warm),
        )
        reaches(bench, "2", f"mix of {n}, read({BLOCK_ROWS})", costs["plain"], costs["bare"], bar)
        case = f"mix of {n}, permuted members, read({BLOCK_ROWS})"
        reaches(bench, "2", case, costs["permuted"], costs["bare"], bar_permuted)
        _columns_of_grain(bench, n, plain, rows, weights)


def _columns_of_grain(bench: Bench, n: int, ours: Any, rows: list[Any], weights: np.ndarray) -> None:
    grain, size = peer(bench, "Grain"), 512  # 0.1 s a batch at 1000 members
    their = grain and peers.grain_iter(grain, peers.grain_mix(grain, rows, weights).batch(size))
    with few(bench):
        costs = bench.costs(
            ours=reading(lambda: ours.read(size), size),
            their=grain and reading(lambda: next(their), size, warm=1),
        )
    bench.faster("2", f"mix of {n}, read({size}), rows", costs["ours"], costs["their"], None, who="Grain batch")


def seek(bench: Bench) -> None:
    """mix[10**9] and mix[10**12] of a stream made just now"""
    for n, bar in ((10, 5.0), (1000, 10.0)):
        rows, data, weights = members_for(bench.size(n, 10))
        for at, at_most in ((10**9, bar), (10**12, 250.0)):
            for label, permuted in (("", False), (", permuted members", True)):

                def fresh(permuted: bool = permuted, data: Any = data, weights: Any = weights) -> Any:
                    return mixed(data, weights, permuted=permuted, seed=next(SEEDS))

                costs = bench.costs(
                    bare=drawing(bare_rows()),
                    cold=calling(lambda stream, at=at: stream[at] and None, fresh),
                    made=calling(lambda _, at=at, fresh=fresh: fresh()[at] and None),
                )
                case = f"mix of {n}{label}: cold seek to {power(at)}"
                bench.within("2", case, bench.scaled(costs["cold"], costs["bare"]) * 1e3, at_most, "ms")
                made = bench.scaled(costs["made"], costs["bare"]) * 1e3
                bench.within("2", f"{case}, stream made too", made, None, "ms")
        _seek_of_grain(bench, n, rows, data, weights)


def _seek_of_grain(bench: Bench, n: int, rows: list[Any], data: list[Any], weights: np.ndarray) -> None:
    """It is quick because nothing is random: its mix repeats one pattern, and a seek is a division."""
    grain, at = peer(bench, "Grain"), 10**9
    if grain is None:
        return
    with few(bench):
        costs = bench.costs(
            ours=calling(lambda stream: stream[at] and None, lambda: mixed(data, weights, seed=next(SEEDS))),
            their=calling(lambda order: order[at] and None, lambda: peers.grain_mix(grain, rows, weights)),
        )
    case = f"mix of {n}: cold seek to {power(at)}, against Grain's fixed pattern"
    bench.faster("2", case, costs["ours"], costs["their"], None, who="Grain", show="us")


# --- 4 ----------------------------------------------------------------------------------------------


def batch(bench: Bench) -> None:
    """batches of 128 rows of 64 float64 and an int"""
    n, size = bench.size(4096, 256), 128
    X = np.random.default_rng(0).standard_normal((n, 64))
    rows = [{"X": X[i], "Y": i} for i in range(n)]
    source, dicts = hr.source({"X": X, "Y": np.arange(n)}), hr.source(rows)
    streams = {
        "from columns": (source | hr.batch(size), 10.0),
        "through permute": (source | hr.permute() | hr.batch(size), 20.0),
    }
    laps = {
        "from columns": source | hr.repeat() | hr.batch(size),
        "through permute": source | hr.permute() | hr.repeat() | hr.batch(size),
    }
    pescador, grain = peer(bench, "Pescador"), peer(bench, "Grain")
    options = {"warm": bench.size(50, 2), "chunk": 8}
    costs = bench.costs(
        bare=drawing(bare_rows()),
        **{name: passing(stream.iterate, n // size) for name, (stream, _) in streams.items()},
        **{f"{name}, laps": drawing(stream.iterate(), **options) for name, stream in laps.items()},
        dicts=drawing((dicts | hr.repeat() | hr.batch(size)).iterate(), **options),
        pescador=pescador and drawing(pescador.buffer_stream(endless(rows), size), **options),
        grain=grain
        and drawing(map(grain.MapDataset.source(rows).repeat().batch(size).__getitem__, count()), warm=2, chunk=8),
    )
    for name, (_, bar) in streams.items():
        for ending, how in (("", f"passes of {n // size}"), (", laps", "with repeat()")):
            values = bench.scaled(costs[f"{name}{ending}"], costs["bare"]) * 1e6
            bench.within("4", f"batch of {size}, {name}, {how}", values, bar, "us", digits=2)
        for who, their in (("Pescador", "pescador"), ("Grain", "grain")):
            case, quoted = f"batch of {size}, {name}, against {who} over dicts", QUOTED[f"{who} batch"]
            ours = costs[f"{name}, laps"]
            bench.faster("4", case, ours, costs[their], None, who=who, quoted=quoted, show="us")
    case, quoted = f"batch of {size}, from a list of dicts", QUOTED["Pescador batch"]
    bench.faster("4", case, costs["dicts"], costs["pescador"], 1.0, quoted=quoted, show="us")


# --- 5 ----------------------------------------------------------------------------------------------


def normals(i: int, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(64)


def rows_of_normals(i: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((len(i), 64))


def random(bench: Bench) -> None:
    """rows of 64 normals by their number"""
    places = np.random.default_rng(1).integers(0, 10**9, bench.size(5000, 10)).tolist()
    alone = hr.functional(normals, size=10**9).seeded(7)
    block = alone.open(hr.Key(7))
    many = [hr.functional(rows_of_normals, size=10**12, batched=True).open(hr.Key(7)) for _ in range(2)]
    grain = peer(bench, "Grain")
    options = {"warm": bench.size(200, 2), "chunk": bench.size(100, 5)}
    bulk = np.random.Generator(np.random.Philox(7))
    costs = bench.costs(
        bare=drawing(bare_rows()),
        alone=drawing(addressed(alone.__getitem__, places), **options),
        block=reading(lambda: block.read(BLOCK_ROWS), BLOCK_ROWS, 1),
        many_1024=reading(lambda: many[0].read(1024), 1024),
        many_4096=reading(lambda: many[1].read(BLOCK_ROWS), BLOCK_ROWS),
        bulk=reading(lambda: bulk.standard_normal((1024, 64)), 1024),
        philox=drawing(addressed(peers.fresh_philox, places), **options),
        grain=grain and drawing(addressed(peers.grain_normals(grain).__getitem__, places), **options),
    )
    scaled = {name: bench.scaled(costs[name], costs["bare"]) * 1e6 for name in ("alone", "block")}
    bench.within("5", "64 normals, functional(f)[i]", scaled["alone"], 4.0, "us")
    bench.within("5", f"64 normals, a generator an item, read({BLOCK_ROWS})", scaled["block"], 2.5, "us")
    for n in (1024, 4096):
        # At most 1.3x the cost of bulk: a ratio of at least 1 / 1.3.
        case, ours = f"64 normals, batched, read({n}), against bulk Philox", costs[f"many_{n}"]
        bench.faster("5", case, ours, costs["bulk"], 0.77, who="bulk", quoted=QUOTED["bulk"], show="us")
    case = "64 normals, functional(f)[i], against"
    their, quoted = costs["philox"], QUOTED["Philox"]
    bench.faster("5", f"{case} a new Philox", costs["alone"], their, None, who="NumPy", quoted=quoted, show="us")
    bench.faster("5", f"{case} random_map[i]", costs["alone"], costs["grain"], None, who="Grain", show="us")


# --- 6 ----------------------------------------------------------------------------------------------


def permute(bench: Bench) -> None:
    """an order, per index"""
    from headrace.ops.cipher import permuted

    words = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210], np.uint64)
    sizes = {2: "2", 3: "3", 6: "6", 100: "100", 1000: "1000", 4097: "4097", 10**6: "1e6", 2**31: "2^31"}
    sizes |= {10**12: "1e12", 2**53 + 1: "2^53 + 1", 2**62: "2^62"}
    blocks = {n: np.random.default_rng(n % 97).integers(0, n, BLOCK_ROWS) for n in sizes}
    cursor = (hr.source(np.arange(10**6)) | hr.permute() | hr.repeat()).open(hr.Key(7))
    module = peer(bench, "index_shuffle")
    costs = bench.costs(
        bare=drawing(bare_rows()),
        **{text: reading(lambda n=n: permuted(words, n, blocks[n]), BLOCK_ROWS) for n, text in sizes.items()},
        public=reading(lambda: cursor.read(BLOCK_ROWS), BLOCK_ROWS),
        grain=module and drawing(peers.grain_order(module, 10**6)),
    )
    for text in sizes.values():
        case = f"order of {text}, blocks of {BLOCK_ROWS}, an index"
        bench.within("6", case, bench.scaled(costs[text], costs["bare"]) * 1e6, 0.25, "us")
    case = f"source(1e6 numbers) | permute(), read({BLOCK_ROWS}), an index"
    bench.within("6", case, bench.scaled(costs["public"], costs["bare"]) * 1e6, 0.25, "us")
    options = {"who": "Grain", "quoted": QUOTED["Grain index_shuffle"], "show": "us"}
    bench.faster(
        "6", "order of 1e6, by read, an index, against index_shuffle", costs["public"], costs["grain"], None, **options
    )


def scatter(bench: Bench) -> None:
    """mix | take(N) | permute() | batch(32), a batch"""
    for n in (10, 1000):
        rows, data, weights = members_for(bench.size(n, 10))
        for limit in (10**6, 10**9):
            _scattered(bench, n, limit, rows, data, weights)


def _scattered(bench: Bench, n: int, limit: int, rows: list[Any], data: list[Any], weights: np.ndarray) -> None:
    def fresh() -> Any:
        return mixed(data, weights, seed=next(SEEDS)) | hr.take(limit) | hr.permute() | hr.batch(32)

    def first(stream: Any) -> Any:
        cursor = stream.open()
        next(cursor)
        return cursor

    grain = peer(bench, "Grain")
    their = grain and peers.grain_mix(grain, rows, weights)[:limit].seed(7).shuffle().batch(32)
    stream = fresh()
    costs = bench.costs(
        bare=drawing(bare_rows()),
        first=calling(first, fresh),
        steady=drawing(stream.cycle(), warm=bench.size(20, 1), chunk=1),  # laps: 1e6 items may not last
        grain=grain and drawing(peers.grain_iter(grain, their), warm=1, chunk=1),
    )
    case = f"mix of {n} | take({power(limit)}) | permute() | batch(32)"
    for what, name in (("first batch, fresh", "first"), ("a batch", "steady")):
        bench.within("6", f"{case}: {what}", bench.scaled(costs[name], costs["bare"]) * 1e3, 5.0, "ms")
    bench.faster("6", f"{case}, against Grain", costs["steady"], costs["grain"], None, who="Grain", show="us")


SECTIONS = {
    "mix": mix,
    "columns": columns,
    "seek": seek,
    "state": state,
    "batch": batch,
    "random": random,
    "permute": permute,
    "scatter": scatter,
    "memory": memory,
}

if __name__ == "__main__":
    main(SECTIONS, "Streams whose items have addresses, against their peers.")
