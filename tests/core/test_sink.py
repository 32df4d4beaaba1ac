"""The end of the line."""

from __future__ import annotations

import pytest

import headrace as hr
from headrace.core.sink import ListSink
from headrace.testing import check_sink, counted


def test_drain_writes_all_or_as_many_as_asked_and_draws_no_more() -> None:
    source = counted(range(10))
    sink: ListSink[int] = ListSink()
    assert hr.drain(source, sink, limit=3) == 3
    assert sink.items == [0, 1, 2]
    assert source.drawn == 3
    assert hr.drain(source, sink) == 10
    assert hr.drain(source, sink, limit=0) == 0
    assert len(sink.items) == 13
    sink.write(5)


def test_drain_lets_errors_through_and_keeps_what_was_written() -> None:
    def fails(i: int) -> int:
        return 1 // (3 - i)

    sink: ListSink[int] = ListSink()
    with pytest.raises(ZeroDivisionError):
        hr.drain(hr.Streamer(range(9)) | hr.map(fails), sink)
    assert sink.items == [0, 0, 1]


def test_a_list_is_a_sink() -> None:
    kept: dict[object, ListSink[object]] = {}
    report = check_sink(
        lambda folder: kept.setdefault(folder, ListSink()), items=range(5), read=lambda folder: kept[folder].items
    )
    assert isinstance(ListSink(), hr.Sink)
    assert not report.skipped
