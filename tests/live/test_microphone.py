"""The microphone through the real audio library and a sound server; and through a driver that does what it is told."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, MissingExtraError, StreamConfigError
from headrace.live import Sampler, Session, System, SystemClock, WavFileRecorder, fit_pairs, read_wav
from headrace.live.microphone import MicDataSource, MicSource
from headrace.testing import check_device
from live.hand import balanced, until
from live.sounds import NOWHERE, RATE, Loudspeaker, loudspeaker, sounddevice, without_sound
from support.counts import soaking


@pytest.fixture(scope="module")
def speaker() -> Iterator[Loudspeaker]:
    with loudspeaker() as found:
        yield found


def tone(seconds: float = 0.5) -> Any:
    """1 kHz, at half of full scale, to both sides."""
    t = np.arange(int(seconds * RATE)) / RATE
    return np.round(16384 * np.sin(2 * np.pi * t[:, None] * [1000.0, 1000.0])).astype(np.int16)


def hear(microphone: MicSource, speaker: Loudspeaker, played: Any) -> tuple[Any, Any]:
    """What it hears while something is played: times and samples of all blocks."""
    times, sound = [], []
    with microphone:
        until(lambda: microphone.stats()["pending"])
        speaker.play(played)
        block = microphone.read()
        last = block.n
        until(lambda: microphone.stats()["produced"] > last + RATE // 4)  # what is under way
    for each in (block, microphone.read()):
        times.append(each.times)
        sound.append(each["audio"])
    return np.concatenate(times), np.concatenate(sound)


def left() -> tuple[int, int]:
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


# --- through the real driver ----------------------------------------------------------------------------


def test_it_hears_every_sample_of_both_channels(speaker: Loudspeaker) -> None:
    played = np.random.default_rng(1).integers(1, 9999, (RATE // 2, 2)).astype(np.int16)
    microphone = MicSource(n_channels=2, chunk_size=512)
    times, sound = hear(microphone, speaker, played)
    assert microphone.sample_rate == RATE
    assert sound.dtype == np.int16
    assert sound.shape == (len(times), 2)
    # The server swallows a few samples of whatever begins to play, and puts silence where the player is late.
    heard = sound[sound.any(axis=1)]
    skipped = int(np.flatnonzero((played == heard[0]).all(axis=1))[0])
    assert len(heard) > 0.9 * len(played)
    assert np.array_equal(heard, played[skipped : skipped + len(heard)])
    assert balanced(microphone.stats())
    assert microphone.stats()["overflows"] == 0


def test_every_sample_has_a_time(speaker: Loudspeaker) -> None:
    microphone = MicSource()
    assert microphone.n_channels == 1
    times, sound = hear(microphone, speaker, tone())
    assert sound.shape == (len(times), 1)
    steps = np.diff(times) * RATE
    assert (steps > 0).all()
    assert abs(np.median(steps) - 1) < 0.15
    assert np.percentile(np.abs(steps - 1), 90) < 0.02
    heard = times[np.abs(sound[:, 0]) > 100]
    assert abs(heard[-1] - heard[0] - 0.5) < 0.1


def test_the_documented_form_is_the_sound_alone(speaker: Loudspeaker) -> None:
    microphone = MicDataSource(chunk_size=1024)
    times, sound = hear(microphone, speaker, tone())
    assert microphone.signal_names == ("audio",)
    assert sound.shape == times.shape
    loud = np.flatnonzero(np.abs(sound) > 8000)
    part = sound[loud[len(loud) // 2] - 4096 :][:8192].astype(float)
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    assert abs(spectrum.argmax() * RATE / len(part) - 1000) < RATE / len(part)
    assert abs(np.abs(sound).max() - 16384) < 200
    with System(microphone) as system:
        until(lambda: bool(system.read()))
        until(lambda: system.read().n)
    with microphone:
        until(lambda: microphone.stats()["pending"])
        block = microphone.read()
    assert list(block) == ["audio"]
    assert block.rate == RATE
    assert len(block.timestamps("audio")) == block.n
    assert not microphone.is_active()


def small(kind: type[MicSource], clock: Any) -> MicSource:
    return kind(chunk_size=256)


def test_the_laws_hold(speaker: Loudspeaker) -> None:
    for kind in (MicSource, MicDataSource) if soaking() else (MicDataSource,):  # which is the first, and more
        report = check_device(partial(small, kind), clock=SystemClock, seconds=0.2, starts=1)
        assert set(report.skipped) == {
            "no matter when it is read", "no step of the wall clock", "a failure is raised once"
        }  # fmt: skip


def test_it_is_recorded_as_a_wav_file(speaker: Loudspeaker, tmp_path: Any) -> None:
    microphone = MicSource()
    with microphone, WavFileRecorder(tmp_path / "a.wav", microphone.sample_rate, microphone.n_channels, microphone.sample_width) as recorder:  # fmt: skip
        until(lambda: microphone.stats()["pending"] > 5000)
        block = microphone.read()
        recorder.write(block)
    rate, sound = read_wav(tmp_path / "a.wav")
    assert rate == RATE
    assert np.array_equal(sound, block["audio"][:, 0])


def test_it_starts_and_stops_and_leaves_nothing(speaker: Loudspeaker) -> None:
    microphone = MicSource()

    def use() -> None:
        with microphone:
            until(lambda: microphone.stats()["pending"])
            microphone.read()

    use()
    before = left()
    for _ in range(3):
        use()
    assert all(now <= then for now, then in zip(left(), before, strict=True))  # less: of earlier tests


def test_a_server_that_dies_is_a_failure_and_it_starts_again(speaker: Loudspeaker) -> None:
    microphone = MicSource()
    microphone.start()
    until(lambda: microphone.stats()["pending"])
    speaker.stop()
    until(lambda: microphone.state == "failed")
    assert microphone.read().n
    with pytest.raises(DataError, match=r"(?s)has lost its microphone.*sound server"):
        microphone.read()
    microphone.stop()
    speaker.start()
    with microphone:
        until(lambda: microphone.stats()["pending"])


def test_what_cannot_be_is_said(speaker: Loudspeaker) -> None:
    with pytest.raises(StreamConfigError, match=r"(?s)device='nowhere', wanted one of .*'pulse'"):
        MicSource(device="nowhere").start()
    with pytest.raises(StreamConfigError, match="n_channels=0"):
        MicSource(n_channels=0)
    with pytest.raises(StreamConfigError, match="chunk_size=0"):
        MicSource(chunk_size=0)
    with pytest.raises(StreamConfigError, match="sample_rate=-1"):
        MicSource(sample_rate=-1)
    with pytest.raises(StreamConfigError, match=r"Merge\(sampler"):
        MicSource(followers={"x": Sampler({}, 1)})
    with pytest.raises(StreamConfigError, match="device=None"):
        MicSource(n_channels=10_000).start()


# --- through a driver that does what it is told ---------------------------------------------------------


class Moments(SystemClock):
    """A clock that goes on with what is said."""

    t = 100.0

    def now(self) -> float:
        return self.t


class Driver(ModuleType):
    """Stands in for sounddevice."""

    PortAudioError = OSError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.streams: list[Any] = []
        self.clock = Moments()
        self.devices: Any = [{"name": "built in", "max_input_channels": 2, "default_samplerate": 1000.0}]

    def query_devices(self, device: Any = None, kind: Any = None) -> Any:
        if kind is None:
            return self.devices
        if not self.devices:
            raise OSError("Error querying device -1")
        return self.devices[0]

    def InputStream(self, **told: Any) -> Any:
        stream = SimpleNamespace(**told, start=lambda: None, close=lambda: None)
        self.streams.append(stream)
        return stream

    def say(
        self,
        samples: Any,
        *,
        overflow: bool = False,
        skipped: int = 0,
        known: bool = True,
        age: float | None = None,
    ) -> None:
        samples = np.asarray(samples, np.int16).reshape(len(samples), -1)
        self.clock.t += skipped / 1000
        heard = self.clock.t + 7.0 if known else 0.0  # on a clock of its own
        self.clock.t += len(samples) / 1000
        heard = heard if age is None else self.clock.t + 7.0 - age
        moments = SimpleNamespace(inputBufferAdcTime=heard, currentTime=self.clock.t + 7.0)
        self.streams[-1].callback(samples, len(samples), moments, SimpleNamespace(input_overflow=overflow))


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver()
    monkeypatch.setitem(sys.modules, "sounddevice", made)
    return made


def came(microphone: MicSource, n: int) -> None:
    until(lambda: microphone.stats()["produced"] >= n)


def test_overflows_are_counted(driver: Driver) -> None:
    with MicSource(chunk_size=10, clock=driver.clock) as microphone:
        for k in range(20):
            driver.say(range(10), overflow=k == 15, skipped=500 if k == 15 else 0)
        came(microphone, 200)
    block = microphone.read()
    assert block.n == 200
    assert microphone.stats()["overflows"] == 1
    assert microphone.stats()["lost"] == 500
    steps = np.diff(block["timestamp"])
    assert steps.argmax() == 149
    assert abs(steps[149] - 0.501) < 1e-6
    assert np.allclose(np.delete(steps, 149), 0.001, atol=1e-6)


def test_a_driver_that_does_not_know_the_time_is_believed_the_arrival(driver: Driver) -> None:
    with MicSource(chunk_size=100, clock=driver.clock) as microphone:
        driver.say(range(100), known=False)
        came(microphone, 100)
        now = microphone.timestamp()
        block = microphone.read()
    assert np.allclose(block["timestamp"], now - 0.1 + np.arange(100) / 1000, atol=1e-6)


@pytest.mark.parametrize("chunk", [10, 1000])
def test_a_server_that_says_anything_of_the_age_of_its_sound_moves_no_time(driver: Driver, chunk: int) -> None:
    """As PulseAudio does: the first sound is told to be 0.6 s old, and that goes down to nothing; none is lost."""
    began = driver.clock.now()
    with MicSource(chunk_size=chunk, clock=driver.clock) as microphone:
        driver.clock.t += 0.7  # before the first sound comes
        for k in range(4000 // chunk):
            driver.say(range(chunk), age=max(0.6 - k * chunk / 2000, 0.005))
        came(microphone, 4000)
    block = microphone.read()
    steps = np.diff(block["timestamp"])
    np.testing.assert_allclose(steps, 0.001, rtol=0.011)
    assert (microphone.stats()["lost"], microphone.stats()["overflows"]) == (0, 0)
    assert (block["timestamp"] <= block["received"]).all()  # none is in the future
    received = block["received"] - (microphone.anchor.wall - microphone.anchor.now)
    assert np.allclose(received, began + 0.7 + (1 + np.arange(4000) // chunk) * chunk / 1000)
    assert np.abs(block["timestamp"] - block["received"]).max() < 0.2 + chunk / 1000


def test_the_pairs_of_its_clock_are_in_a_recording(driver: Driver, tmp_path: Any) -> None:
    microphone = MicSource(chunk_size=10, clock=driver.clock, received_key="came")
    system = System(microphone, clock=driver.clock)
    with system:
        system.record(tmp_path / "session")
        for _ in range(200):
            driver.say(range(10))
        came(microphone, 2000)
    raw = Session(tmp_path / "session").raw
    last = slice(9, None, 10)  # of each chunk
    pairs = np.stack([np.arange(2000)[last] / 1000, np.asarray(raw["came"])[last]], axis=1)
    found = fit_pairs(pairs).to_host(np.arange(2000) / 1000)
    np.testing.assert_allclose(found, np.asarray(raw["timestamp"]) + 0.001, atol=1e-3)
    assert MicSource(received_key=None).names == ("timestamp", "audio")


def test_followers_are_asked_once_for_each_chunk(driver: Driver) -> None:
    asked: list[float] = []

    class Dial:
        on = 0

        def start(self) -> None:
            self.on += 1

        def stop(self) -> None:
            self.on -= 1

        def __call__(self) -> dict[str, Any]:
            return {"turn": len(asked), "xy": np.array([1, 2])}

    dial = Dial()

    def age(t: float) -> float:
        asked.append(t)
        return t

    followers = {"t": age, "dial": dial}
    microphone = MicSource("sound", 4, followers)
    with microphone:
        assert dial.on == 1
        for _ in range(3):
            driver.say(range(4))
        came(microphone, 12)
    assert dial.on == 0
    block = microphone.read()
    assert list(block) == ["timestamp", "received", "sound", "t", "dial_turn", "dial_xy"]
    assert block["dial_turn"].tolist() == [1] * 4 + [2] * 4 + [3] * 4
    assert block["dial_xy"].shape == (12, 2)
    assert len(asked) == 3
    assert asked == sorted(asked)


def test_a_follower_that_fails_is_a_failure(driver: Driver) -> None:
    def broken() -> int:
        raise OSError("unplugged")

    microphone = MicSource(chunk_size=4, followers={"dial": broken})
    microphone.start()
    driver.say(range(4))
    until(lambda: microphone.state == "failed")
    with pytest.raises(OSError, match="unplugged") as found:
        microphone.read()
    assert "while asking follower 'dial'" in found.value.__notes__[0]
    microphone.stop()


def test_a_microphone_that_falls_silent_is_a_failure(driver: Driver) -> None:
    microphone = MicSource(silence=0.05)
    microphone.start()
    until(lambda: microphone.state == "failed")
    with pytest.raises(DataError, match=r"nothing has come for 0\.05 seconds"):
        microphone.read()
    microphone.start()
    driver.streams[-1].finished_callback()
    until(lambda: microphone.state == "failed")
    with pytest.raises(DataError, match="its driver has ended"):
        microphone.stop()
    assert len(driver.streams) == 2


def test_it_opens_again_when_it_is_to(driver: Driver) -> None:
    with MicSource(silence=60, on_error="restart") as microphone:
        driver.say(range(4))
        came(microphone, 4)
        driver.streams[-1].finished_callback()
        until(lambda: len(driver.streams) == 2)
        driver.say(range(4))
        came(microphone, 8)
    assert microphone.stats()["restarts"] == 1
    assert microphone.read().n == 8


def test_all_channels_are_taken_when_asked(driver: Driver) -> None:
    microphone = MicSource(n_channels=None, sample_rate=500)
    assert (microphone.n_channels, microphone.sample_rate, microphone.rate) == (2, 500, 500)
    with microphone:
        assert driver.streams[-1].channels == 2
        assert driver.streams[-1].samplerate == 500
    assert repr(MicSource(device="usb")) == "MicSource(chunk_size=1024, device='usb')"


def test_no_microphone_is_said(driver: Driver) -> None:
    driver.devices = []
    with pytest.raises(StreamConfigError, match=r"(?s)the system knows of none.*FileAudioSource"):
        MicSource().start()
    with pytest.raises(StreamConfigError, match="knows of none"):
        _ = MicSource().sample_rate


def test_without_the_package_or_its_library_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtraError, match=r"headrace\[sensors\]"):
        MicSource().start()

    class No:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr(sys, "meta_path", [No(), *sys.meta_path])
    with pytest.raises(MissingExtraError, match="apt-get install libportaudio2"):
        MicSource().start()


def test_a_machine_without_sound_is_said() -> None:
    with without_sound():
        sounddevice()
    if os.path.exists("/dev/snd"):
        pytest.skip("this machine has sound")
    done = run(
        """
        from headrace.errors import StreamConfigError
        from headrace.live.microphone import MicSource
        try:
            MicSource().start()
        except StreamConfigError as error:
            print(error)
        """
    )
    assert "MicSource got device=None, " in done.stdout, done.stderr
    assert "FileAudioSource" in done.stdout


def test_importing_it_imports_no_driver() -> None:
    assert run("import sys, headrace.live.microphone; print('sounddevice' in sys.modules)").stdout == "False\n"


def run(code: str) -> Any:
    env = {**os.environ, **NOWHERE, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
