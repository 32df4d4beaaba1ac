"""Sensors on their own clocks: the only room with clocks and timing threads.

What reads a device, keeps what it says, derives signals from it, records and replays it lives here. What draws pictures
does not.

The modules right here are what can be read, a file each, with what is only of one of them: its wire format, its parser, its
process. All else is in packages, and a line imports only from the rows below its own::

    what can be read, right here  |  running: the system, its consumers
    wires: bytes and messages     |  merging: rows of several devices  |  recording: kept, read, replayed
    devices: what every one is made of, its clocks                     |  buffers: the newest rows
"""

from headrace.live.ble import BLEProtocol, BLESource, find_ble_address
from headrace.live.buffers.base import Buffer
from headrace.live.buffers.buffer import DataBuffer
from headrace.live.buffers.numpy_buffer import NumpyBuffer
from headrace.live.buffers.pandas_buffer import PandasBuffer
from headrace.live.camera import CameraDataSource, CameraSource
from headrace.live.devices.active import Active
from headrace.live.devices.align import ClockFit, fit_pairs
from headrace.live.devices.clock import Anchor, Clock, SystemClock, VirtualClock
from headrace.live.devices.device_time import DeviceTime, EvenTime
from headrace.live.devices.protocol import Device
from headrace.live.devices.threaded import Threaded
from headrace.live.keyboard import KeyboardDataSource, KeyboardSource
from headrace.live.lines import Lines
from headrace.live.lsl import LSLInlet
from headrace.live.lsl_outlet import LSLOutlet
from headrace.live.merging.merge import Merge
from headrace.live.microphone import MicDataSource, MicSource
from headrace.live.mouse import MouseDataSource, MouseSource
from headrace.live.recording.mark import Mark
from headrace.live.recording.pickles import PickleRecorder
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.recorders import CsvFileRecorder, ParquetFileRecorder, WavFileRecorder
from headrace.live.recording.replay import Replay, replay
from headrace.live.recording.replay_source import ReplaySource
from headrace.live.recording.session import Session
from headrace.live.records import CobsRecords, Records
from headrace.live.running.consumer import Consumer
from headrace.live.running.stream import SystemStream, stream
from headrace.live.running.system import System
from headrace.live.sampler import Sampler
from headrace.live.serial import SerialSource
from headrace.live.sources import BufferSource, FunctionSource, SamplerBase, SignalSource
from headrace.live.tables import DataFrameSource, FileSource, Table
from headrace.live.wav import FileAudioSource, read_wav
from headrace.live.wave import WaveDataSource, WaveSource
from headrace.live.wires.link import Link
from headrace.live.wires.linked import Linked
from headrace.live.wires.parsers import Parser

__all__ = [
    "Active",
    "Anchor",
    "BLEProtocol",
    "BLESource",
    "Buffer",
    "BufferSource",
    "CameraDataSource",
    "CameraSource",
    "Clock",
    "ClockFit",
    "CobsRecords",
    "Consumer",
    "CsvFileRecorder",
    "DataBuffer",
    "DataFrameSource",
    "Device",
    "DeviceTime",
    "EvenTime",
    "FileAudioSource",
    "FileSource",
    "FunctionSource",
    "KeyboardDataSource",
    "KeyboardSource",
    "LSLInlet",
    "LSLOutlet",
    "Lines",
    "Link",
    "Linked",
    "Mark",
    "Merge",
    "MicDataSource",
    "MicSource",
    "MouseDataSource",
    "MouseSource",
    "NumpyBuffer",
    "PandasBuffer",
    "ParquetFileRecorder",
    "Parser",
    "PickleRecorder",
    "Recorder",
    "Records",
    "Replay",
    "ReplaySource",
    "Sampler",
    "SamplerBase",
    "SerialSource",
    "Session",
    "SignalSource",
    "System",
    "SystemClock",
    "SystemStream",
    "Table",
    "Threaded",
    "VirtualClock",
    "WavFileRecorder",
    "WaveDataSource",
    "WaveSource",
    "find_ble_address",
    "fit_pairs",
    "read_wav",
    "replay",
    "stream",
]
