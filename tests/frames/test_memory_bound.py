"""Memory does not grow with the frames that have passed."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from frames.makers import ENDLESS, MAKERS
from headrace.frames import NumpyReader, NumpyWriter, SequenceStream
from support.counts import heavy

MOST = 10 << 20
SMALL = 2 << 20  # a lap may not leave a kilobyte

if not Path("/proc/self/status").exists():
    pytest.skip("memory is told by /proc", allow_module_level=True)


def resident() -> int:
    """Bytes of memory of this process, without the pages of files that the system may drop at any time."""
    with open("/proc/self/status") as told:
        fields = dict(line.split(":", 1) for line in told)
    return 1024 * int(fields["RssAnon"].split()[0])


def grown(step: Callable[[], int], frames: int) -> int:
    """Bytes by which memory grew while `frames` frames passed, after the first twentieth of them."""
    done = 0
    while done < frames // 20:
        done += step()
    gc.collect()
    before = resident()
    while done < frames:
        done += step()
    gc.collect()
    return resident() - before


@pytest.mark.soak
@pytest.mark.parametrize("name", MAKERS)
def test_blocks_of_frames_take_no_memory_that_stays(name: str, tmp_path: Path) -> None:
    stream = MAKERS[name](tmp_path) if name in ENDLESS else MAKERS[name](tmp_path, on_end="repeat")
    with stream:
        assert grown(lambda: len(stream.read(500)), heavy(1_000_000)) < MOST


@pytest.mark.soak
@pytest.mark.parametrize("name", MAKERS)
def test_frames_one_by_one_take_no_memory_that_stays(name: str, tmp_path: Path) -> None:
    stream = MAKERS[name](tmp_path) if name in ENDLESS else MAKERS[name](tmp_path, on_end="repeat")
    frames = iter(stream)

    def step() -> int:
        next(frames)
        return 1

    assert grown(step, heavy(1_000_000)) < MOST
    stream.close()


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ENDLESS])
def test_a_lap_takes_no_memory_that_stays(name: str, tmp_path: Path) -> None:
    """Some bytes a lap are not seen among the few laps of a test that counts frames: here are many, of few frames each."""
    laps = heavy(5000) if "VideoReader" not in name else max(400, heavy(5000))
    with MAKERS[name](tmp_path, on_end="repeat") as stream:
        n = len(stream.__recipe__().children[0])

        def lap() -> int:
            return len(stream.read(n)) // n

        assert grown(lap, laps) < SMALL


@pytest.mark.soak
def test_a_sequence_that_is_put_to_and_got_from_keeps_its_size() -> None:
    block = np.ones((1, 50, 50), "f4")
    stream = SequenceStream(max_frames=200)

    def step() -> int:
        stream.put(block)
        stream.get(1)
        return 1

    assert grown(step, heavy(1_000_000)) < MOST
    assert len(stream) == 200


@pytest.mark.soak
def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    n = max(2000, heavy(40_000))
    block = np.ones((100, 50, 100), "u1")
    with NumpyWriter(tmp_path / "a.npy") as writer:

        def put() -> int:
            writer.put(block)
            return 100

        assert grown(put, n) < MOST
    with NumpyReader(tmp_path / "a.npy", on_end="repeat") as stream:
        assert grown(lambda: len(stream.read(100)), n) < MOST


def test_what_is_measured_is_seen() -> None:
    kept: list[np.ndarray[tuple[int], np.dtype[np.uint8]]] = []

    def step() -> int:
        kept.append(np.ones(34 << 20, "u1"))  # more than malloc ever takes of what it has kept
        return 1

    assert grown(step, 2) > MOST
