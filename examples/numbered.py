"""Two tables and a function drawn as one weighted stream in which every sample has a number.

    headrace describe numbered.py:stream
    headrace peek numbered.py:stream
    headrace run numbered.py:stream --to numbered --limit 100000

    >>> stream[10**9]["X"].shape
    (64, 8)

The weights move from easy to hard samples between the thousandth and the third thousandth batch.
"""

from typing import Any

import numpy as np

import headrace as hr

BATCH = 64

_rng = np.random.default_rng(0)
EASY = {"X": _rng.normal(size=(20_000, 8)).astype(np.float32), "y": np.arange(20_000) % 4}
HARD = {"X": _rng.normal(size=(500, 8)).astype(np.float32) * 3, "y": np.arange(500) % 4}


def made(i: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Return samples of the numbers `i` as columns; `rng` is handed in, for 1024 samples at a time."""
    return {"X": rng.normal(size=(len(i), 8)).astype(np.float32), "y": i % 4}


def flip(item: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Turn every other sample around; the coin belongs to the number of the sample."""
    return {**item, "X": -item["X"] if rng.random() < 0.5 else item["X"]}


def named(name: str) -> Any:
    """Let each sample say which member it is from. A function without `rng` changes no random number."""
    return hr.map(lambda item: {**item, "from": name})


members = {
    "easy": hr.source(EASY) | hr.permute() | named("easy"),
    "hard": hr.source(HARD) | hr.permute() | hr.map(flip) | named("hard"),
    "made": hr.functional(made, batched=True) | named("made"),
}
curriculum = hr.ramp(
    {"easy": 8, "hard": 0, "made": 2},
    {"easy": 3, "hard": 5, "made": 2},
    start=1000 * BATCH,
    stop=3000 * BATCH,
)

samples = hr.mix(members, weights=curriculum, seed=7)
stream = samples | hr.batch(BATCH)
