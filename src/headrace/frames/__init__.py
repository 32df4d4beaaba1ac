"""Frames: images, video, arrays and noise as streams, ``get(n)`` at a time or one by one.

What belongs here makes, reads or writes frames ``(rows, cols[, channels])``. What shows them is in ``plot``; models of
vision are in ``vision``.
"""

from headrace.frames.arrays import NumpyReader, NumpyWriter
from headrace.frames.base import FrameStream
from headrace.frames.footage import Footage, FrameReader, Header
from headrace.frames.generate import RandomStream
from headrace.frames.hdf5 import HDF5Reader, HDF5Writer
from headrace.frames.images import ImageSequence
from headrace.frames.inr import InrImageFileStreamer, InrImageStreamer
from headrace.frames.inr_writer import InrImageStreamWriter
from headrace.frames.process import ProcessingStream
from headrace.frames.samples import (
    chirp,
    gabor_kernel,
    mask_circle,
    mask_square,
    moving_bar,
    moving_grating,
    pulse,
    random_checker_stimulus,
    sparse_input,
)
from headrace.frames.sequence import RepeatingStream, SequenceStream
from headrace.frames.timed import TimedResampleStream, TimedSequenceStream, TimedStream
from headrace.frames.writer import FrameWriter

__all__ = [
    "Footage",
    "FrameReader",
    "FrameStream",
    "FrameWriter",
    "HDF5Reader",
    "HDF5Writer",
    "Header",
    "ImageSequence",
    "InrImageFileStreamer",
    "InrImageStreamWriter",
    "InrImageStreamer",
    "NumpyReader",
    "NumpyWriter",
    "ProcessingStream",
    "RandomStream",
    "RepeatingStream",
    "SequenceStream",
    "TimedResampleStream",
    "TimedSequenceStream",
    "TimedStream",
    "chirp",
    "gabor_kernel",
    "mask_circle",
    "mask_square",
    "moving_bar",
    "moving_grating",
    "pulse",
    "random_checker_stimulus",
    "sparse_input",
]
