"""Streams as datasets of Hugging Face, and theirs as streams."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from bridges.pool import flat, ids, members, numbered, table, values
from support.require import require

datasets = require("datasets")
dataset, map_dataset = hr.bridges.huggingface.dataset, hr.bridges.huggingface.map_dataset

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
STREAMS = pytest.mark.parametrize(
    ("make", "shards"),
    [(table, None), (numbered, None), (numbered, 3), (members, None), (members, 4)],
    ids=["table", "numbered", "numbered-3", "members", "members-4"],
)


@STREAMS
def test_items_are_those_of_the_stream(make: Any, shards: int | None) -> None:
    made = dataset(make(), shards=shards)
    assert isinstance(made, datasets.IterableDataset)
    for _ in range(2):
        found = ids(made)
        assert found == ids(make()) if make is not members or shards is None else sorted(found) == sorted(ids(make()))


def test_parts_are_as_many_as_asked() -> None:
    assert dataset(table(100)).num_shards == 64
    assert dataset(table(5)).num_shards == 5
    assert dataset(members()).num_shards == 1
    assert dataset(members(), shards=4).num_shards == 4
    assert list(dataset(table(0))) == []
    with pytest.raises(hr.StreamConfigError, match="4 members"):
        dataset(members(), shards=5)
    with pytest.raises(hr.StreamConfigError, match=r"shards\) got 0"):
        dataset(members(), shards=0)


@STREAMS
@pytest.mark.parametrize("world", [2, 3, 4])
def test_nodes_have_each_item_once(make: Any, shards: int | None, world: int) -> None:
    require("datasets.distributed")
    made = dataset(make(), shards=shards)
    parts = [datasets.distributed.split_dataset_by_node(made, rank=rank, world_size=world) for rank in range(world)]
    assert sorted(flat(map(ids, parts))) == sorted(ids(make()))
    if made.num_shards >= world:
        assert sorted(flat(ids(made.shard(world, i)) for i in range(world))) == sorted(ids(make()))


@STREAMS
def test_workers_of_a_loader_have_each_item_once(make: Any, shards: int | None) -> None:
    loader = require("torch.utils.data").DataLoader
    if make is members and shards is None:
        return  # one part, and Hugging Face stops the other worker itself
    found = ids(loader(dataset(make(), shards=shards), batch_size=None, num_workers=2))
    assert sorted(found) == sorted(ids(make()))


@STREAMS
@pytest.mark.parametrize("n", [0, 1, 22, 38])
def test_its_state_goes_on(make: Any, shards: int | None, n: int) -> None:
    made = dataset(make(), shards=shards)
    run = iter(made)
    first = ids(next(run) for _ in range(n))
    again = dataset(make(), shards=shards)
    again.load_state_dict(made.state_dict())
    assert first + ids(again) == ids(made)


def test_a_shuffle_of_theirs_loses_nothing() -> None:
    assert sorted(ids(dataset(table()).shuffle(seed=1, buffer_size=10))) == list(range(60))


def test_a_stream_without_a_seed_has_one_order_in_all_parts() -> None:
    made = dataset(numbered(seed=None))
    assert sorted(ids(made)) == list(range(60))
    assert ids(made) != ids(dataset(numbered(seed=None)))


def test_an_endless_stream_has_the_parts_asked_for() -> None:
    endless = table() | hr.repeat()
    run = iter(dataset(endless))
    assert ids(next(run) for _ in range(70)) == [i % 60 for i in range(70)]
    second = dataset(endless, shards=2).shard(2, 1)
    run = iter(second)
    assert ids(next(run) for _ in range(40)) == [(2 * i + 1) % 60 for i in range(40)]


def test_features_are_what_the_spec_tells() -> None:
    columns = {
        "x": np.zeros(3, "f4"),
        "v": np.zeros((3, 2)),
        "image": np.zeros((3, 4, 5), "u1"),
        "name": np.array(["a", "bc", "d"]),
        "raw": np.array([b"a", b"b", b"c"]),
        "good": np.array([True, False, True]),
        "when": np.zeros(3, "M8[ms]"),
    }
    made = dataset(hr.source(columns))
    assert {name: made.features[name].dtype for name in ("x", "name", "raw", "good", "when", "image")} == {
        "x": "float32",
        "name": "string",
        "raw": "binary",
        "good": "bool",
        "when": "timestamp[ms]",
        "image": "uint8",
    }
    assert made.features["image"].shape == (4, 5)
    first = next(iter(made))
    assert first["name"] == "a"
    assert first["when"] == np.datetime64("1970-01-01")
    assert next(iter(made.with_format("numpy")))["v"].dtype == np.float64
    own = datasets.Features({"y": datasets.Value("int32")})
    assert dataset(hr.source({"y": np.arange(3)}), features=own).features == own


@pytest.mark.parametrize(
    "columns",
    [{"z": np.zeros(3, "c16")}, {"z": {"deep": np.zeros(3)}}, {"z": np.zeros(3, "M8[D]")}, {"z": np.zeros((3, 0))}],
    ids=["complex", "nested", "days", "empty"],
)
def test_what_they_have_no_word_for_comes_as_it_is(columns: Any) -> None:
    made = dataset(hr.source(columns))
    assert made.features is None
    assert len(list(made)) == 3


def test_items_that_are_no_dicts_are_refused_by_name() -> None:
    with pytest.raises(hr.DataError, match=r"got a ndarray, wanted a dict"):
        next(iter(dataset(hr.source(np.zeros((3, 2))))))


# --- hashes -----------------------------------------------------------------------------------------

HASH = """
import headrace as hr, numpy as np
from datasets.fingerprint import Hasher

def shifted(by):
    return lambda row: {"y": row["y"] + by}

def hashed(n=1000, seed=7, by=1):
    stream = (hr.source({"y": np.arange(n)}) | hr.permute() | hr.map(shifted(by))).seeded(seed)
    made = hr.bridges.huggingface.dataset(stream)
    assert stream.fingerprint in made.info.description
    return Hasher.hash(made._ex_iterable.kwargs)

print(hashed(), hashed(), hashed(n=1001), hashed(seed=8), hashed(by=2))
"""


def hashed(salt: str) -> list[str]:
    path = os.pathsep.join([str(Path(hr.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-c", HASH], env=env, capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.slow
def test_equal_streams_hash_alike_in_any_process_and_others_do_not() -> None:
    found = hashed("1")
    assert hashed("2") == found
    assert found[0] == found[1]
    assert len(set(found)) == 4


# --- the map-style dataset ----------------------------------------------------------------------------


@pytest.fixture
def _quiet() -> Iterator[None]:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.mark.usefixtures("_quiet")
def test_a_finite_stream_is_written_once(tmp_path: Path) -> None:
    made = map_dataset(numbered(), cache_dir=str(tmp_path))
    assert isinstance(made, datasets.Dataset)
    assert values(made.with_format("numpy", dtype=np.float64)) == values(numbered())
    files = sorted(path for path in tmp_path.rglob("*.arrow"))
    times = [path.stat().st_mtime_ns for path in files]
    map_dataset(numbered(), cache_dir=str(tmp_path))
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.arrow"))] == times
    map_dataset(numbered(seed=8), cache_dir=str(tmp_path))
    assert len(list(tmp_path.rglob("*.arrow"))) == len(files) + 1
    with pytest.raises(hr.AddressError):
        map_dataset(members())
    with pytest.raises(hr.StreamConfigError, match="without a seed"):
        map_dataset(numbered(seed=None))


# --- theirs as ours -----------------------------------------------------------------------------------


def test_their_dataset_is_a_source_with_numbers() -> None:
    theirs = datasets.Dataset.from_dict({"X": [[0.5, 1.0], [2.0, 3.0], [4.0, 5.0]], "id": [7, 8, 9]})
    stream = hr.source(theirs)
    assert len(stream) == 3
    assert stream[1] == {"X": [2.0, 3.0], "id": 8}
    columns = stream[[2, 0]]
    assert columns["X"].tolist() == [[4.0, 5.0], [0.5, 1.0]]
    assert columns["id"].tolist() == [9, 7]
    assert sorted(ids((stream | hr.permute()).seeded(7))) == [7, 8, 9]
    arrays = hr.source(theirs.with_format("numpy"))
    assert isinstance(arrays[0]["X"], np.ndarray)
    assert arrays[1:]["id"].tolist() == [8, 9]


def test_their_iterable_dataset_is_a_stream() -> None:
    theirs = datasets.Dataset.from_dict({"id": list(range(20))}).to_iterable_dataset()
    stream = hr.as_stream(theirs)
    assert ids(stream) == ids(stream) == list(range(20))
    with stream.open() as cursor:
        cursor.take(7)
        state = cursor.state()
    assert ids(stream.open(at=state)) == list(range(7, 20))
    assert ids(hr.as_stream(dataset(numbered()))) == ids(numbered())
