"""Tables in files: whole or not at all, in any format, with what pandas keeps of their types."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headrace.errors import DataError, SinkError, StreamConfigError
from headrace.store import load_df, save_df
from headrace.store.files import FolderLock
from support.require import require

NEEDS = {
    "pickle": "pandas",
    "csv": "pandas",
    "json": "pandas",
    "parquet": "pyarrow",
    "hdf": "tables",
    "feather": "pyarrow",
}


@pytest.fixture(params=NEEDS)
def engine(request: pytest.FixtureRequest) -> str:
    require(NEEDS[request.param])
    return str(request.param)


def frame(n: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    return pd.DataFrame(
        {"x": rng.normal(size=n), "n": np.arange(n), "s": [f"t{k}" for k in range(n)], "b": np.arange(n) > 2}
    )


def test_a_table_comes_back(tmp_path: Path, engine: str) -> None:
    df = frame()
    save_df(df, tmp_path / "t", engine)
    back = load_df(tmp_path / "t", engine)
    if engine == "json":
        assert np.allclose(back.x, df.x, rtol=1e-14)
        back = back.assign(x=df.x)
    pd.testing.assert_frame_equal(back, df)
    save_df(df.iloc[:2], tmp_path / "t", engine)
    assert len(load_df(tmp_path / "t", engine)) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_a_csv_keeps_every_digit(tmp_path: Path) -> None:
    df = pd.DataFrame({"x": np.random.default_rng(0).normal(size=3000) * 10.0 ** np.arange(3000).clip(0, 200)})
    save_df(df, tmp_path / "t.csv", "csv")
    assert load_df(tmp_path / "t.csv", "csv").x.tolist() == df.x.tolist()


def test_exact_types_in_a_pickle(tmp_path: Path) -> None:
    held = {
        "i": [2**63 - 1, -5],
        "c": [1j, np.nan],
        "t": np.array(["2020-01-01", "NaT"], "M8[ns]"),
        "o": pd.Series([None, [1, np.arange(2)]], dtype=object),
        "b": [True, False],
    }
    df = pd.DataFrame(held)
    save_df(df, tmp_path / "t")
    back = load_df(tmp_path / "t")
    assert back.dtypes.equals(df.dtypes)
    assert back.o[0] is None
    assert back.i.tolist() == held["i"]


def test_arguments_reach_pandas(tmp_path: Path) -> None:
    """B19: they did not when loading."""
    save_df(frame(), tmp_path / "t.csv", "csv", sep=";", index=True)
    assert list(load_df(tmp_path / "t.csv", "csv", sep=";", usecols=["n"]).columns) == ["n"]
    assert "Unnamed: 0" in load_df(tmp_path / "t.csv", "csv", sep=";").columns
    save_df(frame(), tmp_path / "t.csv.gz", "csv")
    assert (tmp_path / "t.csv.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert len(load_df(tmp_path / "t.csv.gz", "csv")) == 5


def test_several_tables_in_one_hdf(tmp_path: Path) -> None:
    require("tables")
    save_df(frame(2), tmp_path / "t.h5", "hdf", "two")
    save_df(frame(3), tmp_path / "t.h5", "hdf", "three")
    save_df(frame(4), tmp_path / "t.h5", "hdf", "three")
    assert len(load_df(tmp_path / "t.h5", "hdf", "two")) == 2
    assert len(load_df(tmp_path / "t.h5", "hdf", "three")) == 4
    save_df(frame(5), tmp_path / "t.h5", "hdf", mode="w")
    with pytest.raises(KeyError):
        load_df(tmp_path / "t.h5", "hdf", "two")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_save_that_fails_leaves_what_was_there(
    tmp_path: Path, engine: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_df(frame(2), tmp_path / "t", engine)

    def fails(self: Any, path: Path, *args: Any, **kwargs: Any) -> None:
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(pd.DataFrame, f"to_{engine}", fails)
    with pytest.raises(SinkError if isinstance(error, OSError) else KeyboardInterrupt):
        save_df(frame(3), tmp_path / "t", engine)
    assert len(load_df(tmp_path / "t", engine)) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StreamConfigError, match="wanted one that pandas"):
        save_df(frame(), tmp_path / "t", "nonsense")
    with pytest.raises(StreamConfigError, match="wanted one that pandas"):
        load_df(tmp_path / "t", "nonsense")
    with pytest.raises(DataError, match="wanted a pandas DataFrame"):
        save_df({"a": [1]}, tmp_path / "t")
    with pytest.raises(FileNotFoundError, match="there is no table"):
        load_df(tmp_path / "t")
    assert not list(tmp_path.iterdir())


def test_another_writer_is_waited_for(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path, ".lock-t")
    thread = threading.Thread(target=save_df, args=(frame(), tmp_path / "t"))
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    lock.release()
    thread.join(60)
    assert len(load_df(tmp_path / "t")) == 5


def test_no_warning_is_left(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_df(frame(), tmp_path / "t.csv", "csv")
        load_df(tmp_path / "t.csv", "csv")
