"""How often each archive was drawn, against how often it was meant to be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import Any


@dataclass(frozen=True)
class Share:
    """One archive: the share of all items asked for and drawn, and the standard deviation of the latter."""

    name: str
    asked: float
    drawn: float
    sigma: float

    @property
    def off(self) -> float:
        """How many standard deviations lie between them."""
        return (self.drawn - self.asked) / self.sigma


def shares(mux: Any, counts: Counter[str]) -> list[Share]:
    """Return the share of every member of a mux.

    Parameters
    ----------
    mux
        A :class:`headrace.StochasticMux` with replacement and a numeric rate.
    counts
        How many items each member gave.

    Notes
    -----
    Items come in visits, so n items are worth fewer independent draws. With quotas q and A = n / E[q] visits, the
    share S_i / S has the variance w (1 - w) E[q^2] / (E[q]^2 A), to first order in 1 / A (the delta method for a
    ratio); the binomial quota has the variance (rate - 1) / n_active.
    """
    total = counts.total()
    per_draw = mux.rate + (mux.rate - 1) / mux.n_active / mux.rate  # E[q^2] / E[q]
    return [
        Share(name, weight, counts[name] / total, sqrt(weight * (1 - weight) * per_draw / total))
        for name, weight in zip(mux.names, mux.weights.tolist(), strict=True)
    ]


def mux_of(stream: Any) -> Any:
    """Return the mux inside a composition."""
    while not hasattr(stream, "weights"):
        (stream,) = stream.children
    return stream


def by_class(found: list[Share]) -> list[tuple[str, float, float]]:
    """Return (class, share asked, share drawn), the class being what stands before the dash of a name."""
    names = list(dict.fromkeys(share.name.partition("-")[0] for share in found))
    return [
        (
            name,
            sum(share.asked for share in found if share.name.partition("-")[0] == name),
            sum(share.drawn for share in found if share.name.partition("-")[0] == name),
        )
        for name in names
    ]
