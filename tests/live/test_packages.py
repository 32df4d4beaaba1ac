"""The packages of the room lie in rows, and a line imports from the rows below its own only."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import headrace.live

ROOM = Path(headrace.live.__file__).parent
ROWS = (
    {"what can be read, right here", "running"},
    {"wires", "merging", "recording"},
    {"devices", "buffers"},
)


def place(parts: list[str]) -> str:
    return parts[0] if (ROOM / parts[0]).is_dir() else "what can be read, right here"


def row(where: str) -> int:
    return next(k for k, packages in enumerate(ROWS) if where in packages)


def imported(path: Path) -> Iterator[list[str]]:
    """The modules of the room that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[:2] == ["headrace", "live"]:
            inside = (node.module or "").split(".")[2:]
            yield from [inside] if inside else [[each.name] for each in node.names]


def test_every_package_has_its_row() -> None:
    packages = {each.parent.name for each in ROOM.glob("*/__init__.py")}
    assert packages == set().union(*ROWS) - {"what can be read, right here"}


def test_nothing_is_imported_from_a_row_above_or_from_strangers_beside() -> None:
    wrong = []
    for path in ROOM.rglob("*.py"):
        parts = [*path.relative_to(ROOM).with_suffix("").parts]
        if parts == ["__init__"]:
            continue  # the door to all of it
        mine = place(parts)
        wrong += [
            f"{'.'.join(parts)} imports {'.'.join(other)}"
            for other in imported(path)
            if place(other) != mine and row(place(other)) <= row(mine)
        ]
    assert not wrong, wrong


def test_the_room_says_so() -> None:
    told = headrace.live.__doc__ or ""
    lines = [next(k for k, line in enumerate(told.splitlines()) if f"{name}:" in line) for name in
             ("running", "wires", "merging", "recording", "devices", "buffers")]  # fmt: skip
    assert lines == sorted(lines)
    assert len(set(lines)) == len(ROWS)


def test_names_for_type_checkers_are_the_names_at_run_time() -> None:
    tree = ast.parse((ROOM / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    told = {
        (str(node.module), each.name, each.asname)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
    assert {name for _, name, _ in told} == {name for _, _, name in told} == set(headrace.live.__all__)
    assert set(headrace.live.__all__) <= set(dir(headrace.live))
    for module, name, _ in told:
        assert getattr(headrace.live, name) is getattr(importlib.import_module(module), name)


def test_its_modules_are_there_without_an_import_of_their_own() -> None:
    code = "import headrace.live as live; print(live.sampler.__name__, live.recording.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["headrace.live.sampler", "headrace.live.recording"]


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"module 'headrace\.live' has no attribute 'Smapler'"):
        _ = headrace.live.Smapler  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", ["import headrace.live", "from headrace.live.sampler_process import main"])
def test_the_room_and_what_samples_in_a_process_of_its_own_load_no_more_than_they_need(code: str) -> None:
    look = "import sys; print([name for name in sys.modules if name.startswith('headrace.')])"
    done = subprocess.run([sys.executable, "-c", f"{code}; {look}"], capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in ast.literal_eval(done.stdout)}
    assert rooms <= {"live", "core", "errors"}
