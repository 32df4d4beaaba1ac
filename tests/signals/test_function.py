"""A signal that remembers from call to call, and lists of them computed on a block."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.errors import DataError, StateMismatchError, StreamConfigError

X = np.random.default_rng(0).normal(size=100)


def test_it_goes_on_where_it_was() -> None:
    function = s.Function(s.Integrate("x", name="y"))
    whole = s.Integrate("x", name="y")(X)
    assert np.array_equal(np.concatenate([function(X[:30]), function(X[30:30]), function(X[30:])]), whole)
    function.reset()
    assert np.array_equal(function(X), whole)


def test_an_error_leaves_it_where_it_was() -> None:
    function = s.Function(s.Integrate("x", "t", name="y"))
    function(X[:30], X[:30])
    with pytest.raises(DataError, match="10, 1 rows"):
        function(X[30:40], X[30:31])
    assert np.array_equal(function(X[30:], X[30:]), s.Integrate("x", "t", name="y")(X, X)[30:])


def test_its_state_goes_elsewhere() -> None:
    function = s.Function(s.Integrate("x", name="y"))
    function(X[:30])
    other = s.Function(s.Integrate("x", name="y"))
    other.load_state_dict(pickle.loads(pickle.dumps(function.state_dict())))
    assert np.array_equal(other(X[30:]), function(X[30:]))
    with pytest.raises(StateMismatchError, match="wanted a state of Scale"):
        s.Function(s.Scale("x", name="y", scale_factor=1.0)).load_state_dict(function.state_dict())


def test_a_list_of_them_on_a_block() -> None:
    nodes = [s.Scale("total", name="y", scale_factor=2.0), s.Integrate("x", name="total")]
    data = {"x": X}
    found = s.compute_signal_functions(data, nodes)
    assert list(data) == ["x"]
    assert list(found) == ["x", "total", "y"]
    assert np.array_equal(found["y"], s.Graph(nodes)({"x": X})["y"])


def test_functions_in_a_list_go_on_from_block_to_block() -> None:
    nodes = [s.Function(s.Integrate("x", name="total")), s.Function(s.Scale("total", name="y", scale_factor=2.0))]
    found = [s.compute_signal_functions({"x": X[i : i + 7]}, nodes)["y"] for i in range(0, 100, 7)]
    assert np.array_equal(np.concatenate(found), s.Integrate("x", name="total")(X) * 2.0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="Did you mean 'x_1'"):
        s.compute_signal_functions({"x_1": X}, [s.Abs("x_l", name="y")])
    with pytest.raises(DataError, match="name of a column"):
        s.compute_signal_functions({"x": X, "y": X}, [s.Abs("x", name="y")])
    with pytest.raises(StreamConfigError, match="x <- x"):
        s.compute_signal_functions({"x": X}, [s.Abs("x", name="x")])
    with pytest.raises(StreamConfigError, match="two nodes named"):
        s.compute_signal_functions({"x": X}, [s.Abs("x", name="y"), s.Abs("x", name="y")])
    with pytest.raises(StreamConfigError, match="wanted a signal"):
        s.Function(abs)  # type: ignore[arg-type]


def test_what_a_form_needs_to_know() -> None:
    told = s.config_json(s.MovingAverage)
    assert told["sig_name"] == "MovingAverage"
    assert [arg["name"] for arg in told["args"]] == ["x", "name", "length"]
    defaults = {arg["name"]: arg.get("default") for arg in s.config_json(s.FourierTransform)["args"]}
    assert (defaults["window_size"], defaults["window_type"], defaults["upsample"]) == (256, "hann", False)


def test_columns_of_another_kind_are_refused_where_it_remembers() -> None:
    late = s.Function(s.Delay("x", 2, "d"))
    late(np.array([1, 2]))
    for rows in (np.array([1.5, 2.5]), np.ones((2, 3), int)):
        with pytest.raises(DataError, match=r"reset\(\)"):
            late(rows)
    assert late(np.array([3])).tolist() == [1]
    total = s.Function(s.Sum("x", "y", name="sum"))
    assert total(np.ones(1, int), np.ones(1, int)).tolist() == [2]
    assert total(np.ones(1), np.ones(1)).tolist() == [2.0], "one that remembers nothing takes anything"


def test_a_knob_that_its_state_does_not_fit_begins_it_anew() -> None:
    knob: Any = hr.Knob(3)
    mean = s.Function(s.MovingAverage("x", "y", knob))
    mean(np.arange(6.0))
    knob.set(5)
    assert np.array_equal(mean(np.arange(6.0)), s.MovingAverage("x", "y", 5)(np.arange(6.0)))
    other = s.Function(s.MovingAverage("x", "y", 3).having({"length": hr.Knob(3)}))
    with pytest.raises(StateMismatchError):
        s.Function(s.MovingAverage("x", "y", 8)).load_state_dict(mean.state_dict())
    other.load_state_dict(mean.state_dict())
    assert (other.rows, mean.rows) == (6, 6)


def test_computing_several_says_where_rows_stand_and_moves_all_or_none() -> None:
    x, t = np.arange(1000.0), np.arange(1000.0) / 100
    made = s.compute_signal_functions({"x": x, "timestamp": t}, [s.Windows("x", "w", window_size=100)])
    wanted = s.Graph([s.Windows("x", "w", window_size=100)])({"x": x, "timestamp": t})
    assert made.paces == wanted.paces
    assert made.timestamps("w").tolist() == wanted.timestamps("w").tolist()
    going = [s.Function(s.Windows("x", "w", window_size=100)), s.Function(s.Delay("w", 1, "d"))]
    parts = [
        s.compute_signal_functions({"x": x[i : i + 70], "timestamp": t[i : i + 70]}, going) for i in range(0, 980, 70)
    ]
    told = np.concatenate([part.timestamps("d") for part in parts]).tolist()
    assert told == wanted.timestamps("w").tolist()[: len(told)]
    assert len(told) == 9
    total, difference = s.Function(s.Integrate("x", None, "i")), s.Function(s.Difference("x", "z", name="d"))
    with pytest.raises(DataError):
        s.compute_signal_functions({"x": np.ones(3), "z": np.ones((3, 2))}, [total, difference])
    assert total(np.ones(2)).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("calls", [0, 1])
def test_its_state_has_the_values_of_its_knobs(calls: int) -> None:
    knob: Any = hr.Knob(3)
    mean = s.Function(s.MovingAverage("x", "y", knob))
    for _ in range(calls):
        mean(np.arange(6.0))
    there: Any = hr.Knob(3)
    for turned in (3, 5, 5):
        knob.set(turned)
        state = pickle.loads(pickle.dumps(mean.state_dict()))
        other = s.Function(s.MovingAverage("x", "y", there))
        other.load_state_dict(state)
        again = s.Function(s.MovingAverage("x", "y", there))
        again.load_state_dict(other.state_dict())
        wanted = mean(X[:9]).tolist()
        for each in (other, pickle.loads(pickle.dumps(again)), again):
            assert each(X[:9]).tolist() == wanted
        assert other(X[9:]).tolist() == again(X[9:]).tolist() == mean(X[9:]).tolist()
    there.set(2)  # a later turn is followed
    assert other(X).tolist() == s.MovingAverage("x", "y", 2)(X).tolist()
    there.set(4)
    other.load_state_dict(state)
    other.reset()
    assert other(X).tolist() == s.MovingAverage("x", "y", 4)(X).tolist()
