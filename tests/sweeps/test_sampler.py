"""Random settings in a table: the same for the same seed, whatever the order, and every value of its own type."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import DataError, HeadraceWarning, StreamConfigError
from headrace.store import load_df, save_df
from headrace.sweeps import Adaptive, Runner, Sampler, label
from support.counts import heavy
from support.require import require

pd = require("pandas")


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=[None, "foo", "foo.pkl", "foo.csv"])
def name(request: pytest.FixtureRequest) -> Any:
    return request.param


def noisy(a: int, b: float, *, rng: np.random.Generator) -> tuple[float, float]:
    return a + b, float(rng.normal())


def runner(**more: Any) -> Runner:
    return Runner(noisy, ["y", "z"], verbosity=0, **more)


COMBOS = {"a": [1, 2, 3], "b": lambda rng: float(rng.uniform())}


def sampling(*arguments: Any, **more: Any) -> Any:
    """A sampler of which tests ask what may be None, or what is wrong."""
    return Sampler(*arguments, **more)


def test_rows_are_added(name: Any) -> None:
    sampler = sampling(runner(), name, COMBOS, seed=7)
    assert [sampler.full_df] == [None]
    first = sampler.sample_combos(5)
    assert list(first.columns) == ["a", "b", "y", "z"]
    assert (first["y"] == first["a"] + first["b"]).all()
    assert sampler.last_df is first
    second = sampler.sample_combos(3, {"a": 10})
    assert (second["a"] == 10).all()
    pd.testing.assert_frame_equal(sampler.full_df, pd.concat([first, second], ignore_index=True))
    if name is not None:
        again = Sampler(runner(), name, COMBOS)
        pd.testing.assert_frame_equal(again.full_df, sampler.full_df)
        assert again.seed == 7
        again.sample_combos(2)
        assert len(sampler.full_df) == 10
    if name is not None and "." in name:
        assert len(load_df(name, {"foo.pkl": "pickle", "foo.csv": "csv"}[name])) == 10


def test_the_same_seed_gives_the_same_rows(name: Any) -> None:
    whole = Sampler(runner(), None, COMBOS, seed=7).sample_combos(40)
    sampler = sampling(runner(), name, COMBOS, seed=7)
    parts = [sampler.sample_combos(10), sampler.sample_combos(7, shuffle=3), sampler.sample_combos(0)]
    parts.append(sampler.sample_combos(23, executor="threads", num_workers=2))
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole, check_dtype=False)
    if name is not None:
        pd.testing.assert_frame_equal(sampler.full_df, whole)
    other = Sampler(runner(), None, COMBOS, seed=8).sample_combos(40)
    assert not (other["z"] == whole["z"]).any()
    assert not Sampler(runner(), None, COMBOS).sample_combos(40).equals(whole)
    assert len(set(whole["z"])) == 40  # equal settings, numbers of their own


def test_processes_give_the_same_rows() -> None:
    whole = Sampler(runner(), None, COMBOS, seed=7).sample_combos(20)
    pd.testing.assert_frame_equal(Sampler(runner(), None, COMBOS, seed=7).sample_combos(20, parallel=2), whole)


def test_the_seed_of_the_runner() -> None:
    one, two = (Sampler(runner(seed=seed), None, COMBOS).sample_combos(5) for seed in (3, 3))
    pd.testing.assert_frame_equal(one, two)


def test_nobody_elses_random_numbers_are_touched() -> None:
    random.seed(1)
    np.random.seed(1)
    wanted = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    Sampler(Runner(lambda a: a, "y", verbosity=0), None, {"a": [1, 2]}).sample_combos(10, shuffle=True)
    assert (random.random(), np.random.random()) == wanted


def test_choices_keep_their_types(name: Any) -> None:
    """B7"""
    values = [1, "a", None, (2, 3), 2.5, True]
    sampler = sampling(
        Runner(lambda a: (a, type(a).__name__), ["same", "kind"], verbosity=0), name, {"a": values}, seed=1
    )
    df = sampler.sample_combos(60)
    assert {type(value) for value in df["a"]} == {int, str, type(None), tuple, float, bool}
    assert [type(value).__name__ for value in df["a"]] == df["kind"].tolist()
    assert [type(value).__name__ for value in sampler.full_df["a"]] == df["kind"].tolist()
    assert [type(value) for value in sampler.full_df["same"]] == [type(value) for value in df["a"]]


def test_what_can_be_drawn() -> None:
    stats = require("scipy.stats")
    made = Runner(lambda **settings: settings["a"], "y", verbosity=0)
    draws = {
        "a": stats.norm(5, 0.1),
        "b": range(3),
        "c": np.array([1.5, 2.5]),
        "d": "text",
        "e": lambda: 7,
        ("f", "g"): [(1, 10), (2, 20)],
        "h": None,
    }
    df = Sampler(made, None, draws, seed=1).sample_combos(50)
    assert abs(df["a"].mean() - 5) < 0.1
    assert set(df["b"]) == {0, 1, 2}
    assert set(df["c"]) == {1.5, 2.5}
    assert set(df["d"]) == {"text"}
    assert set(df["e"]) == {7}
    assert (df["g"] == df["f"] * 10).all()
    assert set(df["f"]) == {1, 2}
    with pytest.raises(StreamConfigError, match="no values for 'a'"):
        Sampler(made, None, {"a": []}).sample_combos(1)
    with pytest.raises(StreamConfigError, match="'rng'"):
        Sampler(made, None, {"rng": [1]}).sample_combos(1)
    with pytest.raises(StreamConfigError, match=r"got Adaptive.* for 'a'"):
        Sampler(made, None, {"a": Adaptive((0, 1))}).sample_combos(1)
    with pytest.raises(StreamConfigError, match="for 'a', which needs x"):
        Sampler(made, None, {"a": lambda x: x}).sample_combos(1)
    with pytest.raises(ZeroDivisionError) as caught:
        Sampler(made, None, {"a": 1, "b": lambda: 1 / 0}).sample_combos(1)
    assert "while drawing values for 'b'" in caught.value.__notes__[0]
    with pytest.raises(StreamConfigError, match="wanted 2 values in each"):
        Sampler(made, None, {("a", "b"): [(1,)]}).sample_combos(1)
    with pytest.raises(StreamConfigError, match="n='x'"):
        sampling(made, None, {"a": [1]}).sample_combos("x")


def test_the_next_settings(name: Any) -> None:
    sampler = sampling(runner(), name, COMBOS, seed=7)
    names, rows = sampler.gen_cases_fnargs(4)
    df = sampler.sample_combos(4)
    assert names == ("a", "b")
    assert rows == list(zip(df["a"], df["b"], strict=True))
    assert sampler.gen_cases_fnargs(4)[1] != rows


def test_constants_are_columns(name: Any) -> None:
    made = Runner(lambda a, k: a * k, "y", constants={"k": 3}, attrs={"unit": "m"}, verbosity=0)
    sampler = sampling(made, name, {"a": [1, 2]}, seed=1)
    df = sampler.sample_combos(3)
    assert list(df.columns) == ["a", "k", "unit", "y"]
    sampler.sample_combos(2, constants={"k": 4})
    assert sampler.full_df["k"].tolist() == [3, 3, 3, 4, 4]
    assert list(sampler.full_df.columns) == ["a", "k", "unit", "y"]


def test_an_error_keeps_what_came_before(name: Any) -> None:
    def fn(a: int) -> int:
        seen.append(a)
        if len(seen) == 6:
            raise RuntimeError("boom")
        return a

    seen: list[int] = []
    sampler = sampling(Runner(fn, "y", verbosity=0), name, {"a": range(100)}, seed=1)
    with pytest.raises(RuntimeError, match="boom"):
        sampler.sample_combos(10)
    assert len(sampler.full_df) == 5
    sampler.sample_combos(10)
    assert len(sampler.full_df) == 15
    assert sampler.full_df["y"].tolist() == [*seen[:5], *seen[6:]]


def test_failures(name: Any) -> None:
    def fn(a: int) -> int:
        return 1 // a

    sampler = sampling(Runner(fn, "y", verbosity=0), name, {"a": [0, 1]}, seed=1)
    df = sampler.sample_combos(20, on_error="nan", fail_fast=False)
    assert len(df) == 20
    assert df["y"].isna().sum() == len(sampler.failures) == (df["a"] == 0).sum()
    assert set(sampler.failures["error"]) == {"ZeroDivisionError"}
    assert len(sampler.full_df) == 20 - len(sampler.failures)


@pytest.mark.parametrize("suffix", ["pkl", "csv", "parquet", "json", "hdf"])
def test_tables_of_every_kind(suffix: str) -> None:
    require({"parquet": "pyarrow", "hdf": "tables"}.get(suffix, "pandas"))
    name = f"foo.{suffix}"
    sampler = sampling(runner(), name, COMBOS, seed=7)
    sampler.sample_combos(5)
    sampler.sample_combos(5)
    engine = {"pkl": "pickle"}.get(suffix, suffix)
    found = load_df(name, engine)
    pd.testing.assert_frame_equal(found, sampler.full_df, check_dtype=False, check_index_type=False)
    sampler.export("other.csv")
    assert len(load_df("other.csv", "csv")) == 10
    with pytest.raises(StreamConfigError, match="wanted a path"):
        Sampler(runner()).export()


def test_the_engine_goes_before_the_suffix() -> None:
    Sampler(runner(), "foo", COMBOS, engine="csv").sample_combos(2)
    assert sorted(path.name for path in Path().iterdir()) == ["foo", "foo.ledger"]
    assert len(load_df("foo", "csv")) == 2


def test_a_table_that_was_there_first() -> None:
    save_df(pd.DataFrame({"a": [1, 2], "b": [0.5, 0.25], "y": [1.5, 2.25], "z": [0.0, 1.0]}), "foo.csv", "csv")
    sampler = sampling(runner(), "foo.csv", COMBOS, seed=1)
    assert sampler.full_df["a"].tolist() == [1, 2]
    sampler.sample_combos(3)
    assert len(load_df("foo.csv", "csv")) == 5
    assert len(load_df("foo.csv.orig", "csv")) == 2
    df = load_df("foo.csv", "csv")
    save_df(pd.concat([df, df.iloc[:1]]), "foo.csv", "csv")  # somebody adds a row
    assert len(sampler.full_df) == 6
    save_df(df * 2, "foo.csv", "csv")
    with pytest.raises(DataError, match="changed by another program"):
        sampler.sample_combos(1)
    Path("foo.csv").unlink()
    with pytest.warns(HeadraceWarning, match="was gone"):
        sampler.sample_combos(1)
    assert len(load_df("foo.csv", "csv")) == 7


def test_adding_and_removing(name: Any) -> None:
    sampler = sampling(runner(), name, COMBOS, seed=1)
    sampler.add_df({"a": [5], "b": [1.0], "y": [6.0], "z": [None]})
    sampler.add_df(pd.DataFrame({"a": [6], "b": [1.0], "y": [7.0], "z": [0.5], "when": ["now"]}), sync=name is None)
    assert sampler.full_df["a"].tolist() == [5, 6]
    assert sampler.full_df["when"].tolist()[1] == "now"
    if name is not None:
        assert len(Sampler(runner(), name).full_df) == 1
        sampler.save_full_df()
        assert len(Sampler(runner(), name).full_df) == 2
        sampler.save_full_df(pd.DataFrame({"a": [1], "y": [2.0]}))
        assert Sampler(runner(), name).full_df["a"].tolist() == [1]
        sampler.load_full_df()
        assert sampler.full_df["a"].tolist() == [1]
    else:
        with pytest.raises(StreamConfigError):
            sampler.save_full_df()
    sampler.delete_df(backup=True)
    assert [sampler.full_df] == [None]
    assert len(list(Path().glob("*.BAK-*"))) == (0 if name is None else 1 if name == "foo" else 2)
    sampler.sample_combos(1)
    sampler.delete_df()
    assert not [path for path in Path().iterdir() if ".BAK-" not in path.name]


def test_it_is_a_value(name: Any) -> None:
    sampler = sampling(runner(), name, {"a": [1], "b": [2]}, seed=3)
    sampler.sample_combos(3)
    again = pickle.loads(pickle.dumps(sampler))
    pd.testing.assert_frame_equal(again.full_df, sampler.full_df)
    assert again.sample_combos(2).equals(sampler.sample_combos(2)) == (name is None)
    assert repr(sampler).startswith("<headrace.Sampler>")
    with pytest.raises(StreamConfigError, match="wanted a Runner"):
        Sampler(noisy)
    with pytest.raises(StreamConfigError, match="var_dims"):
        Sampler(Runner(lambda a: a, "y", var_dims={"y": "t"}), None, {"a": [1]}).sample_combos(1)


def test_a_function_with_a_label() -> None:
    @label(var_names="y", sampler="foo.csv", verbosity=0)
    def score(a: int) -> int:
        return a * a

    score.sample_combos(3, {"a": [2]})
    assert score.full_df["y"].tolist() == [4, 4, 4]
    assert score(3) == 9
    assert hr.sweeps.Sampler is Sampler


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_rows_are_appended_whatever_there_is() -> None:
    """A hundred rows touch as many pages of a ledger of many rows as of a few."""
    sampler = sampling(Runner(lambda a: a, "y", verbosity=0), "foo", {"a": range(10)}, seed=1)
    assert sampler.ledger is not None
    sampler.sample_combos(100)
    written = []
    for n in (100, heavy(1_000_000)):
        sampler.sample_combos(n)
        before = _written()
        sampler.sample_combos(100)
        written.append(_written() - before)
    assert written[1] < written[0] + 100_000
    assert sampler.ledger.totals.rows == heavy(1_000_000) + 400


def _written() -> int:
    try:
        told = Path("/proc/self/io").read_text()
    except OSError:
        pytest.skip("needs /proc/self/io")
    return int(dict(line.split(": ") for line in told.splitlines())["wchar"])
