"""`headrace run`: datasets, resuming, interruptions, messages and exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.cli import main
from headrace.cli.progress import Progress
from headrace.store import read
from support.require import require

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TARGET = "demo_streams.py"


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def wait_for(path: Path) -> None:
    for _ in range(5000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["--to", "out"], "npz"),
        (["--to", "out.zarr"], "zarr"),
        (["--to", "out.parquet"], "parquet"),
        (["--to", "out", "--format", "zarr"], "zarr"),
        (["--to", "deep/er/out.npz"], "npz"),
    ],
)
def test_writes_a_dataset(arguments: list[str], kind: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if kind != "npz":
        require({"zarr": "zarr", "parquet": "pyarrow"}[kind])
    assert main(["run", f"{TARGET}:stream", *arguments, "--seed", "7", "--limit", "30"]) == 0
    assert capsys.readouterr().out == f"{arguments[1]} is complete: 30 rows\n"
    data = read(arguments[1])
    assert (data.kind, len(data), data.about["seed"]) == (kind, 30, 7)


def test_batches_are_stored_as_rows_and_limit_counts_rows(here: Path) -> None:
    assert main(["run", f"{TARGET}:batches", "--to", "a", "--seed", "7", "--limit", "30"]) == 0
    assert main(["run", f"{TARGET}:batches", "--to", "b", "--seed", "7", "--limit", "2", "--no-batches"]) == 0
    assert read("a")[0]["X"].shape == (2, 3)
    assert read("b")[0]["X"].shape == (7, 2, 3)


def test_resume_is_told_and_idempotent(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = ["run", f"{TARGET}:stream", "--to", "out", "--seed", "7", "--limit", "30", "--part", "8"]
    assert main([*first, "--resume"]) == 0  # nothing there yet: a beginning
    capsys.readouterr()
    before = files(Path("out"))
    assert main([*first, "--resume"]) == 0
    assert capsys.readouterr().out == "out is complete already: 30 rows\n"
    assert main(["run", f"{TARGET}:stream", "--to", "out", "--resume"]) == 0
    assert files(Path("out")) == before
    capsys.readouterr()
    assert main(["run", f"{TARGET}:stream", "--to", "out", "--resume", "--limit", "40"]) == 0
    assert capsys.readouterr().out == "out is complete: 40 rows, 30 of them from before\n"
    assert main(["run", f"{TARGET}:stream", "--to", "out", "--resume", "--limit", "inf"]) == 0
    assert capsys.readouterr().out == "out is complete: 100 rows, 40 of them from before\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stream", "--to", "used"], "not empty"),
        (["stream", "--to", "mine", "--resume"], "not a dataset"),
        (["batches", "--to", "used", "--resume"], "no node batch"),
        (["stream", "--to", "cut", "--resume", "--seed", "8"], "begun with seed 7, this run got seed 8"),
        (["batches", "--to", "cut", "--resume", "--limit", "50"], "no node batch"),
        (["stream", "--to", "cut", "--resume", "--limit", "3"], "has 30 rows already"),
        (["stream", "--to", "cut", "--resume", "--format", "parquet"], "of kind 'npz'"),
        (["once", "--to", "new"], "--no-resume"),
        (["endless", "--to", "new"], "--limit"),
        (["stream", "--to", "new", "--limit", "-1"], "whole number"),
        (["stream", "--to", "new", "--limit", "many"], "no number of rows"),
        (["stream", "--to", "new", "--resume", "--no-resume"], "not allowed with"),
        (["stream", "--to", "demo_streams.py"], "is a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_refusals_are_two_and_touch_nothing(
    arguments: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require("pyarrow")
    assert main(["run", f"{TARGET}:stream", "--to", "used"]) == 0
    assert main(["run", f"{TARGET}:stream", "--to", "cut", "--seed", "7", "--limit", "30"]) == 0
    Path("mine").mkdir()
    Path("mine/letter.txt").write_text("mine")
    before = files(here)
    capsys.readouterr()
    assert main(["run", f"{TARGET}:{arguments[0]}", *arguments[1:]]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert not told.out
    assert {k: v for k, v in files(here).items() if "__pycache__" not in k} == {
        k: v for k, v in before.items() if "__pycache__" not in k
    }


def test_a_stream_that_cannot_resume_can_be_saved_in_one_go(here: Path) -> None:
    assert main(["run", f"{TARGET}:once", "--to", "out", "--no-resume"]) == 0
    assert len(read("out")) == 10


def test_an_error_of_the_users_is_one_and_can_be_mended(command: Run, here: Path) -> None:
    failed = command("run", f"{TARGET}:fragile", "--to", "out", "--seed", "7")
    assert failed.returncode == 1
    assert "KeyError: 'no such song'" in failed.stderr
    assert "item 20 of root/map" in failed.stderr
    assert "broken at demo_streams.py:" in failed.stderr
    assert "20 rows are kept in out" in failed.stderr
    assert f"headrace run {TARGET}:fragile --to out --seed 7 --resume" in failed.stderr
    assert "Traceback" not in failed.stderr
    debug = command("run", f"{TARGET}:fragile", "--to", "out", "--resume", "--debug")
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr
    source = (here / TARGET).read_text()
    (here / TARGET).write_text(source.replace("if i == 20", "if i == 20_000"))
    done = command("run", f"{TARGET}:fragile", "--to", "out", "--resume")
    assert done.returncode == 0
    assert "warning: the code of a function" in done.stderr
    assert read(here / "out").columns()["i"].tolist() == list(range(40))


def test_items_that_do_not_fit_are_one(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", f"{TARGET}:ragged", "--to", "out"]) == 1
    told = capsys.readouterr().err
    assert "field 'X'" in told
    assert "shape (3,) at row 1" in told


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_keeps_everything_and_says_how_to_go_on(
    number: int, code: int, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", f"{TARGET}:slowly", "--to", "out", "--limit", "300", "--part", "16"]
    with subprocess.Popen(
        [sys.executable, "-m", "headrace", *words], cwd=here, stderr=subprocess.PIPE, text=True
    ) as run:
        wait_for(here / "out" / "part-000001.npz")
        run.send_signal(number)
        _, told = run.communicate(timeout=60)
    assert run.returncode == code
    assert "Traceback" not in told
    kept = len(read(here / "out", partial=True))
    assert 32 <= kept < 300
    assert f"{kept} rows are kept in out" in told
    assert f"headrace run {TARGET}:slowly --to out --limit 300 --part 16 --resume" in told
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the rest need not be slow
    assert main([*words, "--resume", "--quiet"]) == 0
    assert read(here / "out").columns()["i"].tolist() == list(range(300))
    assert main([*words[:3], "whole", *words[4:], "--quiet"]) == 0
    a, b = files(here / "out"), files(here / "whole")
    assert {k: v for k, v in a.items() if "part" in k} == {k: v for k, v in b.items() if "part" in k}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_second_signal_stops_at_once(here: Path) -> None:
    (here / "stuck_stream.py").write_text(
        "import time, pathlib\ndef items():\n    yield 1\n    pathlib.Path('stuck').touch()\n    time.sleep(600)\n"
    )
    words = ["run", "stuck_stream.py:items", "--to", "out", "--save-every", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "headrace", *words], cwd=here, stderr=subprocess.PIPE, text=True
    ) as run:
        wait_for(here / "stuck")
        run.send_signal(signal.SIGINT)
        assert run.stderr is not None
        assert run.stderr.readline() == "\n"
        assert "once more stops at once" in run.stderr.readline()
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in told
    assert "1 rows are kept" in told


def test_a_second_run_on_one_folder_is_refused_by_its_number(command: Run, here: Path) -> None:
    words = [sys.executable, "-m", "headrace", "run", f"{TARGET}:slowly", "--to", "out"]
    with subprocess.Popen(words, cwd=here, stderr=subprocess.DEVNULL) as first:
        try:
            wait_for(here / "out" / "_progress.json")
            second = command("run", f"{TARGET}:slowly", "--to", "out", "--resume")
            assert second.returncode == 2
            assert f"is being written by process {first.pid}" in second.stderr
        finally:
            first.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_full_disk_is_one_and_costs_nothing(here: Path) -> None:
    """A limit on the size of files stands for a full disk: the write fails in the same place."""
    words = ["run", f"{TARGET}:stream", "--seed", "7", "--part", "80", "--save-every", "0"]
    code = (
        "import resource, sys; from headrace.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2500, resource.RLIM_INFINITY))\n"
        f"sys.exit(main({[*words, '--to', 'out']!r}))"
    )
    full = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=here, capture_output=True, text=True, check=False, timeout=100
    )
    assert full.returncode == 1, full.stderr
    assert "could not write out/" in full.stderr
    assert "Traceback" not in full.stderr
    assert main([*words, "--to", "out", "--resume"]) == 0
    assert main([*words, "--to", "whole"]) == 0
    assert files(here / "out") == files(here / "whole")


# --- progress -----------------------------------------------------------------------------------


def test_a_log_gets_lines_and_quiet_gets_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from headrace.cli import progress

    monkeypatch.setattr(progress, "LOG_EVERY", 0.0)
    Progress(lambda: 100, quiet=True)(50)
    assert capsys.readouterr().err == ""
    shown = Progress(lambda: 100, done=10)
    time.sleep(0.01)
    shown(50)
    told = capsys.readouterr().err
    assert told.startswith("headrace: 50 of 100 rows, ")
    assert told.endswith(" left\n")


def test_a_person_gets_a_bar(here: Path) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "headrace", "run", f"{TARGET}:slowly", "--to", "out", "--limit", "100"]
    with subprocess.Popen(words, cwd=here, stderr=theirs, stdout=subprocess.DEVNULL) as run:
        os.close(theirs)
        told = b""
        try:
            while more := os.read(ours, 4096):
                told += more
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert run.returncode == 0
    assert b"100/100" in told
    assert b"rows/s" in told
    assert b"%" in told
