"""The columns of times before a device's rows."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.clock import Anchor
from headrace.live.wires.stamps import Stamps

ANCHOR = Anchor(now=10.0, wall=1000.0)


def test_rows_are_timed_by_what_there_is() -> None:
    arrival = Stamps("a device")
    assert arrival.names == ("timestamp",)
    assert arrival.columns({}, 2, 11.0, ANCHOR)["timestamp"].tolist() == [1001.0, 1001.0]
    counted = Stamps("a device", rate=100)
    assert counted.names == ("timestamp", "received")
    found = counted.columns({}, 3, 11.0, ANCHOR)
    np.testing.assert_allclose(found["timestamp"], [1000.98, 1000.99, 1001.0])
    assert found["received"].tolist() == [1001.0] * 3
    own = Stamps("a device", "t", None, device_time="ms", tick=1e-3, rate=100)
    assert own.names == ("t",)
    assert list(own.columns({"ms": np.array([7])}, 1, 11.0, ANCHOR)) == ["t"]
    none = Stamps("a device", None)
    assert (none.names, none.columns({"timestamp": np.zeros(1)}, 1, 11.0, ANCHOR)) == ((), {})


def test_another_run_begins_anew_and_counts_on() -> None:
    stamps = Stamps("a device", device_time="s")
    for value in (1.0, np.nan, 1.01):
        stamps.columns({"s": np.array([value])}, 1, 11.0, ANCHOR)
    assert stamps.strays == 1
    stamps.begin()
    assert stamps.clocks == 0
    counted = Stamps("a device", rate=100)
    for _ in range(2):
        counted.columns({}, 1, 11.0, ANCHOR)
        counted.restart()
        counted.begin()
    assert counted.clocks == 2
    stamps.restart()
    stamps.lost(3)
    assert stamps.strays == 1
    assert stamps.columns({"s": np.array([500.0])}, 1, 12.0, ANCHOR)["timestamp"].tolist() == [1002.0]


def test_names_that_are_taken_or_missing() -> None:
    with pytest.raises(StreamConfigError, match="a device got a column 'received'"):
        Stamps("a device", rate=1).check(("x", "received"))
    stamps = Stamps("a device", device_time="ms")
    stamps.check(())  # nothing is known yet
    with pytest.raises(DataError, match="device_time='ms', wanted one of its columns"):
        stamps.columns({"x": np.zeros(1)}, 1, 11.0, ANCHOR)
