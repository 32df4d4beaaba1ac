"""The loader: what was delivered is the state, whatever its workers have made ahead."""

from __future__ import annotations

import json
import os
import pickle
from typing import Any

import pytest

import headrace as hr
from bridges.pool import flat, ids, members, numbered, table, values
from support.require import require

torch = require("torch")
loader = hr.bridges.torch.loader

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]
MAKES = pytest.mark.parametrize("make", [numbered, members])
WORKERS = pytest.mark.parametrize("workers", [0, 1, 2, 3])


def some(run: Any, n: int) -> list[Any]:
    return [next(run) for _ in range(n)]


@MAKES
@WORKERS
def test_epochs_differ_and_repeat_with_the_seed(make: Any, workers: int) -> None:
    batches = loader(make(), num_workers=workers)
    epochs = [values(batches) for _ in range(3)]
    assert batches.epoch == 3
    assert len({str(epoch) for epoch in epochs}) == 3
    for epoch in epochs:
        assert sorted(i for i, _ in epoch) == sorted(ids(make()))
    if workers < 2 or make is numbered:
        assert epochs[0] == values(make())
        assert epochs[2] == values(make().open(hr.Key(make().seed).child("lap", 2)))
    batches.set_epoch(1)
    assert values(batches) == epochs[1]


@MAKES
@WORKERS
@pytest.mark.parametrize(("n", "every"), [(0, 1.0), (1, 0.0), (16, 0.002), (16, 100.0), (38, 0.0), (39, 100.0)])
def test_it_goes_on_behind_the_last_item_delivered(make: Any, workers: int, every: float, n: int) -> None:
    batches = loader(make(), num_workers=workers, snapshot_every=every)
    list(batches)
    whole = values(batches)
    batches.set_epoch(1)
    first = values(some(iter(batches), n))
    state = pickle.loads(pickle.dumps(batches.state_dict()))
    again = loader(make(), num_workers=workers, snapshot_every=every)
    again.load_state_dict(state)
    assert again.epoch == 1
    rest = values(again)
    # where a worker has come to its end, whose turn it is next depends on when that is noticed
    assert first + rest == whole if n < 20 or make is numbered else sorted(first + rest) == sorted(whole)
    assert again.epoch == 2


def test_a_resumed_pass_can_be_resumed_again() -> None:
    for make in (numbered, members):
        state, found = loader(make(), num_workers=2, snapshot_every=0.001).state_dict(), []
        for n in (3, 0, 10, 1):
            batches = loader(make(), num_workers=2, snapshot_every=0.001)
            batches.load_state_dict(state)
            found += some(iter(batches), n)
            state = batches.state_dict()
        batches = loader(make(), num_workers=2)
        batches.load_state_dict(state)
        assert sorted(ids(found) + ids(batches)) == sorted(ids(make()))


def test_items_with_numbers_go_on_with_any_number_of_workers_and_ranks() -> None:
    whole = values(numbered())
    runs = [iter(loader(numbered(), num_workers=2, rank=rank, world_size=3)) for rank in range(3)]
    loaders = [run._loader for run in runs]
    first = [item for run in zip(*(some(run, 4) for run in runs), strict=True) for item in run]
    assert values(first) == whole[:12]
    states = [json.loads(json.dumps(batches.state_dict())) for batches in loaders]
    assert states[0] == states[1] == states[2]
    for world, workers in [(1, 0), (1, 3), (2, 2), (5, 1)]:
        parts = []
        for rank in range(world):
            batches = loader(numbered(), num_workers=workers, rank=rank, world_size=world)
            batches.load_state_dict(states[0])
            run = iter(batches)
            parts.append(values(some(run, 2)))
            assert batches.state_dict()["stream"]["at"] == 12 + 2 * world
        assert sorted(flat(parts)) == sorted(whole[12 : 12 + 2 * world])
    assert values(numbered().open(at=states[0]["stream"])) == whole[12:], "it is a state of the stream itself"


def test_a_stream_without_a_seed_keeps_its_key_over_a_resume() -> None:
    batches = loader(numbered(seed=None), num_workers=2)
    first = ids(some(iter(batches), 20))
    again = loader(numbered(seed=None))
    again.load_state_dict(batches.state_dict())
    assert sorted(first + ids(again)) == list(range(60))
    second = ids(again)
    batches.set_epoch(1)
    assert ids(batches) == second


@MAKES
def test_workers_that_stay_hear_of_epochs_and_states(make: Any) -> None:
    plain, stay = loader(make(), num_workers=2), loader(make(), num_workers=2, persistent_workers=True)
    for _ in range(2):
        assert sorted(values(stay)) == sorted(values(plain))
    some(iter(stay), 5)  # left early
    plain.set_epoch(3)
    run = iter(stay)
    first = values(some(run, 7))
    state = stay.state_dict()
    rest = values(run)
    assert sorted(first + rest) == sorted(values(plain))
    stay.load_state_dict(state)
    assert sorted(values(stay)) == sorted(rest)
    assert sorted(values(stay)) == sorted(values(plain))


def test_a_loop_left_early_is_an_epoch_that_is_over() -> None:
    batches = loader(numbered())
    run = iter(batches)
    next(run)
    other = iter(batches)
    next(other)
    assert batches.epoch == 1
    with pytest.raises(hr.errors.ClosedError, match="another one began"):
        next(run)
    list(other)
    assert list(other) == []


@pytest.mark.parametrize("workers", [0, 2])
@MAKES
def test_after_an_error_the_next_item_is_the_one_that_failed(make: Any, workers: int, tmp_path: Any) -> None:
    healed = str(tmp_path / "healed")

    def once(item: Any) -> Any:
        if item["id"] == 6 and not os.path.exists(healed):
            raise ZeroDivisionError("not yet")
        return item

    batches = loader(make() | hr.map(once), num_workers=workers, snapshot_every=0.0)
    run, found = iter(batches), []
    with pytest.raises(ZeroDivisionError, match="not yet"):
        found.extend(run)  # which keeps what came before
    before = len(found)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="not yet"):
            next(run)
    open(healed, "w").close()
    found.extend(run)
    assert sorted(ids(found)) == sorted(ids(make()))
    assert before > 0


@pytest.mark.parametrize("workers", [0, 1])
def test_what_runs_only_once_fails_for_good(workers: int) -> None:
    def numbers() -> Any:
        yield from range(3)
        raise ZeroDivisionError("of mine")

    batches = loader(hr.Streamer(numbers()), num_workers=workers)
    run, found = iter(batches), []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="of mine"):
            found.extend(run)
    assert found == [0, 1, 2]
    with pytest.raises(hr.ResumeError, match="run only once"):
        batches.state_dict()


def test_a_replayed_stream_resumes_too() -> None:
    def numbers() -> Any:
        yield from range(30)

    stream = hr.Streamer(numbers)
    batches = loader(stream, num_workers=1, snapshot_every=0.0)
    assert some(iter(batches), 11) == list(range(11))
    again = loader(stream, num_workers=1)
    again.load_state_dict(batches.state_dict())
    assert list(again) == list(range(11, 30))


def test_len_is_that_of_the_rank() -> None:
    assert len(loader(table(11), rank=1, world_size=3, num_workers=2)) == 4
    with pytest.raises(TypeError, match="no len"):
        len(loader(members()))


@pytest.mark.slow
def test_spawned_workers_and_lambdas() -> None:
    stream = table(20) | hr.map(lambda item: {**item, "id": item["id"] + 100})
    batches = loader(stream, num_workers=2, multiprocessing_context="spawn")
    assert ids(batches) == list(range(100, 120))


@pytest.mark.parametrize(
    "option", ["batch_size", "collate_fn", "drop_last", "in_order", "sampler", "shuffle", "batch_sampler", "dataset"]
)
def test_options_that_contradict_it_are_refused(option: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=f"bridges.torch.loader got {option}="):
        loader(table(), **{option: 1})


@pytest.mark.parametrize(
    "wrong", [{"num_workers": -1}, {"num_workers": True}, {"num_workers": 1.0}, {"snapshot_every": -1.0}, {"rank": 1}]
)
def test_arguments_are_checked_when_it_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"bridges\.torch\.loader got"):
        loader(table(), **wrong)


def test_workers_that_cannot_divide_are_refused_when_it_is_made() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"num_workers=5, and .*4 members"):
        loader(members(), num_workers=5)


def test_states_of_others_are_refused() -> None:
    state = loader(members(), num_workers=2).state_dict()
    with pytest.raises(hr.StateMismatchError, match="with 2 workers"):
        loader(members(), num_workers=3).load_state_dict(state)
    with pytest.raises(hr.StateMismatchError, match="rank 0 of 1"):
        loader(members(), num_workers=2, rank=0, world_size=2).load_state_dict(state)
    with pytest.raises(hr.StateMismatchError, match="no numbers"):
        loader(numbered()).load_state_dict(state)
    with pytest.raises(hr.StateMismatchError, match="of that one have numbers"):
        loader(members()).load_state_dict(loader(numbered()).state_dict())
    with pytest.raises(hr.StateMismatchError, match="another description"):
        loader(numbered(61)).load_state_dict(loader(numbered()).state_dict())
    with pytest.raises(hr.StateMismatchError, match="another description: map"):
        loader(numbered(seed=8)).load_state_dict(loader(numbered()).state_dict())
    with pytest.raises(hr.StateMismatchError, match="another description"):
        loader(members((9, 12, 7, 12)), num_workers=2).load_state_dict(state)
    with pytest.raises(hr.StateMismatchError, match="another description: map"):
        loader(members().seeded(4), num_workers=2).load_state_dict(state)


def test_arrays_where_tensors_are_not_wanted() -> None:
    (first, *_) = loader(table(), tensors=False)
    assert not isinstance(first["X"], torch.Tensor)
