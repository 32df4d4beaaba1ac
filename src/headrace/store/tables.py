"""Tables in files: saved whole or not at all, in any format that pandas writes."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.store.swap import held, real, replace_file

_NEEDS: Final = {"hdf": "tables", "parquet": "pyarrow", "feather": "pyarrow", "orc": "pyarrow"}


def save_df(df: Any, name: str | os.PathLike[str], engine: str = "pickle", key: str = "df", **kwargs: Any) -> None:
    """Put a table at ``name``: it is there whole when this returns, and what was there before is, until then.

    Parameters
    ----------
    df
        A ``pandas.DataFrame``.
    name
        The file, as it is: no suffix is added.
    engine
        ``"pickle"``, ``"csv"`` (without the index), ``"parquet"``, ``"json"``, ``"hdf"``, or any other that pandas has a
        ``to_`` and a ``read_`` for. Pickle and parquet keep types, csv and json only what text can.
    key
        For hdf: the name in the file; what else is in the file stays there.
    **kwargs
        For pandas.

    Raises
    ------
    SinkError
        When the disk takes no more, or another process has been writing the same file for minutes.
    StreamConfigError
        When pandas cannot write that.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_df(pd.DataFrame({"a": [1, 2]}), folder + "/t.csv", "csv")
    ...     load_df(folder + "/t.csv", "csv").a.tolist()
    [1, 2]
    """
    path = real(name)
    with held(path):
        write_df(df, path, engine, key, **kwargs)


def write_df(df: Any, path: Path, engine: str = "pickle", key: str = "df", **kwargs: Any) -> None:
    """Do what :func:`save_df` does, for who holds ``path``."""
    pd = optional("pandas", "sweeps", "saving a table")
    if not isinstance(df, pd.DataFrame):
        raise DataError(f"save_df got a {type(df).__name__}, wanted a pandas DataFrame.")
    to = getattr(df, f"to_{engine}", None)
    if to is None or not hasattr(pd, f"read_{engine}"):
        raise StreamConfigError(
            f"save_df got engine={engine!r}, wanted one that pandas reads and writes, such as 'parquet'."
        )
    _need(engine, "saving a table")
    if engine == "csv":
        kwargs.setdefault("index", False)

    def write(tmp: Path) -> None:
        if engine == "hdf":
            if path.exists() and kwargs.get("mode", "a") != "w":
                shutil.copy2(path, tmp)
            to(tmp, key=key, **kwargs)
        else:
            to(tmp, **kwargs)
        if engine == "json" and not kwargs:
            tmp.write_text(_exact(df, tmp.read_text(encoding="utf-8")), encoding="utf-8")

    replace_file(path, write)


def _exact(df: Any, text: str) -> str:
    """Return the JSON of a table with all digits of its numbers, which pandas cuts off after so many decimals."""
    told: dict[str, dict[str, Any]] = json.loads(text)
    for name, column in zip(df.columns, (df.iloc[:, k] for k in range(df.shape[1])), strict=True):
        cells = told.get(str(name), {})
        for row, value in zip(cells, column.tolist(), strict=True):
            if isinstance(value, float) and math.isfinite(value):
                cells[row] = value if abs(value) >= sys.float_info.min else 0.0  # smaller ones pandas cannot read
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def load_df(name: str | os.PathLike[str], engine: str = "pickle", key: str = "df", **kwargs: Any) -> Any:
    """Return the table at ``name``.

    Parameters
    ----------
    name, engine, key
        As in :func:`save_df`. A pickle runs code of who made it.
    **kwargs
        For pandas' reader.

    Raises
    ------
    FileNotFoundError
        When there is none.
    StreamConfigError
        When pandas cannot read that.
    """
    pd = optional("pandas", "sweeps", "loading a table")
    read = getattr(pd, f"read_{engine}", None)
    if read is None:
        raise StreamConfigError(f"load_df got engine={engine!r}, wanted one that pandas reads, such as 'parquet'.")
    _need(engine, "loading a table")
    path = real(name)
    if not path.exists():
        raise FileNotFoundError(2, "there is no table", str(path))
    if engine == "hdf":
        kwargs.setdefault("key", key)
    elif engine == "csv" and kwargs.get("engine", "c") == "c" and _version(pd) < (3, 1):
        kwargs.setdefault("float_precision", "round_trip")  # pandas' own way was fast, and wrong in the last digit
    elif engine == "json":
        kwargs.setdefault("precise_float", True)
    return read(path, **kwargs)


def _need(engine: str, who: str) -> None:
    if engine in _NEEDS:
        optional(_NEEDS[engine], "store", f"{who} with engine={engine!r}")


def _version(pd: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in pd.__version__.split(".")[:2] if part.isdigit())
