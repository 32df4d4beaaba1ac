"""Recorders to one file of a common kind: sound, CSV, parquet. None loses what it was given.

Pickles are in ``pickles.py``. :class:`headrace.live.Recorder` keeps more, and survives more: what a block was, when it
came, marks, the graph.
"""

from __future__ import annotations

import io
import os
import wave
from contextlib import closing
from typing import Any

import numpy as np

from headrace.core.block import ROWS, Block
from headrace.core.optional import optional
from headrace.core.refused import refused
from headrace.errors import DataError, SinkError, StreamConfigError
from headrace.live.recording.export_parquet import to_parquet
from headrace.live.recording.file_recorder import FileRecorder, write_at
from headrace.live.recording.folder import SUFFIX
from headrace.live.recording.lazy_raw import raw_of
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.recording import Recording
from headrace.live.recording.sound import DTYPES, WAV_MOST, sound_in


class WavFileRecorder(FileRecorder):
    """Sound as a ``.wav`` file, which can be played at any moment of the recording.

    Parameters
    ----------
    path
        The file; it must not exist.
    frame_rate
        Rows a second.
    n_channels
        Numbers in a row.
    sample_width
        Bytes of a number: 1 (uint8), 2 (int16) or 4 (int32).
    column
        Which column is the sound; by default ``"audio"``, or the only one besides ``"timestamp"``.

    Raises
    ------
    SinkError
        When there is something at ``path``.
    StreamConfigError
        When a number is none of these.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/tone.wav"
    >>> with WavFileRecorder(path, frame_rate=8000, n_channels=1, sample_width=2) as recorder:
    ...     recorder.write({"audio": np.arange(4, dtype=np.int16)})
    >>> with wave.open(path) as file:
    ...     file.getnframes(), file.getframerate()
    (4, 8000)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        frame_rate: float,
        n_channels: int = 1,
        sample_width: int = 2,
        *,
        column: str | None = None,
    ) -> None:
        if sample_width not in (1, 2, 4) or not 0 < n_channels < 1 << 16 or not 0 < frame_rate < 1 << 32:
            raise StreamConfigError(
                f"WavFileRecorder got frame_rate={frame_rate!r}, n_channels={n_channels!r}, "
                f"sample_width={sample_width!r}, wanted positive numbers, and 1, 2 or 4 bytes.\n"
                "  16-bit sound has sample_width=2."
            )
        super().__init__(path)
        self.column: str | None = column
        self.n_channels: int = int(n_channels)
        self.sample_width: int = int(sample_width)
        self.dtype: np.dtype[Any] = DTYPES[self.sample_width]
        head = io.BytesIO()
        with wave.open(head, "wb") as file:
            file.setnchannels(self.n_channels)
            file.setsampwidth(self.sample_width)
            file.setframerate(round(frame_rate))
        self._head = head.getvalue()
        self._file = self._made()
        try:
            self._append(self._file, self._head)
        except OSError as error:
            self._file.close()
            self.path.unlink(missing_ok=True)  # made just now: nothing is in it
            raise refused(
                "WavFileRecorder", self.path, error, kept="Nothing of it is there", then="record again"
            ) from error

    def _keep(self, block: Block) -> None:
        name = sound_in(block, self.column, "WavFileRecorder")
        found = np.asarray(block[name])
        wanted = (len(found),) if self.n_channels == 1 and found.ndim == 1 else (len(found), self.n_channels)
        if found.dtype != self.dtype or found.shape != wanted:
            raise DataError(
                f"WavFileRecorder got {found.dtype} {found.shape} for column {name!r}, wanted {self.dtype} {wanted}.\n"
                "  Convert it where it is made, or record it with a Recorder, which keeps anything."
            )
        if (self.rows + len(found)) * self.n_channels * self.sample_width > WAV_MOST:
            raise SinkError(f"{self.path} would be longer than a .wav file can be, 4 GiB.\n  Record to another path.")
        data = np.ascontiguousarray(found).tobytes()
        with self._or_nothing(self._file):
            write_at(self._file, self._size, data)
            # The length in the head is set each time: the file is whole whenever the process ends.
            self._set_length(self._size + len(data))
        self._size += len(data)

    def _set_length(self, size: int) -> None:
        """Have the head say how long the file is, and the sound in it, which is all behind the head."""
        whole, sound = ((size - n).to_bytes(4, "little") for n in (8, len(self._head)))
        write_at(self._file, 0, self._head[:4] + whole + self._head[8:-4] + sound)

    def _finish(self) -> None:
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()


class DataFrameRecorder(FileRecorder):
    """A base for recorders of tables: a subclass writes :meth:`serialize_frame`.

    Columns of numbers with axes of their own become a column for each number: ``acc_0``, ``acc_1``, ...
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        optional("pandas", "trees", type(self).__name__)
        super().__init__(path)
        self._names: list[str] | None = None
        self._file = self._made()

    def serialize_frame(self, df: Any, initial_frame: bool) -> bytes | str:
        """Return what is appended to the file for a DataFrame; ``initial_frame`` is whether it is the first."""
        raise NotImplementedError(f"{type(self).__name__} needs a method serialize_frame(df, initial_frame)")

    def _keep(self, block: Block) -> None:
        frame = frame_of(block, type(self).__name__)
        names = list(frame.columns)
        if self._names is not None and names != self._names:
            raise DataError(
                f"{type(self).__name__} got columns {names}, after {self._names}.\n"
                "  Give the same columns in every block, or record with a Recorder."
            )
        text = self.serialize_frame(frame, self._names is None)
        self._append(self._file, text.encode() if isinstance(text, str) else text)  # no half a line
        self._names = names

    def _finish(self) -> None:
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()


def frame_of(block: Block, who: str) -> Any:
    """Return a block as a DataFrame, numbers of a row in columns of their own.

    Raises
    ------
    DataError
        When columns have paces of their own, or two would have one name.
    """
    import pandas as pd

    slow = [name for name in block if block.paces.get(name, ROWS) != ROWS]
    if slow:
        raise DataError(
            f"{who} got a block whose column {slow[0]!r} has a pace of its own, and a table has one.\n"
            "  Record with a Recorder, which keeps it."
        )
    flat: dict[str, Any] = {}
    for name, column in block.items():
        array = np.asarray(column)
        parts = {name: array}
        if array.ndim > 1:
            parts = {"_".join(map(str, (name, *at))): array[(slice(None), *at)] for at in np.ndindex(array.shape[1:])}
        for each, part in parts.items():
            if each in flat:
                raise DataError(f"{who} got two columns that would be called {each!r}.\n  Rename one of them.")
            flat[each] = part
    return pd.DataFrame(flat)


class CsvFileRecorder(DataFrameRecorder):
    """A table as text: every number is written so that reading it gives the same number.

    Parameters
    ----------
    path
        The file; it must not exist.

    Raises
    ------
    SinkError
        When there is something at ``path``.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/raw_data.csv"
    >>> with CsvFileRecorder(path) as recorder:
    ...     recorder.write({"t": np.array([0.1, 0.2]), "acc": np.array([[1, 2], [3, 4]])})
    >>> with open(path) as file:
    ...     print(file.read())
    t,acc_0,acc_1
    0.1,1,2
    0.2,3,4
    <BLANKLINE>
    """

    def serialize_frame(self, df: Any, initial_frame: bool) -> str:
        return str(df.to_csv(index=False, header=initial_frame, lineterminator="\n"))


class ParquetFileRecorder(FileRecorder):
    """A parquet file, made when the recording ends.

    Until then blocks are kept in a recording beside it, ``.hrc`` in place of ``.parquet``: a parquet file can be read
    only once it is finished, and after a kill there would be none. What such a kill leaves is a session's data, too.

    Parameters
    ----------
    path
        The file; it must not exist.

    Raises
    ------
    SinkError
        When there is something at ``path``.
    MissingExtraError
        When pyarrow is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        optional("pyarrow.parquet", "store", "ParquetFileRecorder")
        super().__init__(path)
        self._journal = self.path.with_suffix(SUFFIX)
        self._recorder = Recorder.bare(self._journal)

    def _keep(self, block: Block) -> None:
        self._recorder.write(block)

    def _finish(self) -> None:
        try:
            self._recorder.close()
            with closing(Recording(self._journal)) as recording:
                to_parquet(raw_of(recording), self.path)
        except BaseException as error:
            error.add_note(f"  the data is in {self._journal}, which a Session reads")
            raise
        self._journal.unlink()
