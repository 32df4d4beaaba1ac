"""What every frame stream holds, and lets go of: in this process, in a fork, in a worker."""

from __future__ import annotations

import gc
import os
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest

import headrace as hr
from frames.blocks import same
from frames.makers import FRAMES, MAKERS
from headrace.errors import ClosedError
from headrace.frames import SequenceStream
from headrace.testing.case import Held

every = pytest.mark.parametrize("name", MAKERS)


@every
def test_a_closed_stream_says_so(name: str, tmp_path: Path) -> None:
    MAKERS[name](tmp_path).get(2)  # whatever is imported or cached at first use
    gc.collect()
    held = Held()
    stream = MAKERS[name](tmp_path)
    stream.get(5)
    next(iter(stream.iterate()))
    stream.close()
    stream.close()
    assert not held.grown()
    verbs = (stream.get, stream.read, stream.available, stream.reset, stream.state_dict, stream.__next__)
    for verb in (*verbs, iter(stream).__next__):
        with pytest.raises(ClosedError):
            verb()
    if type(stream) is SequenceStream:
        with pytest.raises(ClosedError):
            stream.put(FRAMES[:1])
    assert len(list(stream.iterate(3))) == 3, "what is composed of it takes its recipe"


@every
def test_a_stream_that_is_left_alone_lets_go(name: str, tmp_path: Path) -> None:
    MAKERS[name](tmp_path).get(2)
    gc.collect()
    held = Held()
    MAKERS[name](tmp_path).get(5)
    gc.collect()
    assert not held.grown()


@every
def test_a_block_goes_with_who_was_given_it(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        block = stream.get(9)
        view = not block.flags.writeable  # of what the stream keeps anyway
        held = weakref.ref(block if block.base is None else block.base)
        del block
        gc.collect()
        assert view or held() is None


@pytest.mark.parametrize("name", ["NumpyReader", "HDF5Reader", "InrImageStreamer", "ImageSequence"])
def test_frames_come_from_another_process(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        due = stream.read(20)
        there = list((stream | hr.background("process")).iterate())
        assert same(np.stack(there)[:20], due)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("name", ["NumpyReader", "HDF5Reader", "InrImageFileStreamer", "ImageSequence"])
def test_a_forked_child_has_files_of_its_own(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        whole = stream.read(20)
        stream.seek(3)
        stream.get(2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which this process may have
            child = os.fork()
        if not child:
            try:
                os._exit(0 if all(same(stream.read(3), whole[k : k + 3]) for k in (5, 8, 11)) else 3)
            finally:
                os._exit(4)
        found = [stream.read(3) for _ in range(3)]
        assert os.waitpid(child, 0)[1] == 0
        assert same(np.concatenate(found), whole[5:14])
