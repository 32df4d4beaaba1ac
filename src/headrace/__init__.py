"""headrace leads arrays from wherever they are made to whatever consumes them.

A stream of arrays is a value: it can be described, seeded, composed, sharded and resumed at any sample. Rooms are
loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from headrace.core import Batch, Cursor, Key, Knob, Op, Sink, Stream, as_stream, describe, drain, load, register
    from headrace.errors import DataError, HeadraceError, ResumeError, StateMismatchError, StreamConfigError
    from headrace.sources import Streamer, csv, files, folder, functional, npy, npz, parquet, streamable

_ROOMS = ("cli", "compat", "core", "errors", "mux", "ops", "parallel", "sources", "store", "testing")
_NAMES = {
    "core": ("Batch", "Cursor", "Key", "Knob", "Op", "Sink", "Stream", "as_stream", "describe", "drain", "load", "register"),
    "errors": ("DataError", "HeadraceError", "ResumeError", "StateMismatchError", "StreamConfigError"),
    "mux": ("BaseMux", "ChainMux", "Mux", "RoundRobinMux", "ShuffledMux", "StochasticMux"),
    "ops": ("batch", "buffer_stream", "cache", "concat", "enumerate", "filter", "keras_tuples", "map", "progress", "rebatch", "repeat", "rows", "shuffle", "skip", "take", "tap", "tuples", "window", "zip"),
    "parallel": ("background", "prefetch"),
    "sources": ("Streamer", "csv", "files", "folder", "functional", "npy", "npz", "parquet", "streamable"),
}  # fmt: skip
_HOME = {name: room for room, names in _NAMES.items() for name in names}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"headrace.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    value = getattr(import_module(f"headrace.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS, *_HOME])
