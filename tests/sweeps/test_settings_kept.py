"""Settings and moments of odd kinds: swept, kept, found and removed again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, HeadraceWarning, StreamConfigError
from headrace.sweeps import Harvester, Points, Runner, Sampler, combo_runner
from headrace.sweeps.points import point_key
from support.require import require

xr = require("xarray")
pd = require("pandas")
require("h5netcdf")


@pytest.fixture(autouse=True)
def _anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=[None, "foo", "foo.h5"])
def name(request: pytest.FixtureRequest) -> Any:
    return request.param


def harvester(fn: Any, name: Any) -> Harvester:
    return Harvester(Runner(fn, "y", verbosity=0), name)


class TestMoments:
    """Moments without a zone are those of NumPy in datasets; those with one stop no dataset."""

    def test_results(self, name: Any) -> None:
        made = harvester(lambda a: datetime(2020, 1, a), name)
        made.harvest_combos({"a": [1, 2]})
        made.harvest_cases([{"a": 5}])
        assert made.full_ds["y"].dtype.kind == "M"
        assert made.full_ds["y"].sel(a=5).item() == datetime(2020, 1, 5)
        assert made.table["y"].tolist() == [datetime(2020, 1, a) for a in (1, 2, 5)]
        stamps = Runner(lambda a: pd.Timestamp(2020, 1, a, nanosecond=7), "y", verbosity=0).run_combos({"a": [1, 2]})
        assert stamps["y"].values[0] == np.datetime64("2020-01-01T00:00:00.000000007")
        sparse = Runner(lambda a, b: datetime(2020, 1, a), "y", verbosity=0).run_cases([(1, 1), (2, 2)])
        assert np.isnat(sparse["y"].sel(a=1, b=2).values)
        texts = Runner(lambda a: datetime(2020, 1, a) if a == 1 else "x", "y", verbosity=0).run_combos({"a": [1, 2]})
        assert texts["y"].values.tolist() == [datetime(2020, 1, 1), "x"]

    def test_those_with_a_zone_are_in_the_dataset_though_in_no_file(self) -> None:
        made = harvester(lambda a: a, "foo.h5")
        moment = datetime(2020, 1, 1, tzinfo=UTC)
        with pytest.warns(HeadraceWarning, match="could not be written, and the ledger has all of it"):
            made.harvest_combos({"a": [moment]})
        with pytest.warns(HeadraceWarning, match="could not be written"):
            assert made.full_ds["a"].values[0] == moment
        assert made.table["a"].tolist() == [moment]
        made.delete_ds()


def test_tuples_are_removed_as_values(name: Any) -> None:
    made = harvester(lambda a: len(a), name)
    made.harvest_combos({"a": [(1, 2), (3,), (4, 5, 6)]})
    made.drop_sel(a=(1, 2))
    assert made.table["a"].tolist() == [(3,), (4, 5, 6)]
    made.drop_sel(a=[(3,)])
    assert made.table["a"].tolist() == [(4, 5, 6)]
    with pytest.raises(KeyError):
        made.drop_sel(a=(1, 2))
    numbers = harvester(lambda a: a, name and f"n{name}")
    numbers.harvest_combos({"a": [1, 2, 3]})
    numbers.drop_sel(a=(1, 2))
    assert numbers.table["a"].tolist() == [3]


def test_places_without_values_are_no_settings(name: Any) -> None:
    made = harvester(lambda a: a, name)
    with pytest.raises(DataError, match="without values along 'a'"):
        made.add_ds(xr.Dataset({"y": ("a", [1.0, 2.0])}))
    made.add_ds(xr.Dataset({"y": ("a", [1.0, 2.0])}, {"a": [5, 6]}))
    assert made.table["a"].tolist() == [5, 6]


def test_what_is_done_to_a_table_is_not_done_to_what_is_kept(name: Any) -> None:
    made = Harvester(Runner(lambda a: np.full(2, a), "y", var_dims="k", verbosity=0), name)
    made.harvest_combos({"a": [1, 2]})
    first = made.table["y"][0]
    with pytest.raises(ValueError, match="read-only"):
        first[:] = 7
    table = made.table
    table.at[0, "y"] = None
    assert [each.tolist() for each in made.table["y"]] == [[1, 1], [2, 2]]


@pytest.mark.parametrize("how", [{}, {"executor": "threads", "num_workers": 2}, {"parallel": 2}], ids=str)
def test_an_argument_may_have_any_name(how: dict[str, Any]) -> None:
    assert combo_runner(named, {"self": [1, 2], "fn": [3]}, verbosity=0, **how) == ((13,), (23,))


def named(self: int, fn: int) -> int:
    return 10 * self + fn


def test_an_argument_of_a_sampler_may_be_called_self() -> None:
    made = Sampler(Runner(drawn, "y", verbosity=0), None, {"self": 3}, seed=1)
    assert made.sample_combos(2)["self"].tolist() == [3, 3]


def drawn(self: int, *, rng: Any) -> float:
    return self + float(rng.random())


def test_numbers_without_bounds_are_points() -> None:
    huge = 10**5000
    assert len({point_key({"a": each}) for each in (huge, huge + 1, -huge, 1)}) == 4
    assert list(Points({"a": [huge, 1]}).keys()) == [point_key({"a": huge}), point_key({"a": 1})]


def test_two_nan_are_one_value_twice() -> None:
    with pytest.raises(StreamConfigError, match="nan twice"):
        Points({"a": [float("nan"), 1.0, float("nan")]})
    assert len(Points({"a": [float("nan"), 1.0]})) == 2
