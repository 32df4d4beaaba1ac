"""Rows in time: columns whose axis 0 is the moment, some of them at a slower or faster pace than the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from headrace.core.pace import ONE as ONE
from headrace.core.pace import ROWS as ROWS
from headrace.core.pace import ZERO as ZERO
from headrace.core.pace import Pace as Pace
from headrace.errors import DataError


class Block(dict[str, Any]):
    """Columns of consecutive rows in time, the moment on axis 0.

    Columns at the pace of the input have one length; others belong to a rate group with a pace of their own.

    Parameters
    ----------
    columns
        Arrays by name, ``(n, ...)``.
    first
        The number of the first row, counted from the start of the run.
    rate
        Rows a second, where they come evenly.
    paces
        The pace of each column that has not the input's.
    latencies
        How many input rows the values of a column lie behind the row they are given with.
    timestamp
        The name of the column that says when each row was taken, in seconds.

    Raises
    ------
    DataError
        When a column has no axis 0, or columns of one pace differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> block = Block({"timestamp": np.array([0.0, 0.1, 0.2]), "acc": np.zeros((3, 3))}, first=30, rate=10.0)
    >>> block.n, block.first, block.timestamps("acc").tolist()
    (3, 30, [0.0, 0.1, 0.2])
    >>> Block({"x": np.zeros(3), "y": np.zeros(4)})
    Traceback (most recent call last):
    headrace.errors.DataError: Block got columns of lengths {'x': 3, 'y': 4}, wanted one length for columns of one pace.
      Say which have a pace of their own with paces=.
    """

    first: int
    rate: float | None
    paces: Mapping[str, Pace]
    latencies: Mapping[str, Fraction]
    times: Any
    before: Any
    _rows: int | None

    def __init__(
        self,
        columns: Mapping[str, Any] | None = None,
        *,
        first: int = 0,
        rate: float | None = None,
        paces: Mapping[str, Pace] | None = None,
        latencies: Mapping[str, Fraction] | None = None,
        timestamp: str = "timestamp",
    ) -> None:
        super().__init__(columns or {})
        self.first, self.rate, self.paces, self.latencies = first, rate, paces or {}, latencies or {}
        self._rows = self.before = None
        # Mostly all have the input's pace, and to tell paces apart costs more than all else here.
        for pace in {self.paces.get(name, ROWS) for name in self} if self.paces else (ROWS,):
            of_pace = [name for name in self if not self.paces or self.paces.get(name, ROWS) == pace]
            lengths = {name: _length(name, self[name]) for name in of_pace}
            if len(set(lengths.values())) > 1:
                raise DataError(
                    f"Block got columns of lengths {lengths}, wanted one length for columns of one pace.\n"
                    "  Say which have a pace of their own with paces=."
                )
        self.times = seconds(self.get(timestamp))

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Any],
        first: int,
        rows: int,
        rate: float | None,
        paces: Mapping[str, Pace],
        latencies: Mapping[str, Fraction],
        times: Any,
        before: Any,
    ) -> Block:
        """Return a block of columns that are known to fit; ``times`` and ``before`` are those of its input rows.

        ``before`` is the time of the row before, or an array of several, where rows of slower groups stand further back.
        """
        block = cls.__new__(cls)
        block.update(columns)
        block.first, block._rows, block.rate, block.paces, block.latencies = first, rows, rate, paces, latencies
        block.times, block.before = times, before
        return block

    @property
    def n(self) -> int:
        """The number of input rows."""
        if self._rows is None:
            at = next((each for name, each in self.items() if name not in self.paces), None)
            self._rows = 0 if at is None else len(at)
        return self._rows

    def pace(self, name: str) -> Pace:
        """Return the pace of a column."""
        self[name]
        return self.paces.get(name, ROWS)

    def latency(self, name: str) -> Fraction:
        """Return how many input rows the values of a column lie behind the row they are given with."""
        self[name]
        return self.latencies.get(name, ZERO)

    def numbers(self, name: str) -> range:
        """Return the numbers, within its rate group, of the rows of a column that are in this block."""
        pace = self.pace(name)
        first = pace.rows_before(self.first)
        return range(first, first + len(self[name]))

    def timestamps(self, name: str, *, aligned: bool = False) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return when each row of a column was taken, ``(rows,)``, in seconds.

        A row of a slower group has the time of the input row it stands at, the last it depends on; between two input
        rows, the time between theirs.

        Parameters
        ----------
        name
            The column.
        aligned
            Less the column's latency, so that it is the moment the value speaks of; wants ``rate``. Rows that come at
            once are spread evenly over the time since those before, the last of them at its end.

        Raises
        ------
        DataError
            When there is no column of times, or no rate to say how long the latency is.
        """
        pace, numbers = self.pace(name), self.numbers(name)
        if self.times is None:
            if self.rate is None:
                raise DataError(
                    f"timestamps({name!r}) got a block without times, wanted a column 'timestamp' or a rate.\n"
                    "  Add the column, or say rate= where blocks are made."
                )
            places, parts = pace.places(numbers)
            found = np.asarray(places / (float(self.rate) * parts), dtype=np.float64)
        else:
            found = self._between(pace, numbers)
        late = self.latency(name)
        if not aligned or (not late and pace.burst == 1):
            return found
        if self.rate is None:
            raise DataError(
                f"timestamps({name!r}, aligned=True) got a block without a rate, wanted one: the column is {late} rows "
                "late.\n  Say rate= where blocks are made."
            )
        if pace.burst > 1:
            sooner = pace.burst - 1 - np.arange(numbers.start, numbers.stop) % pace.burst
            found = found - sooner * float(pace.every / pace.burst) / self.rate
        return found - float(late) / self.rate

    def _between(self, pace: Pace, numbers: range) -> np.ndarray[Any, np.dtype[np.float64]]:
        times = np.asarray(self.times, dtype=np.float64)
        if pace == ROWS:
            return times
        places, parts = pace.places(numbers)
        low = places // parts
        part = (places - low * parts) / parts
        before = np.atleast_1d(np.nan if self.before is None else self.before)
        known = np.concatenate([before, times])
        at = (low - self.first).astype(np.intp) + len(before)
        if at.size and at.min() < 0:  # times of rows that are not known any more
            known, at = np.concatenate([np.full(-at.min(), np.nan), known]), at - at.min()
        start = known[at]
        after = known[np.minimum(at + 1, len(known) - 1)]
        return np.asarray(np.where(part == 0, start, start + part * (after - start)), dtype=np.float64)


def times_before(before: Any, times: Any, paces: Iterable[Pace]) -> Any:
    """Return what is ``before`` the block after one with some ``times``, of a row or more, and what was before that.

    One time, or an array of several where rows of slower groups stand further back; NaN are those of rows that never were.
    """
    count = 1
    for pace in paces:  # once for each block: a generator, and max of it, would cost three times as much
        if pace.through:
            count = max(count, pace.behind)
    if isinstance(before, np.ndarray):
        count = max(count, len(before))
    if count == 1:
        return float(times[-1])
    known = np.concatenate([np.atleast_1d(np.nan if before is None else before), times])[-count:]
    return np.concatenate([np.full(count - len(known), np.nan), known])


def seconds(times: Any) -> Any:
    """Return a column of times as numbers of seconds, or None where it is none: ``(n,)``, of numbers or of moments.

    Raises
    ------
    DataError
        When the last is beyond 1e11, 3000 years: milliseconds or nanoseconds since 1970, which are no seconds.

    Examples
    --------
    >>> seconds(np.array(["1970-01-01T00:00:01.5"], dtype="datetime64[ns]")).tolist()
    [1.5]
    """
    if times is None or (type(times) is np.ndarray and times.ndim == 1 and times.dtype.kind == "f"):
        return times if times is None or not len(times) or not times[-1] > _LONGEST else _no_seconds(times[-1])
    if hasattr(times, "detach"):
        times = times.detach().cpu()  # a tensor
    times = np.asarray(times)
    if times.ndim != 1 or times.dtype.kind not in "fiuM":
        return None
    if times.dtype.kind == "M":
        return (times - np.datetime64(0, "s")) / np.timedelta64(1, "s")
    return times if not len(times) or not times[-1] > _LONGEST else _no_seconds(times[-1])


_LONGEST = 1e11  # seconds: of all units in use since 1970, milliseconds are the next, at 1e12


def _no_seconds(last: Any) -> NoReturn:
    unit = next(unit for unit, most in (("ms", 1e14), ("us", 1e17), ("ns", np.inf)) if last <= most)
    raise DataError(
        f"the column of timestamps ends with {last}, wanted seconds: this looks like {unit} since 1970.\n"
        f"  Divide by {_PARTS[unit]}, or give moments: times.astype('datetime64[{unit}]')."
    )


_PARTS = {"ms": "1e3", "us": "1e6", "ns": "1e9"}


def _length(name: str, column: Any) -> int:
    shape = getattr(column, "shape", None)
    try:
        return int(shape[0]) if shape is not None else len(column)
    except (TypeError, IndexError):
        raise DataError(f"Block got {column!r} for column {name!r}, wanted an array whose axis 0 is time.") from None
