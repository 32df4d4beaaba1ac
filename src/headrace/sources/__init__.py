"""Rooms that make streams: from functions, iterables and files.

What draws or reads items belongs here; what changes them belongs in ``ops``, what joins several in ``mux``.
"""

from headrace.sources.streamer import Streamer, streamable

__all__ = ["Streamer", "streamable"]
