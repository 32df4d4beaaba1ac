"""The laws of signals: the same bytes however rows are cut, causal, a state that is a value, JSON and back."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from headrace.core.block import Pace
from headrace.core.fingerprint import fingerprint
from headrace.core.items import same
from headrace.core.plain import functions_in, where_is
from headrace.errors import StreamConfigError
from headrace.signals.base import Rows, Signal
from headrace.signals.json import node_from_plain, node_to_plain
from headrace.testing.report import LawError, NotApplicable, Report

Columns = tuple[np.ndarray[Any, Any], ...]
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
    signal = signal.settled() if signal.knobs else signal
    held: list[str] = []
    skipped: dict[str, str] = {}
    make = rows or (lambda rng, n: tuple(rng.standard_normal(n) for _ in signal.inputs))
    for dtype in DTYPES:
        for k in CHANNELS if channels else (None,):
            what = f"{dtype}" if k is None else f"{dtype} of {k} channels"
            case = _Case(signal, _columns(make, n, dtype, k, seed), cuts, seed)
            for name, law in _LAWS.items():
                case.law = f"{name} {what}"
                try:
                    law(case)
                except NotApplicable as why:
                    skipped[case.law] = str(why)
                else:
                    held.append(case.law)
    return Report(repr(signal), tuple(held), skipped)


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


class _Case:
    law = ""

    def __init__(self, signal: Signal[Any], columns: Columns, cuts: int, seed: int) -> None:
        self.signal, self.columns, self.cuts = signal, columns, cuts
        self.rng = np.random.default_rng(seed + 1)
        self.n = len(columns[0])

    def broken(self, seen: str, wanted: str) -> LawError:
        return LawError(self.law, seen, wanted, repr(self.signal))

    def whole(self, columns: Columns | None = None) -> Any:
        columns = self.columns if columns is None else columns
        return self.signal.step(self.signal.init(*(c[:0] for c in columns)), *columns)

    def sizes(self) -> Iterator[list[int]]:
        """Yield ways to cut the rows: one by one, then at random, with blocks of no row and of one among them."""
        yield [1] * self.n
        for _ in range(self.cuts):
            sizes: list[int] = []
            while sum(sizes) < self.n:
                sizes.append(int(self.rng.choice([0, 1, 2, int(self.rng.integers(1, 80)), 64])))
            yield sizes

    def in_blocks(
        self, sizes: list[int], between: Callable[[Any], Any] = lambda state: state, columns: Columns | None = None
    ) -> Any:
        columns = self.columns if columns is None else columns
        state, at, found = self.signal.init(*(c[:0] for c in columns)), 0, []
        for size in sizes:
            out, state = self.signal.step(state, *(c[at : at + size] for c in columns))
            found.append(np.array(out))
            state = between(state)
            at += size
        return np.concatenate(found)


def _any_cut(case: _Case) -> None:
    whole, _ = case.whole()
    for sizes in case.sizes():
        found = case.in_blocks(sizes)
        if not same(np.asarray(whole), found):
            raise case.broken(_differ(np.asarray(whole), found, sizes), "the same bytes however rows are cut")


def _odd_values(case: _Case) -> None:
    """NaN, infinities, zeros of both signs, numbers that are no longer normal: the same values, NaN for NaN."""
    odd = _with_odd_values(case)
    with np.errstate(all="ignore"):
        whole = np.asarray(case.whole(odd)[0])
        for sizes in case.sizes():
            found = case.in_blocks(sizes, columns=odd)
            if whole.shape != found.shape or not ((whole == found) | ((whole != whole) & (found != found))).all():
                raise case.broken(_differ(whole, found, sizes), "the same values however rows are cut, NaN for NaN")


def _with_odd_values(case: _Case) -> Columns:
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


def _no_row(case: _Case) -> None:
    whole, _ = case.whole()
    out, _ = case.whole(tuple(c[:0] for c in case.columns))
    out = np.asarray(out)
    if out.shape != (0, *np.shape(whole)[1:]) or out.dtype != np.asarray(whole).dtype:
        raise case.broken(
            f"no row gives {out.dtype} {out.shape}", f"{np.asarray(whole).dtype} {(0, *np.shape(whole)[1:])}"
        )


def _value(case: _Case) -> None:
    half = case.n // 2
    first = tuple(c[:half] for c in case.columns)
    _, state = case.whole(first)
    kept = pickle.dumps(state)
    rest = tuple(c[half:] for c in case.columns)
    once, _ = case.signal.step(state, *rest)
    once = np.array(once)
    if pickle.dumps(state) != kept:
        raise case.broken("a step has changed the state it was given", "states that stay as they are")
    again, _ = case.signal.step(pickle.loads(kept), *rest)
    if not same(once, np.array(again)):
        raise case.broken("a state that was pickled gives other rows", "the same rows from an equal state")
    _check_plain(case, state)


def _check_plain(case: _Case, state: Any) -> None:
    if isinstance(state, tuple | dict):
        for part in state.values() if isinstance(state, dict) else state:
            _check_plain(case, part)
    elif not isinstance(state, bool | int | float | complex | str | bytes | np.ndarray | np.generic | None):
        raise case.broken(
            f"the state holds {type(state).__name__}", "None, numbers, text, arrays, and tuples and dicts of them"
        )


def _snapshots(case: _Case) -> None:
    whole, _ = case.whole()
    _, sizes, *_ = [*case.sizes(), [case.n // 2, case.n - case.n // 2]]
    found = case.in_blocks(sizes, lambda state: pickle.loads(pickle.dumps(state)))
    if not same(np.asarray(whole), found):
        raise case.broken(
            _differ(np.asarray(whole), found, sizes), "the same bytes with the state saved between blocks"
        )


def _causal(case: _Case) -> None:
    whole, _ = case.whole()
    k = int(case.rng.integers(1, case.n))
    later = []
    for each in case.columns:
        changed = each.copy()
        changed[k:] = each[k:][::-1] if each.dtype.kind not in "fc" else each[k:] * -1 + 1
        later.append(changed)
    other, _ = case.whole(tuple(later))
    before = case.signal.pace.rows_before(k)
    if not same(np.asarray(whole)[:before], np.asarray(other)[:before]):
        raise case.broken(f"rows from {k} on change what comes before", "output rows that depend on earlier rows only")


def _pace(case: _Case) -> None:
    pace = case.signal.pace
    if not isinstance(pace, Pace):
        raise case.broken(f"pace is {pace!r}", "a Pace")
    for n in (0, 1, 2, case.n // 3, case.n):
        out, _ = case.whole(tuple(c[:n] for c in case.columns))
        if len(out) != pace.rows_before(n):
            raise case.broken(f"{n} rows give {len(out)}", f"{pace.rows_before(n)}, as its pace {pace} says")


def _written(case: _Case) -> None:
    text = json.dumps(node_to_plain(case.signal), allow_nan=False)
    twin = node_from_plain(json.loads(text), {where_is(each): each for each in functions_in(case.signal)})
    if twin != case.signal or fingerprint(twin) != fingerprint(case.signal):
        raise case.broken(f"JSON gives {twin!r}", "an equal signal back")
    whole, _ = case.whole()
    other, _ = twin.step(twin.init(*(c[:0] for c in case.columns)), *case.columns)
    if not same(np.asarray(whole), np.asarray(other)):
        raise case.broken("the signal that JSON gives computes something else", "the same bytes")


def _pickled(case: _Case) -> None:
    twin = pickle.loads(pickle.dumps(case.signal))
    if twin != case.signal:
        raise case.broken(f"pickle gives {twin!r}", "an equal signal back")


def _alone(case: _Case) -> None:
    """Buffers are used again by who fills them: what a signal keeps of rows, it copies."""
    whole = np.asarray(case.whole()[0])
    _, sizes, *_ = [*case.sizes(), [case.n // 2, case.n - case.n // 2]]
    state, at, found = case.signal.init(*(c[:0] for c in case.columns)), 0, []
    for size in sizes:
        rows = [np.array(c[at : at + size]) for c in case.columns]
        out, state = case.signal.step(state, *rows)
        found.append(np.array(out))
        for each in rows:
            each[...] = np.zeros(1, each.dtype)[0] if each.dtype.kind not in "fc" else 99
        at += size
    if not same(whole, np.concatenate(found)):
        raise case.broken("rows overwritten after a step change what comes later", "a state with copies of its own")


def _bounded(case: _Case) -> None:
    sizes = []
    for times in (1, 4, 16):
        state = case.signal.init(*(c[:0] for c in case.columns))
        for _ in range(times):
            with np.errstate(all="ignore"):
                _, state = case.signal.step(state, *case.columns)
        sizes.append(len(pickle.dumps(state)))
    if sizes[2] > 2.5 * sizes[1] and sizes[2] - sizes[1] > 8 * case.n:
        raise case.broken(
            f"states of {sizes} bytes after 1, 4 and 16 times the rows", "one that does not grow with them"
        )


def _turned(case: _Case) -> None:
    """What is called tunable leaves the state's shape as it is, and goes on with the state there is."""
    signal, tried = case.signal, 0
    state = case.whole()[1]
    for name in signal.tunable:
        value = signal.settings.get(name)
        if isinstance(value, bool | None) or not isinstance(value, int | float):
            continue
        for other in (
            (value + 1, value * 2, value / 2) if isinstance(value, float) else (value + 1, value + 2, value - 1)
        ):
            try:
                twin = signal.having({name: other})
            except StreamConfigError:
                continue
            fresh = twin.step(twin.init(*(c[:0] for c in case.columns)), *case.columns)[1]
            after = twin.step(state, *case.columns)[1]
            if not _of_one_shape(fresh, state) or not _of_one_shape(fresh, after):
                raise case.broken(f"with {name}={other!r} for {value!r} the state has another shape", "the same shape")
            tried += 1
            break
    if not tried:
        raise NotApplicable("it has no number among its tunable parameters")


def _of_one_shape(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_of_one_shape, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_of_one_shape(a[name], b[name]) for name in a)
    return bool(np.shape(a) == np.shape(b))


def _differ(a: Any, b: Any, sizes: list[int]) -> str:
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"whole gives {a.dtype} {a.shape}, blocks of {sizes[:8]}... {b.dtype} {b.shape}"
    differ = np.argwhere(~((a == b) | ((a != a) & (b != b))))
    if not len(differ):
        return "only the sign of a zero or the kind of a NaN differs"
    at = tuple(differ[0])
    return f"{len(differ)} values differ with blocks of {sizes[:8]}..., first at {at}: {a[at]!r} and {b[at]!r}"


_LAWS: dict[str, Callable[[_Case], None]] = {
    "no row": _no_row,
    "any cut": _any_cut,
    "odd values": _odd_values,
    "a state is a value": _value,
    "snapshots": _snapshots,
    "causal": _causal,
    "pace": _pace,
    "rows of its own": _alone,
    "bounded": _bounded,
    "tunable": _turned,
    "JSON": _written,
    "picklable": _pickled,
}
