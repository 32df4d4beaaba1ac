"""What fits no function, or says two things at once, is refused before the first call."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import StreamConfigError
from headrace.sweeps import Harvester, Runner, Sampler, case_runner, combo_runner, combo_runner_to_ds, label
from support.require import require

require("xarray")

calls: list[Any] = []


def f(a: Any, b: Any = 1, **_: Any) -> Any:
    calls.append((a, b))
    return a * b


def strict(noise: float, size: int = 2) -> float:
    calls.append(noise)
    return noise * size


@pytest.fixture(autouse=True)
def _anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    monkeypatch.chdir(tmp_path)


SWEPT = {"a": [1], "b": [1, 2, 3]}


class TestSweptOnce:
    """A point says what the function was called with."""

    @pytest.mark.parametrize("what", ["constants", "resources"])
    @pytest.mark.parametrize("run", ["run_combos", "run_cases", "stream", "harvest", "sample", "label"])
    def test_an_argument_that_varies_is_no_constant(self, what: str, run: str) -> None:
        runner = Runner(f, "y", verbosity=0, **{what: {"b": 10}})
        begin: dict[str, Callable[[], Any]] = {
            "run_combos": lambda: runner.run_combos(SWEPT),
            "run_cases": lambda: runner.run_cases([{"a": 1, "b": 2}]),
            "stream": lambda: runner.stream(SWEPT),
            "harvest": lambda: Harvester(runner, "h").harvest_combos(SWEPT),
            "sample": lambda: Sampler(runner, "s", {"a": 1, "b": [1, 2]}).sample_combos(3),
            "label": lambda: label("y", verbosity=0, **{what: {"b": 10}})(f).run_combos(SWEPT),  # type: ignore[arg-type]
        }
        with pytest.raises(
            StreamConfigError, match=rf"'b' among those that vary and in {what}.*wanted it in one place"
        ):
            begin[run]()
        assert not calls

    def test_nor_one_of_a_single_run(self) -> None:
        with pytest.raises(StreamConfigError, match="in constants"):
            Runner(f, "y", verbosity=0).run_combos(SWEPT, {"b": 10})
        with pytest.raises(StreamConfigError, match="in constants"):
            combo_runner_to_ds(f, SWEPT, "y", constants={"a": 1}, verbosity=0)
        assert not calls

    def test_a_constant_of_a_harvest_is_where_its_points_are(self) -> None:
        harvester = Harvester(Runner(f, "y", verbosity=0), "h")
        harvester.harvest_combos(SWEPT)
        harvester.harvest_combos({"a": [5]}, constants={"b": 2})
        assert harvester.full_ds["y"].sel(a=5, b=2).item() == 10
        Harvester(Runner(f, "y", verbosity=0, constants={"b": 3}), "h").harvest_combos({"a": [5]})
        assert harvester.full_ds["y"].sel(a=5, b=3).item() == 15


class TestFits:
    """Arguments that a function has not, or needs."""

    @pytest.mark.parametrize(
        "begin",
        [
            lambda: Runner(strict, "y").run_combos({"niose": [1]}),
            lambda: Runner(strict, "y").run_combos({"noise": [1]}, {"niose": 3}),
            lambda: Runner(strict, "y", resources={"niose": 3}).run_combos({"noise": [1]}),
            lambda: Harvester(Runner(strict, "y")).harvest_combos({"niose": [1]}),
            lambda: Sampler(Runner(strict, "y"), None, {"niose": 1}).sample_combos(1),
            lambda: combo_runner(strict, {"niose": [1]}),
            lambda: case_runner(strict, None, [{"niose": 1}]),
        ],
    )
    def test_a_name_that_is_no_argument(self, begin: Callable[[], Any]) -> None:
        with pytest.raises(StreamConfigError, match=r"'niose', wanted one of noise, size\. Did you mean 'noise'\?"):
            begin()
        assert not calls

    def test_one_that_is_missing(self) -> None:
        with pytest.raises(StreamConfigError, match="no value for 'noise'"):
            Runner(strict, "y").run_combos({"size": [1]}, on_error="keep")
        with pytest.raises(StreamConfigError, match="no value for 'noise'"):
            combo_runner(strict)

    def test_what_fills_in_arguments_is_called_to_find_out(self) -> None:
        @functools.wraps(strict)
        def filled(*args: Any, **kwargs: Any) -> float:
            return strict(*args, **{"noise": 5, **kwargs})

        assert Runner(filled, "y", verbosity=0).run_combos({"size": [1, 2]})["y"].values.tolist() == [5, 10]
        assert combo_runner(functools.partial(strict, 4), {"size": [1, 2]}, verbosity=0) == (4, 8)
        assert combo_runner(functools.partial(strict, noise=4), {"size": [1]}, verbosity=0) == (4,)
        assert combo_runner(lambda **kw: len(kw), {"x": [1], "y": [2]}, verbosity=0) == ((2,),)
        assert combo_runner(lambda a, *, rng: a, {"a": [1]}, verbosity=0) == (1,)
        assert len(Runner(strict, "y", verbosity=0).run_cases([])) == 0

    def test_a_method_without_its_object(self) -> None:
        class Thing:
            def at(self, a: int) -> int:
                return a

        with pytest.raises(StreamConfigError, match="taken from one"):
            Runner(Thing.at, "y").run_combos({"a": [1]})
        assert Runner(Thing().at, "y", verbosity=0).run_combos({"a": [1]})["y"].item() == 1

    @pytest.mark.parametrize("fn", [math.sqrt, np.hypot])
    def test_arguments_without_names(self, fn: Any) -> None:
        with pytest.raises(StreamConfigError, match="has no name for callers"):
            Runner(fn, "y").run_combos({"x": [1]})

    def test_a_coroutine(self) -> None:
        async def later(a: int) -> int:
            return a

        with pytest.raises(StreamConfigError, match="coroutine function"):
            Runner(later, "y").run_combos({"a": [1]})


class TestSettings:
    """Settings of a run that are misspelt."""

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ("missing_onyl", "Did you mean 'missing_only' of Harvester.harvest_combos"),
            ("var_dim", "Did you mean 'var_dims' of Runner"),
            ("harvestr", "Did you mean 'harvester' of label"),
            ("overwrite", "'overwrite' is one of Harvester.harvest_combos"),
            ("paralel", "Did you mean 'parallel'?"),
        ],
    )
    def test_the_word_that_was_meant(self, given: str, told: str) -> None:
        with pytest.raises(StreamConfigError) as caught:
            Runner(f, "y", **{given: True})
        assert told in str(caught.value)

    def test_a_decorator_without_parentheses(self) -> None:
        with pytest.raises(StreamConfigError, match="Write parentheses"):
            label(f)
