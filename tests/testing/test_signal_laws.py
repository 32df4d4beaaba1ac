"""Each law of signals finds a signal that breaks it, and no other law does."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.core import registry
from headrace.core.recipe import recipe
from headrace.signals.base import Signal
from headrace.testing import check_signal
from headrace.testing.report import LawError, NotApplicable
from headrace.testing.signals import LAWS, examined

TOKEN = "".join(["to", "ken"])  # another object than what pickle makes of it


@pytest.fixture(autouse=True)
def _known_for_this_test_only(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.load_components()
    monkeypatch.setattr(registry, "_components", dict(registry._components))
    monkeypatch.setattr(registry, "_names", dict(registry._names))


def planted(name: str, step: Any, given: Any = None, **more: Any) -> Any:
    """Return a signal of a class that is made here, with one parameter or none."""
    fields = {"x": str, "name": str} | ({"k": type(given)} if given is not None else {})
    made = recipe(type(name, (Signal,), {"__annotations__": fields, "__module__": __name__, **more, "step": step}))
    registry.register(f"signals.{name}", example=None, kind="signal")(made)
    globals()[name] = made  # for pickle
    made.__qualname__ = name
    return made("x", "y", *([] if given is None else [given]))


def mean_of_block(x: Any) -> Any:
    return (x - (x.mean(axis=0, dtype=np.float64) if len(x) else 0)).astype(np.result_type(x, np.float32), copy=False)


def nothing_is_wide(self: Any, state: Any, x: Any) -> Any:
    return (x * 1 if len(x) else np.zeros((0, *x.shape[1:], 2), x.dtype)), None


def by_block(self: Any, state: Any, x: Any) -> Any:
    return mean_of_block(x), None


def by_block_if_odd(self: Any, state: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return (x * 1 if np.isfinite(x).all() else x + np.isfinite(x).sum()), None


def by_block_if_whole(self: Any, state: Any, x: Any) -> Any:
    return (x * 1 if x.dtype.kind in "fc" else x * 0 + len(x)), None


def bare_error_if_complex(self: Any, state: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        raise TypeError("no")
    return x * 1, None


def state_in_place(self: Any, state: Any, x: Any) -> Any:
    state = np.zeros(1) if state is None else state
    state += len(x)
    return x * 1, state


def state_is_a_set(self: Any, state: Any, x: Any) -> Any:
    return x * 1, {1, 2}


def state_by_identity(self: Any, state: Any, x: Any) -> Any:
    before, token = state or (0, TOKEN)
    n = before + len(x)
    return (x * 1 if token is TOKEN or before > 100 else x * 2), (n, TOKEN)


def beyond_its_rows(self: Any, state: Any, x: Any) -> Any:
    """The last of all rows is there before it came: in the array that the rows are a part of."""
    last = x.base[-1:] if x.base is not None and len(x.base) == 300 else x[-1:]
    return (x + last if len(x) else x * 1), None


def plain(self: Any, state: Any, x: Any) -> Any:
    return x * 1, state


def later(n: int) -> Any:
    def step(self: Any, state: Any, x: Any) -> Any:
        both = np.concatenate([np.zeros((n, *x.shape[1:]), x.dtype) if state is None else state, x])
        return both[: len(x)].copy(), both[len(x) :].copy()

    return step


def keeps_a_view(self: Any, state: Any, x: Any) -> Any:
    past = np.zeros((1, *x.shape[1:]), x.dtype) if state is None else state
    return np.concatenate([past, x[:-1]]) if len(x) else x.copy(), x[-1:] if len(x) else past


def itself(self: Any, state: Any, x: Any) -> Any:
    return x, state


def its_state(self: Any, state: Any, x: Any) -> Any:
    last = np.zeros((1, *x.shape[1:]), x.dtype) if state is None else state
    sums = np.add.accumulate(np.concatenate([last, x]), dtype=x.dtype)
    return sums[1:], sums[-1:]


def remembers_all(self: Any, state: Any, x: Any) -> Any:
    return x * 1, x.copy() if state is None else np.concatenate([state, x])


def remembers_every_block(self: Any, state: Any, x: Any) -> Any:
    return x * 1, (*(state or ()), 1.5) if len(x) else state


def delayed(self: Any, state: Any, x: Any) -> Any:
    return later(self.k)(self, state, x)


def times(self: Any, state: Any, x: Any) -> Any:
    return x * self.k, state


def constant(value: Any) -> Any:
    return property(lambda self: Fraction(value))


def forgetting(self: Any) -> dict[str, Any]:
    return {**Signal.__getstate__(self), "k": 1.0}


FAULTS: list[tuple[str, set[str], Any]] = [
    # the law; others that may see it too, since blocks of no row and cuts are part of theirs; what makes the signal
    ("no row", {"any cut", "odd values", "other numbers", "snapshots", "rows of its own", "handed out"},
     lambda: planted("NothingIsWide", nothing_is_wide)),
    ("any cut", {"odd values", "other numbers", "causal"}, lambda: planted("ByBlock", by_block, latency=constant(0))),
    ("odd values", set(), lambda: planted("ByBlockIfOdd", by_block_if_odd)),
    ("other numbers", set(), lambda: planted("ByBlockIfWhole", by_block_if_whole)),
    ("other numbers", set(), lambda: planted("BareErrorIfComplex", bare_error_if_complex)),
    ("a state is a value", set(), lambda: planted("StateInPlace", state_in_place)),
    ("a state is a value", set(), lambda: planted("StateIsASet", state_is_a_set)),
    ("snapshots", set(), lambda: planted("StateByIdentity", state_by_identity)),
    ("causal", {"odd values", "other numbers", "rows of its own", "latency"},
     lambda: planted("BeyondItsRows", beyond_its_rows)),
    ("pace", {"latency"}, lambda: planted("Slower", plain, every=constant(2))),
    ("pace", set(), lambda: planted("Later", plain, offset=constant(1))),
    ("latency", set(), lambda: planted("SaysItIsLate", plain, latency=constant(5))),
    ("latency", set(), lambda: planted("IsLate", later(5))),
    ("latency", set(), lambda: planted("IsLater", later(9), latency=constant(4))),
    ("rows of its own", set(), lambda: planted("KeepsAView", keeps_a_view)),
    ("handed out", set(), lambda: planted("Itself", itself)),
    ("handed out", set(), lambda: planted("ItsState", its_state)),
    ("bounded", set(), lambda: planted("RemembersAll", remembers_all)),
    ("bounded", set(), lambda: planted("RemembersEveryBlock", remembers_every_block)),
    ("tunable", set(), lambda: planted("Delayed", delayed, 3, tunable=("k",), latency=property(lambda self: Fraction(self.k)))),
    ("tunable", set(), lambda: planted("SaysItKeeps", times, 2.0, tunable=("k",), keeps=lambda self, old: False)),
    ("knobs", set(), lambda: planted("NumpysNumber", times, 2.0, _plain_numbers=lambda self: None)),
    ("JSON", set(), lambda: planted("WritesNothing", times, 2.0, k=1.0, stored=property(lambda self: {}))),
    ("picklable", set(), lambda: planted("Forgetting", times, 2.0, __getstate__=forgetting)),
]  # fmt: skip


@pytest.mark.parametrize(("law", "also", "make"), FAULTS, ids=[f"{law}{i}" for i, (law, *_) in enumerate(FAULTS)])
def test_a_planted_fault_is_found_by_its_law_alone(law: str, also: set[str], make: Any) -> None:
    broken = {
        name.split(" float")[0]
        for name, found in examined(make(), cuts=3)
        if found is not None and not isinstance(found, NotApplicable)
    }
    assert law in broken
    assert broken <= {law} | also


def test_there_is_a_fault_for_every_law() -> None:
    assert {law for law, *_ in FAULTS} == set(LAWS)


def test_a_signal_without_fault_keeps_all() -> None:
    report = check_signal(planted("Sound", delayed, 3, latency=property(lambda self: Fraction(self.k))), cuts=3)
    assert {name.split(" float")[0] for name in report.held} == set(LAWS) - {"tunable"}


def test_who_writes_into_rows_is_told_so() -> None:
    def writes(self: Any, state: Any, x: Any) -> Any:
        x *= 2
        return x, state

    with pytest.raises(LawError, match="it writes into the rows it is given"):
        check_signal(planted("Writes", writes))


def test_an_error_of_the_signal_says_where() -> None:
    def fails(self: Any, state: Any, x: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        check_signal(planted("Fails", fails))
    assert any("while examining 'no row float64'" in note for note in caught.value.__notes__)
