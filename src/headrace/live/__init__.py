"""Sensors on their own clocks: the only room with clocks and timing threads.

What reads a device, keeps what it says, derives signals from it, records and replays it lives here. What draws pictures
does not.
"""

from headrace.live.active import Active
from headrace.live.align import ClockFit, fit_pairs
from headrace.live.buffer import DataBuffer
from headrace.live.buffers import Buffer
from headrace.live.clock import Anchor, Clock, SystemClock, VirtualClock
from headrace.live.consumer import Consumer
from headrace.live.device import Device, Threaded
from headrace.live.merge import Merge
from headrace.live.numpy_buffer import NumpyBuffer
from headrace.live.pandas_buffer import PandasBuffer
from headrace.live.record import Mark, Recorder
from headrace.live.recorders import CsvFileRecorder, ParquetFileRecorder, PickleRecorder, WavFileRecorder
from headrace.live.replay import Replay, replay
from headrace.live.replay_source import ReplaySource
from headrace.live.sampler import Sampler
from headrace.live.session import Session
from headrace.live.sources import BufferSource, FunctionSource, SamplerBase, SignalSource
from headrace.live.stream import SystemStream, stream
from headrace.live.system import System
from headrace.live.tables import DataFrameSource, FileSource, Table
from headrace.live.wav import FileAudioSource, read_wav

__all__ = [
    "Active",
    "Anchor",
    "Buffer",
    "BufferSource",
    "Clock",
    "ClockFit",
    "Consumer",
    "CsvFileRecorder",
    "DataBuffer",
    "DataFrameSource",
    "Device",
    "FileAudioSource",
    "FileSource",
    "FunctionSource",
    "Mark",
    "Merge",
    "NumpyBuffer",
    "PandasBuffer",
    "ParquetFileRecorder",
    "PickleRecorder",
    "Recorder",
    "Replay",
    "ReplaySource",
    "Sampler",
    "SamplerBase",
    "Session",
    "SignalSource",
    "System",
    "SystemClock",
    "SystemStream",
    "Table",
    "Threaded",
    "VirtualClock",
    "WavFileRecorder",
    "fit_pairs",
    "read_wav",
    "replay",
    "stream",
]
