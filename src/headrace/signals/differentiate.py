"""Integrals and derivatives in time, and how often rows come."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError
from headrace.signals.base import Array, Signal, Turnable, signal_class, turnable
from headrace.signals.checks import a_number
from headrace.signals.history import PIECE, narrow, wide


def _with_times(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.normal(size=n), np.cumsum(rng.integers(0, 3, size=n) * 0.25)


@signal_class(lambda: Integrate("x", "t", "y"), rows=_with_times)
class Integrate(Signal[Any]):
    """The integral of ``a`` over ``b`` since the first row, where it is 0; by trapezia, or by rectangles.

    Parameters
    ----------
    a
        What to integrate, ``(rows, ...)``.
    b
        Over what: time, ``(rows,)``, or of the shape of ``a``; None counts rows.
    name
        What to call the output, of the shape of ``a``, in double precision: it grows without end.
    use_trapz
        Mean of a row and the one before times the step; else the row times the step, the first step being 0.

    Raises
    ------
    DataError
        When ``b`` has neither the shape of ``a`` nor ``(rows,)``.

    Examples
    --------
    >>> Integrate("a", "b", name="c")([1, 2, 10], [0, 1, 2]).tolist()
    [0.0, 1.5, 7.5]
    >>> Integrate("a", "b", name="c", use_trapz=False)([1, 2, 3], [0, 1, 101]).tolist()
    [0.0, 2.0, 302.0]
    """

    a: str
    b: str | None = None
    name: str = ""
    use_trapz: Turnable[bool] = turnable(True)
    roles: ClassVar[tuple[str, ...]] = ("a", "b")

    def init(self, *head: Array) -> Any:
        _fits(self, *head)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        a, b = wide(rows[0]), rows[1] if len(rows) > 1 else None
        if not len(a):
            return np.empty(a.shape, a.dtype), state
        total, last_a, last_b = state or (np.zeros((1, *a.shape[1:]), a.dtype), a[:1], None if b is None else b[:1])
        db = _steps(b, last_b, a.ndim, len(a), first=state is None)
        mean = (a + np.concatenate((last_a, a[:-1]))) / 2 if self.use_trapz else a
        # The total so far is the first term of one sum in order, so that where rows are cut changes no bit.
        sums = np.add.accumulate(np.concatenate((total, mean * db)), axis=0)[1:]
        return sums, (sums[-1:].copy(), a[-1:].copy(), None if b is None else b[-1:].copy())


@signal_class(lambda: Differentiate("x", "t", "y"), rows=_with_times)
class Differentiate(Signal[Any]):
    """The derivative of ``a`` by ``b``: the difference to the row before over the step; 0 in the first row and where ``b`` rests.

    Parameters
    ----------
    a
        What to differentiate, ``(rows, ...)``.
    b
        By what: time, ``(rows,)``, or of the shape of ``a``; None gives the difference from row to row.
    name
        What to call the output, of the shape of ``a``.

    Raises
    ------
    DataError
        When ``b`` has neither the shape of ``a`` nor ``(rows,)``.

    Examples
    --------
    >>> Differentiate("a", "t", name="d")([1.0, 2.0, 4.0, 5.0], [0.0, 0.5, 1.5, 1.5]).tolist()
    [0.0, 2.0, 2.0, 0.0]
    >>> Differentiate("a", name="d")([3, 5, 4]).tolist()
    [0.0, 2.0, -1.0]
    """

    a: str
    b: str | None = None
    name: str = ""
    roles: ClassVar[tuple[str, ...]] = ("a", "b")

    def init(self, *head: Array) -> Any:
        _fits(self, *head)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        a, b = rows[0], rows[1] if len(rows) > 1 else None
        if not len(a):
            return np.empty(a.shape, narrow(a.dtype)), state
        last_a, last_b = state or (a[:1], None if b is None else b[:1])
        found = wide(_differences(a, last_a))
        if b is not None:
            db = _steps(b, last_b, a.ndim, len(a), first=False)
            found = np.divide(found, db, out=np.zeros(a.shape, found.dtype), where=db != 0)
        if state is None:
            found[0] = 0
        return found.astype(narrow(a.dtype), copy=False), (a[-1:].copy(), None if b is None else b[-1:].copy())


@signal_class(lambda: SampleRate("t", "rate"), rows=lambda rng, n: (np.cumsum(rng.integers(0, 4, size=n) * 0.25),))
class SampleRate(Signal[Any]):
    """How many rows come in a second: one over the step from the row before; infinite where time rests.

    Parameters
    ----------
    x
        The input's name: when each row was taken, ``(rows, ...)``, in seconds.
    name
        What to call the output, of the input's shape, in 1/s times ``unit_multiplier``.
    unit_multiplier
        Ticks of ``x`` in a second: 1e6 where it counts microseconds.
    start
        When the row before the first was taken. None: it is not known, and the first value is NaN.

    Raises
    ------
    StreamConfigError
        When the multiplier or the start is no number.

    Examples
    --------
    >>> SampleRate("timestamp", name="rate")([10.0, 10.5, 10.75]).tolist()
    [nan, 2.0, 4.0]
    >>> SampleRate("timestamp", name="rate", unit_multiplier=1000, start=0)([500, 504]).tolist()
    [2.0, 250.0]
    """

    x: str = "timestamp"
    name: str = "sample_rate"
    unit_multiplier: Turnable[float] = turnable(1)
    start: Turnable[float | None] = turnable(None)
    tunable: ClassVar[tuple[str, ...]] = ("unit_multiplier",)

    def check(self) -> None:
        self.fix(unit_multiplier=a_number("SampleRate(unit_multiplier=)", self.unit_multiplier))
        if self.start is not None:
            self.fix(start=a_number("SampleRate(start=)", self.start))

    def init(self, *head: Array) -> Any:
        t = head[0]
        return None if self.start is None else np.full((1, *t.shape[1:]), self.start, narrow(t.dtype))

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        t = rows[0]
        n = len(t)
        if not n:
            return np.empty(t.shape, narrow(t.dtype)), state
        if state is not None and n <= PIECE and t.dtype.kind == "f":  # the same differences, sooner
            both = np.concatenate((state, t))
            step = both[1:] - both[:-1]
        else:
            step = _differences(t, t[:1] if state is None else state)
        # Where no step is 0 nothing has to be kept quiet, which costs as much as the rest.
        whole = step.dtype.kind == "f" and np.count_nonzero(step) == step.size
        found = (_ratio if whole else _over)(self.unit_multiplier, step)
        if state is None:
            found[0] = np.nan
        return found, t[n - 1 :].copy()


@np.errstate(divide="ignore", invalid="ignore")
def _over(ticks: Any, step: Array) -> Array:
    if step.dtype.kind != "f":
        step = wide(step)
    return _ratio(ticks, step)


def _ratio(ticks: Any, step: Array) -> Array:
    made: Array = np.reciprocal(step) if ticks == 1 else ticks / step
    return made


# --- shared -----------------------------------------------------------------------------------------


def _differences(b: Array, last: Array) -> Array:
    """Return the difference of each row to the one before, the first to ``last``, one row; of whole numbers exactly, as int64."""
    if b.dtype.kind in "bui":
        # Two narrow numbers can be further apart than their dtype goes; of 64 bits, the difference is right as a signed one.
        b = b.view(np.int64) if b.dtype.itemsize == 8 else b.astype(np.int64)
        if last.dtype.kind in "bui":
            last = last.astype(np.int64)
    found = np.empty(b.shape, np.result_type(b, last))
    np.subtract(b[:1], last, out=found[:1])
    np.subtract(b[1:], b[:-1], out=found[1:])
    return found


def _steps(b: Array | None, last: Any, ndim: int, n: int, *, first: bool) -> Array:
    """Return the steps of ``b`` in double precision, with as many axes as what they belong to."""
    if b is None:
        db = np.ones(n)
        db[0] = not first
    else:
        db = wide(_differences(b, last))
    return db if db.ndim == ndim else db.reshape(-1, *[1] * (ndim - 1))


def _fits(signal: Any, *head: Array) -> None:
    if len(head) > 1 and head[1].ndim != 1 and head[1].shape[1:] != head[0].shape[1:]:
        raise DataError(
            f"{signal!r} got rows of shape {head[0].shape[1:]} over rows of shape {head[1].shape[1:]}, wanted one shape, or "
            "one number a row for the second.\n  Choose a channel with ExtractDimension."
        )
