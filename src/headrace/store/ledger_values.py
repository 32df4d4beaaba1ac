"""Values as typed bytes, and back: exactly what was put in, type by type, and nothing that runs code.

A value is one letter for its kind, then its content; parts follow each other. What stands here is a format on disk: it
may be added to, not changed. Numbers are little-endian. What no letter stands for travels as a pickle, and only where
both who writes and who reads allow it.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np

from headrace.errors import DamageError, DataError

Array = np.ndarray[Any, np.dtype[Any]]
Out = list[Any]
LARGE: Final = 100_000  # bytes of an array from which on it has a file of its own
HUGE: Final = 1 << 20  # bytes of anything else

_INT, _FLOAT, _COMPLEX, _SIZE = struct.Struct("<cq"), struct.Struct("<cd"), struct.Struct("<cdd"), struct.Struct("<cI")
_U32, _I64, _F64, _F64X2 = struct.Struct("<I"), struct.Struct("<q"), struct.Struct("<d"), struct.Struct("<dd")
_SMALL: Final = 1 << 63


class Files(Protocol):
    """Where large parts of a value are kept: under the digest of their content."""

    def keep(self, parts: list[Any], suffix: str) -> bytes:
        """Put the bytes of ``parts`` away; return the digest they are found by."""

    def fetch(self, digest: bytes, suffix: str) -> Any:
        """Return the bytes that were put away."""


class Packing:
    """How values are packed and unpacked.

    Parameters
    ----------
    files
        Where large arrays go; None to keep all in one.
    allow_pickle
        Whether a value that only a pickle can carry may be one.
    who
        For errors.

    Examples
    --------
    >>> packing = Packing()
    >>> packing.unpack(packing.pack((1, 2.5, True, {"a": [None, "b"]}, np.int16([3, 4]))))
    (1, 2.5, True, {'a': [None, 'b']}, array([3, 4], dtype=int16))
    """

    def __init__(self, files: Files | None = None, *, allow_pickle: bool = False, who: str = "a ledger") -> None:
        self.files: Files | None = files
        self.allow_pickle: bool = allow_pickle
        self.who: str = who

    def pack(self, value: Any) -> bytes:
        """Return a value's bytes.

        Raises
        ------
        DataError
            When only a pickle could carry it and none is allowed, or it holds itself.
        """
        out: Out = []
        try:
            self.add(value, out)
        except RecursionError:
            raise DataError(
                f"{self.who} got a value with parts inside parts without end, wanted one that ends."
            ) from None
        made = b"".join(out)
        if len(made) > HUGE and self.files is not None:
            return b"Z" + self.files.keep([made], ".value")
        return made

    def add(self, value: Any, out: Out) -> None:
        """Append a value's bytes."""
        how = _PACK.get(type(value))
        if how is not None:
            how(self, value, out)
        else:
            self.add_other(value, out)

    def add_other(self, value: Any, out: Out) -> None:
        if isinstance(value, np.generic):
            _scalar(self, value, out)
            return
        if isinstance(value, np.memmap):
            _array(self, value, out)
            return
        from headrace.store.ledger_kinds import add_kind  # what fewer values are

        if not add_kind(self, value, out):
            self.add_pickle(value, out)

    def add_pickle(self, value: Any, out: Out) -> None:
        """Append a value as a pickle, where that is allowed."""
        if not self.allow_pickle:
            told = repr(value)
            raise DataError(
                f"{self.who} got {told if len(told) <= 80 else told[:77] + '...'} of type "
                f"{type(value).__module__}.{type(value).__qualname__}, which only a pickle can carry.\n"
                "  Return numbers, texts, arrays, or lists and dicts of them; or pass allow_pickle=True, and read the data "
                "only where you trust who wrote it."
            )
        try:
            data = pickle.dumps(value, protocol=5)
        except Exception:
            import cloudpickle  # lambdas, and what was made in a notebook

            data = cloudpickle.dumps(value, protocol=5)
        out += (_SIZE.pack(b"P", len(data)), data)

    def unpack(self, data: Any) -> Any:
        """Return the value that bytes were made from.

        Raises
        ------
        DamageError
            When they are no value's bytes.
        DataError
            When a pickle is in it and none is allowed.
        """
        try:
            value, end = self.take(data, 0)
            if end != len(data):
                raise ValueError(f"{len(data) - end} bytes too many")
        except DataError:
            raise
        except (ValueError, TypeError, IndexError, KeyError, struct.error, OverflowError, RecursionError) as error:
            raise DamageError(f"{self.who} has a value whose bytes make no sense: {error}.") from error
        return value

    def take(self, data: Any, at: int) -> tuple[Any, int]:
        """Return the value that begins at ``at``, and where it ends."""
        tag = data[at]
        how = _TAKE.get(tag)
        if how is not None:
            return how(self, data, at + 1)
        from headrace.store.ledger_kinds import TAKE_KIND

        return TAKE_KIND[tag](self, data, at + 1)

    def take_pickle(self, data: Any, at: int) -> tuple[Any, int]:
        size, at = _size(data, at)
        if not self.allow_pickle:
            raise DataError(
                f"{self.who} has a value that is a pickle, and loading one can run any code.\n"
                "  Pass allow_pickle=True if you trust who wrote it."
            )
        return pickle.loads(data[at : at + size]), at + size


class Names(Packing):
    """Unpacks to see which files are spoken of: a pickle, in which there is none, is passed over."""

    def take_pickle(self, data: Any, at: int) -> tuple[Any, int]:
        """Return nothing."""
        size, at = _size(data, at)
        return None, at + size


def _size(data: Any, at: int) -> tuple[int, int]:
    return _U32.unpack_from(data, at)[0], at + 4


def _piece(data: Any, at: int) -> tuple[Any, int]:
    size, at = _size(data, at)
    if at + size > len(data):
        raise ValueError("a part is cut off")
    return data[at : at + size], at + size


# --- numbers, texts, containers -------------------------------------------------------------------


def _int(_: Packing, value: int, out: Out) -> None:
    if -_SMALL <= value < _SMALL:
        out.append(_INT.pack(b"i", value))
    else:
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        out += (_SIZE.pack(b"I", len(data)), data)


def _text(packing: Packing, value: str, out: Out) -> None:
    data = value.encode("utf-8", "surrogatepass")
    out += (_SIZE.pack(b"s", len(data)), data)


def _bytes(packing: Packing, value: bytes, out: Out) -> None:
    out += (_SIZE.pack(b"b", len(value)), value)


def _several(letter: bytes) -> Callable[[Packing, Any, Out], None]:
    def add(packing: Packing, value: Any, out: Out) -> None:
        out.append(_SIZE.pack(letter, len(value)))
        for part in value:
            packing.add(part, out)

    return add


def _dict(packing: Packing, value: dict[Any, Any], out: Out) -> None:
    out.append(_SIZE.pack(b"d", len(value)))
    for name, part in value.items():
        packing.add(name, out)
        packing.add(part, out)


def _take_big(_: Packing, data: Any, at: int) -> tuple[Any, int]:
    piece, at = _piece(data, at)
    return int.from_bytes(piece, "little", signed=True), at


def _take_text(_: Packing, data: Any, at: int) -> tuple[Any, int]:
    piece, at = _piece(data, at)
    return str(piece, "utf-8", "surrogatepass"), at


def _take_bytes(_: Packing, data: Any, at: int) -> tuple[Any, int]:
    piece, at = _piece(data, at)
    return bytes(piece), at


def _take_several(make: Callable[[list[Any]], Any]) -> Callable[[Packing, Any, int], tuple[Any, int]]:
    def take(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
        size, at = _size(data, at)
        made = []
        for _ in range(size):
            part, at = packing.take(data, at)
            made.append(part)
        return make(made), at

    return take


def _take_dict(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
    size, at = _size(data, at)
    made = {}
    for _ in range(size):
        name, at = packing.take(data, at)
        made[name], at = packing.take(data, at)
    return made, at


# --- numpy ----------------------------------------------------------------------------------------


def _scalar(packing: Packing, value: np.generic, out: Out) -> None:
    if isinstance(value, np.str_):
        data = str(value).encode("utf-8", "surrogatepass")  # its array would drop NULs at the end
        out += (_SIZE.pack(b"u", len(data)), data)
    elif isinstance(value, np.bytes_):
        out += (_SIZE.pack(b"y", len(value)), bytes(value))
    elif value.dtype.hasobject:
        packing.add_pickle(value, out)
    else:
        out.append(b"g")
        _dtype(packing, value.dtype, out)
        data = value.tobytes()
        out += (_U32.pack(len(data)), data)


def _dtype(packing: Packing, dtype: np.dtype[Any], out: Out) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    if dtype.kind == "V" and np.lib.format.descr_to_dtype(descr) != dtype:
        raise DataError(f"{packing.who} got data of dtype {dtype}, which NumPy alone does not know.")
    packing.add(descr, out)


def _take_dtype(packing: Packing, data: Any, at: int) -> tuple[np.dtype[Any], int]:
    descr, at = packing.take(data, at)
    found = np.lib.format.descr_to_dtype(descr)
    if found.hasobject:
        raise ValueError("an array of objects without them")
    return found, at


def _take_scalar(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
    dtype, at = _take_dtype(packing, data, at)
    piece, at = _piece(data, at)
    return np.frombuffer(bytes(piece), dtype, 1)[0], at


def _plain(array: Array) -> bool:
    """Tell whether an array's bytes are all of it."""
    return not array.dtype.hasobject and array.dtype.kind != "T"


def _array(packing: Packing, value: Array, out: Out) -> None:
    if not _plain(value):
        _array_of_objects(packing, value, out)
        return
    fortran = value.flags.f_contiguous and not value.flags.c_contiguous
    flat = np.ascontiguousarray(value.T if fortran else value).reshape(-1).view(np.ndarray)
    letter = b"F" if fortran else b"a"
    if value.nbytes > LARGE and packing.files is not None:
        head = _npy_head(value, fortran)
        out += (b"A", packing.files.keep([head, flat.view(np.uint8).data], ".npy"))
        return
    out.append(letter)
    _dtype(packing, value.dtype, out)
    out.append(struct.pack(f"<B{value.ndim}q", value.ndim, *value.shape))
    out.append(flat.tobytes())


def _npy_head(value: Array, fortran: bool) -> bytes:
    from io import BytesIO

    made = BytesIO()
    told = {
        "descr": np.lib.format.dtype_to_descr(value.dtype),
        "fortran_order": fortran,
        "shape": value.shape,
    }
    np.lib.format.write_array_header_2_0(made, told)
    return made.getvalue()


def _array_of_objects(packing: Packing, value: Array, out: Out) -> None:
    if value.dtype.kind == "T":  # strings of any length: NumPy 2
        out.append(b"w")
        missing = getattr(value.dtype, "na_object", _NOTHING)
        packing.add([] if missing is _NOTHING else [missing], out)
    elif value.dtype == np.dtype(object):
        out.append(b"o")
    else:
        packing.add_pickle(value, out)
        return
    out.append(struct.pack(f"<B{value.ndim}q", value.ndim, *value.shape))
    for part in value.reshape(-1).tolist() if value.dtype.kind == "T" else value.reshape(-1):
        packing.add(part, out)


_NOTHING: Final = object()


def _shape(data: Any, at: int) -> tuple[tuple[int, ...], int]:
    ndim = data[at]
    return struct.unpack_from(f"<{ndim}q", data, at + 1), at + 1 + 8 * ndim


def _take_array(fortran: bool) -> Callable[[Packing, Any, int], tuple[Any, int]]:
    def take(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
        dtype, at = _take_dtype(packing, data, at)
        shape, at = _shape(data, at)
        count = 1
        for size in shape:
            count *= size
        end = at + count * dtype.itemsize
        if count < 0 or end > len(data):
            raise ValueError("an array is cut off")
        flat = np.empty(count, dtype)
        if end > at:
            flat.view(np.uint8).data[:] = memoryview(data)[at:end]
        return _shaped(flat, shape, fortran), end

    return take


def _shaped(flat: Array, shape: tuple[int, ...], fortran: bool) -> Array:
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _take_objects(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
    shape, at = _shape(data, at)
    made = np.empty(int(np.prod(shape, dtype=int)), dtype=object)
    for i in range(len(made)):
        made[i], at = packing.take(data, at)
    return made.reshape(shape), at


def _take_strings(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
    missing, at = packing.take(data, at)
    objects, at = _take_objects(packing, data, at)
    kind: Any = np.dtypes.StringDType  # type: ignore[attr-defined,unused-ignore]  # NumPy 2
    return objects.astype(kind(na_object=missing[0]) if missing else kind()), at


def _take_file(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
    from io import BytesIO

    held = _fetched(packing, bytes(data[at : at + DIGEST]), ".npy")
    head = BytesIO(held[: 1 << 16])
    np.lib.format.read_magic(head)
    shape, fortran, dtype = np.lib.format.read_array_header_2_0(head)
    if dtype.hasobject:
        raise ValueError("an array of objects without them")
    flat = np.frombuffer(held, dtype, offset=head.tell())  # of a bytearray: it may be written to
    return _shaped(flat, shape, fortran), at + DIGEST


def _take_large(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
    value = packing.unpack(_fetched(packing, bytes(data[at : at + DIGEST]), ".value"))
    return value, at + DIGEST


def _fetched(packing: Packing, digest: bytes, suffix: str) -> Any:
    if packing.files is None or len(digest) != DIGEST:
        raise ValueError("a part that has a file of its own is not there")
    return packing.files.fetch(digest, suffix)


DIGEST: Final = 16  # bytes of the name of a file

_PACK: Final[dict[type, Callable[[Packing, Any, Out], None]]] = {
    type(None): lambda _, value, out: out.append(b"-"),
    bool: lambda _, value, out: out.append(b"1" if value else b"0"),
    int: _int,
    float: lambda _, value, out: out.append(_FLOAT.pack(b"f", value)),
    complex: lambda _, value, out: out.append(_COMPLEX.pack(b"c", value.real, value.imag)),
    str: _text,
    bytes: _bytes,
    tuple: _several(b"t"),
    list: _several(b"l"),
    dict: _dict,
    np.ndarray: _array,
    np.float64: lambda _, value, out: out.append(_FLOAT.pack(b"h", value)),
    np.int64: lambda _, value, out: out.append(_INT.pack(b"j", value)),
}
_TAKE: Final[dict[int, Callable[[Packing, Any, int], tuple[Any, int]]]] = {
    ord("-"): lambda _, data, at: (None, at),
    ord("0"): lambda _, data, at: (False, at),
    ord("1"): lambda _, data, at: (True, at),
    ord("i"): lambda _, data, at: (_I64.unpack_from(data, at)[0], at + 8),
    ord("I"): _take_big,
    ord("f"): lambda _, data, at: (_F64.unpack_from(data, at)[0], at + 8),
    ord("c"): lambda _, data, at: (complex(*_F64X2.unpack_from(data, at)), at + 16),
    ord("s"): _take_text,
    ord("b"): _take_bytes,
    ord("t"): _take_several(tuple),
    ord("l"): _take_several(list),
    ord("d"): _take_dict,
    ord("g"): _take_scalar,
    ord("h"): lambda _, data, at: (np.float64(_F64.unpack_from(data, at)[0]), at + 8),
    ord("j"): lambda _, data, at: (np.int64(_I64.unpack_from(data, at)[0]), at + 8),
    ord("u"): lambda packing, data, at: _as(np.str_, _take_text(packing, data, at)),
    ord("y"): lambda packing, data, at: _as(np.bytes_, _take_bytes(packing, data, at)),
    ord("a"): _take_array(False),
    ord("F"): _take_array(True),
    ord("o"): _take_objects,
    ord("w"): _take_strings,
    ord("A"): _take_file,
    ord("Z"): _take_large,
    ord("P"): Packing.take_pickle,
}


def _as(kind: Callable[[Any], Any], found: tuple[Any, int]) -> tuple[Any, int]:
    return kind(found[0]), found[1]
