"""What each column is shown as, and what is kept of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.block import Block, Pace
from headrace.plot.page.panels import BINS, PIXELS, kind_of
from headrace.plot.page.store import MOST, Store


@pytest.mark.parametrize(
    ("shape", "dtype", "kind"),
    [
        ((), "f8", "lines"),
        ((), "i4", "lines"),
        ((), "?", "lines"),
        ((), "c16", "lines"),
        ((3,), "f4", "lines"),
        ((2, 3), "f8", "lines"),
        ((129,), "f8", "waterfall"),
        ((129,), "c16", "waterfall"),
        ((3, 129), "c16", "waterfall"),
        ((48, 64, 3), "u1", "image"),
        ((48, 64), "f8", "image"),
        ((), "U5", "text"),
        ((), "O", "text"),
        ((), "M8[ns]", "text"),
        ((0,), "f8", "text"),
        ((3, 50, 2, 2), "f8", "text"),
    ],
)
def test_shape_and_dtype_say_what_a_column_is_shown_as(shape: tuple[int, ...], dtype: str, kind: str) -> None:
    column = np.zeros((4, *shape), dtype)
    assert kind_of(column) == kind
    store = Store()
    store.add(Block({"x": column}, rate=10.0))
    assert {panel.kind for panel in store.panels} == {kind}
    assert store.panels[0].rows == 4


def newest(store: Store, k: int = 0) -> Any:
    buckets = store.panels[k].buckets
    assert buckets is not None
    return buckets.since(0, 1, 10**6)


def test_every_channel_has_a_name() -> None:
    store = Store()
    store.add(Block({"acc": np.arange(12.0).reshape(2, 3, 2)}, rate=10.0))
    assert store.panels[0].labels == ("acc_0_0", "acc_0_1", "acc_1_0", "acc_1_1", "acc_2_0", "acc_2_1")
    assert newest(store)[2].tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_spectra_are_decibels_with_the_frequency_of_the_highest_bin() -> None:
    graph = s.Graph([s.FourierTransform("x", name="f", window_size=64, window_overlap=32)])
    run, store = graph.run(), Store()
    store.graph = graph
    t = np.arange(640) / 200
    block = run(Block({"x": np.sin(2 * np.pi * 50 * t)}, rate=200.0))
    store.add(Block.of({**block}, 0, 640, 200.0, block.paces, block.latencies, None, None))
    (panel,) = [panel for panel in store.panels if panel.name == "f"]
    assert panel.top == 100.0
    assert panel.unit == "dB"
    assert panel.dt == 32 / 200
    assert panel.t0 == 63 / 200
    _, low, high = newest(store, panel.id)
    assert low is None
    np.testing.assert_allclose(high, 10 * np.log10(np.maximum(abs(block["f"]), 1e-20)), rtol=1e-5)
    assert (high.argmax(axis=1) == 16).all()


def test_wide_spectra_are_pooled_and_lose_no_peak() -> None:
    store = Store()
    column = np.zeros((3, 5000))
    column[:, 3333] = 7.0
    store.add(Block({"x": column}, rate=10.0))
    assert store.panels[0].channels == BINS
    assert newest(store)[2].max(axis=1).tolist() == [7, 7, 7]


def test_a_spectrum_of_some_channels_has_a_place_for_each() -> None:
    store = Store()
    store.add(Block({"f": np.stack([np.full((4, 20), 10**k) for k in range(3)], axis=1) + 0j}, rate=10.0))
    assert [panel.name for panel in store.panels] == ["f[0]", "f[1]", "f[2]"]
    assert [newest(store, k)[2][0, 0] for k in range(3)] == [0, 10, 20]


def test_large_pictures_are_made_smaller_and_floats_stretched() -> None:
    store = Store()
    store.add(Block({"image": np.linspace(-3, 5, 1000 * 800).reshape(1, 1000, 800)}, rate=10.0))
    found = store.panels[0].newest
    assert found.dtype == np.uint8
    assert found.shape[2] == 3
    assert found.shape[0] * found.shape[1] <= PIXELS
    assert found.min() == 0
    assert found.max() >= 250
    store.add(Block({"image": np.full((1, 1000, 800), np.nan)}, first=1, rate=10.0))
    assert store.panels[0].newest.max() == 0


def test_words_are_the_newest() -> None:
    store = Store()
    store.add(Block({"key": np.array(["a", "b"]), "any": np.array([{1}, None], object)}, rate=10.0))
    assert store.words() == {"key": "b", "any": "None"}


def test_an_object_that_cannot_be_printed_is_no_harm() -> None:
    class Bad:
        def __str__(self) -> str:
            raise ZeroDivisionError

    column = np.empty(1, object)
    column[0] = Bad()
    store = Store()
    store.add(Block({"x": column}, rate=10.0))
    assert store.words() == {"x": "?"}


def test_a_new_run_begins_anew_and_a_gap_does_not() -> None:
    store = Store()
    store.add(Block({"x": np.arange(5.0)}, first=0, rate=10.0))
    store.add(Block({"x": np.arange(5.0)}, first=8, rate=10.0))
    assert store.version == 1
    assert np.isnan(newest(store)[2][5:8]).all()
    assert len(newest(store)[2]) == 13
    store.add(Block({"x": np.arange(5.0)}, first=0, rate=10.0))
    assert store.version == 2
    assert len(newest(store)[2]) == 5
    store.add(Block({"x": np.arange(5.0), "y": np.zeros(5)}, first=5, rate=10.0))
    assert store.version == 3
    assert [panel.name for panel in store.panels] == ["x", "y"]


def test_slower_columns_stand_where_they_belong() -> None:
    store = Store()
    pace = Pace(Fraction(4), Fraction(3))
    for k in range(3):
        columns = {"x": np.arange(8.0), "slow": np.array([k, k + 0.5])}
        store.add(Block(columns, first=8 * k, rate=8.0, paces={"slow": pace}))
    slow = store.panels[1]
    assert (slow.dt, slow.t0, slow.rows) == (0.5, 3 / 8, 6)
    assert newest(store, 1)[2][:, 0].tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert store.now == 23 / 8


def test_the_column_of_times_has_no_place_and_there_is_an_end_of_places() -> None:
    store = Store()
    store.add(Block({"timestamp": np.arange(3.0), **{f"x{k}": np.zeros(3) for k in range(MOST + 5)}}, rate=1.0))
    assert len(store.panels) == MOST
    assert store.left_out == 5
    assert "timestamp" not in [panel.name for panel in store.panels]


def moments(store: Store, k: int = 0) -> list[float]:
    times = store.panels[k].times
    assert times is not None
    low = times.since(0, 1, 10**6)[1]
    assert low is not None
    found: list[float] = low[:, 0].tolist()
    return found


def test_rows_that_bring_their_times_stand_there() -> None:
    store = Store()
    store.add(Block({"timestamp": np.array([50.0, 50.1, 50.2]), "x": np.zeros(3), "y": np.zeros(3)}, rate=10.0))
    store.add(Block({"timestamp": np.array([50.9, 51.0]), "x": np.ones(2), "y": np.ones(2)}, first=3, rate=10.0))
    np.testing.assert_allclose(moments(store), [0, 0.1, 0.2, 0.9, 1.0], err_msg="six moments were missed")
    assert store.panels[0].times is store.panels[1].times
    assert store.now == 1.0


def test_time_does_not_go_back() -> None:
    store = Store()
    store.add(Block({"timestamp": np.array([5.0, 5.1, 5.2]), "x": np.zeros(3)}, rate=10.0))
    store.add(Block({"timestamp": np.array([2.0, np.nan, 5.3]), "x": np.ones(3)}, first=3, rate=10.0))
    np.testing.assert_allclose(moments(store), [0, 0.1, 0.2, 0.2, 0.2, 0.3])


@pytest.mark.parametrize("times", [[7.0, 7.0, 7.0], [0.0, 1e5, 2e5], [np.nan, 1.0, 2.0]], ids=["still", "microseconds", "nan"])  # fmt: skip
def test_times_that_cannot_be_are_not_believed(times: list[float]) -> None:
    store = Store()
    store.add(Block({"timestamp": np.array(times), "x": np.zeros(3)}, rate=10.0))
    assert store.panels[0].dt == 0.1
    assert store.now == 0.2


def test_memory_has_an_end() -> None:
    store = Store(seconds=3600)
    store.add(Block({"x": np.zeros((1, 30)), "f": np.zeros((1, 200))}, rate=100_000.0))
    for panel in store.panels:
        buckets = panel.buckets
        assert buckets is not None
        assert buckets.capacity * buckets.size >= 3600 * 100_000
        assert buckets.capacity * panel.channels <= 1 << 21


def test_empty_blocks_are_nothing() -> None:
    store = Store()
    store.add(Block({}))
    assert store.version == 0
    store.add(Block({"x": np.zeros(0)}, rate=10.0))
    assert store.panels[0].rows == 0
