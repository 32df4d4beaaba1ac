"""Every registered signal keeps the laws, on every kind of column."""

from __future__ import annotations

import pytest

from headrace.core.registry import Component, components
from headrace.signals.base import Example
from headrace.testing import check_signal
from support.counts import heavy

ALLOWED = {
    "its inputs are no floats",
    "it has no number among its parameters",
    "it has no number among its tunable parameters",
    "a row in the middle changes nothing",
    "a row in the middle is remembered to the end",
}
SIGNALS = [pytest.param(each, id=each.name) for each in components() if each.kind == "signal"]


@pytest.mark.parametrize("component", SIGNALS)
def test_every_signal_keeps_the_laws(component: Component) -> None:
    assert component.example is not None, f"{component.name} needs an example for the laws"
    example = component.example()
    assert isinstance(example, Example)
    assert type(example.signal) is component.make
    report = check_signal(example.signal, example.rows, channels=example.channels, cuts=heavy(500), seed=1)
    assert "any cut float32" in report.held
    assert set(report.skipped.values()) <= ALLOWED


def test_there_are_signals() -> None:
    assert len(SIGNALS) >= 75
