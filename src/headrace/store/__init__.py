"""Keep items: datasets as npz folders, zarr groups and parquet folders, written so that a kill loses nothing.

What is stored and read back belongs here. Sources that merely read files made by others live in ``sources``.
"""

from headrace.store.arrange import auto_xyz_ds, check_runs, post_fix, sort_dims, trimna
from headrace.store.cache import cache_to_disk
from headrace.store.datasets import dataset_path, delete_ds, find_dataset, load_ds, save_ds
from headrace.store.ledger import Ledger
from headrace.store.merge import merge_ds, merge_sync_conflict_datasets, save_merge_ds
from headrace.store.npz import NpzFolder
from headrace.store.origin import Saved
from headrace.store.parquet import ParquetFolder
from headrace.store.read import Dataset, read
from headrace.store.save import Saving, save
from headrace.store.shards import Sharding
from headrace.store.tables import load_df, save_df
from headrace.store.zarrs import ZarrStore

__all__ = [
    "Dataset",
    "Ledger",
    "NpzFolder",
    "ParquetFolder",
    "Saved",
    "Saving",
    "Sharding",
    "ZarrStore",
    "auto_xyz_ds",
    "cache_to_disk",
    "check_runs",
    "dataset_path",
    "delete_ds",
    "find_dataset",
    "load_df",
    "load_ds",
    "merge_ds",
    "merge_sync_conflict_datasets",
    "post_fix",
    "read",
    "save",
    "save_df",
    "save_ds",
    "save_merge_ds",
    "sort_dims",
    "trimna",
]
