"""When frames are shown, as the file says: rates that vary, beginnings that are not 0, files that were cut off."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.footage import COLS, MS, ROWS, write
from headrace.errors import HeadraceWarning, StreamConfigError
from headrace.frames import (
    DVS,
    FrameStream,
    IntegrativeMotionSensor,
    PoissonStream,
    ProcessingStream,
    SensorStream,
    TimedResampleStream,
    VideoReader,
)
from support.require import require

av = require("av")


def uneven(k: int) -> int:
    return 500 + 50 * k + (k % 3) * 15


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_rate_that_varies(name: str, tmp_path: Path) -> None:
    video = VideoReader(write(tmp_path / name, 40, pts=uneven, base=MS, rate=25), None)
    due = [uneven(k) / 1000 for k in range(40)]
    assert np.allclose(video.times, due)
    assert video.fps == pytest.approx(39 / (due[-1] - due[0]))
    assert video.dt == pytest.approx(1 / video.fps)
    assert video.t_zero == pytest.approx(0.5)
    for place in (0, 17, 39):
        video.seek(place)
        assert video.t == pytest.approx(due[place])
        assert video.time_to_bin(video.t) == pytest.approx(place)
    video.seek(40)
    assert video.t == pytest.approx(due[-1] + video.dt)
    assert video.time_to_bin(due[0] - 2 * video.dt) == pytest.approx(-2)
    assert video.time_to_bin(due[-1] + 3 * video.dt) == pytest.approx(42)
    twin = pickle.loads(pickle.dumps(video))
    assert (twin.fps, twin.t) == (video.fps, video.t)


def test_times_of_a_part_and_of_laps(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", 40, pts=uneven, base=MS, rate=25)
    due = [uneven(k) / 1000 for k in range(40)][5:35:4]
    part = VideoReader(path, None, start=5, stop=35, stride=4)
    assert part.t_zero == pytest.approx(due[0])
    assert part.fps == pytest.approx(7 / (due[-1] - due[0]))
    laps = VideoReader(path, None, start=5, stop=35, stride=4, on_end="repeat")
    laps.seek(8 + 3)
    assert laps.t == pytest.approx(due[-1] + part.dt + due[3] - due[0])
    assert laps.time_to_bin(laps.t) == pytest.approx(11)


def test_frames_between_those_of_a_rate_that_varies(tmp_path: Path) -> None:
    """On straight lines between the times of the file, and not those of its mean rate."""
    shown = [0, 10, 20, 30, 1030, 1040, 1050, 2050]
    path = write(tmp_path / "a.mkv", 8, codec="ffv1", pixels="gray", pts=lambda k: shown[k], base=MS, rate=25)
    video = VideoReader(path, None, mode="luma")
    given, due = video[:], np.array(shown) / 1000
    made = TimedResampleStream(video, t_zero=-0.01, dt=0.1)
    times = -0.01 + 0.1 * np.arange(len(made))
    assert len(made) == 21
    pixel = np.s_[:, 3, 5]
    expected = np.interp(times, due, given[pixel])
    expected[0] = 2 * given[pixel][0] - given[pixel][1]  # before the first, on the line through the first two
    np.testing.assert_allclose(made[:][pixel], expected, atol=1e-3)
    laps = TimedResampleStream(VideoReader(path, None, mode="luma", on_end="repeat"), dt=0.005)
    lasts = 2.05 + video.dt
    late = round(3 * lasts / 0.005 + 1)
    since = late * 0.005 - 3 * lasts
    np.testing.assert_allclose(laps[late][3, 5], np.interp(since, due, given[pixel]), atol=1e-3)
    even = TimedResampleStream(VideoReader(path, None, mode="luma", dt=0.5), dt=0.25)
    np.testing.assert_allclose(even[3], (given[1] + given[2]) / 2, atol=1e-3)


SHOWN = [0, 10, 20, 30, 1030, 1040, 1050, 2050]


def test_times_of_the_file_give_its_frames_whatever_is_beside_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", 8, codec="ffv1", pixels="gray", pts=lambda k: SHOWN[k], base=MS, rate=25)
    given = VideoReader(path, None, mode="luma")[:]

    def dark(frame: Any) -> Any:
        return frame * (np.nan if any(np.array_equal(frame, given[k]) for k in (1, 4)) else 1)

    video = VideoReader(path, None, mode="luma", on_end="repeat")
    film = FrameStream(video | hr.map(dark), like=video)
    lasts = SHOWN[-1] / 1000 + video.dt
    due = given.copy()
    due[[1, 4]] = np.nan
    for lap in (0, 1, 7):
        found = TimedResampleStream(film, t_zero=lap * lasts, dt=0.01)[[k // 10 for k in SHOWN]]
        np.testing.assert_array_equal(found, due)


@pytest.fixture
def varying(tmp_path: Path) -> VideoReader:
    """A video whose rate varies, each frame brighter than the one before."""
    path = write(
        tmp_path / "varying.mkv",
        8,
        codec="ffv1",
        pixels="gray",
        frame_of=lambda k: np.full((ROWS, COLS, 3), 20 + 30 * k, "u1"),
        pts=lambda k: SHOWN[k],
        base=MS,
        rate=25,
    )
    return VideoReader(path, None, mode="luma")


MAKES: dict[str, Callable[[Any], FrameStream]] = {
    "FrameStream": FrameStream,
    "ProcessingStream": lambda video: ProcessingStream(video, lambda block: block),
    "PoissonStream": lambda video: PoissonStream(video, 1 / 255, seed=1),
    "pickled": lambda video: pickle.loads(pickle.dumps(FrameStream(video))),
}


@pytest.mark.parametrize("name", MAKES)
def test_what_is_made_frame_by_frame_is_shown_when_its_video_is(name: str, varying: VideoReader) -> None:
    made = MAKES[name](varying)
    due = varying.times
    for place in range(8):
        made.seek(place)
        assert made.t == pytest.approx(due[place])
        assert made.time_to_bin(made.t) == pytest.approx(place)
    made.seek(8)
    assert made.t == pytest.approx(due[-1] + varying.dt)
    times = 0.1 * np.arange(21)
    between = TimedResampleStream(made, dt=0.1)[:][:, 3, 5]
    np.testing.assert_allclose(between, np.interp(times, due, made[:][:, 3, 5]), atol=1e-3)
    made.dt = 0.5
    made.seek(3)
    assert made.t == 1.5, "a dt that was given is that of every frame"


def test_laps_of_a_rate_that_varies_in_what_is_made_of_it(varying: VideoReader) -> None:
    laps = FrameStream(varying, on_end="repeat")
    laps.seek(2 * 8 + 5)
    assert laps.t == pytest.approx(2 * (2.05 + varying.dt) + 1.04)
    assert laps.time_to_bin(laps.t) == pytest.approx(21)


def test_events_of_a_rate_that_varies(varying: VideoReader) -> None:
    """Each lies in the step to its frame, as the file has these."""
    camera = SensorStream(varying, DVS(0.05))
    events = [camera.get_events()["t"] for _ in range(8)]
    light = np.log(varying[:][:, 0, 0].astype(float) + 1e-3)
    assert not len(events[0])
    for k in range(1, 8):
        begun, ended = SHOWN[k - 1] * 1000, SHOWN[k] * 1000
        assert len(events[k]), k
        assert events[k].min() > begun
        assert events[k].max() <= ended
        # On the line between the two frames, a whole number of thresholds from the first one.
        met = np.interp(events[k], [begun, ended], light[k - 1 : k + 1])
        steps = (met - light[0]) / 0.05
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
    assert camera.t == pytest.approx(2.05 + varying.dt)
    ends = SensorStream(varying, IntegrativeMotionSensor(threshold=5)).get_events(8)["t"]
    assert set(ends.tolist()) == {1000 * t for t in SHOWN}


def test_a_sensor_with_rates_by_the_second_says_that_it_takes_the_mean(varying: VideoReader) -> None:
    with pytest.warns(HeadraceWarning, match="rate varies"):
        SensorStream(varying, DVS(leak_rate=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SensorStream(varying, DVS(sigma_theta=0.1))
        SensorStream(TimedResampleStream(varying, dt=0.1), DVS(leak_rate=1))


def test_frames_between_begin_with_the_video(tmp_path: Path) -> None:
    """And not at time 0, where it has none."""
    path = write(tmp_path / "a.mkv", 40, pts=lambda k: 2000 + 40 * k, base=MS, rate=25)
    video = VideoReader(path, None, mode="luma")
    made = TimedResampleStream(video, dt=0.02)
    assert made.t_zero == video.t_zero == 2.0
    assert len(made) == 79
    np.testing.assert_allclose(made[:][::2], video[:], atol=1e-3)


def test_what_is_given_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", 10, pts=uneven, base=MS, rate=25)
    video = VideoReader(path, None, dt=0.5)
    video.seek(3)
    assert video.dt == 0.5
    assert video.t == pytest.approx(0.5 + 1.5)
    assert video.time_to_bin(video.t) == pytest.approx(3)
    later = VideoReader(path, None, t_zero=10)
    later.seek(2)
    assert later.t_zero == 10
    assert later.t == pytest.approx(10 + (uneven(2) - uneven(0)) / 1000)
    later.dt, later.t_zero = 0.25, 1.0
    assert later.t == 1.5
    wrong: list[Any] = ["x", None, float("nan")]
    for value in wrong:
        with pytest.raises(StreamConfigError, match=r"VideoReader\(t_zero=\)"):
            later.t_zero = value
        with pytest.raises(StreamConfigError, match=r"VideoReader\(dt=\)"):
            later.dt = value
    assert (later.t, later.t_zero) == (1.5, 1.0)
    assert later.fps == pytest.approx(VideoReader(path, None).fps), "that is the file's"


def test_times_that_are_rounded_are_no_rate_that_varies(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", 60, rate=30)  # whose times are whole milliseconds
    video = VideoReader(path, None)
    assert (video.fps, video.dt, video.t_zero, video.t) == (30, 1 / 30, 0, 0)


@pytest.mark.parametrize("name", ["a.webm", "a.mkv", "a.mp4"])
def test_the_first_frame_is_shown_when_its_packet_says(name: str, tmp_path: Path) -> None:
    moments = [0, 500, 1000, 1100, 1900, 2500, 2600]
    codec: dict[str, Any] = {"codec": "libvpx", "deadline": "realtime"} if name == "a.webm" else {"g": "10"}
    path = write(tmp_path / name, 7, pts=moments.__getitem__, base=MS, rate=1000, **codec)
    video = VideoReader(path, None)
    assert video.times == pytest.approx(np.array(moments) / 1000)
    assert [video.fps, video.t_zero] == pytest.approx([6 / 2.6, 0])


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


KINDS: dict[str, dict[str, Any]] = {
    "a.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "b.avi": {"codec": "mpeg4", "g": "12"},
    "a.mkv": {"g": "10"},
    "b.mkv": {"codec": "ffv1", "pixels": "bgr0"},
    "a.mp4": {"g": "10", "mux": {"movflags": "faststart"}},
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_was_cut_off_says_so(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, 60, **KINDS[name])
    whole = VideoReader(path, None)
    assert len(whole) == 60
    cut(path, 0.6)
    with pytest.warns(HeadraceWarning, match=rf"{name}' with \d+ frames, wanted about \d+ more") as told:
        n = len(VideoReader(path, None))
    assert 1 < n < 59
    (text,) = {str(each.message) for each in told}
    promised = n + int(text.split("about ")[1].split()[0])
    assert abs(promised - 60) <= 1


def test_a_file_without_a_promise_breaks_none(tmp_path: Path) -> None:
    live = write(tmp_path / "a.mkv", 30, mux={"live": "1"})
    stills = write(tmp_path / "b.mkv", 12, pts=lambda k: 40 * k + 900 * (k // 6), base=MS, rate=25)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(VideoReader(live, None)) == 30
        assert len(VideoReader(stills, None)) == 12


HOLED: dict[str, dict[str, Any]] = {
    "a.mkv": {"codec": "ffv1", "pixels": "bgr0"},
    "b.mkv": {"g": "10", "bf": "3"},
    "c.mkv": {"codec": "ffv1", "pixels": "bgr0", "pts": lambda k: 40 * k + 900 * (k // 6), "base": MS},
}


@pytest.mark.parametrize("name", HOLED)
def test_a_hole_in_the_middle_is_told(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, 120, **HOLED[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(VideoReader(path, None)) == 120
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2] + bytes(300) + data[len(data) // 2 + 300 :])
    with pytest.warns(HeadraceWarning, match=r"about \d+ frames lost in the middle") as told:
        n = len(VideoReader(path, None))
    (text,) = {str(each.message) for each in told}
    lost = int(text.split("about ")[1].split()[0])
    assert n < 120
    if name != "c.mkv":  # of which the hole has pauses in it, too
        assert abs(n + lost - 120) <= 3, "frames that are stored out of their order make it less sharp"
