"""Classes derived from a stream of frames: what they are to define, and what is said where they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.compat.convis import streams
from headrace.errors import HeadraceWarning, StreamConfigError
from headrace.frames import FrameStream, RandomStream


def ramp(i: int) -> Any:
    return np.full((4, 5), i, "f4")


class Ramp(FrameStream):
    """Hands a source over, and is whole by that."""

    def __init__(self, n: int = 10) -> None:
        super().__init__(hr.functional(ramp, size=n), dt=0.5)
        self.half = n // 2


class OwnGet(FrameStream):
    def get(self, n: int = 1) -> Any:
        return np.ones((n, 4, 5))


class Unmade(OwnGet):
    def __init__(self) -> None:
        self.k = 0


class Counted(streams.Stream):
    """Its frames are those of ``get``."""

    def __init__(self, top: int) -> None:
        self.size, self.top, self.i = (4, 5), top, 0

    def available(self, l: int = 1) -> bool:  # noqa: E741  # the documented name
        return self.i + l <= self.top

    def get(self, n: int = 1) -> Any:
        first, last = self.i, min(self.i + n, self.top)
        self.i = last
        return np.arange(first, last)[:, None, None] * np.ones((4, 5))


def test_a_class_that_hands_a_source_over_is_whole() -> None:
    stream = Ramp()
    assert (len(stream), stream.half, stream.size, stream.spec is not None) == (10, 5, None, False)
    assert stream.get(2)[:, 0, 0].tolist() == [0, 1]
    assert [frame[0, 0] for frame in stream][-1] == 9
    stream.reset()
    stream.seek(4)
    assert (stream.read(2)[0, 0, 0], stream.t, stream[7][0, 0]) == (4, 3.0, 7)
    assert [batch.shape for batch in stream | hr.batch(4)] == [(4, 4, 5), (4, 4, 5), (2, 4, 5)]


def test_a_get_without_a_source_is_refused_with_what_to_define() -> None:
    makes: list[Callable[[], Any]] = [OwnGet, lambda: OwnGet(dt=0.1), lambda: OwnGet(None)]
    for make in makes:
        with pytest.raises(StreamConfigError, match=r"OwnGet got a get\(n\) of its own and no source.*\n.*Stream"):
            make()
    with pytest.raises(StreamConfigError, match="wanted a stream of frames"):
        FrameStream()


ASKED: dict[str, Callable[[Any], Any]] = {
    "for": lambda stream: next(iter(stream)),
    "next": lambda stream: next(stream),
    "read": lambda stream: stream.read(2),
    "batch": lambda stream: stream | hr.batch(2),
    "len": len,
    "spec": lambda stream: stream.spec,
    "size": lambda stream: stream.size,
    "i": lambda stream: stream.i,
    "t": lambda stream: stream.t,
    "dt": lambda stream: stream.dt,
    "seek": lambda stream: stream.seek(3),
    "reset": lambda stream: stream.reset(),
    "item": lambda stream: stream[3],
    "repr": repr,
    "mix": lambda stream: hr.mix([stream, stream], seed=1),
    "close": lambda stream: stream.close(),
}


@pytest.mark.parametrize("ask", ASKED)
def test_a_constructor_that_forgets_its_base_is_named_by_all_that_asks_it(ask: str) -> None:
    stream = Unmade()
    assert stream.get(2).shape == (2, 4, 5)
    with pytest.raises(StreamConfigError, match=r"Unmade got asked .*wanted super\(\).__init__\(source\)"):
        ASKED[ask](stream)


def test_a_get_that_for_does_not_see_is_warned_of() -> None:
    with pytest.warns(HeadraceWarning, match=r"OwnGet got a get\(n\) of its own beside its source") as told:
        stream = OwnGet(RandomStream((4, 5), seed=1))
    assert told[0].filename == __file__
    assert stream.get(2).shape == (2, 4, 5)


def test_a_class_whose_get_makes_the_frames_is_whole() -> None:
    stream = Counted(10)
    assert [frame[0, 0] for frame in stream] == list(range(10))
    assert not stream.available()
    stream.reset()
    assert (stream.i, stream.size) == (0, (4, 5))
    assert [batch.shape for batch in stream | hr.batch(4)] == [(4, 4, 5), (4, 4, 5), (2, 4, 5)]
    stream.seek(6)
    assert [next(stream)[0, 0], *stream.get(2)[:, 0, 0]] == [6, 7, 8]
    stream.reset()
    assert FrameStream(stream).get(3)[:, 0, 0].tolist() == [0, 1, 2]
    with pytest.raises(StreamConfigError):
        stream.seek(-1)
