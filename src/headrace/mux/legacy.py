"""The first multiplexer, kept for those who still call it."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from headrace.core.key import Seed
from headrace.mux.base import Members, Weights
from headrace.mux.pool import Mode
from headrace.mux.stochastic import StochasticMux

T = TypeVar("T")


def Mux(  # the name it has always had
    streams: Members[T],
    k: int,
    rate: float | None = 256.0,
    weights: Weights = None,
    with_replacement: bool = True,
    prune_empty_streams: bool = True,
    revive: bool = False,
    random_state: Seed | None = None,
) -> StochasticMux[T]:
    """Return the :class:`StochasticMux` that this old name stands for, with a ``DeprecationWarning``.

    ``k`` is ``n_active``; ``with_replacement=False`` is mode ``"single_active"`` with ``revive=True`` and
    ``"exhaustive"`` without. Quotas are 1 + Poisson(rate), as they were.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", DeprecationWarning)
    ...     mux = Mux(["ab", "cd"], k=2, rate=None, with_replacement=False)
    >>> sorted(mux)
    ['a', 'b', 'c', 'd']
    """
    warnings.warn("Mux is deprecated: use StochasticMux.", DeprecationWarning, stacklevel=2)
    return StochasticMux(
        streams,
        weights=weights,
        prune_empty_streams=prune_empty_streams,
        random_state=random_state,
        **translated(k, rate, with_replacement, revive),
    )


def translated(k: int, rate: float | None, with_replacement: bool, revive: bool) -> dict[str, Any]:
    """Return the arguments of a :class:`StochasticMux` that the old ones stand for."""
    mode: Mode = "with_replacement" if with_replacement else "single_active" if revive else "exhaustive"
    return {"n_active": k, "rate": None if rate is None else rate + 1, "mode": mode, "dist": "poisson"}
