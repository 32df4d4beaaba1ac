"""The end of every frame stream: one rule, whichever class it is of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from frames.blocks import frames_of, lap, same
from frames.makers import DRAWN, ENDLESS, FINITE, MAKERS
from headrace.errors import AddressError

finite = pytest.mark.parametrize("name", FINITE)


@finite
def test_len_tells_how_many_frames_there_are(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        n = len(stream)
        assert 20 <= n <= 24
        assert len(list(stream)) == n
        assert stream.i == n
        assert len(list(stream)) == 0, "iteration goes on where it stands"
        assert len(list(stream.iterate())) == n, "iterate() is a pass of its own"


@pytest.mark.parametrize("name", sorted(ENDLESS))
def test_an_endless_stream_has_no_len(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        with pytest.raises(TypeError, match="endless"):
            len(stream)
        assert stream.available(10**9)
        assert frames_of(stream.get(100)) == 100


@finite
def test_available_tells_what_can_be_had(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        n = len(stream)
        stream.get(5)
        assert stream.available(n - 5)
        assert not stream.available(n - 4)
        assert stream.i == 5
        stream.get(n - 5)
        assert stream.available(0)
        assert not stream.available()


@finite
def test_a_short_end_gives_what_is_left_and_then_nothing(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        n = len(stream)
        first = stream.get(n - 3)
        last, none = stream.get(10), stream.get(10)
        assert (frames_of(last), frames_of(none)) == (3, 0)
        assert none.shape[-2:] == first.shape[-2:]
        assert none.dtype == first.dtype
        assert none.ndim == first.ndim
        assert stream.i == n


@finite
def test_an_end_that_raises_takes_nothing(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path, on_end="raise") as stream:
        n = len(stream)
        stream.get(n - 3)
        with pytest.raises(AddressError, match="got to its end"):
            stream.get(4)
        assert stream.i == n - 3
        assert frames_of(stream.get(3)) == 3
        assert frames_of(stream.get(0)) == 0


@finite
def test_an_end_that_is_padded_gives_zeros(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path, on_end="pad") as stream:
        n = len(stream)
        stream.get(n - 3)
        block, zeros = stream.get(10), stream.get(2)
        assert (frames_of(block), frames_of(zeros)) == (10, 2)
        assert block.dtype == zeros.dtype
        assert not zeros.any()
        assert not np.moveaxis(block, 0 if block.ndim == 3 else 2, 0)[3:].any()
        assert not stream.available()


@finite
def test_an_end_that_repeats_begins_again(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        n = len(stream)
        whole = stream.get(n)
    with MAKERS[name](tmp_path, on_end="repeat") as stream:
        with pytest.raises(TypeError):
            len(stream)
        stream.get(4)
        block = stream.get(2 * n + 3)  # longer than what is left and a pass
        due = lap(whole, 4, 2 * n + 7)
        if name in DRAWN:
            assert (block.shape, block.dtype) == (due.shape, due.dtype)
            two = [np.moveaxis(block, 0 if block.ndim == 3 else 2, 0)[k : k + n] for k in (n - 4, n - 4 + n)]
            assert (two[0][:7] != two[1][:7]).any(), "another draw in each lap"
        else:
            assert same(block, due)
        assert stream.available(10**6)
