"""Laws of what signals give: the same bytes however rows are cut, causal, when they say, for numbers of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.block import Pace
from headrace.core.items import same
from headrace.errors import DataError
from headrace.testing.report import NotApplicable
from headrace.testing.signal_case import Case, Columns, differ, same_values


def any_cut(case: Case) -> None:
    """The same bytes however rows are cut."""
    whole, _ = case.whole()
    for sizes in case.sizes():
        case.must_be_same(whole, case.in_blocks(sizes), sizes, "the same bytes however rows are cut")


def odd_values(case: Case) -> None:
    """NaN, infinities, zeros of both signs, numbers that are no longer normal: the same values, NaN for NaN."""
    odd = _with_odd_values(case)
    with np.errstate(all="ignore"):
        whole, _ = case.whole(odd)
        for sizes in case.sizes():
            found = case.in_blocks(sizes, columns=odd)
            if not same_values(whole, found):
                raise case.broken(differ(whole, found, sizes), "the same values however rows are cut, NaN for NaN")


def _with_odd_values(case: Case) -> Columns:
    if not any(each.dtype.kind == "f" for each in case.columns):
        raise NotApplicable("its inputs are no floats")
    made = []
    for each in case.columns:
        changed = each.copy()
        if each.dtype.kind == "f":
            info = np.finfo(each.dtype)
            values = [np.nan, np.inf, -np.inf, -0.0, 0.0, info.smallest_subnormal, info.max / 2, -info.max / 2]
            for value in values:
                changed[int(case.rng.integers(case.n))] = value
        changed.flags.writeable = False
        made.append(changed)
    return tuple(made)


OTHERS = ("int16", "uint8", "bool", "complex128", "float16")


def other_numbers(case: Case) -> None:
    """Whole, complex, short and true-or-false numbers: the same values however rows are cut, or a DataError."""
    for dtype in OTHERS:
        columns = tuple(_as(each, dtype) for each in case.columns)
        try:
            with np.errstate(all="ignore"):
                whole, _ = case.whole(columns)
                for sizes in case.sizes(2):
                    found = case.in_blocks(sizes, columns=columns)
                    if not same_values(whole, found):
                        raise case.broken(
                            f"with {dtype}: {differ(whole, found, sizes)}", "the same values, NaN for NaN"
                        )
        except DataError:
            continue
        except Warning as warning:
            raise case.broken(
                f"with {dtype}: {warning!r}", "rows, or a DataError that says what is wanted"
            ) from warning
        except (ArithmeticError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise case.broken(f"with {dtype}: {error!r}", "rows, or a DataError that says what is wanted") from error


def _as(column: Any, dtype: str) -> Any:
    if column.dtype.kind not in "fc":
        return column
    real = column.real
    size = float(np.abs(real[np.isfinite(real)]).max(initial=1.0))
    scaled = np.nan_to_num(real) / size
    made = {
        "int16": lambda: scaled * 30_000,
        "uint8": lambda: np.abs(scaled) * 255,
        "bool": lambda: scaled > 0,
        "complex128": lambda: column + 1j * column[::-1],
        "float16": lambda: real,
    }[dtype]()
    made = made.astype(dtype)
    made.flags.writeable = False
    return made


def no_row(case: Case) -> None:
    """No row gives none, of the dtype and shape of others."""
    whole, _ = case.whole()
    out, _ = case.whole(tuple(c[:0] for c in case.columns))
    if out.shape != (0, *whole.shape[1:]) or out.dtype != whole.dtype:
        raise case.broken(f"no row gives {out.dtype} {out.shape}", f"{whole.dtype} {(0, *whole.shape[1:])}")


def causal(case: Case) -> None:
    """What comes later changes nothing before."""
    whole, _ = case.whole()
    for k in {int(case.rng.integers(1, case.n)) for _ in range(3)}:
        later = []
        for each in case.columns:
            changed = each.copy()
            changed[k:] = each[k:][::-1] if each.dtype.kind not in "fc" else each[k:] * -1 + 1
            later.append(changed)
        other, _ = case.whole(tuple(later))
        before = case.signal.pace.rows_before(k)
        if not same(whole[:before], other[:before]):
            raise case.broken(
                f"rows from {k} on change what comes before", "output rows that depend on earlier rows only"
            )


def pace(case: Case) -> None:
    """There are as many rows as the pace says."""
    told = case.signal.pace
    if not isinstance(told, Pace):
        raise case.broken(f"pace is {told!r}", "a Pace")
    for n in (0, 1, 2, case.n // 3, case.n):
        out, _ = case.whole(tuple(c[:n] for c in case.columns))
        if len(out) != told.rows_before(n):
            raise case.broken(f"{n} rows give {len(out)}", f"{told.rows_before(n)}, as its pace {told} says")


def latency(case: Case) -> None:
    """A row shows where the latency says: in the middle of the rows that it changes, or at once where there is none."""
    told, pace = case.signal.latency, case.signal.pace
    at = case.n // 2
    changed = _changed_by(case, at)
    if not len(changed):
        raise NotApplicable("a row in the middle changes nothing")
    first, last = (float(pace.row(int(k))) - at for k in (changed[0], changed[-1]))
    if not told:
        if first > float(pace.every) + 1 and all(_shows(case, at + k) > float(pace.every) + 1 for k in range(1, _HELD)):
            raise case.broken(f"latency 0, and a row shows {first:g} rows later first", f"a latency of about {first:g}")
        return
    if changed[-1] >= pace.rows_before(case.n) - 1:
        raise NotApplicable("a row in the middle is remembered to the end")
    if abs((first + last) / 2 - float(told)) > float(pace.every) / 2 + 1:
        raise case.broken(
            f"latency {told}, and a row shows from {first:g} to {last:g} rows later", "the middle of these"
        )


_HELD = 64  # rows that a value may be held for: some row is the last before the next


def _shows(case: Case, at: int) -> float:
    """Return how many rows later the row ``at`` shows first."""
    changed = _changed_by(case, at)
    return float(case.signal.pace.row(int(changed[0]))) - at if len(changed) else np.inf


def _changed_by(case: Case, at: int) -> Any:
    """Return the output rows that differ once the row ``at`` of the inputs is another, of several the most."""
    whole, _ = case.whole()
    most = np.empty(0, int)
    for factor, more in ((-1.0, 1.0), (3.0, 50.0), (1.0, -1000.0)):
        columns = []
        for each in case.columns:
            made = each.copy()
            if made.dtype.kind in "fc":
                made[at] = made[at] * factor + more
            columns.append(made)
        with np.errstate(all="ignore"):
            other, _ = case.whole(tuple(columns))
        apart = ~((whole == other) | ((whole != whole) & (other != other)))
        found = np.flatnonzero(apart.reshape(len(whole), -1).any(axis=1))
        most = found if len(found) > len(most) else most
    return most
