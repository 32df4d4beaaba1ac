"""The sections `reading`, `seeking` and `writing` of bench_frames: video against PyAV, OpenCV, decord and imageio."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from frames_common import passes, scratch
from harness import Bench, Costs

from headrace.frames import VideoReader, VideoWriter
from headrace.frames.video.writer import CODECS

SIZES = {"640x480": (480, 640, 600, 20), "1920x1080": (1080, 1920, 250, 4)}


def peer(bench: Bench, name: str) -> Any:
    """A package to compare with; None where it is not installed, and in a quick run."""
    if bench.quick:
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def scene(k: int, rows: int, cols: int) -> Any:
    """Frame `k` of something that moves, with its number in it as a pattern of bits."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 255, (rows // 8 + 1, cols // 8 + 1, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    frame = np.roll(base[:rows, :cols], (k, 2 * k), (0, 1))
    for bit in range(12):
        frame[:16, 16 * bit : 16 * bit + 16] = 220 * ((k >> bit) & 1) + 20
    return frame


def number_of(frame: Any) -> int:
    grey = frame[4:12].mean(-1).mean(0)
    return sum(1 << bit for bit in range(12) if grey[16 * bit + 4 : 16 * bit + 12].mean() > 120)


def clip(path: Path, n: int, rows: int, cols: int, codec: str = "libx264", pts: Any = None, **options: str) -> Path:
    import av

    fast = {"preset": "veryfast", "g": "60"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25 if pts is None else 1000, options={**fast, **options})
        stream.width, stream.height, stream.pix_fmt = cols, rows, "yuv420p"
        if pts is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for k in range(n):
            frame = av.VideoFrame.from_ndarray(scene(k, rows, cols), format="rgb24")
            if pts is not None:
                frame.pts, frame.time_base = pts(k), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shifted(source: Path, path: Path, seconds: float) -> Path:
    """Copy a clip with all times earlier: an edit list says then that its beginning is not shown."""
    import av

    with av.open(str(source)) as old, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        less = round(seconds / float(stream.time_base or 1))
        for packet in old.demux(stream):
            if packet.size:
                packet.pts, packet.dts, packet.stream = (packet.pts or 0) - less, (packet.dts or 0) - less, copy
                new.mux(packet)
    return path


def fastest(costs: dict[str, Costs | None], names: list[str]) -> tuple[Costs, str]:
    """The cheapest of some sides, by the middle of its rounds, and what it is called."""
    there = {name: cost for name in names if (cost := costs[name]) is not None}
    name = min(there, key=lambda each: float(np.median(there[each])))
    return there[name], name


def _decoded(path: Path) -> Iterator[Any]:
    import av

    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        yield from container.decode(video=0)


def _bare(path: Path) -> None:
    for _ in _decoded(path):
        pass


def _pyav(path: Path, threads: int) -> None:
    for frame in _decoded(path):
        frame.to_ndarray(format="rgb24", threads=threads)


def _cv2(cv2: Any, path: Path) -> Iterator[Any]:
    video = cv2.VideoCapture(str(path))
    while True:
        there, image = video.read()
        if not there:
            return
        yield image


def _last(images: Iterator[Any]) -> None:
    for _ in images:
        pass


def _stacked(images: Iterator[Any], n: int = 50) -> None:
    """Blocks of `n` frames, as get(n) gives them."""
    kept: list[Any] = []
    for image in images:
        kept.append(image)
        if len(kept) == n:
            np.stack(kept)
            kept = []
    if kept:
        np.stack(kept)


def reading(bench: Bench) -> None:
    """H.264 in order: colour, grey, a part of 50x50"""
    cv2 = peer(bench, "cv2")
    decord = peer(bench, "decord")
    iio = peer(bench, "imageio")
    with scratch() as where:
        for name, (rows, cols, many, few) in SIZES.items():
            n = bench.size(many, few)
            path = clip(where / f"{name}.mp4", n, rows, cols)

            def ours(n: int = 50, path: Path = path, **options: Any) -> Callable[[], None]:
                def read() -> None:
                    with VideoReader(path, **{"size": None, "mode": "rgb", **options}) as video:
                        while len(video.read(n)):
                            pass

                return read

            def loop(path: Path = path, **options: Any) -> Callable[[], None]:
                def read() -> None:
                    with VideoReader(path, **{"size": None, "mode": "rgb", **options}) as video:
                        for _ in video:
                            pass

                return read

            def decorded(path: Path = path) -> None:
                for image in decord.VideoReader(str(path)):
                    image.asnumpy()

            def imageio(path: Path = path) -> None:
                with iio.v3.imopen(path, "r", plugin="pyav") as video:
                    _last(video.iter(thread_type="AUTO"))

            def pyav_images(path: Path = path) -> Iterator[Any]:
                return (frame.to_ndarray(format="rgb24", threads=1) for frame in _decoded(path))

            costs = bench.costs(
                bare=passes(lambda path=path: _bare(path), n),
                pyav=passes(lambda path=path: _pyav(path, 0), n),
                pyav1=passes(lambda path=path: _pyav(path, 1), n),
                cv2=cv2 and passes(lambda path=path: _last(_cv2(cv2, path)), n),
                pyav50=passes(lambda: _stacked(pyav_images()), n),  # called in this round of the loop
                cv50=cv2 and passes(lambda path=path: _stacked(_cv2(cv2, path)), n),
                decord=decord and passes(decorded, n),
                imageio=iio and passes(imageio, n),
                loop=passes(loop(), n),
                rgb=passes(ours(), n),
                mean=passes(loop(mode="mean"), n),
                mean8=passes(loop(mode="mean", dtype="u1"), n),
                luma=passes(loop(mode="luma"), n),
                luma50=passes(ours(mode="luma"), n),
                part=passes(loop(size=(50, 50)), n),
                part_grey=passes(ours(size=(50, 50), mode="mean"), n),
            )
            who = {"pyav": "PyAV", "pyav1": "PyAV", "cv2": "OpenCV", "pyav50": "PyAV", "cv50": "OpenCV"}
            best, which = fastest(costs, ["pyav", "pyav1", "cv2"])
            stacked, which50 = fastest(costs, ["pyav50", "cv50"])
            at_least = round(1 / 1.1, 3)
            bench.faster("1", f"{name}, colour, a for loop", costs["loop"], best, at_least, who=who[which])
            bench.faster(
                "1", f"{name}, colour, get(50)", costs["rgb"], stacked, at_least, who=f"{who[which50]}, stacked"
            )
            bench.faster("-", f"{name}, colour, get(50), frames dropped", costs["rgb"], best, None, who=who[which])
            bench.faster(
                "1", f"{name}, grey (luma), a for loop", costs["luma"], best, round(1 / 1.3, 3), who=who[which]
            )
            for key, told in (("mean", "mean"), ("mean8", "mean, uint8"), ("luma50", "luma, get(50)")):
                bench.faster("-", f"{name}, grey ({told})", costs[key], best, None, who=who[which])
            bench.faster("1", f"{name}, a part of 50x50, colour", costs["part"], costs["bare"], 0.9, who="decoding")
            bench.faster("-", f"{name}, a part of 50x50, mean", costs["part_grey"], costs["bare"], None, who="decoding")
            for key in ("decord", "imageio"):
                bench.faster("-", f"{name}, colour, a for loop", costs["loop"], costs[key], None, who=key)


def _uneven(k: int) -> int:
    return 40 * k + (k % 5) * 7


HIDDEN = 13  # frames that an edit list hides, in the middle of a group
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "constant rate, groups of 60": (".mp4", {}),
    "variable rate": (".mp4", {"pts": _uneven}),
    "start offset 2 s": (".mp4", {"pts": lambda k: 2000 + 40 * k}),
    "one group": (".mp4", {"g": "1000"}),
    "open groups": (".mp4", {"x264-params": "open-gop=1:keyint=60:min-keyint=60:scenecut=0"}),
    "edit list": (".mp4", {}),
    "MPEG-2": (".ts", {"codec": "mpeg2video", "g": "15", "bf": "2"}),
}


def seeking(bench: Bench) -> None:
    """sixty frames in any order, one by one and at once, of each kind of file"""
    decord = peer(bench, "decord")
    cv2 = peer(bench, "cv2")
    with scratch() as where:
        n = bench.size(300, 30)
        at = np.random.default_rng(9).integers(0, n, bench.size(60, 6)).tolist()
        for name, (suffix, options) in KINDS.items():
            hidden = HIDDEN if name == "edit list" else 0
            path = clip(where / f"{name.replace(' ', '-')}{suffix}", n + hidden, 240, 320, **options)
            if hidden:
                path = shifted(path, where / "shifted.mp4", hidden / 25)
            video = VideoReader(path, None, mode="rgb")
            wrong = sum(number_of(video[i]) != i + hidden for i in at)
            bench.says("2", f"{name}: wrong of {len(at)}", str(wrong), wrong == 0 and len(video) == n, "0")
            found = video.get_at(at)
            wrong = sum(number_of(frame) != i + hidden for frame, i in zip(found, at, strict=True))
            bench.says("2", f"{name}: wrong of {len(at)}, get_at", str(wrong), wrong == 0, "0")
            other = decord and decord.VideoReader(str(path))
            theirs = cv2 and cv2.VideoCapture(str(path))

            def by_cv2(theirs: Any = theirs) -> None:
                for i in at:
                    theirs.set(cv2.CAP_PROP_POS_FRAMES, i)
                    theirs.read()

            costs = bench.costs(
                one=passes(lambda video=video: [video[i] for i in at], len(at)),
                all=passes(lambda video=video: video.get_at(at), len(at)),
                decord=other and passes(lambda other=other: [other[i].asnumpy() for i in at], len(at)),
                decord_all=other and passes(lambda other=other: other.get_batch(at).asnumpy(), len(at)),
                cv2=theirs and passes(by_cv2, len(at)),
            )
            bench.faster(
                "2", f"{name}: one by one", costs["one"], costs["decord"], 1.0 if other else None, who="decord"
            )
            bench.faster(
                "2", f"{name}: at once", costs["all"], costs["decord_all"], 1.0 if other else None, who="decord"
            )
            bench.faster("-", f"{name}: one by one", costs["one"], costs["cv2"], None, who="OpenCV")


def writing(bench: Bench) -> None:
    """640x480 through each codec against the bare encoder with the same settings"""
    import av

    cv2 = peer(bench, "cv2")
    n = bench.size(50, 3)
    frames = np.stack([scene(k, 480, 640) for k in range(n)])
    with scratch() as where:
        for name, suffix in (("XVID", ".avi"), ("MJPG", ".avi"), ("X264", ".mp4"), ("WMV2", ".wmv"), ("FFV1", ".mkv")):
            codec = CODECS[name]

            def ours(name: str = name, suffix: str = suffix) -> None:
                with VideoWriter(where / f"a{suffix}", None, name) as writer:
                    for frame in frames:
                        writer.write(frame)

            def bare(codec: Any = codec, suffix: str = suffix) -> None:
                with av.open(str(where / f"b{suffix}"), "w") as container:
                    stream: Any = container.add_stream(codec.encoder, rate=20, options=dict(codec.options))
                    stream.width, stream.height, stream.pix_fmt = 640, 480, codec.colour
                    for frame in frames:
                        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
                    container.mux(stream.encode())

            def by_cv2(name: str = name, suffix: str = suffix) -> None:
                writer = cv2.VideoWriter(str(where / f"c{suffix}"), cv2.VideoWriter_fourcc(*name), 20, (640, 480))
                for frame in frames:
                    writer.write(frame)
                writer.release()

            costs = bench.costs(
                ours=passes(ours, n),
                bare=passes(bare, n),
                cv2=(cv2 and name in ("XVID", "MJPG") and passes(by_cv2, n)) or None,
            )
            bench.faster("1", f"{name}, 640x480", costs["ours"], costs["bare"], 0.9, who="the encoder")
            if costs["cv2"] is not None:
                bench.faster("-", f"{name}, 640x480", costs["ours"], costs["cv2"], None, who="OpenCV")


if __name__ == "__main__":  # these alone; bench_frames has them beside images and digits
    from harness import main

    main({f.__name__: f for f in (reading, seeking, writing)}, __doc__ or "")
