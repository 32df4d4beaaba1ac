"""What ``model.fit`` takes, and what it does with it: with the backend that is installed, PyTorch if there is no other."""

from __future__ import annotations

import os
import pickle
from typing import Any

import numpy as np
import pytest

import headrace as hr
from bridges.pool import members, numbered, table
from support.require import require

if "KERAS_BACKEND" not in os.environ:
    require("torch")
    os.environ["KERAS_BACKEND"] = "torch"
keras = require("keras")
dataset, generator = hr.bridges.keras.dataset, hr.bridges.keras.generator

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras with numpy 2


def batches(n: int = 60) -> Any:
    return (table(n) | hr.permute() | hr.map(lambda row: {**row, "w": 1.0}) | hr.batch(8)).seeded(7)


def fitted(data: Any, *, looked: bool = False, **options: Any) -> list[int]:
    """Train on ``data`` and return the ids that the loss was asked for; ``looked`` trains on something else before."""
    seen: list[int] = []

    def loss(ids: Any, predicted: Any) -> Any:
        if not getattr(ids, "is_meta", False):  # a look at shapes before the first step
            seen.extend(int(i) for i in keras.ops.ravel(ids))
        return keras.ops.mean(predicted)

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss, run_eagerly=True)
    if looked:
        model.fit(np.zeros((1, 2)), np.zeros(1), verbose=0)
        seen.clear()
    model.fit(data, verbose=0, shuffle=False, **options)
    return seen


def ids(epoch: int) -> list[int]:
    key = hr.Key(7).child("lap", epoch) if epoch else hr.Key(7)
    return [int(i) for batch in batches().open(key) for i in batch["id"]]


def test_batches_are_those_of_the_stream() -> None:
    data = dataset(batches(), "X", "id", "w")
    assert isinstance(data, keras.utils.PyDataset)
    assert len(data) == 8
    for k, batch in enumerate(batches()):
        x, y, w = data[k]
        assert x.tolist() == batch["X"].tolist()
        assert y.tolist() == batch["id"].tolist()
        assert w.tolist() == batch["w"].tolist()
    assert dataset(batches(), "X")[0][0].shape == (8, 2)
    assert len(dataset(batches(), "X")[0]) == 1
    (inputs, _) = dataset(batches(), ["X", "w"], "id")[0]
    assert [part.shape for part in inputs] == [(8, 2), (8,)]
    assert dataset(batches() | hr.tuples("X", "id"))[0][1].tolist() == ids(0)[:8]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_epoch_of_fit_is_the_next_lap(workers: int) -> None:
    data = dataset(batches(), "X", "id", workers=workers)
    found = fitted(data, epochs=3, looked=workers > 1)  # Keras 3.15 loses a batch to its look at shapes else
    assert [found[k : k + 60] for k in (0, 60, 120)] == [ids(0), ids(1), ids(2)]
    assert data.epoch == 3


def test_short_epochs_of_fit_do_not_cut_a_lap() -> None:
    data = dataset(batches(64), "X", "id")
    found = fitted(data, epochs=5, steps_per_epoch=4)
    assert sorted(found[:64]) == sorted(found[64:128]) == list(range(64))
    assert found[:64] != found[64:128]


def test_a_training_goes_on_in_its_epoch() -> None:
    data = dataset(batches(), "X", "id")
    data.set_epoch(2)
    twin = pickle.loads(pickle.dumps(data))
    assert fitted(twin, epochs=1) == ids(2)
    assert data.epoch == 2


def test_rows_of_the_source_cannot_be_written_through() -> None:
    X = np.zeros((8, 2))
    data = dataset(hr.source({"X": X}) | hr.batch(4), "X")
    data[0][0][:] = 1
    assert not X.any()


def test_streams_without_numbers_come_as_a_generator() -> None:
    with pytest.raises(hr.AddressError, match="no items by number"):
        dataset(members() | hr.batch(4), "X", "id")
    run = generator(members() | hr.batch(13), "X", "id")
    laps = [[int(i) for _ in range(3) for i in next(run)[1]] for _ in range(2)]
    assert sorted(laps[0]) == sorted(laps[1])
    assert laps[0] != laps[1]
    found = fitted(generator(numbered() | hr.batch(8), "X", "id"), steps_per_epoch=8, epochs=2)
    assert sorted(found[:60]) == sorted(found[60:]) == list(range(60))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((3, "id"), r"inputs=\) got 3"),
        (("X", []), r"outputs=\) got \[\]"),
        ((None, "id"), r"inputs=\) got None"),
        (("X", None, "w"), r"weights=\) got 'w'"),
        (("X", "id", 3), r"weights=\) got 3"),
    ],
)
def test_names_are_checked_when_it_is_made(arguments: Any, said: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=said):
        dataset(batches(), *arguments)


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(hr.DataError, match=r"without \['z'\]; its fields are \['X', 'id', 'w'\]"):
        dataset(batches(), "X", "z")[0]
    with pytest.raises(hr.DataError, match="wanted a dict"):
        dataset(batches() | hr.tuples("X", "id"), "X")[0]
