"""Frames of video files and devices, by both drivers."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import ClosedError, DataError, MissingExtraError, StreamConfigError
from headrace.sources.grabber import Frame, Grabber
from headrace.sources.grabber_av import rgb
from live.hand import until
from live.videos import picture, write_video
from support.counts import heavy
from support.require import require

require("av")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "a.avi")


@pytest.fixture(params=["av", "cv2"])
def driver(request: pytest.FixtureRequest) -> str:
    require(request.param)
    return str(request.param)


def test_frames_are_true_rgb_with_their_times(video: Path, driver: str) -> None:
    with Grabber(video, driver=driver).open() as frames:
        assert frames.size == (32, 48)
        assert frames.fps == 50
        assert frames.frames in (None, 25)
        found = list(frames)
        assert frames.read() is None
    assert len(found) == 25
    assert np.allclose([frame.time for frame in found], np.arange(25) / 50, atol=1e-6)
    for k, frame in enumerate(found):
        assert isinstance(frame, Frame)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        assert np.array_equal(frame.image, picture(k))


def test_they_are_scaled(video: Path, driver: str) -> None:
    with Grabber(str(video), size=(16, 12), driver=driver).open() as frames:
        assert frames.size == (16, 12)
        image = next(iter(frames)).image
    assert image.shape == (16, 12, 3)
    assert np.abs(image[2, 8].astype(int) - [200, 0, 0]).max() < 5
    assert np.abs(image[-2, 8].astype(int) - [0, 0, 200]).max() < 5


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_they_are_turned_as_the_file_says(video: Path, tmp_path: Path, turn: int) -> None:
    ffmpeg, path = require("ffmpeg"), tmp_path / "a.mp4"
    av = require("av")
    with av.open(str(tmp_path / "plain.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(60), format="rgb24")))
        container.mux(stream.encode())
    turned = [ffmpeg, "-y", "-loglevel", "error", "-i", str(tmp_path / "plain.mp4"), "-c", "copy"]
    done = subprocess.run(
        [*turned, "-metadata:s:v", f"rotate={turn}", str(path)], stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0
    with Grabber(path, driver="av").open() as frames:
        image = next(iter(frames)).image
        assert frames.size == image.shape[:2] == ((32, 48) if turn == 180 else (48, 32))
    plain = np.rot90(picture(60), -turn // 90).astype(int)  # what turns it clockwise, as it is to be shown
    assert np.abs(image.astype(int) - plain).mean() < 10 or np.abs(image.astype(int) - plain[::-1, ::-1]).mean() < 10
    with Grabber(path, driver="av", size=(20, 10)).open() as frames:
        assert frames.size == (20, 10)
    require("cv2")
    with Grabber(path, driver="cv2").open() as frames:
        assert np.abs(next(iter(frames)).image.astype(int) - image).mean() < 5


def test_the_description_travels_and_what_is_open_does_not(video: Path) -> None:
    grabber = Grabber(video, (16, 24))
    assert pickle.loads(pickle.dumps(grabber)) == grabber
    with grabber.open() as frames:
        assert frames.grabber == grabber
        assert frames.container is not None
        assert frames.stream.width == 48
        with pytest.raises(TypeError, match=r"Send its \.grabber"):
            pickle.dumps(frames)
    assert repr(Grabber("a.avi")).startswith("Grabber(source='a.avi'")


def test_closing_leaves_nothing(video: Path, driver: str) -> None:
    def use() -> None:
        frames = Grabber(video, driver=driver).open()
        frames.read()
        frames.close()
        frames.close()
        with pytest.raises(ClosedError, match=r"after close\(\)"):
            frames.read()

    use()
    before = _left()
    for _ in range(5):
        use()
    # The system takes a moment to forget a thread of the decoder, those of the use before included.
    until(lambda: all(now <= then for now, then in zip(_left(), before, strict=True)))


def _left() -> tuple[int, int, int]:
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), threading.active_count()


def test_a_device_of_ffmpeg_is_one(video: Path) -> None:
    source = Grabber("testsrc=size=64x48:rate=100", format="lavfi", options={"graph": "testsrc=size=64x48:rate=100"})
    assert source.live
    assert not Grabber(video).live
    assert Grabber("rtsp://camera/1").live
    with source.open() as frames:
        assert frames.size == (48, 64)
        times = [frame.time for frame, _ in zip(frames, range(5), strict=False)]
    assert np.allclose(times, np.arange(5) / 100)


def test_what_follows_a_damaged_frame_is_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", 10, codec="mjpeg", pixels="yuvj420p")
    data = bytearray(path.read_bytes())
    at = [k for k in range(len(data)) if data.startswith(b"00dc", k)][4]  # the first is in the header
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    data[at + 8 : at + 8 + size] = bytes(size)
    path.write_bytes(data)
    with Grabber(path, driver="av").open() as frames:
        found = [frames.read() for _ in range(3)]
        with pytest.raises(DataError, match=r"(?s)what follows frame 3 of .*a\.avi.*read behind it"):
            frames.read()
        found += list(frames)
    bars = [round(frame.image[:, :12].mean() / 4) for frame in found if frame is not None]
    assert bars == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_what_is_no_video_is_said(tmp_path: Path, driver: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"(?s)found no 'walk\.mp4', wanted a video file.*Check the path"):
        Grabber("walk.mp4", driver=driver).open()
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"junk" * 1000)
    with pytest.raises(DataError, match=r"(?s)junk\.mp4', wanted a video: .*ffmpeg -i"):
        Grabber(junk, driver=driver).open()
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(DataError, match="wanted a video"):
        Grabber(tmp_path / "empty.mp4", driver=driver).open()
    with pytest.raises(DataError, match="wanted a video"):
        Grabber(tmp_path, driver=driver).open()


def test_both_drivers_are_asked(tmp_path: Path) -> None:
    require("cv2")
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"junk" * 1000)
    with pytest.raises(DataError) as found:
        Grabber(junk).open()
    assert any("OpenCV cannot open it" in note for note in found.value.__notes__)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2000))
    with pytest.raises(DataError, match=r"(?s)no video in .*It has audio only"):
        Grabber(tmp_path / "a.wav", driver="av").open()


@pytest.mark.parametrize(("suffix", "codec", "pixels"), [("avi", "mjpeg", "yuvj420p"), ("mp4", "mpeg4", "yuv420p"), ("mkv", "ffv1", "bgr0")])  # fmt: skip
def test_files_with_other_bytes_are_read_or_refused(tmp_path: Path, suffix: str, codec: str, pixels: str) -> None:
    path = write_video(tmp_path / f"a.{suffix}", 6, rows=16, cols=16, codec=codec, pixels=pixels)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(5), 0
    for _ in range(heavy(3000)):
        data = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.2 else whole)
        for at in rng.integers(0, len(data), rng.integers(1, 30)):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            frames = Grabber(path, driver="av").open()
        except DataError:
            refused += 1
            continue
        with frames:
            for _ in range(50):
                try:
                    frame = frames.read()
                except DataError:
                    refused += 1
                    continue
                if frame is None:
                    break
                assert frame.image.dtype == np.uint8
                assert frame.image.ndim == 3
    assert refused


@pytest.mark.skipif(os.path.exists("/dev/video0"), reason="there is a camera")
def test_no_camera_is_said(driver: str) -> None:
    with pytest.raises(StreamConfigError, match=r"(?s)got camera 0.*plugged in"):
        Grabber(0, driver=driver).open()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"source": -1}, "camera -1"),
        ({"source": ""}, "number of a camera, or a path"),
        ({"source": 1.5}, "number of a camera, or a path"),
        ({"source": True}, "number of a camera, or a path"),
        ({"source": 0, "driver": "vlc"}, "wanted one of auto, av, cv2"),
        ({"source": 0, "size": (0, 10)}, r"wanted \(rows, cols\)"),
        ({"source": 0, "size": (10,)}, r"wanted \(rows, cols\)"),
    ],
)
def test_what_cannot_be_is_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(StreamConfigError, match=said):
        Grabber(**parameters)


def test_ffmpeg_s_options_are_for_ffmpeg(video: Path) -> None:
    require("cv2")
    with pytest.raises(StreamConfigError, match="driver='av'"):
        Grabber(video, driver="cv2", options={"framerate": "30"}).open()


def test_one_frame_is_turned_by_itself(video: Path) -> None:
    av = require("av")
    with av.open(str(video)) as container:
        frame = next(container.decode(video=0))
        assert np.array_equal(rgb(frame), picture(0))
        assert rgb(frame, (8, 6)).shape == (8, 6, 3)


def test_without_a_driver_it_names_the_extra(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import headrace.sources.grabber as grabber

    monkeypatch.setattr(grabber, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"headrace\[video\]"):
        Grabber(video).open()
    with pytest.raises(MissingExtraError, match=r"headrace\[video\]"):
        Grabber(video, driver="av").open()
    monkeypatch.setattr("headrace.sources.grabber_cv2.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="opencv-python-headless"):
        Grabber(video, driver="cv2").open()


def test_importing_it_imports_no_driver() -> None:
    code = "import sys, headrace.sources.grabber; print('av' in sys.modules, 'cv2' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "False False\n"
