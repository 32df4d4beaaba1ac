"""The engine: errors, random numbers, outcomes one by one."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from headrace.core.key import Key
from headrace.sweeps import Points, Runner, combo_runner, point_key
from headrace.sweeps.run import How, run_points

WAYS: list[dict[str, Any]] = [{}, {"shuffle": 3}, {"parallel": 2}, {"parallel": 2, "shuffle": True}]
way = pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(way) or "serial")


class Diverged(RuntimeError):
    pass


def diverges(a: int, b: int) -> int:
    if a == 2 and b == 1:
        raise Diverged("no convergence")
    return a + b


def leaves(a: int, b: int) -> int:
    if a == 2 and b == 1:
        sys.exit("bad a")  # as argparse does
    return a + b


COMBOS = {"a": [0, 1, 2, 3], "b": [0, 1, 2]}


class TestErrors:
    @way
    def test_the_error_names_its_arguments(self, way: Any) -> None:
        """B16."""
        with pytest.raises(Diverged, match="no convergence") as caught:
            combo_runner(diverges, COMBOS, verbosity=0, **way)
        assert "  while calling diverges(a=2, b=1)" in caught.value.__notes__
        assert len(caught.value.__notes__) == len(set(caught.value.__notes__))

    @way
    def test_keep_gives_errors_for_results(self, way: Any) -> None:
        found = combo_runner(diverges, COMBOS, verbosity=0, on_error="keep", **way)
        assert isinstance(found[2][1], Diverged)
        assert found[2][1].__traceback__ is None, "frames would keep alive what the call held"
        assert [found[a][b] for a in range(4) for b in range(3) if (a, b) != (2, 1)] == [
            a + b for a in range(4) for b in range(3) if (a, b) != (2, 1)
        ]

    @way
    def test_nan_leaves_holes(self, way: Any) -> None:
        found = combo_runner(diverges, COMBOS, verbosity=0, on_error="nan", **way)
        assert np.isnan(found[2][1])
        assert found[2][2] == 4

    @pytest.mark.parametrize(
        "way", [*WAYS, {"executor": "threads", "num_workers": 2}], ids=lambda way: "-".join(way) or "serial"
    )
    def test_a_function_that_leaves_python_has_failed(self, way: Any) -> None:
        runner = Runner(leaves, "y", verbosity=0, **way)
        found = runner.run_combos(COMBOS, on_error="keep")["y"]
        assert np.isnan(found.sel(a=2, b=1))
        assert int(found.count()) == 11
        assert [(failed.settings, str(failed.error)) for failed in runner.failures] == [({"a": 2, "b": 1}, "bad a")]
        assert isinstance(runner.failures[0].error, SystemExit)
        with pytest.raises(SystemExit) as caught:
            runner.run_combos(COMBOS)
        assert caught.value.code == "bad a"
        assert "  while calling leaves(a=2, b=1)" in caught.value.__notes__
        kept = dict.fromkeys(run_points(leaves, Points(COMBOS), how=How(verbosity=0, on_error="nan", **way)))
        assert {i: type(outcome.error) for i, outcome in kept if outcome.error is not None} == {7: SystemExit}

    def test_split_with_errors(self) -> None:
        def pair(a: int, b: int) -> tuple[int, str]:
            return diverges(a, b), "s"

        one, two = combo_runner(pair, COMBOS, verbosity=0, split=True, on_error="nan")
        assert np.isnan(one[2][1])
        assert two[2][2] == "s"
        one, two = combo_runner(pair, COMBOS, verbosity=0, split=True, on_error="keep")
        assert one[2][1] is two[2][1]

    @pytest.mark.parametrize("error", [Diverged, KeyboardInterrupt])
    def test_a_runner_keeps_what_came_before(self, error: type[BaseException]) -> None:
        def fails_late(a: int) -> int:
            if a == 700:
                raise error
            return a

        runner = Runner(fails_late, "y", verbosity=0)
        with pytest.raises(error) as caught:
            runner.run_combos({"a": range(1000)})
        assert runner.last_ds["y"].notnull().sum() == 700
        assert "the 700 of 1000 calls before it are in last_ds" in "".join(caught.value.__notes__)

    def test_a_misfit_does_not_hide_what_was_raised(self) -> None:
        results: dict[int, Any] = {0: 1, 1: np.zeros(3)}
        for way in WAYS[::2]:
            with pytest.raises(KeyError, match="2"):
                Runner(lambda a: results[a], "y", verbosity=0, **way).run_combos({"a": range(2, 3)})
        assert results

    @way
    def test_a_runner_keeps_a_table_of_failures(self, way: Any) -> None:
        runner = Runner(diverges, "y", verbosity=0, on_error="keep", **way)
        ds = runner.run_combos(COMBOS)
        assert np.isnan(ds["y"].sel(a=2, b=1))
        assert int(ds["y"].isnull().sum()) == 1
        (failed,) = runner.failures
        assert failed.settings == {"a": 2, "b": 1}
        assert isinstance(failed.error, Diverged)
        assert "in diverges" in failed.traceback
        assert failed.row() == {
            "a": 2, "b": 1, "error": "Diverged", "message": "no convergence", "traceback": failed.traceback,
        }  # fmt: skip
        runner.run_combos({"a": [0], "b": [0]})
        assert runner.failures == []

    def test_all_failed(self) -> None:
        def never(a: int) -> None:
            raise Diverged(str(a))

        ds = Runner(never, "y", verbosity=0, on_error="nan").run_combos({"a": [1, 2]})
        assert ds["y"].isnull().all()
        assert all(
            isinstance(found, Diverged) for found in combo_runner(never, {"a": [1, 2]}, verbosity=0, on_error="keep")
        )

    def test_what_came_before_an_error_is_handed_over(self) -> None:
        seen: list[int] = []
        points = Points({"a": range(10)})

        def fails_late(a: int) -> int:
            if a == 7:
                raise Diverged
            return a

        with pytest.raises(Diverged):
            seen.extend(i for i, _ in _each(run_points(fails_late, points, how=How(verbosity=0)), seen))
        assert seen == list(range(7))

    def test_ctrl_c_passes_untouched(self) -> None:
        def struck(a: int) -> int:
            if a == 5:
                raise KeyboardInterrupt
            return a

        for on_error in ("raise", "keep"):
            with pytest.raises(KeyboardInterrupt):
                combo_runner(struck, {"a": range(9)}, verbosity=0, on_error=on_error)

    def test_stop_iteration_ends_nothing_silently(self) -> None:
        def ends(a: int) -> Any:
            return next(iter(()))

        with pytest.raises(StopIteration):
            combo_runner(ends, {"a": range(3)}, verbosity=0)

    def test_a_repr_that_fails_hides_no_error(self) -> None:
        class Odd:
            def __repr__(self) -> str:
                raise ValueError("repr")

        with pytest.raises(Diverged) as caught:
            combo_runner(lambda a: diverges(2, 1), {"a": [Odd()]}, verbosity=0)
        assert "a=<Odd>" in "".join(caught.value.__notes__)


def _each(outcomes: Iterator[Any], seen: list[int]) -> Iterator[Any]:
    for i, outcome in outcomes:
        seen.append(i)
        assert outcome.value == i
        if False:
            yield i, outcome


class TestFailFast:
    def test_a_slip_of_the_pen_ends_it_at_once(self) -> None:
        calls: list[int] = []

        def slip(a: int) -> int:
            calls.append(a)
            return a + int(undefined)  # type: ignore[name-defined]  # noqa: F821  # what is tested

        with pytest.raises(NameError) as caught:
            combo_runner(slip, {"a": range(1000)}, verbosity=0, on_error="keep")
        assert len(calls) == 3
        assert "fail_fast=False" in "".join(caught.value.__notes__)
        assert "slip(a=2)" in "".join(caught.value.__notes__)

    def test_other_errors_have_longer(self) -> None:
        calls: list[int] = []

        def never(a: int) -> None:
            calls.append(a)
            raise Diverged("no license")

        with pytest.raises(Diverged):
            combo_runner(never, {"a": range(1000)}, verbosity=0, on_error="nan")
        assert len(calls) == 10
        calls.clear()
        combo_runner(never, {"a": range(1000)}, verbosity=0, on_error="nan", fail_fast=False)
        assert len(calls) == 1000

    def test_one_success_or_another_error_is_enough_to_go_on(self) -> None:
        def first_only(a: int) -> int:
            if a:
                raise TypeError("of the solver")
            return a

        assert len(combo_runner(first_only, {"a": range(100)}, verbosity=0, on_error="nan")) == 100

        def varied(a: int) -> None:
            raise Diverged(f"residual {a}")

        assert len(combo_runner(varied, {"a": range(100)}, verbosity=0, on_error="nan")) == 100

    def test_in_parallel(self) -> None:
        def slip(a: int) -> int:
            return a + None  # type: ignore[operator]  # what is tested

        with ThreadPoolExecutor(2) as pool, pytest.raises(TypeError):
            combo_runner(slip, {"a": range(100_000)}, verbosity=0, on_error="keep", executor=pool)


def draws(a: int, b: float, *, rng: Any) -> float:
    return float(rng.random()) + 0 * (a + b)


class TestRandomNumbers:
    def test_they_follow_the_point_alone(self) -> None:
        combos = {"a": [1, 2, 3], "b": [0.5, 1.5]}
        whole = combo_runner(draws, combos, verbosity=0)
        assert len({x for row in whole for x in row}) == 6
        for each in WAYS:
            assert combo_runner(draws, combos, verbosity=0, **each) == whole
        turned = combo_runner(draws, {"b": [1.5, 0.5], "a": [3, 2, 1]}, verbosity=0)
        assert turned == tuple(tuple(whole[a][b] for a in (2, 1, 0)) for b in (1, 0))
        assert combo_runner(draws, {"a": [2.0], "b": [np.float32(1.5)]}, verbosity=0) == ((whole[1][1],),)
        later = combo_runner(draws, {"b": [0.5]}, cases=[{"a": 3}, {"a": 4}], verbosity=0)
        assert later[0][0] == whole[2][0] != later[1][0]

    def test_the_address_is_known(self) -> None:
        """Ledgers and samplers draw by it."""
        found = combo_runner(draws, {"a": [1], "b": [2]}, verbosity=0, seed=7)[0][0]
        key = Key(7).child("point", point_key({"a": 1, "b": 2}).hex())
        assert found == float(key.rng().random())

    def test_seeds_differ(self) -> None:
        combos = {"a": [1, 2], "b": [1]}
        assert combo_runner(draws, combos, verbosity=0, seed=1) != combo_runner(draws, combos, verbosity=0)
        assert combo_runner(draws, combos, verbosity=0, seed=np.int64(1)) == combo_runner(
            draws, combos, verbosity=0, seed=1
        )

    def test_constants_are_no_part_of_the_address(self) -> None:
        one = combo_runner(draws, {"a": [1, 2]}, constants={"b": 1}, verbosity=0)
        assert one == combo_runner(draws, {"a": [1, 2]}, constants={"b": 2}, verbosity=0)
        assert one == combo_runner(draws, {"a": [1, 2]}, constants={"b": 2}, verbosity=0, parallel=2)

    def test_a_generator_of_the_callers_is_handed_over(self) -> None:
        mine = np.random.default_rng(1)
        assert combo_runner(lambda a, rng: rng, {"a": [1]}, constants={"rng": mine}, verbosity=0)[0] is mine

    def test_no_global_generator_is_touched(self) -> None:
        before = random.getstate()
        combo_runner(draws, {"a": [1, 2], "b": [1]}, verbosity=0, shuffle=True)
        assert random.getstate() == before

    def test_runner_stream_and_table_agree(self) -> None:
        runner = Runner(draws, "y", verbosity=0, seed=3)
        combos = {"a": [1, 2], "b": [0.5, 1.5]}
        values = runner.run_combos(combos)["y"].values.ravel().tolist()
        assert [y for _, y in runner.stream(combos)] == values
        assert runner.run_combos(combos, to_df=True, shuffle=4)["y"].tolist() == values


class TestOutcomes:
    @way
    def test_every_point_comes_once(self, way: Any) -> None:
        points = Points(COMBOS, constants={"c": 3})
        found = dict(
            run_points(lambda a, b, c, d: (a, b, c, d), points, resources={"d": 4}, how=How(verbosity=0, **way))
        )
        assert sorted(found) == list(range(12))
        assert all(found[i].value == (*points[i].values(), 3, 4) for i in found)
        assert all(found[i].error is None and found[i].seconds >= 0 for i in found)

    @way
    def test_failed_ones_too(self, way: Any) -> None:
        found = dict(run_points(diverges, Points(COMBOS), how=How(verbosity=0, on_error="keep", **way)))
        assert [i for i in sorted(found) if found[i].error is not None] == [7]
        assert "a=2, b=1" in "".join(found[7].error.__notes__)  # type: ignore[union-attr]  # it is one

    def test_closing_early_is_fine(self) -> None:
        for way in WAYS:
            outcomes: Any = run_points(diverges, Points({"a": range(1000), "b": [0]}), how=How(verbosity=0, **way))
            next(outcomes)
            outcomes.close()

    def test_a_runner_gives_them(self) -> None:
        runner = Runner(diverges, "y", verbosity=0)
        points = runner.points({"a": [1, 2], "b": [0]})
        assert [(i, outcome.value) for i, outcome in runner.run(points)] == [(0, 1), (1, 2)]
