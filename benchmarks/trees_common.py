"""The documented tree, per sample and by columns; the same work without a library; the peer."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import numpy as np

from headrace.trees import SamplingTree, batched

PARAMS: dict[str, Any] = {
    "background": {"signal_length": 256, "offset": 0.0, "strength": 0.1},
    "ramp": {"height": 1.0},
    "step": {"kernel_size": 10},
    "length": 128,
}
QUOTED = {"sample": 14_100.0, "collect": 15_600.0, "array": 13_000.0}  # StreamGen 2.0.1 on the reference machine, per s


def background(signal_, signal_length, offset, strength, *, rng):
    return rng.normal(offset, strength, signal_length)


def ramp(signal, height, length, *, rng):
    out = np.zeros(len(signal))
    start = rng.choice(range(len(signal) - length))
    out[start : start + length] = np.linspace(0.0, height, length)
    return signal + out


def step(signal, length, kernel_size, *, rng):
    out = np.zeros(len(signal))
    start = rng.choice(range(len(signal) - length))
    out[start : start + length] = 1.0
    return signal + np.convolve(out, np.ones(kernel_size) / kernel_size, mode="same")


def nodes() -> list[Any]:
    return [background, {"background": "background", "ramp": [ramp, "ramp"], "step": [step, "step"]}]


def ours(**more: Any) -> SamplingTree:
    return SamplingTree(nodes(), copy.deepcopy(PARAMS), rng=0, **more)


def digest(sample: Any) -> str:
    """Sixteen hex digits of a sample's bytes and its label."""
    return blake2b(np.asarray(sample[0]).tobytes() + str(sample[1]).encode(), digest_size=8).hexdigest()


# --- by columns -------------------------------------------------------------------------------------


def many_backgrounds(_, signal_length, offset, strength, *, rng, n):
    return rng.normal(offset, strength, (n, signal_length))


def many_ramps(signals, height, length, *, rng):
    at = np.arange(signals.shape[1]) - rng.integers(signals.shape[1] - length, size=len(signals))[:, None]
    table = np.linspace(0.0, height, length)
    return signals + np.where((at >= 0) & (at < length), table[np.clip(at, 0, length - 1)], 0.0)


def many_steps(signals, length, kernel_size, *, rng):
    n = signals.shape[1]
    at = np.arange(n) - rng.integers(n - length, size=len(signals))[:, None]
    inside = ((at >= 0) & (at < length)).astype(float)
    sums = np.cumsum(np.pad(inside, ((0, 0), (kernel_size, kernel_size))), axis=1)
    moved = (sums[:, kernel_size:] - sums[:, :-kernel_size]) / kernel_size
    return signals + moved[:, kernel_size // 2 - 1 : n + kernel_size // 2 - 1]


def ours_by_columns() -> SamplingTree:
    params = {"many_backgrounds": PARAMS["background"], "many_ramps": PARAMS["ramp"], "many_steps": PARAMS["step"]}
    made = [batched(many_backgrounds), {"background": "background"}]
    made[1] |= {"ramp": [batched(many_ramps), "ramp"], "step": [batched(many_steps), "step"]}
    return SamplingTree(made, {**copy.deepcopy(params), "length": 128}, rng=0)


# --- without a library ------------------------------------------------------------------------------

_LABELS = np.array(["background", "ramp", "step"])


def by_hand(n: int, rng: np.random.Generator) -> list[Any]:
    """The same functions in a loop, from one generator of the default kind."""
    out = []
    for _ in range(n):
        x = background(None, 256, 0.0, 0.1, rng=rng)
        k = rng.integers(3)
        if k == 0:
            out.append((x, "background"))
        elif k == 1:
            out.append((ramp(x, 1.0, 128, rng=rng), "ramp"))
        else:
            out.append((step(x, 128, 10, rng=rng), "step"))
    return out


def vectorised(n: int, rng: np.random.Generator) -> Any:
    """The same distribution, as numpy alone would draw it."""
    x = many_backgrounds(None, 256, 0.0, 0.1, rng=rng, n=n)
    k = rng.integers(3, size=n)
    for number, function, args in ((1, many_ramps, (1.0, 128)), (2, many_steps, (128, 10))):
        rows = np.flatnonzero(k == number)
        x[rows] = function(x[rows], *args, rng=rng)
    return x, _LABELS[k]


# --- the peer ---------------------------------------------------------------------------------------


def peer(spec: Any = None, params: Any = None, **more: Any) -> Any:
    """StreamGen's tree of the same functions, or of others; None where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from streamgen.samplers.tree import SamplingTree as Theirs
        except ImportError:
            return None
        return Theirs(spec or nodes(), copy.deepcopy(params or PARAMS), rng=0, **more)


def quietly(act: Callable[[], Any]) -> Callable[[Any], Any]:
    """Without the progress bar that StreamGen draws."""

    def run(_: Any) -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            act()

    return run
