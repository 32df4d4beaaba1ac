"""Frames: images, video, arrays and noise as streams, ``get(n)`` at a time or one by one.

What belongs here makes, reads or writes frames ``(rows, cols[, channels])``. What shows them is in ``plot``; models of
vision are in ``vision``.
"""

from headrace.frames.arrays import NumpyReader, NumpyWriter
from headrace.frames.base import FrameStream
from headrace.frames.dvs import DVS
from headrace.frames.event_arrays import EVENT, event_frames, events_of, time_surface
from headrace.frames.event_files import read_events, write_events
from headrace.frames.event_streams import EventFrameStream, EventStream, EventWriter
from headrace.frames.footage import Footage, FrameReader, Header
from headrace.frames.generate import RandomStream
from headrace.frames.hdf5 import HDF5Reader, HDF5Writer
from headrace.frames.idx import read_idx, write_idx
from headrace.frames.images import ImageSequence
from headrace.frames.inr import InrImageFileStreamer, InrImageStreamer
from headrace.frames.inr_writer import InrImageStreamWriter
from headrace.frames.linear_nonlinear import SampleGenerator
from headrace.frames.mnist import MNISTStream, PoissonMNISTStream
from headrace.frames.process import ProcessingStream
from headrace.frames.saccades import PseudoNMNIST
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
from headrace.frames.sensed import SensorStream
from headrace.frames.sensors import IntegrativeMotionSensor, Sensor
from headrace.frames.sequence import RepeatingStream, SequenceStream
from headrace.frames.spikes import Poisson, PoissonStream
from headrace.frames.text import text_kernel
from headrace.frames.timed import TimedResampleStream, TimedSequenceStream, TimedStream
from headrace.frames.video_reader import VideoReader
from headrace.frames.video_writer import VideoWriter
from headrace.frames.writer import FrameWriter

__all__ = [
    "DVS",
    "EVENT",
    "EventFrameStream",
    "EventStream",
    "EventWriter",
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
    "IntegrativeMotionSensor",
    "MNISTStream",
    "NumpyReader",
    "NumpyWriter",
    "Poisson",
    "PoissonMNISTStream",
    "PoissonStream",
    "ProcessingStream",
    "PseudoNMNIST",
    "RandomStream",
    "RepeatingStream",
    "SampleGenerator",
    "Sensor",
    "SensorStream",
    "SequenceStream",
    "TimedResampleStream",
    "TimedSequenceStream",
    "TimedStream",
    "VideoReader",
    "VideoWriter",
    "chirp",
    "event_frames",
    "events_of",
    "gabor_kernel",
    "mask_circle",
    "mask_square",
    "moving_bar",
    "moving_grating",
    "pulse",
    "random_checker_stimulus",
    "read_events",
    "read_idx",
    "sparse_input",
    "text_kernel",
    "time_surface",
    "write_events",
    "write_idx",
]
