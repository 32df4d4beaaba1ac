"""What users write for arguments, combos, cases and variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.sweeps.parse import in_order, parse_cases, parse_combos, parse_fn_args, parse_mapping
from headrace.sweeps.variables import parse_var_dims, parse_var_names
from support.require import require


def foo(a: int, b: int, *, rng: Any = None) -> int:
    return a + b


class TestFunctions:
    def test_names_come_from_the_signature_without_rng(self) -> None:
        assert parse_fn_args(foo) == ("a", "b")

    def test_a_text_is_one_name(self) -> None:
        assert parse_fn_args(foo, "a") == ("a",)
        assert parse_fn_args(foo, (n for n in "ab")) == ("a", "b")

    def test_a_function_that_does_not_tell_needs_names(self) -> None:
        assert parse_fn_args(min) == ()
        with pytest.raises(hr.StreamConfigError, match="fn_args"):
            parse_cases([(1, 2)], parse_fn_args(min))

    def test_open_ended_parameters_are_no_arguments(self) -> None:
        assert parse_fn_args(lambda a, *rest, **more: a) == ("a",)


class TestCombos:
    @pytest.mark.parametrize("nothing", [None, (), {}, []])
    def test_nothing(self, nothing: Any) -> None:
        assert parse_combos(nothing) == ()

    def test_one_pair_alone(self) -> None:
        assert parse_combos(("a", [1, 2])) == (("a", [1, 2]),)
        assert parse_combos(["a", [1, 2]]) == (("a", [1, 2]),)

    @pytest.mark.parametrize(
        "given", [("ab", "cd"), ["ab", "cd"], "ab", ["ab"], [("a", [1]), "bc"], 3, ("a", [1], [2])]
    )
    def test_letters_are_no_names_and_values(self, given: Any) -> None:
        with pytest.raises(hr.StreamConfigError, match=r"combos got .*wanted a (mapping|pair)"):
            parse_combos(given)

    def test_tables_and_datasets_are_no_combos(self) -> None:
        pd, xr = require("pandas"), require("xarray")
        with pytest.raises(hr.StreamConfigError, match="cases=frame"):
            parse_combos(pd.DataFrame({"temp": [1.0], "run": [3]}))
        with pytest.raises(hr.StreamConfigError, match="Dataset"):
            parse_combos(xr.Dataset(coords={"temp": [1.0]}))

    @pytest.mark.parametrize("given", [{"a": np.array(3)}, {("a", "b"): [1, 2]}, {("a", "b"): 3}, {("a", "b"): ["xy"]}])
    def test_values_that_are_none(self, given: Any) -> None:
        with pytest.raises(hr.StreamConfigError, match=r"combos got"):
            parse_combos(given)

    def test_iterables_become_lists(self) -> None:
        found = dict(parse_combos({"a": (i for i in range(2)), "b": "xy", "c": np.arange(2), "d": {3, 1, 2}}))
        assert found == {"a": [0, 1], "b": ["x", "y"], "c": [0, 1], "d": [1, 2, 3]}

    def test_all_known_values_are_kept(self) -> None:
        assert parse_combos({"a": ...}) == (("a", ...),)

    def test_a_callable_gives_the_values(self) -> None:
        assert parse_combos({"a": lambda: [1, 2], "b": lambda: 3}) == (("a", [1, 2]), ("b", [3]))
        (_, drawn), *_ = parse_combos({"a": lambda rng: rng.normal(size=3)})
        assert drawn == parse_combos({"a": lambda rng: rng.normal(size=3)})[0][1]
        assert len(set(drawn)) == 3

    @pytest.mark.parametrize(
        "values", [[1, 2, 1], [1, 1.0], [True, np.True_], ["a", "a"], [[1], [1]], [np.nan, np.nan]]
    )
    def test_a_value_twice_is_named(self, values: list[Any]) -> None:
        with pytest.raises(hr.StreamConfigError, match="'arg'"):
            parse_combos({"arg": values})

    def test_one_and_true_are_two_values(self) -> None:
        assert parse_combos({"a": [1, True, 0, False]}) == (("a", [1, True, 0, False]),)

    def test_values_without_a_hash(self) -> None:
        """B6: lists, arrays and dicts are values like others."""
        values = [[1, 2], {"k": 1}, np.arange(3), {4}]
        ((_, found),) = parse_combos({"a": values})
        assert found == values

    def test_an_argument_twice(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="'a'"):
            parse_combos([("a", [1]), ("a", [2])])

    @pytest.mark.parametrize("wrong", [3, [3], [("a",)], {1: [2]}, {("a", "b"): [(1,)]}])
    def test_what_is_no_combos(self, wrong: Any) -> None:
        with pytest.raises(hr.StreamConfigError, match="combos got"):
            parse_combos(wrong)

    def test_rng_is_never_swept(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="rng"):
            parse_combos({"rng": [1]})
        with pytest.raises(hr.StreamConfigError, match="rng"):
            parse_cases([{"rng": 1}])


class TestCases:
    def test_none_is_not_no_cases(self) -> None:
        assert parse_cases(None) is None
        assert parse_cases([]) == ((), (), 0)

    def test_a_dict_is_one_case(self) -> None:
        assert parse_cases({"a": 1, "b": 2}) == (("a", "b"), ([1], [2]), 1)

    def test_values_for_one_name(self) -> None:
        assert parse_cases([1, 2], "a") == (("a",), ([1, 2],), 2)
        assert parse_cases(["x", "yz"], ["a"]) == (("a",), (["x", "yz"],), 2)
        assert parse_cases((i for i in range(2)), "a") == (("a",), ([0, 1],), 2)

    def test_short_tuples_fill_fewer_arguments(self) -> None:
        assert parse_cases([(1, 2)], ("a", "b", "c")) == (("a", "b"), ([1], [2]), 1)

    def test_a_table(self) -> None:
        pd = pytest.importorskip("pandas")
        assert parse_cases(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})) == (("a", "b"), ([1, 2], ["x", "y"]), 2)

    def test_names_are_needed(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="fn_args"):
            parse_cases([(1, 2)])

    @pytest.mark.parametrize(
        "cases",
        [[{"a": 1}, {"a": 2, "b": 3}], [{"a": 1, "b": 2}, {"a": 1}], [{"a": 1}, {"b": 1}], [{"a": 1}, 3]],
    )
    def test_other_arguments_in_a_later_case_are_an_error(self, cases: list[Any]) -> None:
        """B8: none is dropped silently, and the case is named."""
        with pytest.raises(hr.StreamConfigError, match="case 1"):
            parse_cases(cases)

    def test_tuples_of_different_lengths(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="case 1"):
            parse_cases([(1, 2), (3,)], ["a", "b"])
        with pytest.raises(hr.StreamConfigError, match="a name for each"):
            parse_cases([(1, 2, 3)], ["a", "b"])


class TestVariables:
    def test_names(self) -> None:
        assert parse_var_names(None) == (None,)
        assert parse_var_names("x") == ("x",)
        assert parse_var_names(n for n in "xy") == ("x", "y")

    @pytest.mark.parametrize(
        ("names", "dims", "found"),
        [
            (["x", "y"], None, {"x": (), "y": ()}),
            (["x", "y"], ["t", []], {"x": ("t",), "y": ()}),
            (["x", "y"], [["t", "s"], "u"], {"x": ("t", "s"), "y": ("u",)}),
            (["x"], "t", {"x": ("t",)}),
            (["x", "y"], {"y": ["t", "s"]}, {"x": (), "y": ("t", "s")}),
            (["x", "y"], [("y", "t")], {"x": (), "y": ("t",)}),
            (["x", "y", "z"], {("x", "z"): "t"}, {"x": ("t",), "y": (), "z": ("t",)}),
            (None, None, {None: ()}),
            (["x"], {"x": ...}, {"x": ...}),
        ],
    )
    def test_dims(self, names: Any, dims: Any, found: Any) -> None:
        assert parse_var_dims(dims, names) == found

    @pytest.mark.parametrize(
        ("names", "dims"),
        [
            (["x", "y"], "t"),
            (["x", "y"], [["t", "s"]]),
            (["x", "y"], ["t"]),
            (["x"], {"z": "t"}),
            (None, {"x": "t"}),
        ],
    )
    def test_dims_that_do_not_fit(self, names: Any, dims: Any) -> None:
        with pytest.raises(ValueError, match="var_dims got"):
            parse_var_dims(dims, names)

    def test_mappings(self) -> None:
        assert parse_mapping(()) == {}
        assert parse_mapping([("a", 1)]) == {"a": 1}
        given = {"a": 1}
        assert parse_mapping(given) == given
        assert parse_mapping(given) is not given


def test_in_order_is_the_same_in_every_process() -> None:
    """B20: what cannot be sorted stays as it came, not as a set has it."""
    assert in_order(["b", "a"]) == ["a", "b"]
    assert in_order([2, "a", None]) == [2, "a", None]
    assert in_order([{1}, {2, 3}]) == [{1}, {2, 3}]
    found = in_order([float("nan"), 2.0, 1.0])
    assert found[:2] == [1.0, 2.0]
    assert np.isnan(found[2])
