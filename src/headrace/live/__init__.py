"""Sensors on their own clocks: the only room with clocks and timing threads.

What reads a device, keeps what it says, derives signals from it, records and replays it lives here. What draws pictures
does not.

The modules right here are what can be read, a file each, with what is only of one of them: its wire format, its parser, its
process. All else is in packages, and a line imports only from the rows below its own. A module is loaded when one of its
names is first used::

    what can be read, right here  |  running: the system, its consumers
    wires: bytes and messages     |  merging: rows of several devices  |  recording: kept, read, replayed
    devices: what every one is made of, its clocks                     |  buffers: the newest rows
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # `X as X`: re-exported for type checkers; tests/live/test_packages.py checks that both lists agree
    from headrace.live.ble import BLEProtocol as BLEProtocol
    from headrace.live.ble import BLESource as BLESource
    from headrace.live.ble import find_ble_address as find_ble_address
    from headrace.live.buffers.base import Buffer as Buffer
    from headrace.live.buffers.buffer import DataBuffer as DataBuffer
    from headrace.live.buffers.numpy_buffer import NumpyBuffer as NumpyBuffer
    from headrace.live.buffers.pandas_buffer import PandasBuffer as PandasBuffer
    from headrace.live.camera import CameraDataSource as CameraDataSource
    from headrace.live.camera import CameraSource as CameraSource
    from headrace.live.devices.active import Active as Active
    from headrace.live.devices.align import ClockFit as ClockFit
    from headrace.live.devices.align import fit_pairs as fit_pairs
    from headrace.live.devices.clock import Anchor as Anchor
    from headrace.live.devices.clock import Clock as Clock
    from headrace.live.devices.clock import SystemClock as SystemClock
    from headrace.live.devices.clock import VirtualClock as VirtualClock
    from headrace.live.devices.device_time import DeviceTime as DeviceTime
    from headrace.live.devices.device_time import EvenTime as EvenTime
    from headrace.live.devices.protocol import Device as Device
    from headrace.live.devices.threaded import Threaded as Threaded
    from headrace.live.keyboard import KeyboardDataSource as KeyboardDataSource
    from headrace.live.keyboard import KeyboardSource as KeyboardSource
    from headrace.live.lines import Lines as Lines
    from headrace.live.lsl import LSLInlet as LSLInlet
    from headrace.live.lsl_outlet import LSLOutlet as LSLOutlet
    from headrace.live.merging.merge import Merge as Merge
    from headrace.live.microphone import MicDataSource as MicDataSource
    from headrace.live.microphone import MicSource as MicSource
    from headrace.live.mouse import MouseDataSource as MouseDataSource
    from headrace.live.mouse import MouseSource as MouseSource
    from headrace.live.recording.mark import Mark as Mark
    from headrace.live.recording.pickles import PickleRecorder as PickleRecorder
    from headrace.live.recording.recorder import Recorder as Recorder
    from headrace.live.recording.recorders import CsvFileRecorder as CsvFileRecorder
    from headrace.live.recording.recorders import ParquetFileRecorder as ParquetFileRecorder
    from headrace.live.recording.recorders import WavFileRecorder as WavFileRecorder
    from headrace.live.recording.replay import Replay as Replay
    from headrace.live.recording.replay import replay as replay
    from headrace.live.recording.replay_source import ReplaySource as ReplaySource
    from headrace.live.recording.session import Session as Session
    from headrace.live.records import CobsRecords as CobsRecords
    from headrace.live.records import Records as Records
    from headrace.live.running.consumer import Consumer as Consumer
    from headrace.live.running.stream import SystemStream as SystemStream
    from headrace.live.running.stream import stream as stream
    from headrace.live.running.system import System as System
    from headrace.live.sampler import Sampler as Sampler
    from headrace.live.serial import SerialSource as SerialSource
    from headrace.live.sources import BufferSource as BufferSource
    from headrace.live.sources import FunctionSource as FunctionSource
    from headrace.live.sources import SamplerBase as SamplerBase
    from headrace.live.sources import SignalSource as SignalSource
    from headrace.live.tables import DataFrameSource as DataFrameSource
    from headrace.live.tables import FileSource as FileSource
    from headrace.live.tables import Table as Table
    from headrace.live.wav import FileAudioSource as FileAudioSource
    from headrace.live.wav import read_wav as read_wav
    from headrace.live.wave import WaveDataSource as WaveDataSource
    from headrace.live.wave import WaveSource as WaveSource
    from headrace.live.wires.link import Link as Link
    from headrace.live.wires.linked import Linked as Linked
    from headrace.live.wires.parsers import Parser as Parser

_NAMES = {
    "ble": ("BLEProtocol", "BLESource", "find_ble_address"),
    "buffers.base": ("Buffer",),
    "buffers.buffer": ("DataBuffer",),
    "buffers.numpy_buffer": ("NumpyBuffer",),
    "buffers.pandas_buffer": ("PandasBuffer",),
    "camera": ("CameraDataSource", "CameraSource"),
    "devices.active": ("Active",),
    "devices.align": ("ClockFit", "fit_pairs"),
    "devices.clock": ("Anchor", "Clock", "SystemClock", "VirtualClock"),
    "devices.device_time": ("DeviceTime", "EvenTime"),
    "devices.protocol": ("Device",),
    "devices.threaded": ("Threaded",),
    "keyboard": ("KeyboardDataSource", "KeyboardSource"),
    "lines": ("Lines",),
    "lsl": ("LSLInlet",),
    "lsl_outlet": ("LSLOutlet",),
    "merging.merge": ("Merge",),
    "microphone": ("MicDataSource", "MicSource"),
    "mouse": ("MouseDataSource", "MouseSource"),
    "recording.mark": ("Mark",),
    "recording.pickles": ("PickleRecorder",),
    "recording.recorder": ("Recorder",),
    "recording.recorders": ("CsvFileRecorder", "ParquetFileRecorder", "WavFileRecorder"),
    "recording.replay": ("Replay", "replay"),
    "recording.replay_source": ("ReplaySource",),
    "recording.session": ("Session",),
    "records": ("CobsRecords", "Records"),
    "running.consumer": ("Consumer",),
    "running.stream": ("SystemStream", "stream"),
    "running.system": ("System",),
    "sampler": ("Sampler",),
    "serial": ("SerialSource",),
    "sources": ("BufferSource", "FunctionSource", "SamplerBase", "SignalSource"),
    "tables": ("DataFrameSource", "FileSource", "Table"),
    "wav": ("FileAudioSource", "read_wav"),
    "wave": ("WaveDataSource", "WaveSource"),
    "wires.link": ("Link",),
    "wires.linked": ("Linked",),
    "wires.parsers": ("Parser",),
}  # fmt: skip
_HOME = {name: module for module, names in _NAMES.items() for name in names}
_MODULES = {module.partition(".")[0] for module in _NAMES}

__all__ = [*_HOME]

if not TYPE_CHECKING:  # to a type checker, each name would be one that there is

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return import_module(f"headrace.live.{name}")
        if name not in _HOME:
            raise AttributeError(f"module 'headrace.live' has no attribute {name!r}")
        value = getattr(import_module(f"headrace.live.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
