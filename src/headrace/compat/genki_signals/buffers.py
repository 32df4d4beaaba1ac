"""Buffers, under the names of both generations; time is axis 0."""

from headrace.live import Buffer, DataBuffer, NumpyBuffer, PandasBuffer

__all__ = ["Buffer", "DataBuffer", "NumpyBuffer", "PandasBuffer"]
