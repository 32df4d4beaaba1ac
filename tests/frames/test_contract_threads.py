"""One stream moved by several threads: every call is whole."""

from __future__ import annotations

import copy
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest

from frames.makers import FINITE, FRAMES, MAKERS
from headrace.errors import ClosedError
from headrace.frames import FrameStream, ProcessingStream, SequenceStream

PATIENCE = 60  # seconds: a bound on hangs


def patient() -> Callable[[], bool]:
    """A question whether a loop may go on, so that none is left spinning behind a test that fails."""
    last = monotonic() + PATIENCE / 2
    return lambda: monotonic() < last


def together(*jobs: Callable[[], Any]) -> None:
    """Run the jobs at the same time; raise what one of them raises."""
    wrong: list[BaseException] = []
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> None:
        try:
            gate.wait(PATIENCE)
            job()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a thread hangs"
    for error in wrong:
        raise error


def told(frame: Any) -> bytes:
    return np.ascontiguousarray(frame).tobytes()


def drawn_by_threads(stream: FrameStream) -> list[Any]:
    found: list[Any] = []
    may = patient()

    def blocks() -> None:
        while len(block := stream.read(2)) and may():
            found.extend(block)

    def one_by_one() -> None:
        found.extend(iter(stream))

    def a_look() -> None:
        while stream.available(2) and may():
            stream.peek(2)
            stream.state_dict()

    together(blocks, one_by_one, blocks, a_look)
    return found


@pytest.mark.parametrize("name", FINITE)
def test_threads_that_draw_get_each_frame_once(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        due = Counter(map(told, stream.read(99)))
        for _ in range(3):
            stream.reset()
            assert Counter(map(told, drawn_by_threads(stream))) == due
            assert stream.i == len(stream)


@pytest.mark.parametrize("name", MAKERS)
def test_moving_and_closing_under_way_tears_nothing(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        whole = {told(frame) for frame in stream.read(200)}
        closing = threading.Event()

        def until_closed(job: Callable[[int], Any]) -> Callable[[], None]:
            def run() -> None:
                try:
                    for k in range(30):
                        job(k)
                except ClosedError:
                    assert closing.is_set()

            return run

        def draw(k: int) -> None:
            for frame in stream.read(3):
                assert told(frame) in whole

        def move(k: int) -> None:
            stream.seek(k % 12)
            assert 0 <= stream.i < 200
            stream.skip(2)
            stream.state_dict()

        def close() -> None:
            for k in range(8):
                stream.seek(k)
                stream.get(2)
            closing.set()
            stream.close()

        together(until_closed(draw), until_closed(move), close)


def test_frames_that_are_put_by_one_thread_are_got_by_another() -> None:
    stream = SequenceStream(np.zeros((0, 2, 2)), max_frames=10_000)
    found: list[float] = []
    may = patient()

    def put() -> None:
        for k in range(300):
            stream.put(np.full((3, 2, 2), k, "f8"))

    def get() -> None:
        while len(found) < 900 and may():
            found.extend(stream.get(5)[:, 0, 0])

    together(put, get)
    assert found == [k for k in range(300) for _ in range(3)]


_DOES: list[Any] = []  # what the model below does when it is called; no closure, since that is part of what it is


def _asked(block: Any) -> Any:
    while _DOES:
        _DOES.pop()()
    return block


def test_a_copy_waits_for_nobody_and_moves_alone() -> None:
    copies: list[Any] = []

    def use() -> None:
        for other in copies:
            assert (other.get(2) == FRAMES[:2]).all()

    def made() -> None:  # while the stream is being read from
        copies.extend((copy.copy(stream), copy.deepcopy(stream)))
        together(use)

    with ProcessingStream(SequenceStream(FRAMES), _asked, stateless=True) as stream:
        _DOES.append(made)
        assert (stream.get(3) == FRAMES[:3]).all()
        assert stream.i == 3
    assert [other.i for other in copies] == [2, 2]
    for other in copies:
        other.close()


def test_a_model_is_handed_one_block_at_a_time() -> None:
    inside, most = [0], [0]

    def model(block: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.002)
        inside[0] -= 1
        return block

    with ProcessingStream(FRAMES, model) as stream:
        together(*[lambda: stream.get(2)] * 8)
        assert stream.i == 16
    assert most == [1]


def test_a_model_may_ask_the_stream_that_it_works_for() -> None:
    def model(block: Any) -> Any:
        places.append(streams[0].i)
        return block

    places: list[int] = []
    with ProcessingStream(SequenceStream(FRAMES), model, stateless=True) as stream:
        streams = [stream]
        together(lambda: stream.get(4), lambda: stream.get(4))
    assert places == [0, 4]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork beside threads, which is the point
def test_a_child_forked_while_another_thread_draws_does_not_wait_for_it() -> None:
    begun, done = threading.Event(), threading.Event()

    def slow(block: Any) -> Any:
        if not done.is_set():
            begun.set()
            assert done.wait(PATIENCE)
        return block

    with ProcessingStream(SequenceStream(FRAMES), slow, stateless=True) as stream:

        def fork() -> None:
            assert begun.wait(PATIENCE)
            child = os.fork()
            if not child:
                done.set()
                try:
                    stream.seek(2)
                    os._exit(0 if len(stream[3:5]) == 2 and len(stream.get(3)) == 3 else 3)
                finally:
                    os._exit(4)
            done.set()
            assert os.waitpid(child, 0)[1] == 0

        together(lambda: stream.get(2), fork)
