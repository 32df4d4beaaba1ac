"""Read the data of a session that other recorders made: sound, CSV, parquet, pickles."""

from __future__ import annotations

import pickle
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.core.block import Block
from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.live.lazy import Column, Raw
from headrace.live.sound import DTYPES

# What arrays and plain containers are pickled with; none of it runs anything.
_HARMLESS: Final = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ("builtins", "complex"),
    ("builtins", "bytearray"),
    ("_codecs", "encode"),
}


def read_raw(path: Path, *, allow_pickle: bool = False) -> Raw:
    """Return what is in a file as columns: sound and parquet read when they are looked at, text and pickles now.

    Raises
    ------
    DataError
        When it is of another kind, or a pickle of more than arrays and ``allow_pickle`` is False.
    """
    suffix = path.suffix.lower()
    if suffix not in _READ:
        raise DataError(
            f"the data {path.name!r} is of a kind that is not known, wanted one of {', '.join(_READ)}.\n"
            "  Read it yourself, or put a recording in its place."
        )
    if suffix in (".pickle", ".pkl"):
        return _whole(_pickled(path, allow_pickle))
    return _READ[suffix](path)


def _whole(columns: dict[str, Any]) -> Raw:
    block = Block(columns)
    return Raw.over(block, None)


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
    frame = pandas.read_csv(path, float_precision="round_trip")
    return _whole({str(name): frame[name].to_numpy() for name in frame.columns})


def _parquet(path: Path) -> Raw:
    from headrace.live.exports import parquet_columns

    return Raw.over(parquet_columns(path), None)


def _pickled(path: Path, allow_pickle: bool) -> dict[str, Any]:
    parts = read_pickles(path, allow_pickle=allow_pickle)
    if len(parts) == 1:
        return {str(name): np.asarray(column) for name, column in parts[0].items()}
    return {str(name): np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def read_pickles(path: Path, *, allow_pickle: bool = False) -> list[Any]:
    """Return every pickle of a file, up to its end or to what a kill has left of one.

    Raises
    ------
    DataError
        When there is more in one than arrays and plain containers, and ``allow_pickle`` is False.
    """
    found: list[Any] = []
    with open(path, "rb") as file:
        while True:
            at = file.tell()
            try:
                found.append(pickle.load(file) if allow_pickle else _Plain(file).load())
            except EOFError:
                return found
            except pickle.UnpicklingError as error:
                if "truncated" in str(error) and found:
                    return found
                error.add_note(f"  while reading byte {at} of {path}")
                raise


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _HARMLESS:
            raise DataError(
                f"the pickle wants {module}.{name}, and loading that can run any code.\n"
                "  Pass Session(path, allow_pickle=True) if you trust who wrote it."
            )
        return super().find_class(module, name)


_READ: Final[dict[str, Callable[[Path], Raw]]] = {
    ".wav": _wav,
    ".csv": _csv,
    ".parquet": _parquet,
    ".pickle": lambda path: _whole(_pickled(path, False)),
    ".pkl": lambda path: _whole(_pickled(path, False)),
}
