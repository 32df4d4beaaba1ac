"""Every registered component keeps the laws: its example is examined, whichever room or plug-in it is from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.core import Sink, Stream
from headrace.core.registry import Component, components
from headrace.testing import check_sink, check_stream

ALL = components()


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(component, id=component.name) for component in ALL if component.kind == kind]


@pytest.mark.parametrize("component", of_kind("stream"))
def test_every_stream_keeps_the_laws(component: Component) -> None:
    assert component.example is not None, f"register({component.name!r}) needs an example for the laws"
    stream = component.example()
    assert isinstance(stream, Stream)
    assert stream.node_name == component.name, "the example is one of the component, not of something around it"
    report = check_stream(stream, items=100)
    print(report)  # pytest shows it with -s, or when the test fails
    assert "drawn in any way" in report.held
    assert report.skipped.get("resume") is None, "an example that can be resumed"
    assert "the same in another process" in report.held, "an example that can be pickled and imported"
    assert "JSON" in report.held or "cannot be written as JSON" in report.skipped["JSON"]
    assert stream.size in (None, float("inf")) or "an end stays" in report.held, "an example of fewer than 100 items"
    refuses = "no source was drawn as far as an item that fails"
    assert report.skipped.get("a failed item is tried again") != refuses, "an example of more than 17 items"


@pytest.mark.parametrize("component", of_kind("sink"))
def test_every_sink_keeps_the_laws(component: Component, tmp_path: Path) -> None:
    assert component.example is not None, f"register({component.name!r}) needs an example for the laws"
    with component.example(tmp_path) as sink:
        assert isinstance(sink, Sink)
    check_sink(component.example)


def test_there_are_components_of_every_room() -> None:
    """The loop above is over something."""
    rooms = {
        component.make.__module__.split(".")[1]
        for component in ALL
        if component.make.__module__.startswith("headrace.")
    }
    assert {"sources", "ops", "mux", "parallel", "store"} <= rooms
    assert len(of_kind("stream")) >= 25


def test_names_are_unique_and_tell_the_class() -> None:
    assert len({component.name for component in ALL}) == len(ALL)
    assert len({component.make for component in ALL}) == len(ALL)
