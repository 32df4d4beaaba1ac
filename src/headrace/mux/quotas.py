"""How many items a member may give before another takes its place."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

Dist = Literal["binomial", "poisson", "constant"]
DISTS: tuple[Dist, ...] = ("binomial", "poisson", "constant")
BLOCK = 64  # quotas drawn together; it addresses them, so it is part of the contract


def quotas(rate: float, dist: Dist, n_active: int, rng: np.random.Generator, size: int) -> list[int]:
    """Return ``size`` quotas, each at least 1 and of mean ``rate``.

    ``constant``: ``rate`` itself, a fraction made whole at random. ``poisson``: 1 + Poisson(rate - 1). ``binomial``:
    1 + Binomial((rate - 1) / (1 - p), 1 - p) with p = 1 / n_active, whose variance (rate - 1) p shrinks as the working
    set grows (plus at most 1/4, where the number of trials is a fraction made whole at random).
    """
    spread = 1 / n_active
    drawn: np.ndarray[Any, np.dtype[np.int64]]
    if dist == "constant":
        drawn = _made_whole(rate, rng, size)
    elif dist == "poisson" or spread > 0.9999:
        drawn = 1 + rng.poisson(rate - 1, size)
    else:
        drawn = 1 + rng.binomial(_made_whole((rate - 1) / (1 - spread), rng, size), 1 - spread)
    found: list[int] = drawn.tolist()
    return found


def _made_whole(mean: float, rng: np.random.Generator, size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the whole numbers next to ``mean``, which they average to."""
    low = int(mean)
    return low + (rng.random(size) < mean - low).astype(np.int64)
