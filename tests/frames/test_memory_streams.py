"""Streams in memory: sequences that grow, noise, times."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import AddressError, DataError, HeadraceWarning, StreamConfigError
from headrace.frames import (
    RandomStream,
    RepeatingStream,
    SequenceStream,
    TimedResampleStream,
    TimedSequenceStream,
)
from support.require import require


def ramp(n: int, first: int = 0, dtype: Any = "f8") -> Any:
    return (first + np.arange(n)).astype(dtype).reshape(n, 1, 1) * np.ones((1, 2, 3), dtype)


def values(block: Any) -> list[float]:
    return list(block[:, 0, 0].tolist())


# --- SequenceStream -------------------------------------------------------------------------------


def test_what_is_put_comes_behind_and_the_oldest_goes() -> None:
    with SequenceStream(ramp(3), max_frames=5) as stream:
        assert values(stream.get(1)) == [0]
        stream.put(ramp(1, 3))
        stream.put(ramp(2, 4))
        assert len(stream) == 5
        assert stream.i == 0, "it went on where it stood: frame 1, the oldest one now"
        assert values(stream.get(9)) == [1, 2, 3, 4, 5]
        stream.put(ramp(1, 6))
        assert values(stream.get(9)) == [6]
        stream.put(ramp(50, 7))
        assert values(stream[:]) == [52, 53, 54, 55, 56]
        assert stream.i == 0


def test_puts_of_any_size_keep_the_last_frames() -> None:
    rng = np.random.default_rng(5)
    stream = SequenceStream(max_frames=700)
    every: list[float] = []
    for _ in range(120):
        n = int(rng.integers(0, 40))
        stream.put(np.arange(len(every), len(every) + n, dtype="f8").reshape(-1, 1, 1) * np.ones((1, 50, 50)))
        every += range(len(every), len(every) + n)
        assert len(stream) == min(700, len(every))
    assert values(stream[:]) == every[-700:]
    assert values(stream.read(700)) == every[-700:]


def test_what_was_given_does_not_change_when_more_is_put() -> None:
    mine = ramp(3)
    with SequenceStream(mine, max_frames=4) as stream:
        stream.put(ramp(1, 3))
        given, composed = stream.get(4), stream | hr.map(lambda frame: float(frame[0, 0]))
        for k in range(20):
            stream.put(ramp(1, 10 + k))
        assert values(given) == [0, 1, 2, 3]
        assert list(composed) == [0, 1, 2, 3]
        assert values(mine) == [0, 1, 2]
    with SequenceStream(mine) as stream, pytest.raises(ValueError, match="read-only"):
        stream.get(2)[0, 0, 0] = 9


def test_frames_of_another_shape_take_the_place_of_those_there() -> None:
    with SequenceStream(ramp(3)) as stream:
        stream.get(2)
        with pytest.warns(HeadraceWarning, match=r"frames of shape \(5, 5\): 3 of shape .* gave way"):
            stream.put(np.ones((4, 5, 5), "f4"))
        assert (len(stream), stream.i, stream.size) == (4, 0, (5, 5))
        assert stream.get(9).dtype == np.float32
        with pytest.warns(HeadraceWarning, match="gave way"):
            stream.put(np.ones((1, 3, 2, 5, 5), "u1"))
        assert (stream.layout, stream.get(9).shape) == ("5d", (1, 3, 2, 5, 5))


def test_the_first_block_says_of_which_type_frames_are() -> None:
    with SequenceStream() as stream:
        stream.put(np.ones((2, 4, 4), "u1"))
        assert stream.get(2).dtype == np.uint8
        with pytest.raises(DataError, match=r"float64, wanted uint8"):
            stream.put(np.ones((2, 4, 4)))
        stream.put(np.ones((2, 4, 4), bool))
        assert len(stream) == 4


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((2, 2), "U3"), "frames", None, np.zeros((1,) * 6)])
def test_what_is_no_block_is_refused(wrong: Any) -> None:
    with pytest.raises(DataError, match="wanted numbers"):
        SequenceStream(wrong)
    with SequenceStream(ramp(3)) as stream:
        with pytest.raises(DataError, match="wanted numbers"):
            stream.put(wrong)
        assert len(stream) == 3


def test_max_frames_is_a_number() -> None:
    wrong: Any
    for wrong in (0, -1, 2.5, "many"):
        with pytest.raises(StreamConfigError, match="max_frames"):
            SequenceStream(ramp(3), max_frames=wrong)


def test_max_frames_holds_from_the_beginning() -> None:
    with SequenceStream(ramp(20), max_frames=5) as stream:
        assert len(stream) == 5
        assert values(stream[:]) == [15, 16, 17, 18, 19]
        stream.put(ramp(1, 20))
        assert values(stream.get(9)) == [16, 17, 18, 19, 20]
    long = np.zeros((6000, 1, 1), "u1")
    with SequenceStream(long) as stream:
        assert len(stream) == 6000, "nobody said that frames may go"
        stream.put(long[:1])
        assert len(stream) == 6000
    assert len(SequenceStream(long, max_frames=5000)) == 5000


def test_a_pickled_sequence_can_be_put_to() -> None:
    with SequenceStream(ramp(3), max_frames=4, on_end="repeat") as stream:
        stream.put(ramp(1, 3))
        stream.get(2)
        with pickle.loads(pickle.dumps(stream)) as copy:
            copy.put(ramp(1, 9))
            assert values(copy.get(5)) == [2, 3, 9, 1, 2]
        assert values(stream.get(2)) == [2, 3]


def test_two_threads_put_and_one_reads() -> None:
    with SequenceStream(ramp(1), max_frames=2000) as stream:
        failed: list[BaseException] = []

        def put(k: int) -> None:
            try:
                for n in range(300):
                    stream.put(ramp(2, 1000 * k + n))
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=put, args=(k,)) for k in (1, 2)]
        for thread in threads:
            thread.start()
        got = []
        while any(thread.is_alive() for thread in threads):
            got += values(stream.get(7))
        for thread in threads:
            thread.join()
        got += values(stream.get(2000))
    assert not failed
    due = [0, *(1000 * k + n + d for k in (1, 2) for n in range(300) for d in (0, 1))]
    assert sorted(got) == sorted(due), "each once"


def test_batches_are_kept_apart() -> None:
    block = np.arange(2 * 3 * 4 * 2 * 2).reshape(2, 3, 4, 2, 2)
    with SequenceStream(block) as stream:
        assert stream.size == (2, 2)
        assert (stream.get(4) == block).all()


def test_tensors_can_be_put() -> None:
    torch = require("torch")
    with SequenceStream() as stream:
        stream.put(torch.ones((2, 4, 4), requires_grad=True))
        assert stream.get(2).tolist() == np.ones((2, 4, 4)).tolist()


def test_a_loop_over_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="no frames"):
        RepeatingStream(np.zeros((0, 2, 2)))
    assert RepeatingStream(ramp(4)).get(25)[:, 0, 0].tolist() == [k % 4 for k in range(25)]


# --- noise ----------------------------------------------------------------------------------------


def test_noise_is_uniform_between_mean_and_mean_and_level() -> None:
    block = RandomStream((20, 20), level=100, mean=127, seed=1).get(200)
    assert block.dtype == np.float32
    assert block.min() >= 127
    assert block.max() <= 227
    # The seed is fixed; for another one 4 deviations: 6e-5.
    assert abs(float(block.mean()) - 177) < 4 * 100 / np.sqrt(12 * block.size)
    frames = RandomStream((20, 20), level=100, mean=127, seed=1).iterate(200)
    assert (np.stack(list(frames)) == block).all(), "iteration has the mean, too"


def test_seeds_of_noise() -> None:
    one, two, three = (RandomStream((3, 3), seed=s) for s in (1, 1, 2))
    assert (one.get(5) == two.get(5)).all()
    assert (one.get(5) != three.get(5)).all()
    free, other = RandomStream((3, 3)), RandomStream((3, 3))
    block = free.get(5)
    assert (block != other.get(5)).all()  # 45 values of 24 bits: equal by chance once in 400 000 times
    free.reset()
    assert (free.get(5) == block).all()
    with pytest.raises(StreamConfigError, match="seed="):
        free[3]


@pytest.mark.parametrize(
    "more", [{"size": 5}, {"size": (0, 3)}, {"level": "loud"}, {"mean": np.inf}, {"size": (2.5, 3)}]
)
def test_options_of_noise(more: dict[str, Any]) -> None:
    with pytest.raises(StreamConfigError):
        RandomStream(**more)


# --- times ----------------------------------------------------------------------------------------


def test_frames_by_time() -> None:
    with TimedSequenceStream(ramp(10), t_zero=2.0, dt=0.5) as stream:
        assert values(stream.get(3.0, 4.5)) == [2, 3, 4]
        assert values(stream.get(3.01, 4.49)) == [2, 3, 4], "to the nearest frame"
        times, frames = stream.get_tsvs(5.0, 99.0)
        assert times.tolist() == [5.0, 5.5, 6.0, 6.5]
        assert values(frames) == [6, 7, 8, 9]
        assert stream.ts(2.5, 3.5).tolist() == [2.5, 3.0]
        assert stream.xs(2.5, 3.5).tolist() == [1, 2]
        assert stream.available(2.0, 7.0)
        assert not stream.available(2.0, 7.5)
        assert not stream.available(1.5, 3.0)
        assert stream.i == 0
        assert values(stream.get(2)) == [0, 1]
        assert stream.available(8)
        assert stream.t == 3.0
        assert stream.get(3.0, 2.0).shape == (0, 2, 3)
        assert stream.get_tsvs(50.0, 60.0)[1].shape == (0, 2, 3)
        wrong: Any = "now"
        with pytest.raises(StreamConfigError):
            stream.get(wrong, 3.0)


def test_the_end_rule_holds_for_times() -> None:
    def made(on_end: Any) -> TimedSequenceStream:
        return TimedSequenceStream(1 + ramp(4), dt=1.0, on_end=on_end)

    assert values(made("short").get(-2.0, 2.0)) == [1, 2]
    assert values(made("pad").get(-2.0, 2.0)) == [0, 0, 1, 2]
    assert values(made("pad").get(9.0, 11.0)) == [0, 0]
    assert values(made("repeat").get(2.0, 6.0)) == [3, 4, 1, 2]
    with pytest.raises(AddressError, match="times of frames"):
        made("raise").get(3.0, 5.0)


def test_times_that_are_far_away_or_too_many_are_said() -> None:
    stream = TimedSequenceStream(ramp(10), dt=0.5)
    for ask in (stream.ts, stream.xs):
        for times in ((-1e30, 1e30), (0, 1e9), (1e30, 2e30)):
            with pytest.raises(StreamConfigError, match=r"s\(t1, t2\) got .*, wanted at most .*\n  Ask for less"):
                ask(*times)
        assert len(ask(-1e3, 1e3)) == 4000
    assert values(stream.get(-1e30, 1e30)) == list(range(10)), "those there are"
    with pytest.raises(StreamConfigError, match="wanted at most"):
        TimedSequenceStream(ramp(10), dt=0.5, on_end="pad").get(-1e30, 1e30)
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(StreamConfigError, match="wanted two times"):
            stream.get(0, wrong)


def test_put_by_time_overwrites() -> None:
    mine = ramp(10)
    with TimedSequenceStream(mine, dt=0.1) as stream:
        stream.get(3)
        stream.put(0.2, 0.5, ramp(3, 100))
        assert values(stream[:]) == [0, 1, 100, 101, 102, 5, 6, 7, 8, 9]
        assert values(stream.get(1)) == [101]
        assert values(mine) == list(range(10))
        for wrong in ((0.2, 0.4, ramp(3)), (0.2, 0.5, np.ones((3, 4, 4)))):
            with pytest.raises(DataError):
                stream.put(*wrong)
        with pytest.raises(AddressError):
            stream.put(0.8, 1.1, ramp(3))
        with pytest.raises(StreamConfigError, match=r"put\(t1, t2, block\)"):
            stream.put(ramp(3))


def test_resampling_is_linear_and_goes_on_in_front() -> None:
    squares = TimedSequenceStream(ramp(5) ** 2, t_zero=1.0, dt=1.0)
    with TimedResampleStream(squares, t_zero=0.5, dt=0.25) as stream:
        times = stream.ts(0.5, 5.25)
        due = np.interp(times, np.arange(1.0, 6.0), np.arange(5.0) ** 2)
        due[:2] = [-0.5, -0.25]  # the line through the first two frames
        assert len(stream) == len(times) == 19
        assert np.allclose(values(stream.get(99)), due)
        assert stream.dt == 0.25
        assert values(stream.get(2.5, 3.5)) == pytest.approx([2.5, 3.25, 4.0, 5.25])
    with TimedResampleStream(TimedSequenceStream(ramp(1, 7)), dt=0.1) as stream:
        assert values(stream.get(3)) == [7]
    with TimedResampleStream(RandomStream((2, 3), seed=3, dt=0.1), dt=0.05) as stream:
        block = stream.get(11)
        assert np.allclose(block[1::2], (block[:-1:2] + block[2::2]) / 2)
        assert block.dtype == np.float32


def test_resampling_begins_where_the_stream_does() -> None:
    squares = TimedSequenceStream(ramp(5) ** 2, t_zero=1.0, dt=1.0)
    stream = TimedResampleStream(squares, dt=0.5)
    assert stream.t == 1.0
    assert values(stream.get(99)) == [0, 0.5, 1, 2.5, 4, 6.5, 9, 12.5, 16]


def test_resampling_wants_frames_by_number() -> None:
    from headrace.frames import FrameStream

    with pytest.raises(StreamConfigError, match="no numbers"):
        TimedResampleStream(FrameStream(np.zeros((2, 2)) for _ in range(3)))
    with pytest.raises(StreamConfigError, match="dt="):
        TimedResampleStream(TimedSequenceStream(ramp(3)), dt=-1)
    wrong: Any = "now"
    with pytest.raises(StreamConfigError, match="t_zero="):
        TimedResampleStream(TimedSequenceStream(ramp(3)), wrong)
    for wrong in ("x", ramp(3), None):
        with pytest.raises(StreamConfigError, match="wanted a frame stream"):
            TimedResampleStream(wrong)
    assert TimedResampleStream(TimedSequenceStream(ramp(3), dt=1), dt=0.5)[5:2].shape == (0, 2, 3)


def test_a_sequence_is_a_queue_that_forgets() -> None:
    """Against a plain list: puts, gets, seeks and resets in any order."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        most = int(rng.integers(1, 30))
        stream, kept, place, given = SequenceStream(ramp(2), max_frames=most), [0, 1][-most:], 0, 2
        for _ in range(150):
            verb, n = rng.integers(4), int(rng.integers(0, 12))
            if verb == 0 and n:
                stream.put(ramp(n, given))
                gone = max(0, len(kept) + n - most)
                kept, given, place = [*kept, *range(given, given + n)][gone:], given + n, max(0, place - gone)
            elif verb == 1:
                assert values(stream.get(n)) == kept[place : place + n]
                place = min(len(kept), place + n)
            elif verb == 2:
                place = min(n, len(kept))
                stream.seek(place)
            elif place < len(kept):
                assert next(stream)[0, 0] == kept[place]
                place += 1
            assert (stream.i, len(stream)) == (place, len(kept))
