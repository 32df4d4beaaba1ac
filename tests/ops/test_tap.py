"""Ops that leave items as they are: tap, enumerate, progress."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import headrace as hr


def test_tap_sees_every_item_before_it_is_given() -> None:
    seen: list[int] = []
    cursor: Any = (hr.Streamer(range(5)) | hr.tap(seen.append)).open()
    assert next(cursor) == 0
    assert seen == [0]
    assert cursor.take(9) == [1, 2, 3, 4]
    assert seen == [0, 1, 2, 3, 4]


def test_tap_passes_the_very_item_on() -> None:
    items = [object(), None, (1,)]
    given: Any = items | hr.tap(repr)
    assert [a is b for a, b in zip(given, items, strict=True)] == [True] * 3


def test_an_error_in_tap_is_tried_again_or_passed() -> None:
    calls: list[int] = []

    def look(item: int) -> None:
        calls.append(item)
        if item == 2 and calls.count(2) < 3:
            raise OSError("disk full")

    cursor: Any = (hr.Streamer(range(5)) | hr.tap(look)).open()
    for _ in range(2):
        with pytest.raises(OSError, match="disk full") as error:
            cursor.take(9)
        assert "your function: look at test_tap.py" in error.value.__notes__[1]
    assert cursor.take(9) == [0, 1, 2, 3, 4]
    assert calls == [0, 1, 2, 2, 2, 3, 4]
    with pytest.raises(hr.StreamConfigError, match=r"tap\(function\) got 5"):
        hr.tap(5)  # type: ignore[arg-type]


def test_enumerate_counts_from_start() -> None:
    assert list(hr.Streamer("abc") | hr.enumerate()) == [(0, "a"), (1, "b"), (2, "c")]
    stream: Any = hr.Streamer("abc") | hr.enumerate(-5)
    assert list(stream) == [(-5, "a"), (-4, "b"), (-3, "c")]
    assert list(stream.open(at=2)) == [(-3, "c")]
    with pytest.raises(hr.StreamConfigError, match=r"enumerate\(start\) got 1.5"):
        hr.enumerate(1.5)  # type: ignore[arg-type]


def test_progress_shows_a_bar_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(hr.Streamer(range(30)) | hr.progress(desc="songs")) == list(range(30))
    out, err = capsys.readouterr()
    assert out == ""
    assert "songs: 100%" in err
    assert "30/30" in err
    assert err.endswith("\n"), "the bar is closed"


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: hr.Streamer(range(5)) | hr.filter(bool) | hr.progress(), "4 items"),  # no size: no share
        (lambda: hr.Streamer(range(5)) | hr.filter(bool) | hr.progress(total=4), "4/4"),
        (lambda: hr.Streamer(range(5)) | hr.repeat() | hr.progress() | hr.take(3), "3 items"),
    ],
)
def test_the_total_is_told_or_known(make: Any, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    list(make())
    assert shown in capsys.readouterr().err


def test_a_bar_goes_on_where_the_run_does_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    threads = set(threading.enumerate())
    stream: Any = hr.Streamer(range(30)) | hr.progress()
    cursor = stream.open()
    assert capsys.readouterr().err == "", "nothing before the first item"
    cursor.take(10)
    state = cursor.state()
    cursor.close()
    assert "10/30" in capsys.readouterr().err
    assert state["at"] == {"count": 10, "source": 10}
    with stream.open(at=state) as resumed:
        next(resumed)
        assert "10/30" in capsys.readouterr().err
    assert set(threading.enumerate()) <= threads
    with pytest.raises(hr.StreamConfigError, match=r"progress\(total\)"):
        hr.progress(total=-1)
