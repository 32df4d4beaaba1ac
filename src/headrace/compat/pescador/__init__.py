"""Pescador's names on headrace: ``import headrace.compat.pescador as pescador``.

Covers what Pescador 2 documents and what Pescador 3 has. ``docs/how-to/from-pescador.md`` lists what differs.
"""

from headrace.compat.pescador import core, exceptions, maps, mux, util, version, zmq_stream
from headrace.compat.pescador.core import Streamer, streamable
from headrace.compat.pescador.exceptions import DataError, PescadorError
from headrace.compat.pescador.maps import buffer_stream, cache, keras_tuples, tuples
from headrace.compat.pescador.mux import BaseMux, ChainMux, Mux, RoundRobinMux, ShuffledMux, StochasticMux
from headrace.compat.pescador.util import get_rng
from headrace.compat.pescador.version import version as __version__
from headrace.compat.pescador.zmq_stream import ZMQStreamer

__all__ = [
    "BaseMux",
    "ChainMux",
    "DataError",
    "Mux",
    "PescadorError",
    "RoundRobinMux",
    "ShuffledMux",
    "StochasticMux",
    "Streamer",
    "ZMQStreamer",
    "__version__",
    "buffer_stream",
    "cache",
    "core",
    "exceptions",
    "get_rng",
    "keras_tuples",
    "maps",
    "mux",
    "streamable",
    "tuples",
    "util",
    "version",
    "zmq_stream",
]
