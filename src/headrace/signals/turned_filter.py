"""The state that a recursive filter most likely would have, had it always had the sections that it is turned to."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.optional import optional

Array = np.ndarray[Any, Any]
LAGS, LONGEST = 200, 1_000_000  # how many moments of the past are looked at, and how many rows they go back at most


def taken_over(before: Array, after: Array, zi: Array) -> Array:
    """Return the state for other sections, which goes on without a click.

    What sections remember depends on their gains, so that numbers of the old state in new sections may be thousands of
    times too large. Steps and impulses at many moments of the past leave a state in either filter; the new state is the
    linear function of the old one that agrees best with all of them, by least squares: the past is not known, but real
    signals consist of such parts.

    Parameters
    ----------
    before, after
        The sections until now and from now on, ``(sections, 6)``; they may be of another number.
    zi
        The state, ``(channels, sections, 2)``.

    Examples
    --------
    >>> sections = np.array([[0.5, 0.0, 0.0, 1.0, -0.5, 0.0]])
    >>> quicker = np.array([[0.9, 0.0, 0.0, 1.0, -0.1, 0.0]])
    >>> taken_over(sections, quicker, np.array([[[0.5, 0.0]]])).round(4).tolist()  # the states behind ones for ever
    [[[0.1, 0.0]]]
    """
    lags = _lags(before, after)
    old, new = (np.concatenate([_states(sos, lags, kind) for kind in ("step", "impulse")]) for sos in (before, after))
    size = np.linalg.norm(old, axis=0)
    size[size == 0] = 1.0
    found, *_ = np.linalg.lstsq(old / size, new, rcond=1e-10)
    made: Array = (zi.reshape(len(zi), -1) / size) @ found
    return np.ascontiguousarray(made.reshape(len(zi), len(after), 2))


def _lags(*filters: Array) -> Array:
    """Return how many rows ago something was, near ones closer together, until neither filter remembers it."""
    poles = max(float(np.abs(np.roots(section[3:])).max(initial=0.0)) for sos in filters for section in sos)
    longest = LONGEST if poles >= 1 - 1e-5 else max(8, int(np.log(1e-9) / np.log(max(poles, 1e-3))))
    return np.unique(np.round(np.geomspace(1, min(longest, LONGEST), LAGS)).astype(int))


def _states(sos: Array, lags: Array, kind: str) -> Array:
    """Return the states some rows after an impulse, or after a step, one below the other."""
    sosfilt = optional("scipy.signal", "signals", "a filter that is turned").sosfilt
    zi, found, at = np.zeros((len(sos), 2)), [], 0
    for lag in lags:
        rows = np.full(lag - at, float(kind == "step"))
        if not at:
            rows[0] = 1.0
        _, zi = sosfilt(sos, rows, zi=zi)
        found.append(zi.ravel())
        at = int(lag)
    weights: Array = np.full((len(found), 1), 1.0 if kind == "step" else 0.3)  # what changes slowly weighs more
    if kind == "step":
        weights[-1] = 1000  # what has always been the same goes on as if nothing were turned
    made: Array = np.array(found) * weights
    return made
