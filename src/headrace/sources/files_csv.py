"""Streams of the records of a CSV file, without pandas."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream
from headrace.errors import DataError, StreamConfigError
from headrace.sources.files_csv_text import NOWHERE, Row, Text, check_dtypes, check_encoding
from headrace.sources.files_rows import (
    Order,
    Reader,
    Reading,
    Rows,
    check_names,
    check_order,
    check_path,
    example_file,
)


def csv(
    path: str | Path,
    columns: str | Iterable[str] | None = None,
    dtypes: Mapping[str, Any] | None = None,
    order: Order = "sequential",
    n: int | None = None,
    *,
    names: Iterable[str] | None = None,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Stream[Row]:
    r"""The records of a CSV file, as dicts of numbers and strings.

    Parameters
    ----------
    path
        A file, with quotes around fields that hold delimiters or line breaks. One that ends in ``.gz`` is unpacked
        while it is read.
    columns
        Names of the columns to give, all by default.
    dtypes
        Types by column: anything NumPy takes as a dtype, or ``str``. For the others the first 100 records decide: int
        when every field is one, else float when every field is one or is missing, else str. An empty field is NaN
        among floats.
    order, n
        As for :func:`headrace.npz`. Any order but ``"sequential"`` reads the file once to find where records begin, and
        keeps 8 bytes for each.
    names
        Names of the columns, for a file that does not begin with a line of them.
    delimiter, encoding
        How the file is written. A byte order mark is passed over.

    Raises
    ------
    StreamConfigError
        When there is no such file, or an option is wrong.
    DataError
        While running, naming the line: a field that is not of its column's type, a missing one that is not a float
        or a string, a record with too many fields or too few.

    Examples
    --------
    >>> import headrace as hr
    >>> with open("people.csv", "w") as file:
    ...     _ = file.write("name,age,height\nAda,36,1.65\nAlan,41,\n")
    >>> list(hr.csv("people.csv"))
    [{'name': 'Ada', 'age': 36, 'height': 1.65}, {'name': 'Alan', 'age': 41, 'height': nan}]
    """
    return Csv(path, columns, dtypes, order, n, names, delimiter, encoding)  # type: ignore[arg-type]  # brought to their form there


@register("csv", example=lambda: Csv(example_file("rows.csv", _write_example)))
@recipe
class Csv(Rows[Row]):
    """The recipe of :func:`csv`."""

    path: Path
    columns: tuple[str, ...] | None = None
    dtypes: dict[str, str] | None = None
    order: Order = "sequential"
    n: int | None = None
    names: tuple[str, ...] | None = None
    delimiter: str = ","
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if not isinstance(self.delimiter, str) or len(self.delimiter) != 1:
            raise StreamConfigError(f"csv(delimiter=) got {self.delimiter!r}, wanted one character.")
        self.fix(
            path=check_path("csv", self.path),
            columns=check_names("csv", "columns", self.columns),
            dtypes=check_dtypes(self.dtypes),
            n=check_order("csv", self.order, self.n),
            names=check_names("csv", "names", self.names),
            encoding=check_encoding(self.encoding),
        )

    @property
    def size(self) -> float | None:
        """Only reading the file tells, which a question by number does; endless or ``n`` for rows at random."""
        if self.order != "random":
            return 0 if self.n == 0 else self._rows if self.n is None or self._rows is None else min(self.n, self._rows)
        return inf if self.n is None else self.n

    @property
    def spec(self) -> Spec | None:
        """Only reading the file tells."""
        return None

    def reader(self) -> Reader[Row]:
        return _Scattered(self)

    def start(self, key: Key) -> Cursor[Row]:
        return _InOrder(self, key) if self.order == "sequential" else Reading(self, key)


class _InOrder(Cursor[Row]):
    """``offset`` is the byte where the next record begins, ``line`` how many lines stand before it."""

    stream: Csv
    saves = ("count", "offset", "line")
    offset = line = 0
    _text: Text | None = None
    _behind: tuple[int, int] | None = None  # offset and line after the record that failed

    def run(self) -> Generator[Row, None, None]:
        limit = inf if self.stream.n is None else self.stream.n
        if self.count >= limit or self.offset < 0:
            return
        self._behind = None
        text = self._text
        try:
            if text is None:
                text = Text(self.stream)
                self._text = text
            if not self.offset:
                self.offset, self.line = text.first
            for record in text.records(self.offset, self.line):
                item = text.item(record)
                self.count += 1
                self.offset, self.line = text.offset, text.line
                yield item
                if self.count >= limit:
                    return
        except Exception as error:
            self._behind = (text.offset, text.line) if text is not None else None
            error.add_note(f"  file: {self.stream.path}")
            raise

    def pass_failed(self) -> None:
        if self._behind is None:
            self.offset = -1  # the file could not be opened: there is nothing behind
        else:
            self.offset, self.line = self._behind
            self.count += 1
        self.restart()

    def release(self) -> None:
        text, self._text = self._text, None
        if text is not None:
            text.close()


class _Scattered(Reader[Row]):
    """Records by number."""

    def __init__(self, stream: Csv) -> None:
        self.text = Text(stream)
        try:
            told = os.stat(stream.path)
            stamp = told.st_size, told.st_mtime_ns
            known = stream.__dict__.get("_begins", (None, None))  # a mux opens the same file many times
            if known[0] != stamp:
                begins = (self.text.begun for _ in self.text.records(*self.text.first))
                known = stamp, np.fromiter(begins, np.int64)
                stream.fix(_begins=known)
            self.offsets = known[1]
        except BaseException:
            self.text.close()
            raise
        self.rows = len(self.offsets)

    def row(self, i: int) -> Row:
        text = self.text
        for record in text.records(int(self.offsets[i]), NOWHERE):
            return text.item(record)
        raise DataError(f"{text.who} was cut short while it was read: record {i} is no longer there.")

    def close(self) -> None:
        self.text.close()


def _write_example(path: Path) -> None:
    path.write_text("x,y,name\n" + "".join(f"{i},{i / 7!r},n{i}\n" for i in range(40)), encoding="utf-8")
