"""A tree of waves, in a module that another process can import: per-sample functions and functions of columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.trees import SamplingTree, batched

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


def rows_of(tree: SamplingTree, at: list[int]) -> list[Any]:
    recipe = tree.__recipe__()
    return [recipe[i] for i in at]
