"""Keep items: datasets as npz folders, zarr groups and parquet folders, written so that a kill loses nothing.

What is stored and read back belongs here. Sources that merely read files made by others live in ``sources``.
"""

from headrace.store.npz import NpzFolder
from headrace.store.origin import Saved
from headrace.store.parquet import ParquetFolder
from headrace.store.read import Dataset, read
from headrace.store.save import Saving, save
from headrace.store.shards import Sharding
from headrace.store.zarrs import ZarrStore

__all__ = ["Dataset", "NpzFolder", "ParquetFolder", "Saved", "Saving", "Sharding", "ZarrStore", "read", "save"]
