"""The recorder, sessions and replays of the live room: section `recording` of bench_live.

Bars are those of the issue: a recorder writes at 200 MB/s or at the disk's speed, which a bare `os.write` of the same
bytes shows in the same run; a replay at its own speed is at most 2 ms late (p99).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from harness import Bench, Lap, Stopwatch

from headrace.core.block import Block
from headrace.live.recording.pickles import PickleRecorder
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.recorders import CsvFileRecorder, ParquetFileRecorder
from headrace.live.recording.replay import replay
from headrace.live.recording.session import Session

BAR, LATE = 200.0, 2.0  # MB/s, ms
BLOCKS = ((4, 20_000), (64, 10_000), (1024, 4000), (1 << 17, 40))  # rows, blocks
CHANNELS = 3


def recording(bench: Bench) -> None:
    """what a recorder writes, how a session opens and is read, when a replay's blocks come"""
    # Not beside the repository, where a commit would take it in; TMPDIR says on which disk.
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for rows, n in BLOCKS:
            _writing(bench, folder, rows, bench.size(n, 3))
        _reading(bench, folder)
        _files(bench, folder)
        _replaying(bench, folder)


def _block(rows: int, i: int = 0) -> Block:
    rng = np.random.default_rng(i)
    columns = {"timestamp": np.arange(rows) / 1000, "acc": rng.normal(size=(rows, CHANNELS))}
    columns |= {"gyro": rng.normal(size=(rows, CHANNELS)), "i": np.arange(rows)}
    return Block(columns, first=i * rows, rate=1000.0)


def _bytes(block: Block) -> int:
    return sum(column.nbytes for column in block.values())


def _writing(bench: Bench, folder: Path, rows: int, n: int) -> None:
    """Megabytes a second, the end and the disk's confirmation included; beside it the same bytes by `os.write`."""
    block = _block(rows)
    size, content = _bytes(block), os.urandom(_bytes(block))

    def ours(_: float) -> Lap:
        path = folder / "ours"
        with Stopwatch() as watch, Recorder(path) as recorder:
            for _ in range(n):
                recorder.write(block)
        shutil.rmtree(path)
        return watch.lap(n * size / 1e6)

    def bare(_: float) -> Lap:
        path = folder / "bare"
        with Stopwatch() as watch:
            file = os.open(path, os.O_WRONLY | os.O_CREAT)
            for _ in range(n):
                os.write(file, content)
            os.fsync(file)
            os.close(file)
        path.unlink()
        return watch.lap(n * size / 1e6)

    costs = bench.costs(ours=ours, bare=bare)
    mine, disk = _(costs["ours"]), _(costs["bare"])
    speed, of_disk = 1 / np.median(mine[1]), 1 / np.median(disk[1])
    large = rows >= 1024
    found = f"{speed:.0f} MB/s"
    note = f"{np.median(mine[0]) * size:.1f} us of CPU a block; bare writes of as many bytes {of_disk:.0f} MB/s by wall time"
    met = bool(speed >= min(BAR, 0.9 * of_disk)) if large and not bench.quick else None
    bench.says(
        "6" if large else "-",
        f"recorder, blocks of {rows} rows, {size} B",
        found,
        met,
        f">= {BAR:g} MB/s or disk",
        note,
    )


def _reading(bench: Bench, folder: Path) -> None:
    """Open a session of many small blocks; read one column, all of it, a replay at full speed."""
    n = bench.size(20_000, 20)
    path = folder / "many"
    with Recorder(path) as recorder:
        for i in range(n):
            recorder.write(_block(64, i % 7))
    size = _bytes(_block(64))

    def opened(_: float) -> Lap:
        with Stopwatch() as watch, Session(path) as session:
            assert session.raw.n == 64 * n
        return watch.lap(n)

    def column(_: float) -> Lap:
        with Session(path) as session:
            raw = session.raw
            with Stopwatch() as watch:
                raw["acc"][:]
        return watch.lap(n)

    def replayed(_: float) -> Lap:
        with Stopwatch() as watch:
            assert sum(1 for _ in replay(path, inf)) == n
        return watch.lap(n)

    costs = bench.costs(opened=opened, column=column, replayed=replayed)
    for name, side in costs.items():
        bench.within("-", f"{name}, {n} blocks of 64 rows, {size} B", _(side) * 1e6, None, "us/block")


def _files(bench: Bench, folder: Path) -> None:
    """The recorders to one file, without bars."""
    rows, n = 1024, bench.size(50, 2)
    block = _block(rows)
    for kind in (CsvFileRecorder, ParquetFileRecorder, PickleRecorder):

        def side(_: float, kind: Any = kind) -> Lap:
            path = folder / "file"
            with Stopwatch() as watch, kind(path) as recorder:
                for _ in range(n):
                    recorder.write(block)
            path.unlink()
            return watch.lap(n * rows)

        cost = _(bench.costs(ours=side)["ours"])
        bench.faster("-", f"{kind.__name__}, blocks of {rows} rows of 8 numbers; rows a second", cost, None, None)


def _replaying(bench: Bench, folder: Path) -> None:
    """How late blocks of a replay at 1x come, against when they came: 250 a second; alone, and beside a busy thread."""
    n = bench.size(1000, 10)
    path = folder / "paced"
    with Recorder(path) as recorder:
        for i in range(n):
            recorder.write(_block(4, i), arrived=100.0 + i / 250)
    for busy in (False, True):
        late = []
        for _ in range(bench.rounds):
            with _hog(busy):
                came = []
                for _ in replay(path, 1.0):
                    came.append(time.perf_counter())  # noqa: PERF401  # when it came, not when the list was made
            errors = np.array(came) - came[0] - np.arange(n) / 250
            late.append(1e3 * float(np.quantile(np.abs(errors), 0.99)))
        case = f"replay at 1x, 250 blocks a second{', a thread of Python beside it' if busy else ''}: p99 error"
        bench.within("-" if busy else "6", case, np.array(late), None if busy or bench.quick else LATE, "ms")


@contextmanager
def _hog(busy: bool) -> Iterator[None]:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work, daemon=True)
    if busy:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if busy:
            thread.join()


def _(costs: Any) -> Any:
    assert costs is not None
    return costs


if __name__ == "__main__":
    from harness import main

    main({"recording": recording}, __doc__ or "")
