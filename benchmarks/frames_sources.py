"""The sections `images` and `sequences` of bench_frames: image folders against bare decoding, frames in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from frames_common import calls, passes, scratch
from harness import Bench, drawing

from headrace.frames import ImageSequence, NumpyReader, NumpyWriter, RandomStream, SequenceStream


def images(bench: Bench) -> None:
    """a folder of JPEG files of 640x480 against bare decoding; one image shown many times"""
    from PIL import Image

    with scratch() as folder:
        n = bench.size(40, 4)
        base = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
        for k in range(n):
            Image.fromarray(np.roll(base, k, 0)).resize((640, 480), Image.Resampling.BILINEAR).save(
                folder / f"{k:03}.jpg", quality=90
            )
        paths = sorted(folder.glob("*.jpg"))

        def bare(some: list[Path] = paths) -> None:
            frame = None  # the last one is there while the next is made, as in any loop over frames
            for path in some:
                frame = np.asarray(Image.open(path))
            assert frame is not None

        def bare_threads() -> None:
            threads = [threading.Thread(target=bare, args=(paths[k::2],)) for k in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        def ours(**options: Any) -> Callable[[], None]:
            def read() -> None:
                with ImageSequence(paths, **{"size": None, **options}) as film:
                    while len(film.read(10)):
                        pass

            return read

        def one_by_one(threads: int) -> Callable[[], None]:
            def read() -> None:
                with ImageSequence(paths, None, is_color=True, threads=threads) as film:
                    for _ in film:
                        pass

            return read

        costs = bench.costs(
            bare=passes(bare, n),
            stacked=passes(
                lambda: [np.stack([np.asarray(Image.open(p)) for p in paths[k : k + 10]]) for k in range(0, n, 10)], n
            ),
            threads=passes(bare_threads, n),
            one=passes(one_by_one(1), n),
            one_ahead=passes(one_by_one(2), n),
            colour=passes(ours(is_color=True), n),
            ahead=passes(ours(is_color=True, threads=2), n),
            grey=passes(ours(), n),
            luma=passes(ours(grey="luma"), n),
            crop=passes(ours(size=(50, 50)), n),
        )
        bare_, stacked, two = costs["bare"], costs["stacked"], costs["threads"]
        bench.faster("1", "JPEG folder, colour, a for loop", costs["one"], bare_, 0.95, who="Pillow")
        bench.faster("1", "JPEG folder, colour, get(10)", costs["colour"], stacked, 0.95, who="Pillow, stacked")
        bench.faster(
            "1", "JPEG folder, colour, a for loop, 2 threads", costs["one_ahead"], two, 0.85, who="two bare threads"
        )
        bench.faster("-", "JPEG folder, colour, get(10), 2 threads", costs["ahead"], two, None, who="two bare threads")
        for name in ("grey", "luma", "crop"):
            bench.faster("-", f"JPEG folder, {name}", costs[name], costs["bare"], None, who="Pillow")
        Image.fromarray(np.zeros((60, 60), np.uint8)).save(folder / "one.png")
        for repeat in (100, 10**5, 10**8):
            film = ImageSequence([folder / "one.png"], (50, 50), repeat=repeat, on_end="repeat")
            single = ImageSequence([folder / "one.png"], (50, 50), repeat=repeat, on_end="repeat")
            costs = bench.costs(
                block=calls(lambda film=film: film.get(100), 100),
                one=calls(lambda single=single: single.get(1), 1),
            )
            for name, told in (("block", "get(100)"), ("one", "get(1)")):
                bench.within("8", f"an image shown {repeat} times, {told}: us a frame", 1e6 * costs[name], 20, "us")
            film.close()
            single.close()


def sequences(bench: Bench) -> None:
    """frames in memory, noise, arrays in files; 50x50"""
    for dtype in ("f8", "f4", "u1"):
        block = np.ones((1, 50, 50), dtype)
        stream = SequenceStream(np.zeros((bench.size(5000, 50), 50, 50), dtype), max_frames=bench.size(5000, 50))
        costs = bench.costs(put=calls(lambda stream=stream, block=block: stream.put(block), 1))
        bench.within("8", f"SequenceStream.put of one frame, {dtype}: us", 1e6 * costs["put"], 10, "us")
    noise, rng = RandomStream((50, 50), seed=1), np.random.default_rng(1)
    costs = bench.costs(
        ours=calls(lambda: noise.get(100), 100),
        bare=calls(lambda: rng.random((100, 50, 50), dtype=np.float32), 100),
        loop=drawing(RandomStream((50, 50), seed=1), warm=10, chunk=bench.size(100, 5)),
    )
    bench.faster(
        "-", "RandomStream, get(100), seeded by frame", costs["ours"], costs["bare"], None, who="a bare Generator"
    )
    bench.faster("-", "RandomStream, a for loop", costs["loop"], costs["bare"], None, who="a bare Generator")
    with scratch() as folder:
        block = np.ones((100, 50, 50), "f4")
        with NumpyWriter(folder / "a.npy") as writer:
            for _ in range(bench.size(50, 2)):
                writer.put(block)
        mapped = np.load(folder / "a.npy", mmap_mode="r")
        with NumpyReader(folder / "a.npy", on_end="repeat") as reader:
            costs = bench.costs(
                ours=calls(lambda: reader.get(100), 100),
                bare=calls(lambda: np.array(mapped[:100]), 100),
            )
        bench.faster("-", "NumpyReader, get(100)", costs["ours"], costs["bare"], None, who="a mapping, copied")


if __name__ == "__main__":  # these two alone; bench_frames has them beside video and digits
    from harness import main

    main({f.__name__: f for f in (images, sequences)}, __doc__ or "")
