"""`headrace record` and `headrace replay`: sessions from the command line, with keys of a real terminal as marks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from headrace.cli import main
from headrace.live.recording.session import Session

SYSTEMS = """
import threading, time
import numpy as np
import headrace.signals as s
from headrace.live.devices.threaded import Threaded
from headrace.live.sampler import Sampler
from headrace.live.sources import FunctionSource
from headrace.live.running.system import System
from headrace.live.tables import Table

sampler = Sampler({"x": lambda t: t}, sample_rate=200)
table = Table({"timestamp": np.arange(20.0), "x": np.arange(20)}, 3)
system = System(Sampler({"x": lambda t: 2 * t}, sample_rate=200), [s.Scale("x", name="twice", scale_factor=2.0)])

def made():
    return system

def wants(port):
    return system

def broken(t):
    if t > 0.1:
        raise OSError("unplugged")
    return t

class Absent(Threaded):
    def opened(self):
        raise OSError("no such sensor")

fails = Sampler({"x": broken}, sample_rate=200)
absent = Absent()
number = 3
graph = s.Graph([s.Scale("x", name="twice", scale_factor=2.0)])
given = []

def look(block):
    given.append(block["x"].tolist())

def complain(block):
    raise KeyError("no such song")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lab.py").write_text(SYSTEMS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "lab", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["system", "sampler", "made"])
def test_a_system_a_device_or_what_makes_one_is_recorded(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["record", f"lab.py:{name}", "s", "--seconds", "0.3", "--meta", "subject=7", "--meta", "who=A. B."]
    assert main(argv) == 0
    with Session("s") as session:
        rows = session.raw.n
        assert session.complete
        assert 20 <= rows <= 400
        assert (session.metadata["subject"], session.metadata["who"]) == (7, "A. B.")
        assert session.raw["x"][0] < 0.2, "from the first row on"
    assert capsys.readouterr().out == f"s: {rows} rows\n"


def test_a_source_that_ends_by_itself_is_recorded_whole(here: Path) -> None:
    assert main(["record", "lab.py:table", "s", "--quiet"]) == 0
    with Session("s") as session:
        assert session.raw["x"][:].tolist() == list(range(20))


def test_what_fails_under_way_is_told_and_what_came_before_is_kept(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", "lab.py:fails", "s"]) == 1
    told = capsys.readouterr().err
    assert "unplugged" in told
    with Session("s") as session:
        assert f"{session.raw.n} rows are kept in s" in told
        assert session.raw.n >= 10


@pytest.mark.parametrize("seconds", [[], ["--seconds", "60"]])
def test_a_disk_that_is_full_ends_it(
    seconds: list[str], here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import headrace.live.recording.container

    real = headrace.live.recording.container._write_all

    def write(fd: int, part: bytes) -> int:
        if os.fstat(fd).st_size > 4000 and b"ROWS" in bytes(part):
            raise OSError(28, "No space left on device")
        return real(fd, part)

    monkeypatch.setattr(headrace.live.recording.container, "_write_all", write)
    assert main(["record", "lab.py:system", "s", *seconds]) == 1
    told = capsys.readouterr().err
    assert "No space left on device" in told
    with Session("s") as session:
        assert f"{session.raw.n} rows are kept in s" in told
        assert session.raw.n > 0
        assert session.complete is False


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["lab.py:absent", "s"], 1, "no such sensor"),
        (["lab.py:number", "s"], 2, "is a int, wanted a System or a device"),
        (["lab.py:wants", "s"], 2, "wants port"),
        (["lab.py:nobody", "s"], 2, "has no 'nobody'"),
        (["lab.py:sytem", "s"], 2, "Did you mean 'system'?"),
        (["lab.py:graph", "s"], 2, "is a Graph, wanted a System or a device"),
        (["lab.py:system", "taken"], 2, "there is something already"),
        (["lab.py:system", "s", "--meta", "argv=1"], 2, "argv"),
        (["lab.py:system", "s", "--meta", "subject"], 2, "wanted NAME=VALUE"),
        (["lab.py:system", "s", "--seconds", "0"], 2, "wanted seconds"),
    ],
)
def test_what_cannot_begin_leaves_nothing(
    argv: list[str], code: int, told: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "taken").mkdir()
    assert main(["record", *argv]) == code
    assert told in capsys.readouterr().err
    assert not (here / "s").exists()


# --- in a terminal ------------------------------------------------------------------------------------


class Terminal:
    """The command in a terminal of its own, which a test types into."""

    def __init__(self, *argv: str) -> None:
        import pty

        self.fd, below = pty.openpty()
        command = [sys.executable, "-m", "headrace", *argv]
        self.process = subprocess.Popen(command, stdin=below, stdout=below, stderr=below, start_new_session=True)
        os.close(below)
        self.shown = ""

    def until(self, text: str) -> None:
        end = time.monotonic() + 60
        while text not in self.shown:
            assert time.monotonic() < end, self.shown
            self.shown += self.more()

    def more(self) -> str:
        try:
            return os.read(self.fd, 4096).decode()
        except OSError:  # nobody holds the other side any more
            return ""

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def end(self) -> int:
        while more := self.more():
            self.shown += more
        code = self.process.wait(60)
        os.close(self.fd)
        return code


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo terminal")
@pytest.mark.parametrize("how", ["signal", "key"])
def test_keys_are_marks(how: str, here: Path) -> None:
    terminal = Terminal("record", "lab.py:system", "s")
    terminal.until("press keys to mark")
    for key, name in (("a", "a"), (" ", "space"), ("\x1b[A", "up"), ("é", "é")):
        terminal.type(key)
        terminal.until(f"mark {name!r} at row")
    terminal.until("dropped")  # a line that says how it goes, each second
    if how == "signal":
        terminal.process.send_signal(signal.SIGINT)
    else:
        terminal.type("\x04")
    assert terminal.end() == 0, terminal.shown
    assert "rows, 4 marks" in terminal.shown
    with Session("s") as session:
        assert [mark.name for mark in session.marks] == ["a", "space", "up", "é"]
        rows = [mark.row for mark in session.marks]
        assert rows == sorted(rows)
        assert session.complete


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_that_is_stopped_early_says_so_and_is_complete(number: int, code: int, here: Path) -> None:
    command = [sys.executable, "-m", "headrace", "record", "lab.py:system", "s", "--seconds", "60"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "Ctrl-C ends" in process.stderr.readline()
        process.send_signal(number)
        process.stderr.read()
        assert process.wait(60) == code
    with Session("s") as session:
        assert session.complete


# --- replay -------------------------------------------------------------------------------------------


@pytest.fixture
def session(here: Path) -> Path:
    from headrace.live.recording.recorder import Recorder

    with Recorder("s", metadata={"subject": "A. B."}) as recorder:
        for i in range(5):
            recorder.write({"timestamp": 10 + np.arange(4) / 4 + i, "x": np.arange(4) + 4 * i})
            if i == 2:
                recorder.mark("stimulus", {"n": 3})
    return here / "s"


def test_a_session_is_summed_up(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "s"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("s: 20 rows in 4.750 s, 4 a second\n")
    assert "x                        int64 (20,)" in told
    assert 'stimulus = {"n": 3}' in told
    assert "row 12" in told
    assert 'subject: "A. B."' in told
    assert "closed" not in told


def test_one_that_was_cut_off_is_told(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = session / "raw_data.hrc"
    os.truncate(file, file.stat().st_size - 30)
    assert main(["replay", "s"]) == 0
    assert "it was not closed" in capsys.readouterr().out


def test_what_not_all_blocks_have_and_names_a_terminal_would_obey_are_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from headrace.live.recording.recorder import Recorder

    with Recorder("s") as recorder:
        recorder.write({"x": np.zeros(2)})
        recorder.write({"x": np.zeros(2), "late": np.zeros(2)})
        recorder.mark("\x1bOP")
        recorder.fail(OSError(28, "No space left on device"))
    assert main(["replay", "s"]) == 0
    told = capsys.readouterr().out
    assert "late                     in some of the blocks" in told
    assert "'\\x1bOP'" in told
    assert "\x1b" not in told
    assert "it is not complete, for it failed with OSError: [Errno 28] No space left on device" in told


def test_its_blocks_go_to_a_function(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "s", "--to", "lab.py:look", "--speed", "inf"]) == 0
    assert sys.modules["lab"].given == [list(range(4 * i, 4 * i + 4)) for i in range(5)]
    assert capsys.readouterr().out == "5 blocks, 20 rows\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_who_reads_the_lines_may_have_enough(here: Path) -> None:
    from headrace.live.recording.recorder import Recorder

    with Recorder("s") as recorder:
        for i in range(100):
            recorder.write({"x": np.arange(4)}, arrived=0.1 * i)
    command = [sys.executable, "-m", "headrace", "replay", "s", "--speed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("rows 0 to 4")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 141


def test_its_blocks_are_shown(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "s", "--speed", "1000"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "rows 4 to 8  11.000  timestamp, x"
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["s", "--to", "lab.py:complain"], 1, "no such song"),
        (["s", "--to", "lab.py:number"], 2, "wanted a function of a block"),
        (["s", "--speed", "0"], 2, "a number above 0"),
        (["nowhere"], 2, "is no session"),
        (["lab.py"], 2, "is no session: it is a file"),
        (["lab.py", "--speed", "2"], 2, "there is no session"),
        (["nowhere", "--speed", "2"], 2, "there is no session"),
    ],
)
def test_what_cannot_be_replayed(
    argv: list[str], code: int, told: str, session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", *argv]) == code
    assert told in capsys.readouterr().err


def test_damage_is_told_or_left_out(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = session / "raw_data.hrc"
    data = bytearray(file.read_bytes())
    at = data.index(np.arange(8, 12).tobytes())
    data[at] ^= 1
    file.write_bytes(data)
    assert main(["replay", "s", "--speed", "inf"]) == 1
    assert "block 2" in capsys.readouterr().err
    assert main(["replay", "s", "--speed", "inf", "--skip-damaged"]) == 0
    assert "4 blocks, 16 rows" in capsys.readouterr().out
    assert main(["replay", "s", "--skip-damaged"]) == 0
    assert "damaged: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sent", "pressed"),
    [
        ("ab\x1b[5~\x1b\x7f\x02", ["a", "b", "page_up", "escape", "backspace", "ctrl-b"]),
        ("\x1bOP\x1bOS\x1b[15~\x1b[24~\x1b[[A", ["f1", "f4", "f5", "f12", "f1"]),
        ("\x1bOA\x1b[2~\x1b[Z\x00\x1f", ["up", "insert", "shift-tab", "ctrl-space", "ctrl-_"]),
        ("\x1b[1;5C\x1b[1;2P\x1b[3;3~\x1b[15;6~", ["ctrl-right", "shift-f1", "alt-delete", "ctrl-shift-f5"]),
        ("\x1b[99~\x1b[1;5X\x9b\u202ea", ["key [99~", "key [1;5X", "\\x9b", "\\u202e", "a"]),
    ],
)
def test_names_of_keys(sent: str, pressed: list[str]) -> None:
    from headrace.cli.keys import names

    assert names(sent) == pressed
    assert all(name.isprintable() for name in names(sent))
