"""What parameters may be, and that what is refused says what to do."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.checks import whole_number
from headrace.errors import HeadraceError
from headrace.signals.checks import a_number, a_real_number, any_number, whole_numbers
from support.require import require

require("scipy")


@pytest.mark.parametrize("check", [a_number, a_real_number, whole_number, any_number, whole_numbers])
@pytest.mark.parametrize("value", ["1", None, True, [1.5], {}])
def test_what_is_no_number(check: Callable[[str, Any], Any], value: Any) -> None:
    with pytest.raises(HeadraceError, match=r"Signal\(n=\) got .*, wanted a .*number.*\n  Give "):
        check("Signal(n=)", value)


def test_numbers_of_numpy_become_those_of_python() -> None:
    for check in (a_number, any_number):
        assert type(check("x", np.float32(1.5))) is float
        assert type(check("x", np.int16(3))) is int
    assert any_number("x", np.complex64(1 + 2j)) == 1 + 2j
    assert a_number("x", Fraction(1, 2)) == 0.5
    assert np.isnan(any_number("x", np.nan))
    assert whole_numbers("x", np.array([1, 2])) == (1, 2)


X = np.arange(6.0)
PAIR: Any = (1, 2)
REFUSED: list[Callable[[], Any]] = [
    lambda: s.Clip("x", name="y", min_value=2, max_value=1),
    lambda: s.LowPassFilter("x", "y", 2, 60, 100),
    lambda: s.LowPassFilter("x", "y", 2, PAIR, 100),
    lambda: s.Butterworth("x", "y", 2, 1, 100, "flat"),
    lambda: s.Sos("x", name="y", sos=[1, 2]),
    lambda: s.Threshold("x", name="y", high=1, low=2),
    lambda: s.EventDetector("x", name="y", high=1, edge="up"),
    lambda: s.ExponentialMean("x", name="y", alpha=2),
    lambda: s.MovingStd("x", "y", 3, ddof=2),
    lambda: s.RunningStd("x", "y", ddof=2),
    lambda: s.Reshape("x", (-1, -1), name="y"),
    lambda: s.Norm("x", name="y", order="two"),
    lambda: s.Windows("x", name="y", window_size=4, window_overlap=4),
    lambda: s.FourierTransform("x", name="y", window_size=4, window_type="flat"),
    lambda: s.CrossCorrelation("a", "b", "y", 1),
    lambda: s.AmplitudeModulation("x", "y", 60.0, 100.0),
    lambda: s.Logarithm("x", name="y", base=1),
    lambda: s.Inference("x", name="y", model="nowhere.onnx")(X),
    lambda: s.Inference("x", name="y", model=len, init_state=np.zeros(1)),
    lambda: s.Combine([], name="y"),
    lambda: s.Gravity("q", name="g")(X),
    lambda: s.AmplitudeModulation("x", "y", 6.0, 100.0)(X + 1j),
]


@pytest.mark.parametrize("made", REFUSED)
def test_what_is_refused_says_what_to_do(made: Callable[[], Any]) -> None:
    with pytest.raises(HeadraceError) as caught:
        made()
    first, *rest = str(caught.value).split("\n")
    assert "got" in first or "got" in rest[0]
    assert rest
    assert all(line.startswith("  ") for line in rest)
