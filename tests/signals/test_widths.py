"""Columns of another width than before: an error, never memory that is somebody else's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.errors import DataError
from support.require import require

require("scipy")
FILTERS = [
    s.LowPassFilter("x", "y", 2, 5, 100),
    s.HighPassFilter("x", "y", 4, 5, 100),
    s.NotchFilter("x", "y", 5, 100),
    s.Envelope("x", "y", 5, 100),
    s.ExponentialMean("x", "y", 0.1),
]


@pytest.mark.parametrize("signal", FILTERS, ids=lambda signal: type(signal).__name__)
@pytest.mark.parametrize("widths", [(2, 500), (500, 2)])
def test_a_filter_of_another_width_is_refused(signal: Any, widths: tuple[int, int]) -> None:
    before = np.ones((10, widths[0]))
    _, state = signal.step(signal.init(before[:0]), before)
    for _ in range(20):
        with pytest.raises(DataError, match="channels"):
            signal.step(state, np.ones((100, widths[1])))
    assert signal.step(state, before)[0].shape == (10, widths[0])
    function = s.Function(signal)
    function(before)
    with pytest.raises(DataError, match="remembers"):
        function(np.ones((100, widths[1])))
    assert function(before).shape == (10, widths[0])
