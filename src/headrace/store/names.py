"""Where a dataset is: one path for each name, whoever asks, and whether for reading, writing or deleting."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from headrace.errors import StreamConfigError
from headrace.store.swap import beside, real

_SUFFIX: Final = {"h5netcdf": ".h5", "netcdf4": ".nc", "joblib": ".dmp", "zarr": ".zarr"}
_ENGINE: Final = {suffix: engine for engine, suffix in _SUFFIX.items()}


def dataset_path(file_name: str | os.PathLike[str], engine: str | None = None) -> Path:
    """Return the path that a dataset is stored at, which everything that asks for its existence must ask for.

    The engine's suffix is added to a name that has none of ``.h5``, ``.nc``, ``.dmp`` and ``.zarr``.

    Raises
    ------
    StreamConfigError
        When there is no such engine.

    Examples
    --------
    >>> dataset_path("scan").name, dataset_path("scan", "zarr").name, dataset_path("scan.nc").name
    ('scan.h5', 'scan.zarr', 'scan.nc')
    """
    path = real(file_name)
    if any(suffix in _ENGINE for suffix in path.suffixes):
        engine_of(path, engine)
        return path
    return path.with_name(path.name + _SUFFIX[engine_of(path, engine)])


def engine_of(path: Path, engine: str | None) -> str:
    """Return what writes a path: ``engine``, or what its suffix says.

    Raises
    ------
    StreamConfigError
        When there is no such engine.
    """
    if engine is None:
        named = next((_ENGINE[suffix] for suffix in reversed(path.suffixes) if suffix in _ENGINE), "h5netcdf")
        if named == "h5netcdf" and find_spec("h5netcdf") is None and find_spec("netCDF4") is not None:
            return "netcdf4"
        if named == "netcdf4" and find_spec("netCDF4") is None:
            return "h5netcdf"  # the same files
        return named
    if engine not in _SUFFIX:
        raise StreamConfigError(
            f"engine= got {engine!r}, wanted one of {', '.join(_SUFFIX)}, or None to go by the name."
        )
    return engine


def find_dataset(file_name: str | os.PathLike[str], engine: str | None = None) -> Path | None:
    """Return where the dataset of a name is, None where there is none.

    That is :func:`dataset_path`; else, for a name without suffix, the one file that has this name and one of the four
    suffixes; else the name as it is given.
    """
    path = dataset_path(file_name, engine)
    if _is_there(path):
        return path
    given = real(file_name)
    if engine is None and given != path:
        there = [each for each in (given.with_name(given.name + suffix) for suffix in _ENGINE) if _is_there(each)]
        if len(there) == 1:
            return there[0]
    return given if given.is_file() or (given.is_dir() and (given / "zarr.json").exists()) else None


def _is_there(path: Path) -> bool:
    return path.exists() or beside(path, "old").exists()


def absent(file_name: str | os.PathLike[str], engine: str | None) -> FileNotFoundError:
    """Return the error for a dataset that is not there; it names those of other suffixes."""
    path, given = dataset_path(file_name, engine), real(file_name)
    others = [given.name + suffix for suffix in _ENGINE if given.with_name(given.name + suffix).exists()]
    hint = f"\n  There is {' and '.join(others)}: name the one you mean." if others else ""
    return FileNotFoundError(2, f"there is no dataset{hint}", str(path))
