"""Runner and label: a function with the names of what it takes and gives."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import numpy as np
import pytest

import headrace as hr
from headrace.sweeps import Runner, label
from headrace.testing import elsewhere
from support.require import require

xr = require("xarray")


def foo(a: float, b: float, c: float = 0.0) -> tuple[float, float]:
    """Sum and difference."""
    return a + b + c, a - b


@label(["sum", "diff"], constants={"c": 1.0}, verbosity=0)
def labelled(a: float, b: float, c: float = 0.0) -> tuple[float, float]:
    """Sum and difference."""
    return a + b + c, a - b


def _fingerprint(stream: Any) -> Any:
    return stream.fingerprint


class TestRuns:
    def test_combos_and_cases(self) -> None:
        runner = Runner(foo, ["sum", "diff"], verbosity=0)
        ds = runner.run_combos({"a": [1, 2], "b": [3, 4, 5]})
        assert runner.last_ds is ds
        assert ds["diff"].sel(a=2, b=3) == -1
        cases = runner.run_cases([(1, 2), (3, 4)])
        assert cases["sum"].sel(a=1, b=2) == 3
        assert runner.last_ds is cases
        both = runner.run_combos({"b": [1, 2]}, cases=[{"a": 1}])
        assert both["sum"].shape == (1, 2)
        assert runner.run_cases([5, 6], fn_args="a", combos={"b": [1]})["sum"].shape == (2, 1)

    def test_constants_of_one_run(self) -> None:
        runner = Runner(foo, ["sum", "diff"], constants={"c": 10}, attrs={"k": 1}, verbosity=0)
        once = runner.run_combos({"a": [1], "b": [2]}, constants={"c": 20})
        assert once["sum"] == 23
        assert once.attrs == {"k": 1, "c": 20}
        assert runner.run_combos({"a": [1], "b": [2]})["sum"] == 13
        assert runner.constants == {"c": 10}

    def test_settings_of_one_run_win(self) -> None:
        runner = Runner(foo, ["sum", "diff"], to_df=True, verbosity=0, shuffle=2)
        assert len(runner.run_combos({"a": [1], "b": [2]})) == 1
        assert hasattr(runner.run_combos({"a": [1], "b": [2]}, to_df=False), "data_vars")
        assert hasattr(runner.last_ds, "data_vars")

    def test_a_setting_that_there_is_not(self) -> None:
        with pytest.raises(hr.StreamConfigError, match=r"'paralel'.*Did you mean 'parallel'"):
            Runner(foo, "x", paralel=True)
        with pytest.raises(hr.StreamConfigError, match="'sync'"):
            Runner(foo, "x").run_combos({"a": [1]}, sync=True)

    def test_it_is_called_as_the_function(self) -> None:
        assert Runner(foo, "x")(1, b=2) == (3, -1)


class TestNames:
    def test_properties_are_parsed_and_deleted(self) -> None:
        runner = Runner(foo, "x", var_dims="t", var_coords={"t": [1]}, constants=[("c", 1)], resources={"r": 2})
        assert runner.fn_args == ("a", "b", "c")
        assert runner.var_names == ("x",)
        assert runner.var_dims == {"x": ("t",)}
        runner.fn_args = "a"
        assert runner.fn_args == ("a",)
        runner.var_names = ["x", "y"]
        assert runner.var_dims == {"x": ("t",), "y": ()}
        runner.var_dims = {"y": "t"}
        assert runner.var_dims == {"x": (), "y": ("t",)}
        runner.constants = {"c": 5}
        runner.resources = None
        runner.var_coords = ()
        assert (runner.constants, runner.resources, runner.var_coords) == ({"c": 5}, {}, {})
        for name in ("fn_args", "var_names", "var_dims", "var_coords", "constants", "resources"):
            delattr(runner, name)
            assert getattr(runner, name) is None

    def test_names_that_do_not_fit(self) -> None:
        with pytest.raises(ValueError, match="var_dims got"):
            Runner(foo, ["x", "y"], var_dims="t")
        with pytest.raises(hr.StreamConfigError, match="a function"):
            Runner(3, "x")  # type: ignore[arg-type]  # what is tested

    def test_repr(self) -> None:
        told = repr(Runner(foo, ["x", "y"], var_dims={"y": "t"}, constants={"c": 1}, resources={"big": 2}))
        assert told.startswith("<headrace.Runner>")
        for part in ("foo", "'a', 'b', 'c'", "'x', 'y'", "('t',)", "['c']", "['big']"):
            assert part in told
        assert "resources" not in repr(Runner(foo, "x"))

    def test_what_is_given_is_not_changed(self) -> None:
        constants, attrs, combos = {"c": 1}, {"k": 1}, {"a": [1, 2], "b": [3]}
        Runner(foo, ["x", "y"], constants=constants, attrs=attrs, verbosity=0).run_combos(combos)
        assert (constants, attrs, combos) == ({"c": 1}, {"k": 1}, {"a": [1, 2], "b": [3]})


class TestLabel:
    def test_it_stands_for_the_function(self) -> None:
        assert labelled.__name__ == "labelled"
        assert labelled.__doc__ == "Sum and difference."
        assert labelled.__wrapped__(1, 2) == labelled(1, 2) == (3, -1)
        assert labelled.run_combos({"a": [1], "b": [2]})["sum"] == 4

    def test_a_harvester_or_a_sampler(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="one of them"):
            label("x", harvester=True, sampler=True)

    def test_it_is_pickled_by_name(self) -> None:
        assert pickle.loads(pickle.dumps(labelled)) is labelled

    def test_its_stream_is_pickled(self) -> None:
        stream = labelled.stream({"a": [1, 2], "b": [3]})
        copy = pickle.loads(pickle.dumps(stream))
        assert copy == stream
        assert list(copy) == list(stream) == [({"a": 1, "b": 3}, (5, -2)), ({"a": 2, "b": 3}, (6, -1))]
        assert elsewhere(_fingerprint, stream) == stream.fingerprint

    def test_it_runs_elsewhere(self) -> None:
        found = labelled.run_combos({"a": [1, 2], "b": [2]}, parallel=2)
        assert found["sum"].values.tolist() == [[4], [5]]


class TestPickles:
    def test_results_stay_behind(self) -> None:
        runner = Runner(foo, ["x", "y"], verbosity=0, constants={"c": 2})
        runner.run_combos({"a": [1], "b": [2]})
        copy = pickle.loads(pickle.dumps(runner))
        assert copy.last_ds is None
        xr.testing.assert_identical(copy.run_combos({"a": [1], "b": [2]}), runner.last_ds)

    def test_of_a_lambda(self) -> None:
        copy = cloudpickle.loads(cloudpickle.dumps(Runner(lambda a: a + 1, "x", verbosity=0)))
        assert copy.run_combos({"a": [1]})["x"].values.tolist() == [2]


class TestPoints:
    def test_the_settings_of_a_run(self) -> None:
        runner = Runner(foo, "x", constants={"c": 1})
        points = runner.points({"b": [1, 2]}, [(5,), (6,)], fn_args="a")
        assert points[3] == {"a": 6, "b": 2}
        assert points.constants == {"c": 1}
        assert runner.points(None, [(5, 6)])[0] == {"a": 5, "b": 6}

    def test_large_results_go_where_they_stay(self) -> None:
        """No second copy of everything is made on the way."""
        import tracemalloc

        runner = Runner(lambda a: np.full(10_000, float(a)), "x", var_dims="t", verbosity=0)
        runner.run_combos({"a": range(3)})
        tracemalloc.start()
        try:
            ds: Any = runner.run_combos({"a": range(500)})
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert ds["x"].nbytes == 500 * 80_000
        assert peak < 1.3 * ds["x"].nbytes
