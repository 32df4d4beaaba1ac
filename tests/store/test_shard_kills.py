"""Shards in processes of their own, killed at any moment and resumed, leave the files of one run never killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from support.counts import heavy, soaking
from support.require import require
from support.warm import ran

DRIVER = Path(__file__).with_name("killed.py")
PRELOAD = ["headrace.cli.run", "headrace.store", "headrace.store.shards"]  # of each process that is killed
PRELOAD += [name for name in ("zarr", "pyarrow.parquet") if find_spec(name.partition(".")[0])]
STREAMS = """
import time

import headrace as hr


def item(i, rng):
    return {"X": rng.normal(size=(2, 3)).astype("f4"), "y": i, "name": "abcdefgh"[: i % 9]}


def slow(item):
    time.sleep(0.004)
    return item


one = hr.functional(item, size=300) | hr.map(slow)
batches = hr.functional(item, size=300) | hr.batch(7) | hr.map(slow)
quick = hr.functional(item, size=70)
"""
CASES = {
    "one": ["--part", "8", "--limit", "289"],
    "batches": ["--part", "8", "--limit", "289"],
    "quick": ["--part", "8"],
}


# How many touches a shard of "quick" takes at least, the first and the one that ends for all.
TOUCHES = {"npz": (30, 42), "zarr": (48, 70), "parquet": (30, 42)}


def tree(folder: Path) -> dict[str, str]:
    """Every file of a dataset, hidden ones too, with a digest of its bytes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def command(cwd: Path, name: str, out: Path, *more: str, at: int = 0) -> list[str]:
    arguments = ["run", f"{cwd / 'shards_to_kill.py'}:{name}", "--to", str(out), "--seed", "7", *CASES[name], "--quiet"]
    return [sys.executable, str(DRIVER), str(at), str(out), *arguments, *more]


def finish(command: list[str]) -> tuple[int, str]:
    """Run to the end; return how many touches of the file system that took, and what was told."""
    done = ran(command, *PRELOAD)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout.split()[-1]), done.stdout.decode()


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(run: subprocess.Popen[str]) -> str:
    out, err = run.communicate(timeout=100)
    assert run.returncode == 0, err
    return out


def wait_for(path: Path, run: subprocess.Popen[str]) -> None:
    for _ in range(60_000):
        if path.exists() or run.poll() is not None:
            return
        time.sleep(0.001)
    raise AssertionError(f"{path} never came")


CONCURRENT: list[Any] = [("npz", "one"), ("npz", "batches"), ("zarr", "one"), ("parquet", "batches")]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "name"), CONCURRENT if soaking() else CONCURRENT[:1])
def test_concurrent_shards_one_of_them_killed(kind: str, name: str, tmp_path: Path) -> None:
    if kind != "npz":
        require({"zarr": "zarr", "parquet": "pyarrow"}[kind])
    (tmp_path / "shards_to_kill.py").write_text(STREAMS)
    finish(command(tmp_path, name, tmp_path / f"whole.{kind}"))
    wanted = tree(tmp_path / f"whole.{kind}")
    n = 8 if soaking() else 3
    draw = random.Random(f"{kind} {name}")
    for k in range(heavy(50)):
        out = tmp_path / f"shards-{k}.{kind}"
        victim = draw.randrange(n)
        shards = [command(tmp_path, name, out, "--shard", f"{i}/{n}") for i in range(n)]
        runs = [start(shard) for shard in shards]
        # Its record is there from its beginning on, and its five parts or more take a while.
        wait_for(out / f"_progress-{victim}-of-{n}.json", runs[victim])
        time.sleep(draw.uniform(0, 0.03 * 36 / n))
        runs[victim].kill()
        runs[victim].communicate()
        assert runs[victim].returncode == -9
        for i, run in enumerate(runs):
            assert i == victim or "other shards are not" in told(run)
        assert not (out / "_headrace.json").exists()
        before = {path: path.stat().st_ino for path in out.rglob("part-*")}
        again = start([*shards[victim], "--resume"])
        assert "is complete: 289 rows, " in told(again)
        assert tree(out) == wanted
        kept = sum(path.stat().st_ino == inode for path, inode in before.items())
        assert (
            kept >= len(before) - 1
        )  # what was there was left alone: the part after the last record may be written anew


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["npz", "zarr", "parquet"])
def test_killed_at_any_touch_of_the_file_system(kind: str, tmp_path: Path) -> None:
    """At its beginning and while it marks the dataset complete, too: the one killed is the last of three to run."""
    if kind != "npz":
        require({"zarr": "zarr", "parquet": "pyarrow"}[kind])
    (tmp_path / "shards_to_kill.py").write_text(STREAMS)
    whole = tmp_path / f"whole.{kind}"
    finish(command(tmp_path, "quick", whole))
    wanted = tree(whole)
    draw = random.Random(kind)
    for k in range(heavy(100)):
        out = tmp_path / f"killed-{k}.{kind}"
        order = draw.sample(range(3), 3)
        shards = [command(tmp_path, "quick", out, "--shard", f"{i}/3", "--resume") for i in order]
        first, victim = (0, 2) if k % 4 else (2, 0)  # the last of three, which ends for all; or the first
        for shard in shards[first:victim]:
            finish(shard)
        at = draw.randrange(1, TOUCHES[kind][victim == 2])
        done = ran(victim_at(shards[victim], at), *PRELOAD)
        assert done.returncode == -9, done.stderr
        for shard in shards[victim + 1 :]:
            finish(shard)
        finish(shards[victim])
        assert tree(out) == wanted, f"killed at {at}"


def victim_at(command: list[str], at: int) -> list[str]:
    return [*command[:2], str(at), *command[3:]]
