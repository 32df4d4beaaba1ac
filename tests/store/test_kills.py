"""A run that is killed at any moment and resumed leaves the files of a run that was never killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.counts import heavy
from support.require import require
from support.warm import ran

DRIVER = Path(__file__).with_name("killed.py")
PRELOAD = ["headrace.cli.run", "headrace.store", "headrace.store.shards"]  # of each process that is killed
PRELOAD += [name for name in ("zarr", "pyarrow.parquet") if find_spec(name.partition(".")[0])]
STREAMS = """
import headrace as hr
import numpy as np


def item(i, rng):
    return {"X": rng.normal(size=(2, 3)).astype("f4"), "y": i, "name": "abcdefgh"[: i % 9]}


# A buffer of items with strings and arrays in the state, random numbers per item, batches that fit no part.
one = hr.Streamer(range(70)) | hr.map(item) | hr.shuffle(16)
batches = hr.Streamer(range(230)) | hr.map(item) | hr.shuffle(16) | hr.batch(7)
"""
# A record of progress after every item, most with a short part before them.
CASES = {"one": ["--part", "8", "--limit", "61"], "batches": ["--part", "32", "--limit", "203"]}


def tree(folder: Path) -> dict[str, str]:
    """Every file of a dataset, hidden ones too, with a digest of its bytes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def command(at: int, cwd: Path, name: str, out: Path) -> list[str]:
    arguments = ["run", f"{cwd / 'streams_to_kill.py'}:{name}", "--to", str(out), "--seed", "7", "--save-every", "0"]
    return [sys.executable, str(DRIVER), str(at), str(out), *arguments, *CASES[name], "--quiet", "--resume"]


def finish(cwd: Path, name: str, out: Path) -> int:
    """Run to the end; return how many touches of the file system that took."""
    done = ran(command(0, cwd, name, out), *PRELOAD)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout.split()[-1])


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("kind", ["npz", "zarr", "parquet"])
def test_killed_and_resumed_equals_uninterrupted(kind: str, name: str, tmp_path: Path) -> None:
    if kind != "npz":
        require({"zarr": "zarr", "parquet": "pyarrow"}[kind])
    (tmp_path / "streams_to_kill.py").write_text(STREAMS)
    whole = tmp_path / f"whole.{kind}"
    touches = finish(tmp_path, name, whole)
    wanted = tree(whole)
    assert touches > 100
    assert "_headrace.json" in wanted
    assert ".lock" not in wanted
    draw = random.Random(f"{kind} {name}")
    killed = 0
    for k in range(heavy(50)):  # 6 times 50 in all
        out = tmp_path / f"killed-{k}.{kind}"
        for again in range(draw.choice([1, 1, 3])):  # a resumed run may be killed as well
            at = draw.randrange(1, touches)
            done = ran(command(at, tmp_path, name, out), *PRELOAD)
            # The first has every touch before it; what is left for a resumed one may be over before its turn.
            assert done.returncode in ((-9, 0) if again else (-9,)), done.stderr
            killed += done.returncode == -9
        finish(tmp_path, name, out)
        assert tree(out) == wanted, f"killed at {at}"
    assert killed >= heavy(50)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_from_outside_at_any_time(tmp_path: Path) -> None:
    """Between touches of the file system too: in the middle of an item, of encoding, of a write."""
    (tmp_path / "streams_to_kill.py").write_text(STREAMS)
    finish(tmp_path, "one", tmp_path / "whole")
    wanted = tree(tmp_path / "whole")
    draw = random.Random(7)
    killed = 0
    k = -1
    while (k := k + 1) < heavy(100) or (not killed and k < 100):  # it may be over before it is killed
        out = tmp_path / f"killed-{k}"
        with subprocess.Popen(command(0, tmp_path, "one", out), stdout=subprocess.DEVNULL) as run:
            for _ in range(10_000):  # kills while Python starts show nothing
                if (out / "_progress.json").exists():
                    break
                time.sleep(0.001)
            time.sleep(draw.uniform(0, 0.4 if k % 2 else 0.05))
            run.kill()
        killed += run.returncode == -9
        finish(tmp_path, "one", out)
        assert tree(out) == wanted
    assert killed


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    """One byte, one file too many, one too few: each shows."""
    (tmp_path / "streams_to_kill.py").write_text(STREAMS)
    finish(tmp_path, "one", tmp_path / "a")
    finish(tmp_path, "one", tmp_path / "b")
    wanted = tree(tmp_path / "a")
    assert tree(tmp_path / "b") == wanted
    part = tmp_path / "b" / "part-000003.npz"
    data = part.read_bytes()
    part.write_bytes(data[:-200] + bytes([data[-200] ^ 1]) + data[-199:])
    assert tree(tmp_path / "b") != wanted
    part.write_bytes(data)
    assert tree(tmp_path / "b") == wanted
    (tmp_path / "b" / "part-000013.npz").write_bytes(b"")
    assert tree(tmp_path / "b") != wanted
