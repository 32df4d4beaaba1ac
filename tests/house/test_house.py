"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import headrace

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "headrace"
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.suffix == "" and path.is_file())
HEAVY = ["xarray", "pandas", "scipy", "matplotlib", "torch"]


@cache
def tracked() -> list[Path]:
    """The files of the repository, those not yet added included: the rule shall speak before the commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout, or no git")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_what_lies_at_the_top_is_known() -> None:
    known = {".ci", "benchmarks", "changes", "docs", "examples", "scripts", "src", "tests"}
    strange = sorted({path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT} - known)
    assert not strange, f"made by a run in the wrong folder? Remove it, or say here what it is: {strange}"


def test_no_source_file_is_over_500_lines() -> None:
    long = {str(path.relative_to(ROOT)): n for path in SOURCE.rglob("*.py") if (n := _lines(path)) > 500}
    assert not long, f"one idea a file, none over 500 lines: {long}"


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_every_package_says_what_lives_there() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCE.rglob("__init__.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent, f"a package's __init__ says in its docstring what lives here and what may not: {silent}"


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    bare = [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()]
    assert not bare, f"no __init__.py in {bare}"


def test_no_machine_paths_in_tracked_files() -> None:
    machine = re.compile(r"(?<![\w.~-])/(?:root|work)/")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if machine.search(line) and path != Path(__file__)
        ]
    assert not found, "paths of one machine:\n" + "\n".join(found)


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_scripts_are_executable_and_parse(script: Path) -> None:
    first = script.read_text(encoding="utf-8").splitlines()[0]
    if script.name != "_env":  # sourced, never run
        assert os.access(script, os.X_OK), f"chmod +x {script.relative_to(ROOT)}"
        assert first.startswith("#!")
    shell = "bash" if "bash" in first else "sh"
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_headrace_is_light() -> None:
    code = f"import headrace, json, sys; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [], "import inside the function that needs it, through core/optional.py"


def test_typed_marker_is_there() -> None:
    assert (SOURCE / "py.typed").exists()


def test_every_change_is_a_fragment_users_can_read() -> None:
    for path in (ROOT / "changes").glob("*.md"):
        if path.name == "README.md":
            continue
        assert re.fullmatch(r"[a-z]+-[a-z0-9-]+\.md", path.name), f"{path.name}: changes/<room>-<slug>.md"
        assert path.read_text(encoding="utf-8").strip(), f"{path.name} is empty"


def test_names_for_type_checkers_are_the_names_at_run_time() -> None:
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    told = {
        (node.module, name.asname) for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names
    }
    there = {(f"headrace.{room}", name) for name, room in headrace._HOME.items()}
    assert {name for _, name in told} == {name for _, name in there}
    for module, name in told:
        assert getattr(importlib.import_module(str(module)), str(name)) is getattr(headrace, str(name))


def test_public_things_are_documented() -> None:
    """Every public name of every room, and every public method, has a docstring of its own or its base's."""
    bare = []
    for room in headrace._ROOMS:
        module = importlib.import_module(f"headrace.{room}")
        assert module.__doc__, room
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if not (inspect.isclass(thing) or inspect.isfunction(thing)):
                continue
            if not inspect.getdoc(thing):
                bare.append(f"{room}.{name}")
            if inspect.isclass(thing) and thing.__module__.startswith("headrace"):
                methods = {n: m for n, m in vars(thing).items() if not n.startswith("_") and inspect.isfunction(m)}
                bare += [f"{room}.{name}.{n}" for n in methods if not inspect.getdoc(getattr(thing, n))]
    assert not bare
