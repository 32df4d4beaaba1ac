"""What a dataset knows of the stream that it is made from, whoever writes it."""

from __future__ import annotations

import json
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from headrace.core import Key, Stream, describe
from headrace.core.describe import dump
from headrace.core.fingerprint import code_digest
from headrace.errors import StreamConfigError
from headrace.ops.batch import BatchOf
from headrace.ops.rebatch import Rebatch
from headrace.store.read import KINDS
from headrace.store.sinks import DatasetSink

_SUFFIXES = {".zarr": "zarr", ".parquet": "parquet"}
# They pass on batches as they are, or as other containers of the same columns.
_SAME_ITEMS = (
    "background",
    "cache",
    "keras_tuples",
    "progress",
    "shuffle",
    "skip",
    "streamer",
    "take",
    "tap",
    "tuples",
)
_LONG = 1 << 20  # a description beyond this many characters is left out of the dataset


class Saved(NamedTuple):
    """How a run ended: rows in the dataset, whether it is complete, whether the stream had no more."""

    path: Path
    rows: int
    complete: bool
    ended: bool


def kind_of(path: str | Path, kind: str | None = None) -> type[DatasetSink]:
    """Return the sink for ``kind``, or for the suffix of ``path``: ``.zarr``, ``.parquet``, else an npz folder.

    Raises
    ------
    StreamConfigError
        For an unknown kind, or a suffix of a file that headrace does not write.
    """
    chosen = kind or _SUFFIXES.get(Path(path).suffix, "npz")
    if chosen not in KINDS:
        raise StreamConfigError(f"the format got {kind!r}, wanted one of {', '.join(sorted(KINDS))}.")
    return KINDS[chosen]


def told(stream: Stream[Any], key: Key, seed: int | None) -> dict[str, Any]:
    """Return what a dataset tells of its stream; ``seed`` is the one that the run was given."""
    try:
        text = dump(stream)
    except StreamConfigError:
        text = "null"
    return {
        "version": import_module("headrace").__version__,
        "seed": seed,
        "key": key.plain(),
        "fingerprint": stream.fingerprint,
        "code": code_digest(stream),
        "description": json.loads(text) if len(text) <= _LONG else None,
        "tree": str(describe(stream)).splitlines(),
        "ended": False,
    }


def gives_batches(stream: Stream[Any]) -> bool:
    """Tell whether items are batches whatever their type: those of tuples and of bare arrays do not show it."""
    while stream.node_name in _SAME_ITEMS and len(stream.children) == 1:
        stream = stream.children[0]
    return isinstance(stream, Rebatch) or (isinstance(stream, BatchOf) and stream.axis is None)


def dims_of(stream: Stream[Any]) -> dict[str, tuple[str, ...]]:
    """Return the names of the axes of a row's values, as far as the stream knows them."""
    return {name: f.dims[1:] if f.dims[:1] == ("item",) else f.dims for name, f in (stream.spec or {}).items()}


def check_limit(stream: Stream[Any], limit: float | None) -> None:
    """Raise when neither the stream nor a limit says how much is to be stored."""
    if limit in (None, inf) and stream.size == inf:
        raise StreamConfigError(
            f"{stream.node_name} is endless, and there is no limit to how much of it is stored.\n"
            "  Say how many rows you want: --limit N."
        )
