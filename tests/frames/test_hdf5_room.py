"""HDF5 on a disk that gets full: a limit on the length of files stands for it, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headrace.frames import HDF5Reader, HDF5Writer
from support.require import require

resource = pytest.importorskip("resource")  # not on Windows

NOISE = np.random.default_rng(5).random((40, 30, 30)).astype("f4")  # gzip does little to it
FULL = """
import resource, sys
import numpy as np
from headrace.errors import SinkError
from headrace.frames import HDF5Writer

path, most = sys.argv[1], int(sys.argv[2])
noise = np.random.default_rng(5).random((40, 30, 30)).astype("f4")
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
refused = 0
with HDF5Writer(path, dtype="f4") as writer:
    for k in range(0, 40, 2):
        try:
            writer.put(noise[k : k + 2])
        except SinkError as error:
            refused += 1
            assert "wanted room for" in str(error) and "is kept" in str(error), error
writer.close()
print(writer.written, refused)
del writer
"""


@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("more", [70_000, 100_000])
def test_a_full_disk_costs_the_frames_it_has_no_room_for_and_no_others(before: int, more: int, tmp_path: Path) -> None:
    require("h5py")
    path, most = tmp_path / "a.h5", more
    if before:
        with HDF5Writer(path, dtype="f4") as writer:
            writer.put(NOISE[-before:])
        most += os.path.getsize(path)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(most)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    written, refused = map(int, done.stdout.split())
    assert written, "what there was room for"
    assert refused
    assert written + 2 * refused == 40
    kept = HDF5Reader(path).get(100)
    assert len(kept) == before + written
    assert (kept[:before] == NOISE[40 - before :]).all()
    assert os.path.getsize(path) <= most


def test_room_that_was_set_aside_is_given_back(tmp_path: Path) -> None:
    require("h5py")
    path = tmp_path / "a.h5"
    with HDF5Writer(path) as writer:
        writer.put(np.zeros((500, 40, 50)))
        assert os.path.getsize(path) > 1_000_000
    assert os.path.getsize(path) < 100_000
    assert HDF5Reader(path).get(1000).shape == (500, 40, 50)


@pytest.mark.parametrize("chunks", [(7, 30, 30), (1, 15, 15), (40, 30, 30)])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_datasets_of_others_are_gone_on_with(chunks: tuple[int, ...], compression: str | None, tmp_path: Path) -> None:
    h5py = require("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        kept = {"maxshape": (None, 30, 30), "chunks": chunks, "compression": compression}
        file.create_dataset("images", data=NOISE[:5], **kept)
    with HDF5Writer(tmp_path / "a.h5") as writer:
        for k in range(5, 40, 5):
            writer.put(NOISE[k : k + 5])
    assert (HDF5Reader(tmp_path / "a.h5").get(100) == NOISE).all()
