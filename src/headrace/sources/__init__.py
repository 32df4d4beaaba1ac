"""Rooms that make streams: from functions, iterables and files.

What draws or reads items belongs here; what changes them belongs in ``ops``, what joins several in ``mux``.
"""

from headrace.sources.files import files, folder
from headrace.sources.files_csv import csv
from headrace.sources.files_npy import npy, npz
from headrace.sources.files_parquet import parquet
from headrace.sources.functional import functional
from headrace.sources.source import source
from headrace.sources.streamer import Streamer, streamable
from headrace.sources.waves import RandomNoise, SineWave, SquareWave, TriangleWave

__all__ = [
    "RandomNoise",
    "SineWave",
    "SquareWave",
    "TriangleWave",
    "Streamer",
    "streamable",
    "functional",
    "source",
    "files",
    "folder",
    "npz",
    "npy",
    "csv",
    "parquet",
]
