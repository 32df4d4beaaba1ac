"""A signal that remembers from call to call, and lists of them computed on a block."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

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
