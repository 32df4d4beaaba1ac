"""Values for the arguments of a sweep: spaced, drawn, paired, spread evenly over a box.

All but :class:`~headrace.sweeps.Adaptive` are plain lists, fixed when they are made, the same for the same seed.
Several arguments at once have a tuple of names: ``{("x", "y"): sobol([0, 0], [1, 9], 64)}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from headrace.core.functions import name_of_function, takes_rng
from headrace.core.key import Key, Seed
from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.sweeps.arguments import parameters_needed
from headrace.sweeps.said import whole

Bound = float | Sequence[float]


def linspace(lo: float, hi: float, n: int = 50) -> list[float]:
    """Return ``n`` numbers at equal steps, both ends among them.

    Examples
    --------
    >>> linspace(0, 1, 5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    _check_ends("linspace", lo, hi)
    return list(np.linspace(lo, hi, whole("linspace", n, "values", "linspace(..., 10)")).tolist())


def logspace(lo: float, hi: float, n: int = 50, base: float = 10.0) -> list[float]:
    """Return ``n`` numbers from ``base**lo`` to ``base**hi`` at equal ratios, as ``numpy.logspace`` does.

    Examples
    --------
    >>> logspace(-2, 0, 3)
    [0.01, 0.1, 1.0]
    """
    _check_ends("logspace", lo, hi)
    return list(np.logspace(lo, hi, whole("logspace", n, "values", "logspace(..., 10)"), base=base).tolist())


def draws(function: Callable[..., Any], n: int, *, seed: Seed = 0) -> list[Any]:
    """Return what ``n`` calls of a function give.

    Parameters
    ----------
    function
        Called without arguments; a parameter ``rng`` is filled with a generator of each draw's own.
    n
        How many values.
    seed
        The root of their random numbers.

    Examples
    --------
    >>> len(draws(lambda rng: float(rng.normal()), 3, seed=7))
    3
    """
    if not callable(function):
        raise StreamConfigError(
            f"draws(function, n) got {function!r}, wanted a function that returns one value.\n"
            "  Write draws(lambda rng: rng.normal(), 10)."
        )
    needed = parameters_needed(function)
    if needed:
        raise StreamConfigError(
            f"draws(function, n) got {name_of_function(function)}, which needs {', '.join(needed)}, wanted one that is called "
            "without arguments.\n  A parameter named rng is filled with a generator: lambda rng: rng.normal()."
        )
    if not takes_rng(function):
        return [function() for _ in range(whole("draws", n, "values", "draws(..., 10)"))]
    key = Key(seed).child("draws")
    return [function(rng=key.rng_at(i)) for i in range(whole("draws", n, "values", "draws(..., 10)"))]


def zipped(*columns: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return values of several arguments that move together, for a tuple of names.

    Raises
    ------
    StreamConfigError
        When they are not equally many.

    Examples
    --------
    >>> from headrace.sweeps import Points
    >>> list(Points({("a", "b"): zipped([1, 2], [10, 20]), "c": [0]}))
    [{'a': 1, 'b': 10, 'c': 0}, {'a': 2, 'b': 20, 'c': 0}]
    """
    odd = [column for column in columns if not isinstance(column, Iterable)]
    if odd:
        raise StreamConfigError(
            f"zipped got {odd[0]!r}, wanted the values of an argument, and those of others.\n  Write zipped([1, 2], [10, 20])."
        )
    listed = [list(column) for column in columns]
    if len({len(column) for column in listed}) > 1:
        raise StreamConfigError(
            f"zipped got {[len(column) for column in listed]} values, wanted equally many of each.\n"
            "  Arguments that are combined with each other are combos of their own."
        )
    return list(zip(*listed, strict=True))


def sobol(lo: Bound, hi: Bound, n: int, *, seed: Seed = 0) -> list[Any]:
    """Return the first ``n`` points of a scrambled Sobol sequence in a box.

    Parameters
    ----------
    lo, hi
        The box: two numbers for one argument, sequences of as many for several.
    n
        How many points. The first of them are the points of a smaller ``n``; powers of two are spread best.
    seed
        Of the scrambling.

    Returns
    -------
    points : list of float, or of tuples

    Raises
    ------
    StreamConfigError
        When the box is none.
    MissingExtraError
        When scipy is not installed.

    References
    ----------
    Sobol', "The distribution of points in a cube and the approximate evaluation of integrals", 1967; Owen's scrambling.

    Examples
    --------
    >>> values = sobol(0, 1, 8)
    >>> len(values), sum(value < 0.5 for value in values)
    (8, 4)
    """
    low, high, alone = _box("sobol", lo, hi)
    count = whole("sobol", n, "values", "sobol(..., 10)")
    engine = _engine("Sobol", len(low), seed)
    found = engine.random_base2(max(0, count - 1).bit_length())[:count]  # a power of two: scipy warns of others
    return _scaled(found, low, high, alone)


def halton(lo: Bound, hi: Bound, n: int, *, seed: Seed = 0) -> list[Any]:
    """Return the first ``n`` points of a scrambled Halton sequence in a box; as for :func:`sobol`.

    References
    ----------
    Halton, "On the efficiency of certain quasi-random sequences of points", 1960.

    Examples
    --------
    >>> [len(point) for point in halton([0, 10], [1, 20], 3)]
    [2, 2, 2]
    """
    low, high, alone = _box("halton", lo, hi)
    return _scaled(
        _engine("Halton", len(low), seed).random(whole("halton", n, "values", "halton(..., 10)")), low, high, alone
    )


def latin_hypercube(lo: Bound, hi: Bound, n: int, *, seed: Seed = 0) -> list[Any]:
    """Return ``n`` points of a box with one in each of ``n`` slices of every side; as for :func:`sobol`.

    References
    ----------
    McKay, Beckman, Conover, "A comparison of three methods for selecting values of input variables", 1979.

    Examples
    --------
    >>> sorted(int(value * 4) for value in latin_hypercube(0, 1, 4))
    [0, 1, 2, 3]
    """
    low, high, alone = _box("latin_hypercube", lo, hi)
    found = _engine("LatinHypercube", len(low), seed).random(
        whole("latin_hypercube", n, "values", "latin_hypercube(..., 10)")
    )
    return _scaled(found, low, high, alone)


def _engine(kind: str, d: int, seed: Seed) -> Any:
    make = getattr(optional("scipy.stats.qmc", "sweeps", kind.lower()), kind)
    rng = Key(seed).child(kind).rng()
    try:
        return make(d, rng=rng)
    except TypeError:  # scipy < 1.15
        return make(d, seed=rng)


def _box(who: str, lo: Any, hi: Any) -> tuple[list[float], list[float], bool]:
    alone = np.ndim(lo) == 0 and np.ndim(hi) == 0
    low, high = np.atleast_1d(lo).tolist(), np.atleast_1d(hi).tolist()
    if len(low) != len(high) or not low or any(not a < b for a, b in zip(low, high, strict=False)):
        raise StreamConfigError(
            f"{who}(lo, hi) got {lo!r} and {hi!r}, wanted a lower and a higher end for each argument.\n"
            f"  Write {who}([0, 0], [1, 9], 64) for two arguments, {who}(0, 1, 64) for one."
        )
    return low, high, alone


def _scaled(unit: Any, low: list[float], high: list[float], alone: bool) -> list[Any]:
    made = np.asarray(low) + unit * (np.asarray(high) - np.asarray(low))
    return list(made[:, 0].tolist()) if alone else [tuple(row) for row in made.tolist()]


def _check_ends(who: str, lo: Any, hi: Any) -> None:
    for end in (lo, hi):
        if isinstance(end, str) or not np.isscalar(end) or not np.isfinite(end):
            raise StreamConfigError(
                f"{who}(lo, hi, n) got {lo!r} and {hi!r}, wanted two finite numbers.\n"
                f"  The name of the argument stands before: {{'x': {who}(0, 1, 5)}}."
            )
