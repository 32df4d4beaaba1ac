"""Anything that makes items becomes a stream; a handle offers its recipe."""

from __future__ import annotations

import pytest

import headrace as hr


def test_a_stream_is_itself() -> None:
    stream = hr.Streamer("ab")
    assert hr.as_stream(stream) is stream


def test_a_handle_is_taken_as_it_is_at_that_moment() -> None:
    class Handle:
        n = 3

        def __recipe__(self) -> object:
            return range(self.n)

    handle = Handle()
    stream = hr.as_stream(handle)
    handle.n = 5
    assert list(stream) == [0, 1, 2]
    assert list(hr.as_stream(handle)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("thing", [3, None, len, int, object(), 2.5], ids=lambda thing: type(thing).__name__)
def test_what_makes_no_items_is_refused_at_once(thing: object) -> None:
    with pytest.raises(hr.StreamConfigError, match="Streamer got"):
        hr.as_stream(thing)
