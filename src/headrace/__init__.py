"""headrace leads arrays from wherever they are made to whatever consumes them.

A stream of arrays is a value: it can be described, seeded, composed, sharded and resumed at any sample. Rooms are
loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # `X as X`: re-exported for type checkers; tests/house checks that both lists agree
    from headrace.core import Batch as Batch
    from headrace.core import Block as Block
    from headrace.core import Cursor as Cursor
    from headrace.core import Indexed as Indexed
    from headrace.core import Key as Key
    from headrace.core import Knob as Knob
    from headrace.core import Op as Op
    from headrace.core import Sink as Sink
    from headrace.core import Stream as Stream
    from headrace.core import as_stream as as_stream
    from headrace.core import describe as describe
    from headrace.core import drain as drain
    from headrace.core import load as load
    from headrace.core import register as register
    from headrace.errors import AddressError as AddressError
    from headrace.errors import DataError as DataError
    from headrace.errors import HeadraceError as HeadraceError
    from headrace.errors import ResumeError as ResumeError
    from headrace.errors import StateMismatchError as StateMismatchError
    from headrace.errors import StreamConfigError as StreamConfigError
    from headrace.mux import BaseMux as BaseMux
    from headrace.mux import ChainMux as ChainMux
    from headrace.mux import Mux as Mux
    from headrace.mux import RoundRobinMux as RoundRobinMux
    from headrace.mux import ShuffledMux as ShuffledMux
    from headrace.mux import StochasticMux as StochasticMux
    from headrace.mux import balance as balance
    from headrace.mux import mix as mix
    from headrace.mux import ramp as ramp
    from headrace.mux import schedule as schedule
    from headrace.mux import temperature as temperature
    from headrace.ops import batch as batch
    from headrace.ops import blocks as blocks
    from headrace.ops import buffer_stream as buffer_stream
    from headrace.ops import cache as cache
    from headrace.ops import concat as concat
    from headrace.ops import enumerate as enumerate
    from headrace.ops import filter as filter
    from headrace.ops import keras_tuples as keras_tuples
    from headrace.ops import map as map
    from headrace.ops import permute as permute
    from headrace.ops import progress as progress
    from headrace.ops import rebatch as rebatch
    from headrace.ops import repeat as repeat
    from headrace.ops import rows as rows
    from headrace.ops import shuffle as shuffle
    from headrace.ops import skip as skip
    from headrace.ops import take as take
    from headrace.ops import tap as tap
    from headrace.ops import tuples as tuples
    from headrace.ops import window as window
    from headrace.ops import zip as zip
    from headrace.parallel import connect as connect
    from headrace.parallel import prefetch as prefetch
    from headrace.parallel import serve as serve
    from headrace.parallel.background import background as background
    from headrace.sources import Streamer as Streamer
    from headrace.sources import csv as csv
    from headrace.sources import files as files
    from headrace.sources import folder as folder
    from headrace.sources import functional as functional
    from headrace.sources import npy as npy
    from headrace.sources import npz as npz
    from headrace.sources import parquet as parquet
    from headrace.sources import source as source
    from headrace.sources import streamable as streamable

_ROOMS = (
    "bridges",
    "cli",
    "compat",
    "core",
    "errors",
    "frames",
    "live",
    "mux",
    "ops",
    "parallel",
    "plot",
    "signals",
    "sources",
    "stats",
    "store",
    "sweeps",
    "testing",
    "trees",
)
_NAMES = {
    "core": ("Batch", "Block", "Cursor", "Indexed", "Key", "Knob", "Op", "Sink", "Stream", "as_stream", "describe", "drain", "load", "register"),
    "errors": ("AddressError", "DataError", "HeadraceError", "ResumeError", "StateMismatchError", "StreamConfigError"),
    "mux": ("BaseMux", "ChainMux", "Mux", "RoundRobinMux", "ShuffledMux", "StochasticMux", "balance", "mix", "ramp", "schedule", "temperature"),
    "ops": ("batch", "blocks", "buffer_stream", "cache", "concat", "enumerate", "filter", "keras_tuples", "map", "permute", "progress", "rebatch", "repeat", "rows", "shuffle", "skip", "take", "tap", "tuples", "window", "zip"),
    "parallel": ("background", "connect", "prefetch", "serve"),
    "sources": ("Streamer", "csv", "files", "folder", "functional", "npy", "npz", "parquet", "source", "streamable"),
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
