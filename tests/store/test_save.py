"""A stream is saved, stopped, resumed, extended: always the same files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headrace as hr
from headrace.core import same
from headrace.errors import (
    ClosedError,
    HeadraceWarning,
    ResumeError,
    SinkError,
    StateMismatchError,
    StreamConfigError,
)
from headrace.store import Saving, read, save
from support.counts import heavy
from support.require import require


def item(i: int, rng: Any) -> dict[str, Any]:
    return {"X": rng.normal(size=2), "y": i, "name": "x" * (i % 6)}


def forever() -> Iterator[dict[str, int]]:
    n = 0
    while True:
        yield {"n": n}
        n += 1


def walk(k: int, rng: Any) -> Iterator[dict[str, Any]]:
    x = 0.0
    while True:
        x += rng.normal()
        yield {"walker": k, "x": x}


ITEMS = hr.Streamer(range(100)) | hr.map(item) | hr.shuffle(8)
BATCHES = ITEMS | hr.batch(9)
MUX = hr.StochasticMux([hr.Streamer(walk, k) for k in range(12)], n_active=4, rate=3) | hr.shuffle(5) | hr.batch(4)


@pytest.fixture(autouse=True, scope="module")
def _no_fsync() -> Iterator[None]:
    """It guards against a crash of the machine, which no test here brings about, and takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def stopped_after(stream: Any, path: Path, n: int, **options: Any) -> Any:
    """Save until n items were asked for, as after a Ctrl-C."""
    left = iter([False] * (n - 1))
    return Saving(stream, path, **options).run(stop=lambda: next(left, True))


def test_items_are_those_of_the_stream(tmp_path: Path) -> None:
    saved = save(ITEMS, tmp_path / "set", seed=7)
    assert saved == (tmp_path / "set", 100, True, True)
    want = list(ITEMS.seeded(7))
    assert same(read(tmp_path / "set")[:], hr.core.stack(want))


@pytest.mark.parametrize("suffix", ["", ".zarr", ".parquet"])
@pytest.mark.parametrize("stream", [ITEMS, BATCHES, MUX], ids=["items", "batches", "mux"])
def test_stopped_and_resumed_equals_uninterrupted(stream: Any, suffix: str, tmp_path: Path) -> None:
    if suffix:
        require({".zarr": "zarr", ".parquet": "pyarrow"}[suffix])
    options: dict[str, Any] = {"seed": 7, "limit": 77, "part": 10}
    save(stream, tmp_path / f"whole{suffix}", **options)
    out = tmp_path / f"cut{suffix}"
    for n in (1, 4, 2):
        saved = stopped_after(stream, out, n, **options, resume=True)
        assert not saved.complete
        assert len(read(out, partial=True)) == saved.rows
    assert save(stream, out, resume=True).complete  # seed, limit and part are known
    assert files(out) == files(tmp_path / f"whole{suffix}")


@settings(max_examples=heavy(500))
@given(st.lists(st.integers(0, 100), min_size=1, max_size=4).map(sorted), st.sampled_from([1, 7, 64]))
def test_a_limit_raised_in_steps_equals_one_run(limits: list[int], part: int) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        for stream in (ITEMS, BATCHES):
            name = stream.node_name
            whole, steps = Path(folder) / f"{name}-whole", Path(folder) / f"{name}-steps"
            save(stream, whole, seed=7, limit=limits[-1], part=part)
            for limit in limits:
                save(stream, steps, seed=7, limit=limit, part=part, resume=True)
            assert files(steps) == files(whole)


def test_a_limit_can_be_taken_away(tmp_path: Path) -> None:
    save(BATCHES, tmp_path / "set", seed=7, limit=31)
    assert save(BATCHES, tmp_path / "set", limit=inf, resume=True).rows == 100
    save(BATCHES, tmp_path / "whole", seed=7)
    assert same(read(tmp_path / "set")[:], read(tmp_path / "whole")[:])


def test_a_run_without_a_seed_keeps_the_key_it_drew(tmp_path: Path) -> None:
    save(ITEMS, tmp_path / "a", limit=50)
    save(ITEMS, tmp_path / "b", limit=50)
    assert not same(read(tmp_path / "a")[:], read(tmp_path / "b")[:])
    key = hr.Key.from_plain(read(tmp_path / "a").about["key"])
    save(ITEMS, tmp_path / "a", limit=80, resume=True)
    assert same(read(tmp_path / "a")[:], hr.core.stack(ITEMS.open(key).take(80)))


def test_batches_of_tuples_and_arrays_are_found_by_their_recipe(tmp_path: Path) -> None:
    pairs = hr.Streamer(range(10)) | hr.map(lambda i: (i, i * i)) | hr.batch(4)
    save(pairs | hr.take(2), tmp_path / "pairs")
    assert read(tmp_path / "pairs").columns()["item_1"].tolist() == [k * k for k in range(8)]
    save(hr.Streamer(range(10)) | hr.batch(4) | hr.rebatch(3), tmp_path / "numbers")
    assert read(tmp_path / "numbers")[:].tolist() == list(range(10))
    save(hr.Streamer([np.arange(4), np.arange(4)]), tmp_path / "arrays")
    assert read(tmp_path / "arrays")[:].shape == (2, 4)
    save(hr.Streamer([np.arange(4), np.arange(4)]), tmp_path / "told", batches=True)
    assert read(tmp_path / "told")[:].shape == (8,)


# --- refusals -----------------------------------------------------------------------------------


def test_a_stream_that_cannot_resume_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    once = hr.Streamer(iter(range(5)))
    with pytest.raises(ResumeError, match="--no-resume"):
        save(once, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []
    assert save(once, tmp_path / "set", resumable=False).rows == 5


def test_what_was_saved_without_state_cannot_go_on(tmp_path: Path) -> None:
    stopped_after(ITEMS, tmp_path / "set", 3, resumable=False)
    with pytest.raises(ResumeError, match="--no-resume"):
        save(ITEMS, tmp_path / "set", resume=True)
    assert len(read(tmp_path / "set", partial=True)) == 3
    save(ITEMS, tmp_path / "limited", limit=5, resumable=False)
    assert save(ITEMS, tmp_path / "limited", resume=True).rows == 5
    with pytest.raises(ResumeError, match="--no-resume"):
        save(ITEMS, tmp_path / "limited", limit=9, resume=True)
    assert len(read(tmp_path / "limited")) == 5


def test_a_larger_limit_with_another_stream_leaves_the_dataset_complete(tmp_path: Path) -> None:
    save(ITEMS, tmp_path / "set", limit=5)
    before = files(tmp_path / "set")
    with pytest.raises(StateMismatchError):
        save(BATCHES, tmp_path / "set", limit=50, resume=True)
    assert files(tmp_path / "set") == before


def test_killed_before_it_had_begun(tmp_path: Path) -> None:
    """Between making the folder and knowing the stream: it is a beginning, with the limit that was asked for."""
    pairs = hr.Streamer(range(10)) | hr.map(lambda i: (i, i)) | hr.batch(4)
    hr.store.NpzFolder(tmp_path / "set", limit=6).release()
    save(pairs, tmp_path / "set", seed=7, resume=True)
    save(pairs, tmp_path / "whole", seed=7, limit=6)
    assert len(read(tmp_path / "set")) == 6
    assert files(tmp_path / "set") == files(tmp_path / "whole")


def test_an_endless_stream_needs_a_limit(tmp_path: Path) -> None:
    endless = hr.Streamer(range(5)) | hr.repeat()
    with pytest.raises(StreamConfigError, match="--limit"):
        save(endless, tmp_path / "set")
    with pytest.raises(StreamConfigError, match="--limit"):
        save(endless, tmp_path / "set", limit=inf)
    assert list(tmp_path.iterdir()) == []
    assert save(endless, tmp_path / "set", limit=12).rows == 12
    with pytest.raises(StreamConfigError, match="--limit"):
        save(endless, tmp_path / "set", limit=inf, resume=True)
    assert save(endless, tmp_path / "set", limit=15, resume=True).rows == 15


def test_another_stream_or_seed_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "set"
    stopped_after(BATCHES, out, 3, seed=7)
    before = files(out)
    with pytest.raises(StateMismatchError, match="batch"):
        save(ITEMS | hr.batch(8), out, resume=True)
    with pytest.raises(StateMismatchError, match="begun with seed 7, this run got seed 8"):
        save(BATCHES, out, seed=8, resume=True)
    with pytest.raises(SinkError, match="has 27 rows already"):
        save(BATCHES, out, limit=20, resume=True)
    with pytest.raises(SinkError, match="not empty"):
        save(BATCHES, out)
    assert files(out) == before
    save(BATCHES, out, resume=True)
    complete = files(out)
    with pytest.raises(StateMismatchError):
        save(ITEMS, out, resume=True)
    save(BATCHES, out, seed=7, resume=True)
    assert files(out) == complete


@pytest.mark.parametrize("broken", ["fingerprint", "limit"])
def test_a_refused_dataset_leaves_no_pass_open(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = hr.Streamer([{"n": 1}]) | hr.repeat()
    save(stream, tmp_path / "set", limit=5)
    path = tmp_path / "set" / "_progress.json"
    if broken == "fingerprint":
        progress = json.loads(path.read_text())
        progress["about"]["fingerprint"] = "another"
        path.write_text(json.dumps(progress))
    opened: list[Any] = []
    open_one = type(stream).open

    def opens(self: Any, *args: Any, **options: Any) -> Any:
        opened.append(open_one(self, *args, **options))
        return opened[-1]

    monkeypatch.setattr(type(stream), "open", opens)
    want = {"fingerprint": StateMismatchError, "limit": StreamConfigError}[broken]
    with pytest.raises(want):
        save(stream, tmp_path / "set", limit=9 if broken == "fingerprint" else inf, resume=True)
    assert len(opened) == 1
    with pytest.raises(ClosedError):
        next(opened[0])


@pytest.mark.parametrize("suffix", ["", ".zarr"])
def test_strings_that_no_utf8_can_hold_wait_in_the_state(suffix: str, tmp_path: Path) -> None:
    if suffix:
        require("zarr")
    names = hr.Streamer([{"k": k, "name": f"\udc80{k}"} for k in range(30)]) | hr.shuffle(8)
    stream = names | hr.map(lambda i: {"k": i["k"]})
    stopped_after(stream, tmp_path / f"set{suffix}", 7, seed=3, every=0)
    save(stream, tmp_path / f"set{suffix}", resume=True)
    save(stream, tmp_path / f"whole{suffix}", seed=3)
    assert files(tmp_path / f"set{suffix}") == files(tmp_path / f"whole{suffix}")


def test_a_dataset_made_by_hand_is_no_run(tmp_path: Path) -> None:
    with hr.store.NpzFolder(tmp_path / "set") as sink:
        sink.write({"X": 1})
    with pytest.raises(ResumeError, match="not written from a stream"):
        save(ITEMS, tmp_path / "set", limit=9, resume=True)


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StreamConfigError, match="npz, parquet, zarr"):
        save(ITEMS, tmp_path / "set", kind="csv")


# --- errors on the way --------------------------------------------------------------------------


class Fragile:
    """Fails at one item until it is mended."""

    mended = False

    def __call__(self, i: int, rng: Any) -> dict[str, Any]:
        if i == 57 and not Fragile.mended:
            raise KeyError("no such song")
        return item(i, rng)


@pytest.mark.parametrize("size", [1, 5])
def test_an_exception_of_the_users_keeps_everything_before_it(size: int, tmp_path: Path) -> None:
    stream: Any = hr.Streamer(range(100)) | hr.map(Fragile())
    stream = stream if size == 1 else stream | hr.batch(size)
    Fragile.mended = False
    with pytest.raises(KeyError, match="no such song") as caught:
        save(stream, tmp_path / "set", seed=7, part=16)
    assert "item 57 of root" in "".join(caught.value.__notes__)
    assert len(read(tmp_path / "set", partial=True)) == 57 - 57 % size
    Fragile.mended = True
    save(stream, tmp_path / "set", resume=True)
    save(stream, tmp_path / "whole", seed=7, part=16)
    assert files(tmp_path / "set") == files(tmp_path / "whole")


def test_changed_code_is_told(tmp_path: Path) -> None:
    def made(version: int) -> Any:
        scope: dict[str, Any] = {"__name__": "changed"}
        exec(f"def double(i): return {{'n': i * {version}}}", scope)
        return hr.Streamer(range(10)) | hr.map(scope["double"])

    stopped_after(made(2), tmp_path / "set", 4)
    with pytest.warns(HeadraceWarning, match="code of a function"):
        save(made(3), tmp_path / "set", resume=True)
    assert read(tmp_path / "set").columns()["n"].tolist() == [0, 2, 4, 6, 12, 15, 18, 21, 24, 27]


def test_a_state_that_cannot_be_written_says_why_and_how(tmp_path: Path) -> None:
    stream = (
        hr.Streamer([{"X": k, "meta": object()} for k in range(30)]) | hr.shuffle(8) | hr.map(lambda i: {"X": i["X"]})
    )
    with pytest.raises(ResumeError, match=r"meta is a builtins.object(?s:.)*--no-resume"):
        save(stream, tmp_path / "set", every=0)
    assert save(stream, tmp_path / "other", resumable=False).rows == 30


def test_an_error_outlives_the_trouble_of_keeping_what_was_before_it(tmp_path: Path) -> None:
    def fails(items: Any) -> dict[str, Any]:
        raise ValueError("mine")

    stream = hr.Streamer([{"X": k, "meta": object()} for k in range(30)]) | hr.shuffle(8) | hr.map(fails)
    with pytest.raises(ValueError, match="mine") as caught:
        save(stream, tmp_path / "set")
    assert "could not be kept" in "".join(caught.value.__notes__)


@pytest.mark.parametrize("suffix", ["", ".zarr", ".parquet"])
@pytest.mark.parametrize("failing", [3, 8, 20])
def test_a_full_disk_costs_nothing_that_was_kept(
    suffix: str, failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if suffix:
        require({".zarr": "zarr", ".parquet": "pyarrow"}[suffix])
    save(ITEMS, tmp_path / f"whole{suffix}", seed=7, part=8)
    out = tmp_path / f"set{suffix}"
    writes, fsync = 0, os.fsync

    def full(handle: int) -> None:
        nonlocal writes
        writes += 1
        if writes >= failing:
            raise OSError(28, "No space left on device")
        fsync(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SinkError, match="No space left on device"):
            save(ITEMS, out, seed=7, part=8, every=0)
    kept = len(read(out, partial=True)) if (out / "_progress.json").exists() else 0
    want = list(ITEMS.seeded(7))
    if kept:
        assert same([r["y"] for r in read(out, partial=True)], [np.int64(r["y"]) for r in want[:kept]])
    save(ITEMS, out, seed=7, part=8, resume=True)
    assert files(out) == files(tmp_path / f"whole{suffix}")


# --- what is told -------------------------------------------------------------------------------


def test_the_dataset_tells_where_it_is_from(tmp_path: Path) -> None:
    save(BATCHES, tmp_path / "set", seed=7, limit=20)
    told = json.loads((tmp_path / "set" / "_headrace.json").read_text())
    assert told["seed"] == 7
    assert told["fingerprint"] == BATCHES.seeded(7).fingerprint
    assert told["tree"][0].startswith("batch(n=9")
    assert told["ended"] is False
    again = hr.load(json.dumps(told["description"]), functions={f"{__name__}:item": item})
    assert again == BATCHES.seeded(7)
    assert hr.Key.from_plain(told["key"]) == hr.Key(7)


def test_progress_is_reported_and_the_total_is_known(tmp_path: Path) -> None:
    seen: list[int] = []
    job = Saving(ITEMS, tmp_path / "set", limit=40)
    job.run(seen.append)
    assert seen[-1] == 40
    assert seen == sorted(seen)
    assert job.total == 40
    with Saving(ITEMS, tmp_path / "whole") as job:
        assert job.total == 100
    job = Saving(BATCHES, tmp_path / "batches")
    job.run()
    assert job.total is None  # how many rows a batch has is anyone's guess
    with Saving(hr.Streamer(forever), tmp_path / "forever", limit=3) as job:
        assert job.total == 3


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX descriptors")
def test_a_run_leaves_no_descriptor(tmp_path: Path) -> None:
    save(ITEMS, tmp_path / "first", limit=5)
    before = set(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else set()
    for k in range(5):
        save(ITEMS, tmp_path / str(k), limit=5)
    if before:
        assert len(os.listdir("/proc/self/fd")) <= len(before)
