"""The command as a whole: help, versions, mistakes, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import headrace
from headrace.cli import VERBS, main

TARGET = "demo_streams.py"


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"headrace {headrace.__version__}\n"
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(verb in told for verb in VERBS)
    assert main([]) == 2


@pytest.mark.parametrize("verb", ["run", "peek", "describe", "doctor", "sweep", "harvest"])
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert f"headrace {verb}" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, json; from headrace.cli import main; main(['--help']); main(['run', '--help']); "
        "main(['sweep', '--help']); main(['harvest', 'export', '--help'])\n"
        "print('\\n' + json.dumps([m for m in ('numpy', 'xarray', 'pandas', 'zarr', 'pyarrow', 'tqdm') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize(
    "argv", [["frob"], ["run"], ["run", "x:y"], ["peek", "x:y", "--n", "many"], ["--frob"]], ids=str
)
def test_mistakes_are_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    told = capsys.readouterr()
    assert told.err
    assert not told.out
    assert "Traceback" not in told.err


def test_a_mistake_is_one_message_and_a_traceback_only_on_demand(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["peek", f"{TARGET}:nope"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("headrace: demo_streams.py has no 'nope'.")
    assert "Traceback" not in told
    assert main(["peek", f"{TARGET}:nope", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_the_module_and_the_script_are_one_command(command: object, here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "peek", f"{TARGET}:values"],
        cwd=here,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("item 0")


def test_a_reader_that_leaves_early_is_no_error(here: Path) -> None:
    line = f"{sys.executable} -m headrace peek {TARGET}:counting --n 100000 | head -1"
    done = subprocess.run(["bash", "-c", line], cwd=here, capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == "item 0\n"
    assert done.stderr == ""


# --- peek, describe, doctor ---------------------------------------------------------------------


def test_peek_shows_shapes_and_values(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peek", f"{TARGET}:stream", "--n", "2", "--seed", "7"]) == 0
    told = capsys.readouterr().out
    assert told.count("item ") == 2
    assert "float32 (2, 3)" in told
    assert "name  str" in told
    assert main(["peek", f"{TARGET}:stream", "--n", "1", "--seed", "7", "--at", "1"]) == 0
    assert capsys.readouterr().out == told[told.index("item 1") :]


def test_peek_says_where_the_stream_ends(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peek", f"{TARGET}:values", "--n", "5"]) == 0
    assert capsys.readouterr().out.endswith("the stream ended after 3 items\n")
    assert main(["peek", f"{TARGET}:values", "--n", "0"]) == 0
    assert capsys.readouterr().out == ""


def test_peek_passes_on_the_users_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peek", f"{TARGET}:fragile", "--at", "19"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("item 19")
    assert "KeyError: 'no such song'" in told.err
    assert "item 20 of root/map" in told.err
    assert "broken at demo_streams.py:" in told.err
    assert "Traceback" not in told.err


def test_describe_prints_the_tree_and_the_fingerprint(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from headrace.cli.target import find_stream

    assert main(["describe", f"{TARGET}:fragile"]) == 0
    told = capsys.readouterr().out
    stream = find_stream(f"{TARGET}:fragile")
    assert told == f"{stream}\nfingerprint {stream.fingerprint}\n"
    assert "broken takes no rng" in told


def test_describe_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", f"{TARGET}:batches", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["size"] == 15
    assert told["resume"] == "exact"
    assert told["children"][0]["children"][0]["line"].startswith("map(")
    assert main(["describe", f"{TARGET}:endless", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == "endless"


def test_doctor_says_what_works_and_how_to_get_the_rest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.metadata

    from headrace.cli import doctor

    lines = [
        "numpy>=1.26",
        'no-such-package>=1; extra == "video"',
        'numpy>=1.26; extra == "frames"',
        'x; extra == "dev"',
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: lines)
    assert doctor.extras() == {"frames": ["numpy"], "video": ["no-such-package"]}
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "frames: works" in told
    assert "video: pip install 'headrace[video]'" in told
    assert "no-such-package is not installed" in told
    assert "does not work" not in told
    assert told.count(": ok") == 5


def test_doctor_tells_a_broken_package_from_a_missing_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.metadata

    from headrace.cli import doctor

    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ['numpy; extra == "video"'])
    monkeypatch.setitem(doctor._MODULES, "numpy", "headrace.no_such_module")
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "video: is broken" in told
    assert "does not import: ModuleNotFoundError" in told
