"""Weights of a mix: by size and temperature, by label, and as a schedule over the numbers of its items."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite
from typing import Any

import numpy as np

from headrace.core.stream import Stream
from headrace.errors import StreamConfigError

Points = tuple[tuple[int, Any], ...]


@dataclass(frozen=True)
class Schedule:
    """Weights that hold from a number on: ``points`` are (first number, weights), from 0, in order.

    Made by :func:`schedule` and :func:`ramp`. A mix with a schedule still has items by number: which weights hold is
    a function of the number.
    """

    points: Points


def schedule(points: Mapping[int, Any] | Iterable[tuple[int, Any]]) -> Schedule:
    """Weights for :func:`headrace.mix` that change at some numbers of its items.

    Parameters
    ----------
    points
        ``{first number: weights}`` or pairs of these; the smallest is 0. Weights are as for ``mix``: a list, or a dict
        for named members.

    Raises
    ------
    StreamConfigError
        When the numbers do not begin at 0, or are no increasing whole numbers.

    Examples
    --------
    >>> import headrace as hr
    >>> warm_up = hr.schedule({0: {"easy": 1, "hard": 0}, 1000: {"easy": 1, "hard": 1}})
    >>> both = hr.mix({"easy": ["e"], "hard": ["h"]}, weights=warm_up, seed=7)
    >>> "h" in both(1000), "h" in [both[i] for i in range(1000, 1020)]
    (False, True)
    """
    pairs = list(points.items() if isinstance(points, Mapping) else points)
    found = []
    for pair in pairs:
        try:
            first, weights = pair
            if int(first) != first or isinstance(first, bool):
                raise ValueError
        except (TypeError, ValueError):
            raise StreamConfigError(
                f"schedule(points) got {pair!r}, wanted pairs of a whole number and weights, or a dict of these."
            ) from None
        found.append((int(first), weights))
    firsts = [first for first, _ in found]
    if not firsts or firsts[0] != 0 or any(b <= a for a, b in pairwise(firsts)):
        raise StreamConfigError(f"schedule(points) got the numbers {firsts}, wanted 0 and increasing ones after it.")
    return Schedule(tuple(found))


def ramp(begin: Any, end: Any, start: int, stop: int, steps: int = 64) -> Schedule:
    """Weights that go from ``begin`` to ``end`` between two numbers, in ``steps`` equal steps.

    Parameters
    ----------
    begin, end
        Weights as for ``mix``, both lists or both dicts of the same names; shares of their sums are interpolated.
    start, stop
        Up to item ``start`` the weights are ``begin``, from ``stop`` on they are ``end``.
    steps
        How many values lie between, at the middles of as many equal stretches.

    Raises
    ------
    StreamConfigError
        When the weights do not fit each other, or ``0 <= start < stop`` or ``steps >= 1`` does not hold.

    Examples
    --------
    >>> [(first, [round(float(w), 3) for w in weights]) for first, weights in ramp([1, 0], [0, 1], 100, 200, 2).points]
    [(0, [1.0, 0.0]), (100, [0.75, 0.25]), (150, [0.25, 0.75]), (200, [0.0, 1.0])]
    """
    names = list(begin) if isinstance(begin, Mapping) else None
    if names is not None and (not isinstance(end, Mapping) or set(end) != set(names)):
        raise StreamConfigError(f"ramp(begin, end) got {begin!r} and {end!r}, wanted weights for the same names.")
    first = _shares("ramp(begin)", begin if names is None else [begin[name] for name in names])
    last = _shares("ramp(end)", end if names is None else [end[name] for name in names])
    if len(first) != len(last):
        raise StreamConfigError(f"ramp(begin, end) got {len(first)} and {len(last)} weights, wanted as many.")
    if not (0 <= start < stop and steps >= 1 and int(start) == start and int(stop) == stop):
        raise StreamConfigError(
            f"ramp got start={start}, stop={stop}, steps={steps}, wanted 0 <= start < stop, steps >= 1."
        )
    steps = min(int(steps), int(stop) - int(start))
    points: list[tuple[int, Any]] = [(0, first)] if start else []
    for k in range(steps):
        part = (k + 0.5) / steps
        points.append((int(start) + k * (int(stop) - int(start)) // steps, first * (1 - part) + last * part))
    points.append((int(stop), last))
    if names is None:
        return schedule([(at, [float(w) for w in weights]) for at, weights in points])
    return schedule([(at, dict(zip(names, map(float, weights), strict=True))) for at, weights in points])


def temperature(sizes: Any, t: float) -> Any:
    """Weights ``size ** (1 / t)``: by size for t = 1, more even as t grows, all equal for ``math.inf``.

    Parameters
    ----------
    sizes
        A list or dict of numbers, or of streams of known size (of arrays, lists, anything with a length).
    t
        Above 0.

    Returns
    -------
    list or dict of float
        As ``sizes`` is; their sum is 1.

    Raises
    ------
    StreamConfigError
        When a size is not known, or endless, or ``t`` is not above 0.

    References
    ----------
    Temperature-scaled mixing: Arivazhagan et al., "Massively multilingual neural machine translation in the wild",
    arXiv 1907.05019 (2019), section 4.2.

    Examples
    --------
    >>> temperature([750, 250], 1)
    [0.75, 0.25]
    >>> {name: round(share, 3) for name, share in temperature({"large": range(900), "small": range(100)}, 2).items()}
    {'large': 0.75, 'small': 0.25}
    """
    if not t > 0:
        raise StreamConfigError(f"temperature(t) got {t!r}, wanted a number above 0; 1 is by size, math.inf is even.")
    named = list(sizes.items()) if isinstance(sizes, Mapping) else list(enumerate(sizes))
    counts = np.array([_size(name, value) for name, value in named])
    power = np.where(counts > 0, np.power(counts / counts.max() if counts.any() else counts, 1 / t), 0.0)
    shares = _shares("temperature(sizes)", power).tolist()
    return (
        {name: share for (name, _), share in zip(named, shares, strict=True)} if isinstance(sizes, Mapping) else shares
    )


def balance(labels: Any, sizes: Any = None) -> Any:
    """Weights that give each label the same share, whatever number of members it has.

    Parameters
    ----------
    labels
        The label of each member: a list, or a dict by name.
    sizes
        Share a label's part by size, as :func:`temperature` takes sizes; evenly by default.

    Returns
    -------
    list or dict of float
        As ``labels`` is; their sum is 1.

    Raises
    ------
    StreamConfigError
        When ``sizes`` do not fit, or all members of a label are empty.

    Examples
    --------
    >>> balance({"tom": "cat", "felix": "cat", "rex": "dog"})
    {'tom': 0.25, 'felix': 0.25, 'rex': 0.5}
    >>> balance(["cat", "cat", "dog"], sizes=[30, 10, 500])
    [0.375, 0.125, 0.5]
    """
    names = list(labels) if isinstance(labels, Mapping) else list(range(len(labels)))
    if sizes is not None and (
        len(sizes) != len(names)
        or (isinstance(labels, Mapping) and not (isinstance(sizes, Mapping) and set(sizes) == set(names)))
    ):
        raise StreamConfigError(
            f"balance(labels, sizes) got {len(names)} labels and {sizes!r}, wanted a size for each."
        )
    own = {name: 1.0 if sizes is None else _size(name, sizes[name]) for name in names}
    total: dict[Hashable, float] = {}
    for name in names:
        total[labels[name]] = total.get(labels[name], 0.0) + own[name]
    for label, amount in total.items():
        if not amount:
            raise StreamConfigError(f"balance(labels, sizes) got only empty members for the label {label!r}.")
    found = {name: own[name] / total[labels[name]] / len(total) for name in names}
    return found if isinstance(labels, Mapping) else list(found.values())


def _size(name: Any, value: Any) -> float:
    if isinstance(value, Stream):
        size = value.size
    elif isinstance(value, int | float | np.number):
        size = float(value)
    else:
        size = len(value)
    if size is None or size == inf or not isfinite(size) or size < 0:
        raise StreamConfigError(
            f"the size of member {name!r} is {'not known' if size is None else size}, wanted a number of items.\n"
            "  Give the sizes as numbers."
        )
    return float(size)


def _shares(who: str, weights: Sequence[float] | Any) -> Any:
    try:
        made = np.array(list(weights), dtype=float)
    except (TypeError, ValueError):
        raise StreamConfigError(f"{who} got {weights!r}, wanted numbers.") from None
    if made.ndim != 1 or not (np.isfinite(made).all() and (made >= 0).all() and made.any()):
        raise StreamConfigError(f"{who} got {weights!r}, wanted numbers, none negative and one positive.")
    return made / made.sum()
