"""No import cycles: import-linter keeps the rooms apart, this looks inside them.

Counted are the imports that run when a module is imported. Those under `if TYPE_CHECKING` and inside functions do
not, and neither does the package that Python loads on the way to a module inside it.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


def modules(source: Path) -> dict[str, Path]:
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: set[str]) -> set[str]:
    """The modules among `known` that `name` imports while it is being imported."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    wanted: set[str] = set()

    def look(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                wanted.update(alias.name for alias in node.names if alias.name in known)
            elif isinstance(node, ast.ImportFrom):
                up = package[: len(package) + 1 - node.level] if node.level else []
                base = ".".join([*up, *([node.module] if node.module else [])])
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    wanted.update({inner} & known or {base} & known)
            elif isinstance(node, ast.If):
                if "TYPE_CHECKING" not in ast.dump(node.test):
                    look(node.body)
                look(node.orelse)
            elif isinstance(node, ast.Try | ast.TryStar):
                look(node.body)
                look(node.orelse)
                look(node.finalbody)
                for handler in node.handlers:
                    look(handler.body)
            elif isinstance(node, ast.With | ast.ClassDef | ast.For | ast.While):
                look(node.body)
            elif isinstance(node, ast.Match):
                for case in node.cases:
                    look(case.body)

    look(ast.parse(path.read_text(encoding="utf-8")).body)
    return wanted - {name}


def cycle(source: Path) -> list[str]:
    """One cycle among the modules under `source`, each importing the next; empty when there is none."""
    found = modules(source)
    graph = {name: imports(name, path, set(found)) for name, path in found.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_headrace_has_no_import_cycle() -> None:
    found = cycle(SOURCE)
    assert not found, " imports ".join(found)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"a": "import p.b", "b": "x = 1"}, False, id="line"),
        pytest.param({"a": "import p.b", "b": "import p.a"}, True, id="import"),
        pytest.param({"a": "from p.b import x", "b": "from p import a"}, True, id="from"),
        pytest.param({"a": "from .b import x", "b": "from . import a"}, True, id="relative"),
        pytest.param({"a": "from p.b import x", "b": "def f():\n    import p.a"}, False, id="function"),
        pytest.param({"a": "import p.b", "b": "if TYPE_CHECKING:\n    import p.a"}, False, id="type checking"),
        pytest.param({"a": "import p.b", "b": "try:\n    import p.a\nexcept ImportError:\n    pass"}, True, id="try"),
        pytest.param({"__init__": "from p.a import f", "a": "import p.b", "b": ""}, False, id="package gathers"),
        pytest.param({"__init__": "from p.a import f", "a": "from p import g"}, True, id="name from own package"),
        pytest.param({"q/__init__": "from p.q.a import f", "q/a": "from p.q import g"}, True, id="inner package"),
        pytest.param({"q/__init__": "from .a import f", "q/a": "from .b import g", "q/b": ""}, False, id="inner line"),
    ],
)
def test_the_checker_finds_cycles(files: dict[str, str], expected: bool, tmp_path: Path) -> None:
    for name, text in {"__init__": "", **files}.items():
        path = tmp_path / "p" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert bool(cycle(tmp_path)) is expected
