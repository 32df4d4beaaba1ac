"""Datasets and tables in and out of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.store import datasets, merge
from headrace.store.arrange import auto_xyz_ds, check_runs, post_fix, sort_dims, trimna
from headrace.store.cache import cache_to_disk
from headrace.store.tables import load_df, save_df

__all__ = [
    "auto_add_extension",
    "auto_xyz_ds",
    "cache_to_disk",
    "check_runs",
    "load_df",
    "load_ds",
    "merge_sync_conflict_datasets",
    "post_fix",
    "save_df",
    "save_ds",
    "save_merge_ds",
    "sort_dims",
    "trimna",
]

_PICKLES = "joblib"  # the engine whose files are pickles, by its own choice


def auto_add_extension(file_name: Any, engine: str) -> str:
    """Return a name with the suffix of an engine, where it has none of an engine's.

    Examples
    --------
    >>> auto_add_extension("scan", "zarr"), auto_add_extension("scan.nc", "zarr")
    ('scan.zarr', 'scan.nc')
    """
    name = str(file_name)
    return name + datasets.dataset_path(name, engine).name.removeprefix(Path(name).name)


def save_ds(ds: Any, file_name: Any, engine: str = "h5netcdf", **kwargs: Any) -> None:
    """Put a dataset at ``file_name``, whole or not at all.

    See Also
    --------
    headrace.store.save_ds : what it does.
    """
    datasets.save_ds(ds, file_name, engine, **kwargs)


def load_ds(
    file_name: Any,
    engine: str = "h5netcdf",
    load_to_mem: bool | None = None,
    create_new: bool = False,
    chunks: Any = None,
    **kwargs: Any,
) -> Any:
    """Return the dataset at ``file_name``. ``engine="joblib"`` reads a pickle: only of files that you trust.

    See Also
    --------
    headrace.store.load_ds : what it does.
    """
    kwargs.setdefault("allow_pickle", engine == _PICKLES)
    return datasets.load_ds(file_name, engine, load_to_mem, create_new, chunks, **kwargs)


def save_merge_ds(ds: Any, fname: Any, overwrite: bool | None = None, **kwargs: Any) -> None:
    """Merge a dataset into the one at ``fname``.

    See Also
    --------
    headrace.store.save_merge_ds : what it does.
    """
    merge.save_merge_ds(ds, fname, overwrite, **{"engine": "h5netcdf", **kwargs})


def merge_sync_conflict_datasets(base_name: Any, engine: str = "h5netcdf", combine_first: bool = False) -> Any:
    """Merge the files whose names begin alike into the one with the shortest name, and delete the others.

    See Also
    --------
    headrace.store.merge_sync_conflict_datasets : what it does.
    """
    return merge.merge_sync_conflict_datasets(base_name, engine, combine_first)
