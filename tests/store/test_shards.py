"""Several processes write numbered parts of one dataset: always the files that one would write."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headrace as hr
from headrace.errors import HeadraceWarning, ResumeError, SinkError, StateMismatchError, StreamConfigError
from headrace.store import Sharding, claims, read, save
from headrace.store.claims import Claim
from headrace.store.files import FolderLock
from support.counts import heavy
from support.require import require


def item(i: int, rng: Any) -> dict[str, Any]:
    return {"X": rng.normal(size=2), "y": i, "name": "x" * (i % 6)}


def plain(i: int) -> dict[str, Any]:
    return {"y": i}


def fragile(i: int) -> dict[str, Any]:
    if i in BROKEN:
        raise KeyError("no such song")
    return {"y": i}


def uneven(i: int) -> hr.Batch:
    return hr.Batch({"y": np.arange(2 if i == 3 else 4)})


def doubled(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "X": 2 * item["X"]}


BROKEN: set[int] = set()
ITEMS = hr.functional(item, size=100)
BATCHES = ITEMS | hr.map(doubled) | hr.batch(9)
SOURCE = hr.source([{"y": i, "z": (i, i * i)} for i in range(100)])
CURSOR = hr.Streamer(range(10)) | hr.shuffle(4)


@pytest.fixture(autouse=True, scope="module")
def _no_fsync() -> Iterator[None]:
    """It guards against a crash of the machine, which no test here brings about, and takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def in_shards(stream: Any, path: Path, n: int, order: list[int] | None = None, **options: Any) -> None:
    """Write all shards, one after the other, those that begin last too."""
    complete = [save(stream, path, shard=(i, n), **options).complete for i in order or range(n)]
    assert complete == sorted(complete)
    assert complete[-1]


@pytest.mark.parametrize("suffix", ["", ".zarr", ".parquet"])
@pytest.mark.parametrize("stream", [ITEMS, BATCHES, SOURCE], ids=["items", "batches", "source"])
@pytest.mark.parametrize("limit", [None, 61, 100, 1000])
def test_shards_write_what_one_process_writes(stream: Any, suffix: str, limit: int | None, tmp_path: Path) -> None:
    if suffix:
        require({".zarr": "zarr", ".parquet": "pyarrow"}[suffix])
    options: dict[str, Any] = {"seed": 7, "limit": limit, "part": 8}
    save(stream, tmp_path / f"whole{suffix}", **options)
    in_shards(stream, tmp_path / f"parts{suffix}", 3, [2, 0, 1], **options)
    assert files(tmp_path / f"parts{suffix}") == files(tmp_path / f"whole{suffix}")


@settings(max_examples=heavy(200))
@given(st.data(), st.integers(1, 7), st.integers(0, 110), st.sampled_from([5, 9, 64, None]))
def test_any_number_of_shards_in_any_order(data: Any, n: int, limit: int, part: int | None) -> None:
    """More shards than parts too, and none at all: the surplus ones write nothing and end well."""
    order = data.draw(st.permutations(range(n)))
    with TemporaryDirectory() as folder:
        for name, stream in {"items": ITEMS, "batches": BATCHES, "plain": hr.functional(plain, size=limit)}.items():
            options: dict[str, Any] = {"seed": 7, "limit": limit, "part": part}
            save(stream, Path(folder) / f"{name}-whole", **options)
            in_shards(stream, Path(folder) / f"{name}-parts", n, order, **options)
            assert files(Path(folder) / f"{name}-parts") == files(Path(folder) / f"{name}-whole")


def test_each_writes_its_own_parts_and_its_own_record(tmp_path: Path) -> None:
    out = tmp_path / "set"
    saved = save(ITEMS, out, seed=7, part=8, shard=(1, 3))
    assert saved == (out, 32, False, True)
    assert sorted(files(out)) == ["_progress-1-of-3.json", *(f"part-{p:06d}.npz" for p in (1, 4, 7, 10))]
    with pytest.raises(SinkError, match="written in shards, and not all of them have ended"):
        read(out)


def test_a_complete_dataset_is_left_alone_and_can_be_extended_by_one_process(tmp_path: Path) -> None:
    for stream in (ITEMS, BATCHES):
        out, whole = tmp_path / stream.node_name, tmp_path / f"{stream.node_name}-whole"
        in_shards(stream, out, 3, seed=7, part=8, limit=50)
        before = files(out)
        in_shards(stream, out, 3, seed=7, part=8, limit=50)
        assert files(out) == before
        save(stream, out, limit=inf, resume=True)
        save(stream, whole, seed=7, part=8)
        assert {**files(out), "_progress.json": b""} == {**files(whole), "_progress.json": b""}
        with pytest.raises(StateMismatchError, match="number of rows"):
            save(stream, out, seed=7, part=8, limit=50, shard=(0, 3))


def test_stopped_it_goes_on_at_its_first_missing_part(tmp_path: Path) -> None:
    left = iter([False] * 19)
    job = Sharding(ITEMS, tmp_path / "set", (0, 2), seed=7, part=8, limit=90)
    saved = job.run(stop=lambda: next(left, True))
    assert (saved.rows, saved.complete, job.whole, job.total) == (16, False, False, 48)
    before = {path: path.stat().st_ino for path in (tmp_path / "set").glob("part-*")}
    assert [path.name for path in sorted(before)] == ["part-000000.npz", "part-000002.npz"]
    save(ITEMS, tmp_path / "set", seed=7, part=8, limit=90, shard=(1, 2))
    assert save(ITEMS, tmp_path / "set", shard=(0, 2), resume=True).complete  # seed, limit and part are known
    assert {path: path.stat().st_ino for path in before} == before
    save(ITEMS, tmp_path / "whole", seed=7, part=8, limit=90)
    assert files(tmp_path / "set") == files(tmp_path / "whole")


def test_an_exception_keeps_the_parts_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = hr.functional(fragile, size=60)
    monkeypatch.setitem(globals(), "BROKEN", {45})
    save(stream, tmp_path / "set", part=10, shard=(1, 2), seed=7)  # parts 1, 3, 5
    with pytest.raises(KeyError, match="no such song") as caught:
        save(stream, tmp_path / "set", part=10, shard=(0, 2), seed=7)  # parts 0, 2, 4
    assert any("item 45 of root" in note for note in caught.value.__notes__)
    assert (tmp_path / "set" / "part-000002.npz").exists()
    monkeypatch.setitem(globals(), "BROKEN", set())
    assert save(stream, tmp_path / "set", part=10, shard=(0, 2), seed=7, resume=True).complete
    assert read(tmp_path / "set")[:]["y"].tolist() == list(range(60))


def test_what_is_not_random_needs_no_seed(tmp_path: Path) -> None:
    in_shards(SOURCE, tmp_path / "a", 2, part=8)
    assert read(tmp_path / "a").columns()["y"].tolist() == list(range(100))
    in_shards(ITEMS.seeded(7), tmp_path / "b", 2, part=8)
    save(ITEMS.seeded(7), tmp_path / "whole", part=8)
    assert files(tmp_path / "b") == files(tmp_path / "whole")


def test_a_short_first_item_of_many_rows_decides_the_part(tmp_path: Path) -> None:
    """Without part= all shards find the same number of rows, as one process does."""
    big = hr.functional(np.zeros, 1 << 16, size=70)
    save(big, tmp_path / "whole", seed=7)
    in_shards(big, tmp_path / "set", 2, seed=7)
    assert read(tmp_path / "set").part == 32
    assert files(tmp_path / "set") == files(tmp_path / "whole")


def test_several_that_end_at_once_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together, finish, complete = threading.Barrier(4), Claim.finish, []

    def at_once(claim: Claim, *args: Any) -> None:
        together.wait(60)
        finish(claim, *args)
        complete.append(claim.complete)

    monkeypatch.setattr(Claim, "finish", at_once)
    options: dict[str, Any] = {"seed": 7, "part": 8}
    threads = [
        threading.Thread(target=save, args=(ITEMS, tmp_path / "set"), kwargs={**options, "shard": (i, 4)})
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert complete == [True] * 4
    save(ITEMS, tmp_path / "whole", **options)
    assert files(tmp_path / "set") == files(tmp_path / "whole")


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "options", "message"),
    [
        (CURSOR, {"seed": 7}, r"shuffle cannot be written in shards: .*because of shuffle\(buffer=4"),
        (CURSOR | hr.batch(2), {"seed": 7}, r"batch cannot be written in shards: .*because of shuffle\(buffer=4"),
        (ITEMS, {}, r"without a seed: functional\(item"),
        (BATCHES, {}, r"without a seed: functional\(item"),
        (hr.functional(plain), {}, "is endless, and there is no limit"),
        (ITEMS, {"seed": 7, "shard": (3, 3)}, "got i=3, n=3"),
        (ITEMS, {"seed": 7, "shard": "three"}, "wanted \\(i, n\\)"),
    ],
)
def test_what_cannot_be_written_in_shards(stream: Any, options: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(StreamConfigError, match=message):
        save(stream, tmp_path / "set", **{"shard": (0, 2), **options})
    assert not (tmp_path / "set").exists()


def test_a_state_is_part_of_the_dataset(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match="no-resume"):
        save(ITEMS, tmp_path / "set", seed=7, shard=(0, 2), resumable=False)


@pytest.mark.parametrize(
    ("stream", "options", "message"),
    [
        (ITEMS, {"seed": 8}, "begun with seed 7, shard 1/2 got 8"),
        (ITEMS | hr.map(doubled), {}, "another stream"),
        (ITEMS, {"limit": 60}, "begun with limit 70, shard 1/2 got 60"),
        (ITEMS, {"part": 9}, "begun with rows per part 8, shard 1/2 got 9"),
        (ITEMS, {"shard": (1, 3)}, "begun in 2 shards, this is one of 3"),
        (ITEMS, {"kind": "zarr"}, "begun with format npz"),
    ],
)
def test_another_dataset_is_refused(stream: Any, options: Any, message: str, tmp_path: Path) -> None:
    if "kind" in options:
        require("zarr")
    known: dict[str, Any] = {"seed": 7, "limit": 70, "part": 8, "shard": (1, 2)}
    save(ITEMS, tmp_path / "set", **{**known, "shard": (0, 2)})
    before = files(tmp_path / "set")
    for resume in (False, True):
        with pytest.raises(StateMismatchError, match=message):
            save(stream, tmp_path / "set", **{**known, **options}, resume=resume)
    assert files(tmp_path / "set") == before


def test_another_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(SOURCE, tmp_path / "set", part=8, shard=(0, 2))
    monkeypatch.setattr("headrace.store.shards.Key", lambda _: hr.Key(1))
    with pytest.raises(StateMismatchError, match="another key"):
        save(SOURCE, tmp_path / "set", part=8, shard=(1, 2))


def test_changed_code_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(0, 2))
    monkeypatch.setattr("headrace.store.origin.code_digest", lambda _: "other")
    with pytest.warns(HeadraceWarning, match="code of a function in the stream has changed"):
        save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(1, 2))


def test_one_process_and_shards_do_not_mix(tmp_path: Path) -> None:
    save(ITEMS, tmp_path / "shards", seed=7, part=8, shard=(0, 2))
    for resume in (False, True):
        with pytest.raises(SinkError, match="is being written in shards"):
            save(ITEMS, tmp_path / "shards", seed=7, part=8, resume=resume)
    left = iter([False] * 9)
    with hr.store.Saving(ITEMS, tmp_path / "whole", seed=7, part=8) as job:
        with pytest.raises(SinkError, match=f"written by process {os.getpid()}"):  # at once, not after a minute
            save(ITEMS, tmp_path / "whole", seed=7, part=8, shard=(0, 2))
        job.run(stop=lambda: next(left, True))
    with pytest.raises(SinkError, match="was begun by one process"):
        save(ITEMS, tmp_path / "whole", seed=7, part=8, shard=(0, 2), resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "part-000000.npz").write_bytes(b"mine")
    with pytest.raises(SinkError, match="exists and is not empty"):
        save(ITEMS, tmp_path / "mine", seed=7, part=8, shard=(0, 2), resume=True)


def test_a_shard_is_written_by_one_process(tmp_path: Path) -> None:
    with Sharding(ITEMS, tmp_path / "set", (0, 2), seed=7, part=8):
        with pytest.raises(SinkError, match=r"shard 0/2 of .* is being written by process"):
            save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(0, 2), resume=True)
        save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(1, 2))
    with pytest.raises(SinkError, match=r"shard 1/2 of .* was begun before"):
        save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(1, 2))


def test_a_lock_that_is_held_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = FolderLock(tmp_path / "set")
    timer = threading.Timer(0.2, lock.release)
    timer.start()
    save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(0, 2))
    timer.join()
    monkeypatch.setattr(claims, "_WAIT", 0.05)
    lock = FolderLock(tmp_path / "set")
    with pytest.raises(SinkError, match="being written by process"):
        save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(1, 2))
    lock.release()


def test_a_file_of_anothers_is_not_replaced(tmp_path: Path) -> None:
    save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(0, 2))
    (tmp_path / "set" / "part-000003.npz").write_bytes(b"mine")
    with pytest.raises(SinkError, match=r"part-000003\.npz exists, and no shard"):
        save(ITEMS, tmp_path / "set", seed=7, part=8, shard=(1, 2))
    assert (tmp_path / "set" / "part-000003.npz").read_bytes() == b"mine"


def test_batches_of_other_lengths_are_refused(tmp_path: Path) -> None:
    stream = hr.functional(uneven, size=6)
    save(stream, tmp_path / "set", part=4, shard=(0, 2), seed=7)  # items 0, 2, 4
    with pytest.raises(SinkError, match="got a batch of 2 rows as item 3, wanted 4"):
        save(stream, tmp_path / "set", part=4, shard=(1, 2), seed=7)


def test_items_of_other_fields_are_refused_with_their_row(tmp_path: Path) -> None:
    stream = hr.source([{"y": 1}] * 15 + [{"y": "one"}] * 5)
    with pytest.raises(SinkError, match="row 15"):
        save(stream, tmp_path / "set", part=10, shard=(1, 2))
