"""No framework is imported before it is used, and one that is missing is named with the extra that brings it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import headrace as hr
from bridges.pool import table

FRAMEWORKS = ["torch", "keras", "sklearn", "datasets", "torchdata", "tensorflow", "jax"]


def test_the_room_imports_no_framework() -> None:
    code = f"import headrace, sys; headrace.bridges.torch.dataset; print([m for m in {FRAMEWORKS} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("package", "extra", "ask"),
    [
        ("torch", "torch", lambda: hr.bridges.torch.dataset(table())),
        ("torch", "torch", lambda: hr.bridges.torch.map_dataset(table())),
        ("torch", "torch", lambda: hr.bridges.torch.loader(table())),
        ("keras", "keras", lambda: hr.bridges.keras.dataset(table() | hr.batch(2), "X")),
        ("datasets", "huggingface", lambda: hr.bridges.huggingface.dataset(table())),
        ("datasets", "huggingface", lambda: hr.bridges.huggingface.map_dataset(table())),
    ],
)
def test_a_missing_package_is_named(package: str, extra: str, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from headrace.bridges import keras, torch_dataset, torch_map

    for cached in (keras._py_dataset, torch_dataset.iterable, torch_map._map_style):
        cached.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(hr.errors.MissingExtraError, match=rf"{package}, which is not installed(.|\n)*\[{extra}\]"):
        ask()
