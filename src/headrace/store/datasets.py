"""Datasets in files: saved whole or not at all, loaded with every type as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.store.columns import Format
from headrace.store.exact import from_plain, is_marked, to_plain
from headrace.store.names import absent, engine_of
from headrace.store.names import dataset_path as dataset_path
from headrace.store.names import find_dataset as find_dataset
from headrace.store.netcdfs import guard, write_netcdf
from headrace.store.swap import beside, copy, held, identity, readable, remove, replace_file, replace_folder

_HOLDS: Final = {
    "h5netcdf": Format(complex=True, half=True),
    "netcdf4": Format(complex=False, half=False),
    "zarr": Format(complex=True, half=True),
}
_PLACED: Final = ("mode", "group", "append_dim", "region", "store", "path", "compute")  # what replacing rules out
_DECODING: Final = (
    "decode_cf",
    "decode_times",
    "decode_timedelta",
    "mask_and_scale",
    "use_cftime",
    "concat_characters",
)
_TRIES: Final = 5  # then the writers are made to wait


def save_ds(
    ds: Any,
    file_name: str | os.PathLike[str],
    engine: str | None = None,
    *,
    allow_pickle: bool = False,
    encoding: Mapping[Hashable, Any] | None = None,
    **kwargs: Any,
) -> None:
    """Put a dataset at ``file_name``: it is there whole when this returns, and what was there before is, until then.

    Parameters
    ----------
    ds
        An ``xarray.Dataset``, or a ``DataArray``, saved as a dataset with one variable. Neither it nor its attributes
        are changed.
    file_name
        The engine's suffix is added where it has none; see :func:`dataset_path`.
    engine
        ``"h5netcdf"`` (``.h5``), ``"netcdf4"`` (``.nc``), ``"zarr"`` (``.zarr``), ``"joblib"`` (``.dmp``, a pickle).
        None goes by the suffix, and is h5netcdf where that says nothing.
    allow_pickle
        Pickle what has no other form, in variables of objects.
    encoding
        As for ``xarray.Dataset.to_netcdf``: compression, chunks. A variable for which it names a ``dtype``, ``units``,
        a scale or a fill value is stored by xarray, and is only as exact as that.
    **kwargs
        For ``to_netcdf`` or ``to_zarr``, or for ``joblib.dump``.

    Notes
    -----
    Any type comes back as it was: booleans, integers of any size, complex numbers, dates, texts, None among them, lists
    and arrays of different lengths; so do attributes that are dicts, None or booleans. Other programs find what their
    format can say, and one attribute more, named ``headrace``. A callable among the attributes is stored by its name.
    Encodings that the dataset carries from the file it came from are not used.

    Raises
    ------
    DataError
        When a variable holds what has no written form.
    SinkError
        When the disk takes no more, or another process has been writing the same file for minutes.
    StreamConfigError
        For an unknown engine, and for arguments that would change a file in place.

    Examples
    --------
    >>> import tempfile, xarray as xr
    >>> ds = xr.Dataset({"done": ("a", [True, False])}, attrs={"tol": None, "opts": {"order": 4}})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_ds(ds, folder + "/scan")
    ...     back = load_ds(folder + "/scan")
    >>> back.identical(ds), back.done.dtype, back.attrs
    (True, dtype('bool'), {'tol': None, 'opts': {'order': 4}})
    """
    path = dataset_path(file_name, engine)
    with held(path):
        write(ds, path, engine, allow_pickle=allow_pickle, encoding=encoding, **kwargs)


def write(
    ds: Any,
    path: Path,
    engine: str | None = None,
    *,
    allow_pickle: bool = False,
    encoding: Mapping[Hashable, Any] | None = None,
    **kwargs: Any,
) -> None:
    """Do what :func:`save_ds` does, for who holds ``path``, a result of :func:`dataset_path`."""
    xr = optional("xarray", "sweeps", "saving a dataset")
    engine = engine_of(path, engine)
    wrong = [name for name in _PLACED if name in kwargs]
    if wrong:
        raise StreamConfigError(
            f"save_ds got {wrong[0]}=, which changes a file in place: a kill in the middle would cost all of it.\n"
            "  Leave it out, or call to_netcdf or to_zarr yourself."
        )
    if isinstance(ds, xr.DataArray):
        ds = ds.to_dataset(name="data" if ds.name is None else ds.name)
    if not isinstance(ds, xr.Dataset):
        raise DataError(f"save_ds got a {type(ds).__name__}, wanted an xarray Dataset or DataArray.")
    if engine == "joblib":
        joblib = optional("joblib", "store", "saving a dataset with engine='joblib'")
        replace_file(path, lambda tmp: joblib.dump(ds, tmp, **kwargs))
        return
    _need(engine, "saving a dataset")
    plain, encoded = to_plain(ds, _HOLDS[engine], encoding or {}, allow_pickle=allow_pickle)
    if engine == "zarr":
        replace_folder(path, lambda tmp: _write_zarr(plain, tmp, encoded, kwargs))
    else:
        replace_file(path, lambda tmp: write_netcdf(plain, tmp, path, engine, encoding=encoded, **kwargs))


def _need(engine: str, who: str) -> None:
    if engine == "h5netcdf":
        optional("h5py", "store", f"{who} with engine='h5netcdf'")
    optional({"netcdf4": "netCDF4"}.get(engine, engine), "store", f"{who} with engine={engine!r}")


def _write_zarr(plain: Any, tmp: Path, encoding: Mapping[str, Any], kwargs: Mapping[str, Any]) -> None:
    for name, variable in plain.variables.items():
        chunks = variable.chunks
        if chunks is not None and any(len(set(along[:-1])) > 1 or along[-1] > along[0] for along in chunks):
            # A chunk of zarr is as long as any other, those of dask are not.
            plain[name] = plain[name].chunk({dim: max(along) for dim, along in zip(variable.dims, chunks, strict=True)})
    settings = {"consolidated": False, "write_empty_chunks": True, **kwargs}  # a chunk left out loses the sign of 0
    plain.to_zarr(tmp, mode="w", encoding=encoding, **settings)
    _consolidate(tmp, list(plain.variables))


def _consolidate(folder: Path, names: list[Any]) -> None:
    """Tell at the top of a zarr group what is in it, so that readers need not look, and keep the order."""
    top = folder / "zarr.json"
    if top.exists():
        about = json.loads(top.read_bytes())
        inside = {name: json.loads((folder / name / "zarr.json").read_bytes()) for name in names}
        about["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": inside}
        top.write_text(json.dumps(about, indent=2), encoding="utf-8")


def load_ds(
    file_name: str | os.PathLike[str],
    engine: str | None = None,
    load_to_mem: bool | None = None,
    create_new: bool = False,
    chunks: Any = None,
    *,
    allow_pickle: bool = False,
    **kwargs: Any,
) -> Any:
    """Return the dataset at ``file_name``, with every type and attribute as :func:`save_ds` was given it.

    Parameters
    ----------
    file_name
        With or without its suffix.
    engine
        As in :func:`save_ds`; None goes by the file.
    load_to_mem
        True, or None without ``chunks``: everything is read, and the file closed. False: numbers are read when they are
        used, and ``close()`` of the dataset closes the file.
    create_new
        Return an empty dataset where there is none.
    chunks
        Sizes of chunks, for dask: ``{"a": 100}``, an integer, ``"auto"`` or ``{}``.
    allow_pickle
        Load what was pickled with ``save_ds(allow_pickle=True)``, which runs code of who made the file.
    **kwargs
        For ``xarray.open_dataset``. With one that says how to decode, the file is read as xarray reads any.

    Notes
    -----
    Files of others are read as xarray reads them. A zarr folder that is read lazily must not be saved to meanwhile: it
    is read by the names of its files, and would be a mixture of both.

    Raises
    ------
    FileNotFoundError
        When there is no such dataset; names those of other suffixes.
    DataError
        When the file cannot be read: names it, and what is wrong.
    StreamConfigError
        For ``chunks`` together with ``load_to_mem=True``, and for an unknown engine.
    """
    if chunks is not None and load_to_mem:
        raise StreamConfigError(
            "load_ds got chunks= and load_to_mem=True, wanted one: chunks are read when they are used."
        )
    xr = optional("xarray", "sweeps", "loading a dataset")
    path = find_dataset(file_name, engine)
    if path is None:
        if create_new:
            return xr.Dataset()
        raise absent(file_name, engine)
    lazy = chunks is not None or load_to_mem is False
    for _ in range(_TRIES):
        where = readable(path)
        before = identity(where)
        try:
            ds = _load(where, engine, lazy, chunks, allow_pickle, kwargs)
            if lazy or identity(where) == before:
                return ds
        except (OSError, DataError):
            if before is not None and identity(where) == before:
                raise
        # A writer has put another in its place meanwhile: read that, not some of each.
    with held(path):
        return _load(path, engine, lazy, chunks, allow_pickle, kwargs)


def _engine_there(path: Path, engine: str | None) -> str:
    """Return what reads a file, whatever it is called; a pickle is only loaded where the caller says so."""
    if path.is_dir():
        return "zarr"
    with open(path, "rb") as file:
        head = file.read(8)
    if head == b"\x89HDF\r\n\x1a\n":
        return engine if engine in ("h5netcdf", "netcdf4") else engine_of(Path("x.h5"), None)
    if head[:3] == b"CDF":  # the classic format
        return "netcdf4" if find_spec("netCDF4") is not None else "scipy"
    if engine == "joblib":
        return engine
    if path.suffix == ".dmp":
        raise DataError(
            f"{path} is a pickle, and loading one runs code.\n  Pass engine='joblib' if you trust who made it."
        )
    raise DataError(f"{path} holds no dataset: it is neither netCDF nor HDF5, or its beginning is damaged.")


def _load(path: Path, engine: str | None, lazy: bool, chunks: Any, allow_pickle: bool, kwargs: dict[str, Any]) -> Any:
    engine = _engine_there(path, engine)
    if engine == "joblib":
        ds = optional("joblib", "store", "loading a dataset with engine='joblib'").load(path)
        return ds if chunks is None else ds.chunk(chunks)
    if engine != "scipy":
        _need(engine, "loading a dataset")
    raw = None
    with guard(engine), _read(path):
        try:
            raw, ds = _opened(path, engine, chunks, allow_pickle, kwargs)
            if lazy:
                ds.set_close(raw.close)
                raw = None
                return ds
            return ds.load()
        finally:
            if raw is not None:
                raw.close()


def _opened(path: Path, engine: str, chunks: Any, allow_pickle: bool, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    xr = optional("xarray", "sweeps", "loading a dataset")
    if chunks is not None:
        optional("dask", "store", "load_ds(chunks=)")
    settings = {"engine": engine, "chunks": chunks, **kwargs}
    if engine == "zarr":
        if chunks is not None and chunks != "auto":
            settings["chunks"] = {}  # as they are stored, which are read whole in any case
        settings.setdefault("consolidated", _is_consolidated(path))
    rechunk = engine == "zarr" and chunks is not None and chunks != "auto"

    def opened(**more: Any) -> Any:
        ds = xr.open_dataset(path, **settings, **more)
        return ds.chunk(chunks) if rechunk else ds

    if not any(name in kwargs for name in _DECODING):
        raw = opened(decode_times=False, decode_timedelta=False, mask_and_scale=False, concat_characters=False)
        if is_marked(raw):
            return raw, from_plain(raw, allow_pickle=allow_pickle)
        raw.close()
    ds = opened()
    return ds, ds


def _is_consolidated(path: Path) -> bool:
    if (path / ".zmetadata").exists():
        return True
    try:
        return b'"consolidated_metadata"' in (path / "zarr.json").read_bytes()
    except OSError:
        return False


@contextmanager
def _read(path: Path) -> Any:
    try:
        yield
    except (FileNotFoundError, DataError):
        raise
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}.\n  It is damaged, or no dataset of this kind.") from error


def delete_ds(file_name: str | os.PathLike[str], engine: str | None = None, *, backup: bool = False) -> Path | None:
    """Delete a dataset, a file or a folder, and what a killed writer may have left of it.

    Parameters
    ----------
    file_name, engine
        As in :func:`save_ds`.
    backup
        First copy it to ``<file>.BAK-YYYYmmdd-HHMMSS``, and return that path.

    Raises
    ------
    FileNotFoundError
        When there is no such dataset.
    SinkError
        When another process has been writing it for minutes.
    """
    path = find_dataset(file_name, engine)
    if path is None:
        raise absent(file_name, engine)
    kept = None
    with held(path):
        if backup:
            kept = path.with_name(f"{path.name}.BAK-{datetime.now():%Y%m%d-%H%M%S}")
            while kept.exists():
                kept = kept.with_name(kept.name + "-1")
            copy(path, kept)
        if path.is_dir():
            os.rename(path, beside(path, "gone"))  # half of a folder is never left under its name
            path = beside(path, "gone")
        remove(path)
    return kept
