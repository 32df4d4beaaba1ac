"""Tables in files: by which suffix they go, and how they are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from headrace.store.swap import held, real
from headrace.store.tables import write_df

ENGINES: Final = {
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".hdf": "hdf",
    ".hdf5": "hdf",
    ".feather": "feather",
}
_DATASETS: Final = ("h5netcdf", "netcdf4", "zarr", "joblib")


def is_table(path: str | os.PathLike[str], engine: str | None) -> bool:
    """Tell whether a file is one of tables.

    Examples
    --------
    >>> is_table("a.csv", None), is_table("a.h5", None), is_table("a", "parquet")
    (True, False, True)
    """
    if engine is None:
        return Path(path).suffix in ENGINES
    return engine not in _DATASETS


def table_engine(path: str | os.PathLike[str], engine: str | None) -> str:
    """Return what writes a table.

    Examples
    --------
    >>> table_engine("a.pq", None), table_engine("a.h5", None), table_engine("a", "csv"), table_engine("a.df", None)
    ('parquet', 'hdf', 'csv', 'pickle')
    """
    if engine is not None:
        return engine
    suffix = Path(path).suffix
    return "hdf" if suffix == ".h5" else ENGINES.get(suffix, "pickle")


def save_table(df: Any, path: str | os.PathLike[str], engine: str | None = None) -> None:
    """Put a table at a path, whole or not at all."""
    where = real(path)
    with held(where):
        write_df(df, where, table_engine(where, engine))
