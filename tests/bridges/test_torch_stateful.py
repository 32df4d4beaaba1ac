"""Inside torchdata's StatefulDataLoader, which asks for states in the workers."""

from __future__ import annotations

from typing import Any

import pytest

import headrace as hr
from bridges.pool import flat, ids, members, numbered, values
from support.require import require

require("torch")
StatefulDataLoader: Any = require("torchdata.stateful_dataloader").StatefulDataLoader

pytestmark = [
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated"),  # torchdata 0.11 with torch 2.13
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]


def made(make: Any, workers: int, **options: Any) -> Any:
    return StatefulDataLoader(
        hr.bridges.torch.dataset(make()),
        batch_size=None,
        num_workers=workers,
        collate_fn=hr.bridges.torch.as_is,
        **options,
    )


@pytest.mark.parametrize("make", [numbered, members])
@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(("n", "snapshot"), [(0, 1), (1, 5), (17, 1), (17, 5), (38, 1)])
def test_it_goes_on_from_its_snapshots(make: Any, workers: int, snapshot: int, n: int) -> None:
    whole = values(made(make, workers))
    loader = made(make, workers, snapshot_every_n_steps=snapshot)
    run = iter(loader)
    first = [next(run) for _ in range(n)]
    again = made(make, workers, snapshot_every_n_steps=snapshot)
    again.load_state_dict(loader.state_dict())
    assert values(first) + values(again) == whole
    assert values(again) == whole, "the next epoch is whole"


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_the_loader_go_on_as_well(workers: int) -> None:
    data = hr.bridges.torch.dataset(numbered(64))
    loader = StatefulDataLoader(data, batch_size=4, num_workers=workers)
    run = iter(loader)
    first = [next(run)["id"].tolist() for _ in range(5)]
    again = StatefulDataLoader(hr.bridges.torch.dataset(numbered(64)), batch_size=4, num_workers=workers)
    again.load_state_dict(loader.state_dict())
    rest = [batch["id"].tolist() for batch in again]
    assert sorted(flat(first + rest)) == sorted(ids(numbered(64)))


def test_epochs_are_told_to_workers_that_stay() -> None:
    data = hr.bridges.torch.dataset(numbered())
    loader = StatefulDataLoader(data, batch_size=None, num_workers=2, persistent_workers=True)
    for epoch in range(3):
        data.set_epoch(epoch)
        key = hr.Key(7).child("lap", epoch) if epoch else hr.Key(7)
        assert values(loader) == values(numbered().open(key))
