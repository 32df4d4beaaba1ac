"""What the name of a harvest stands for: a ledger, the dataset that shows it, and how both are removed."""

from __future__ import annotations

import os
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from headrace.core.notes import warn
from headrace.core.refused import refused
from headrace.errors import SinkError, StreamConfigError
from headrace.store.ledger import Ledger
from headrace.store.ledger_removal import is_ledger
from headrace.store.names import dataset_path
from headrace.store.swap import beside, held, real, remove

_SUFFIXES: Final = (".h5", ".nc", ".dmp", ".zarr")
_OTHERS: Final = (
    ".csv", ".parquet", ".pq", ".pkl", ".pickle", ".json", ".feather", ".hdf", ".hdf5", ".xlsx", ".npz", ".npy", ".txt"
)  # fmt: skip


def places_of(name: str, engine: str | None) -> tuple[Path | None, Path, Path | None]:
    """Return the dataset that a ledger is shown as, the ledger, and a dataset that an unsuffixed name may have meant.

    Raises
    ------
    StreamConfigError
        When a name is none, or that of another kind of file, or may mean several datasets.
    """
    check_name(name)
    path = real(name)
    bare = not any(suffix in _SUFFIXES for suffix in path.suffixes)
    there = path.is_file() or is_zarr(path)
    if bare and engine is None and not there:
        meant = [each for each in (path.with_name(path.name + suffix) for suffix in _SUFFIXES) if each.exists()]
        if not meant or (is_ledger(path) and Ledger(path, readonly=True).totals.commits):
            return None, path, None
        if len(meant) > 1:
            raise StreamConfigError(
                f"the harvest {name} may mean {' or '.join(each.name for each in meant)}, which are there, wanted one.\n"
                "  Give the suffix too; or choose another name for a ledger that is shown as no file."
            )
        if meant and is_ledger(meant[0].with_name(f"{meant[0].name}.ledger")):
            warn(
                f"the harvest {name} has no points yet, and there is a harvest {meant[0].name}, which is another one.\n"
                f"  Say {name + meant[0].suffix!r} to go on with that."
            )
            meant = []
        return None, path, meant[0] if meant else None
    shown = path if there else dataset_path(name, engine)
    return shown, shown.with_name(f"{shown.name}.ledger"), None


def check_name(name: str) -> None:
    """Raise when a harvest cannot have a name.

    Raises
    ------
    StreamConfigError
        For one that is empty or a folder's, and for a suffix that is not that of a dataset.
    """
    path = real(name)
    if not name or path.name in ("", "..") or name.rstrip("/").rpartition("/")[2] in ("", ".", ".."):
        raise StreamConfigError(
            f"a harvest got the name {name!r}, wanted one of its own: 'foo' for a ledger, 'foo.h5', 'foo.nc' or 'foo.zarr' "
            "for one that is shown as a dataset, too."
        )
    suffix = path.suffix
    if suffix == ".ledger" and path.stem and any(each in _SUFFIXES for each in Path(path.stem).suffixes):
        raise StreamConfigError(
            f"a harvest got the name {name!r}, which is the ledger of {path.stem}, wanted that.\n  Say {path.stem!r}."
        )
    if suffix in _OTHERS or (suffix not in _SUFFIXES and suffix.lower() in _SUFFIXES):
        if is_ledger(path) or is_ledger(path.with_name(f"{path.name}.ledger")):  # of earlier versions; of a Sampler
            return
        raise StreamConfigError(
            f"a harvest got the name {name!r}, wanted one that ends in .h5, .nc or .zarr for a dataset, or one without "
            f"suffix for a ledger alone.\n  For a table say harvester.export({path.name!r})."
        )


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a dataset of zarr's."""
    return path.is_dir() and any((path / mark).exists() for mark in ("zarr.json", ".zgroup"))


def is_data(path: Path) -> bool:
    """Tell whether there is a dataset or table, by its first bytes, and for a text or a pickle by its name."""
    if path.is_dir():
        return is_zarr(path)
    with open(path, "rb") as file:
        head = file.read(8)
    return (
        head[:4] == b"\x89HDF"
        or head[:3] == b"CDF"
        or (path.suffix in (*_SUFFIXES, *_OTHERS) and path.suffix != ".txt")
    )


def remove_ledger(ledger: Ledger, export: Any, backup: bool) -> None:
    """Remove a ledger and the file that shows it; or move both to ``<name>.BAK-YYYYmmdd-HHMMSS``.

    Raises
    ------
    SinkError
        When what has their names is something else, and nothing is removed then; or when the disk does not do it.
    """
    try:
        _remove(ledger, export, backup)
    except OSError as error:
        raise refused(
            "delete_ds", ledger.path if export is None else export.path, error,
            kept="What was not removed yet is as it was", then="delete it again",
        ) from error  # fmt: skip


def _remove(ledger: Ledger, export: Any, backup: bool) -> None:
    with nullcontext() if export is None else held(export.path):
        if export is not None and export.path.exists() and export.foreign and not is_data(export.path):
            raise SinkError(
                f"{export.path} was to be deleted as a dataset, and is something else, wanted what headrace or xarray "
                "wrote.\n  Nothing was deleted; remove it yourself if you mean it."
            )
        if export is not None and ledger.path.exists() and not is_ledger(ledger.path):
            ledger.remove()  # raises, where it is none
        shown = ledger.path if export is None else export.path
        mark, k = f"BAK-{datetime.now():%Y%m%d-%H%M%S}", 0
        aside = shown.with_name(f"{shown.name}.{mark}")
        while aside.exists() or aside.with_name(f"{aside.name}.ledger").exists():
            k += 1
            aside = shown.with_name(f"{shown.name}.{mark}-{k}")
        if export is None:
            ledger.remove(aside if backup else None)
            return
        ledger.remove(aside.with_name(f"{aside.name}.ledger") if backup else None)
        if not shown.exists():
            return
        if backup:
            os.rename(shown, aside)
        elif shown.is_dir():
            os.rename(shown, beside(shown, "gone"))
            remove(beside(shown, "gone"))
        else:
            remove(shown)
