"""Results that are kept: what is run once is there, as what it was."""

from __future__ import annotations

import math
import os
import pickle
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import DataError, HeadraceWarning, SinkError, StreamConfigError
from headrace.sweeps import Adaptive, Harvester, Points, Runner, label
from support.require import require

xr = require("xarray")
pd = require("pandas")
h5py = require("h5py")
require("h5netcdf")
require("zarr")

calls: list[dict[str, Any]] = []


def total(a: Any, b: Any) -> Any:
    calls.append({"a": a, "b": b})
    return a + b, a * b


def noisy(a: int, *, rng: np.random.Generator) -> float:
    return a + float(rng.normal())


@pytest.fixture(autouse=True)
def _anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=[None, "foo", "foo.h5", "foo.zarr"])
def name(request: pytest.FixtureRequest) -> Any:
    return request.param


def runner(fn: Callable[..., Any] = total, names: Any = ("sum", "product"), **more: Any) -> Runner:
    return Runner(fn, names, verbosity=0, **more)


def harvesting(*arguments: Any, **more: Any) -> Any:
    """A harvester of which tests ask what may be None."""
    return Harvester(*arguments, **more)


def counted(a: Any, b: Any) -> str:
    calls.append({})
    return "text"


def slow(a: Any) -> Any:
    time.sleep(0.06)
    return a


def test_rounds_are_put_together(name: Any) -> None:
    harvester = harvesting(runner(), name)
    assert [harvester.full_ds] == [None]
    assert len(harvester.table) == 0
    harvester.harvest_combos({"a": [3, 1], "b": [10]})
    assert harvester.full_ds.identical(harvester.last_ds)
    assert harvester.full_ds["sum"].dtype == np.int64
    harvester.harvest_combos({"a": [2], "b": [10, 20]})
    assert len(calls) == 4
    ds = harvester.full_ds
    assert ds["a"].values.tolist() == [1, 2, 3]
    assert ds["b"].values.tolist() == [10, 20]
    np.testing.assert_array_equal(ds["sum"].values, [[11, np.nan], [12, 22], [13, np.nan]])
    assert harvester.done.values.tolist() == [[True, False], [True, True], [True, False]]
    assert harvester.last_ds["sum"].values.tolist() == [[12, 22]]
    assert harvester.table.to_dict("list") == {
        "a": [3, 1, 2, 2],
        "b": [10, 10, 10, 20],
        "sum": [13, 11, 12, 22],
        "product": [30, 10, 20, 40],
    }
    assert not ds.attrs
    if name is not None:
        again = Harvester(runner(), name)
        assert again.full_ds.identical(ds)
        assert again.last_ds is None


def test_missing_only_runs_what_has_no_result(name: Any) -> None:
    harvester = harvesting(runner(), name)
    harvester.harvest_combos({"a": [1, 2], "b": [10, 20]})
    harvester.harvest_combos({"a": [1, 2.0], "b": [20, 10]}, missing_only=True)
    assert len(calls) == 4
    harvester.harvest_combos({"a": [1, 5], "b": ...}, missing_only=True)
    assert calls[4:] == [{"a": 5, "b": 10}, {"a": 5, "b": 20}]
    harvester.harvest_cases([(5, 10), (9, 9)], missing_only=True)
    assert calls[6:] == [{"a": 9, "b": 9}]
    before = harvester.last_ds
    harvester.harvest_combos({"a": ..., "b": [9, 10, 20]}, missing_only=True)
    assert len(calls) == 12
    harvester.harvest_combos({"a": ..., "b": ...}, missing_only=True)
    assert len(calls) == 12
    assert before.sizes == {"a": 1, "b": 1}


def test_all_known_values_of_nothing() -> None:
    harvester = harvesting(runner())
    with pytest.raises(StreamConfigError, match="no points yet"):
        harvester.harvest_combos({"a": ..., "b": [1]})
    harvester.harvest_combos({"a": [1], "b": [1]})
    with pytest.raises(StreamConfigError, match="for 'c'"):
        harvester.harvest_combos({"a": ..., "c": ...})


@pytest.mark.parametrize("value", [math.nan, None, "", False, 0, np.datetime64("NaT", "ns"), 0j])
def test_any_result_is_a_result(name: Any, value: Any) -> None:
    """B4, B13: what looks empty has been computed all the same."""
    harvester = harvesting(runner(lambda a: value if a < 3 else "x" if isinstance(value, str) else value, "y"), name)
    harvester.harvest_combos({"a": [1, 2, 4]})
    again = Harvester(runner(lambda a: pytest.fail("computed again"), "y"), name) if name is not None else harvester
    again.harvest_combos({"a": [1, 2, 4]}, missing_only=True)
    assert again.done.values.all()
    found = again.table["y"][0]
    assert found == value or found is value or found != found or pd.isnull(found)


def test_missing_texts_are_missing(name: Any) -> None:
    """B4: places without a text are not the empty text."""
    if name is None:
        return
    Harvester(runner(lambda a, b: "text", "y"), name).harvest_cases([{"a": 1, "b": 1}, {"a": 2, "b": 2}])
    again = Harvester(runner(counted, "y"), name)
    again.harvest_combos({"a": [1, 2], "b": [1, 2]}, missing_only=True)
    assert len(calls) == 2
    assert (again.full_ds["y"].values == "text").all()


def test_whole_numbers_and_booleans_stay_what_they_are(name: Any) -> None:
    """B12"""
    large = 2**60 + 1
    made = Runner(lambda a, b: (large + a, a > b), ["n", "more"], verbosity=0)
    harvester = harvesting(made, name)
    harvester.harvest_cases([{"a": 1, "b": 0}, {"a": 2, "b": 5}])
    ds = harvester.full_ds
    assert ds["n"].sel(a=1, b=0).item() == float(large + 1)  # beside holes, a float
    assert ds["more"].sel(a=2, b=5).item() is False
    assert ds["more"].sel(a=1, b=5).item() is None
    assert harvester.table["n"].tolist() == [large + 1, large + 2]
    assert harvester.table["n"].dtype == np.int64
    assert harvester.table["more"].dtype == bool
    harvester.harvest_combos({"a": ..., "b": ...}, missing_only=True)
    assert harvester.full_ds["n"].dtype == np.int64
    assert harvester.full_ds["more"].dtype == bool
    if name is not None:
        assert Harvester(made, name).full_ds.identical(harvester.full_ds)
        if "." in name:
            shown = hr.store.load_ds(name)
            assert shown.identical(harvester.full_ds)
            assert shown["n"].dtype == np.int64


def test_overwrite_rules(name: Any) -> None:
    harvester = harvesting(runner(lambda a: float(a), "y"), name)
    harvester.harvest_combos({"a": [1, 2]})
    harvester.fn = lambda a: math.nan if a == 1 else 10.0 * a
    with pytest.raises(xr.MergeError, match=r"y=20.0 at a=2, where 2.0 is there") as caught:
        harvester.harvest_combos({"a": [1, 2, 3]})
    assert isinstance(caught.value, DataError)
    assert harvester.full_ds["y"].values.tolist() == [1, 2, 30]  # what did not differ is kept
    np.testing.assert_array_equal(harvester.last_ds["y"].values, [np.nan, 20, 30])
    harvester.harvest_combos({"a": [1, 2]}, overwrite=False)
    assert harvester.full_ds["y"].values.tolist() == [1, 2, 30]
    harvester.harvest_combos({"a": [1, 2]}, overwrite=True)
    assert harvester.full_ds["y"].values.tolist() == [1, 20, 30]
    with pytest.raises(StreamConfigError, match="overwrite='yes'"):
        harvester.harvest_combos({"a": [1]}, overwrite="yes")


def test_equal_results_are_no_conflict() -> None:
    harvester = harvesting(
        runner(lambda a: (a, np.array([a, np.nan]), math.nan), ["x", "v", "n"], var_dims={"v": "t"}), "foo"
    )
    harvester.harvest_combos({"a": [1, 2]})
    harvester.fn = lambda a: (float(a), np.array([np.nan, a + 5.0]), 3)
    harvester.harvest_combos({"a": [1, 2]})
    assert harvester.table["n"].tolist() == [3, 3]
    assert harvester.table["v"][0].tolist() == [1, 6]


def test_an_error_keeps_what_came_before(name: Any) -> None:
    def fn(a: int) -> int:
        calls.append({"a": a})
        if a == 50 and len(calls) <= 51:
            raise RuntimeError("boom")
        return a

    harvester = harvesting(runner(fn, "y"), name)
    with pytest.raises(RuntimeError, match="boom") as caught:
        harvester.harvest_combos({"a": range(100)})
    assert any("a=50" in note for note in caught.value.__notes__)
    assert harvester.done.values.sum() == 50
    harvester.harvest_combos({"a": range(100)}, missing_only=True)
    assert [call["a"] for call in calls[51:]] == list(range(50, 100))
    assert harvester.full_ds["y"].values.tolist() == list(range(100))


@pytest.mark.parametrize("on_error", ["keep", "nan"])
def test_failures_are_kept_and_tried_again(name: Any, on_error: str) -> None:
    bad = [3, 5]

    def fn(a: int) -> int:
        calls.append({"a": a})
        if a in bad:
            raise ValueError(f"not {a}")
        return a

    harvester = harvesting(runner(fn, "y"), name)
    harvester.harvest_combos({"a": range(8)}, on_error=on_error)
    assert harvester.done.sel(a=[3, 4]).values.tolist() == [False, True]
    table = harvester.failures
    assert table["a"].tolist() == [3, 5]
    assert table["error"].tolist() == ["ValueError", "ValueError"]
    assert table["message"].tolist() == ["not 3", "not 5"]
    assert "test_harvester.py" in table["traceback"][0]
    assert [failed.settings for failed in harvester.failures_of_last] == [{"a": 3}, {"a": 5}]
    assert len(harvester.table) == 6
    bad.remove(3)
    calls.clear()
    harvester.harvest_combos({"a": range(8)}, missing_only=True, on_error=on_error)
    assert calls == [{"a": 3}, {"a": 5}]
    assert harvester.failures["a"].tolist() == [5]
    assert harvester.table["y"].tolist() == [0, 1, 2, 4, 6, 7, 3]
    bad.append(0)
    harvester.harvest_combos({"a": [0]}, on_error=on_error, fail_fast=False)  # a failure takes no result away
    assert harvester.table["y"].tolist() == [0, 1, 2, 4, 6, 7, 3]


def test_where_results_come_from() -> None:
    harvester = harvesting(runner(constants={"b": 7}, names=["s", "p"]), "foo")
    harvester.harvest_combos({"a": [1, 2]}, seed=5)
    table = harvester.timings
    assert table["a"].tolist() == [1, 2]
    assert (table["seconds"] >= 0).all()
    assert set(table["pid"]) == {os.getpid()}
    assert table["fn"][0].endswith("test_harvester:total")
    assert len(table["code"][0]) == 16
    assert table["constants"][0] == {"b": 7}
    assert set(table["seed"]) == {5}
    assert abs((table["at"][0].to_pydatetime() - datetime.now()).days) <= 1


def test_sparse_cases_take_no_grid(name: Any) -> None:
    """B14"""
    harvester = harvesting(Runner(lambda x, y: x - y, "z", verbosity=0), name)
    n = 12_000
    harvester.harvest_cases([{"x": i, "y": -i} for i in range(n)])
    assert len(harvester.table) == n
    with pytest.raises(DataError, match=r"harvester\.table"):
        harvester.full_ds
    with pytest.raises(DataError, match=r"harvester\.table"):
        harvester.done
    with pytest.raises(DataError):
        harvester.last_ds
    harvester.harvest_cases([{"x": i, "y": -i} for i in range(n)], missing_only=True)
    if name is not None:
        assert len(Harvester(harvester.runner, name).table) == n


def test_constants_of_any_kind(name: Any) -> None:
    """B15"""
    constants = {"opts": {"order": 4, "names": ["x", None]}, "flag": True, "none": None, "text": "a"}
    attrs = {"about": {"who": "me"}}
    made = Runner(lambda a, **more: a, "y", constants=constants, attrs=attrs, verbosity=0)
    harvester = harvesting(made, name)
    harvester.harvest_combos({"a": [1, 2]})
    assert harvester.full_ds.attrs == {**attrs, **constants}
    if name is not None:
        again = Harvester(made, name)
        assert again.full_ds.attrs == {**attrs, **constants}
        assert again.full_ds.attrs["flag"] is True
        if "." in name:
            assert hr.store.load_ds(name).attrs == {**attrs, **constants}
    assert made.attrs == attrs  # B19: nobody's own is changed


def test_axes_of_results(name: Any) -> None:
    made = Runner(
        lambda a: (np.arange(3.0) * a, a), ["v", "n"], var_dims={"v": "t"}, var_coords={"t": [5, 6, 7]}, verbosity=0
    )
    harvester = harvesting(made, name)
    harvester.harvest_combos({"a": [1]})
    harvester.harvest_combos({"a": [3]})
    ds = harvester.full_ds
    assert ds["v"].dims == ("a", "t")
    assert ds["t"].values.tolist() == [5, 6, 7]
    assert ds["v"].sel(a=3, t=7).item() == 6
    if name is not None:
        again = Harvester(Runner(lambda a: 0, ["v", "n"], verbosity=0), name)  # the points know their names
        assert again.full_ds.identical(ds)


def test_results_of_different_lengths() -> None:
    made = Runner(lambda a: [0] * a, "v", var_dims={"v": ...}, verbosity=0)
    harvester = harvesting(made, "foo.h5")
    harvester.harvest_combos({"a": [1, 2, 3]})
    assert harvester.table["v"].tolist() == [[0], [0, 0], [0, 0, 0]]
    assert hr.store.load_ds("foo.h5")["v"].values.tolist() == [[0], [0, 0], [0, 0, 0]]


def test_results_with_their_own_names(name: Any) -> None:
    made = Runner(lambda a: {"x": a, "v": ("t", np.arange(2) + a)}, None, verbosity=0)
    harvester = harvesting(made, name)
    harvester.harvest_combos({"a": [1, 2]})
    harvester.harvest_combos({"a": [1, 4]}, overwrite=False)
    assert harvester.full_ds["v"].sel(a=4).values.tolist() == [4, 5]
    assert harvester.full_ds["x"].values.tolist() == [1, 2, 4]
    if name is not None:
        assert Harvester(made, name).full_ds.identical(harvester.full_ds)
    harvester.fn = lambda a: {"x": -1}
    with pytest.raises(xr.MergeError, match="other results at a=1"):
        harvester.harvest_combos({"a": [1]})
    harvester.harvest_combos({"a": [1]}, overwrite=True)
    assert harvester.full_ds["x"].values.tolist() == [-1, 2, 4]


def test_values_that_cannot_be_sorted_stay_in_order(name: Any) -> None:
    """B20"""
    harvester = harvesting(Runner(lambda a: str(a), "y", verbosity=0), name)
    harvester.harvest_combos({"a": ["x", None, 3]}, shuffle=5)
    harvester.harvest_cases([{"a": (1, 2)}, {"a": None}])
    assert harvester.full_ds["a"].values.tolist() == ["x", None, 3, (1, 2)]
    harvester.harvest_cases([])
    harvester.harvest_combos({"a": []})
    assert len(harvester.table) == 4


def test_values_that_are_arrays_and_dicts(name: Any) -> None:
    harvester = harvesting(Runner(lambda a: len(a), "y", verbosity=0), name)
    harvester.harvest_combos({"a": [[1, 2], np.zeros(3), {"k": None}]})
    harvester.harvest_combos({"a": [(1, 2), [0, 0, 0.0], {"k": None}, "abcd"]}, missing_only=True)
    assert harvester.table["y"].tolist() == [2, 3, 1, 3, 4]  # a list is no array


def test_wrong_arguments_run_nothing(name: Any) -> None:
    harvester = harvesting(runner(), name)
    harvester.harvest_combos({"a": [1], "b": [2]})
    with pytest.raises(StreamConfigError, match="got the argument 'c', wanted one of a, b"):
        harvester.harvest_combos({"a": [1], "c": [2]})
    with pytest.raises(StreamConfigError, match="no value for 'b'"):
        harvester.harvest_combos({"a": [1]})

    def more(a: int, b: int = 2, c: int = 3) -> tuple[int, int]:
        calls.append({})
        return a, b

    harvester.fn = more
    with pytest.raises(StreamConfigError, match=r"got the arguments \['a', 'c'\].*\['a', 'b'\]"):
        harvester.harvest_combos({"a": [1], "c": [2]})
    with pytest.raises(StreamConfigError, match="wanted the same"):
        harvester.harvest_combos({"a": [1]})
    assert len(calls) == 1
    harvester.fn = total
    harvester.harvest_combos({"a": [5]}, constants={"b": 2})  # a constant is where it is
    assert harvester.full_ds["sum"].sel(a=5, b=2).item() == 7
    with pytest.raises(StreamConfigError, match="is an argument of the sweep"):
        Harvester(runner(names=["a", "x"])).harvest_combos({"a": [1], "b": [2]})
    with pytest.raises(DataError, match="wanted 3") as caught:
        Harvester(runner(names=["x", "y", "z"]), name and f"other-{name}").harvest_combos({"a": [1], "b": [2]})
    assert "{'a': 1, 'b': 2}" in caught.value.__notes__[0]


def test_no_arguments_at_all(name: Any) -> None:
    harvester = harvesting(Runner(lambda: 5, "y", verbosity=0), name)
    harvester.harvest_combos({})
    harvester.harvest_combos({}, missing_only=True)
    assert harvester.full_ds["y"].item() == 5
    assert harvester.table["y"].tolist() == [5]


def test_random_numbers_are_those_of_any_other_way(name: Any) -> None:
    made = Runner(noisy, "y", verbosity=0, seed=3)
    wanted = made.run_combos({"a": range(20)})["y"].values.tolist()
    harvester = harvesting(made, name)
    harvester.harvest_combos({"a": range(10)}, shuffle=1)
    harvester.harvest_combos({"a": range(20)}, missing_only=True, parallel=2, executor="threads")
    assert harvester.full_ds["y"].values.tolist() == wanted
    more = Harvester(made, None)
    assert {s["a"]: y for s, y in more.stream({"a": range(20)})} == dict(enumerate(wanted))


def test_adding_datasets(name: Any) -> None:
    harvester = harvesting(Runner(lambda a, b: a, "y", verbosity=0), name)
    harvester.harvest_combos({"a": [1, 2], "b": [1]})
    extra = xr.DataArray([[7, np.nan]], [("b", [1]), ("a", [3, 4])], name="y")
    harvester.add_ds(extra)
    assert harvester.full_ds["y"].sel(a=3, b=1).item() == 7
    assert 4 not in harvester.full_ds["a"]
    wrong = harvester.full_ds * 10
    before = harvester.table
    with pytest.raises(xr.MergeError):
        harvester.add_ds(wrong)
    assert harvester.table.equals(before)
    harvester.add_ds(wrong, overwrite=True)
    assert harvester.full_ds["y"].sel(a=2, b=1).item() == 20
    harvester.add_ds(xr.Dataset({"z": (("a", "b"), [[5.0]])}, {"a": [1], "b": [1]}))  # another variable
    assert harvester.full_ds["z"].sel(a=1, b=1).item() == 5
    assert math.isnan(harvester.full_ds["z"].sel(a=2, b=1).item())
    with pytest.raises(DataError, match="'b' is missing"):
        harvester.add_ds(xr.Dataset({"y": ("a", [1])}, {"a": [1]}))
    with pytest.raises(DataError, match="wanted an xarray"):
        harvester.add_ds({"y": 1})


def test_a_harvester_begins_with_a_dataset() -> None:
    ds = xr.Dataset({"y": ("a", [1.0, 2.0])}, {"a": [1, 2]}, {"unit": "m"})
    harvester = harvesting(Runner(lambda a: a, "y", verbosity=0), full_ds=ds)
    assert harvester.full_ds.identical(ds)
    harvester.harvest_combos({"a": [1, 2, 3]}, missing_only=True)
    assert harvester.full_ds["y"].values.tolist() == [1, 2, 3]


def test_expand_and_drop(name: Any) -> None:
    harvester = harvesting(runner(), name)
    harvester.harvest_combos({"a": [1, 2], "b": [10, 20]})
    harvester.expand_dims("c", "first")
    assert harvester.full_ds["sum"].sel(a=1, b=20, c="first").item() == 21
    harvester.fn = lambda a, b, c: (0, 0)
    harvester.harvest_combos({"a": [1], "b": [10, 20], "c": ["first", "second"]}, missing_only=True)
    assert harvester.full_ds["sum"].sel(a=1, c="second").values.tolist() == [0, 0]
    with pytest.raises(StreamConfigError, match="has it already"):
        harvester.expand_dims("c", 1)
    harvester.drop_sel(b=[10], c="second")
    assert harvester.full_ds["sum"].sizes == {"c": 1, "a": 2, "b": 1}
    with pytest.raises(KeyError, match="a=9"):
        harvester.drop_sel({"a": [9]})
    harvester.drop_sel({"a": [9]}, errors="ignore")
    if name is not None:
        assert Harvester(runner(), name).full_ds.identical(harvester.full_ds)


def test_kept_in_memory_for_now() -> None:
    harvester = harvesting(runner(), "foo")
    harvester.harvest_combos({"a": [1], "b": [1]})
    harvester.harvest_combos({"a": [2], "b": [1]}, sync=False)
    assert len(harvester.table) == 2
    assert len(Harvester(runner(), "foo").table) == 1
    harvester.harvest_combos({"a": [1, 2], "b": [1]}, missing_only=True)
    assert len(calls) == 2
    harvester.save_full_ds()
    assert len(Harvester(runner(), "foo").table) == 2
    harvester.harvest_combos({"a": [3], "b": [1]}, sync=False)
    harvester.load_full_ds()
    assert len(harvester.table) == 2


def test_make_a_dataset_all_there_is(name: Any) -> None:
    harvester = harvesting(Runner(lambda a: float(a), "y", verbosity=0), name)
    harvester.harvest_combos({"a": [1, 2, 3]})
    if name is None:
        with pytest.raises(StreamConfigError, match="wanted one with a data_name"):
            harvester.save_full_ds()
        return
    harvester.save_full_ds(harvester.full_ds.sel(a=[1, 3]) * 2)
    assert harvester.full_ds["y"].to_series().to_dict() == {1: 2, 3: 6}
    assert Harvester(harvester.runner, name).full_ds.identical(harvester.full_ds)


def test_results_as_they_are_safe(name: Any) -> None:
    harvester = harvesting(runner(), name)
    seen: dict[Any, Any] = {}
    for settings, result in harvester.stream({"a": range(4)}, [{"b": 1}, {"b": 2}], overwrite=False):
        if name is not None:
            assert len(Harvester(runner(), name).table) > len(seen)  # another process would find it
        seen[settings["a"], settings["b"]] = result
        if len(seen) == 5:
            break
    assert len(seen) == 5

    def kept() -> dict[Any, Any]:
        table = harvester.table
        table = table[["a", "b", *(name for name in table.columns if name not in ("a", "b"))]]
        return {tuple(row[:2]): tuple(row[2:]) for row in table.itertuples(index=False)}

    known = kept()
    assert seen.items() <= known.items()
    rest = {(s["a"], s["b"]): r for s, r in harvester.stream({"a": range(4), "b": [1, 2]}, missing_only=True)}
    assert rest.keys() == {(a, b) for a in range(4) for b in (1, 2)} - known.keys()  # what is missing, and no more
    assert {**known, **rest} == kept()
    assert [r for _, r in harvester.stream({"a": [9], "b": [0]}) | hr.map(lambda pair: pair)] == [(9, 0)]


def test_slow_calls_are_told_at_once() -> None:
    harvester = harvesting(Runner(slow, "y", verbosity=0), "foo")
    stream = harvester.stream({"a": range(50)})
    next(stream)
    assert len(harvester.table) <= 3
    stream.close()


def test_a_result_waits_no_second_for_a_slow_one() -> None:
    """What is done is kept while the next call takes long."""
    import threading

    found = threading.Event()

    def fn(a: int) -> int:
        if a == 3:
            for _ in range(300):
                if len(Harvester(runner(), "foo").ledger) == 3:
                    found.set()
                    break
                found.wait(0.02)
        return a

    Harvester(Runner(fn, "y", verbosity=0), "foo").harvest_combos({"a": [0, 1, 2, 3]})
    assert found.is_set()


def test_refined_where_it_changes(name: Any) -> None:
    def fn(x: float, k: int) -> float:
        calls.append({"x": x})
        return math.tanh(50 * (x - 0.3)) * k

    harvester = harvesting(Runner(fn, "y", verbosity=0), name)
    harvester.harvest_combos({"x": Adaptive((0, 1), n=12), "k": [1, 2]})
    assert len(harvester.table) == len(calls) == 24
    harvester.harvest_combos({"x": Adaptive((0, 1), n=16), "k": [1, 2]}, missing_only=True)
    assert len(harvester.table) == len(calls) == 32  # it goes on from what it knows


def test_chunks() -> None:
    require("dask")
    harvester = harvesting(runner(), "foo.zarr", chunks={"a": 1})
    harvester.harvest_combos({"a": [1, 2], "b": [1]})
    assert harvester.full_ds["sum"].chunks is not None
    assert harvester.full_ds.identical(Harvester(runner(), "foo.zarr").full_ds)


def test_delete(name: Any, tmp_path: Path) -> None:
    harvester = harvesting(runner(), name)
    for backup in (True, False):
        harvester.harvest_combos({"a": [1], "b": [1]})
        harvester.delete_ds(backup)
        assert [harvester.full_ds] == [None]
    left = sorted(path.name for path in tmp_path.iterdir())
    if name is None:
        assert left == []
    else:
        assert all(".BAK-" in each for each in left)
        assert len(left) == (1 if name == "foo" else 2)
        again = Harvester(runner(), next(each for each in left if not each.endswith(".ledger")))
        assert len(again.table) == 1
        again.ledger.check()


def test_it_is_a_value(name: Any) -> None:
    harvester = harvesting(runner(), name)
    harvester.harvest_combos({"a": [1], "b": [1]})
    again = pickle.loads(pickle.dumps(harvester))
    assert again.full_ds.identical(harvester.full_ds)
    assert again.last_ds is None
    assert again(2, 3) == harvester(2, 3) == (5, 6)
    assert repr(harvester).startswith("<headrace.Harvester>")
    assert f"data_name: {name}" in repr(harvester)
    with pytest.raises(StreamConfigError, match="wanted a Runner"):
        Harvester(total)


def test_a_function_with_a_label() -> None:
    @label(var_names="y", harvester="foo.zarr", verbosity=0)
    def score(a: int) -> int:
        return a * a

    score.harvest_combos({"a": [1, 2]})
    assert score(3) == 9
    assert score.full_ds["y"].values.tolist() == [1, 4]
    assert score.__name__ == "score"
    assert score.runner.fn is score.__wrapped__
    assert [r for _, r in score.runner.stream({"a": [5]})] == [25]


def test_values_that_need_a_pickle() -> None:
    def fn(a: int) -> Any:
        return np.ma.masked_array([a], [a == 2])

    harvester = harvesting(Runner(fn, "y", var_dims={"y": ...}, verbosity=0), "foo")
    with pytest.raises(DataError, match="allow_pickle=True"):
        harvester.harvest_combos({"a": [1, 2]})
    free = Harvester(harvester.runner, "foo", allow_pickle=True)
    free.harvest_combos({"a": [1, 2]})
    assert free.table["y"][1].mask.all()
    Harvester(harvester.runner).harvest_combos({"a": [1, 2]})  # memory holds anything


def test_a_disk_that_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    harvester = harvesting(runner(), "foo")
    harvester.harvest_combos({"a": [1], "b": [1]})
    assert isinstance(harvester.ledger, hr.store.ledger.Ledger)
    connection = harvester.ledger._db.connection()
    connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(SinkError, match="saved before is safe"):
        harvester.harvest_combos({"a": range(2000), "b": [2]})
    connection.execute("PRAGMA max_page_count=1000000")
    assert len(harvester.table) == 1
    assert harvester.last_ds["sum"].sizes == {"a": 2000, "b": 1}  # what was computed is not gone
    harvester.add_ds(harvester.last_ds)
    assert len(harvester.table) == 2001


def test_the_settings_of_points_are_those_of_the_ledger() -> None:
    harvester = harvesting(runner(), "foo")
    harvester.harvest_combos({"b": [1, 2], "a": [3]})
    assert {point.key for point in harvester.ledger.rows()} == set(Points({"a": [3], "b": [1, 2]}).keys())


def test_other_code_in_another_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.setattr(os, "getpid", lambda: 1)
        Harvester(runner(lambda a: a, "y"), "foo").harvest_combos({"a": [1]})
    Harvester(runner(lambda a: a, "y"), "foo").harvest_combos({"a": [1, 2]}, missing_only=True)
    with pytest.warns(HeadraceWarning, match="another version of the function"):
        Harvester(runner(lambda a: a + 0, "y"), "foo").harvest_combos({"a": [1, 3]}, missing_only=True)


def test_a_file_that_cannot_be_written_is_told() -> None:
    harvester = harvesting(Runner(lambda a: Path("x"), "y", verbosity=0), "foo.h5")
    with pytest.warns(HeadraceWarning, match=r"foo\.h5 could not be written, and the ledger has all of it"):
        harvester.harvest_combos({"a": [1]})
    assert harvester.table["y"][0] == Path("x")
    with pytest.raises(DataError, match="Path"):
        harvester.export()
