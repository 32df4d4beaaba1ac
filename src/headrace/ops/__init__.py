"""Rooms that change streams: items, their number, their order, their grouping.

One source in, one stream out (``zip`` and ``concat`` take several, in an order that is no choice). Choosing among
sources at random belongs in ``mux``; where the work runs, in ``parallel``.
"""

from headrace.ops.batch import batch, buffer_stream
from headrace.ops.blocks import blocks
from headrace.ops.cache import cache
from headrace.ops.concat import concat
from headrace.ops.enumerate import enumerate
from headrace.ops.map import filter, map
from headrace.ops.permute import permute
from headrace.ops.progress import progress
from headrace.ops.rebatch import rebatch, rows
from headrace.ops.repeat import repeat
from headrace.ops.select import skip, take
from headrace.ops.shuffle import shuffle
from headrace.ops.tap import tap
from headrace.ops.tuples import keras_tuples, tuples
from headrace.ops.window import window
from headrace.ops.zip import zip

__all__ = [
    "batch",
    "blocks",
    "buffer_stream",
    "cache",
    "concat",
    "enumerate",
    "filter",
    "keras_tuples",
    "map",
    "permute",
    "progress",
    "rebatch",
    "repeat",
    "rows",
    "shuffle",
    "skip",
    "take",
    "tap",
    "tuples",
    "window",
    "zip",
]
