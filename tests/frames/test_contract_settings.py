"""Settings and places that make no sense, in every stream alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import StateMismatchError, StreamConfigError
from headrace.frames import FrameStream, SequenceStream


def four_parts(told: Any, who: str, got: str) -> bool:
    lines = str(told.value).split("\n")
    return who in lines[0] and f"got {got}" in lines[0] and "wanted" in lines[0] and lines[1].startswith("  ")


@pytest.mark.parametrize("option", ["dt", "t_zero", "pixel_per_degree"])
def test_settings_are_looked_at_when_made_and_when_changed(option: str) -> None:
    wrong: Any
    for wrong in ("x", "1", True, float("nan"), float("inf"), [1], 10**400, *([0, -1] if option != "t_zero" else [])):
        with pytest.raises(StreamConfigError) as told:
            FrameStream(np.zeros((3, 2, 2)), **{option: wrong})
        assert four_parts(told, f"FrameStream({option}=)", "")
        with SequenceStream(np.zeros((3, 2, 2))) as stream:
            before = getattr(stream, option)
            with pytest.raises(StreamConfigError, match=rf"SequenceStream\({option}=\)"):
                setattr(stream, option, wrong)
            assert getattr(stream, option) == before
    given: Any = {option: np.float32(0.5)}
    with FrameStream(np.zeros((3, 2, 2)), **given) as made:
        assert getattr(made, option) == 0.5
        setattr(made, option, 2)
        assert getattr(made, option) == 2


def test_a_stream_of_a_stream_has_its_settings_unless_told_otherwise() -> None:
    with SequenceStream(np.zeros((1, 1, 4, 2, 3)), 0, 5, t_zero=2.0, dt=0.5) as first:
        with FrameStream(first) as second:
            assert (second.dt, second.t_zero, second.pixel_per_degree, second.size) == (0.5, 2.0, 5, (2, 3))
            assert second.get(2).shape == first.get(2).shape == (1, 1, 2, 2, 3)
        with FrameStream(first, dt=0.1, t_zero=0.0, pixel_per_degree=7, layout="3d") as third:
            assert (third.dt, third.t_zero, third.pixel_per_degree, third.layout) == (0.1, 0.0, 7, "3d")
    with FrameStream(np.zeros((4, 2, 3))) as plain:
        assert (plain.dt, plain.t_zero, plain.pixel_per_degree) == (0.001, 0.0, 10)


@pytest.mark.parametrize("wrong", ["x", None, 5, {}, {"at": 3}, []])
def test_what_is_no_state_is_refused_and_moves_nothing(wrong: Any) -> None:
    with FrameStream(np.zeros((9, 2, 2))) as stream:
        stream.get(3)
        with pytest.raises(StateMismatchError) as told:
            stream.load_state_dict(wrong)
        assert "got" in str(told.value)
        assert "wanted" in str(told.value)
        assert stream.i == 3


def test_a_place_beyond_the_end_is_refused_and_moves_nothing() -> None:
    frames = np.zeros((9, 2, 2))
    with FrameStream(frames) as stream:
        stream.get(3)
        state = stream.state_dict()
        with pytest.raises(StateMismatchError, match="frame 10, wanted 0 to 9"):
            stream.load_state_dict({**state, "at": 10})
        assert stream.i == 3
        stream.load_state_dict({**state, "at": 9})
        assert not stream.available()
    with FrameStream(frames, on_end="repeat") as endless:
        endless.load_state_dict({**endless.state_dict(), "at": 10})
        assert endless.i == 10


def test_numbers_of_frames_are_whole() -> None:
    wrong: Any
    with FrameStream(np.zeros((9, 2, 2))) as stream:
        for wrong in ("x", 1.5, None, True):
            for verb in (stream.skip, stream.seek, stream.peek, stream.available, stream.read):
                with pytest.raises(StreamConfigError, match=r"\((n|i|l)\) got .*, wanted a whole number"):
                    verb(wrong)
        assert stream.i == 0
