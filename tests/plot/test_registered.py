"""What lower rooms ask this one for, and what nobody else may reach through the registry."""

from __future__ import annotations

import json

import pytest

import headrace as hr
from headrace.core import registry
from headrace.core.registry import find
from headrace.errors import RegistryError

NAMES = [name for name in registry._HOMES if name.startswith("plot.")]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_for_by_name_is_there(name: str) -> None:
    assert find(name).kind == "view"


def test_there_are_some() -> None:
    assert len(NAMES) >= 5


def test_a_description_cannot_name_what_writes_files() -> None:
    for name in NAMES:
        make = find(name).make
        where = f"{make.__module__}:{make.__qualname__}"
        with pytest.raises(RegistryError, match="neither in functions= nor registered"):
            hr.load(json.dumps({"make": "functional", "with": {"function": {"function": where}}}))
