"""Names of components; plug-ins are found like our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headrace as hr
from headrace.core import registry
from headrace.core.registry import components, find, name_of, register
from headrace.errors import RegistryError
from support.require import require

PLUGIN = Path(__file__).parents[1] / "plugin_pkg"


def test_a_name_leads_to_its_component() -> None:
    component = find("batch")
    assert component.kind == "stream"
    assert component.example is not None
    assert isinstance(component.example(), component.make)
    assert name_of(component.make) == "batch"
    assert find("streamer").make is hr.Streamer


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(RegistryError, match=r"no component is called 'nothing'\.\n  Known: .*batch.*map.*streamer"):
        find("nothing")


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(RegistryError, match=r"register got 'batch', which .* has already"):

        @register("batch", example=None)
        class Mine(hr.Stream[Any]): ...

    assert find("batch").make.__module__ == "headrace.ops.batch"


def test_the_same_module_loaded_again_is_no_clash() -> None:
    def make() -> Any:
        @register("of_test_registry", example=None, kind="function")
        def mine() -> int:
            return 1

        return mine

    make()
    again = make()
    assert find("of_test_registry").make is again


def test_what_has_no_name_goes_by_its_own() -> None:
    class Mine(hr.Stream[Any]): ...

    assert name_of(Mine) == "Mine"
    assert Mine().node_name == "Mine"


def test_components_come_by_name() -> None:
    names = [component.name for component in components()]
    assert names == sorted(names)
    assert {"batch", "map", "streamer", "stochastic_mux"} <= set(names)


def test_a_component_in_a_package_of_a_room_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "planted_package"
    inner.mkdir()
    (inner / "__init__.py").write_text("")
    text = "from headrace.core.registry import register\n\n@register('planted', example=None, kind='function')\ndef f(): ..."
    (inner / "planted.py").write_text(text)
    monkeypatch.setattr("headrace.ops.__path__", [*hr.ops.__path__, str(tmp_path)])
    try:
        assert find("planted").make.__module__ == "headrace.ops.planted_package.planted"
    finally:
        registry._names.pop(registry._components.pop("planted").make)
        for name in [name for name in sys.modules if name.startswith("headrace.ops.planted_package")]:
            del sys.modules[name]
        delattr(hr.ops, "planted_package")


# --- a plug-in ----------------------------------------------------------------------------------

USE = """
import json
import headrace as hr
from headrace.core import components
from headrace.testing import check_op, check_stream

found = {c.name: c for c in components() if c.make.__module__.startswith("headrace_example_plugin")}
held = {name: len(check_stream(c.example()).held) for name, c in found.items()}
text = '{"make": "example_differences", "with": {"source": {"make": "example_dice", "with": {"sides": 6, "n": 20}}}}'
loaded = hr.load(text)
from headrace_example_plugin import Dice, differences
assert loaded == Dice(6, 20) | differences()
check_op(differences(), range(40), processes=False)
print(json.dumps({"held": held, "items": list(loaded.seeded(7)), "line": str(loaded).splitlines()[0]}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plug-in, built to a wheel and installed by pip in a folder of its own, without a network."""
    require("hatchling")
    require("pip")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    options = ["--no-build-isolation", "--no-deps", "--no-compile", "--target", str(target), str(PLUGIN)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_a_plugin_is_found_keeps_the_laws_and_is_loaded(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["held"].keys() == {"example_dice", "example_differences"}
    assert told["held"]["example_dice"] > 20
    assert told["held"]["example_differences"] > 50
    assert len(told["items"]) == 19
    assert all(-5 <= item <= 5 for item in told["items"])
    assert told["line"].startswith("example_differences")


def test_without_it_the_name_is_unknown() -> None:
    with pytest.raises(RegistryError, match="example_dice"):
        hr.load('{"make": "example_dice", "with": {"sides": 6, "n": 20}}')


def test_building_it_leaves_nothing_behind(installed: Path) -> None:
    assert sorted(path.name for path in PLUGIN.iterdir() if path.name != "__pycache__") == [
        "headrace_example_plugin",
        "pyproject.toml",
    ]
