"""Light in front of a sensor, for tests: a random walk."""

from __future__ import annotations

from typing import Any

import numpy as np

THETA = 0.17


def film(seed: int = 3, frames: int = 60) -> Any:
    """A random walk of log intensities, and them."""
    log = np.cumsum(np.random.default_rng(seed).normal(0, 0.3, (frames, 7, 6)), axis=0)
    return np.exp(log), log
