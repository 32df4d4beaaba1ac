"""Results with their names: datasets and tables."""

from __future__ import annotations

import tracemalloc
from datetime import datetime
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.sweeps import (
    Points,
    Runner,
    case_runner_to_df,
    case_runner_to_ds,
    combo_runner,
    combo_runner_to_df,
    combo_runner_to_ds,
    results_to_ds,
)
from support.counts import heavy
from support.require import require

xr = require("xarray")
pd = require("pandas")


def to_ds(*args: Any, **kwargs: Any) -> Any:
    return combo_runner_to_ds(*args, verbosity=0, **kwargs)


class TestDatasets:
    def test_identical_to_one_made_by_hand(self) -> None:
        found = to_ds(
            lambda a, b, c: (a + b, np.full(3, c)),
            {"a": [1, 2], "b": [10, 20]},
            ["sum", "full"],
            var_dims={"full": "t"},
            var_coords={"t": [0.1, 0.2, 0.3]},
            constants={"c": 7},
            attrs={"who": "me"},
        )
        wanted = xr.Dataset(
            {"sum": (("a", "b"), [[11, 21], [12, 22]]), "full": (("a", "b", "t"), np.full((2, 2, 3), 7))},
            coords={"a": [1, 2], "b": [10, 20], "t": [0.1, 0.2, 0.3]},
            attrs={"who": "me", "c": 7},
        )
        xr.testing.assert_identical(found, wanted)
        assert found["sum"].dtype == found["full"].dtype == np.int64

    @pytest.mark.parametrize(
        ("result", "dtype", "sparse"),
        [
            (1, "int64", "float64"),
            (2**60 + 1, "int64", "float64"),
            (2**63, "uint64", "float64"),
            (1.5, "float64", "float64"),
            (np.float32(1.5), "float32", "float32"),
            (1j, "complex128", "complex128"),
            (True, "bool", "object"),
            ("text", "<U4", "object"),
            (np.datetime64("2020-01-01", "ns"), "datetime64[ns]", "datetime64[ns]"),
            (np.timedelta64(3, "s"), "timedelta64[s]", "timedelta64[s]"),
            (None, "object", "object"),
            (np.array(3.5), "float64", "float64"),
        ],
    )
    def test_dtypes(self, result: Any, dtype: str, sparse: str) -> None:
        """A complete grid keeps the kind of its results; a sparse one has one with holes."""
        full = to_ds(lambda a, b: result, {"a": [1, 2], "b": [3, 4]}, "x")["x"]
        assert full.dtype == dtype
        assert (full.values == result).all()
        holed = to_ds(lambda a, b: result, None, "x", cases=[{"a": 1, "b": 3}, {"a": 2, "b": 4}])["x"]
        assert holed.dtype == sparse
        assert holed.isnull().values.tolist() == [[result is None, True], [True, result is None]]

    def test_kinds_that_mix(self) -> None:
        """Numbers never become texts."""
        results = {0: 1, 1: "a", 2: 2.5, 3: None, 4: True}
        found = Runner(lambda a: results[a], "x", verbosity=0).run_combos({"a": range(5)})["x"].values
        assert found.dtype == object
        assert [type(value) for value in found[[0, 1, 2, 4]]] == [int, str, float, bool]
        assert to_ds(lambda a: a if a else 0.5, {"a": range(3)}, "x")["x"].values.tolist() == [0.5, 1.0, 2.0]
        wide = to_ds(lambda a: "x" * a, {"a": range(5)}, "x")["x"]
        assert wide.dtype == "<U4"

    @pytest.mark.parametrize("n", [10, 40_000])
    def test_kinds_that_change_late(self, n: int) -> None:
        """Columns are filled some at a time; what comes late widens what came before."""

        def late(a: int) -> Any:
            return {n - 1: "end", n - 2: 2**70, n - 3: 1j}.get(a, a)

        found = to_ds(late, {"a": range(n)}, "x")["x"].values
        assert found.dtype == object
        assert found.tolist() == [late(a) for a in range(n)]
        ints = to_ds(lambda a: 2**63 if a == n - 1 else -a, {"a": range(n)}, "x")["x"].values
        assert ints.tolist() == [-a for a in range(n - 1)] + [2**63]

    def test_coordinates_keep_their_kind(self) -> None:
        found = to_ds(lambda **_: 1, {"a": ["x", "yy"], "b": [1, "c"], "c": [True, False], "d": [1, 2.5]}, "x")
        assert [found[name].dtype.str for name in "abcd"] == ["<U2", "|O", "|b1", "<f8"]
        assert int(found["x"].sel(b="c", a="yy", c=True, d=2.5)) == 1
        times = [np.datetime64("2020-01-01", "ns"), np.datetime64("2020-01-03", "ns")]
        assert to_ds(lambda t: 1, {"t": times}, "x")["t"].dtype == "datetime64[ns]"
        assert to_ds(lambda t: 1, {"t": [datetime(2020, 1, 1)]}, "x")["t"].dtype.kind == "M"

    def test_coordinates_without_a_hash(self) -> None:
        """B6: lists and arrays are found by tuples, dicts by their text."""
        found = to_ds(lambda a: len(a), {"a": [[1, 2], [3], np.arange(3), {"k": 1}]}, "x")["x"]
        assert int(found.sel(a=(1, 2))) == 2
        assert int(found.sel(a=(0, 1, 2))) == 3
        assert int(found.sel(a="{'k': 1}")) == 1

    def test_cases_on_the_grid_of_their_values(self) -> None:
        found = case_runner_to_ds(
            lambda a, b, c: a * b + c, ("a", "b"), [(3, 1), (1, 2)], "x", constants={"c": 0}, verbosity=0
        )
        assert found["a"].values.tolist() == [1, 3]
        np.testing.assert_array_equal(found["x"], [[np.nan, 2], [3, np.nan]])
        with_combos = case_runner_to_ds(
            lambda a, b, c: a * b + c, ("a", "b"), [(3, 1), (1, 2)], "x", combos={"c": [0, 10]}, verbosity=0
        )
        assert with_combos["x"].dims == ("a", "b", "c")
        assert with_combos["x"].sel(a=3, b=1).values.tolist() == [3, 13]

    def test_cases_too_far_apart_are_refused_before_the_first_call(self) -> None:
        calls: list[int] = []
        cases = [(i, -i) for i in range(20_000)]
        with pytest.raises(hr.DataError, match=r"to_df=True.*\.table"):
            case_runner_to_ds(lambda a, b: calls.append(a), None, cases, "x", verbosity=0)
        assert calls == []

    def test_no_cases(self) -> None:
        """B20."""
        assert len(case_runner_to_ds(lambda a: a, None, [], "x", verbosity=0).data_vars) == 0
        empty = to_ds(lambda a, b: np.ones(3), {"a": [], "b": [1, 2]}, "x", var_dims="t", var_coords={"t": [1, 2, 3]})
        assert empty["x"].shape == (0, 2, 3)
        assert len(combo_runner_to_df(lambda a: a, {"a": []}, "x", verbosity=0)) == 0

    def test_no_arguments(self) -> None:
        found = to_ds(lambda c: (c, [c, c]), None, ["x", "y"], var_dims={"y": "t"}, constants={"c": 2})
        assert int(found["x"]) == 2
        assert found["y"].values.tolist() == [2, 2]

    def test_axes_without_coordinates_count(self) -> None:
        found = to_ds(lambda a: np.zeros(4), {"a": [1]}, "x", var_dims=["auto"])
        assert found["auto"].values.tolist() == [0, 1, 2, 3]

    def test_constants_are_told(self) -> None:
        def square(a: int, t: Any, more: Any, call: Any) -> Any:
            return a * np.asarray(t)

        found = to_ds(
            square, {"a": [1, 2]}, "x", var_dims="t",
            constants={"t": [5, 6], "more": {"k": None}, "call": len}, resources={},
        )  # fmt: skip
        assert found["t"].values.tolist() == [5, 6]
        assert found.attrs == {"more": {"k": None}}
        hidden = to_ds(lambda a, big: a, {"a": [1]}, "x", resources={"big": 3}, constants={})
        assert hidden.attrs == {}
        assert int(to_ds(lambda a, c: c, {"a": [1]}, "x", resources={"c": 3}, constants={"c": 4})["x"][0]) == 4

    @pytest.mark.parametrize("shuffle", [False, 3])
    @pytest.mark.parametrize("parallel", [False, 2])
    def test_the_same_in_any_order(self, shuffle: Any, parallel: Any) -> None:
        combos = {"a": range(6), "b": [0.5, 1.5]}
        names: dict[str, Any] = {"var_names": ["x", "y", "z"], "var_dims": {"y": "t"}}
        found = to_ds(lambda a, b: (a, [a, b], f"{a}"), combos, **names, shuffle=shuffle, parallel=parallel)
        xr.testing.assert_identical(found, to_ds(lambda a, b: (a, [a, b], f"{a}"), combos, **names))
        assert found["x"].dtype == np.int64


class TestMisfits:
    def test_more_or_fewer_results_than_names(self) -> None:
        for result, came in (((1, 2, 3), "3 results"), (5, "one int"), ((1,), "1 result ")):
            with pytest.raises(ValueError, match=rf"{came}.*wanted 2.*'x', 'y'"):
                to_ds(lambda a, result=result: result, {"a": [1]}, ["x", "y"])

    def test_an_array_without_names_for_its_axes(self) -> None:
        with pytest.raises(hr.DataError, match=r"(?s)'x'.*\(3,\).*var_dims"):
            to_ds(lambda a: np.zeros(3), {"a": [1]}, "x")
        with pytest.raises(hr.DataError, match="var_dims"):
            to_ds(lambda a: [1, 2], {"a": [1]}, "x")

    def test_arrays_of_other_shapes(self) -> None:
        with pytest.raises(hr.DataError, match=r"(?s)\(2,\).*\(1,\).*\.\.\."):
            to_ds(lambda a: np.zeros(a), {"a": [1, 2]}, "x", var_dims="t")
        with pytest.raises(hr.DataError, match="wanted 2 axes"):
            to_ds(lambda a: np.zeros(3), {"a": [1]}, "x", var_dims={"x": ["t", "s"]})

    def test_values_kept_as_they_are(self) -> None:
        found = to_ds(lambda a: np.zeros(a), {"a": [1, 2]}, "x", var_dims={"x": ...})["x"]
        assert [value.shape for value in found.values] == [(1,), (2,)]

    def test_a_coordinate_that_does_not_fit_is_found_with_the_first_results(self) -> None:
        calls: list[int] = []

        def slow(a: int) -> Any:
            calls.append(a)
            return np.zeros(3)

        with pytest.raises(hr.DataError, match="3 values along 't', wanted 2"):
            to_ds(slow, {"a": range(1000)}, "x", var_dims="t", var_coords={"t": [1, 2]})
        assert calls == [0]
        with pytest.raises(hr.DataError, match="another variable"):
            to_ds(lambda a: ([1], [1, 2]), {"a": [1]}, ["x", "y"], var_dims=["t", "t"])

    def test_a_variable_with_the_name_of_an_argument(self) -> None:
        for labels in ({"var_names": "a"}, {"var_names": "x", "var_coords": {"a": [1]}}):
            with pytest.raises(hr.StreamConfigError, match="'a'"):
                to_ds(lambda a: 1, {"a": [1]}, **labels)
        with pytest.raises(hr.StreamConfigError, match="'c'"):
            combo_runner_to_df(lambda a, c: 1, {"a": [1]}, "c", constants={"c": 1}, verbosity=0)

    def test_values_from_a_dataset(self) -> None:
        ds = to_ds(lambda a: a, {"a": [1, 2]}, "x")
        assert to_ds(lambda a: type(a).__name__, {"a": ds["a"]}, "x")["x"].values.tolist() == ["int64", "int64"]

    def test_an_axis_with_the_name_of_an_argument(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="'a'"):
            to_ds(lambda a: [1], {"a": [1]}, "x", var_dims="a")


class TestOwnNames:
    def test_dicts(self) -> None:
        found = to_ds(lambda a: {"x": a, "v": ("t", [a, a]), "s": "text"}, {"a": [1, 2]}, None, attrs={"k": 1})
        assert found["v"].dims == ("a", "t")
        assert found["v"].values.tolist() == [[1, 1], [2, 2]]
        assert found["x"].dtype == np.int64
        assert found.attrs == {"k": 1}

    def test_a_bare_array_is_data(self) -> None:
        found = to_ds(lambda a: {"x": np.arange(3) + a}, {"a": [1, 2]}, None)
        assert found["x"].dims == ("a", "x_0")
        named = to_ds(lambda a: {"t": np.arange(3), "v": ("t", np.ones(3))}, {"a": [1, 2]}, None)
        assert "t" in named.coords
        assert named["t"].dims == ("t",)

    def test_datasets_and_data_arrays(self) -> None:
        def one(a: int, b: int) -> Any:
            return xr.Dataset({"x": ("t", np.arange(2.0) * a + b)}, {"t": [5, 6]})

        found = to_ds(one, {"a": [1, 2], "b": [3, 4]}, None)
        nested = combo_runner(one, {"a": [1, 2], "b": [3, 4]}, verbosity=0)
        wanted = xr.concat([xr.concat(row, "b") for row in nested], "a").assign_coords(a=[1, 2], b=[3, 4])
        xr.testing.assert_identical(found, wanted)
        array = to_ds(lambda a: xr.DataArray([a, a], dims="t", name="q"), {"a": [1, 2]}, None)
        assert array["q"].dims == ("a", "t")

    def test_of_different_lengths(self) -> None:
        found = to_ds(lambda a: xr.Dataset({"x": ("t", np.ones(a))}, {"t": range(a)}), {"a": [1, 2]}, None)
        np.testing.assert_array_equal(found["x"], [[1, np.nan], [1, 1]])

    def test_sparse(self) -> None:
        cases = [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
        found = to_ds(lambda a, b: {"x": a, "s": "t", "v": ("t", [1, 2])}, None, None, cases=cases)
        assert found["x"].dtype == np.float64
        assert found["s"].isnull().values.tolist() == [[False, True], [True, False]]
        assert found["v"].isnull().sum() == 4

    def test_what_has_no_names(self) -> None:
        with pytest.raises(hr.DataError, match="var_names"):
            to_ds(lambda a: 3, {"a": [1]}, None)

    def test_failures_leave_holes(self) -> None:
        def some(a: int) -> dict[str, float]:
            if a == 1:
                raise RuntimeError
            return {"x": a / 2}

        assert to_ds(some, {"a": range(3)}, None, on_error="nan")["x"].isnull().values.tolist() == [False, True, False]


class TestTables:
    def test_columns_and_rows(self) -> None:
        found = combo_runner_to_df(
            lambda a, b, c: (a, b * c), {"a": [1, 2], "b": [3, 4]}, ["x", "y"],
            constants={"c": 2}, attrs={"who": "me"}, verbosity=0,
        )  # fmt: skip
        wanted = pd.DataFrame(
            {"a": [1, 1, 2, 2], "b": [3, 4, 3, 4], "c": 2, "who": "me", "x": [1, 1, 2, 2], "y": [6, 8, 6, 8]}
        )
        pd.testing.assert_frame_equal(found, wanted)

    @pytest.mark.parametrize("way", [{"shuffle": True}, {"shuffle": 5}, {"parallel": 2}, {"parallel": 2, "shuffle": 1}])
    def test_inputs_stay_with_their_outputs(self, way: Any) -> None:
        """B1."""
        found = case_runner_to_df(lambda a: 10 * a, "a", range(40), "y", verbosity=0, **way)
        assert found["a"].tolist() == list(range(40))
        assert (found["y"] == 10 * found["a"]).all()

    def test_a_single_output_is_kept_whole(self) -> None:
        """B2."""
        texts = case_runner_to_df(lambda a: f"val{a}", "a", [1, 2], "y", verbosity=0)
        assert texts["y"].tolist() == ["val1", "val2"]
        arrays = case_runner_to_df(lambda a: np.arange(3) + a, "a", [1, 2], "y", verbosity=0)
        assert [value.tolist() for value in arrays["y"]] == [[1, 2, 3], [2, 3, 4]]

    def test_dtypes(self) -> None:
        found = combo_runner_to_df(lambda a: (2**60 + a, a / 2, a > 1, 1j), {"a": [1, 2]}, list("wxyz"), verbosity=0)
        assert [str(dtype) for dtype in found.dtypes] == ["int64", "int64", "float64", "bool", "complex128"]
        assert found["w"].tolist() == [2**60 + 1, 2**60 + 2]

    def test_none_is_not_nan(self) -> None:
        results = ["a", None, float("nan"), "b"]
        found = combo_runner_to_df(lambda a: results[a], {"a": range(4)}, "y", verbosity=0)["y"]
        assert found.tolist()[:2] == ["a", None]
        assert isinstance(found.tolist()[2], float)
        times = [datetime(2020, 1, 1), datetime(2020, 1, 2)]
        assert combo_runner_to_df(lambda t: t, {"t": times}, "y", verbosity=0)["y"].dtype.kind == "M"

    def test_failures_are_rows_with_holes(self) -> None:
        def some(a: int) -> int:
            if a == 1:
                raise RuntimeError
            return a

        found = combo_runner_to_df(some, {"a": range(3)}, "y", verbosity=0, on_error="nan")
        np.testing.assert_array_equal(found["y"], [0, np.nan, 2])
        assert found["a"].tolist() == [0, 1, 2]

    @pytest.mark.parametrize("labels", [{"var_names": None}, {"var_dims": "t"}, {"var_coords": {"t": 1}}])
    def test_what_no_table_can_hold(self, labels: Any) -> None:
        with pytest.raises(ValueError, match="to_df=True"):
            combo_runner_to_df(lambda a: a, {"a": [1]}, **{"var_names": "x", **labels}, verbosity=0)

    @pytest.mark.soak
    def test_a_hundred_thousand_scattered_cases_are_as_many_rows(self) -> None:
        """B14: their grid would have 10^10 places."""
        n = heavy(100_000)
        cases = [(i, -i) for i in range(n)]
        runner = Runner(lambda a, b: (a + b, 0.5 * a), ["x", "y"], verbosity=0)
        runner.run_cases(cases[:10], to_df=True)
        tracemalloc.start()
        try:
            table = runner.run_cases(cases, to_df=True)
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(table) == n
        assert held < 1e6 + 100 * n
        assert peak < 4e6 + 1000 * n


class TestResults:
    def test_from_nested_and_flat(self) -> None:
        combos = {"a": [1, 2], "b": [3, 4, 5]}
        wanted = to_ds(lambda a, b: (a * b, [a, b]), combos, ["x", "y"], var_dims={"y": "t"}, constants={})
        for flat in (False, True):
            results = combo_runner(lambda a, b: (a * b, [a, b]), combos, flat=flat, verbosity=0)
            xr.testing.assert_identical(results_to_ds(results, combos, ["x", "y"], {"y": "t"}), wanted)

    def test_too_few(self) -> None:
        with pytest.raises(hr.DataError, match="wanted 2"):
            results_to_ds([1], {"a": [1, 2]}, "x")

    def test_some_of_them(self) -> None:
        """What a harvester has."""
        runner = Runner(lambda a, b: None, ["x", "y"])
        points = Points({"a": [1, 2], "b": [3, 4]})
        found = runner.labelled(points, {3: (1, "u"), 0: (2, "v")})
        np.testing.assert_array_equal(found["x"], [[2, np.nan], [np.nan, 1]])
        whole = runner.labelled(points, [(k, "u") for k in range(4)])
        assert whole["x"].dtype == np.int64
        assert runner.tabulated(points, {0: (2, "v")})["y"].isna().tolist() == [False, True, True, True]
