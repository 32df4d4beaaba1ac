"""How likely each branch is, checked, and choices by it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from headrace.core.indexed import Numbers
from headrace.errors import StreamConfigError
from headrace.trees.schedule import Floats, Levels, Schedule

TOLERANCE = 1e-7  # of the sum, about what numpy's own choice allows


def checked(name: str, probs: Any, n: int, what: str = "probs") -> Floats:
    """Return probabilities as an array of shape (n,).

    Raises
    ------
    StreamConfigError
        When they are no numbers, negative, of another count, or do not sum to 1.
    """
    who = f"branching {name!r} got {what}={_short(probs)}"
    try:
        found = np.asarray(probs, dtype=np.float64)
    except (TypeError, ValueError):
        raise StreamConfigError(f"{who}, wanted {n} numbers: how likely each branch is.") from None
    if found.shape != (n,):
        raise StreamConfigError(f"{who}, of shape {found.shape}, wanted {n} numbers: one for each branch.")
    if not np.isfinite(found).all() or (found < 0).any():
        raise StreamConfigError(f"{who}, wanted probabilities of at least 0.\n  A branch that is never taken has 0.")
    total = float(found.sum())
    if abs(total - 1) > TOLERANCE:
        raise StreamConfigError(f"{who}, which sum to {total!r}, wanted a sum of 1.\n  Divide them by their sum.")
    return found


def _short(probs: Any) -> str:
    text = repr(probs)
    return text if len(text) <= 80 else text[:77] + "..."


class Table:
    """Chooses among n branches.

    Attributes
    ----------
    schedule
        What the probabilities follow with the sample's number; None when they stand still.
    """

    def __init__(self, schedule: Schedule | None, rows: Any, name: str, n: int) -> None:
        self.schedule: Schedule | None = schedule
        self.name: str = name
        self.n: int = n
        self.rows: Floats | None = rows  # probabilities, shape (levels, n)
        self.cumulative: Floats | None = None if rows is None else _cumulative(rows)

    def choose(self, u: Floats, at: Numbers, concepts: Floats) -> Numbers:
        """Return the branch of each sample, by one number on [0, 1) for each; and one for gradual changes."""
        if self.schedule is None:
            if self.cumulative is None:
                return np.minimum((u * self.n).astype(np.int64), self.n - 1)
            return _search(self.cumulative[0], u)
        if isinstance(self.schedule, Levels):
            assert self.cumulative is not None
            level = self.schedule.concept(at, concepts)
            found = np.empty(len(at), np.int64)
            for k in np.unique(level).tolist():
                mine = level == k
                found[mine] = _search(self.cumulative[k], u[mine])
            return found
        return np.asarray((_cumulative(self.probabilities(at, concepts)) <= u[:, None]).sum(axis=1), np.int64)

    def of_one(self) -> Callable[[float], int] | None:
        """Return :meth:`choose` for one sample, ten times cheaper; None where the sample's number matters."""
        if self.schedule is not None:
            return None
        n = self.n
        if self.cumulative is None:
            return lambda u: min(int(u * n), n - 1)
        return partial(bisect_right, self.cumulative[0].tolist())

    def probabilities(self, at: Numbers, concepts: Floats) -> Floats:
        """Return how likely each branch is in each sample, shape (samples, n)."""
        if self.schedule is None:
            row = np.full(self.n, 1 / self.n) if self.rows is None else self.rows[0]
            return np.tile(row, (len(at), 1))
        return np.array([checked(self.name, row, self.n) for row in self.schedule.values(at, concepts)])


def table_of(name: str, probs: Any, n: int) -> Table:
    """Return the chances of a branching.

    Raises
    ------
    StreamConfigError
        When they are no probabilities.
    """
    if probs is None:
        return Table(None, None, name, n)
    if isinstance(probs, Schedule):
        known = [checked(name, row, n) for row in probs.known()]
        return Table(probs, np.array(known) if isinstance(probs, Levels) else None, name, n)
    return Table(None, checked(name, probs, n)[None], name, n)


def _cumulative(rows: Floats) -> Floats:
    """Return cumulative sums along the last axis that end at exactly 1 from the last branch that can be taken on."""
    found = np.cumsum(rows, axis=-1)
    found /= found[..., -1:]
    return found


def _search(cumulative: Floats, u: Floats) -> Numbers:
    return np.asarray(cumulative.searchsorted(u, side="right"), np.int64)
