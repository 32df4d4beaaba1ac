"""Every public name has a type that all type checkers read alike, as pyright counts it for users' editors.

Measured on a copy, as a user's checker sees an installed package: inside the checkout pyright would follow our settings.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.require import demanded, require

PACKAGE = Path(__file__).parents[2] / "src" / "headrace"


def pyright(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    # Nothing is downloaded: node is there, and PYRIGHT_PYTHON_... could ask for another pyright than the installed one.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYRIGHT_PYTHON_")}
    env |= {"PYTHONPATH": str(folder), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    command = [sys.executable, "-m", "pyright", *args]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100)


def completeness(package: Path) -> dict[str, Any]:
    """What pyright says of a package with py.typed, third parties' types left aside."""
    python = ["--pythonpath", sys.executable]
    ran = pyright(package.parent, *python, "--verifytypes", package.name, "--ignoreexternal", "--outputjson")
    assert ran.returncode in (0, 1), ran.stdout[-2000:] + ran.stderr[-2000:]  # 1: something is missing
    found: dict[str, Any] = json.loads(ran.stdout)["typeCompleteness"]
    assert Path(found["packageRootDirectory"]).samefile(package), "another copy was measured"
    return found


def incomplete(found: dict[str, Any]) -> dict[str, str]:
    """Names without a type of their own, or with one that checkers may read differently, and what pyright says."""
    return {
        symbol["name"]: "; ".join(told["message"] for told in symbol["diagnostics"] if told["severity"] == "error")
        for symbol in found["symbols"]
        if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]
    }


@pytest.fixture(scope="module", autouse=True)
def _starts(tmp_path_factory: pytest.TempPathFactory) -> None:
    require("node")
    require("pyright")
    ran = pyright(tmp_path_factory.mktemp("empty"), "--version")
    if ran.returncode:
        leave = pytest.fail if "pyright" in demanded() else pytest.skip
        leave(f"pyright: it does not start: {(ran.stderr or ran.stdout).strip()[-200:]}")


def test_every_public_name_has_a_type_and_one_without_is_found(tmp_path: Path) -> None:
    """One look for both, since it takes pyright seconds: the module with names that have no type is put in the copy."""
    copy = tmp_path / "headrace"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "planted.py").write_text(
        "def untyped(x): return x\n"
        "class Counter:\n"
        "    right: int = 0\n"
        "    def __init__(self) -> None:\n"
        "        self.wrong = abs(1)\n"
    )
    found = completeness(copy)
    rooms = {path.parent.name for path in PACKAGE.glob("[!_]*/__init__.py")}
    assert {"core", "ops", "cli"} <= rooms
    assert rooms <= {module["name"].partition(".")[2] for module in found["modules"]}
    assert rooms <= {symbol["name"].split(".")[1] for symbol in found["symbols"]}
    without = incomplete(found)
    planted = {name for name in without if name.startswith("headrace.planted.")}
    assert {"headrace.planted.untyped", "headrace.planted.Counter.wrong"} <= planted
    assert "headrace.planted.Counter.right" not in planted
    assert {name: why for name, why in without.items() if name not in planted} == {}
    counts = found["exportedSymbolCounts"]
    assert counts["withAmbiguousType"] + counts["withUnknownType"] <= len(planted)
    assert counts["withKnownType"] > 1000
