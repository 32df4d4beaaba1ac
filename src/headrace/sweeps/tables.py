"""Tables in files: by which suffix they go, and how they are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from headrace.errors import StreamConfigError
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
DATASETS: Final = (".h5", ".nc", ".zarr", ".dmp")
_DATASET_ENGINES: Final = ("h5netcdf", "netcdf4", "zarr", "joblib")
_NO_TABLES: Final = (".txt", ".xlsx", ".xls", ".npz", ".npy", ".nc", ".zarr", ".dmp", ".tsv", ".db")


def is_table(path: str | os.PathLike[str], engine: str | None) -> bool:
    """Tell whether a file is one of tables.

    Examples
    --------
    >>> is_table("a.csv", None), is_table("a.h5", None), is_table("a", "parquet")
    (True, False, True)
    """
    if engine is None:
        return Path(path).suffix in ENGINES
    return engine not in _DATASET_ENGINES


def check_suffix(path: str | os.PathLike[str], engine: str | None) -> None:
    """Raise when a path does not say what is to be written there.

    Raises
    ------
    StreamConfigError
        For a suffix that is neither that of a dataset nor of a table, where no engine is given.

    Examples
    --------
    >>> check_suffix("a.csv", None), check_suffix("a.txt", "csv")
    (None, None)
    """
    where = Path(path)
    known = (*DATASETS, *ENGINES)
    if engine is None and where.name and (not where.suffix or where.suffix in known):
        return
    if engine is not None and where.name:
        return
    raise StreamConfigError(
        f"export got the path {str(path)!r}, wanted a file of a known kind: {', '.join(known)}.\n"
        "  Or say engine=, such as engine='csv'; for Excel, harvester.table.to_excel(path)."
    )


def check_table_name(path: str | os.PathLike[str], engine: str | None) -> None:
    """Raise when a path has the suffix of something else than a table, and no engine is given.

    Raises
    ------
    StreamConfigError
        Naming those that there are.

    Examples
    --------
    >>> check_table_name("rows.csv", None), check_table_name("rows", None), check_table_name("rows.xlsx", "pickle")
    (None, None, None)
    """
    suffix = Path(path).suffix
    if engine is None and suffix in _NO_TABLES:
        raise StreamConfigError(
            f"a table got the path {str(path)!r}, wanted one that ends in {', '.join(ENGINES)}.\n"
            "  Or say engine=, such as engine='csv'; for Excel, sampler.full_df.to_excel(path)."
        )


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
