"""Sources, under the names of Genki Signals 1.0."""

from headrace.compat.genki_signals.sources.sampler import Sampler
from headrace.live import BufferSource, DataFrameSource, FileSource, SamplerBase, SignalSource
from headrace.live.ble import BLEProtocol, BLESource, find_ble_address
from headrace.live.camera import CameraSource
from headrace.live.keyboard import KeyboardSource
from headrace.live.microphone import MicSource
from headrace.live.mouse import MouseSource
from headrace.live.wave import WaveSource
from headrace.sources.waves import RandomNoise

__all__ = [
    "BLEProtocol",
    "BLESource",
    "BufferSource",
    "CameraSource",
    "DataFrameSource",
    "FileSource",
    "KeyboardSource",
    "MicSource",
    "MouseSource",
    "RandomNoise",
    "Sampler",
    "SamplerBase",
    "SignalSource",
    "WaveSource",
    "find_ble_address",
]
