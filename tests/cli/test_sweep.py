"""`headrace sweep` and `headrace harvest`: points, resuming, interruptions, messages and exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from headrace.cli import main
from headrace.store import save_ds
from headrace.sweeps import Harvester, Runner
from support.require import require

FUNCTIONS = """
import sys
import time
from pathlib import Path

import numpy as np

from headrace.sweeps import label


def score(noise, n, kind="plain", *, rng):
    return float(rng.normal(scale=noise)) + n


def both(a, b):
    return a + b, a * b


def named(a):
    return {"x": a, "square": a * a}


def curve(a):
    return a * np.arange(3.0), a


def counted(a):
    with Path("calls.txt").open("a") as file:
        file.write(f"{a}\\n")
    return 10 * a


def fails(a):
    if a == 3:
        raise ValueError("no three")
    return a


def slow(a):
    time.sleep(0.02)
    return a


def leaves(a):
    if a == 2:
        sys.exit(5)
    return a


def ragged(a):
    return a, [a, a]


@label(var_names=["sum", "difference"])
def labelled(a, b):
    return a + b, a - b


number = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "swept_functions.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "swept_functions", raising=False)
    return tmp_path


def sweep(name: str, *argv: str) -> int:
    return main(["sweep", f"swept_functions.py:{name}", *argv, "--quiet"])


def table(where: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = Harvester(Runner(lambda: None, None), where).table.to_dict("list")
    return found


def test_every_combination_is_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("both", "--combo", "a=1..2", "--combo", "b=0.5,x", "--out", "foo", "--returns", "sum,product") == 1
    assert "while calling both(a=1, b='x')" in capsys.readouterr().err
    assert table("foo") == {"a": [1], "b": [0.5], "sum": [1.5], "product": [0.5]}
    assert sweep("both", "--combo", "a=1..2", "--combo", "b=0.5,2", "--out", "foo", "--returns", "sum,product", "--resume") == 0  # fmt: skip
    assert capsys.readouterr().out == "foo: 4 points, 1 of them from before\n"
    assert table("foo")["product"] == [0.5, 2, 1.0, 4]


def test_random_numbers_are_those_of_the_point(here: Path) -> None:
    combos = ("--combo", "noise=0:1:3", "--combo", "n=1,10")
    assert sweep("score", *combos, "--out", "one", "--seed", "3") == 0
    assert sweep("score", *combos, "--out", "two", "--seed", "3", "--shuffle", "--executor", "threads", "--workers", "2") == 0  # fmt: skip
    assert sweep("score", *combos, "--out", "three", "--seed", "4") == 0

    def by_point(where: str) -> dict[Any, float]:
        found = table(where)
        return dict(zip(zip(found["noise"], found["n"], strict=True), found["score"], strict=True))

    assert by_point("one") == by_point("two")
    assert by_point("one") != by_point("three")


def test_processes_find_the_functions_of_the_file(here: Path) -> None:
    assert (
        sweep("both", "--combo", "a=1..4", "--combo", "b=1", "--out", "foo", "--returns", "s,p", "--workers", "2") == 0
    )
    assert sorted(table("foo")["s"]) == [2, 3, 4, 5]


def test_only_what_is_missing_is_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls = Path("calls.txt")
    assert sweep("counted", "--combo", "a=1..3", "--out", "foo") == 0
    calls.unlink()
    assert sweep("counted", "--combo", "a=1..3", "--out", "foo") == 2
    assert "--resume" in capsys.readouterr().err
    assert not calls.exists()
    assert sweep("counted", "--combo", "a=1..3", "--out", "foo", "--missing-only") == 0
    assert capsys.readouterr().out == "foo: 3 points, nothing was missing\n"
    assert not calls.exists()
    assert sweep("counted", "--combo", "a=2..5", "--out", "foo", "--resume") == 0
    assert calls.read_text().split() == ["4", "5"]
    calls.unlink()
    assert sweep("counted", "--combo", "a=5", "--out", "foo", "--overwrite") == 0
    assert calls.read_text().split() == ["5"]
    assert len(table("foo")["a"]) == 5


def test_all_that_are_known(here: Path) -> None:
    assert sweep("both", "--combo", "a=1", "--combo", "b=3,4", "--out", "foo", "--returns", "s,p") == 0
    assert sweep("both", "--combo", "a=2", "--combo", "b=...", "--out", "foo", "--returns", "s,p", "--resume") == 0
    assert table("foo")["b"] == [3, 4, 3, 4]


def test_cases_and_constants(here: Path) -> None:
    Path("cases.csv").write_text("a,b\n1,5\n2,6\n")
    assert sweep("labelled", "--cases", "cases.csv", "--out", "foo") == 0
    assert table("foo") == {"a": [1, 2], "b": [5, 6], "sum": [6, 8], "difference": [-4, -4]}
    assert sweep("labelled", "--combo", "a=1..2", "--constant", "b=7", "--out", "bar") == 0
    assert table("bar") == {"a": [1, 2], "sum": [8, 9], "difference": [-6, -5]}


@pytest.mark.parametrize(("argv", "file"), [(["--out", "foo.h5"], "foo.h5"), (["--out", "foo", "--format", "zarr"], "foo.zarr")])  # fmt: skip
def test_datasets(argv: list[str], file: str, here: Path) -> None:
    require("zarr" if file.endswith("zarr") else "h5netcdf")
    from headrace.store import load_ds

    assert sweep("curve", "--combo", "a=1..2", "--returns", "curve[t],a_again", *argv) == 0
    ds = load_ds(file)
    assert ds["curve"].dims == ("a", "t")
    assert ds["curve"].values.tolist() == [[0, 1, 2], [0, 2, 4]]
    assert sweep("named", "--combo", "a=1..3", "--returns", "-", "--out", "named" + Path(file).suffix) == 0
    assert load_ds("named" + Path(file).suffix)["square"].values.tolist() == [1, 4, 9]


def test_errors_can_be_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("fails", "--combo", "a=1..5", "--out", "foo", "--on-error", "keep") == 0
    assert capsys.readouterr().out == "foo: 4 points; 1 call failed: see headrace harvest status foo\n"
    assert main(["harvest", "status", "foo"]) == 0
    told = capsys.readouterr().out
    assert "points     4, 1 of 5 places" in told
    assert "failed at  a=3: ValueError: no three" in told
    assert "Traceback" not in told


def test_an_error_tells_how_to_go_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("fails", "--combo", "a=1..5", "--out", "foo") == 1
    told = capsys.readouterr().err
    assert "ValueError: no three" in told
    assert "2 points are kept in foo" in told
    assert "--out foo --quiet --resume" in told
    assert "Traceback" not in told
    Path("swept_functions.py").write_text(FUNCTIONS.replace("a == 3", "a == 30"))
    command = ["sweep", "swept_functions.py:fails", "--combo", "a=1..5", "--out", "foo", "--quiet", "--resume"]
    done = subprocess.run([sys.executable, "-m", "headrace", *command], capture_output=True, text=True, check=True)
    assert done.stdout == "foo: 5 points, 2 of them from before\n"
    assert "warning" in done.stderr  # the code is another


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["both", "--out", "foo"], "no --combo and no --cases"),
        (["both", "--combo", "a=1"], "no --out"),
        (["nothing", "--combo", "a=1", "--out", "foo"], "has no 'nothing'"),
        (["number", "--combo", "a=1", "--out", "foo"], "is a int, wanted a function"),
        (["both", "--combo", "a", "--out", "foo"], "wanted NAME=VALUES"),
        (["both", "--combo", "a=1,1", "--combo", "b=1", "--out", "foo"], "twice"),
        (["labelled", "--combo", "a=1", "--combo", "b=1", "--out", "foo", "--returns", "x"], "wanted one of them"),
        (["both", "--combo", "a=1", "--out", "foo.h5", "--format", "zarr"], "two things"),
        (["both", "--combo", "a=1", "--combo", "b=1", "--out", "foo", "--executor", "nobody"], "nobody"),
        (["both", "--cases", "none.csv", "--out", "foo"], "cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_refusals_are_two_and_keep_nothing(
    argv: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(*argv) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert not told.out
    assert not (here / "foo" / "ledger.db").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("workers", [[], ["--workers", "2"]], ids=["here", "processes"])
def test_a_signal_keeps_what_was_run(number: int, code: int, workers: list[str], here: Path) -> None:
    command = ["sweep", "swept_functions.py:slow", "--combo", "a=1..3000", "--out", "foo", "--quiet", *workers]
    process = subprocess.Popen(
        [sys.executable, "-m", "headrace", *command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    database = here / "foo" / "ledger.db"
    for _ in range(3000):
        if database.exists() and kept() > 0:
            break
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    match = re.search(r"(\d+) points are kept in foo", err)
    assert match, err
    assert int(match[1]) == kept() > 0
    assert not out
    assert "Traceback" not in err


def kept() -> int:
    from headrace.store.ledger import Ledger

    try:
        with Ledger("foo", readonly=True) as ledger:
            return ledger.totals.rows
    except Exception:  # being made
        return 0


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["here", "processes"])
def test_a_function_that_leaves_python(
    workers: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep("leaves", "--combo", "a=1..3", "--out", "foo", *workers) == 1
    told = capsys.readouterr().err
    assert "the function left Python (sys.exit(5)), which ended the sweep" in told
    assert "while calling leaves(a=2)" in told
    assert sweep("leaves", "--combo", "a=1..3", "--out", "foo", "--resume", "--on-error", "keep", *workers) == 0
    assert table("foo")["a"] == [1, 3] or set(table("foo")["a"]) == {1, 3}
    assert "1 call failed" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_an_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("ragged", "--combo", "a=1,2", "--out", "foo.h5") == 1
    assert "parts of several shapes" in capsys.readouterr().err
    assert not Path("foo.h5").exists()


def test_an_export_says_what_it_has_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("counted", "--combo", "a=1,2", "--out", "foo") == 0
    capsys.readouterr()
    assert main(["harvest", "export", "foo", "bar"]) == 0
    assert capsys.readouterr().out == "bar.h5 has the 2 points of foo\n"
    assert Path("bar.h5").is_file()
    assert main(["harvest", "export", "foo", "bar.txt"]) == 2
    assert "wanted a file of a known kind" in capsys.readouterr().err
    assert not list(Path().glob("bar.txt*"))


def test_a_constant_that_is_swept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("both", "--combo", "a=1", "--combo", "b=1", "--constant", "a=2", "--out", "foo") == 2
    assert "'a' among those that vary and in constants" in capsys.readouterr().err


def test_no_advice_to_repeat_a_mistake(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("score", "--combo", "noise=1", "--combo", "n=1", "--out", "foo") == 0
    assert sweep("score", "--combo", "noise=1", "--constant", "kind=x", "--out", "foo", "--resume") == 2
    assert "Go on with" not in capsys.readouterr().err
    assert sweep("score", "--combo", "noise=1", "--combo", "n=1", "--out", "foo", "--resume", "--overwrite") == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["foo.h5", "foo.zarr"])
def test_a_file_that_was_touched_is_exported(file: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("curve", "--combo", "a=1,2", "--out", file, "--returns", "c[t],n") == 0
    xr = require("xarray")
    ds = Harvester(Runner(lambda a: a, ["c", "n"], var_dims={"c": "t"}), file).full_ds
    save_ds(xr.concat([ds, ds.isel(a=[0]).assign_coords(a=[9])], "a"), file)
    os.utime(file, (1, 1))
    assert main(["harvest", "export", file, "out.csv"]) == 0
    assert "Traceback" not in capsys.readouterr().err
    assert len(Path("out.csv").read_text().splitlines()) == 4  # the names, two points, and that of the file


def test_status_and_export(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require("h5netcdf")
    assert sweep("both", "--combo", "a=1..9", "--combo", "b=x,y", "--out", "foo", "--returns", "s,p") == 1
    assert sweep("both", "--combo", "a=1..9", "--combo", "b=1.5", "--out", "foo", "--returns", "s,p", "--resume") == 0
    capsys.readouterr()
    assert main(["harvest", "status", "foo"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("foo\n  points     9\n")
    assert "a: 9 values: 1, 2, 3, 4, ..., 9" in told
    assert "b: 1 value: 1.5" in told
    assert "results    s, p" in told
    assert main(["harvest", "status", "foo", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["points"], found["failed"], found["cells"], found["arguments"]["b"]) == (9, 0, 9, [1.5])
    assert main(["harvest", "export", "foo", "foo.h5"]) == 0
    assert capsys.readouterr().out == "foo.h5 has the 9 points of foo\n"
    from headrace.store import load_ds

    assert load_ds("foo.h5")["s"].sel(a=9, b=1.5) == 10.5
    assert main(["harvest", "export", "foo", "foo.csv"]) == 0
    assert Path("foo.csv").read_text().splitlines()[:2] == ["a,b,s,p", "1,1.5,2.5,1.5"]


def test_there_is_no_such_harvest(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["status", "none"], ["export", "none", "none.h5"]):
        assert main(["harvest", *argv]) == 2
        assert "there is no harvest none" in capsys.readouterr().err
    assert not Path("none").exists()
    assert main(["harvest"]) == 2


@pytest.mark.parametrize("argv", [["sweep"], ["harvest"], ["harvest", "status"], ["harvest", "export"]], ids=" ".join)
def test_help(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*argv, "--help"]) == 0
    assert " ".join(argv) in capsys.readouterr().out


def test_progress_is_shown(here: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "headrace",
        "sweep",
        "swept_functions.py:fails",
        "--combo",
        "a=7..9",
        "--out",
        "foo",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert "3 of 3 calls" in done.stderr
    assert done.stdout == "foo: 3 points\n"
