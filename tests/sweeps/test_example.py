"""The example with real digits: a larger working set learns more, noise costs accuracy; the same from the command line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.cli import main
from support.require import require

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_sweep.py"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    require("sklearn")
    spec = importlib.util.spec_from_file_location("digits_sweep", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "digits_sweep", module)
    spec.loader.exec_module(module)
    return module


def test_working_sets_and_noise(example: Any) -> None:
    ds = example.score.run_combos(
        {"noise": [0.0, 8.0], "n_active": [1, 10], "learning_rate": [1e-3, 1e-2]}, verbosity=0
    )
    best = ds["accuracy"].max("learning_rate")
    assert best.sel(noise=0.0, n_active=10) > best.sel(noise=0.0, n_active=1) + 0.1
    assert best.sel(noise=0.0, n_active=10) > best.sel(noise=8.0, n_active=10) + 0.1
    assert ds["recall"].dims == ("noise", "n_active", "learning_rate", "digit")


def test_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require("sklearn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "digits_sweep", raising=False)
    combos = ["--combo", "noise=0", "--combo", "n_active=10", "--combo", "learning_rate=1e-3:1e-2:2:log"]
    assert main(["sweep", f"{EXAMPLE}:score", *combos, "--out", "digits", "--quiet"]) == 0
    assert main(["harvest", "status", "digits"]) == 0
    assert "results    accuracy, recall" in capsys.readouterr().out
    sys.modules.pop("digits_sweep", None)
