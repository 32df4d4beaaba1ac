"""Recorders, under their documented names and arguments. None loses what it was given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from os import PathLike
from typing import Any

from headrace.live import CsvFileRecorder as _CsvFileRecorder
from headrace.live import ParquetFileRecorder as _ParquetFileRecorder
from headrace.live import PickleRecorder, WavFileRecorder
from headrace.live.recording.recorders import DataFrameRecorder as _DataFrameRecorder


class Recorder(ABC):
    """What ``System.start_recording(path, recorder)`` takes: one of one's own writes these two.

    Examples
    --------
    >>> class Counter(Recorder):
    ...     rows = 0
    ...
    ...     def write(self, data):
    ...         self.rows += len(data["x"])
    ...
    ...     def stop(self):
    ...         print(self.rows, "rows")
    """

    @abstractmethod
    def write(self, data: Any) -> None:
        """Take a block: a mapping of columns, ``(n, ...)``."""

    @abstractmethod
    def stop(self) -> None:
        """End."""


class DataFrameRecorder(_DataFrameRecorder):
    """A base for recorders of tables: a subclass writes ``serialize_frame(df, initial_frame)``.

    Parameters
    ----------
    path
        The file; it must not exist.
    rec_buffer_size
        Accepted for those who gave it: every block is written when it comes.
    """

    def __init__(self, path: str | PathLike[str], rec_buffer_size: int = 1_000_000) -> None:
        super().__init__(path)


class CsvFileRecorder(_CsvFileRecorder):
    """A table as text; the parameters are those of :class:`DataFrameRecorder`."""

    def __init__(self, path: str | PathLike[str], rec_buffer_size: int = 1_000_000) -> None:
        super().__init__(path)


class ParquetFileRecorder(_ParquetFileRecorder):
    """A parquet file, made when the recording ends; the parameters are those of :class:`DataFrameRecorder`."""

    def __init__(self, path: str | PathLike[str], rec_buffer_size: int = 1_000_000) -> None:
        super().__init__(path)


for _each in (PickleRecorder, WavFileRecorder, _DataFrameRecorder, _ParquetFileRecorder):
    Recorder.register(_each)
del _each

__all__ = [
    "CsvFileRecorder",
    "DataFrameRecorder",
    "ParquetFileRecorder",
    "PickleRecorder",
    "Recorder",
    "WavFileRecorder",
]
