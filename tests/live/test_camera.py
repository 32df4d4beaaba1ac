"""A video file as a camera, through the real decoder; and a device of FFmpeg as one that comes when it comes."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.live import Merge, Sampler, Session, System, SystemClock, VirtualClock, fit_pairs
from headrace.live.camera import CameraDataSource, CameraSource
from headrace.sources.grabber import Grabber
from headrace.testing import check_device
from live.hand import balanced, until
from live.screens import screen
from live.videos import picture, write_video
from support.require import require

require("av")

LAVFI: Any = {"format": "lavfi", "resolution": None}
ENDLESS = "testsrc=size=32x24:rate=200,realtime"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "a.avi")  # 25 frames, 50 a second


def camera(video: Path, **options: Any) -> CameraSource:
    return CameraSource(video, None, **options)


def which(image: Any) -> int:
    """The number of a frame, as it shows itself."""
    return int(image[0, 0, 0]) // 4


def begun(sampler: Sampler) -> None:
    """Wait for its first row, which waits for no moment of the clock."""
    until(lambda: sampler.stats()["produced"])


def test_each_frame_is_a_row_when_it_is_shown(video: Path) -> None:
    clock = VirtualClock()
    with camera(video, clock=clock) as source:
        assert source.rate == 50
        clock.advance(0.1)
        block = source.read()
        assert [which(image) for image in block["image"]] == [0, 1, 2, 3, 4, 5]
        assert np.allclose(block["timestamp"], 1.7e9 + np.arange(6) / 50, atol=1e-6)
        assert list(block) == ["timestamp", "received", "frame_time", "image"]
        assert (block["received"] == block["timestamp"]).all()
        assert np.allclose(block["frame_time"], np.arange(6) / 50)
        clock.advance(1.0)
    rest = source.read()
    assert [which(image) for image in rest["image"]] == list(range(6, 25))
    assert rest["image"].shape == (19, 32, 48, 3)
    assert np.array_equal(rest["image"][-1], picture(24))
    assert source.state == "stopped"  # the file has ended
    assert balanced(source.stats())


def test_the_laws_hold(video: Path) -> None:
    report = check_device(lambda clock: camera(video, clock=clock, loop=True), starts=5)
    assert set(report.skipped) == {"a failure is raised once"}


def test_the_laws_hold_of_a_device_on_its_own_clock() -> None:
    report = check_device(lambda clock: CameraSource(ENDLESS, **LAVFI), clock=SystemClock, seconds=0.1, starts=3)
    assert set(report.skipped) == {
        "no matter when it is read", "no step of the wall clock", "a failure is raised once"
    }  # fmt: skip


def test_it_begins_again_at_the_end(video: Path) -> None:
    clock = VirtualClock()
    with camera(video, clock=clock, loop=True) as source:
        clock.advance(1.1)
        block = source.read()
    assert [which(image) for image in block["image"]] == [k % 25 for k in range(56)]
    assert np.allclose(np.diff(block["timestamp"]), 1 / 50, atol=1e-6)


def test_it_is_scaled_to_the_documented_sizes(video: Path) -> None:
    assert CameraSource().resolution == (720, 480)
    assert CameraDataSource().resolution == (640, 480)
    clock = VirtualClock()
    with CameraSource(video, (24, 16), clock=clock) as source:
        clock.advance(0.05)
        assert source.read()["image"].shape == (3, 16, 24, 3)


def test_a_sampler_takes_the_newest_frame(video: Path) -> None:
    clock = VirtualClock()
    source = camera(video, clock=clock)
    sampler = Sampler({"camera": source}, sample_rate=20, clock=clock)
    with sampler:
        begun(sampler)
        clock.advance(0.4)
        block = sampler.read()
    assert block["camera"].shape == (9, 32, 48, 3)
    found = [which(image) for image in block["camera"]]
    # At each 50 ms; a frame that is shown at that very moment may or may not be there.
    assert all(k * 2.5 - 1 <= n <= k * 2.5 for k, n in enumerate(found))
    stats = source.stats()
    assert stats["skipped"] == found[-1] - len(found) + 1
    assert stats["repeated"] == 0
    fast = Sampler({"camera": source}, sample_rate=100, clock=clock)
    with fast:
        begun(fast)
        clock.advance(0.4)
    assert source.stats()["repeated"] - stats["repeated"] >= 19


def test_the_documented_form_is_a_dict(video: Path) -> None:
    clock = VirtualClock()
    source = CameraDataSource(video, None, clock=clock)
    with Sampler({"camera": source}, sample_rate=50, clock=clock) as sampler:
        clock.advance(0.1)
    assert list(sampler.read()) == ["timestamp", "image"]


def test_the_newest_alone_is_kept(video: Path) -> None:
    clock = VirtualClock()
    with camera(video, clock=clock, max_bytes=1) as source:
        clock.advance(0.2)
        block = source.read()
    assert [which(image) for image in block["image"]] == [10]
    assert source.stats()["dropped"] == 10
    assert balanced(source.stats())


def test_it_follows_a_leader_and_feeds_a_system(video: Path) -> None:
    clock = VirtualClock()
    leader = Sampler({"x": lambda t: t}, 10, clock=clock)
    with Merge(leader, {"camera": camera(video, clock=clock)}) as merged:
        begun(leader)
        clock.advance(0.45)
        block = merged.read()
    assert [which(image) for image in block["camera_image"]][1:] == [5, 10, 15, 20]
    system = System(camera(video))
    rows = 0
    with system:
        until(lambda: not system.source.is_active)
    while block := system.read():
        rows += block.n
    assert rows == 25


def test_a_device_has_even_times() -> None:
    with CameraSource(ENDLESS, **LAVFI) as source:
        until(lambda: source.stats()["pending"] >= 20)
        now = source.timestamp()
        image = source()
    block = source.read()
    assert image.shape == block["image"].shape[1:] == (24, 32, 3)
    assert (np.diff(block["timestamp"]) >= 0).all()
    assert block["timestamp"][0] <= now
    assert source.stats()["unreadable"] == 0


def test_the_pairs_of_its_clock_are_in_a_recording(tmp_path: Path) -> None:
    source = CameraSource(ENDLESS, received_key="came", frame_key="pts", **LAVFI)
    system = System(source)
    with system:
        system.record(tmp_path / "session")
        until(lambda: source.stats()["produced"] >= 30)
    raw = Session(tmp_path / "session").raw
    pairs = np.stack([np.asarray(raw["pts"]), np.asarray(raw["came"])], axis=1)
    np.testing.assert_allclose(np.diff(pairs[:, 0]), 1 / 200, atol=1e-3)
    assert (np.asarray(raw["timestamp"]) <= pairs[:, 1] + 1e-6).all()
    found = fit_pairs(pairs).to_host(pairs[:, 0])
    assert np.median(np.abs(found - np.asarray(raw["timestamp"]))) < 0.1
    assert CameraSource(received_key=None, frame_key=None).names == ("timestamp", "image")


def test_a_screen_is_a_camera() -> None:
    """A real device of the system, the only one that a machine without a camera has."""
    with screen(), CameraSource(os.environ["DISPLAY"], (64, 48), format="x11grab") as source:
        until(lambda: source.stats()["pending"] >= 3)
        assert source().shape == (48, 64, 3)
    block = source.read()
    assert block["image"].shape[1:] == (48, 64, 3)
    assert (np.diff(block["timestamp"]) >= 0).all()


def test_a_device_that_ends_is_a_failure() -> None:
    source = CameraSource("testsrc=size=32x24:rate=200:duration=0.05", **LAVFI)
    source.start()
    until(lambda: source.state == "failed")
    assert source.read().n == 10
    with pytest.raises(DataError, match=r"(?s)gives no more frames.*unplugged"):
        source.read()
    with pytest.raises(DataError, match="gives no more frames"):
        source()
    source.stop()
    sampler = Sampler({"camera": source}, 100)
    with pytest.raises(DataError, match="no more frames"), sampler:
        until(lambda: sampler.state == "failed")


def test_it_opens_again_when_it_is_to() -> None:
    again = {**LAVFI, "on_error": "restart"}
    with CameraSource("testsrc=size=32x24:rate=200:duration=0.05", **again) as source:
        until(lambda: source.stats()["restarts"] >= 1 and source.stats()["pending"] >= 20)


def test_what_cannot_be_opened_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^CameraSource found no 'walk\.mp4'"):
        CameraSource("walk.mp4").start()
    (tmp_path / "a.mp4").write_bytes(b"junk" * 100)
    source = CameraSource(tmp_path / "a.mp4")
    with pytest.raises(DataError, match="wanted a video"):
        source.start()
    assert source.state == "idle"
    with pytest.raises(DataError, match=r"before start\(\)"):
        source()
    with pytest.raises(StreamConfigError, match=r"^CameraSource got camera -1, wanted 0 or more"):
        CameraSource(-1)
    with pytest.raises(StreamConfigError, match=r"wanted \(width, height\)"):
        CameraSource(0, (0, 480))
    if not os.path.exists("/dev/video0"):
        with pytest.raises(StreamConfigError, match="camera 0"):
            CameraSource(0).start()
    with pytest.raises(TypeError, match=r"send its \.grabber"):
        pickle.dumps(source)
    assert pickle.loads(pickle.dumps(source.grabber)) == Grabber(str(tmp_path / "a.mp4"), (480, 720))


def test_it_starts_and_stops_and_leaves_nothing(video: Path) -> None:
    source = camera(video, loop=True)

    def use() -> None:
        with source:
            until(lambda: source.stats()["pending"])
            source.read()

    use()
    before = left()
    for _ in range(5):
        use()
    # The system takes a moment to forget a thread of the decoder, those of the use before included.
    until(lambda: all(now <= then for now, then in zip(left(), before, strict=True)))


def left() -> tuple[int, int, int]:
    return threading.active_count(), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
