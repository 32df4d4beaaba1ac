"""What a call returns is what is kept of it: by name where it has names, and nothing that a later call changes."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.sweeps import Harvester, Runner, Sampler, combo_runner_to_ds
from support.require import require

xr = require("xarray")
require("pandas")

Pair = namedtuple("Pair", "x y")  # what users write


@pytest.fixture(autouse=True)
def _anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def kept(runner: Runner, how: str, combos: dict[str, Any]) -> Any:
    """The dataset that a runner, or a harvester of it, makes."""
    if how == "runner":
        return runner.run_combos(combos)
    harvester = Harvester(runner, None if how == "memory" else f"h{len(list(Path().iterdir()))}")
    harvester.harvest_combos(combos)
    return harvester.full_ds


HOW = pytest.mark.parametrize("how", ["runner", "memory", "disk"])


class TestBuffers:
    """A function may fill one array, or list, again and again."""

    @pytest.mark.parametrize("settings", [{}, {"shuffle": 3}, {"on_error": "keep"}], ids=str)
    @pytest.mark.parametrize("shape", ["array", "view", "list", "tuple", "named"])
    def test_each_result_is_that_of_its_call(self, shape: str, settings: dict[str, Any]) -> None:
        buffer, listed = np.zeros(2), [0.0, 0.0]

        def fill(a: int) -> Any:
            buffer[:] = a
            listed[:] = [a, a]
            made = {"array": buffer, "view": buffer[:], "list": listed, "tuple": (buffer, listed)}
            return Pair(buffer, listed) if shape == "named" else made[shape]

        several = shape in ("tuple", "named")
        names: Any = ["x", "y"] if several else "x"
        runner = Runner(fill, names, var_dims=dict.fromkeys(names, "k"), verbosity=0, **settings)
        ds = runner.run_combos({"a": range(40)})
        for name in names:
            assert ds[name].values.tolist() == [[a, a] for a in range(40)]

    def test_values_that_are_kept_as_they_are_too(self) -> None:
        buffer = np.zeros(1)

        def fill(a: int) -> Any:
            buffer[0] = a
            return {"x": buffer}

        found = Runner(fill, "y", var_dims={"y": ...}, verbosity=0).run_combos({"a": range(5)})["y"].values
        assert [each["x"][0] for each in found] == [0, 1, 2, 3, 4]
        ds = Runner(fill, None, verbosity=0).run_combos({"a": range(5)})
        assert ds["x"].values[:, 0].tolist() == [0, 1, 2, 3, 4]

    def test_rows_of_a_sampler(self) -> None:
        buffer = np.zeros(())

        def fill(a: int) -> Any:
            buffer[...] = a
            return buffer

        df = Sampler(Runner(fill, "y", verbosity=0), None, {"a": [1, 2, 3, 4]}, seed=3).sample_combos(20)
        assert df["y"].tolist() == df["a"].tolist()


class TestNames:
    """Axes and results that have names are placed by them."""

    @HOW
    def test_axes(self, how: str) -> None:
        grid = np.arange(6.0).reshape(2, 3)
        runner = Runner(
            lambda a: (xr.DataArray(grid + a, dims=("u", "v")), 1), ["y", "n"], var_dims={"y": ["v", "u"]}, verbosity=0
        )
        ds = kept(runner, how, {"a": [0, 1]})
        assert ds["y"].dims == ("a", "v", "u")
        assert ds["y"].sel(a=1).values.tolist() == (grid.T + 1).tolist()

    @HOW
    @pytest.mark.parametrize(
        ("dims", "coords"), [(("p", "q"), {}), (("u",), {}), (("u", "v"), {"v": [10, 20, 99]})], ids=str
    )
    def test_axes_that_differ(self, how: str, dims: Any, coords: Any) -> None:
        runner = Runner(
            lambda a: xr.DataArray(np.zeros((2, 3)[: len(dims)]), dims=dims, coords=coords),
            "y",
            var_dims={"y": ["u", "v"]},
            var_coords={"v": [10, 20, 30]},
            verbosity=0,
        )
        with pytest.raises(DataError, match=r"got a DataArray with the axes|other values along 'v'"):
            kept(runner, how, {"a": [0, 1]})

    @HOW
    def test_values_along_axes_that_change_from_call_to_call(self, how: str) -> None:
        runner = Runner(
            lambda a: xr.DataArray([a, a], dims="k", coords={"k": [a, a + 1]}), "y", var_dims={"y": "k"}, verbosity=0
        )
        with pytest.raises(DataError, match="other values along 'k'"):
            kept(runner, how, {"a": [1, 2]})

    @HOW
    def test_last_digits_of_values_along_axes_do_not_matter(self, how: str) -> None:
        runner = Runner(
            lambda a: xr.DataArray([a, a], dims="k", coords={"k": [0.1 + 0.2, 1.0]}),
            "y",
            var_dims={"y": "k"},
            var_coords={"k": [0.3, 1.0]},
            verbosity=0,
        )
        assert kept(runner, how, {"a": [1, 2]})["k"].values.tolist() == [0.3, 1.0]

    @HOW
    def test_axes_without_names_of_their_own(self, how: str) -> None:
        runner = Runner(lambda a: xr.DataArray([a, 2 * a]), "y", var_dims={"y": "k"}, verbosity=0)
        assert kept(runner, how, {"a": [1, 2]})["y"].values.tolist() == [[1, 2], [2, 4]]
        runner = Runner(lambda a: xr.DataArray([a, 2 * a]).sum(), "y", verbosity=0)
        ds = kept(runner, how, {"a": [3, 4]})
        assert ds["y"].dtype == int

    @HOW
    def test_results(self, how: str) -> None:
        runner = Runner(lambda a: {"z": -a, "y": a}, ["y", "z"], verbosity=0)
        ds = kept(runner, how, {"a": [1, 2]})
        assert (ds["y"].values.tolist(), ds["z"].values.tolist()) == ([1, 2], [-1, -2])

    @HOW
    @pytest.mark.parametrize("result", [{"y": 1, "x": 2}, "ab", b"ab", {1, 2}, (1,), 3], ids=repr)
    def test_what_is_no_results(self, how: str, result: Any) -> None:
        runner = Runner(lambda a: result, ["y", "z"], verbosity=0)
        with pytest.raises(DataError, match="wanted 2: one for each of the variables"):
            kept(runner, how, {"a": [1, 2]})

    def test_a_row_of_numbers_is_as_many_results(self) -> None:
        ds = combo_runner_to_ds(lambda a: np.array([a, 2 * a]), {"a": [1, 2]}, ["y", "z"], verbosity=0)
        assert ds["z"].values.tolist() == [2, 4]


@HOW
def test_masked_places_are_no_numbers(how: str) -> None:
    runner = Runner(lambda a: np.ma.array([1.0, 2.0], mask=[0, a]), "y", var_dims={"y": "k"}, verbosity=0)
    with pytest.raises(DataError, match="masked places"):
        kept(runner, how, {"a": [1]})
    assert kept(runner, how, {"a": [0]})["y"].values.tolist() == [[1, 2]]


def test_parts_of_several_shapes_say_what_to_do() -> None:
    with pytest.raises(DataError, match=r"'y' got a tuple of 2 parts of several shapes.*\n.*var_names"):
        Runner(lambda a: (a, [a, a]), "y", verbosity=0).run_combos({"a": [1, 2]})


@HOW
def test_a_boolean_among_numbers_stays_one(how: str) -> None:
    runner = Runner(lambda a: str(a), "y", verbosity=0)
    ds = kept(runner, how, {"a": [1, True, 2]})
    assert [(type(a), a) for a in ds["a"].values.tolist()] == [(int, 1), (bool, True), (int, 2)]
    assert ds["y"].values.tolist() == ["1", "True", "2"]


class TestLabels:
    """Names that fit no dataset."""

    @pytest.mark.parametrize("names", ["", ["y", "y"], [1, 2], 3, ["y", ""], ["y", None]], ids=repr)
    def test_variables(self, names: Any) -> None:
        with pytest.raises(StreamConfigError, match="var_names got"):
            Runner(lambda a: a, names)

    def test_axes(self) -> None:
        with pytest.raises(StreamConfigError, match="axis 'y', which is a variable"):
            Runner(lambda a: a, "y", var_dims={"y": "y"})
        with pytest.raises(StreamConfigError, match="Did you mean 'k'"):
            Runner(lambda a: a, "y", var_dims={"y": "k"}, var_coords={"kk": [1, 2]})
        runner = Runner(lambda a: a, "y", var_dims={"y": "k"}, var_coords={"k": [1, 2]})
        runner.var_coords = {"j": [1, 2]}
        with pytest.raises(StreamConfigError, match="var_coords got 'j'"):
            runner.run_combos({"a": [1]})

    def test_coordinates_beside_axes(self) -> None:
        runner = Runner(
            lambda a: [a, a], "y", var_dims={"y": "k"}, var_coords={"scale": 3, "m": ("k", [5, 6])}, verbosity=0
        )
        ds = runner.run_combos({"a": [1]})
        assert ds["m"].dims == ("k",)
        assert ds["scale"].item() == 3
