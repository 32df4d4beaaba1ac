"""Dtypes on a socket: told in checked pieces, so that no text from outside ever reaches ``np.dtype`` unread."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from headrace.errors import DataError
from headrace.parallel.structs import Struct

DType = np.dtype[Any]
LARGEST: Final = 1 << 30  # bytes of one element at most
MOST: Final = 1 << 12  # entries of one table at most
DEEPEST: Final = 16  # structures inside structures
_WIDEST: Final = 1 << 14  # fields of one dtype at most, those inside fields included
_SIZES: Final = {
    "b": {1},
    "i": {1, 2, 4, 8},
    "u": {1, 2, 4, 8},
    "f": {2, 4, 8, 12, 16},
    "c": {8, 16, 24, 32},
}
_FLAT: Final = re.compile(
    r"([<>|])(?:([biufc])(\d{1,2})|([SUV])(\d{1,10})|([mM])8(?:\[(\d{1,9})?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?)"
)


class WireError(DataError):
    """A message that is no item: damaged on the way, too large, or made to do harm."""


class Flat(Struct, array_like=True, tag="p", frozen=True, forbid_unknown_fields=True):
    """Numbers, dates and strings, as in ``dtype.str``."""

    text: str


class Part(Struct, array_like=True, tag="s", frozen=True, forbid_unknown_fields=True):
    """An array inside a field: entry ``base`` of the table, this shape."""

    base: int
    shape: tuple[int, ...]


class Fields(Struct, array_like=True, tag="f", frozen=True, forbid_unknown_fields=True):
    """A structure; its fields are entries of the table before this one."""

    names: list[str]
    kinds: list[int]
    offsets: list[int]
    size: int
    aligned: bool
    titles: list[str | None]


Entry = Flat | Part | Fields
_known: dict[tuple[DType, bool], tuple[Entry, ...] | str] = {}


def refused(dtype: DType) -> str:
    """Return why arrays of a dtype cannot be sent, ``""`` when they can."""
    found = _entries(dtype)
    return found if isinstance(found, str) else ""


def told_size(dtype: DType) -> int:
    """Return about how many bytes it takes to tell a dtype that can be sent."""
    if dtype.names is None:
        return 32
    return sum(32 + sum(32 + len(name.encode()) for name in getattr(e, "names", ())) for e in _entries(dtype))


class Table:
    """The dtypes of one message.

    Examples
    --------
    >>> table = Table()
    >>> table.index(np.dtype("<f4")), table.index(np.dtype(">i2")), table.index(np.dtype("<f4"))
    (0, 1, 0)
    >>> read(table.entries)
    [dtype('float32'), dtype('>i2')]
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._at: dict[tuple[DType, bool], int] = {}

    def index(self, dtype: DType) -> int:
        """Return the number of a dtype that can be sent."""
        key = (dtype, dtype.isalignedstruct)
        at = self._at.get(key)
        if at is None:
            found = _entries(dtype)
            assert not isinstance(found, str), "looked at when the item was"
            base = len(self.entries)
            self.entries += [_moved(entry, base) for entry in found]
            at = self._at[key] = len(self.entries) - 1
        return at


def _moved(entry: Entry, base: int) -> Entry:
    if isinstance(entry, Part):
        return Part(entry.base + base, entry.shape)
    if isinstance(entry, Fields):
        kinds = [kind + base for kind in entry.kinds]
        return Fields(entry.names, kinds, entry.offsets, entry.size, entry.aligned, entry.titles)
    return entry


def _entries(dtype: DType) -> tuple[Entry, ...] | str:
    """Return the entries of a dtype, the last for itself; a text says why there are none."""
    key = (dtype, dtype.isalignedstruct)
    found = _known.get(key)
    if found is None:
        if len(_known) > 1000:
            _known.clear()
        found = _known[key] = _told(dtype)
    return found


def _told(dtype: DType) -> tuple[Entry, ...] | str:
    if dtype.hasobject:
        return "it holds Python objects"
    entries: list[Entry] = []
    try:
        _tell(dtype, entries)
        again = read(entries)[-1]
    except (DataError, UnicodeEncodeError) as error:
        return str(error).partition("\n")[0]
    if again != dtype or again.type is not dtype.type or again.isalignedstruct != dtype.isalignedstruct:
        return "it is of a kind that other programs do not know"
    return tuple(entries)


def _tell(dtype: DType, entries: list[Entry]) -> int:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        entries.append(Part(_tell(base, entries), shape))
    elif dtype.names is not None:
        assert dtype.fields is not None
        told = [dtype.fields[name] for name in dtype.names]
        titles = [field[2] if len(field) > 2 else None for field in told]
        if any(type(title) not in (str, type(None)) for title in titles):
            raise DataError("its fields have titles that are no texts")
        for name in (*dtype.names, *titles):
            (name or "").encode()  # a name that is no text cannot be told
        kinds = [_tell(field[0], entries) for field in told]
        offsets = [int(field[1]) for field in told]
        entries.append(
            Fields(
                list(dtype.names), kinds, offsets, dtype.itemsize, dtype.isalignedstruct, titles if any(titles) else []
            )
        )
    else:
        entries.append(Flat(dtype.str))
    return len(entries) - 1


def read(entries: list[Entry]) -> list[DType]:
    """Return the dtypes of a table that came from outside.

    Raises
    ------
    WireError
        When an entry is none that :class:`Table` makes, or one that is too large.

    Examples
    --------
    >>> read([Flat("O")])
    Traceback (most recent call last):
    headrace.parallel.dtypes.WireError: the message has a dtype 'O', which is none of those that can be sent.
    """
    if len(entries) > MOST:
        raise WireError(f"the message has a table of {len(entries)} dtypes, wanted {MOST} at most.")
    made: list[DType] = []
    size: list[tuple[int, int]] = []  # of each: how deep, how many fields
    for entry in entries:
        try:
            if isinstance(entry, Flat):
                dtype, deep, wide = _flat(entry.text), 0, 1
            elif isinstance(entry, Part):
                base = _before(entry.base, made)
                deep, wide = size[entry.base][0] + 1, size[entry.base][1]
                count(entry.shape, max(1, base.itemsize), LARGEST)
                dtype = np.dtype((base, entry.shape))
            else:
                kinds = [_before(kind, made) for kind in entry.kinds]
                deep = 1 + max((size[kind][0] for kind in entry.kinds), default=0)
                wide = 1 + sum(size[kind][1] for kind in entry.kinds)
                dtype = _structure(entry, kinds)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, WireError):
                raise
            raise WireError(f"the message has a dtype that numpy refuses: {error}") from error
        if deep > DEEPEST or wide > _WIDEST:
            raise WireError(f"the message has a dtype {deep} deep of {wide} fields, wanted {DEEPEST} and {_WIDEST}.")
        made.append(dtype)
        size.append((deep, wide))
    return made


def _before(index: int, made: list[DType]) -> DType:
    if not 0 <= index < len(made):
        raise WireError(f"the message has a dtype made of entry {index}, wanted one of the {len(made)} before it.")
    return made[index]


def _flat(text: str) -> DType:
    found = _FLAT.fullmatch(text)
    if found is not None:
        order, kind, size, flexible, length, date, step, unit = found.groups()
        if kind and int(size) in _SIZES[kind]:
            return np.dtype(f"{order}{kind}{int(size)}")
        if flexible and int(length) * (4 if flexible == "U" else 1) <= LARGEST:
            return np.dtype(f"{order}{flexible}{int(length)}")
        if date and (step is None or int(step) > 0):
            return np.dtype(f"{order}{date}8[{step or ''}{unit}]" if unit else f"{order}{date}8")
    raise WireError(f"the message has a dtype {text[:40]!r}, which is none of those that can be sent.")


def _structure(entry: Fields, kinds: list[DType]) -> DType:
    if not len(entry.names) == len(kinds) == len(entry.offsets) <= _WIDEST:
        raise WireError("the message has a dtype with more fields than names, or the other way round.")
    if len(set(entry.names)) != len(kinds):
        raise WireError("the message has a dtype with two fields of one name.")
    if not 0 <= entry.size <= LARGEST:
        raise WireError(f"the message has a dtype of {entry.size} bytes, wanted {LARGEST} at most.")
    for offset, kind in zip(entry.offsets, kinds, strict=True):
        if offset < 0 or offset + kind.itemsize > entry.size:
            raise WireError("the message has a dtype with a field outside it.")
    told = {"names": entry.names, "formats": kinds, "offsets": entry.offsets, "itemsize": entry.size}
    if entry.titles:
        if len(entry.titles) != len(kinds):
            raise WireError("the message has a dtype with more fields than titles, or the other way round.")
        told["titles"] = entry.titles
    made: DType = np.dtype(told, align=entry.aligned)  # type: ignore[call-overload]  # the stubs want a literal dict
    return made


def count(shape: tuple[int, ...], size: int, most: int) -> int:
    """Return how many elements a shape has, in numbers without end.

    Raises
    ------
    WireError
        When the shape is none, or takes more than ``most`` bytes at ``size`` bytes each.
    """
    if len(shape) > 64:
        raise WireError(f"the message has an array of {len(shape)} dimensions, wanted 64 at most.")
    whole, real = 1, 1
    for n in shape:
        if n < 0:
            raise WireError(f"the message has an array of shape {shape}, wanted no negative length.")
        whole *= n
        real *= max(n, 1)  # numpy counts so, too: an empty array may not be too long in another direction
    if real * size >= 1 << 62 or whole * size > most:
        raise WireError(f"the message has an array of shape {shape}, {whole * size} bytes, wanted {most} at most.")
    return whole
