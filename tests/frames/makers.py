"""A small stream of every class, for the contract: 20 to 24 frames where there is an end.

`MAKERS[name](folder, **more)` makes one; `more` goes to the constructor. A class that is no reader of files ignores the
folder. To add a class, add a line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from frames import footage
from headrace.frames import (
    DVS,
    EventFrameStream,
    FrameStream,
    HDF5Reader,
    HDF5Writer,
    ImageSequence,
    InrImageFileStreamer,
    InrImageStreamer,
    InrImageStreamWriter,
    IntegrativeMotionSensor,
    MNISTStream,
    NumpyReader,
    PoissonMNISTStream,
    PoissonStream,
    ProcessingStream,
    PseudoNMNIST,
    RandomStream,
    RepeatingStream,
    SensorStream,
    SequenceStream,
    TimedResampleStream,
    TimedSequenceStream,
    VideoReader,
    VideoWriter,
    write_events,
    write_idx,
)
from support.require import require

FRAMES = np.random.default_rng(3).random((20, 6, 5)).astype("f4")
COLOUR = np.random.default_rng(4).integers(0, 255, (1, 3, 22, 6, 5), dtype=np.uint8)


def doubled(block: Any) -> Any:
    return block * np.float32(2)


class Leaky:
    """A model that remembers: a leaky sum over time."""

    def __init__(self) -> None:
        self.sum: Any = 0.0

    def clear_state(self) -> None:
        self.sum = 0.0

    def __call__(self, block: Any) -> Any:
        made = np.empty_like(block)
        for k, frame in enumerate(block):
            made[k] = self.sum = np.float32(0.5) * self.sum + frame
        return made


def _sequence_put(folder: Path, **more: Any) -> SequenceStream:
    stream = SequenceStream(FRAMES[:4], max_frames=21, **more)
    for block in (FRAMES[4:5], FRAMES[5:20], FRAMES[:3]):
        stream.put(block)
    return stream


def _npy(folder: Path, **more: Any) -> NumpyReader:
    np.save(folder / "a.npy", FRAMES)
    return NumpyReader(folder / "a.npy", **more)


def _npy_5d(folder: Path, **more: Any) -> NumpyReader:
    np.save(folder / "b.npy", COLOUR)
    return NumpyReader(folder / "b.npy", **more)


def _npz(folder: Path, **more: Any) -> NumpyReader:
    np.savez_compressed(folder / "c.npz", video=FRAMES.astype(">f8"), other=np.arange(3))
    return NumpyReader(folder / "c.npz", **more)


def _hdf5(folder: Path, **more: Any) -> HDF5Reader:
    require("h5py")
    with HDF5Writer(folder / "d.h5") as writer:
        writer.put(FRAMES)
    return HDF5Reader(folder / "d.h5", **more)


def _inr(folder: Path, **more: Any) -> InrImageStreamer:
    with InrImageStreamWriter(folder / "e.inr", cpu="sun") as writer:
        writer.put(FRAMES)
    return InrImageStreamer(folder / "e.inr", **more)


def _inr_files(folder: Path, **more: Any) -> InrImageFileStreamer:
    for k, part in enumerate((FRAMES[:7], FRAMES[7:8], FRAMES[8:])):
        with InrImageStreamWriter(folder / f"f{k}.inr", order="classic") as writer:
            writer.put(part)
    return InrImageFileStreamer(str(folder / "f*.inr"), order="classic", **more)


def _images(folder: Path, is_color: bool = False, threads: int = 1, **more: Any) -> ImageSequence:
    image = require("PIL.Image")
    for k in range(11):
        image.fromarray(np.full((9, 8, 3), (k, 2 * k, 5 + k), "u1")).save(folder / f"g{k}.png")
    pattern = str(folder / "g*.png")
    return ImageSequence(pattern, (6, 5), repeat=2, is_color=is_color, threads=threads, **more)


def _images_ahead(folder: Path, **more: Any) -> ImageSequence:
    return _images(folder, is_color=True, threads=2, **more)


def digits(folder: Path, n: int = 7, rows: int = 6, cols: int = 5) -> Path:
    """A folder with a few digits under the names of MNIST's test files."""
    rng = np.random.default_rng(6)
    images = (rng.integers(1, 256, (n, rows, cols)) * (rng.random((n, rows, cols)) < 0.4)).astype("u1")
    write_idx(folder / "t10k-images-idx3-ubyte", images)
    write_idx(folder / "t10k-labels-idx1-ubyte", (np.arange(n) % 10).astype("u1"))
    return folder


def _video(folder: Path, **more: Any) -> VideoReader:
    require("av")
    if not (folder / "h.mkv").exists():  # written again it would be another file, under a reader
        _write_video(folder / "h.mkv")
    return VideoReader(folder / "h.mkv", (6, 5), mode="rgb", **more)


def _write_video(path: Path) -> None:
    with VideoWriter(path, codec="FFV1", fps=25) as writer:
        writer.put(np.random.default_rng(6).integers(0, 255, (1, 3, 22, 8, 10), dtype=np.uint8))


def _video_grey(folder: Path, **more: Any) -> VideoReader:
    path = footage.write(folder / "i.mp4", 44, g="15", bf="3", b_strategy="0")
    return VideoReader(path, (6, 5), (20, 15), start=1, stride=2, **more)


def _events(folder: Path, **more: Any) -> EventFrameStream:
    rng = np.random.default_rng(8)
    times = np.r_[0, rng.integers(0, 22_000, 298), 21_999]  # in no order
    events = {"x": rng.integers(0, 5, 300), "y": rng.integers(0, 6, 300), "t": times, "p": rng.integers(0, 2, 300)}
    write_events(folder / "j.npz", events)
    return EventFrameStream(folder / "j.npz", (6, 5), **more)


MAKERS: dict[str, Callable[..., FrameStream]] = {
    "FrameStream": lambda folder, **more: FrameStream(FRAMES, **more),
    "RandomStream": lambda folder, **more: RandomStream((6, 5), level=3, mean=-1, seed=7, **more),
    "SequenceStream": lambda folder, **more: SequenceStream(FRAMES, **more),
    "SequenceStream, put": _sequence_put,
    "SequenceStream, colour": lambda folder, **more: SequenceStream(COLOUR, **more),
    "RepeatingStream": lambda folder, **more: RepeatingStream(FRAMES, **more),
    "TimedSequenceStream": lambda folder, **more: TimedSequenceStream(FRAMES, dt=0.5, **more),
    "TimedResampleStream": lambda folder, **more: TimedResampleStream(
        SequenceStream(FRAMES[:11], dt=0.25), t_zero=-0.25, dt=0.125, **more
    ),
    "ProcessingStream": lambda folder, **more: ProcessingStream(SequenceStream(FRAMES), doubled, **more),
    "ProcessingStream, remembering": lambda folder, **more: ProcessingStream(SequenceStream(FRAMES), Leaky(), **more),
    "MNISTStream": lambda folder, **more: MNISTStream(digits(folder), rep=3, seed=7, **more),
    "MNISTStream, labels": lambda folder, **more: MNISTStream(digits(folder), 4, 255, 3, include_label=True, **more),
    "PoissonMNISTStream": lambda folder, **more: PoissonMNISTStream(digits(folder), 3, 0.5, seed=7, **more),
    "PseudoNMNIST": lambda folder, **more: PseudoNMNIST(digits(folder), output_size=(12, 9), seed=7, **more),
    "PoissonStream": lambda folder, **more: PoissonStream(FRAMES, 0.5, seed=7, **more),
    "SensorStream, DVS": lambda folder, **more: SensorStream(
        FRAMES + 0.1, DVS(0.3, sigma_theta=0.03, shot_noise=100, seed=7), **more
    ),
    "SensorStream, integrative": lambda folder, **more: SensorStream(
        COLOUR[:, :, :20], IntegrativeMotionSensor("linear", 300), **more
    ),
    "EventFrameStream": _events,
    "NumpyReader": _npy,
    "NumpyReader, 5-d": _npy_5d,
    "NumpyReader, npz": _npz,
    "HDF5Reader": _hdf5,
    "InrImageStreamer": _inr,
    "InrImageFileStreamer": _inr_files,
    "ImageSequence": _images,
    "ImageSequence, colour, ahead": _images_ahead,
    "VideoReader": _video,
    "VideoReader, every other, grey": _video_grey,
}
ENDLESS = {
    "RandomStream",
    "RepeatingStream",
    "MNISTStream",
    "MNISTStream, labels",
    "PoissonMNISTStream",
    "PseudoNMNIST",
}
DRAWN = {"PoissonStream", "SensorStream, DVS"}  # another draw in every lap
NO_LAYOUT = {"ProcessingStream", "ProcessingStream, remembering"}  # what a model makes is known when it has made it
NO_SPEC = {*NO_LAYOUT, "PoissonStream"}
FINITE = [name for name in MAKERS if name not in ENDLESS]
