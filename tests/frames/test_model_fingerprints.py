"""What makes two models equal: their parts and their weights."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from frames.makers import FRAMES
from headrace.errors import StateMismatchError
from headrace.frames import ProcessingStream, SequenceStream
from support.require import require


def known(module: Any, **more: Any) -> str:
    with ProcessingStream(SequenceStream(FRAMES), module, **more) as stream:
        return str(stream.__recipe__().fingerprint)


def convolution(seed: int = 1, size: int = 3, channels: int = 2) -> Any:
    torch = require("torch")
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Conv3d(1, channels, (1, size, size)), torch.nn.ReLU())


def test_modules_count_by_their_parts() -> None:
    nn = require("torch").nn
    modules = [
        nn.Sequential(nn.Identity(), nn.ReLU()),
        nn.Sequential(nn.ReLU(), nn.Identity()),
        nn.Sequential(nn.Identity(), nn.ReLU(), nn.ReLU()),
        nn.AvgPool3d((1, 2, 2)),
        nn.AvgPool3d((1, 2, 2), (1, 1, 1)),
        convolution(),
    ]
    assert len({known(module) for module in modules}) == len(modules)
    assert known(nn.AvgPool3d((1, 2, 2))) == known(nn.AvgPool3d((1, 2, 2)))


def test_modules_count_by_their_weights() -> None:
    torch = require("torch")
    assert known(convolution()) == known(convolution()) == known(pickle.loads(pickle.dumps(convolution())))
    assert known(convolution()) != known(convolution(2))
    one = convolution()
    with torch.no_grad():
        one[0].bias[1] += 1
    assert known(one) != known(convolution())
    assert known(convolution().to(torch.bfloat16), pre=None) != known(convolution())
    large = convolution(channels=1 << 15)
    other = convolution(channels=1 << 15)
    assert known(large) == known(other), "by a sample of the weights"
    with torch.no_grad():
        other[0].weight *= 2
    assert known(large) != known(other)


def test_a_state_of_another_model_is_refused() -> None:
    with ProcessingStream(SequenceStream(FRAMES), convolution()) as stream:
        stream.get(3)
        state = stream.state_dict()
    with ProcessingStream(SequenceStream(FRAMES), convolution()) as stream:
        stream.load_state_dict(state)
        assert stream.i == 3
    with (
        ProcessingStream(SequenceStream(FRAMES), convolution(2)) as stream,
        pytest.raises(StateMismatchError, match=r"processed_frames differs in .*model"),
    ):
        stream.load_state_dict(state)


def test_what_a_module_remembers_is_no_part_of_it() -> None:
    torch = require("torch")

    class Trace(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch comes by require
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("sum", torch.zeros(1))
            self.gain = torch.nn.Parameter(torch.ones(1))

        def clear_state(self) -> None:
            self.sum = torch.zeros(1)

        def forward(self, block: Any) -> Any:
            self.sum = self.sum + block.sum()
            return block + self.gain * self.sum

    module = Trace()
    before = known(module)
    with ProcessingStream(SequenceStream(FRAMES), module) as stream:
        stream.get(5)
    assert known(module) == before
    with torch.no_grad():
        module.gain += 1
    assert known(module) != before


def test_an_address_in_what_a_part_tells_of_itself_does_not_count() -> None:
    nn = require("torch").nn

    class With(nn.Module):  # type: ignore[misc, name-defined]  # torch comes by require
        def __init__(self, more: str) -> None:
            super().__init__()
            self.more, self.held = more, object()

        def extra_repr(self) -> str:
            return f"{self.more}, {self.held!r}"

        def forward(self, block: Any) -> Any:
            return block

    assert known(With("a")) == known(With("a")) != known(With("b"))


def test_a_lazy_module_has_a_fingerprint() -> None:
    nn = require("torch").nn
    assert known(nn.LazyConv3d(2, (1, 3, 3))) == known(nn.LazyConv3d(2, (1, 3, 3)))
    assert known(np.negative) == known(np.negative)
