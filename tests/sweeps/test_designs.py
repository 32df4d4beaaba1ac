"""Values for arguments: spaced, drawn, paired, spread, refined."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.sweeps import (
    Adaptive,
    Benchmarker,
    Points,
    Runner,
    combo_runner,
    draws,
    halton,
    latin_hypercube,
    linspace,
    logspace,
    sobol,
    zipped,
)
from headrace.testing import elsewhere
from support.require import require

SPREADS = [sobol, halton, latin_hypercube]


def test_spaced() -> None:
    assert linspace(0, 1, 3) == [0.0, 0.5, 1.0]
    assert logspace(0, 2, 3) == [1.0, 10.0, 100.0]
    assert linspace(0, 1, 0) == []


@pytest.mark.parametrize("spread", SPREADS)
class TestSpread:
    def test_within_bounds(self, spread: Any) -> None:
        require("scipy")
        values = spread(-1, 3, 100)
        assert len(values) == len(set(values)) == 100
        assert all(type(value) is float and -1 <= value <= 3 for value in values)
        rows = spread([0, 10], [1, 20], 5)
        assert [len(row) for row in rows] == [2] * 5
        assert all(0 <= x <= 1 and 10 <= y <= 20 for x, y in rows)

    def test_better_than_chance(self, spread: Any) -> None:
        require("scipy")
        counts = np.histogram(spread(0, 1, 64), bins=16, range=(0, 1))[0]
        assert counts.min() >= 3
        assert counts.max() <= 5

    def test_the_same_for_the_same_seed(self, spread: Any) -> None:
        require("scipy")
        assert spread(0, 1, 9) == spread(0, 1, 9) == elsewhere(spread, 0, 1, 9)
        assert spread(0, 1, 9) != spread(0, 1, 9, seed=1)

    def test_bounds_that_are_none(self, spread: Any) -> None:
        for lo, hi in ((1, 0), ([0, 0], [1, 0]), ([0], [1, 2]), ([], [])):
            with pytest.raises(hr.StreamConfigError, match="lower and a higher"):
                spread(lo, hi, 3)
        with pytest.raises(hr.StreamConfigError, match="how many"):
            spread(0, 1, 2.5)


@pytest.mark.parametrize("spread", [sobol, halton])
def test_fewer_are_the_first_of_more(spread: Any) -> None:
    require("scipy")
    assert spread(0, 1, 21)[:5] == spread(0, 1, 5)


def test_several_arguments_at_once() -> None:
    require("scipy")
    points = Points({("x", "y"): sobol([0, 0], [1, 1], 4), "c": [1, 2]})
    assert len(points) == 8
    assert list(points[0]) == ["x", "y", "c"]
    table = Runner(lambda x, y, c: x + y + c, "z", verbosity=0).run_combos(
        {("x", "y"): sobol([0, 0], [1, 1], 4), "c": [1, 2]}, to_df=True
    )
    assert list(table.columns) == ["x", "y", "c", "z"]


def test_zipped() -> None:
    assert combo_runner(lambda a, b: a + b, {("a", "b"): zipped([1, 2], "xy")}, flat=True, on_error="keep", verbosity=0)
    assert list(Points({("a", "b"): zipped([1, 2], "xy")})) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    with pytest.raises(hr.StreamConfigError, match=r"\[2, 3\]"):
        zipped([1, 2], [1, 2, 3])


def test_draws() -> None:
    found = draws(lambda rng: float(rng.normal()), 4, seed=3)
    assert found == draws(lambda rng: float(rng.normal()), 4, seed=3)
    assert len(set(found)) == 4
    assert draws(lambda rng: float(rng.normal()), 6, seed=3)[:4] == found
    count = iter(range(9))
    assert draws(lambda: next(count), 3) == [0, 1, 2]
    with pytest.raises(hr.StreamConfigError, match="function"):
        draws(3, 2)  # type: ignore[arg-type]  # what is tested


class TestAdaptive:
    def test_it_goes_where_the_function_changes(self) -> None:
        runner = Runner(lambda x: np.tanh(200 * (x - 0.3)), "y", verbosity=0)
        ds = runner.run_combos({"x": Adaptive((0, 1), n=40)})
        xs = ds["x"].values
        assert len(xs) == 40
        assert (np.diff(xs) > 0).all()
        assert ((xs > 0.27) & (xs < 0.33)).sum() > 12
        assert (xs[0], xs[-1]) == (0, 1)

    @pytest.mark.parametrize("way", [{"parallel": 2}, {"shuffle": 3}])
    def test_the_same_in_any_way(self, way: Any) -> None:
        xr = require("xarray")

        def noisy(x: float, p: int, *, rng: Any) -> tuple[float, float]:
            return x**p, float(rng.normal())

        runner = Runner(noisy, ["y", "z"], verbosity=0)
        combos = {"p": [1, 2], "x": Adaptive((0, 1), n=21)}
        found = runner.run_combos(combos)
        assert found["y"].dims == ("p", "x")
        np.testing.assert_allclose(found["y"].sel(p=2), found["x"] ** 2)
        xr.testing.assert_identical(found, runner.run_combos(combos, **way))
        plain = runner.run_combos({"p": [1, 2], "x": found["x"].values})
        np.testing.assert_array_equal(plain["z"], found["z"])

    def test_a_loss_of_ones_own(self) -> None:
        ds = Runner(lambda x: x, "y", verbosity=0).run_combos(
            {"x": Adaptive((0, 1), lambda xs, ys: float(xs[0] < 0.25) * (xs[1] - xs[0]), n=15)}
        )
        assert (ds["x"] <= 0.25).sum() >= 11

    def test_a_goal_ends_it(self) -> None:
        found = Runner(lambda x: 0.0, "y", verbosity=0).run_combos({"x": Adaptive((0, 1), n=1000, goal=0.1)})
        assert 11 <= len(found["x"]) <= 32

    def test_failures_and_nan_do_no_harm(self) -> None:
        def half(x: float) -> tuple[float, float]:
            if x > 0.5:
                raise RuntimeError("out of range")
            return (np.nan, x)

        runner = Runner(half, ["y", "z"], verbosity=0, on_error="nan")
        found = runner.run_combos({"x": Adaptive((0, 1), n=20)})
        assert len(found["x"]) == 20
        assert len(runner.failures) == int((found["x"] > 0.5).sum())

    def test_it_ends_where_no_number_lies_between(self) -> None:
        lo = 1.0
        hi = np.nextafter(np.nextafter(lo, 2), 2)
        assert len(Runner(lambda x: x, "y", verbosity=0).run_combos({"x": Adaptive((lo, hi), n=9, start=2)})["x"]) == 3

    def test_what_makes_no_sense(self) -> None:
        wrong: list[tuple[Any, ...]] = [((1, 0),), ((0, 1), None, 3), ((0, 1), 3)]
        for arguments in wrong:
            with pytest.raises(hr.StreamConfigError, match="Adaptive"):
                Adaptive(*arguments)
        runner = Runner(lambda x, y: "text", "z", verbosity=0)
        with pytest.raises(hr.StreamConfigError, match="wanted one"):
            runner.run_combos({"x": Adaptive((0, 1)), "y": Adaptive((0, 1))})
        with pytest.raises(hr.DataError, match="numbers"):
            runner.run_combos({"x": Adaptive((0, 1)), "y": [1]})
        with pytest.raises(hr.StreamConfigError, match="run_combos"):
            combo_runner(lambda x: x, {"x": Adaptive((0, 1))}, verbosity=0)

    @pytest.mark.parametrize("bounds", [0, ("a", "b"), (0, math.inf), (-math.inf, 0), (1, 0), (0, math.nan)])
    def test_bounds_of_no_range(self, bounds: Any) -> None:
        with pytest.raises(hr.StreamConfigError, match=r"Adaptive\(bounds\).*wanted a lower and a higher end"):
            Adaptive(bounds)

    def test_losses_of_no_use(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="wanted a function of two neighbours"):
            Adaptive((0, 1), lambda x: x)  # type: ignore[arg-type,misc]
        with pytest.raises(hr.DataError, match="got 'much' from its loss, wanted a number"):
            Runner(lambda x: x, "y", verbosity=0).run_combos({"x": Adaptive((0, 1), lambda x, y: "much")})  # type: ignore[arg-type,return-value]

    def test_several_arguments_at_once_are_refused(self) -> None:
        with pytest.raises(hr.StreamConfigError, match="one pair of bounds"):
            Runner(lambda a, b: a, "y").run_combos({("a", "b"): Adaptive((0, 1))})

    def test_both_parts_of_a_complex_result_count(self) -> None:
        runner = Runner(lambda x: 1 + 1j * (x > 0.3), "y", verbosity=0)
        ds = runner.run_combos({"x": Adaptive((0, 1), n=16)})
        assert abs(ds.x - 0.3).min() < 0.01


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: linspace("a", 1, 3), "two finite numbers"),  # type: ignore[arg-type]
        (lambda: linspace(0, math.inf, 3), "two finite numbers"),
        (lambda: logspace(0, [1], 3), "two finite numbers"),  # type: ignore[arg-type]
        (lambda: zipped(3, 4), "wanted the values of an argument"),  # type: ignore[arg-type]
        (lambda: draws(lambda x: 1, 2), "which needs x"),
        (lambda: Benchmarker(sum), "wanted several functions"),  # type: ignore[arg-type]
        (lambda: Benchmarker([3]), "wanted several functions"),  # type: ignore[list-item]
        (lambda: combo_runner(3, {"a": [1]}), "wanted a function"),  # type: ignore[arg-type]
        (lambda: Runner(lambda a: a, "y", shuffle="x"), "shuffle='x'"),
        (lambda: Runner(lambda a: a, "y", verbosity="x"), "verbosity='x'"),
        (lambda: Runner(lambda a: a, "y", constants="b"), "wanted a mapping"),
    ],
)
def test_slips_say_what_was_wanted(make: Any, told: str) -> None:
    with pytest.raises(hr.StreamConfigError) as caught:
        make()
    assert told in str(caught.value)
    assert "\n  " in str(caught.value)  # what to do
