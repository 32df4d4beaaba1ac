"""CSV as text: where each record begins, and what its fields are."""

from __future__ import annotations

import csv as csv_format
import gzip
import math
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

import numpy as np

from headrace.errors import DataError, StreamConfigError

Row = dict[str, Any]
Parse = Callable[[str], Any]
LOOK = 100  # records that types are told from
NOWHERE = -(1 << 62)  # the number of a line that is not known
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_BOOLS = {"true": True, "1": True, "false": False, "0": False}


class Text:
    """An open CSV file: knows its columns, and at which byte each record ends."""

    who: str
    delimiter: str
    encoding: str
    file: IO[bytes]
    offset: int
    line: int
    begun: int
    names: tuple[str, ...]
    first: tuple[int, int]
    columns: list[tuple[str, int, str, Parse]]

    def __init__(self, stream: Any) -> None:
        path = stream.path
        self.who = f"csv({path.name!r})"
        self.delimiter, self.encoding = stream.delimiter, stream.encoding
        packed = path.suffix == ".gz"
        opened: Any = gzip.open(path, "rb") if packed else open(path, "rb")  # noqa: SIM115  # closed by close()
        self.file = opened
        self.offset = self.line = self.begun = 0
        try:
            self._learn(stream)
        except BaseException:
            self.close()
            raise

    def _learn(self, stream: Any) -> None:
        """Read the names of the columns and tell their types."""
        if self.file.read(3) == b"\xef\xbb\xbf":
            self.offset = 3
        records = self.records(self.offset, 0)
        names = stream.names
        if names is None:
            names = tuple(next(records, ()))
            if not names:
                raise DataError(
                    f"{self.who} has no line, wanted one with the names of the columns.\n"
                    "  Write one, or pass names= for a file without."
                )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DataError(
                f"{self.who} has two columns named {', '.join(map(repr, twice))}.\n  Pass names= of your own."
            )
        self.names = names
        self.first = self.offset, self.line
        wanted = names if stream.columns is None else stream.columns
        missing = [name for name in (*wanted, *(stream.dtypes or ())) if name not in names]
        if missing:
            raise DataError(
                f"{self.who} has no column {', '.join(map(repr, missing))}.\n  Its columns are {', '.join(names)}."
            )
        seen = []
        try:
            seen += [record for record in islice(records, LOOK) if len(record) == len(names)]
        except (csv_format.Error, UnicodeDecodeError):
            pass  # raised again by the record itself, when its turn comes
        self.columns = []
        for name in wanted:
            k = names.index(name)
            dtype = (stream.dtypes or {}).get(name) or _told([record[k] for record in seen])
            self.columns.append((name, k, dtype, _parser(dtype)))

    def records(self, offset: int, line: int) -> Iterator[list[str]]:
        """Yield the records from byte ``offset`` on; ``self.offset`` is then where the next one begins."""
        self.file.seek(offset)
        self.offset = self.begun = offset
        self.line = line
        for record in csv_format.reader(self._lines(), delimiter=self.delimiter, strict=True):
            if record:
                yield record
            self.begun = self.offset

    def _lines(self) -> Iterator[str]:
        encoding = self.encoding
        for raw in self.file:
            self.offset += len(raw)
            self.line += 1
            yield raw.decode(encoding)

    def item(self, record: list[str]) -> Row:
        """Return a record as an item."""
        if len(record) != len(self.names):
            raise DataError(
                f"{self.who} got {len(record)} fields {self._where()}, wanted {len(self.names)}: "
                f"{', '.join(self.names)}.\n  Is a delimiter missing, or a quote?"
            )
        item = {}
        for name, k, dtype, parse in self.columns:
            try:
                item[name] = parse(record[k])
            except (ValueError, KeyError, OverflowError):
                raise DataError(self._refused(name, dtype, record[k])) from None
        return item

    def _refused(self, name: str, dtype: str, field: str) -> str:
        got = f"{field!r}" if field.strip() else "a missing value"
        other = "float" if not field.strip() or _told([field]) == "float" else "str"
        return (
            f"{self.who} got {got} in column {name!r} {self._where()}, wanted {dtype}.\n"
            f"  Pass dtypes={{{name!r}: {other}}}, or mend the file."
        )

    def _where(self) -> str:
        if self.line >= 0:
            return f"on line {self.line}"
        lines, left = 0, self.offset  # found by its place: count the lines before
        self.file.seek(0)
        while left > 0 and (raw := self.file.readline(left)):
            lines, left = lines + 1, left - len(raw)
        return f"on line {lines}"

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _told(fields: list[str]) -> str:
    """Return the type that all of these fields are of."""
    if fields and all(_INTEGER.fullmatch(field) for field in fields):
        return "int"
    try:
        for field in fields:
            _float(field)
    except ValueError:
        return "str"
    return "float"


def _parser(dtype: str) -> Parse:
    """Return what makes a value of a field."""
    if dtype in _PARSERS:
        return _PARSERS[dtype]
    kind = np.dtype(dtype)
    make: Any = kind.type
    if kind.kind == "f":
        return lambda field: make(_float(field))
    if kind.kind in "iu":
        return lambda field: make(_int(field))
    if kind.kind in "mM":  # the unit is part of the dtype
        return lambda field: np.array(field, kind)[()]
    return make  # type: ignore[no-any-return]


def _int(field: str) -> int:
    if "_" in field:  # Python reads 1_000 as a number; a file that holds it means something else
        raise ValueError
    return int(field)


def _float(field: str) -> float:
    if not field or field.isspace():
        return math.nan
    if "_" in field:
        raise ValueError
    return float(field)


def _bool(field: str) -> bool:
    return _BOOLS[field.strip().lower()]


_PARSERS: dict[str, Parse] = {"int": _int, "float": _float, "str": str, "bool": _bool}


def check_dtypes(dtypes: Any) -> dict[str, str] | None:
    """Return types by their names, which can be written down."""
    if dtypes is None:
        return None
    if not isinstance(dtypes, Mapping):
        raise StreamConfigError(f"csv(dtypes=) got {dtypes!r}, wanted a dict of types by column.")
    return {str(name): _dtype(name, dtype) for name, dtype in dtypes.items()}


def _dtype(name: Any, dtype: Any) -> str:
    known = dtype.__name__ if isinstance(dtype, type) and dtype in (int, float, str, bool) else dtype
    if isinstance(known, str) and known in _PARSERS:
        return known
    try:
        made = np.dtype(dtype)
    except TypeError:
        made = np.dtype(object)
    if made.kind == "U":
        return "str"
    if made.kind == "b":
        return "bool"
    if made.kind not in "iufcmM":
        raise StreamConfigError(
            f"csv(dtypes=) got {dtype!r} for column {name!r}, wanted int, float, str, bool or a dtype of numbers or times."
        )
    return str(made.str)


def check_encoding(encoding: Any) -> str:
    """Return the name of an encoding that can be read line by line, or raise."""
    try:
        good = "\n".encode(encoding) == b"\n"
    except (LookupError, TypeError):
        good = False
    if not good:
        raise StreamConfigError(
            f"csv(encoding=) got {encoding!r}, wanted one in which a line break is one byte, such as 'utf-8' or 'latin-1'.\n"
            "  Convert files in UTF-16 or UTF-32."
        )
    return str(encoding)
