"""A sound server of its own for a test: what is played into it is what its microphone hears."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from support.require import demanded, require

HANG = 20.0
RATE = 44100
ALSA = Path("/usr/share/alsa/alsa.conf")
# Without this the library starts a server for the user, who has not asked for one, when it looks what there is.
NOWHERE = {"PULSE_SERVER": "unix:/nowhere"}


def sounddevice() -> Any:
    """The package, or skip: it may be here without its library, which is no package."""
    try:
        return require("sounddevice")
    except OSError as error:
        if "portaudio" in demanded():
            pytest.fail(f"portaudio: {error}, and HEADRACE_REQUIRE names it", pytrace=False)
        pytest.skip(f"portaudio: {error}")


class Loudspeaker:
    """A PulseAudio server with two channels that go nowhere, and a microphone that hears them."""

    def __init__(self, folder: str) -> None:
        self.folder, self.socket = folder, f"{folder}/native"
        self.env = {
            **os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder, "PULSE_RUNTIME_PATH": folder,
            "PULSE_SERVER": f"unix:{self.socket}", "PULSE_COOKIE": f"{folder}/cookie", "PULSE_SOURCE": "wall.monitor",
            "PULSE_SINK": "wall", "ALSA_CONFIG_PATH": f"{ALSA}:{folder}/asound.conf", "LC_ALL": "C",
        }  # fmt: skip
        self.env.pop("DISPLAY", None)
        plugs = "".join(f'{kind}.{name} {{ type pulse\n hint.description "wall" }}\n' for kind in ("pcm", "ctl") for name in ("!default", "pulse"))  # fmt: skip
        Path(folder, "asound.conf").write_text(plugs)
        self.server: Any = None
        self._hum: Any = None

    def start(self) -> None:
        """Start the server, and keep it awake: one that plays nothing brings its silence every two seconds only."""
        self.server = self._run(
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes",
            "-L", f"module-native-protocol-unix socket={self.socket} auth-anonymous=1",
            "-L", f"module-null-sink sink_name=wall rate={RATE} channels=2 format=s16le",
        )  # fmt: skip
        end = monotonic() + HANG
        while not os.path.exists(self.socket):
            assert self.server.poll() is None, "pulseaudio has ended"
            assert monotonic() < end, "pulseaudio did not start"
            sleep(0.01)
        self._hum = self._run("pacat", "--latency-msec=20", "--raw", "/dev/zero")

    def _run(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options}
        return subprocess.Popen(command, env=self.env, **quiet)

    def play(self, samples: Any) -> None:
        """Play int16 ``(n, 2)``, and return when it was played."""
        player = self._run(
            "pacat", "--latency-msec=500", "--raw", f"--rate={RATE}", "--channels=2", "--format=s16le",
            stdin=subprocess.PIPE,
        )  # fmt: skip
        try:
            player.communicate(samples.astype("<i2").tobytes(), timeout=HANG)
        finally:
            _end(player)

    def stop(self) -> None:
        for process in (self._hum, self.server):
            _end(process)
        Path(self.socket).unlink(missing_ok=True)


def _end(process: Any) -> None:
    if process is not None:
        process.kill()
        process.wait(HANG)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def loudspeaker() -> Iterator[Loudspeaker]:
    """Start a server, and have the audio library of this process know it and no other."""
    require("pulseaudio")
    before = dict(os.environ)
    with without_sound():
        sounddevice()
    plugins = list(Path("/usr/lib").glob("**/alsa-lib/libasound_module_pcm_pulse.so"))
    if not (ALSA.exists() and plugins and shutil.which("pacat")):
        if "libasound2-plugins" in demanded():
            pytest.fail("ALSA's plug-in for PulseAudio is missing, and HEADRACE_REQUIRE names it", pytrace=False)
        pytest.skip("ALSA's plug-in for PulseAudio (libasound2-plugins) is not installed")
    folder = tempfile.mkdtemp(prefix="headrace-sound-")  # a short path: that of a socket may have 107 bytes
    speaker = Loudspeaker(folder)
    try:
        speaker.start()
        os.environ.update(speaker.env)
        _look_again()
        yield speaker
    finally:
        speaker.stop()
        os.environ.update(NOWHERE)
        _look_again()
        _restore(before)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def without_sound() -> Iterator[None]:
    """Have no server found, nor started."""
    before = dict(os.environ)
    os.environ.update(NOWHERE)
    try:
        yield
    finally:
        _restore(before)


def _restore(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)


def _look_again() -> None:
    sd = sounddevice()
    sd._terminate()
    sd._initialize()
