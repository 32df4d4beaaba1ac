"""Views of a buffer never change, whatever is written after them; the memory stays in bounds."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headrace.live.buffers.buffer import DataBuffer
from headrace.live.buffers.numpy_buffer import NumpyBuffer
from headrace.live.buffers.ring import Ring

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["extend", "extend", "extend", "popleft", "look", "look", "drop", "promote"]),
        st.integers(0, 12),
    ),
    max_size=60,
)


@given(maxlen=st.none() | st.integers(1, 9), steps=STEPS)
def test_a_ring_is_a_list_of_rows_and_its_views_never_change(maxlen: int | None, steps: list[tuple[str, int]]) -> None:
    ring, at = Ring((2,), np.int32, maxlen), 0
    model: list[Any] = []
    looked: list[tuple[Any, list[Any]]] = []
    for act, n in steps:
        if act == "extend":
            rows = np.arange(at, at + n, dtype=np.int32)[:, None] * np.array([1, -1], np.int32)
            ring.extend(rows)
            at, model = at + n, (model + rows.tolist())[-maxlen:] if maxlen else model + rows.tolist()
        elif act == "popleft":
            found = ring.popleft(n)
            assert found.tolist() == model[:n]
            looked.append((found, model[:n]))
            model = model[n:]
        elif act == "promote" and n > 10:
            ring.extend(np.array([[0.5, 1.5]]))
            model = [*model, [0.5, 1.5]][-maxlen:] if maxlen else [*model, [0.5, 1.5]]
        elif act == "look":
            # A part of a view, which numpy ties to the memory and not to the view; or the view itself.
            looked.append((ring.rows[n % 3 :], model[n % 3 :]))
        elif looked:
            looked.pop(n % len(looked))
        assert ring.rows.tolist() == model
        assert all(view.tolist() == then for view, then in looked)
        assert ring.rows.flags.c_contiguous


def test_views_of_every_kind_are_seen() -> None:
    kinds: list[Any] = [
        lambda rows: rows,
        lambda rows: rows[1:3],
        lambda rows: rows[::2].T,
        lambda rows: memoryview(rows),
        lambda rows: rows.view(np.uint8),
        lambda rows: iter(rows),
    ]
    for kind in kinds:
        buffer = NumpyBuffer(maxlen=4)
        buffer.extend(np.arange(4))
        for start in range(0, 40, 3):
            held = kind(buffer.view())
            want = list(map(bytes, map(np.ascontiguousarray, kind(buffer.view().copy()))))
            buffer.extend(np.arange(start, start + 3))
            buffer.extend(np.arange(start, start + 3))
            assert list(map(bytes, map(np.ascontiguousarray, held))) == want
            del held


def test_memory_stays_at_twice_the_newest_rows() -> None:
    """Once nobody looks; and while somebody does, at that and what he looks at."""
    rows, block = 20_000, np.zeros(500)
    tracemalloc.start()
    try:
        buffer = NumpyBuffer(maxlen=rows)
        for _ in range(300):
            buffer.extend(block)
        assert tracemalloc.get_traced_memory()[1] < 4 * rows * 8  # while it grew: most of it twice
        tracemalloc.reset_peak()
        for _ in range(300):
            buffer.extend(block)
            held = buffer.view()
        assert tracemalloc.get_traced_memory()[1] < 4.5 * rows * 8
        del held
        for _ in range(300):
            buffer.extend(block)
        assert tracemalloc.get_traced_memory()[0] < 2.5 * rows * 8
    finally:
        tracemalloc.stop()


def test_a_queue_that_is_emptied_keeps_no_memory() -> None:
    tracemalloc.start()
    try:
        buffer = NumpyBuffer()
        for _ in range(200):
            buffer.extend(np.zeros(1000))
            buffer.popleft(1000)
        for _ in range(200):
            buffer.extend(np.zeros(1000))
            buffer.popleft(999)
            buffer.popleft(1)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_huge_maxlen_costs_nothing_before_it_is_used() -> None:
    buffer = NumpyBuffer(maxlen=10**15)
    buffer.extend(np.arange(3))
    assert buffer.view().tolist() == [0, 1, 2]


def test_readers_beside_a_writer_see_whole_moments_that_stay() -> None:
    buffer = DataBuffer(maxlen=50, data={"t": np.arange(1), "v": np.zeros((1, 2), int)})
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            seen = buffer.copy()
            t, v = seen["t"], seen["v"]
            before = t.tolist()
            if not (np.diff(t) == 1).all() or not (v[:, 1] == 2 * t).all() or seen["t"].tolist() != before:
                wrong.append(seen)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    at = 1
    try:
        for n in [1, 7, 30, 2, 60] * 200:
            t = np.arange(at, at + n)
            buffer.extend({"t": t, "v": t[:, None] * [1, 2]})
            at += n
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not wrong
