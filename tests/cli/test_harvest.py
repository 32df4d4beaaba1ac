"""`headrace harvest`: it looks and changes nothing, and says what a disk has damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from headrace.cli import main
from headrace.store import ledger_db, ledger_lock
from headrace.sweeps import Harvester, Runner
from support.require import require

require("xarray")


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def harvester(name: str) -> Harvester:
    made = Harvester(Runner(lambda a: float(a), "y", verbosity=0), name)
    made.harvest_combos({"a": range(100)})
    return made


def test_status_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    require("h5netcdf")
    harvester("foo.h5").ledger.close()
    os.remove("foo.h5")
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert main(["harvest", "status", "foo.h5"]) == 0
    assert "points     100" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_status_from_another_host(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a network file system one host writes; any may look."""
    monkeypatch.setattr(ledger_db, "is_far", lambda path: True)
    there = harvester("foo")
    monkeypatch.setattr(ledger_lock, "host", lambda: "login-node")
    assert main(["harvest", "status", "foo"]) == 0
    assert "points     100" in capsys.readouterr().out
    there.ledger.close()


def test_what_is_damaged_is_named_and_given_up_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    harvester("foo").ledger.close()
    assert main(["harvest", "check", "foo"]) == 0
    assert capsys.readouterr().out == "foo is whole\n"
    file = Path("foo/ledger.db")
    data = bytearray(file.read_bytes())
    data[data.rindex(np.float64(50).tobytes()) + 3] ^= 4
    file.write_bytes(data)
    assert main(["harvest", "check", "foo"]) == 1
    assert " at a=50: " in capsys.readouterr().out
    assert main(["harvest", "check", "foo", "--salvage"]) == 0
    assert "--resume runs the rest again" in capsys.readouterr().out
    assert main(["harvest", "check", "foo"]) == 0
    assert len(Harvester(Runner(lambda a: float(a), "y", verbosity=0), "foo").table) == 99
