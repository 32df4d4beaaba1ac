"""The map-style dataset: items by number, for samplers."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import headrace as hr
from bridges.pool import flat, ids, members, numbered, table, values
from support.require import require

torch = require("torch")
data: Any = require("torch.utils.data")
map_dataset = hr.bridges.torch.map_dataset

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]


def test_items_and_columns_are_those_of_the_stream() -> None:
    stream, rows = numbered(), map_dataset(numbered())
    assert isinstance(rows, data.Dataset)
    assert len(rows) == 60
    assert values(rows[i] for i in range(60)) == values(stream)
    assert values([rows[-1], rows[np.int64(3)], rows[torch.tensor(3)]]) == values([stream[-1], stream[3], stream[3]])
    for several in ([5, 0, 5], np.array([5, 0, 5]), torch.tensor([5, 0, 5]), slice(3, 9)):
        wanted = stream[several] if isinstance(several, slice) else stream[[5, 0, 5]]
        assert rows[several]["X"].tolist() == wanted["X"].tolist()
    with pytest.raises(IndexError, match="60"):
        rows[60]


def test_what_a_loader_asks_for_are_items() -> None:
    rows = map_dataset(numbered())
    assert values(rows.__getitems__([4, 2])) == values([numbered()[4], numbered()[2]])
    ragged = map_dataset(hr.source([{"X": np.arange(i)} for i in range(5)]))
    assert [row["X"].tolist() for row in ragged.__getitems__([3, 1])] == [[0, 1, 2], [0]]


@pytest.mark.parametrize("workers", [0, 2])
def test_samplers_choose(workers: int) -> None:
    rows = map_dataset(table())
    shuffled = data.DataLoader(rows, batch_size=8, shuffle=True, num_workers=workers)
    found = flat(batch["id"].tolist() for batch in shuffled)
    assert sorted(found) == list(range(60))
    assert found != list(range(60))
    several = data.BatchSampler(data.SequentialSampler(rows), 8, drop_last=False)
    columns = data.DataLoader(rows, sampler=several, batch_size=None, num_workers=workers)
    assert flat(batch["id"].tolist() for batch in columns) == list(range(60))
    halves = [data.DistributedSampler(rows, num_replicas=2, rank=rank, shuffle=False) for rank in range(2)]
    assert ids(rows[i] for half in zip(*halves, strict=True) for i in half) == list(range(60))


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_have_numbers_of_their_own(workers: int) -> None:
    rows = map_dataset(numbered())
    loader = data.DataLoader(rows, batch_size=None, num_workers=workers, persistent_workers=workers > 0)
    for epoch in (0, 2, 1):
        rows.set_epoch(epoch)
        key = hr.Key(7).child("lap", epoch) if epoch else hr.Key(7)
        assert values(loader) == values(numbered().open(key))
        assert rows[[3, 1]]["id"].tolist() == ids(numbered().open(key))[3:0:-2]


def test_it_pickles_with_its_epoch() -> None:
    rows = map_dataset(numbered())
    rows.set_epoch(4)
    twin = pickle.loads(pickle.dumps(rows))
    assert values(twin[i] for i in range(5)) == values(rows[i] for i in range(5))
    assert twin.epoch == 4


def test_arrays_where_tensors_are_not_wanted() -> None:
    assert isinstance(map_dataset(table(), tensors=False)[0]["X"], np.ndarray)


@pytest.mark.parametrize(
    ("stream", "error", "said"),
    [
        pytest.param(members, hr.AddressError, "no items by number", id="no numbers"),
        pytest.param(lambda: table() | hr.repeat(), hr.StreamConfigError, "no end", id="endless"),
        pytest.param(lambda: numbered(seed=None), hr.StreamConfigError, "without a seed", id="no seed"),
    ],
)
def test_other_streams_are_refused_when_it_is_made(stream: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        map_dataset(stream())
