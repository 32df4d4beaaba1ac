"""Laws of what signals remember and hand out, and of signals as descriptions: plain states, own memory, knobs, JSON."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np

from headrace.core.fingerprint import fingerprint
from headrace.core.knob import Knob
from headrace.core.plain import functions_in, where_is
from headrace.errors import StreamConfigError
from headrace.signals.json import node_from_plain, node_to_plain
from headrace.testing.report import NotApplicable
from headrace.testing.signal_case import Case


def value(case: Case) -> None:
    """A state is a value: plain, not changed by a step, and an equal one goes on alike."""
    half = case.n // 2
    _, state = case.whole(tuple(c[:half] for c in case.columns))
    kept = pickle.dumps(state)
    rest = tuple(c[half:] for c in case.columns)
    once, _ = case.signal.step(state, *rest)
    once = np.array(once)
    if pickle.dumps(state) != kept:
        raise case.broken("a step has changed the state it was given", "states that stay as they are")
    again, _ = case.signal.step(pickle.loads(kept), *rest)
    case.must_be_same(once, np.array(again), [half], "the same rows from an equal state")
    _check_plain(case, state)


def _check_plain(case: Case, state: Any) -> None:
    if isinstance(state, tuple | dict):
        for part in state.values() if isinstance(state, dict) else state:
            _check_plain(case, part)
    elif not isinstance(state, bool | int | float | complex | str | bytes | np.ndarray | np.generic | None):
        raise case.broken(
            f"the state holds {type(state).__name__}", "None, numbers, text, arrays, and tuples and dicts of them"
        )


def snapshots(case: Case) -> None:
    """The state may be saved and taken back between any two blocks."""
    sizes = case.some_sizes()
    found = case.in_blocks(sizes, lambda state: pickle.loads(pickle.dumps(state)))
    case.must_be_same(case.in_blocks(sizes), found, sizes, "the same bytes with the state saved between blocks")


def alone(case: Case) -> None:
    """Buffers are used again by who fills them: what a signal keeps of rows, it copies."""
    sizes = case.some_sizes()
    state, at, found = case.signal.init(*(c[:0] for c in case.columns)), 0, []
    for size in sizes:
        rows = [np.array(c[at : at + size]) for c in case.columns]
        out, state = case.signal.step(state, *rows)
        found.append(np.array(out))
        for each in rows:
            each[...] = np.zeros(1, each.dtype)[0] if each.dtype.kind not in "fc" else 99
        at += size
    wanted = "a state with copies of its own: rows were overwritten after each step"
    case.must_be_same(case.in_blocks(sizes), np.concatenate(found), sizes, wanted)


def handed_out(case: Case) -> None:
    """Who writes into an output changes neither the input nor what comes later."""
    rows = [np.array(c) for c in case.columns]
    out, _ = case.signal.step(case.signal.init(*(c[:0] for c in rows)), *rows)
    if isinstance(out, np.ndarray) and out.flags.writeable and any(np.shares_memory(out, each) for each in rows):
        raise case.broken(
            "the output is memory of the input, and may be written into", "a copy, or a view that is read only"
        )
    sizes = case.some_sizes()
    state, at, found = case.signal.init(*(c[:0] for c in case.columns)), 0, []
    for size in sizes:
        out, state = case.signal.step(state, *(c[at : at + size] for c in case.columns))
        found.append(np.array(out))
        if isinstance(out, np.ndarray) and out.flags.writeable:
            out[...] = np.zeros(1, out.dtype)[0]
        at += size
    wanted = "the same bytes where outputs are overwritten between steps"
    case.must_be_same(case.in_blocks(sizes), np.concatenate(found), sizes, wanted)


def bounded(case: Case) -> None:
    """A state does not grow with the rows that were."""
    sizes = []
    for times in (1, 4, 16):
        state = case.signal.init(*(c[:0] for c in case.columns))
        for _ in range(times):
            with np.errstate(all="ignore"):
                _, state = case.signal.step(state, *case.columns)
        sizes.append(len(pickle.dumps(state)))
    if sizes[2] > 1.5 * sizes[1] and sizes[2] - sizes[1] > 64:
        raise case.broken(
            f"states of {sizes} bytes after 1, 4 and 16 times the rows", "one that does not grow with them"
        )


def tunable(case: Case) -> None:
    """What is called tunable goes on with the state there is, whose shape stays."""
    signal, tried = case.signal, 0
    state = case.whole()[1]
    for name, twin in _turned(signal, signal.tunable):
        if not twin.keeps(signal):
            raise case.broken(f"{name} is tunable, and with another value it does not keep its state", "that it does")
        fresh = case.whole(signal=twin)[1]
        with np.errstate(all="ignore"):
            after = twin.step(twin.carry(signal, state), *case.columns)[1]
        if not _of_one_shape(fresh, state) or not _of_one_shape(fresh, after):
            raise case.broken(
                f"with {name}={twin.settings[name]!r} for {signal.settings[name]!r} the state has another shape",
                "the same shape",
            )
        tried += 1
    if not tried:
        raise NotApplicable("it has no number among its tunable parameters")


def _turned(signal: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name in names:
        now = signal.settings.get(name)
        if isinstance(now, bool) or not isinstance(now, int | float):
            continue
        for other in (now + 1, now * 2, now / 2) if isinstance(now, float) else (now + 1, now + 2, now - 1):
            try:
                twin = signal.having({name: other})
            except StreamConfigError:
                continue
            yield name, twin
            break


def _of_one_shape(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_of_one_shape, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_of_one_shape(a[name], b[name]) for name in a)
    return bool(np.shape(a) == np.shape(b))


def knobs(case: Case) -> None:
    """A knob in place of a number, or a number of numpy, changes nothing."""
    whole, _ = case.whole()
    tried = 0
    for name, now in case.signal.settings.items():
        if isinstance(now, bool) or not isinstance(now, int | float | complex):
            continue
        knobbed = case.signal.having({name: Knob(now)})
        if knobbed.pace != case.signal.pace or knobbed.latency != case.signal.latency:
            raise case.broken(f"with a knob for {name} it has another pace or latency", "the same ones")
        case.must_be_same(whole, case.whole(signal=knobbed)[0], [], f"the same bytes with a knob for {name}")
        other = case.signal.having({name: np.asarray(now)[()]})
        if other != case.signal:
            raise case.broken(f"with numpy's {now!r} for {name} it is {other!r}", "an equal signal")
        case.must_be_same(whole, case.whole(signal=other)[0], [], f"the same bytes with numpy's number for {name}")
        tried += 1
    if not tried:
        raise NotApplicable("it has no number among its parameters")


def written(case: Case) -> None:
    """JSON gives an equal signal back."""
    text = json.dumps(node_to_plain(case.signal), allow_nan=False)
    twin = node_from_plain(json.loads(text), {where_is(each): each for each in functions_in(case.signal)})
    if twin != case.signal or fingerprint(twin) != fingerprint(case.signal):
        raise case.broken(f"JSON gives {twin!r}", "an equal signal back")
    case.must_be_same(case.whole()[0], case.whole(signal=twin)[0], [], "the same bytes from what JSON gives")


def pickled(case: Case) -> None:
    """Pickle gives an equal signal back, which computes the same."""
    twin = pickle.loads(pickle.dumps(case.signal))
    if twin != case.signal:
        raise case.broken(f"pickle gives {twin!r}", "an equal signal back")
    case.must_be_same(case.whole()[0], case.whole(signal=twin)[0], [], "the same bytes from what pickle gives")
