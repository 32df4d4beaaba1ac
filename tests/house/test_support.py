"""The helpers of the tests do what the tests rely on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from parallel.left import none_alive
from support.counts import heavy
from support.require import require
from support.warm import ran


def test_require_gives_the_module() -> None:
    assert require("json").dumps([1]) == "[1]"
    assert require("os.path") is os.path


def test_require_skips_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no_such_package: the package is not installed"):
        require("no_such_package.part")


def test_require_fails_for_what_is_demanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_REQUIRE", "json, no_such_package,graphviz")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="HEADRACE_REQUIRE names it"):
        require("no_such_package")
    with pytest.raises(pytest.fail.Exception, match="graphviz: the program is not on PATH"):
        require("graphviz")


def test_heavy_counts_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_SOAK", raising=False)
    assert [heavy(n) for n in (1, 49, 50, 1000)] == [1, 1, 1, 20]
    monkeypatch.setenv("HEADRACE_SOAK", "1")
    assert heavy(1000) == 1000


# --- interpreters that are forked ---------------------------------------------------------------

SCRIPT = """
import os, signal, sys, time
sys.modules["of an earlier one"] = sys
if sys.argv[1] == "tells":
    print([__name__, sys.argv[1:], os.getcwd(), os.environ.get("ASKED"), sys.stdin.read(), "json" in sys.modules])
    print("aside", file=sys.stderr)
    sys.exit(5)
elif sys.argv[1] == "fresh":
    sys.exit("of an earlier one" in list(sys.modules)[:-1])
elif sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
elif sys.argv[1] == "hangs":
    open("hangs", "w").write(str(os.getpid()))
    time.sleep(600)
elif sys.argv[1] == "fails":
    raise KeyError("mine")
"""


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    (tmp_path / "script.py").write_text(SCRIPT)
    return [sys.executable, str(tmp_path / "script.py")]


def test_what_is_forked_is_a_process_as_any_other(script: list[str], tmp_path: Path) -> None:
    command = [*script, "tells", "me"]
    env = {**os.environ, "ASKED": "so"}
    for _ in range(2):
        mine = ran(command, "json", cwd=tmp_path, env=env, input=b"given")
        assert mine.returncode == 5
        assert mine.stdout.decode() == f"{['__main__', ['tells', 'me'], str(tmp_path), 'so', 'given', True]}\n"
        assert mine.stderr == b"aside\n"
    other = subprocess.run(command, cwd=tmp_path, env=env, input=b"given", capture_output=True, check=False)
    assert (other.returncode, other.stderr) == (mine.returncode, mine.stderr)
    assert other.stdout.replace(b"False]", b"True]") == mine.stdout


def test_it_knows_nothing_of_those_before_it_and_ends_as_they_do(script: list[str], tmp_path: Path) -> None:
    assert [ran([*script, "fresh"], "json").returncode for _ in range(2)] == [0, 0]
    assert ran([*script, "killed"], "json").returncode == -9
    failed = ran([*script, "fails"], "json")
    assert failed.returncode == 1
    assert b"Traceback" in failed.stderr
    assert b"KeyError: 'mine'" in failed.stderr


def test_one_that_hangs_is_ended_and_the_next_runs(script: list[str], tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        ran([*script, "hangs"], "json", cwd=tmp_path, timeout=1)
    assert none_alive({int((tmp_path / "hangs").read_text())})
    assert ran([*script, "fresh"], "json").returncode == 0
