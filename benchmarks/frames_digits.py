"""The section `digits` of bench_frames: digits and their spikes against bare draws, saccades, sensors, events in files."""

from __future__ import annotations

import numpy as np
from frames_common import calls, scratch
from harness import Bench, drawing

from headrace.frames import (
    DVS,
    IntegrativeMotionSensor,
    MNISTStream,
    PoissonMNISTStream,
    PseudoNMNIST,
    RandomStream,
    SensorStream,
    read_events,
    write_events,
    write_idx,
)

N = 10_000


def digits(bench: Bench) -> None:
    """10 000 digits of 28x28, a fifth of their pixels lit: digits, spikes, saccades, sensors; events in files"""
    with scratch() as folder:
        rng = np.random.default_rng(0)
        n = bench.size(N, 100)
        images = (rng.integers(1, 256, (n, 28, 28)) * (rng.random((n, 28, 28)) < 0.19)).astype("u1")
        write_idx(folder / "t10k-images-idx3-ubyte", images)
        write_idx(folder / "t10k-labels-idx1-ubyte", (np.arange(n) % 10).astype("u1"))
        chance = (0.05 / 255 * images[0]).astype("f4")
        for rep in (10, 100):
            spikes = PoissonMNISTStream(folder, rep, seed=1)
            single = PoissonMNISTStream(folder, rep, seed=1)
            plain = MNISTStream(folder, rep, seed=1)
            costs = bench.costs(
                ours=calls(lambda spikes=spikes: spikes.get(100), 100),
                loop=drawing(single, warm=10, chunk=bench.size(100, 5)),
                digits=calls(lambda plain=plain: plain.get(100), 100),
                bare=calls(lambda: rng.random((100, 28, 28), dtype=np.float32) < chance, 100),
            )
            us = 1e6 / 150_000
            bench.within("5", f"PoissonMNISTStream, rep={rep}, get(100): us a frame", 1e6 * costs["ours"], us, "us")
            bench.faster(
                "-", f"PoissonMNISTStream, rep={rep}, get(100)", costs["ours"], costs["bare"], None, who="bare draws"
            )
            bench.faster(
                "-", f"PoissonMNISTStream, rep={rep}, a for loop", costs["loop"], costs["bare"], None, who="bare draws"
            )
            bench.faster(
                "-", f"MNISTStream, rep={rep}, get(100)", costs["digits"], costs["bare"], None, who="bare draws"
            )
        moved = PseudoNMNIST(folder, seed=1)
        film = RandomStream((50, 50), mean=0.1, seed=1).get(200)
        camera = SensorStream(film, DVS(0.2), on_end="repeat")
        adding = SensorStream(film, IntegrativeMotionSensor("linear"), on_end="repeat")
        costs = bench.costs(
            moved=calls(lambda: moved.get(300), 300),
            camera=calls(lambda: camera.get(100), 100),
            adding=calls(lambda: adding.get(100), 100),
            log=calls(lambda: np.log(film[:100].astype("f8") + 0.1), 100),
        )
        for name, told in (
            ("moved", "PseudoNMNIST, 34x34"),
            ("camera", "DVS, 50x50"),
            ("adding", "integrative, 50x50"),
        ):
            bench.faster("-", told, costs[name], costs["log"], None, who="np.log of 50x50")
        events = DVS(0.2).events(film)
        for ending in ("npz", "aedat"):
            write_events(folder / f"a.{ending}", events)
            path = folder / f"a.{ending}"
            costs = bench.costs(ours=calls(lambda path=path: read_events(path), len(events)))
            bench.within("-", f"read_events, .{ending}: ns an event", 1e9 * costs["ours"], 1000, "ns")


if __name__ == "__main__":  # this one alone; bench_frames has it beside video and images
    from harness import main

    main({"digits": digits}, __doc__ or "")
