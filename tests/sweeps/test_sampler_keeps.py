"""What a sampler keeps: the seed its rows come from, their order whoever looks, and files that others have touched."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.store import load_df, save_df
from headrace.sweeps import Harvester, Runner, Sampler
from support.require import require

pd = require("pandas")


@pytest.fixture(autouse=True)
def _anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def noisy(a: float, *, rng: Any) -> float:
    return a + float(rng.normal())


def sampler(name: Any = "foo", fn: Any = noisy, **more: Any) -> Sampler:
    return Sampler(Runner(fn, "y", verbosity=0), name, {"a": lambda rng: float(rng.random())}, **more)


def seeds_told(name: str) -> set[Any]:
    ledger: Any = sampler(name).ledger
    return {point.session["seed"] for point in ledger.rows()}


class TestSeed:
    """Which numbers rows come from is told, and no two processes disagree about it."""

    def test_each_row_says_it(self) -> None:
        sampler(seed=8).sample_combos(2)
        assert seeds_told("foo") == {8}
        sampler(seed=9).sample_combos(2)
        assert seeds_told("foo") == {8, 9}
        drawn = sampler("bar")
        drawn.sample_combos(2)
        assert seeds_told("bar") == {drawn.seed}

    def test_two_that_begin_at_once_go_on_with_one(self) -> None:
        one, two = sampler(), sampler()
        assert one.seed != two.seed  # each has drawn its own: neither has noted it yet
        one.sample_combos(3)
        two.sample_combos(3)
        assert one.seed == two.seed
        assert seeds_told("foo") == {one.seed}
        whole = sampler(None, seed=one.seed)
        assert whole.sample_combos(6).equals(one.full_df)

    def test_one_of_a_single_call_is_refused(self) -> None:
        with pytest.raises(StreamConfigError, match=r"sample_combos got a seed.*\n.*Sampler\(\.\.\., seed=\)"):
            sampler(seed=3).sample_combos(2, seed=4)
        assert len(sampler(seed=3).sample_combos(2, seed=3)) == 2


class TestResuming:
    """The same line, run again, ends with the rows of one that was not interrupted."""

    @pytest.mark.parametrize("name", ["foo", "foo.csv"])
    @pytest.mark.parametrize("how", [{}, {"shuffle": 3}, {"parallel": 2}], ids=str)
    def test_an_interrupted_call(self, name: str, how: dict[str, Any]) -> None:
        whole = sampler("whole", seed=5).sample_combos(12)
        left = [whole["a"].iloc[k] for k in (4, 7)]
        with pytest.raises(KeyboardInterrupt):
            Sampler(
                Runner(Stopping(left), "y", verbosity=0), name, {"a": lambda rng: float(rng.random())}, seed=5
            ).sample_combos(12, missing_only=True)
        assert len(sampler(name).full_df) < 12
        assert len(sampler(name, seed=5).sample_combos(12, missing_only=True, **how)) >= 8
        assert sampler(name).full_df.equals(whole)
        again = sampler(name)
        assert len(again.sample_combos(12, missing_only=True)) == 0
        more = again.sample_combos(14, missing_only=True)
        assert len(more) == 2
        assert again.full_df.equals(sampler(None, seed=5).sample_combos(14))

    def test_failures_are_missing_and_replaced_rows_are_not(self) -> None:
        broken = sampler(fn=Stopping([], fails=True), seed=5)
        broken.sample_combos(4, on_error="keep", fail_fast=False)
        assert broken.full_df is None
        fixed = sampler(seed=5)
        assert len(fixed.sample_combos(4, missing_only=True)) == 4
        assert len(fixed.failures) == 0
        fixed.save_full_df(fixed.full_df.iloc[:2])
        assert len(fixed.sample_combos(2, missing_only=True)) == 0
        assert len(fixed.sample_combos(3, missing_only=True)) == 1
        assert len(fixed.full_df) == 3

    def test_in_memory_nobody_knows_what_is_missing(self) -> None:
        with pytest.raises(StreamConfigError, match="data_name"):
            sampler(None).sample_combos(3, missing_only=True)
        with pytest.raises(StreamConfigError, match="data_name"):
            sampler("foo").sample_combos(3, sync=False, missing_only=True)


class Stopping:
    """A function that is interrupted at some settings, or always fails."""

    def __init__(self, at: list[float], *, fails: bool = False) -> None:
        self.at, self.fails = at, fails

    def __call__(self, a: float, *, rng: Any) -> float:
        if self.fails:
            raise ValueError("not yet")
        if a in self.at:
            raise KeyboardInterrupt
        return noisy(a, rng=rng)


class TestOrder:
    """Rows stand in the order of their numbers, whoever looks and whenever."""

    def test_rows_that_come_late(self) -> None:
        reader = sampler("foo.csv", seed=1)
        other = sampler("foo.csv", seed=1)
        looked: list[int] = []

        def meanwhile(a: float) -> float:
            if not looked:  # rows that were begun later come first
                other.sample_combos(2)
                looked.append(len(reader.full_df))
            return -a

        slow = sampler("foo.csv", meanwhile, seed=1)
        slow.sample_combos(3)
        assert looked == [2]
        fresh = sampler("foo.csv", seed=1).full_df
        assert len(fresh) == 5
        assert reader.full_df.equals(fresh)
        assert other.full_df.equals(fresh)
        expected = sampler(None, lambda a: 0, seed=1).sample_combos(5)
        assert fresh["a"].tolist() == expected["a"].tolist()
        os.utime("foo.csv", (1, 1))
        assert reader.full_df.equals(fresh)

    def test_what_users_do_to_the_table_is_theirs(self) -> None:
        one = sampler(seed=1)
        one.sample_combos(2)
        df = one.full_df
        df["mine"] = 0
        df.loc[0, "y"] = 99.0
        assert list(one.full_df.columns) == ["a", "y"]
        assert 99 not in one.full_df["y"].tolist()


ODD: dict[str, list[Any]] = {
    ".csv": [("NA", None, 1.5), (None, 2.5, 1 / 3), ("x", None, 3.7037036703703502e-09)],
    ".json": [("NA", None, 1.5), (None, 2.5, 1 / 3), ("x", None, 3.7037036703703502e-09)],
    ".parquet": [(None, None, 1.5), ("y", 2.5, 1 / 3), ("x", None, 1e-300)],
    ".pkl": [("NA", None, 1.5), (None, 2.5, datetime(2020, 1, 1)), ((1, 2), None, 1)],
}


@pytest.mark.parametrize("suffix", ODD)
class TestFiles:
    """A file loses types; that it was touched, or got rows, loses nothing."""

    def begun(self, suffix: str) -> Sampler:
        rows = iter(ODD[suffix])
        made = Sampler(Runner(lambda i: next(rows), ["t", "n", "x"], verbosity=0), f"foo{suffix}", {"i": 1}, seed=1)
        made.sample_combos(3)
        return made

    def test_a_file_that_was_touched_or_written_again(self, suffix: str) -> None:
        if suffix == ".parquet":
            require("pyarrow")
        before = self.begun(suffix).full_df
        file = Path(f"foo{suffix}")
        os.utime(file, (1, 1))
        again = Sampler(Runner(lambda i: ("z", 0.0, 1.0), ["t", "n", "x"], verbosity=0), file, {"i": 1})
        assert again.full_df.equals(before)
        engine = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".pkl": "pickle"}[suffix]
        save_df(load_df(file, engine), file, engine)
        os.utime(file, (2, 2))
        again.sample_combos(1)
        assert again.full_df.iloc[:3].astype(object).equals(before.astype(object))
        assert len(again.full_df) == 4

    def test_rows_that_somebody_has_added(self, suffix: str) -> None:
        if suffix == ".parquet":
            require("pyarrow")
        made = self.begun(suffix)
        engine = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".pkl": "pickle"}[suffix]
        df = load_df(f"foo{suffix}", engine)
        more = pd.DataFrame({"i": [5], "t": ["new"], "n": [1.0], "x": [2.0]})
        both = pd.concat([df.astype(object), more.astype(object)], ignore_index=True)
        save_df(both if suffix == ".pkl" else both.infer_objects(), f"foo{suffix}", engine)
        assert made.full_df["i"].tolist() == [1, 1, 1, 5]
        assert made.full_df["t"].iloc[3] == "new"


def test_json_has_every_digit() -> None:
    values = [3.7037036703703502e-09, 1 / 3, 1e300, 1e-300, -0.1, float("nan")]
    df = pd.DataFrame({"x": values, "n": range(6), "mixed": [0.1, "a", None, 1 / 7, 2**60, True]})
    save_df(df, "t.json", "json")
    back = load_df("t.json", "json")
    assert np.array_equal(back["x"].to_numpy(), df["x"].to_numpy(), equal_nan=True)
    assert back["n"].tolist() == list(range(6))
    assert back["mixed"].iloc[3] == 1 / 7
    save_df(pd.DataFrame({"x": [5e-324]}), "t.json", "json")
    assert abs(load_df("t.json", "json")["x"].iloc[0]) < 1e-300  # which pandas reads as zero


def test_a_file_that_is_no_table() -> None:
    Path("p.pkl").write_bytes(b"zzz")
    with pytest.raises(DataError, match=r"p\.pkl cannot be read as pickle"):
        sampler("p.pkl").sample_combos(1)


@pytest.mark.parametrize("name", ["p.xlsx", "p.txt", "p.zarr"])
def test_suffixes_of_something_else(name: str) -> None:
    with pytest.raises(StreamConfigError, match=r"wanted one that ends in \.pkl"):
        sampler(name)
    made = sampler(None)
    made.sample_combos(1)
    with pytest.raises(StreamConfigError, match=r"wanted one that ends in \.pkl"):
        made.export(name)
    made.export(name, engine="csv")
    assert load_df(name, "csv").columns.tolist() == ["a", "y"]


@pytest.mark.parametrize("name", ["o.txt", "o.xlsx", "o.npz", "."])
def test_a_harvest_is_exported_to_what_there_is(name: str) -> None:
    require("xarray")
    harvester = Harvester(Runner(lambda a: a, "y", verbosity=0), "foo")
    harvester.harvest_combos({"a": [1, 2]})
    with pytest.raises(StreamConfigError, match=r"wanted a file of a known kind: \.h5"):
        harvester.export(name)
    assert {path.name for path in Path().iterdir()} == {"foo"}
