"""Read the data of a session that other recorders made: sound, CSV, parquet, pickles."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.core.block import Block
from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.live.recording.export_parquet import parquet_columns
from headrace.live.recording.lazy import Column, Raw
from headrace.live.recording.pickles import joined, read_pickles
from headrace.live.recording.sound import DTYPES


def read_raw(path: Path, *, allow_pickle: bool = False) -> Raw:
    """Return what is in a file as columns: sound and parquet read when they are looked at, text and pickles now.

    Raises
    ------
    DataError
        When it is of another kind, or a pickle of more than arrays and ``allow_pickle`` is False.
    """
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        return _whole(_pickled(path, allow_pickle))
    if suffix not in _READ:
        raise DataError(
            f"the data {path.name!r} is of a kind that is not known, wanted one of {', '.join((*_READ, *_PICKLES))}.\n"
            "  Read it yourself, or put a recording in its place."
        )
    return _READ[suffix](path)


def _whole(columns: dict[str, Any]) -> Raw:
    return Raw.over(Block(columns), None)


def _wav(path: Path) -> Raw:
    with wave.open(str(path)) as file:
        channels, width, rate, n = file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()
    if width not in DTYPES:
        raise DataError(f"{path} has numbers of {width} bytes, wanted 1, 2 or 4.\n  Convert it with a sound editor.")
    dtype = DTYPES[width]
    shape: tuple[int, ...] = () if channels == 1 else (channels,)

    def rows(lo: int, hi: int) -> Any:
        with wave.open(str(path)) as file:
            file.setpos(lo)
            data = file.readframes(max(0, hi - lo))
        return np.frombuffer(data, dtype).reshape(-1, *shape)

    column = Column(rows, n, dtype, shape, "audio")
    return Raw.over(Block.of({"audio": column}, 0, n, float(rate), {}, {}, None, None), None)


def _csv(path: Path) -> Raw:
    pandas = optional("pandas", "trees", "Session.raw")
    if not path.stat().st_size:
        return _whole({})
    version = tuple(map(int, pandas.__version__.split(".")[:2]))
    exact = {} if version >= (3, 1) else {"float_precision": "round_trip"}  # deprecated where it is the default
    frame = pandas.read_csv(path, **exact)
    return _whole({str(name): frame[name].to_numpy() for name in frame.columns})


def _parquet(path: Path) -> Raw:
    return Raw.over(parquet_columns(path), None)


def _pickled(path: Path, allow_pickle: bool) -> dict[str, Any]:
    parts = read_pickles(path, allow_pickle=allow_pickle)
    return {str(name): np.asarray(column) for name, column in joined(parts).items()}


_READ: Final[dict[str, Callable[[Path], Raw]]] = {".wav": _wav, ".csv": _csv, ".parquet": _parquet}
_PICKLES: Final = (".pickle", ".pkl")
