"""Trees in other hands: torch, Hugging Face, river, libraries of continual learning, the command line."""

from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.cli import main
from headrace.core import same
from headrace.trees import SamplingTree, abrupt, task_arrays, to_river
from support.require import require
from trees import wave

quiet = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded",
    "ignore:This DataLoader will create",
    "ignore:'set_vital' is deprecated",  # torchdata 0.11 with torch 2.13
)


def as_dict(sample: Any) -> dict[str, Any]:
    return {"x": sample[0], "y": str(sample[1])}


# --- torch ------------------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_the_trees_batches(workers: int) -> None:
    torch = require("torch")
    tree = wave.drifting()
    batches = iter(hr.bridges.torch.loader(tree | hr.batch(8), num_workers=workers))
    for k in range(6):
        x, y = next(batches)
        due, labels = tree[8 * k : 8 * k + 8]
        assert isinstance(x, torch.Tensor)
        assert same(x.numpy(), due)
        assert list(y) == labels.tolist()


def test_a_map_dataset_is_part_of_a_tree() -> None:
    require("torch")
    tree = wave.waves()
    data = hr.bridges.torch.map_dataset(tree | hr.take(50))
    assert len(data) == 50
    assert same(data[17][0].numpy(), tree[17][0])


@quiet
def test_a_stateful_loader_goes_on() -> None:
    require("torch")
    loader_of: Any = require("torchdata.stateful_dataloader").StatefulDataLoader

    def loader() -> Any:
        data = hr.bridges.torch.dataset(wave.waves() | hr.take(60))
        return loader_of(data, batch_size=None, num_workers=2, collate_fn=hr.bridges.torch.as_is)

    whole = [x.numpy() for x, _ in loader()]
    assert len({x.tobytes() for x in whole}) == 60, "two workers: nothing twice, nothing missing"
    first = loader()
    run = iter(first)
    found = [next(run)[0].numpy() for _ in range(23)]
    again = loader()
    again.load_state_dict(first.state_dict())
    found += [x.numpy() for x, _ in again]
    assert all(map(same, found, whole))


# --- Hugging Face -----------------------------------------------------------------------------------


def test_a_hugging_face_dataset_of_a_tree_is_resumed() -> None:
    require("datasets")
    tree = wave.waves()
    data = hr.bridges.huggingface.dataset(tree | hr.map(as_dict))
    rows = list(islice(data, 12))
    for i, row in enumerate(rows):
        assert np.array_equal(row["x"], tree[i][0])
        assert row["y"] == tree[i][1]
    run = iter(data)
    head = [next(run)["y"] for _ in range(5)]
    state = data.state_dict()
    again = hr.bridges.huggingface.dataset(tree | hr.map(as_dict))
    again.load_state_dict(state)
    assert head + [row["y"] for row in islice(again, 7)] == [row["y"] for row in rows]


# --- river ------------------------------------------------------------------------------------------


def offset_point(_: Any, offset: float, *, rng: Any) -> Any:
    return rng.normal(offset, 0.1, size=2)


def test_a_river_model_learns_from_rows_and_a_detector_finds_the_change_points() -> None:
    require("river")
    river: Any = require("river.drift")
    naive: Any = require("river.naive_bayes")
    tree = SamplingTree([offset_point, {"a": "a", "b": "b"}], {"offset": abrupt(0.0, 5.0, at=600)})
    rows = to_river(tree, 1200)
    detector, model, found = river.ADWIN(), naive.GaussianNB(), []
    for k, (x, y) in enumerate(rows):
        model.predict_one(x)
        model.learn_one(x, y)
        detector.update(x["x0"])
        if detector.drift_detected:
            found.append(k)
    (point,) = rows.change_points
    assert point == 600
    assert 0 <= found[0] - point < 100


def test_rows_for_river_pickle_and_need_pairs() -> None:
    rows = to_river(SamplingTree([offset_point, "a"], {"offset": 1.0}), 5)
    assert list(pickle.loads(pickle.dumps(rows))) == list(rows)
    with pytest.raises(hr.DataError, match=r"wanted \(value, label\)"):
        next(iter(to_river(SamplingTree([offset_point], {"offset": 1.0}), 5)))
    with pytest.raises(hr.StreamConfigError, match="whole number of rows"):
        to_river(SamplingTree([offset_point], {"offset": 1.0}), -1)


# --- continual learning -----------------------------------------------------------------------------


def steps() -> SamplingTree:
    return SamplingTree([offset_point, {"b": "b", "a": "a"}], {"offset": {"schedule": [0.0, 5.0, 10.0]}})


def test_task_arrays_of_both_parts() -> None:
    tasks = steps().experiences(3, 20, test=30)
    x, y, t = task_arrays(tasks)
    assert (x.shape, y.shape, t.tolist()) == ((60, 2), (60,), [0] * 20 + [1] * 20 + [2] * 20)
    assert [round(float(x[t == k].mean())) for k in range(3)] == [0, 5, 10]
    x_test, _, t_test = task_arrays(tasks, "test")
    assert [int((t_test == k).sum()) for k in range(3)] == [30, 30, 30]
    assert [round(float(x_test[t_test == k].mean())) for k in range(3)] == [0, 5, 10]
    assert not {row.tobytes() for row in x} & {row.tobytes() for row in x_test}
    with pytest.raises(hr.StreamConfigError, match="'train' or 'test'"):
        task_arrays(tasks, "valid")


def test_tests_of_a_task_are_of_its_time() -> None:
    tree = SamplingTree([offset_point, "a"], {"offset": abrupt(0.0, 5.0, at=40)})
    for test in (10, 40, 55):
        first, second = tree.experiences(2, 40, test=test)
        assert [round(float(x.mean())) for x, _ in first.test] == [0] * test
        assert [round(float(x.mean())) for x, _ in second.test] == [5] * test
        seen = {x.tobytes() for task in (first, second) for part in (task.train, task.test) for x, _ in part}
        assert len(seen) == 2 * (40 + test)
        again = pickle.loads(pickle.dumps(first)).test
        assert all(same(a[0], b[0]) for a, b in zip(again, first.test, strict=True))


# --- the command line -------------------------------------------------------------------------------

TARGET = """
from headrace.trees import SamplingTree, abrupt


def point(_, offset, *, rng):
    return rng.normal(offset, size=3)


tree = SamplingTree([point, {"low": 0, "high": 1}], {"offset": abrupt(0.0, 5.0, at=20)})
"""


@pytest.mark.parametrize("out", ["out", "out.zarr", "out.parquet"])
def test_a_tree_is_a_target_of_run_and_is_resumed(out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "." in out:
        require({"zarr": "zarr", "parquet": "pyarrow"}[out.rpartition(".")[2]])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trees_here.py").write_text(TARGET)
    command = ["run", "trees_here.py:tree", "--to", out]
    assert main([*command, "--limit", "25"]) == 0
    assert main([*command, "--limit", "40", "--resume"]) == 0
    space: dict[str, Any] = {}
    exec(TARGET, space)
    x, y = space["tree"][0:40]
    data = hr.store.read(out)
    assert len(data) == 40
    for i in (0, 19, 20, 24, 25, 39):
        row = data[i]
        values = list(row.values()) if isinstance(row, dict) else list(row)
        assert np.array_equal(values[0], x[i])
        assert values[1] == y[i]
    assert main(["describe", "trees_here.py:tree"]) == 0
    assert main(["peek", "trees_here.py:tree"]) == 0
