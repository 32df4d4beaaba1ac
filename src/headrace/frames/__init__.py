"""Frames: images, video, arrays and noise as streams, ``get(n)`` at a time or one by one.

What belongs here makes, reads or writes frames ``(rows, cols[, channels])``. What shows them is in ``plot``; models of
vision are in ``vision``.

Its packages lie in rows, and a line imports only from the rows below its own; strangers in a row do not know each other::

    digits: their files, walk and saccades
    images: picture files  |  process: models over frames  |  sensors: what frames become in an eye or a camera
    events: of pixels  |  files: npy, HDF5, Inrimage  |  memory: sequences, noise  |  stimuli: by formula  |  video
    base: what every stream of frames is
"""

from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.stream import FrameStream
from headrace.frames.base.writer import FrameWriter
from headrace.frames.digits.idx import read_idx, write_idx
from headrace.frames.digits.mnist import MNISTStream, PoissonMNISTStream
from headrace.frames.digits.saccades import PseudoNMNIST
from headrace.frames.events.arrays import EVENT, event_frames, events_of, time_surface
from headrace.frames.events.files import read_events, write_events
from headrace.frames.events.streams import EventFrameStream, EventStream
from headrace.frames.events.writer import EventWriter
from headrace.frames.files.arrays import NumpyReader, NumpyWriter
from headrace.frames.files.hdf5 import HDF5Reader
from headrace.frames.files.hdf5_writer import HDF5Writer
from headrace.frames.files.inr import InrImageStreamer
from headrace.frames.files.inr_files import InrImageFileStreamer
from headrace.frames.files.inr_writer import InrImageStreamWriter
from headrace.frames.images.images import ImageSequence
from headrace.frames.memory.noise import RandomStream
from headrace.frames.memory.resampled import TimedResampleStream
from headrace.frames.memory.sequence import RepeatingStream, SequenceStream
from headrace.frames.memory.timed import TimedSequenceStream, TimedStream
from headrace.frames.process.stream import ProcessingStream
from headrace.frames.sensors.dvs import DVS
from headrace.frames.sensors.sensor import IntegrativeMotionSensor, Sensor
from headrace.frames.sensors.spikes import Poisson, PoissonStream
from headrace.frames.sensors.stream import SensorStream
from headrace.frames.stimuli.kernels import gabor_kernel, mask_circle, mask_square
from headrace.frames.stimuli.linear_nonlinear import SampleGenerator
from headrace.frames.stimuli.samples import (
    chirp,
    moving_bar,
    moving_grating,
    pulse,
    random_checker_stimulus,
    sparse_input,
)
from headrace.frames.stimuli.text import text_kernel
from headrace.frames.video.reader import VideoReader
from headrace.frames.video.writer import VideoWriter

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
