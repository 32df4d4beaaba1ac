"""Sampling trees against StreamGen from PyPI and against the same work without a library.

`scripts/bench trees [SECTION ...] [--json FILE]`. Rows are numbered as the bars of the issue: 1 overhead, 2 many at a
time, 3 replay, 4 records, 5 time, 6 balance, 7 merges; "-" are figures without a bar.
"""

from __future__ import annotations

import pickle
import tracemalloc
from itertools import count
from typing import Any

import numpy as np
import trees_common as common
from harness import Bench, apart, calling, drawing, main

from headrace.core import same
from headrace.trees import SamplingTree, TransformNode, abrupt, cyclic, gradual, incremental, recurring


def ident(x: Any) -> Any:
    return x


def with_rng(x: Any, *, rng: Any) -> Any:
    return x


def with_three(x: Any, a: int, b: int, c: int) -> Any:
    return x


# --- 1 ----------------------------------------------------------------------------------------------


def overhead(bench: Bench) -> None:
    """sample() on the documented tree; one node, one branching"""
    tree, theirs, rng = common.ours(), common.peer(), np.random.default_rng(0)
    chunk = {"warm": bench.size(1000, 5), "chunk": bench.size(300, 5)}
    costs = bench.costs(
        ours=drawing(tree, **chunk),
        hand=drawing((item for _ in count() for item in common.by_hand(50, rng)), **chunk),
        peer=theirs and drawing(theirs, **chunk),
    )
    ours, hand = costs["ours"], costs["hand"]
    bench.within("1", "documented tree, sample(): the library's share", 100 * (ours - hand) / ours, 30, "%", digits=1)
    bench.faster("1", "documented tree, sample()", ours, costs["peer"], None, who="StreamGen", quoted=common.QUOTED["sample"])  # fmt: skip
    indices = iter(np.random.default_rng(1).integers(10**9, size=10**6).tolist())
    costs = bench.costs(ours=drawing(map(tree.__getitem__, indices), **chunk))
    bench.faster("-", "documented tree, tree[i] at random places", costs["ours"], None, None)
    share = 100 * (costs["ours"] - hand) / costs["ours"]  # keyed replay: of one sample, where nothing is made ahead
    bench.within("1", "documented tree, tree[i] at random places: the library's share", share, 30, "%", digits=1)
    for function, params in ((ident, None), (with_rng, None), (with_three, {"a": 1, "b": 2, "c": 3})):
        one, many = (SamplingTree([TransformNode(function) for _ in range(n)], params) for n in (1, 11))
        costs = bench.costs(one=drawing(one, **chunk), many=drawing(many, **chunk))
        bench.within("1", f"one node more, {function.__name__}", 1e6 * (costs["many"] - costs["one"]) / 10, 1.5, "us")
    for probs in (False, True):
        trees = {}
        for n in (2, 10, 1000):
            branches: dict[str, Any] = {f"k{k}": f"c{k}" for k in range(n)}
            trees[f"b{n}"] = SamplingTree([ident, {**branches, **({"probs": [1 / n] * n} if probs else {})}])
        costs = bench.costs(none=drawing(SamplingTree([ident, "c"]), **chunk), **{k: drawing(t, **chunk) for k, t in trees.items()})  # fmt: skip
        how = "probabilities" if probs else "uniform"
        bench.within("1", f"one branching of 2, {how}", 1e6 * (costs["b2"] - costs["none"]), 3, "us")
        bench.within("1", f"1000 branches against 10, {how}", costs["b1000"] / costs["b10"], 1.2, "x")


# --- 2 ----------------------------------------------------------------------------------------------


def many(bench: Bench) -> None:
    """read and collect of 10 000"""
    n = bench.size(10_000, 200)
    columns, tree, theirs = common.ours_by_columns(), common.ours(), common.peer(collate_func=np.array)
    plain, rng = common.peer(), np.random.default_rng(0)
    costs = bench.costs(
        columns=calling(lambda _: columns.read(n) and None),
        vectorised=calling(lambda _: common.vectorised(n, rng) and None),
        collect=calling(lambda _: tree.collect(n) and None),
        array=theirs and calling(common.quietly(lambda: theirs.collect(n))),
        list=plain and calling(common.quietly(lambda: plain.collect(n))),
    )
    cost = {name: None if found is None else found / n for name, found in costs.items()}
    quoted = common.QUOTED
    case = f"read({n}), functions of columns, against collect({n}) + np.array"
    bench.faster("2", case, cost["columns"], cost["array"], 6, who="StreamGen", quoted=quoted["array"])
    bench.faster("2", f"read({n}), functions of columns, against numpy by hand", cost["columns"], cost["vectorised"], 0.6, who="numpy")  # fmt: skip
    case = f"collect({n}), functions of one sample"
    bench.faster("2", case, cost["collect"], cost["list"], 2.5, who="StreamGen", quoted=quoted["collect"])


# --- 3 ----------------------------------------------------------------------------------------------


def replay(bench: Bench) -> None:
    """items by number equal the sequential read"""
    n = bench.size(10_000, 100)
    for name, make in (("functions of one sample", common.ours), ("functions of columns", common.ours_by_columns)):
        tree = make()
        X, y = make().read(n)
        wrong = sum(not same(np.asarray(tree[i][0]), X[i]) or tree[i][1] != y[i] for i in np.random.default_rng(0).permutation(n).tolist())  # fmt: skip
        bench.says("3", f"{n} random numbers against a read, {name}", f"{wrong} differ", wrong == 0, "0 differ")
    tree, there = common.ours(), common.ours()
    X, y = tree.read(n)
    twin = pickle.loads(pickle.dumps(there))
    wrong = sum(not same(a, b) for a, b in zip(twin.read(n)[0], X, strict=True))
    bench.says("3", f"{n} samples after pickle", f"{wrong} differ", wrong == 0, "0 differ")
    for name in ("ours", "ours_by_columns"):
        tree = getattr(common, name)()
        due = [common.digest(item) for item in tree.collect(n)]
        asked = np.random.default_rng(0).permutation(n).tolist()
        for workers in (1, 2, 4):
            wrong = sum(a != b for a, b in zip(_in_order(name, workers, n), due, strict=True))
            bench.says("3", f"{n} samples from {workers} processes, {name}", f"{wrong} differ", wrong == 0, "0 differ")
            there = [_asked(name, asked[j::workers]) for j in range(workers)]
            wrong = sum(
                a != due[i] for j, found in enumerate(there) for i, a in zip(asked[j::workers], found, strict=True)
            )
            bench.says("3", f"{n} random numbers shared by {workers} processes, {name}", f"{wrong} differ", wrong == 0, "0 differ")  # fmt: skip
    changed = _with_a_node_more()
    kept = [i for i in range(n) if y[i] != "ramp"]
    wrong = sum(not same(changed[i][0], X[i]) for i in kept)
    bench.says("3", f"a node more in one branch, {len(kept)} samples of the others", f"{wrong} differ", wrong == 0, "0 differ")  # fmt: skip


def _in_order(name: str, workers: int, n: int) -> list[str]:
    """What background processes give, in a process of their own."""
    found: list[str] = apart(f"""
        import json
        import headrace as hr
        import trees_common as common
        if __name__ == "__main__":
            with (common.{name}() | hr.background("process", workers={workers})).open() as cursor:
                print(json.dumps([common.digest(item) for item in cursor.take({n})]))
    """)
    return found


def _asked(name: str, at: list[int]) -> list[str]:
    """What a process of its own answers to numbers."""
    found: list[str] = apart(f"""
        import json
        import trees_common as common
        tree = common.{name}()
        print(json.dumps([common.digest(tree[i]) for i in {at!r}]))
    """)
    return found


def _with_a_node_more() -> SamplingTree:
    branches = {**common.nodes()[1], "ramp": [common.ramp, with_rng, "ramp"]}
    return SamplingTree([common.background, branches], common.PARAMS, rng=0)


# --- 4 ----------------------------------------------------------------------------------------------


def records(bench: Bench) -> None:
    """rebuilding from records, and what they cost"""
    n = bench.size(2000, 50)
    for name, make in (("functions of one sample", common.ours), ("functions of columns", common.ours_by_columns)):
        tree = make()
        (X, _), told = tree.read(n, records=True)
        columns = told.columns()
        of_columns = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for kind, rows in (("records", told.rows()), ("rows of columns", of_columns)):
            wrong = sum(not same(np.asarray(tree.rebuild(row)[0]), X[row["index"]]) for row in rows)
            bench.says("4", f"{n} samples rebuilt from {kind}, {name}", f"{wrong} differ", wrong == 0, "0 differ")
        size = bench.size(10_000, 100)
        costs = bench.costs(
            off=calling(lambda _, tree=tree, size=size: tree.read(size) and None),
            on=calling(lambda _, tree=tree, size=size: tree.read(size, records=True) and None),
            columns=calling(lambda _, tree=tree, size=size: tree.read(size, records=True)[1].columns() and None),
            told=calling(lambda _, tree=tree, size=size: tree.read(size, records=True)[1].rows() and None),
        )
        # what is recorded are columns, and a sample is rebuilt from a row of them; a dict of dicts for each sample is
        # made when it is looked at, and costs what a dozen containers in Python do, whatever they tell
        bench.within("4", f"read({size}, records=True) over read, all worked out, {name}", 100 * (costs["on"] / costs["off"] - 1), 10, "%", digits=1)  # fmt: skip
        bench.within("4", f"the same, handed out as columns that rebuild, {name}", 100 * (costs["columns"] / costs["off"] - 1), 10, "%", digits=1)  # fmt: skip
        bench.within("4", f"the same, handed out as a dict for each sample, {name}", 100 * (costs["told"] / costs["off"] - 1), 10, "%", digits=1)  # fmt: skip
        bench.within("-", f"a dict for each sample, {name}", 1e6 * (costs["told"] - costs["on"]) / size, None, "us each")  # fmt: skip


# --- 5 ----------------------------------------------------------------------------------------------


def value(_: Any, x: float) -> float:
    return x


def takes_all(_: Any, **more: Any) -> int:
    return 0


def time(bench: Bench) -> None:
    """positions of drift, and far steps"""
    n = bench.size(20_000, 2000)
    shapes = {
        "abrupt": abrupt(0.0, 1.0, at=n // 2),
        "gradual": gradual(0.0, 1.0, at=n // 2, width=n // 10),
        "incremental": incremental(0.0, 1.0, at=n // 2, width=n // 10),
        "recurring": recurring(0.0, 1.0, at=n // 10, length=n // 20, every=n // 5),
        "cyclic": cyclic(0.0, 1.0, 2.0, every=n // 7),
    }
    for name, schedule in shapes.items():
        tree = SamplingTree([value], {"x": schedule})
        used, table = np.array(tree.collect(n)), tree.drifts(until=n)
        moved = np.flatnonzero(np.diff(used)) + 1
        if name in ("gradual", "incremental"):
            (start,), (end,) = table["start"], table["end"]
            error = int(max(0, start - moved.min()) + max(0, moved.max() - end))
            error += int(used[start] != 0.0) + int(used[end] != 1.0)
        else:
            error = len(set(moved.tolist()) ^ set(table["start"]))
        bench.says("5", f"{name}: positions of drift against the values used", f"{error} off", error == 0, "0 off")
    names = [f"p{k}" for k in range(1000)]
    tree = SamplingTree([lambda _, **__: 0], {"<lambda>": {k: {"schedule": list(range(50)), "strategy": "cycle"} for k in names}})  # fmt: skip
    costs = bench.costs(far=calling(lambda _: tree.set_update_step(10**6), times=3))
    bench.within("5", "set_update_step(10**6), 1000 parameters", 1e3 * costs["far"], 5, "ms")
    for n in (10, 1000):
        params = {k: {"schedule": list(range(50)), "strategy": "cycle"} for k in names[:n]}
        tree, theirs = SamplingTree([takes_all], {"takes_all": params}), common.peer([takes_all], {"takes_all": params})
        costs = bench.costs(
            ours=calling(lambda _, tree=tree: tree.update(), times=20),
            peer=theirs and calling(lambda _, theirs=theirs: theirs.update(), times=20),
        )
        bench.faster(
            "-", f"update(), {n} parameters", costs["ours"], costs["peer"], None, who="StreamGen", show="micro"
        )


# --- 6 ----------------------------------------------------------------------------------------------


def balance(bench: Bench) -> None:
    """balanced collection"""
    n = bench.size(3334, 50)
    tree = common.ours()
    first, second = tree.collect(n, "balanced"), tree.collect(n, "balanced")
    counts = [sum(label == name for _, label in first) for name in ("background", "ramp", "step")]
    bench.says("6", f"counts of collect({n}, 'balanced')", str(counts), counts == [n] * 3, f"{n} each")
    seen = {x.tobytes() for x, _ in first}
    bench.says("6", f"duplicates among {3 * n}", str(3 * n - len(seen)), len(seen) == 3 * n, "0")
    again = len(seen & {x.tobytes() for x, _ in second})
    bench.says("6", "samples of a second call that were in the first", str(again), again == 0, "0")
    theirs = common.peer()
    if theirs is not None:
        costs = bench.costs(
            ours=calling(lambda _: tree.collect(n, "balanced") and None),
            peer=calling(common.quietly(lambda: theirs.collect(n, strategy="balanced"))),
        )
        cost = {name: found / (3 * n) for name, found in costs.items() if found is not None}
        bench.faster("-", f"collect({n}, 'balanced')", cost["ours"], cost["peer"], None, who="StreamGen")
    repeats = all(same(a[0], b[0]) for a, b in zip(common.ours().collect(n, "balanced"), first, strict=True))
    bench.says("6", "the same seed again", "repeats" if repeats else "differs", repeats, "repeats")


# --- 7 ----------------------------------------------------------------------------------------------


def merges(bench: Bench) -> None:
    """successive branchings"""

    def make(_: Any = None) -> SamplingTree:
        return SamplingTree([ident, *({"name": f"m{k}", "a": ident, "b": [ident]} for k in range(20))])

    costs = bench.costs(make=calling(lambda _: make() and None, times=bench.size(5, 1)))
    bench.within("7", "20 branchings in a row: construct", 1e3 * costs["make"], 5, "ms")
    make()
    tracemalloc.start()
    kept = make()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    bench.within("7", f"20 branchings in a row, {len(kept.get_paths())} ways: memory", np.array([used / 1e6]), 1, "MB")


SECTIONS = {f.__name__: f for f in (overhead, many, replay, records, time, balance, merges)}

if __name__ == "__main__":
    main(SECTIONS, __doc__ or "")
