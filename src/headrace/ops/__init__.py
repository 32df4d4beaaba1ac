"""Rooms that change streams: items, their number, their order, their grouping.

One source in, one stream out (``zip`` and ``concat`` take several, in an order that is no choice). Choosing among
sources at random belongs in ``mux``; where the work runs, in ``parallel``.
"""

from headrace.ops.batch import batch, buffer_stream
from headrace.ops.map import filter, map
from headrace.ops.select import skip, take

__all__ = ["batch", "buffer_stream", "filter", "map", "skip", "take"]
