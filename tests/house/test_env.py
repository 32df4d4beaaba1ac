"""scripts/_env.py, as far as it can be tested without installing anything."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "_env.py"


@pytest.fixture
def env() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_env", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_free(path: Path) -> bool:
    fd = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def test_an_extra_brings_those_it_refers_to(env: ModuleType) -> None:
    table = {"a": ["x>=1"], "b": ["headrace[a, c]", "y"], "c": ["headrace[b]"]}
    assert env.closure(["a"], table) == ["a"]
    assert env.closure(["c"], table) == ["a", "b", "c"]
    with pytest.raises(SystemExit, match="no extra 'nope'"):
        env.closure(["nope"], table)


def test_the_lock_outlives_its_maker_while_an_installer_works(env: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with env.locked(path) as fd:
        installer = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[fd], text=True)
    try:
        assert not is_free(path), "the maker is gone, its installer still works"
    finally:
        installer.communicate("\n", timeout=30)
    assert is_free(path)


def test_a_python_that_does_not_run_has_no_version(env: ModuleType, tmp_path: Path) -> None:
    shim = tmp_path / "python3"
    assert env.version(shim) is None
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert env.version(shim) is None
    assert env.version(sys.executable)
