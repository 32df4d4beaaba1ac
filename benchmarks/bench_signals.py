"""Signals against Genki Signals 1.0.0, ezmsg-sigproc and scipy, on the same blocks.

`scripts/bench signals [SECTION ...] [--json FILE]`. Rows are numbered as the bars of the issue: 1 the same bytes
however rows are cut, 2 the graph of the documented notebook and filters, 3 exports; "-" are figures without a bar. Where Genki
Signals is not installed, its figures are those of the specification, scaled by the reference loop and marked so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import signals_common as common
import signals_exports
from harness import Bench, Costs, main

import headrace.signals as s

# Rows a second of Genki Signals 1.0.0 on the reference machine, by block; 0 is 1e6 rows at once.
GENKI = {4: 76_800, 64: 126_000, 1024: 152_000, 0: 68_000}
GENKI_NODES = {"Sum": 44.6e6, "SampleRate": 8.0e6, "FourierTransform": 1.14e6, "MovingAverage": 0.20e6}
BARS = {4: (2.5, 1.0), 64: (8.0, 1.0), 1024: (40.0, 0.8), 0: (100.0, 0.8)}


def notebook(bench: Bench) -> None:
    """the documented notebook's graph, block by block and at once"""
    genki = common.peer("genki_signals.functions", quick=bench.quick)
    ezmsg = common.peer("ezmsg.sigproc", quick=bench.quick)
    for block, (over_genki, over_ezmsg) in BARS.items():
        n = bench.size(1_000_000 if block == 0 else max(100_000, 100 * block), 4096)
        whole = common.columns(n)
        blocks = common.cut(whole, block or n)
        blocks = [each for each in blocks if len(each["noise"]) == (block or n)]

        def side(make: Any, block: int = block, whole: Any = whole, blocks: Any = blocks, n: int = n) -> Any:
            return common.streaming(make, blocks, block) if block else common.at_once(make, whole, n)

        costs = bench.costs(
            ours=side(common.headrace),
            genki=None if genki is None or not block else side(lambda: common.genki(genki)),
            ezmsg=ezmsg and side(lambda: common.ezmsg(ezmsg)),
            bare=ezmsg and side(lambda: common.ezmsg(ezmsg, detrend=False)),
        )
        what = f"notebook's graph, blocks of {block}" if block else f"notebook's graph, {n} rows at once"
        quoted = None if bench.quick else GENKI[block]
        bench.faster("2", what, _(costs["ours"]), costs["genki"], over_genki, who="Genki", quoted=quoted)
        bench.faster("2", what, _(costs["ours"]), costs["ezmsg"], over_ezmsg, who="ezmsg-sigproc")
        bench.faster("-", f"{what}, without detrend", _(costs["ours"]), costs["bare"], None, who="ezmsg-sigproc")


def linear(bench: Bench) -> None:
    """whether the cost of a row grows with their number, and whether the bytes depend on the blocks"""
    few, many = bench.size(100_000, 2000), bench.size(1_000_000, 4000)
    whole = common.columns(many)
    start = {name: each[:few] for name, each in whole.items()}
    costs = bench.costs(
        few=common.at_once(common.headrace, start, few), many=common.at_once(common.headrace, whole, many)
    )
    ratio = _(costs["many"]) / _(costs["few"])
    bench.within("2", f"notebook's graph: cost of a row of {many} over one of {few}", ratio, 1.5, "x", digits=2)
    at_once = common.headrace()(whole)
    for block in (4, 64, 1024):
        step, same = common.headrace(), True
        made = [step(each) for each in common.cut(start, block)]
        for name in at_once:
            found = np.concatenate([each[name] for each in made])
            same = same and found.tobytes() == at_once[name][: len(found)].tobytes()
        bench.says(
            "1", f"blocks of {block} give the bytes of {many} rows at once", "same" if same else "NO", same, "same"
        )


def filters(bench: Bench) -> None:
    """a Butterworth filter against bare scipy.signal.sosfilt, which is handed its state"""
    scipy = common.peer("scipy.signal", quick=False)
    if scipy is None:
        return
    sos = scipy.butter(4, 10, fs=1000, output="sos")
    for channels in (1, 32):
        for block in (4, 64, 1024, 0):
            n = bench.size(1_000_000 if not block else 100 * block, 256)
            size = min(block, n) or n // (8 if channels > 1 else 1)
            x = np.random.default_rng(0).normal(size=(n, channels))[:, 0] if channels == 1 else None
            x = np.random.default_rng(0).normal(size=(size * 4, channels)) if x is None else np.ascontiguousarray(x)
            blocks = [x[lo : lo + size] for lo in range(0, len(x) - size + 1, size)]

            def bare(shape: Any = x.shape[1:]) -> Any:
                state = np.multiply.outer(scipy.sosfilt_zi(sos), np.zeros(shape))

                def step(rows: Any) -> Any:
                    nonlocal state
                    found, state = scipy.sosfilt(sos, rows, axis=0, zi=state)
                    return found

                return step

            def ours() -> Any:
                run = s.Graph([s.LowPassFilter("x", name="y", order=4, cutoff_freq=10, sample_rate=1000)]).run()
                return lambda rows: run({"x": rows})

            costs = bench.costs(ours=common.streaming(ours, blocks, size), bare=common.streaming(bare, blocks, size))
            bar = 0.9 if size >= 64 else None
            what = f"LowPassFilter of order 4, {channels} channels, blocks of {size}"
            bench.faster("2" if bar else "-", what, _(costs["ours"]), costs["bare"], bar, who="sosfilt")


def nodes(bench: Bench) -> None:
    """single signals of the notebook at blocks of 64, and others, without bars"""
    genki = common.peer("genki_signals.functions", quick=bench.quick)
    whole = common.columns(bench.size(100_032, 640))
    blocks = common.cut(whole, 64)
    theirs = common.nodes(genki) if genki else [None] * 5
    for signal, other in list(zip(common.nodes(s), theirs, strict=True))[1:]:
        kind = type(signal).__name__
        names = ["timestamp"] if kind == "SampleRate" else ["sine_0", "noise"][-len(signal.inputs) :]
        rows = [[each[name] for name in names] for each in blocks]
        costs = bench.costs(
            ours=common.streaming(lambda signal=signal: _stepping(signal), rows, 64),
            genki=other and common.streaming(lambda other=other: lambda given: other(*given), rows, 64),
        )
        quoted = None if bench.quick else GENKI_NODES[kind]
        bench.faster("-", f"{kind}, blocks of 64", _(costs["ours"]), costs["genki"], None, who="Genki", quoted=quoted)
    rows = [[each["noise"]] for each in blocks]
    for signal in (
        s.MovingStd("x", name="y", length=100),
        s.MovingMax("x", name="y", length=100),
        s.MovingMedian("x", name="y", length=11),
        s.GaussianSmooth("x", name="y", width_in_sec=0.1, sample_rate=1000),
        s.ExponentialMean("x", name="y", alpha=0.1),
        s.Spectrogram("x", name="y", window_size=256, window_overlap=128),
    ):
        costs = bench.costs(ours=common.streaming(lambda signal=signal: _stepping(signal), rows, 64))
        bench.faster("-", f"{type(signal).__name__}, blocks of 64", _(costs["ours"]), None, None)


def _stepping(signal: Any) -> Any:
    state: Any = None

    def step(rows: Any) -> Any:
        nonlocal state
        if state is None:
            state = signal.init(*(each[:0] for each in rows))
        found, state = signal.step(state, *rows)
        return found

    return step


def _(costs: Costs | None) -> Costs:
    assert costs is not None
    return costs


SECTIONS = {f.__name__: f for f in (notebook, linear, filters, nodes, signals_exports.exports)}

if __name__ == "__main__":
    main(SECTIONS, __doc__ or "")
