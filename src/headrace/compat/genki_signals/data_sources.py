"""Sources, under the names of the documented notebook."""

from headrace.live import Sampler, SamplerBase
from headrace.live import SignalSource as DataSource
from headrace.live.camera import CameraDataSource
from headrace.live.keyboard import KeyboardDataSource
from headrace.live.microphone import MicDataSource
from headrace.live.mouse import MouseDataSource
from headrace.live.wave import WaveDataSource
from headrace.sources.waves import RandomNoise, SineWave, SquareWave, TriangleWave

__all__ = [
    "CameraDataSource",
    "DataSource",
    "KeyboardDataSource",
    "MicDataSource",
    "MouseDataSource",
    "RandomNoise",
    "Sampler",
    "SamplerBase",
    "SineWave",
    "SquareWave",
    "TriangleWave",
    "WaveDataSource",
]
