"""Values of an argument that go where the function changes most: chosen in rounds, from the results so far.

Each round halves the intervals of greatest loss. How many is fixed by the description, never by how many workers there
are, so that a refined sweep is the same serially and in parallel.
"""

from __future__ import annotations

import heapq
import inspect
from collections.abc import Callable, Sequence
from math import hypot, inf
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.sweeps.failures import Failure
from headrace.sweeps.parse import Combos, parse_combos
from headrace.sweeps.place import Array
from headrace.sweeps.points import Points
from headrace.sweeps.said import short

Loss = Callable[[tuple[float, float], tuple[Array, Array]], float]


class Adaptive:
    """Values of an argument within bounds, refined where results change most; a combo value.

    Parameters
    ----------
    bounds
        The lowest and the highest value; both are run.
    loss
        ``loss((x0, x1), (y0, y1))`` says how much there is to gain between two neighbours; the y are arrays of all
        numbers that came at x (of complex ones both parts). By default the distance, with both scaled to their range so far.
    n
        How many values to end with.
    start
        How many to begin with, at equal steps.
    batch
        How many intervals to halve in a round.
    goal
        End before ``n`` when no interval's loss is above.

    Raises
    ------
    StreamConfigError
        When bounds or counts make no sense.

    Examples
    --------
    >>> from headrace.sweeps import Runner
    >>> step = Runner(lambda x: float(x > 0.3), "y", verbosity=0)
    >>> ds = step.run_combos({"x": Adaptive((0, 1), n=16)})
    >>> len(ds.x), bool(abs(ds.x - 0.3).min() < 0.01)
    (16, True)
    """

    def __init__(
        self,
        bounds: tuple[float, float],
        loss: Loss | None = None,
        n: int = 33,
        *,
        start: int = 5,
        batch: int = 4,
        goal: float = 0.0,
    ) -> None:
        try:
            lo, hi = map(float, bounds)
        except (TypeError, ValueError):
            lo = hi = inf
        if not -inf < lo < hi < inf:
            raise StreamConfigError(
                f"Adaptive(bounds) got {bounds!r}, wanted a lower and a higher end, both finite.\n"
                "  Write Adaptive((0, 1)); of a half-open range sweep its logarithm."
            )
        if not 2 <= start <= n or batch < 1:
            raise StreamConfigError(
                f"Adaptive got n={n}, start={start}, batch={batch}, wanted 2 <= start <= n and a batch of at least 1."
                "\n  n is how many values to end with, start how many to begin with."
            )
        if loss is not None and not _takes_two(loss):
            raise StreamConfigError(
                f"Adaptive(loss) got {loss!r}, wanted a function of two neighbours.\n"
                "  It is called as loss((x0, x1), (y0, y1)), and returns a number."
            )
        self.bounds: tuple[float, float] = (lo, hi)
        self.loss: Loss | None = loss
        self.n: int = n
        self.start: int = start
        self.batch: int = batch
        self.goal: float = goal

    def first(self) -> list[float]:
        """Return the values to begin with."""
        return list(np.linspace(*self.bounds, self.start).tolist())

    def propose(self, xs: Sequence[float], ys: Array) -> list[float]:
        """Return the values of the next round; none when it is done.

        Parameters
        ----------
        xs
            The values so far, in order.
        ys : (len(xs), m) array
            What came at each. NaN, as of failed calls, counts as no change.
        """
        left = min(self.batch, self.n - len(xs))
        if left <= 0:
            return []
        x_range = (xs[-1] - xs[0]) or 1.0
        finite = np.where(np.isfinite(ys), ys, np.nan)
        with np.errstate(all="ignore"):
            spread = np.nan_to_num(_range(finite))
        scaled = finite / np.where(spread > 0, spread, 1.0)
        found = []
        for k in range(len(xs) - 1):
            if self.loss is not None:
                loss = _number(self.loss((xs[k], xs[k + 1]), (ys[k], ys[k + 1])))
            else:
                steps = np.nan_to_num(np.abs(scaled[k + 1] - scaled[k]))
                loss = hypot((xs[k + 1] - xs[k]) / x_range, float(steps.max(initial=0.0)))
            if loss > self.goal:
                found.append((-loss, xs[k], xs[k + 1]))
        heapq.heapify(found)
        chosen: list[float] = []
        while found and len(chosen) < left:
            loss, lo, hi = heapq.heappop(found)
            middle = lo + (hi - lo) / 2
            if not lo < middle < hi:  # no number between them
                continue
            chosen.append(middle)
            for half in ((lo, middle), (middle, hi)):  # until more is known, a half of it in each
                if -loss / 2 > self.goal:
                    heapq.heappush(found, (loss / 2, *half))
        return sorted(chosen)

    def __repr__(self) -> str:
        return f"Adaptive({self.bounds}, n={self.n})"


def _takes_two(loss: Any) -> bool:
    if not callable(loss):
        return False
    try:
        signature = inspect.signature(loss)
    except (TypeError, ValueError):  # of a built-in, which is called to find out
        return True
    try:
        signature.bind((0.0, 1.0), (None, None))
    except TypeError:
        return False
    return True


def _number(loss: Any) -> float:
    try:
        return float(loss)
    except (TypeError, ValueError):
        raise DataError(
            f"Adaptive got {short(loss)} from its loss, wanted a number.\n  NaN says that there is nothing to gain."
        ) from None


def _range(values: Array) -> Array:
    if not values.size:
        return np.zeros(values.shape[1:])
    known = np.isfinite(values).any(axis=0)
    filled = np.where(known, values, 0.0)
    found: Array = np.nanmax(filled, axis=0) - np.nanmin(filled, axis=0)
    return found


class Refinement:
    """The rounds of a sweep one argument of which is :class:`Adaptive`.

    Parameters
    ----------
    combos
        As users write them.

    Attributes
    ----------
    name : str
        The argument.
    results : dict
        For each value run so far its results, in the order of the other arguments.

    Examples
    --------
    >>> rounds = Refinement({"x": Adaptive((0, 1), n=6)})
    >>> while (combos := rounds.combos()) is not None:
    ...     points = Points(combos)
    ...     rounds.tell(points, [abs(settings["x"] - 0.3) for settings in points])
    >>> len(rounds.results)
    6
    """

    def __init__(self, combos: Any) -> None:
        self._pairs: Combos = parse_combos(combos)
        moving = [(name, values) for name, values in self._pairs if isinstance(values, Adaptive)]
        if len(moving) != 1:
            raise StreamConfigError(
                f"combos got {len(moving)} Adaptive arguments, wanted one, of one name.\n"
                "  Refine one after the other, or spread the others with sobol(...)."
            )
        name = moving[0][0]
        if not isinstance(name, str):
            raise StreamConfigError(
                f"combos got Adaptive for the arguments {name}, wanted one argument: it has one pair of bounds.\n"
                "  Spread several with sobol(...), or refine one after the other."
            )
        self.name: str = name
        self._design: Adaptive = moving[0][1]
        self.results: dict[float, list[Any]] = {}

    @staticmethod
    def needed(combos: Any) -> bool:
        """Tell whether some argument is adaptive."""
        return any(isinstance(values, Adaptive) for _, values in combos)

    def combos(self) -> Combos | None:
        """Return the combos of the next round; None when there is none."""
        if not self.results:
            return self._with(self._design.first())
        xs = sorted(self.results)
        some = next((each for x in xs for each in self.results[x] if not _failed(each)), np.nan)
        width = len(_numbers(some, self.name))
        ys = np.asarray([[y for each in self.results[x] for y in self._row(each, width)] for x in xs])
        chosen = self._design.propose(xs, ys)
        return self._with(chosen) if chosen else None

    def _row(self, result: Any, width: int) -> list[float]:
        found = [np.nan] * width if _failed(result) else _numbers(result, self.name)
        if len(found) != width:
            raise DataError(
                f"Adaptive({self.name!r}) got {len(found)} numbers from a call and {width} from others, wanted as many."
                "\n  Return as many from every call, real numbers or complex ones."
            )
        return found

    def tell(self, points: Points, values: Sequence[Any]) -> None:
        """Take in the results of a round, one for each of its points."""
        for x, value in zip(points.column(self.name), values, strict=True):
            self.results.setdefault(x, []).append(value)

    def whole(self) -> tuple[Combos, Callable[[Points], list[Any]]]:
        """Return the combos of all rounds, and what arranges their results for the points of these."""
        left = {x: iter(found) for x, found in self.results.items()}
        return self._with(sorted(self.results)), lambda points: [next(left[x]) for x in points.column(self.name)]

    def _with(self, xs: list[float]) -> Combos:
        return tuple((name, xs if name == self.name else values) for name, values in self._pairs)


def refine(
    combos: Combos, run: Callable[[Combos], tuple[Points, list[Any]]]
) -> tuple[Combos, Callable[[Points], list[Any]]]:
    """Run rounds until there is none; return :meth:`Refinement.whole`.

    Parameters
    ----------
    combos
        Combos, one of them adaptive.
    run
        Runs a round; returns its points and their results.
    """
    rounds = Refinement(combos)
    while (each := rounds.combos()) is not None:
        rounds.tell(*run(each))
    return rounds.whole()


def _failed(result: Any) -> bool:
    return isinstance(result, Failure)


def _numbers(result: Any, name: str) -> list[float]:
    """Return all numbers of a result in a row."""
    found: list[float] = []
    try:
        for part in result if isinstance(result, tuple | list) else [result]:
            array = np.asarray(np.nan if part is None else part).reshape(-1)
            if array.dtype.kind == "c":  # a change of either part is one
                array = np.stack([array.real, array.imag], axis=1).reshape(-1)
            found += array.astype(float).tolist()
    except (TypeError, ValueError):
        raise DataError(
            f"Adaptive({name!r}) got the result {result!r}, wanted numbers: a change of anything else has no size."
            "\n  Return a number that says what changes, beside the rest: its own variable."
        ) from None
    return found
