"""A tree of waves, in a module that another process can import: per-sample functions and functions of columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.trees import SamplingTree, abrupt, batched, gradual, incremental

Rng = np.random.Generator
PARAMS: dict[str, Any] = {
    "background": {"signal_length": 64, "offset": 0.0, "strength": 0.1},
    "ramp": {"height": 1.0},
    "step": {"kernel_size": 10},
    "length": 32,
}


def background(nothing: Any, signal_length: int, offset: float, strength: float, *, rng: Rng) -> Any:
    return rng.normal(offset, strength, signal_length)


def ramp(signal: Any, height: float, length: int, *, rng: Rng) -> Any:
    start = int(rng.integers(len(signal) - length))
    made = signal.copy()
    made[start : start + length] += np.linspace(0.0, height, length)
    return made


def step(signal: Any, length: int, kernel_size: int, *, rng: Rng) -> Any:
    start = int(rng.integers(len(signal) - length))
    made = np.zeros(len(signal))
    made[start : start + length] = 1.0
    return signal + np.convolve(made, np.ones(kernel_size) / kernel_size, mode="same")


def shifted(signal: Any) -> Any:
    return signal + 1.0


@batched
def many_backgrounds(nothing: Any, signal_length: int, offset: float, strength: float, *, rng: Rng, n: int) -> Any:
    return rng.normal(offset, strength, (n, signal_length))


@batched
def many_ramps(signals: Any, height: float, length: int, *, rng: Rng) -> Any:
    starts = rng.integers(signals.shape[1] - length, size=len(signals))
    at = starts[:, None] + np.arange(length)
    made = signals.copy()
    made[np.arange(len(made))[:, None], at] += np.linspace(0.0, height, length)
    return made


def waves(params: dict[str, Any] | None = None, *, rng: Any = 42, **more: Any) -> SamplingTree:
    nodes = [background, {"background": "background", "ramp": [ramp, "ramp"], "step": [step, "step"]}]
    return SamplingTree(nodes, PARAMS if params is None else params, rng=rng, **more)


def mixed(*, rng: Any = 42) -> SamplingTree:
    """Functions of columns and of one sample on the same ways."""
    params = {
        "many_backgrounds": PARAMS["background"],
        "many_ramps": {"height": 1.0},
        "step": {"kernel_size": 10},
        "length": 32,
    }
    nodes = [
        many_backgrounds,
        {"background": "background", "ramp": [shifted, many_ramps, "ramp"], "step": [step, "step"]},
    ]
    return SamplingTree(nodes, params, rng=rng)


def drifting(*, rng: Any = 42) -> SamplingTree:
    """Everything that can move with the sample's number moves within 200 samples."""
    params = {
        "background": {
            "signal_length": 64,
            "offset": incremental(0.0, 1.0, at=100, width=50),
            "strength": abrupt(0.1, 0.4, at=80),
        },
        "branching_node": {"probs": gradual([0.6, 0.2, 0.2], [0.2, 0.4, 0.4], at=60, width=40)},
        "ramp": {"height": abrupt(1.0, 1.5, at=90)},
        "step": {"kernel_size": 3},
        "length": 32,
    }
    return waves(params, rng=rng)


@batched(per_row="scale")
def rough(_: Any, scale: Any, length: int, *, rng: Rng, n: int) -> Any:
    return rng.normal(size=(n, length)) * scale[:, None]


@batched
def lifted(signals: Any, height: float, *, rng: Rng) -> Any:
    return signals + height * rng.random(len(signals))[:, None]


def drifting_columns(*, rng: Any = 42) -> SamplingTree:
    """The same with functions of columns."""
    probs = abrupt([0.9, 0.1], [0.5, 0.5], at=70)
    return SamplingTree(
        [rough, {"a": [lifted, "a"], "b": [shifted, lifted, "b"], "probs": probs}],
        {"rough": {"scale": incremental(0.1, 1.0, at=100, width=50), "length": 8}, "height": abrupt(1.0, 3.0, at=90)},
        rng=rng,
    )


TREES = [waves, mixed, drifting, drifting_columns]


def rows_of(tree: SamplingTree, at: list[int]) -> list[Any]:
    recipe = tree.__recipe__()
    return [recipe[i] for i in at]
