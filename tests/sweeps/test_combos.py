"""combo_runner and case_runner: nested tuples."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.sweeps import case_runner, combo_runner
from headrace.sweeps.combos import nan_like
from support.require import require


def quietly(*args: Any, **kwargs: Any) -> Any:
    return combo_runner(*args, verbosity=0, **kwargs)


def foo(a: Any, b: Any) -> Any:
    return a, b


class TestShapes:
    def test_the_last_combo_is_fastest(self) -> None:
        found = quietly(foo, {"a": [1, 2], "b": [3, 4, 5]})
        assert found == tuple(tuple((a, b) for b in (3, 4, 5)) for a in (1, 2))

    def test_flat(self) -> None:
        assert quietly(foo, {"a": [1, 2], "b": [3, 4]}, flat=True) == ((1, 3), (1, 4), (2, 3), (2, 4))

    def test_split(self) -> None:
        assert quietly(foo, {"a": [1, 2], "b": [3, 4]}, split=True) == (((1, 1), (2, 2)), ((3, 4), (3, 4)))
        assert quietly(foo, {"a": [1, 2], "b": [3]}, split=True, flat=True) == ((1, 2), (3, 3))

    def test_one_argument(self) -> None:
        assert quietly(lambda x: x + 1, {"x": range(3)}) == (1, 2, 3)
        assert quietly(lambda x: x + 1, ("x", range(3))) == (1, 2, 3)

    def test_nothing_to_vary_gives_the_bare_result(self) -> None:
        assert quietly(lambda x: x + 1, constants={"x": 3}) == 4
        assert quietly(foo, constants={"a": 3, "b": 4}, split=True) == (3, 4)

    def test_results_are_the_very_objects(self) -> None:
        thing = object()
        assert quietly(lambda x: thing, {"x": [1]})[0] is thing

    @pytest.mark.parametrize(
        ("combos", "cases", "found"),
        [
            ({"a": []}, None, ()),
            ({"a": [1, 2], "b": []}, None, ((), ())),
            ({"a": [1, 2], "b": [], "c": [3]}, None, ((), ())),
            (None, [], ()),
            ({"a": [1]}, [], ()),
        ],
    )
    def test_no_values_no_results(self, combos: Any, cases: Any, found: Any) -> None:
        """B20: not an IndexError."""
        assert quietly(lambda **settings: 1, combos, cases=cases) == found
        assert quietly(lambda **settings: 1, combos, cases=cases, flat=True) == ()


class TestCases:
    def test_places_that_are_no_case_hold_nan(self) -> None:
        found = quietly(lambda a, b: a * b, cases=[{"a": 2, "b": 5}, {"a": 1, "b": 7}])
        assert found[0][1] == 7
        assert found[1][0] == 10
        assert np.isnan(found[0][0])
        assert np.isnan(found[1][1])

    def test_cases_with_combos(self) -> None:
        found = quietly(lambda a, b, c: (a, b, c), {"c": "xy"}, cases=[{"a": 1, "b": 2}, {"a": 0, "b": 2}])
        assert found == ((((0, 2, "x"), (0, 2, "y")),), (((1, 2, "x"), (1, 2, "y")),))

    def test_of_equal_cases_the_last_wins(self) -> None:
        count = iter(range(9))
        assert quietly(lambda a: next(count), cases=[{"a": 1}, {"a": 0}, {"a": 1}]) == (1, 2)

    def test_split_with_holes(self) -> None:
        one, two = quietly(lambda a, b: (f"{a}", np.full(2, b)), cases=[{"a": 1, "b": 2}, {"a": 2, "b": 3}], split=True)
        assert one == (("1", None), (None, "2"))
        assert np.isnan(two[0][1]).all()
        assert two[0][1].shape == (2,)

    def test_cases_too_far_apart_are_refused_before_the_first_call(self) -> None:
        calls: list[int] = []
        cases = [{"a": i, "b": -i} for i in range(20_000)]
        with pytest.raises(hr.DataError, match="flat=True"):
            quietly(lambda a, b: calls.append(a), cases=cases)
        assert calls == []
        assert len(quietly(lambda a, b: a, cases=cases, flat=True)) == 20_000

    @pytest.mark.parametrize(
        ("result", "hole"),
        [
            (1, np.nan),
            (2.0, np.nan),
            (1j, np.nan),
            ("a", None),
            (True, None),
            (None, None),
            (b"a", None),
            ((1, "a"), (np.nan, np.nan)),
            ([1, [2, 3]], (np.nan, [np.nan, np.nan])),
            (np.arange(2), [np.nan, np.nan]),
        ],
    )
    def test_what_stands_in_a_hole(self, result: Any, hole: Any) -> None:
        np.testing.assert_equal(nan_like(result), hole)

    def test_case_runner(self) -> None:
        assert case_runner(foo, ("a", "b"), [(1, 2), (3, 4)], verbosity=0) == ((1, 2), (3, 4))
        assert case_runner(foo, None, [{"a": 1, "b": 2}], verbosity=0) == ((1, 2),)
        assert case_runner(foo, "a", [1, 2], constants={"b": 0}, verbosity=0) == ((1, 0), (2, 0))
        assert case_runner(foo, ("a", "b"), [(1,), (2,)], constants={"b": 0}, verbosity=0) == ((1, 0), (2, 0))
        assert case_runner(foo, "a", [1, 2], {"b": [5, 6]}, split=True, verbosity=0) == ((1, 1, 2, 2), (5, 6, 5, 6))
        assert case_runner(foo, None, [], verbosity=0) == ()

    def test_tuples_take_the_names_of_the_function(self) -> None:
        assert combo_runner(foo, cases=[(1, 2), (3, 4)], flat=True, verbosity=0) == ((1, 2), (3, 4))


class TestArguments:
    def test_constants_win(self) -> None:
        assert quietly(foo, {"a": [1, 2], "b": [3]}, constants={"a": 9}) == (((9, 3),), ((9, 3),))

    def test_what_a_function_does_to_its_settings_stays_its_own(self) -> None:
        def greedy(**settings: Any) -> int:
            found = sorted(settings)
            settings.clear()
            return len(found)

        assert quietly(greedy, {"a": [1, 2], "b": [3, 4]}) == ((2, 2), (2, 2))

    def test_values_without_a_hash(self) -> None:
        """B6."""
        assert quietly(lambda a, b: len(a) + b, {"a": [[1, 2], [3]], "b": [0, 1]}) == ((2, 3), (1, 2))

    def test_settings_that_there_are_not(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="on_error"):
            quietly(foo, {"a": [1]}, on_error="ignore")
        with pytest.raises(hr.StreamConfigError, match="seed"):
            quietly(foo, {"a": [1]}, seed=1.5)


class TestShuffle:
    @pytest.mark.parametrize("shuffle", [True, 7])
    def test_results_come_in_order(self, shuffle: Any) -> None:
        ran: list[int] = []

        def noted(x: int) -> int:
            ran.append(x)
            return x

        assert quietly(noted, {"x": range(50)}, shuffle=shuffle) == tuple(range(50))
        assert sorted(ran) == list(range(50)) != ran

    def test_the_global_generator_is_left_alone(self) -> None:
        """B5."""
        before, numpy_before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # a tuple
        quietly(lambda x: x, {"x": range(50)}, shuffle=True)
        assert random.getstate() == before
        assert np.random.get_state()[1].tolist() == numpy_before  # type: ignore[index]  # a tuple

    def test_with_cases_and_split(self) -> None:
        cases = [{"a": a, "b": a * a % 7} for a in range(6)]
        once = quietly(lambda a, b, c: (a, b + c), {"c": [1, 2]}, cases=cases, split=True)
        again = quietly(lambda a, b, c: (a, b + c), {"c": [1, 2]}, cases=cases, split=True, shuffle=3)
        np.testing.assert_equal(again, once)


class TestParallel:
    def test_threads_of_the_callers(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            assert quietly(foo, {"a": range(20), "b": range(20)}, executor=pool) == quietly(
                foo, {"a": range(20), "b": range(20)}
            )
            assert pool.submit(int, "3").result() == 3

    @pytest.mark.parametrize("shuffle", [False, 5])
    def test_processes(self, shuffle: Any) -> None:
        found = quietly(lambda a, b: (a, b), {"a": range(20)}, constants={"b": 2}, parallel=2, shuffle=shuffle)
        assert found == tuple((a, 2) for a in range(20))

    @pytest.mark.parametrize("executor", ["serial", "threads", "processes"])
    def test_by_name(self, executor: str) -> None:
        assert quietly(lambda a: a * a, {"a": range(9)}, executor=executor, num_workers=2) == tuple(
            a * a for a in range(9)
        )

    def test_a_context_of_joblib_is_honoured(self) -> None:
        joblib = require("joblib")
        with joblib.parallel_config(backend="threading", n_jobs=2):
            names = set(quietly(lambda a: threading.current_thread().name, {"a": range(99)}))
        assert threading.current_thread().name not in names

    def test_no_executor(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="executor="):
            quietly(foo, {"a": [1], "b": [2]}, executor=3)

    def test_cases(self) -> None:
        cases = [{"a": a, "b": -a} for a in range(9)]
        np.testing.assert_equal(
            quietly(lambda a, b: a + b, cases=cases, num_workers=2), quietly(lambda a, b: a + b, cases=cases)
        )


def test_nested_tuples_need_no_heavy_package() -> None:
    code = (
        "import sys; from headrace.sweeps import combo_runner; combo_runner(lambda a: a, {'a': [1]}, verbosity=0);"
        " print([m for m in ('xarray', 'pandas', 'scipy', 'tqdm', 'zmq') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
