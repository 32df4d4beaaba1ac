"""Data of a model that is known, and text as pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.frames import FrameStream, SampleGenerator, text_kernel
from support.require import require


def slow_response(kernel: Any, x: Any) -> Any:
    """The sum of the docstring, term by term."""
    depth, high, wide = kernel.shape
    made = np.zeros(x.shape)
    for t, row, col in np.ndindex(*x.shape):
        for i, a, b in np.ndindex(depth, high, wide):
            r, c = row + a - high // 2, col + b - wide // 2
            if i <= t and 0 <= r < x.shape[1] and 0 <= c < x.shape[2]:
                made[t, row, col] += kernel[i, a, b] * x[t - i, r, c]
    return np.maximum(made, 0)


@pytest.mark.parametrize("shape", [(3, 3, 3), (1, 1, 1), (7, 2, 5), (9, 4, 1)])
def test_responses_are_those_of_the_model(shape: Any) -> None:
    generator = SampleGenerator("random", shape, seed=7)
    assert generator.kernel.shape == shape
    x, y = generator.generate(size=(6, 5, 4))
    assert np.allclose(y, slow_response(generator.kernel, x))
    assert y.any()
    assert (y >= 0).all()


def test_the_kernel_can_be_found_again() -> None:
    """By the average of the frames before a response, as anyone would look for it."""
    kernel = np.zeros((4, 3, 3))
    kernel[1, 0, 2], kernel[3, 1, 1] = 2.0, -1.0
    x, y = SampleGenerator(kernel, seed=7).generate(size=(16_000, 5, 5))
    found = np.array([(y[4:, 2, 2] * x[4 - i : len(x) - i, 1:4, 1:4].T).T.mean(axis=0) for i in range(4)])
    # The seed is fixed. For another one: a deviation of about 0.035 each, so 5 of them, 2e-5 for all 36.
    assert np.abs(2 * found - kernel).max() < 0.2


def test_a_seed_fixes_kernel_and_stimuli() -> None:
    one, two = (SampleGenerator(seed=3) for _ in range(2))
    first = one.generate(size=(5, 6, 6))
    assert (one.kernel == two.kernel).all()
    assert (first[0] == two.generate(size=(5, 6, 6))[0]).all()
    assert (first[0] != one.generate(size=(5, 6, 6))[0]).any(), "another one each time"
    assert (SampleGenerator(seed=4).kernel != one.kernel).any()
    assert (SampleGenerator().kernel != SampleGenerator().kernel).any()


def test_what_is_drawn() -> None:
    # Seeds are fixed. For others: bounds of 5 deviations and more, so below 1e-6 each.
    sparse = SampleGenerator("sparse", (40, 20, 20), 0.25, seed=7)
    assert set(np.unique(sparse.kernel)) == {0, 1}
    assert sparse.kernel.mean() == pytest.approx(0.25, abs=0.02)
    assert sparse.generate("sparse", (30, 20, 20))[0].mean() == pytest.approx(0.25, abs=0.02)
    uniform = SampleGenerator("rand", (40, 20, 20), seed=7).kernel
    assert 0 <= uniform.min() < 0.01 < 0.99 < uniform.max() < 1
    normal = SampleGenerator("random", (40, 20, 20), seed=7).kernel
    assert abs(normal.mean()) < 0.05
    assert normal.std() == pytest.approx(1, abs=0.05)


def test_frames_of_streams_are_answered_and_left_alone() -> None:
    generator = SampleGenerator(np.ones((1, 1, 1)), seed=7)
    block = FrameStream(np.arange(24, dtype="u1").reshape(2, 3, 4), layout="5d").get(2)
    before = block.copy()
    assert (generator.response(block) == before[0, 0]).all()
    assert (block == before).all()
    assert generator.response(np.zeros((0, 3, 4))).shape == (0, 3, 4)
    with pytest.raises(DataError, match="one channel"):
        generator.response(np.zeros((1, 3, 2, 4, 4)))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"kernel": "gabor"}, "kernel"),
        ({"kernel": np.zeros((3, 3))}, "kernel"),
        ({"kernel": np.full((1, 3, 3), np.nan)}, "kernel"),
        ({"kernel": np.zeros((0, 3, 3))}, "kernel"),
        ({"kernel": None}, "kernel"),
        ({"kernel_size": 5}, "kernel_size"),
        ({"kernel_size": (1, 2)}, "kernel_size"),
        ({"kernel_size": (1, 2, 0)}, "kernel_size"),
        ({"p": 2}, "p"),
    ],
)
def test_options_are_looked_at(more: Any, told: str) -> None:
    with pytest.raises(StreamConfigError, match=rf"SampleGenerator\({told}"):
        SampleGenerator(**more)


def test_options_of_a_stimulus() -> None:
    generator = SampleGenerator(seed=7)
    wrong: Any
    for wrong in ("white", None, np.zeros((3, 4, 4))):
        with pytest.raises(StreamConfigError, match=r"generate\(input="):
            generator.generate(wrong)
    for wrong in ((3, 4), (3, 4, 0.5)):
        with pytest.raises(StreamConfigError, match=r"generate\(size"):
            generator.generate(size=wrong)


# --- text -----------------------------------------------------------------------------------------


def test_text_fills_the_field() -> None:
    require("PIL.Image")
    for x, y in ((20, 20), (9, 40), (40, 9), (300, 200), (1, 1)):
        made = text_kernel("X", x, y)
        assert made.shape == (x, y)
        assert made.dtype == np.float64
        assert 0 <= made.min() <= made.max() <= 1
        lit = np.argwhere(made > 0.2)
        high, wide = lit.max(axis=0) - lit.min(axis=0) + 1
        assert high >= 0.9 * x - 1 or wide >= 0.9 * y - 1, "as large as fits"
    letter = text_kernel("T", 30, 30)
    assert letter[:5].sum() > 2 * letter[-5:].sum(), "it stands upright"
    assert (text_kernel("L", 20, 20) != text_kernel("J", 20, 20)).any()
    lines = text_kernel("A\nA", 60, 30).sum(axis=1)
    assert lines[28:33].min() < 0.5 * lines.max(), "two lines, one below the other"


def test_what_cannot_be_seen_is_told() -> None:
    require("PIL.Image")
    wrong: Any
    for wrong in ("", "  ", 7, None, "A" * 101):
        with pytest.raises(StreamConfigError, match="text_kernel"):
            text_kernel(wrong)
    for wrong in (0, 1.5, "wide"):
        with pytest.raises(StreamConfigError, match=r"text_kernel\(x"):
            text_kernel("A", wrong)


@pytest.mark.parametrize("text", ["é", "ñ", "Ω", "漢", "\x00", "Aé"])
def test_characters_that_the_face_lacks_are_refused(text: str) -> None:
    require("PIL")
    with pytest.raises(
        StreamConfigError, match=r"text_kernel\(text\) got .* wanted characters of Pillow's own face.\n  "
    ):
        text_kernel(text, 20, 20)


def test_characters_that_the_face_has() -> None:
    require("PIL")
    made = {text_kernel(chr(k), 20, 20).tobytes() for k in range(33, 127)}
    assert len(made) > 80
    assert text_kernel("A B\nC", 20, 20).any()
