"""What the tour shows of sweeps, as far as it keeps nothing on disk."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.sweeps import label, linspace, sobol
from support.require import require


@label(var_names=["accuracy", "loss"], verbosity=0)
def score(noise: float, n_active: int, *, rng: Any) -> tuple[float, float]:
    errors = rng.normal(scale=noise, size=n_active)
    return float((np.abs(errors) < 0.1).mean()), float((errors**2).mean())


def test_the_tour() -> None:
    require("xarray")
    require("scipy")
    ds = score.run_combos({"noise": [0.0, 0.1, 0.2], "n_active": [1, 10, 100]}, parallel=2)
    assert ds.accuracy.sel(n_active=10).shape == (3,)
    assert float(ds.accuracy.sel(noise=0.0, n_active=100)) == 1
    finer = score.run_combos({"noise": linspace(0, 1, 11), "n_active": [10, 100]})
    assert float(finer.loss.sel(noise=0.1, n_active=10)) == float(ds.loss.sel(noise=0.1, n_active=10))
    found = list(score.stream({"noise": sobol(0, 1, 64), "n_active": [10]}))
    assert len(found) == 64
    settings, (accuracy, _) = found[3]
    assert 0 <= settings["noise"] <= 1
    assert 0 <= accuracy <= 1
