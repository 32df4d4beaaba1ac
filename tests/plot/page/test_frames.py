"""Frames, and which part of a system's rows each viewer is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.block import Block
from headrace.errors import DamageError
from headrace.plot.page.decimate import decimate
from headrace.plot.page.frames import Section, View, pack, unpack
from headrace.plot.page.store import Store


def test_what_is_packed_comes_back() -> None:
    lines = Section(1, 5, 3, np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2) + 10, np.arange(3.0), False)
    fall = Section(2, 2**40, 7, None, np.arange(15, dtype=np.float32).reshape(3, 5), None, False)
    image = Section(3, 9, 1, None, np.arange(18, dtype=np.uint8).reshape(3, 2, 3), None, True)
    version, number, now, sections = unpack(pack(4, 17, 2.5, [lines, fall, image]))
    assert (version, number, now) == (4, 17, 2.5)
    for sent, found in zip((lines, fall, image), sections, strict=True):
        assert sent._replace(low=0, high=0, times=0) == found._replace(low=0, high=0, times=0)
        for name in ("low", "high", "times"):
            a, b = getattr(sent, name), getattr(found, name)
            assert (a is None and b is None) or (np.array_equal(a, b) and a.dtype == b.dtype)


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_damaged_frames_are_refused_and_nothing_else(noise: bytes, cut: int) -> None:
    whole = pack(1, 2, 3.0, [Section(1, 5, 3, None, np.zeros((3, 2), np.float32), None, False)])
    for bad in (noise, b"HRF1" + noise, whole[: cut % len(whole)]):
        try:
            unpack(bad)
        except DamageError:
            continue


class Picture:
    """What a browser has: buckets by number, the newest of each."""

    def __init__(self) -> None:
        self.buckets: dict[int, tuple[float, float]] = {}
        self.rows = 0

    def take(self, frame: bytes | None) -> None:
        if frame is None:
            return
        for section in unpack(frame)[3]:
            if section.rows != self.rows:
                self.buckets, self.rows = {}, section.rows
            pairs = zip(section.low[:, 0].tolist(), section.high[:, 0].tolist(), strict=True)
            self.buckets.update({section.number + k: pair for k, pair in enumerate(pairs)})


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=30), st.sampled_from([1.0, 7.0]))
def test_frames_left_out_leave_no_gap(cuts: list[tuple[int, bool]], seconds: float) -> None:
    """Whichever frames a browser is given, what it has in the end is what plain decimation of all rows gives."""
    store, view, picture = Store(seconds=10), View(seconds, pixels=100), Picture()
    rows = np.random.default_rng(0).normal(size=sum(n for n, _ in cuts))
    at = 0
    for n, looks in [*cuts[:-1], (cuts[-1][0], True)]:
        store.add(Block({"x": rows[at : at + n]}, first=at, rate=1000.0))
        at += n
        if looks:
            picture.take(view.frame(store, 0.0))
    number, low, high = decimate(rows, 0, picture.rows)
    newest = int((len(rows) - 1) // picture.rows)
    for k in range(max(0, newest - int(seconds * 1000 / picture.rows)), newest + 1):
        assert picture.buckets[k] == (low[k - number], high[k - number])
    assert picture.rows <= max(1, seconds * 1000 / 100) + 1, "no more than a row too coarse"


def test_there_is_one_bucket_for_a_pixel_whatever_is_looked_at() -> None:
    store = Store(seconds=60)
    for k in range(600):
        store.add(Block({"x": np.arange(1000.0)}, first=1000 * k, rate=10_000.0))
    for seconds in (0.5, 3.0, 10.0, 60.0):
        (section,) = unpack(View(seconds, pixels=800).frame(store, 0.0) or b"")[3]
        each = section.rows / 10_000
        assert 400 < seconds / each <= 800
        assert len(section.high) >= seconds / each - 2
        assert section.number == (600_000 - 1) // section.rows - len(section.high) + 1


def test_nothing_new_is_no_frame_and_another_view_is_everything_again() -> None:
    store, view = Store(), View(10, 500)
    store.add(Block({"x": np.arange(100.0)}, rate=100.0))
    assert view.frame(store, 0.0) is not None
    assert view.frame(store, 0.0) is None
    view.look(5, 500)
    (section,) = unpack(view.frame(store, 0.0) or b"")[3]
    assert len(section.high) == 100
    assert view.frames == 2


def test_uneven_rows_bring_their_times() -> None:
    store, view = Store(), View(10, 500)
    times = np.array([100.0, 100.5, 107.0])
    store.add(Block({"timestamp": times, "x": np.array([1.0, 2.0, 3.0])}))
    (section,) = unpack(view.frame(store, 0.0) or b"")[3]
    assert section.times.tolist() == [0.0, 0.5, 7.0]
    assert section.high[:, 0].tolist() == [1, 2, 3]
    assert store.now == 7.0


def test_pictures_come_ten_times_a_second_at_most() -> None:
    store, view = Store(), View()
    frames = []
    for k in range(100):
        store.add(Block({"image": np.full((1, 20, 30, 3), k, np.uint8)}, first=k, rate=100.0))
        frame = view.frame(store, k / 100)
        frames += [] if frame is None else unpack(frame)[3]
    assert 9 <= len(frames) <= 11
    assert frames[0].high.shape == (20, 30, 3)
    assert np.all(np.diff([section.high[0, 0, 0] for section in frames]) >= 9)


@pytest.mark.parametrize("n", [1, 5])
def test_a_viewer_of_an_older_layout_is_given_everything(n: int) -> None:
    store, view = Store(), View()
    store.add(Block({"x": np.arange(3.0)}, rate=10.0))
    view.frame(store, 0.0)
    store.add(Block({"x": np.arange(n) + 0.5, "y": np.zeros(n)}, first=3, rate=10.0))
    version, _, _, sections = unpack(view.frame(store, 0.0) or b"")
    assert version == store.version == 2
    shown: list[Any] = [section.high[:, 0].tolist() for section in sections]
    assert shown == [(np.arange(n) + 0.5).tolist(), [0.0] * n]
