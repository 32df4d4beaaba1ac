"""The iterable-style dataset: no sample twice, none missing, in order, for any number of workers and ranks."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import headrace as hr
from bridges.pool import flat, ids, members, numbered, table, values
from support.require import require

torch = require("torch")
DataLoader: Any = require("torch.utils.data").DataLoader
dataset = hr.bridges.torch.dataset

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # more workers than cores
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),  # torch forks
]
WORKERS = pytest.mark.parametrize("workers", [0, 1, 2, 3])


def loaded(data: Any, workers: int = 0, **options: Any) -> list[Any]:
    run = iter(DataLoader(data, batch_size=None, num_workers=workers, **options))
    try:
        return list(run)
    finally:
        if workers:
            run._shutdown_workers()  # which takes 5 s each where an error's traceback holds them


@WORKERS
def test_items_with_numbers_come_in_the_order_of_the_stream(workers: int) -> None:
    assert values(loaded(dataset(numbered()), workers)) == values(numbered())


@WORKERS
def test_items_without_numbers_come_once_each(workers: int) -> None:
    found = loaded(dataset(members()), workers)
    assert sorted(ids(found)) == sorted(ids(members()))
    if workers < 2:
        assert values(found) == values(members())


@pytest.mark.parametrize("make", [numbered, members])
@pytest.mark.parametrize("workers", [0, 2])
def test_ranks_and_workers_divide_without_talking(make: Any, workers: int) -> None:
    parts = [ids(loaded(dataset(make(), rank=rank, world_size=2), workers)) for rank in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(ids(make()))
    if make is numbered:
        assert parts == [ids(make())[rank::2] for rank in range(2)]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_plain_batch_size_works_as_well(workers: int) -> None:
    loader = DataLoader(dataset(table()), batch_size=8, num_workers=workers)
    assert sorted(flat(batch["id"].tolist() for batch in loader)) == list(range(60))


def test_what_workers_cannot_divide_is_an_error_that_says_why() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"num_workers=2, and .*streamer.* cannot be divided"):
        loaded(dataset(hr.Streamer(range(9))), 2)
    assert loaded(dataset(hr.Streamer(range(9))), 1) == list(range(9))
    with pytest.raises(hr.StreamConfigError, match=r"world_size=9"):
        dataset(members(), rank=0, world_size=9)


def test_len_is_that_of_the_rank() -> None:
    assert [len(dataset(table(11), rank=rank, world_size=3)) for rank in range(3)] == [4, 4, 3]
    for endless in (dataset(members()), dataset(table() | hr.repeat())):
        with pytest.raises(TypeError, match="no len"):
            len(endless)


# --- random numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("workers", "stay"), [(0, False), (2, False), (2, True)])
def test_an_epoch_has_numbers_of_its_own_in_all_workers(workers: int, stay: bool) -> None:
    data = dataset(numbered())
    loader = DataLoader(data, batch_size=None, num_workers=workers, persistent_workers=stay)
    for epoch in (0, 0, 3, 1):
        data.set_epoch(epoch)
        assert data.epoch == epoch
        key = hr.Key(7).child("lap", epoch) if epoch else hr.Key(7)
        assert values(loader) == values(numbered().open(key))


@pytest.mark.parametrize(("workers", "stay"), [(0, False), (2, False), (2, True)])
def test_a_stream_without_a_seed_draws_anew_in_every_pass_and_alike_in_all_workers(workers: int, stay: bool) -> None:
    loader = DataLoader(dataset(numbered(seed=None)), batch_size=None, num_workers=workers, persistent_workers=stay)
    passes = [list(loader) for _ in range(3)]
    for found in passes:
        assert sorted(ids(found)) == list(range(60)), "each row once: all workers have one order"
    assert len({tuple(ids(found)) for found in passes}) == 3


def test_seeds_further_in_give_the_same_in_workers() -> None:
    inner = hr.mix([table() | hr.permute(), table() | hr.map(lambda item: item)], seed=5) | hr.take(40) | hr.batch(4)
    wanted = [batch["id"].tolist() for batch in inner]
    for workers in (0, 2):
        assert [batch["id"].tolist() for batch in loaded(dataset(inner), workers)] == wanted


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "1"])
def test_an_epoch_is_a_whole_number(wrong: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match="set_epoch"):
        dataset(table()).set_epoch(wrong)


# --- processes --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_workers_that_are_not_forked_load_the_recipe(how: str) -> None:
    shift = 100
    stream = table(20) | hr.map(lambda item: {**item, "id": item["id"] + shift})  # pickle refuses a lambda
    found = loaded(dataset(stream), 2, multiprocessing_context=how)
    assert ids(found) == list(range(100, 120))


def test_it_pickles_and_copies_with_its_epoch() -> None:
    data = dataset(numbered(), rank=1, world_size=2)
    data.set_epoch(2)
    for twin in (pickle.loads(pickle.dumps(data)), copy.deepcopy(data)):
        assert values(twin) == values(data)
        twin.set_epoch(3)
        assert data.epoch == 2


def test_an_error_in_a_worker_keeps_its_type_and_says_where() -> None:
    def broken(item: Any) -> Any:
        if item["id"] == 5:
            raise ZeroDivisionError("of mine")
        return item

    for workers in (0, 2):
        with pytest.raises(ZeroDivisionError) as caught:
            loaded(dataset(table() | hr.map(broken)), workers)
        text = str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
        assert "of mine" in text
        assert "item 5 of root" in text or "item 2 of root" in text  # item 2 of the second worker's part


@dataclass
class Refuses:
    """Takes no tensor, the first time."""

    x: Any
    ready: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not isinstance(self.x, np.ndarray) and not self.ready:
            raise TypeError("no tensors yet")


def test_an_item_that_cannot_be_made_tensors_is_not_lost() -> None:
    run = iter(dataset(hr.source([Refuses(np.zeros(1)), Refuses(np.ones(1))])))
    for _ in range(2):
        with pytest.raises(TypeError, match="no tensors yet"):
            next(run)
    Refuses.ready = True
    assert [item.x.tolist() for item in run] == [[0.0], [1.0]]


def test_items_keep_their_structure_where_the_loader_leaves_them() -> None:
    stream = hr.source([(np.arange(2), {"when": np.datetime64("2026-01-01"), "names": np.array(["a"])})])
    (item,) = loaded(dataset(stream), collate_fn=hr.bridges.torch.as_is)
    assert type(item) is tuple
    assert isinstance(item[0], torch.Tensor)
    assert item[1]["when"] == np.datetime64("2026-01-01")
    (raw,) = loaded(dataset(stream, tensors=False), collate_fn=hr.bridges.torch.as_is)
    assert isinstance(raw[0], np.ndarray)


# --- states without workers -------------------------------------------------------------------------


@pytest.mark.parametrize("make", [numbered, members])
@pytest.mark.parametrize("n", [0, 1, 17, 38])
def test_a_pass_goes_on_from_a_state(make: Any, n: int) -> None:
    data = dataset(make())
    data.set_epoch(1)
    whole = values(data)
    run = iter(data)
    for _ in range(n):
        next(run)
    state = data.state_dict()
    again = dataset(make())
    again.load_state_dict(state)
    assert again.state_dict() == state or n
    assert values(again) == whole[n:]
    assert again.epoch == 1
    assert values(again) == whole, "the pass after that is whole"


def test_a_state_without_workers_goes_on_with_some() -> None:
    data = dataset(numbered(), rank=1, world_size=2)
    run = iter(data)
    for _ in range(7):
        next(run)
    state = data.state_dict()
    for workers in (0, 1, 2, 3):
        again = dataset(numbered(), rank=1, world_size=2)
        again.load_state_dict(state)
        assert values(loaded(again, workers)) == values(numbered())[1::2][7:]


def test_states_of_others_are_refused() -> None:
    data = dataset(numbered())
    next(iter(data))
    state = data.state_dict()
    for other in (numbered(61), numbered(seed=8), members()):
        again = dataset(other)
        again.load_state_dict(state)
        with pytest.raises(hr.StateMismatchError, match="another"):
            next(iter(again))


def test_the_state_of_passes_in_workers_is_refused_not_made_up() -> None:
    data = dataset(numbered())
    next(iter(DataLoader(data, batch_size=None, num_workers=1)))
    with pytest.raises(hr.ResumeError, match=r"bridges\.torch\.loader"):
        data.state_dict()


def test_a_stream_that_cannot_resume_says_so() -> None:
    data = dataset(hr.Streamer(iter(range(5))))
    run = iter(data)
    assert next(run) == 0
    with pytest.raises(hr.ResumeError, match="run only once"):
        data.state_dict()
