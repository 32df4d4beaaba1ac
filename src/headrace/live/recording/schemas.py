"""What the columns of a recording are, told in its file once for many blocks, and again now and then."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from headrace.core.block import Block
from headrace.live.recording.container import Writer
from headrace.live.recording.rows import COLS, Schema, described

AGAIN: Final = 1 << 20  # bytes after which the columns are described again


class Schemas:
    """Describes columns in a file, and knows which description is whose.

    Parameters
    ----------
    writer
        Of the file.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._known: dict[Any, tuple[int, bytes]] = {}  # what columns there were: their number, and description
        self._schema_now: Schema | None = None
        self._last: tuple[int, bytes] = (0, b"")
        self._described: dict[int, int] = {}  # where in the file each was described last

    def of(self, block: Block) -> tuple[int, list[Any]]:
        """Return the number of what describes a block's columns, which is in the file by then, and their arrays.

        Raises
        ------
        DataError
            When it holds what no recording can.
        SinkError
            When the disk takes no more.
        """
        arrays = self._as_last(block)
        if arrays is not None:
            number, text = self._last
            return self._described_again(number, text), arrays
        schema, arrays = described(block)
        kinds = tuple((name, dtype is None, dtype, shape) for name, dtype, shape in schema.columns)
        paces = (
            (tuple(schema.paces.items()), tuple(schema.latencies.items())) if schema.paces or schema.latencies else ()
        )
        key = (kinds, schema.rate, schema.times, paces)
        found = self._known.get(key)
        if found is None:
            number = len(self._known)
            text = schema.text(number)
            self._writer.append(COLS, text)
            found = self._known[key] = (number, text)
            self._described[number] = self._writer.size
        self._schema_now, self._last = schema, found
        return self._described_again(*found), arrays

    def _described_again(self, number: int, text: bytes) -> int:
        if self._writer.size - self._described[number] > AGAIN:
            self._writer.append(COLS, text)
            self._described[number] = self._writer.size
        return number

    def _as_last(self, block: Block) -> list[Any] | None:
        """Return the arrays of a block whose columns are those of the block before: most are, and this is quick."""
        known = self._schema_now
        if known is None or len(block) != len(known.columns) or block.rate != known.rate:
            return None
        if block.paces != known.paces or block.latencies != known.latencies:
            return None
        arrays = []
        for (told, dtype, shape), (name, column) in zip(known.columns, block.items(), strict=True):
            # A dtype may equal None: numpy takes it for float64.
            if dtype is None or type(column) is not np.ndarray or name != told or column.shape[1:] != shape:
                return None
            if column.dtype is not dtype and column.dtype != dtype:  # mostly one object, and equality is slow
                return None
            arrays.append(column)
        times = None if known.times is None else arrays[known.times]
        return arrays if block.times is times else None

    def again(self) -> None:
        """Describe all of them once more, at the end: losing one place loses none."""
        for _, text in self._known.values():
            self._writer.append(COLS, text)
