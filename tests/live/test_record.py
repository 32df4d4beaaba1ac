"""Recording: a sink that loses nothing, whatever its process or its threads do."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.core import drain
from headrace.core.block import Block
from headrace.errors import ClosedError, DataError, SinkError, StreamConfigError
from headrace.live.recording.container import Writer
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.session import Session
from headrace.testing import check_sink
from live.hand import until
from support.counts import heavy
from support.exactly import differ


def blocks(n: int = 20) -> list[Block]:
    return [Block({"x": np.arange(3.0) + i, "y": np.full((3, 2), i)}, first=3 * i) for i in range(n)]


def read(folder: Path) -> Iterator[dict[str, Any]]:
    yield from Session(folder / "s").blocks()


def test_it_keeps_the_laws_of_sinks(tmp_path: Path) -> None:
    report = check_sink(lambda folder: Recorder(folder / "s"), items=blocks(), read=read)
    assert report.skipped == {}
    with Recorder(tmp_path / "s") as recorder:
        assert drain(blocks(), recorder) == 20
        assert (recorder.rows, recorder.blocks) == (60, 20)


def test_plain_columns_are_numbered_on(tmp_path: Path) -> None:
    x = np.arange(4)
    with Recorder(tmp_path / "s") as recorder:
        for _ in range(3):
            recorder.write({"x": x, "list": [1, 2, 3, 4]})
            x += 4
    found = list(Session(tmp_path / "s").blocks())
    assert [block.first for block in found] == [0, 4, 8]
    assert [block["x"][0] for block in found] == [0, 4, 8]
    assert found[0]["list"].tolist() == [1, 2, 3, 4]


def test_what_cannot_be_kept_is_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s") as recorder:
        recorder.write({"x": np.zeros(2)})
        with pytest.raises(DataError, match="which only a pickle can carry"):
            recorder.write({"x": np.array([object()], dtype=object)})
        with pytest.raises(DataError, match="wanted one length"):
            recorder.write({"x": np.zeros(2), "y": np.zeros(3)})
        with pytest.raises(DataError, match="wanted a text"):
            recorder.write({3: np.zeros(2)})  # type: ignore[dict-item]
        recorder.write({"x": np.ones(2)})
    with pytest.raises(ClosedError, match="after close"):
        recorder.write({"x": np.zeros(2)})
    with pytest.raises(ClosedError, match="after close"):
        recorder.mark("late")
    recorder.stop()
    session = Session(tmp_path / "s")
    assert session.raw["x"].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert session.damage == ()
    with pytest.raises(StreamConfigError, match="more than 0"):
        Recorder(tmp_path / "t", sync=0)


def test_many_threads_mark_while_one_writes(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s")
    threads = [threading.Thread(target=lambda k=k: [recorder.mark(f"m{k}", i) for i in range(50)]) for k in range(4)]
    for thread in threads:
        thread.start()
    for block in blocks(100):
        recorder.write(block)
    for thread in threads:
        thread.join()
    recorder.close()
    session = Session(tmp_path / "s")
    assert session.raw.n == 300
    assert session.damage == ()
    for k in range(4):
        assert [mark.value for mark in session.marks if mark.name == f"m{k}"] == list(range(50))
    rows = [mark.row for mark in session.marks]
    assert rows == sorted(rows)


def test_the_disk_is_made_to_keep_it_while_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, kept = threading.Event(), []
    name = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
    real = getattr(os, name)

    def keep(fd: int) -> None:
        real(fd)
        kept.append(os.fstat(fd).st_size)
        asked.set()

    monkeypatch.setattr(os, name, keep)
    with Recorder(tmp_path / "s", sync=0.01) as recorder:
        recorder.write({"x": np.zeros(1000)})
        size = (tmp_path / "s" / "raw_data.hrc").stat().st_size
        for _ in range(1000):
            if kept and kept[-1] >= size:
                break
            asked.wait(0.1)
            asked.clear()
        assert kept[-1] >= size


def test_a_disk_that_does_not_keep_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
    recorder = Recorder(tmp_path / "s", sync=0.01)
    with monkeypatch.context() as patch:
        patch.setattr(os, name, lambda fd: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        recorder.write({"x": np.zeros(3)})
        for _ in range(1000):
            if recorder.last_error is not None:
                break
            time.sleep(0.01)
        with pytest.raises(SinkError, match="See to the disk"):
            recorder.mark("now")
    recorder.close()
    assert Session(tmp_path / "s").raw.n == 3


def test_no_thread_and_no_descriptor_is_left(tmp_path: Path) -> None:
    def fds() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    def nothing_more() -> bool:  # than before: what others have left behind may go meanwhile
        return fds() <= descriptors and set(threading.enumerate()) <= threads

    descriptors, threads = fds(), set(threading.enumerate())
    for i in range(heavy(1000)):
        with Recorder(tmp_path / f"s{i}") as recorder:
            recorder.write({"x": np.zeros(3)})
    assert nothing_more()
    forgotten = Recorder(tmp_path / "forgotten")
    forgotten.write({"x": np.zeros(3)})
    del forgotten
    until(nothing_more)
    assert Session(tmp_path / "forgotten").raw.n == 3


def test_half_a_record_is_taken_back_when_writing_is_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "s")
    recorder.write({"x": np.zeros(3)})
    real, calls = os.write, [0]

    def broken(fd: int, data: Any) -> int:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        return real(fd, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", broken)
        with pytest.raises(KeyboardInterrupt):
            recorder.write({"x": np.ones(100_000)})
    recorder.write({"x": np.full(3, 2.0)})
    recorder.close()
    session = Session(tmp_path / "s")
    assert session.raw["x"].tolist() == [0.0] * 3 + [2.0] * 3
    assert session.damage == ()


def test_a_bare_recorder_is_one_file(tmp_path: Path) -> None:
    with Recorder.bare(tmp_path / "x.hrc") as recorder:
        recorder.write({"x": np.zeros(3)})
    assert [path.name for path in tmp_path.iterdir()] == ["x.hrc"]
    with pytest.raises(SinkError):
        Writer(tmp_path / "x.hrc")


CHILD = """
    import sys, numpy as np
    from headrace.live.recording.recorder import Recorder
    rng = np.random.default_rng(int(sys.argv[2]))
    out = sys.stdout
    with Recorder(sys.argv[1]) as recorder:
        i = 0
        while True:
            rows = int(rng.integers(1, 2000))
            recorder.write({"i": np.full(rows, i), "x": np.full((rows, 3), i / 7)})
            i += 1
            print(i, flush=True)
            if i % 7 == 0:
                recorder.mark("seven", i)
"""


@pytest.mark.soak
def test_a_killed_process_has_kept_all_it_was_told_is_kept(tmp_path: Path) -> None:
    """Not one block that ``write`` had returned for is missing, at any moment of a kill."""
    rng = random.Random(7)
    for turn in range(heavy(200)):
        path = tmp_path / f"s{turn}"
        command = [sys.executable, "-c", textwrap.dedent(CHILD), str(path), str(turn)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(rng.random() * 0.2)
            child.send_signal(signal.SIGKILL)
            told = [line for line in child.stdout.read().splitlines() if line]
        acknowledged = int(told[-1]) if told else 1
        session = Session(path)
        found = list(session.blocks())
        assert acknowledged <= len(found) <= acknowledged + 1
        for i, block in enumerate(found):
            assert not differ(block["x"], np.full((len(block["i"]), 3), i / 7))
            assert set(block["i"].tolist()) == {i}
        assert all(each.tail for each in session.damage)
        assert [mark.value for mark in session.marks][: acknowledged // 7] == [
            7 * (k + 1) for k in range(acknowledged // 7)
        ][: len(session.marks)]
        assert not session.complete
        session.close()
