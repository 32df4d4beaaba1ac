"""What cannot be kept is noticed before the first call: it may take an hour."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import SinkError, StreamConfigError
from headrace.sweeps import Harvester, Runner, Sampler
from support.require import require

require("xarray")
require("pandas")

calls: list[Any] = []


def called(a: Any) -> int:
    calls.append(a)
    return 1


@pytest.fixture(autouse=True)
def _anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    monkeypatch.chdir(tmp_path)


def runner() -> Runner:
    return Runner(called, "y", verbosity=0)


def barred(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Take the right to write in a folder away: from root, too, who has it everywhere."""
    real, where = os.access, place.resolve()
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode, **more: real(path, mode, **more) and not (mode & os.W_OK and Path(path).resolve() == where),
    )


@pytest.mark.parametrize("there", [False, True], ids=["new", "begun"])
@pytest.mark.parametrize("name", ["foo", "foo.h5", "deep/er/foo"])
def test_a_folder_that_cannot_be_written(name: str, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    where = Path(".")
    if there:
        Harvester(runner(), name).harvest_combos({"a": [1]})
        where = Path(name if "." not in name else f"{name}.ledger")
    barred(monkeypatch, where)
    calls.clear()
    with pytest.raises(SinkError, match=r"cannot be written, wanted a folder that can(.|\n)*Nothing was run"):
        Harvester(runner(), name).harvest_combos({"a": [1, 2]})
    with pytest.raises(SinkError, match="Nothing was run"):
        list(Harvester(runner(), name).stream({"a": [2]}))
    assert not calls


def test_a_file_in_the_way() -> None:
    Path("taken").write_text("mine")
    with pytest.raises(SinkError, match=r"the file .*taken cannot be written"):
        Harvester(runner(), "taken/foo").harvest_combos({"a": [1]})
    assert not calls


@pytest.mark.parametrize("name", ["foo", "foo.h5"])
def test_settings_that_only_a_pickle_can_carry(name: str) -> None:
    harvester = Harvester(runner(), name)
    for combos in ({"a": [1, np.sin]}, {"a": [object()]}):
        with pytest.raises(
            StreamConfigError, match=r"for the argument 'a', which only a pickle can carry(.|\n)*allow_pickle"
        ):
            harvester.harvest_combos(combos)
    with pytest.raises(StreamConfigError, match="'a'"):
        harvester.harvest_cases([{"a": 1}, {"a": np.sin}])
    with pytest.raises(StreamConfigError, match="'a'"):
        Sampler(runner(), "s", {"a": [np.sin]}).sample_combos(2)
    assert not calls
    assert harvester.full_ds is None
    odd = [1, None, "x", (1, 2), [3], {"k": 4}, np.arange(3), 2**70, b"x", 1j]
    harvester.harvest_combos({"a": odd})
    assert len(calls) == len(odd)


def test_in_memory_and_where_pickles_are_allowed() -> None:
    Harvester(runner()).harvest_combos({"a": [1, np.sin]})
    Harvester(runner(), "foo", allow_pickle=True).harvest_combos({"a": [1, np.sin]})
    assert len(calls) == 4
