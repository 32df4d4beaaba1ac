"""Every op that keeps the numbers of items keeps the laws over them, in whatever composition."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import headrace as hr
from headrace.core.registry import components
from headrace.testing import check_stream, elsewhere
from laws import indexed

COMPOSED = indexed.composed()
WITHOUT_SOURCES = {"words", "many", "many without end", "tree", "sweep"}


@pytest.mark.parametrize("name", COMPOSED)
def test_what_keeps_numbers_keeps_the_laws(name: str) -> None:
    stream = COMPOSED[name]
    report = check_stream(stream, items=24, processes=False)
    for law in ("items by number", "columns by number", "numbers end", "shards", "by number from two threads"):
        assert law in report.held
    assert "by number from a copy" in report.held
    assert "a state is a number" in report.held
    assert ("laps by number" in report.held) is (0 < stream.size < 24)
    if name not in WITHOUT_SOURCES:
        assert "a failed item by number" in report.held


def test_they_give_the_same_in_another_process() -> None:
    streams = list(map(indexed.endlessly, COMPOSED.values()))
    here = indexed.at_places(pickle.dumps(streams), 5, list(indexed.PLACES), 4)
    there = elsewhere(indexed.at_places, pickle.dumps(streams), 5, list(indexed.PLACES), 4)
    for name, mine, theirs in zip(COMPOSED, here, there, strict=True):
        assert indexed.alike(mine, theirs), name


def test_every_component_with_numbers_is_among_them() -> None:
    used = {node for stream in COMPOSED.values() for node in _names(stream)}
    with_numbers = {
        component.name
        for component in components()
        if component.kind == "stream"
        and issubclass(component.make, hr.core.Indexed)
        and not component.make.__module__.startswith("headrace.frames.")  # tests/frames/test_contract.py
    }
    assert with_numbers - used <= {"npz", "npy", "csv", "parquet", "folder"}, "files have tests of their own"


def _names(stream: Any) -> set[str]:
    return {stream.node_name}.union(*map(_names, stream.children))
