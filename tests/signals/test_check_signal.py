"""The laws of signals find signals that break them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.recipe import recipe
from headrace.signals.base import Signal
from headrace.testing import check_signal
from headrace.testing.report import LawError


def planted(name: str, step: Any, **more: Any) -> Any:
    more = {"__annotations__": {"x": str, "name": str}, "__module__": __name__, **more, "step": step}
    return recipe(type(name, (Signal,), more))  # and not registered: other tests go through what is


def block_mean(self: Any, state: Any, x: Any) -> Any:
    return x - (x.mean(axis=0) if len(x) else 0), None


def ahead(self: Any, state: Any, x: Any) -> Any:
    return np.concatenate([x[1:], x[:1]]), None


def writing(self: Any, state: Any, x: Any) -> Any:
    state = np.zeros(x.shape[1:]) if state is None else state
    out = np.add.accumulate(np.concatenate([state[None], x]))[1:]
    state += x.sum(axis=0)
    return out.astype(x.dtype), state


def growing(self: Any, state: Any, x: Any) -> Any:
    return x * 1, x.copy() if state is None else np.concatenate([state, x])


def view(self: Any, state: Any, x: Any) -> Any:
    if not len(x):
        return x.copy(), state
    return np.concatenate([x[:1] if state is None else state, x[:-1]]), x[-1:]


def delaying(self: Any, state: Any, x: Any) -> Any:
    past = np.zeros((self.n, *x.shape[1:]), x.dtype) if state is None else state
    both = np.concatenate([past, x])
    return both[: len(x)].copy(), both[len(x) :].copy()


def doubled(self: Any, state: Any, x: Any) -> Any:
    return np.repeat(x, 2, axis=0), None


def none_is_float(self: Any, state: Any, x: Any) -> Any:
    return (x * 1 if len(x) else np.empty((0, 7))), None


def odd_state(self: Any, state: Any, x: Any) -> Any:
    return x * 1, {1, 2}


N: dict[str, Any] = {
    "__annotations__": {"x": str, "name": str, "n": int},
    "tunable": ("n",),
    "latency": property(lambda self: Fraction(self.n)),
}


@pytest.mark.parametrize(
    ("law", "made"),
    [
        ("any cut", planted("BlockMean", block_mean)("x", "y")),
        ("any cut", planted("Ahead", ahead)("x", "y")),
        ("any cut|a state is a value", planted("Writing", writing)("x", "y")),
        ("bounded", planted("Growing", growing)("x", "y")),
        ("rows of its own", planted("View", view)("x", "y")),
        ("tunable", planted("Delaying", delaying, **N)("x", "y", 3)),
        ("pace", planted("Doubled", doubled)("x", "y")),
        (
            "pace",
            planted("Odd", lambda self, state, x: (x * 1, None), every=property(lambda self: Fraction(2)))("x", "y"),
        ),
        ("any cut|no row", planted("NoneIsFloat", none_is_float)("x", "y")),
        ("a state is a value", planted("OddState", odd_state)("x", "y")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Signal) else "",
)
def test_a_planted_fault_is_found(law: str, made: Any) -> None:
    with pytest.raises(LawError) as error:
        check_signal(made, cuts=5)
    assert error.value.law.startswith(tuple(law.split("|"))), error.value


def test_a_signal_with_a_knob_is_examined_as_it_is_now() -> None:
    assert "tunable float64" in check_signal(s.Scale("x", "y", hr.Knob(3.0)), cuts=2).held
