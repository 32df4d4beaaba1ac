"""WindowedInference: rows of windows, several at once, in bursts with exact times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Pace
from headrace.errors import DataError, StreamConfigError
from headrace.signals.arithmetic import Scale
from headrace.signals.graph import Graph
from headrace.signals.inference_windows import WindowedInference
from headrace.testing import check_signal
from signals.test_inference import in_blocks
from support.require import require

MODELS = Path(__file__).parents[2] / "examples" / "signal_models"


def mean(x: Any) -> Any:
    return x.mean(axis=1)


def parts(x: Any) -> Any:
    """(1, w, k) to (1, k, 4): the means of quarters of the window."""
    return x.reshape(1, 4, -1, x.shape[2]).mean(axis=2).transpose(0, 2, 1)


def test_one_row_for_each_window() -> None:
    x = np.arange(40.0).reshape(20, 2)
    signal = WindowedInference("x", name="y", model=mean, window_size=8, window_overlap=4)
    assert signal(x).tolist() == [x[k : k + 8].mean(axis=0).tolist() for k in (0, 4, 8, 12)]
    assert (signal.every, signal.offset) == (Fraction(4), Fraction(7))


def test_several_rows_for_each_window_are_its_last_axis() -> None:
    x = np.arange(48.0).reshape(24, 2)
    options: Any = {"model": parts, "window_size": 8, "output_shape": (2,), "columns": 4}
    signal = WindowedInference("x", name="y", **options)
    assert np.array_equal(signal(x), x.reshape(12, 2, 2).mean(axis=1))
    assert signal.pace == Pace(Fraction(8), Fraction(7), 4)
    assert np.array_equal(in_blocks(signal, x, [3, 0, 1, 10, 10]), signal(x))
    up = WindowedInference("x", name="y", upsample=True, default_value=-1, **options)
    assert up(x).shape == (24, 2)
    assert np.array_equal(up(x)[:7], np.full((7, 2), -1))
    assert np.array_equal(up(x)[7:15], np.repeat(signal(x)[:4], 2, axis=0))
    assert np.array_equal(in_blocks(up, x, [3, 0, 1, 10, 10]), up(x))


@pytest.mark.parametrize("upsample", [False, True])
@pytest.mark.parametrize(("size", "overlap"), [(8, 0), (8, 7), (2, 0), (13, 4)])
def test_the_laws_hold(size: int, overlap: int, upsample: bool) -> None:
    from headrace.signals.inference_windows import example_window_model

    check_signal(WindowedInference("x", "y", example_window_model, size, overlap, None, upsample))


def test_bursts_have_the_time_of_the_last_row_they_depend_on() -> None:
    signal = WindowedInference("x", name="y", model=parts, window_size=8, output_shape=(2,), columns=4)
    graph = Graph([signal, Scale("y", name="z", scale_factor=2.0)])
    x = np.zeros((24, 2))
    run = graph.run()
    first = run({"timestamp": np.arange(10) / 10, "x": x[:10]})
    assert first.timestamps("z").tolist() == [0.7] * 4
    second = run({"timestamp": np.arange(10, 24) / 10, "x": x[10:]})
    assert second.timestamps("y").tolist() == [1.5] * 4 + [2.3] * 4
    assert list(second.numbers("y")) == list(range(4, 12))


def test_a_pace_of_bursts_goes_on() -> None:
    bursts = Pace(Fraction(96), Fraction(127), 16)
    assert bursts.then(Pace()) == bursts
    assert bursts.then(Pace(Fraction(16), Fraction(31))) == Pace(Fraction(96), Fraction(223))
    assert bursts.then(Pace(Fraction(4), Fraction(3))) == Pace(Fraction(96), Fraction(127), 4)
    assert Pace(Fraction(2), Fraction(1)).then(bursts) == Pace(Fraction(192), Fraction(255), 16)
    with pytest.raises(StreamConfigError, match="16 at once"):
        bursts.then(Pace(Fraction(3)))


def test_the_swipe_model_gives_sixteen_rows_for_each_window() -> None:
    require("onnxruntime")
    x = np.random.default_rng(0).normal(size=(2000, 6))
    signal = WindowedInference(
        "imu", name="swipe", model=MODELS / "swipe.onnx", window_size=128, window_overlap=32, output_shape=(3,)
    )
    found = signal(x)
    assert found.shape == (320, 3)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(in_blocks(signal, x, [4] * 500), found)
    assert signal.pace.rows_before(2000) == 320
    extra = WindowedInference("imu", name="x", model=MODELS / "swipe.onnx", window_size=128, output="output_extra")
    assert extra(x).shape == (15, 6, 128)
    up = WindowedInference(
        "imu",
        name="s",
        model=MODELS / "swipe.onnx",
        window_size=128,
        window_overlap=32,
        output_shape=(3,),
        upsample=True,
    )
    assert up(x).shape == (2000, 3)
    assert np.array_equal(up(x)[127 : 127 + 96 * 19 : 6], found[: 16 * 19])


def test_what_cannot_be() -> None:
    with pytest.raises(StreamConfigError, match="window_overlap"):
        WindowedInference("x", name="y", model=mean, window_size=4, window_overlap=4)
    with pytest.raises(DataError, match="output_shape"):
        WindowedInference("x", name="y", model=mean, window_size=4, output_shape=(3,))(np.zeros((8, 2)))
    with pytest.raises(DataError, match="columns="):
        WindowedInference("x", name="y", model=parts, window_size=4, output_shape=(2,))(np.zeros((8, 2)))
