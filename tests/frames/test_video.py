"""What is given of a video's frames: colours, parts, turns; and what is said where there is nothing to give."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.footage import COLS, ROWS, cut_front, number_of, write
from headrace.errors import AddressError, DataError, HeadraceError, HeadraceWarning, ResumeError, StreamConfigError
from headrace.frames import VideoReader, VideoWriter
from headrace.testing.case import Held
from support.require import require

av = require("av")
RNG = np.random.default_rng(0)
SMOOTH = np.kron(RNG.integers(0, 256, (9, 12, 3)), np.ones((8, 8, 1))).astype("u1")


def lossless(path: Path, frames: Any, **options: Any) -> Path:
    with VideoWriter(path, codec="FFV1", **options) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def coded(path: Path, pixels: str, codec: str = "ffv1", image: Any = SMOOTH, n: int = 3, **attributes: Any) -> Path:
    """Write frames in a format of pixels, as FFmpeg converts them."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], pixels
        for name, value in attributes.items():
            setattr(stream.codec_context, name, value)
        for _ in range(n):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)
            for name, value in attributes.items():
                setattr(frame, name, value)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_modes_of_true_colours(tmp_path: Path) -> None:
    frames = RNG.integers(0, 256, (5, 12, 20, 3), np.uint8)
    path = lossless(tmp_path / "a.mkv", frames)

    def get(mode: Any, **more: Any) -> Any:
        return VideoReader(path, None, mode=mode, **more).get(9)

    assert (get("rgb")[0].transpose(1, 2, 3, 0) == frames).all()
    assert (get("bgr")[0].transpose(1, 2, 3, 0) == frames[..., ::-1]).all()
    for k, mode in enumerate("rgb"):
        assert (get(mode) == frames[..., k]).all()
        assert get(mode).dtype == np.uint8
    assert get("mean").dtype == get("luma").dtype == np.float32
    assert np.array_equal(get("mean"), (frames.sum(-1, dtype="f8") / 3).astype("f4"))
    assert np.array_equal(get("mean", dtype="uint8"), np.rint(frames.sum(-1) / 3))
    assert get("mean", dtype="float64").dtype == np.float64
    assert get("rgb", dtype="f4").dtype == np.float32
    weighed = frames @ np.array((0.299, 0.587, 0.114))
    assert abs(get("luma") - weighed).max() < 2
    assert VideoReader(path, None).get().dtype == np.float32, "the documented default is the mean"


def test_red_is_red_in_a_file_of_another_program(tmp_path: Path) -> None:
    red = np.full((32, 48, 3), (200, 30, 90), "u1")
    for name, pixels, codec in (
        ("a.mp4", "yuv420p", "libx264"),
        ("b.mkv", "bgr0", "ffv1"),
        ("c.avi", "yuvj420p", "mjpeg"),
    ):
        video = VideoReader(coded(tmp_path / name, pixels, codec, red), None, mode="rgb")
        assert abs(video[1].astype(int) - red).max() <= 4, name


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv422p", "gray", "yuv420p10le"])
def test_luma_goes_from_black_to_white(pixels: str, tmp_path: Path) -> None:
    image = np.repeat(np.arange(256, dtype="u1").reshape(1, 256, 1), 16, 0).repeat(3, 2)
    path = coded(tmp_path / "a.mkv", pixels, image=image)
    video = VideoReader(path, None, mode="luma")
    assert abs(video[0] - np.arange(256)).max() < 2
    assert abs(VideoReader(path, None, mode="luma", dtype="u1")[0].astype(int) - np.arange(256)).max() < 2
    assert abs(VideoReader(path, None, mode="mean")[0] - np.arange(256)).max() < 3


@pytest.mark.parametrize(
    "pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv410p", "yuv440p", "bgr0", "gray", "yuv420p10le", "yuva420p"]
)
@pytest.mark.parametrize("mode", ["rgb", "bgr", "g", "mean", "luma"])
def test_a_part_has_the_bytes_of_the_whole(pixels: str, mode: Any, tmp_path: Path) -> None:
    image = np.kron(RNG.integers(0, 256, (24, 31, 3)), np.ones((3, 3, 1))).astype("u1")[:70, :91]
    path = coded(tmp_path / "a.mkv", pixels, image=image)
    whole = VideoReader(path, None, mode=mode)[0]
    for size, offset in (
        ((10, 12), None),
        ((11, 13), (3, 5)),
        ((70, 1), (0, 90)),
        ((1, 91), (69, 0)),
        ((33, 50), (37, 41)),
    ):
        top, left = offset or ((70 - size[0]) // 2, (91 - size[1]) // 2)
        part = VideoReader(path, size, offset, mode=mode)[1]
        assert (part == whole[top : top + size[0], left : left + size[1]]).all(), (size, offset)


def test_a_part_that_is_none(tmp_path: Path) -> None:
    path = lossless(tmp_path / "a.mkv", np.zeros((2, 12, 20, 3), "u1"))
    options: list[dict[str, Any]] = [{"size": (13, 4)}, {"size": (4, 4), "offset": (9, 0)}, {"size": (500, 500)}]
    for more in options:
        with pytest.raises(StreamConfigError, match="wanted a part of 12 x 20"):
            VideoReader(path, **more)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_frames_are_turned_as_a_phone_notes(turn: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 10, rotate=turn)
    upright = VideoReader(write(tmp_path / "b.mp4", 10), None, mode="rgb")[4]
    with av.open(str(path)) as container:
        quarters = round(next(container.decode(video=0)).rotation / 90) % 4
    assert quarters
    video = VideoReader(path, None, mode="rgb")
    due = np.rot90(upright, quarters)
    assert video.size == due.shape[:2]
    assert (video[4] == due).all()
    assert (VideoReader(path, (20, 30), (5, 7), mode="rgb")[4] == due[5:25, 7:37]).all()
    assert np.array_equal(
        VideoReader(path, (20, 30), (5, 7), mode="luma")[4], VideoReader(path, None, mode="luma")[4][5:25, 7:37]
    )


def test_what_is_known_before_a_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 30, rate=50)
    video = VideoReader(path, (20, 30), mode="rgb", stride=2, start=4)
    assert (video.fps, video.dt, video.size, len(video), video.layout) == (25.0, 0.04, (20, 30), 13, "5d")
    assert video.spec is not None
    assert video.spec[""].shape == (20, 30, 3)
    assert np.allclose(video.times, np.arange(4, 30, 2) / 50)
    assert VideoReader(path, dt=0.5, size=None).dt == 0.5
    assert VideoReader(path, size=None).layout == "3d"


def test_any_frames_and_what_moves(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 60, g="20")
    video = VideoReader(path, None)
    video.seek(7)
    assert [number_of(frame) for frame in video.get_at([50, -1, 3, 50])] == [50, 59, 3, 50]
    assert [number_of(frame) for frame in video[10:20:3]] == [10, 13, 16, 19]
    assert video.get_at([]).shape == (0, ROWS, COLS)
    assert video.i == 7
    assert number_of(next(video)) == 7
    for wrong in ([60], [-61], [1.5]):
        with pytest.raises(AddressError):
            video.get_at(wrong)


def test_it_flows_through_the_other_rooms(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 40)
    video = VideoReader(path, None, mode="rgb")
    lit = video | hr.map(number_of) | hr.background("thread")
    assert list(lit) == list(range(40))
    members = [VideoReader(path, None, start=k) for k in (0, 20)]
    assert {number_of(frame) for frame in hr.mix(members, seed=3).iterate(30)} >= {0, 1, 20, 21}
    assert [number_of(frame) for frame in video.shard(1, 4)] == list(range(1, 40, 4))


def _numbers_in_child(video: VideoReader, queue: Any) -> None:
    held = [number_of(frame) for frame in video.get(3)]
    queue.put((held, number_of(video[35]), len(video)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # threads and fork: what this is about
def test_another_process_has_a_reader_of_its_own(method: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 40)
    video = VideoReader(path, None, threads=3)
    assert number_of(video[12]) == 12
    assert [number_of(frame) for frame in video.get(11)] == list(range(11))  # threads of the decoder are at work
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_numbers_in_child, args=(video, queue))
    child.start()
    assert queue.get(timeout=60) == ([11, 12, 13], 35, 40)
    child.join(60)
    assert child.exitcode == 0
    assert [number_of(frame) for frame in video.get(2)] == [11, 12]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_child_that_ends_as_programs_do_ends(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 40)
    code = f"""
import os, sys
from headrace.frames import VideoReader
video = VideoReader({str(path)!r}, None, threads=4)
video.get(20)
video[3]
child = os.fork()
if child == 0:
    assert video.get(5).shape[0] == 5
    video.close()
    del video
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_copy_goes_on_where_it_stands(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 40)
    video = VideoReader(path, None, mode="luma", stride=3)
    video.get(4)
    for twin in (pickle.loads(pickle.dumps(video)), copy.deepcopy(video)):
        assert [number_of(frame) for frame in twin.get(2)] == [12, 15]
        assert twin.fps == video.fps
    state = video.state_dict()
    other = VideoReader(path, None, mode="luma", stride=3, threads=2)
    other.load_state_dict(state)
    assert np.array_equal(other.get(5), video.get(5))


def test_a_copy_that_is_closed_unused_opens_no_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 9)
    twin = pickle.loads(pickle.dumps(VideoReader(path, None)))
    path.unlink()
    twin.close()


def test_blocks_stay_as_they_are(tmp_path: Path) -> None:
    """Memory of a block is taken again only when nobody has it."""
    path = lossless(tmp_path / "a.mkv", [np.full((200, 300, 3), k, "u1") for k in range(24)])
    video = VideoReader(path, None, mode="rgb", on_end="repeat")
    kept, views = [], []
    for k in range(8):
        block = video.get(8)
        if k % 2:
            kept.append(block)
        else:
            views.append(block[0, 1, 3:, 5])
        del block
    assert [int(block[0, 0, 0, 0, 0]) for block in kept] == [8, 0, 16, 8]
    assert [np.unique(view).tolist() for view in views] == [[*range(lo + 3, lo + 8)] for lo in (0, 16, 8, 0)]


def test_what_is_missing_or_no_video_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video at all\n" * 50)
    (tmp_path / "empty.mp4").touch()
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), "i2"), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(StreamConfigError, match="no file"):
        VideoReader(tmp_path / "none.mp4")
    with pytest.raises(StreamConfigError, match="a folder"):
        VideoReader(tmp_path)
    for name, told in (
        ("text.mp4", "can be read"),
        ("empty.mp4", "can be read"),
        ("sound.wav", "no video: it has audio"),
    ):
        with pytest.raises(DataError, match=told) as caught:
            VideoReader(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(DataError, match=r"VideoReader\(stream=\) got 1 for .*, wanted a number below 1"):
        VideoReader(write(tmp_path / "a.mp4", 3), None, stream=1)


def test_options_that_are_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 3)
    options: list[dict[str, Any]] = [
        {"mode": "grey"},
        {"size": 5},
        {"size": (0, 4)},
        {"offset": (-1, 0)},
        {"stride": 0},
    ]
    options += [
        {"start": 1.5},
        {"threads": -1},
        {"dtype": "U3"},
        {"dtype": "i1"},
        {"dtype": "?"},
        {"dtype": "x"},
        {"dt": 0},
        {"on_end": "black"},
        {"stream": -1},
    ]
    for more in options:
        with pytest.raises(StreamConfigError):
            VideoReader(path, **{"size": None, **more})
    with pytest.raises(StreamConfigError, match="VideoReader"):
        VideoReader(None)


def test_a_camera_that_is_not_there() -> None:
    with pytest.raises(HeadraceError, match="camera 57"):
        VideoReader(57)
    with pytest.raises(StreamConfigError, match="no numbers"):
        VideoReader(57, stride=2)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a server gives the files of the folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_frames_from_an_address_come_in_their_order(address: str, tmp_path: Path) -> None:
    frames = RNG.integers(0, 256, (8, 12, 20, 3), np.uint8)
    lossless(tmp_path / "a.mkv", frames, fps=10)
    with VideoReader(f"{address}/a.mkv", (4, 6), (1, 2), mode="rgb") as video:
        assert (video.fps, video.size, video.layout) == (10, (4, 6), "5d")
        assert (video.read(3) == frames[:3, 1:5, 2:8]).all()
        assert video.i == 3
        assert (next(video) == frames[3, 1:5, 2:8]).all()
        assert video.available(4)
        assert len(video.read(9)) == 4
        assert not video.available()
        assert len(video.read(9)) == 0
        with pytest.raises(ResumeError):
            video.state_dict()
        for asked in (lambda: video.times, lambda: video.get_at([1])):
            with pytest.raises(StreamConfigError, match="no numbers"):
                asked()
        with pytest.raises(TypeError):
            len(video)
    modes: list[tuple[Any, Any]] = [
        ("mean", frames[0].mean(-1)),
        ("b", frames[0, ..., 2]),
        ("bgr", frames[0, ..., ::-1]),
    ]
    for mode, due in modes:
        with VideoReader(f"{address}/a.mkv", None, mode=mode) as video:
            assert np.allclose(next(video), due)
            assert video.spec is not None
            assert (video.spec[""].shape, video.spec[""].dtype) == (due.shape, next(video).dtype.str)
    with pytest.raises(HeadraceError):
        VideoReader(f"{address}/none.mkv")
    with pytest.raises(StreamConfigError, match="wanted a part"):
        VideoReader(f"{address}/a.mkv", (50, 50))


def test_frames_that_are_damaged_cost_themselves_alone(tmp_path: Path) -> None:
    """Of a stream whose every frame stands alone, those that are whole are read."""
    path = write(tmp_path / "a.avi", 30, "mjpeg", "yuvj420p")
    data = path.read_bytes()
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][12]
        at, size = int(packet.pos or 0), packet.size
    path.write_bytes(data[:at] + bytes(size) + data[at + size :])
    video = VideoReader(path, None)
    seen: list[int] = []
    with pytest.raises(DataError, match=r"frame 12 of '.*a\.avi'"):
        seen.extend(number_of(frame) for frame in video)
    assert seen == list(range(12))
    assert video.i == 12
    with pytest.raises(DataError, match="frame 12"):
        video.get(3)
    assert video.skip() == 1
    assert [number_of(frame) for frame in video.get(99)] == list(range(13, 30))


def test_a_file_that_breaks_off_ends_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", 60, g="10")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.warns(HeadraceWarning, match="it was cut off"):
        video = VideoReader(path, None)
    n = len(video)
    assert 20 < n < 60
    good = [number_of(frame) for frame in video.get(n - 1)]
    assert good == list(range(n - 1))


def test_a_recording_that_begins_in_the_middle(tmp_path: Path) -> None:
    path = cut_front(write(tmp_path / "a.ts", 60, g="15", bf="3"), tmp_path / "b.ts")
    video = VideoReader(path, None)
    numbers = [number_of(frame) for frame in video]
    assert numbers == list(range(60))[-len(numbers) :]
    assert [number_of(video[i]) for i in (5, 0, len(numbers) - 1)] == [numbers[5], numbers[0], 59]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_film_with_sound(name: str, tmp_path: Path) -> None:
    picture = write(tmp_path / "silent.mp4", 60, g="20", bf="2")
    with av.open(str(picture)) as silent, av.open(str(tmp_path / name), "w") as film:
        copy = film.add_stream_from_template(silent.streams.video[0])
        sound = film.add_stream("mp2" if name == "a.ts" else "aac", rate=16000, layout="mono")
        for k, packet in enumerate(p for p in silent.demux(video=0) if p.size):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 640), "f4"), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, 640 * k
            film.mux(sound.encode(frame))
            packet.stream = copy
            film.mux(packet)
        film.mux(sound.encode(None))
    video = VideoReader(tmp_path / name, None)
    assert [number_of(frame) for frame in video] == list(range(60))
    assert [number_of(video[i]) for i in (50, 3, 59, 21)] == [50, 3, 59, 21]


def test_a_reader_keeps_one_file_open_before_its_first_frame(tmp_path: Path) -> None:
    """The file of the header serves the first pass: of the latest reader alone, and not once it is gone."""
    path = write(tmp_path / "a.mp4", 20)
    gc.collect()
    held = Held()
    many = [VideoReader(path, None, threads=2) for _ in range(9)]
    assert Held().descriptors in (held.descriptors, (held.descriptors or 0) + 1)
    many[-1].close()
    assert not held.grown()
    last = VideoReader(path, None, threads=2)
    assert [number_of(frame) for frame in last] == list(range(20))
    assert [number_of(frame) for frame in many[0]] == list(range(20))
    last.close()
    many[0].close()
    assert not held.grown()
    many[1] = VideoReader(path, None)
    many.clear()
    gc.collect()
    assert not held.grown()


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", 40)
    video = VideoReader(path, None, threads=2)
    video.get(9)
    video.close()
    del video
    gc.collect()
    held = Held()
    for _ in range(5):
        with VideoReader(path, None, threads=2) as video:
            video.get(9)
        VideoReader(path, None, threads=2)[5]
    gc.collect()
    assert not held.grown()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_video_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", 3)
    path.chmod(0)
    with pytest.raises(DataError, match="may not be read"):
        VideoReader(path, None)
