"""What a dataset has no results for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.sweeps import Runner, find_missing_cases, is_case_missing, parse_into_cases
from support.require import require

xr = require("xarray")
NAN = float("nan")


def sample() -> Any:
    return xr.Dataset(
        {
            "x": (("a", "b"), [[1.0, NAN, NAN], [4.0, 5.0, NAN]]),
            "y": (("a", "b", "t"), np.array([[[1.0, 2], [NAN, NAN], [NAN, 3]], [[1, 2], [3, 4], [NAN, NAN]]])),
            "s": (("a", "b"), np.array([["u", None, None], ["v", "w", None]], dtype=object)),
        },
        coords={"a": [10, 20], "b": ["p", "q", "r"]},
    )


class TestOneCase:
    @pytest.mark.parametrize(
        ("setting", "missing"),
        [
            ({"a": 10, "b": "p"}, False),
            ({"a": 10, "b": "q"}, True),
            ({"a": 10, "b": "r"}, False),  # of y there is one number
            ({"a": 20, "b": "r"}, True),
            ({"a": 30, "b": "p"}, True),
            ({"a": 10, "z": 1}, True),
            ({"a": 20}, False),
        ],
    )
    def test_of_a_dataset(self, setting: Any, missing: bool) -> None:
        assert is_case_missing(sample(), setting) is missing

    def test_of_a_data_array(self) -> None:
        assert not is_case_missing(sample()["x"], {"a": 10, "b": "p"})
        assert is_case_missing(sample()["x"], {"a": 10, "b": "r"})

    def test_what_is_not_finite(self) -> None:
        ds = xr.Dataset({"x": ("a", [np.inf, 1.0])}, {"a": [1, 2]})
        assert not is_case_missing(ds, {"a": 1})
        assert is_case_missing(ds, {"a": 1}, method="isfinite")
        assert find_missing_cases(ds, method="isfinite") == [{"a": 1}]
        assert parse_into_cases({"a": [1, 2]}, ds=ds, method="isfinite") == [{"a": 1}]

    def test_no_such_method(self) -> None:
        for look in (
            lambda: is_case_missing(sample(), {}, method="isodd"),
            lambda: find_missing_cases(sample(), method="isodd"),
            lambda: parse_into_cases(method="isodd"),
        ):
            with pytest.raises(ValueError, match="isodd"):
                look()


class TestFind:
    def test_axes_that_not_all_variables_have_are_no_arguments(self) -> None:
        assert find_missing_cases(sample()) == [{"a": 10, "b": "q"}, {"a": 20, "b": "r"}]

    def test_axes_to_ignore(self) -> None:
        assert find_missing_cases(sample()[["x"]], ignore_dims="b") == []
        assert find_missing_cases(sample()[["x"]], ignore_dims=["a"]) == [{"b": "r"}]
        with pytest.raises(hr.StreamConfigError, match="'z'"):
            find_missing_cases(sample(), ignore_dims="z")

    def test_an_array(self) -> None:
        found = find_missing_cases(sample()["x"])
        assert found == [{"a": 10, "b": "q"}, {"a": 10, "b": "r"}, {"a": 20, "b": "r"}]
        assert all(type(case["a"]) is int for case in found)

    def test_moments(self) -> None:
        times = np.array(["2020-01-01", "2020-01-02"], "M8[ns]")
        ds = xr.Dataset({"x": ("t", [1.0, NAN])}, {"t": times})
        assert find_missing_cases(ds) == [{"t": times[1]}]
        assert parse_into_cases({"t": times}, ds=ds) == [{"t": times[1]}]


class TestParse:
    def test_without_a_dataset(self) -> None:
        assert parse_into_cases({"b": [1, 2]}, [{"a": 3}]) == [{"a": 3, "b": 1}, {"a": 3, "b": 2}]
        assert parse_into_cases(cases=[(1, 2)], fn_args=("a", "b")) == [{"a": 1, "b": 2}]
        assert parse_into_cases() == [{}]

    def test_what_is_there_is_left_out(self) -> None:
        found = parse_into_cases({"a": [10, 20, 30], "b": ["p", "q"]}, ds=sample())
        assert found == [{"a": 10, "b": "q"}, {"a": 30, "b": "p"}, {"a": 30, "b": "q"}]
        cases = [{"b": "r", "a": 20}, {"b": "p", "a": 20}]
        assert parse_into_cases(cases=cases, ds=sample()) == [{"b": "r", "a": 20}]

    def test_an_argument_that_the_dataset_has_not(self) -> None:
        assert len(parse_into_cases({"a": [10], "z": [1, 2]}, ds=sample())) == 2

    def test_numbers_are_equal_by_value(self) -> None:
        assert parse_into_cases({"a": [10.0, np.int8(20)], "b": ["p"]}, ds=sample()) == []

    def test_an_empty_dataset(self) -> None:
        assert parse_into_cases({"a": [1]}, ds=xr.Dataset()) == [{"a": 1}]

    def test_labels_without_a_hash(self) -> None:
        ds = Runner(lambda a: len(a), "x", verbosity=0).run_combos({"a": [[1, 2], [3]]})
        assert parse_into_cases({"a": [[3], [4]]}, ds=ds) == [{"a": [4]}]

    @given(st.lists(st.booleans(), min_size=12, max_size=12), st.permutations("ab"), st.booleans())
    def test_it_is_is_case_missing_of_each(self, there: list[bool], order: list[str], wide: bool) -> None:
        data = np.where(np.reshape(there, (3, 2, 2)), 1.0, NAN)
        ds = xr.Dataset(
            {"x": (("a", "b", "t") if wide else ("t", "a", "b"), data if wide else np.moveaxis(data, -1, 0))},
            coords={"a": [3, 1, 2], "b": ["v", "u"]},
        )
        values = {"a": [1, 2, 3, 4], "b": ["u", "v", "w"]}
        combos = {name: values[name] for name in order}
        wanted = [case for case in parse_into_cases(combos) if is_case_missing(ds, case)]
        assert parse_into_cases(combos, ds=ds) == wanted
