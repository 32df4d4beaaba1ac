"""Items laid out in a block and made again are the same to the bit, whatever they are."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from headrace.parallel.layout import ANYTHING, Layout, Unlike, layout_of
from headrace.parallel.pack import Filler, items_in
from parallel import pool
from parallel.differ import differ
from support.counts import heavy


def block(nbytes: int) -> Any:
    raw = np.zeros(nbytes + 64, np.uint8)
    return raw[-raw.ctypes.data % 64 :][:nbytes]


def unpacked(filler: Filler) -> list[Any]:
    """The items of a block, as the other side makes them: all it knows has crossed as bytes."""
    layout, tables = pickle.loads(pickle.dumps((filler.layout, filler.tables)))
    return items_in(layout, filler.memory, filler.n, filler.rows, tables)


def filled(layout: Layout, item: Any, rows: int = 1) -> Filler:
    """A block with one item in it, made larger until it fits."""
    nbytes = max(4096, 2 * layout.columns_end(rows))
    while True:
        filler = Filler(layout, np.zeros(nbytes, np.uint8), rows)
        if filler.put(item):
            return filler
        assert filler.needed > nbytes
        nbytes = filler.needed


def sent(items: list[Any], rows: int = 7) -> list[Any]:
    """Items that have been through blocks, many of one structure together, as a worker does it."""
    found: list[Any] = []
    filler: Filler | None = None
    recent: Layout | None = None
    for item in items:
        try:
            if filler is not None and filler.put(item):
                continue
        except Unlike:
            pass
        if filler is not None:
            found += unpacked(filler)
        layout = layout_of(item)
        if recent is not None:
            layout = recent.ragged(layout) or layout
        try:
            filler, recent = filled(layout, item, rows), layout
        except Unlike:  # it is too deep to be looked into
            filler = filled(ANYTHING, item)
    return found + (unpacked(filler) if filler is not None else [])


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_any_item_survives() -> None:
    for seed in range(heavy(100)):  # a hundred items each, 2 of them in the suite
        items = pool.items(seed, 100)
        came = sent(items)
        assert len(came) == len(items)
        for k, (item, other) in enumerate(zip(pool.items(seed, 100), came, strict=True)):
            assert not (found := differ(item, other)), f"item {k} of seed {seed}: {found}"


def test_the_comparison_can_fail() -> None:
    for a, b in [
        (1, True), (1.0, 1), (0.0, -0.0), ((1,), [1]), ({"a": 1}, {"b": 1}), ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.zeros(2), np.zeros(3)), (np.zeros(2), np.zeros(2, "f4")), (np.zeros(2, ">f8"), np.zeros(2)),
        (np.zeros(()), np.float64(0)), (np.zeros((2, 2)), np.zeros((2, 2), order="F")), ("a", pool.Text("a")),
        (np.array([1, 2]), np.array([1, 3])), (np.zeros(1, "M8[s]"), np.zeros(1, "M8[D]")), ({1: 0}, {True: 0}),
    ]:  # fmt: skip
        assert differ(a, b)
        assert not differ(a, a)


_DTYPES = nps.nested_dtypes(nps.scalar_dtypes() | nps.array_dtypes(), max_itemsize=64)


@given(data=st.data(), dtype=_DTYPES, shape=nps.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
def test_arrays_of_any_dtype_and_layout(data: Any, dtype: Any, shape: tuple[int, ...]) -> None:
    if not dtype.itemsize:
        return
    items = []
    for _ in range(3):
        array = data.draw(nps.arrays(dtype, shape))
        index = data.draw(nps.basic_indices(array.shape)) if array.ndim else ()
        items.append(data.draw(st.sampled_from([array, array.T, array[index], np.asfortranarray(array)])))
    for item, came in zip(items, sent(items), strict=True):
        assert not differ(item, came)
        if isinstance(came, np.ndarray):
            assert came.flags.writeable
            assert came.flags.aligned


def test_arrays_lie_on_cache_lines() -> None:
    items = [{"a": np.full(3, i, "i1"), "b": np.full(i % 4, i), "c": pool.Frozen(np.full(5, i))} for i in range(1, 20)]
    layout = layout_of(items[1]).ragged(layout_of(items[2]))
    assert layout is not None
    filler = Filler(layout, block(1 << 16), len(items))
    assert all(map(filler.put, items))
    for item in unpacked(filler):
        assert item["b"].ctypes.data % 64 == 0
        assert item["c"].X.ctypes.data % 64 == 0
    assert unpacked(filler)[0]["a"].ctypes.data % 64 == 0


def test_what_is_alike_shares_a_block_and_what_is_not_does_not() -> None:
    cases: list[tuple[Any, list[Any]]] = [
        (1, [True, 1.0, 2**63, np.int64(1), "1", None]),
        (True, [1, np.bool_(True)]),
        (1.0, [1, np.float64(1)]),
        ("a", [1, ("a",), {}]),
        ({"a": 1}, [{"b": 1}, {"a": 1, "b": 1}, {}, {"a": {}}, {"a": (1,)}, {pool.Text("a"): 1}]),
        ({1: 5}, [{True: 5}, {1.0: 5}, {np.int64(1): 5}]),
        ((1, 2), [[1, 2], (1,), (1, 2, 3), pool.Point(1, 2)]),
        (np.zeros(3), [np.zeros(4), np.zeros(3, "f4"), np.zeros(3, ">f8"), np.zeros((3, 1)), np.float64(0), pool.Matrix(3)]),
        (np.zeros((2, 3)), [np.zeros((2, 3), order="F"), np.zeros((3, 2))]),
        (np.zeros(1, [("a", "i1"), ("b", "i8")]), [np.zeros(1, np.dtype([("a", "i1"), ("b", "i8")], align=True))]),
        (np.float32(1), [np.float64(1), 1.0, np.zeros((), "f4")]),
        (np.datetime64(1, "s"), [np.datetime64(1, "m")]),
    ]  # fmt: skip
    for item, others in cases:
        for other in others:
            filler = filled(layout_of(item), item, 3)
            with pytest.raises(Unlike):
                filler.put(other)
            assert filler.put(item), "a refused one leaves nothing behind"
            assert not any(differ(item, came) for came in unpacked(filler))


def test_lengths_that_differ_make_one_layout() -> None:
    first = layout_of({"X": np.zeros((3, 2)), "y": 1})
    ragged = first.ragged(layout_of({"X": np.zeros((9, 2)), "y": 1}))
    assert ragged is not None
    assert ragged.ragged(first) == ragged
    assert first.ragged(first) == first
    for other in ({"X": np.zeros(3), "y": 1}, {"X": np.zeros((3, 2), "f4"), "y": 1}, {"X": np.zeros((3, 2)), "y": "a"}):
        assert first.ragged(layout_of(other)) is None
    items = [{"X": np.full((n, 2), n), "y": n} for n in (3, 0, 1, 100)]
    filler = filled(layout_of(items[0]).ragged(layout_of(items[1])), items[0], 10)  # type: ignore[arg-type]
    assert [filler.put(item) for item in items[1:]] == [True] * 3
    assert not any(differ(*pair) for pair in zip(items, unpacked(filler), strict=True))


def test_an_item_that_finds_no_room_says_how_much_it_needs() -> None:
    for item in (pool.Frozen(np.zeros(1000)), "x" * 5000):
        layout = layout_of(item)
        filler = Filler(layout, np.zeros(4096, np.uint8), 3)
        assert not filler.put(item)
        assert filler.n == 0
        assert Filler(layout, np.zeros(filler.needed, np.uint8), 3).put(item)
        assert filler.put("small") if isinstance(item, str) else True


def test_long_and_deep_and_odd_branches_go_as_objects() -> None:
    deep: Any = 0
    for _ in range(200):
        deep = [deep]
    itself: list[Any] = []
    itself.append(itself)
    for item in (list(range(10_000)), deep, {None: 1}, {("a", 1): np.zeros(2)}, tuple("x" * 50)):
        assert len(layout_of(item).leaves) == 1
        assert not differ([item][0], sent([item])[0]) if item is not deep else sent([item])
    came = sent([itself])[0]
    assert came[0][0] is came[0] or came[0][0] is came, "a list that holds itself"


def test_objects_share_what_they_shared_within_an_item() -> None:
    inside = pool.Thing(3)
    a, b = sent([(inside, inside)])[0]
    assert a is b


def test_what_cannot_be_pickled_raises_and_leaves_room() -> None:
    filler = Filler(ANYTHING, np.zeros(4096, np.uint8), 3)
    with pytest.raises(TypeError, match="lock"):
        filler.put(threading.Lock())
    assert filler.put(lambda: 5), "what pickle refuses goes by cloudpickle"
    assert [f() for f in unpacked(filler)] == [5]


def test_arrays_of_foreign_dtypes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    items = [
        np.arange(6).astype(ml_dtypes.bfloat16).reshape(2, 3),
        ml_dtypes.bfloat16(1.5),
        pool.Frozen(np.ones(2, ml_dtypes.bfloat16)),
    ]
    for item, came in zip(items, sent(items), strict=True):
        assert not differ(item, came)
