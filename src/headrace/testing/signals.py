"""Examine a signal: the same bytes however rows are cut, causal, a state that is a value, JSON and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from headrace.signals.base import Rows, Signal
from headrace.testing import laws_signal_states as states
from headrace.testing import laws_signals as given
from headrace.testing.report import LawError, NotApplicable, Report
from headrace.testing.signal_case import Case, Columns

DTYPES = ("float64", "float32")
CHANNELS = (None, 1, 3)


def check_signal(
    signal: Signal[Any],
    rows: Rows | None = None,
    *,
    channels: bool = True,
    n: int = 300,
    cuts: int = 6,
    seed: int = 0,
) -> Report:
    """Return which laws a signal keeps, or raise on the first that it breaks.

    Each is looked at with columns of float64 and float32, and of one and several channels.

    Parameters
    ----------
    signal
        What to examine.
    rows
        ``rows(rng, n)`` makes its float64 input columns, ``(n, ...)``; by default standard normal numbers.
    channels
        Whether it takes columns ``(n, k)`` as well as those that ``rows`` makes.
    n
        How many rows.
    cuts
        In how many random ways they are cut.
    seed
        Fixes the rows and the cuts.

    Raises
    ------
    LawError
        Naming the law, what was seen and what was wanted.

    Examples
    --------
    >>> import headrace.signals as s
    >>> report = check_signal(s.Integrate("x", name="y"))
    >>> "any cut float64" in report.held
    True
    """
    held: list[str] = []
    skipped: dict[str, str] = {}
    for law, found in examined(signal, rows, channels=channels, n=n, cuts=cuts, seed=seed):
        if isinstance(found, NotApplicable):
            skipped[law] = str(found)
        elif found is not None:
            raise found
        else:
            held.append(law)
    return Report(repr(signal), tuple(held), skipped)


def examined(
    signal: Signal[Any], rows: Rows | None = None, *, channels: bool = True, n: int = 300, cuts: int = 6, seed: int = 0
) -> Iterator[tuple[str, Exception | None]]:
    """Yield each law and how it is broken, None where it holds, a NotApplicable where there is nothing to look at.

    Parameters are those of :func:`check_signal`.
    """
    signal = signal.settled() if signal.knobs else signal
    make = rows or (lambda rng, n: tuple(rng.standard_normal(n) for _ in signal.inputs))
    for dtype in DTYPES:
        for k in CHANNELS if channels else (None,):
            what = f"{dtype}" if k is None else f"{dtype} of {k} channels"
            case = Case(signal, _columns(make, n, dtype, k, seed), cuts, seed)
            for name, law in LAWS.items():
                if name not in ONCE or (dtype, k) == (DTYPES[0], None):
                    case.law = f"{name} {what}"
                    yield case.law, _broken(law, case)


def _broken(law: Callable[[Case], None], case: Case) -> Exception | None:
    try:
        law(case)
    except (LawError, NotApplicable) as found:
        return found
    except ValueError as error:
        if "read-only" not in str(error):
            error.add_note(f"  while examining {case.law!r} of {case.signal!r}")
            raise
        return case.broken("it writes into the rows it is given", "rows that stay as they are: work on a copy")
    except Exception as error:
        error.add_note(f"  while examining {case.law!r} of {case.signal!r}")
        raise
    return None


def _columns(make: Rows, n: int, dtype: str, k: int | None, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    if k is None:
        made = make(rng, n)
    else:
        parts = [make(rng, n) for _ in range(k)]
        made = tuple(np.stack(each, axis=1) for each in zip(*parts, strict=True))
    found = tuple(each.astype(dtype) if each.dtype.kind == "f" else np.array(each) for each in map(np.asarray, made))
    for each in found:
        each.flags.writeable = False  # who writes into what it is given fails here
    return found


LAWS: dict[str, Callable[[Case], None]] = {
    "no row": given.no_row,
    "any cut": given.any_cut,
    "odd values": given.odd_values,
    "other numbers": given.other_numbers,
    "a state is a value": states.value,
    "snapshots": states.snapshots,
    "causal": given.causal,
    "pace": given.pace,
    "latency": given.latency,
    "rows of its own": states.alone,
    "handed out": states.handed_out,
    "bounded": states.bounded,
    "tunable": states.tunable,
    "knobs": states.knobs,
    "JSON": states.written,
    "picklable": states.pickled,
}
ONCE = ("other numbers", "latency", "knobs", "JSON", "picklable")  # laws of the signal, whatever its columns
