"""The address of a point: bytes that equal settings share, whatever their order and the types of their numbers.

A ledger knows points by them, and the random numbers of a call come from them, so they are a format: what stands here
may be added to, not changed. Every value is one letter for its kind, then its content; parts carry their length.
"""

from __future__ import annotations

import copyreg
import enum
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

import numpy as np

from headrace.core.fingerprint import fingerprint
from headrace.core.plain import code_of, digest, where_is
from headrace.core.recipe import Recipe
from headrace.errors import StreamConfigError

_EXACT: Final = 1 << 53  # whole numbers below this are exact as float64
_DEEP: Final = 100
_EPOCH: Final = datetime(1970, 1, 1)
_NAT: Final = np.iinfo(np.int64).min


def canonical(settings: Mapping[str, Any]) -> bytes:
    """Return the canonical coordinates of a point.

    Numbers are equal by value (``1``, ``1.0`` and ``np.int8(1)``; not ``True``), moments by the instant, NaN equals NaN;
    arrays, lists, tuples, dicts and sets count by content, functions by name and code.

    Raises
    ------
    StreamConfigError
        When a value holds itself, or cannot be told by its content.

    Examples
    --------
    >>> canonical({"a": 1, "b": "x"}) == canonical({"b": "x", "a": 1.0})
    True
    >>> canonical({"a": True}) == canonical({"a": 1})
    False
    """
    return b"".join([fragment(name, settings[name]) for name in sorted(settings)])


def fragment(name: str, value: Any) -> bytes:
    """Return what one argument adds to the canonical coordinates."""
    word, told = name.encode(), encoded(value)
    return b"%d:%s=%d:%s;" % (len(word), word, len(told), told)


def fragments(name: str, values: Sequence[Any]) -> list[bytes]:
    """Return what an argument adds to the canonical coordinates of each of many points: :func:`fragment` of each value.

    Examples
    --------
    >>> fragments("a", [1, 20]) + fragments("a", [2.0]) == [fragment("a", 1), fragment("a", 20), fragment("a", 2)]
    True
    """
    if set(map(type, values)) != {int}:
        word = name.encode()
        head = b"%d:%s=" % (len(word), word)
        return [b"%s%d:%s;" % (head, len(told), told) for told in map(encoded, values)]
    try:
        digits = list(map(str, values))
    except ValueError:  # see _whole
        return [fragment(name, value) for value in values]
    heads = {n: f"{len(name.encode())}:{name}={1 + n}:n" for n in set(map(len, digits))}
    return [f"{heads[len(told)]}{told};".encode() for told in digits]


def point_key(settings: Mapping[str, Any]) -> bytes:
    """Return the 16 bytes that a point is known by: the BLAKE2b digest of its canonical coordinates.

    Examples
    --------
    >>> point_key({"a": 1}).hex()
    'e62f61300d49b35e77b1470bdfe45e0f'
    """
    return blake2b(canonical(settings), digest_size=16).digest()


def encoded(value: Any, deep: int = 0) -> bytes:
    """Return a value's bytes: equal for equal values, in every process.

    Examples
    --------
    >>> encoded(3), encoded(np.float32(3)), encoded("a"), encoded(None)
    (b'n3', b'n3', b'sa', b'-')
    """
    how = _HOW.get(type(value))
    if how is not None:
        told: bytes = how(value)
        return told
    if deep > _DEEP:
        raise StreamConfigError(
            f"a point got {type(value).__qualname__} with parts inside parts, {_DEEP} deep, wanted a value that can be "
            "told by its content.\n  Sweep over a name or a number, and look the object up in the function."
        )
    return _other(value, deep + 1)


# --- numbers --------------------------------------------------------------------------------------


def _whole(value: int) -> bytes:
    try:
        return b"n%d" % value
    except ValueError:  # of more digits than Python turns into text; no float is as large
        return b"nx%x" % value


def _float(value: float) -> bytes:
    if value.is_integer():
        return b"n%d" % int(value)
    return b"n" + repr(value).encode() if math.isfinite(value) or value != value else (b"ninf", b"n-inf")[value < 0]


def _complex(value: complex) -> bytes:
    return _float(value.real) if value.imag == 0 else b"c" + _float(value.real) + b"," + _float(value.imag)


def _fraction(value: Fraction) -> bytes:
    return _of_ratio(value.numerator, value.denominator)


def _decimal(value: Decimal) -> bytes:
    return _of_ratio(*value.as_integer_ratio()) if value.is_finite() else _float(float(value))


def _of_ratio(above: int, below: int) -> bytes:
    if below == 1:
        return _whole(above)
    try:
        near = above / below
    except OverflowError:
        near = math.nan
    return _float(near) if near == Fraction(above, below) else b"q%d/%d" % (above, below)


def _scalar(value: np.generic) -> bytes:
    """Return a NumPy scalar's bytes: those of the Python value where it is the same."""
    kind = value.dtype.kind
    if kind == "M" or kind == "m":
        return _time(value)
    if value.dtype.char in "gG":  # long doubles have no Python value
        near: Any = complex(value) if kind == "c" else float(value)
        return encoded(near) if near == value or near != near else b"g" + repr(value).encode()
    if kind == "V":
        return b"v" + encoded(value.dtype.descr) + value.tobytes()
    return encoded(value.item())


# --- moments --------------------------------------------------------------------------------------


def _time(value: Any) -> bytes:
    """Return a datetime64's or timedelta64's bytes: in attoseconds, exact in whatever unit it came."""
    unit, step = np.datetime_data(value.dtype)
    letter = b"t" if value.dtype.kind == "M" else b"d"
    count = int(value.astype(np.int64))
    if count == _NAT:
        return letter + b"nat"
    if unit == "generic":
        return letter + b"?%d" % count
    if unit in ("Y", "M"):
        if letter == b"d":
            return b"dM%d" % (count * step * (12 if unit == "Y" else 1))  # months have no length
        count, step, unit = int(value.astype("M8[D]").astype(np.int64)), 1, "D"
    return letter + b"%d" % (count * step * _ATTO[unit])


_SECOND: Final = 10**18
_ATTO: Final = {
    "W": 7 * 86400 * _SECOND, "D": 86400 * _SECOND, "h": 3600 * _SECOND, "m": 60 * _SECOND, "s": _SECOND,
    "ms": 10**15, "us": 10**12, "ns": 10**9, "ps": 10**6, "fs": 1000, "as": 1,
}  # fmt: skip


def _datetime(value: datetime) -> bytes:
    aware = value.utcoffset()
    bare = value.replace(tzinfo=None) - (aware or timedelta(0))
    count = _microseconds(bare - _EPOCH) * _ATTO["us"]
    count += getattr(value, "nanosecond", 0) * _ATTO["ns"]  # of a pandas Timestamp
    return (b"t%d" if aware is None else b"z%d") % count


def _timedelta(value: timedelta) -> bytes:
    count = _microseconds(value) * _ATTO["us"] + getattr(value, "nanoseconds", 0) % 1000 * _ATTO["ns"]
    return b"d%d" % count


def _microseconds(value: timedelta) -> int:
    return (value.days * 86400 + value.seconds) * 10**6 + value.microseconds


# --- containers and objects -----------------------------------------------------------------------


def _array(value: np.ndarray[Any, Any], deep: int) -> bytes:
    shape = b"a" + repr(tuple(map(int, value.shape))).encode()
    kind = value.dtype.kind
    if kind == "V" and value.dtype.names:
        inside = [shape]
        for name in value.dtype.names:
            inside += [name.encode(), _array(value[name], deep)]
        return _joined(b"v", inside)
    if kind == "c" and not value.imag.any():
        value, kind = value.real, "f"
    if kind in "iu" and (kind == "i" or not value.size or value.max() < 2**63):
        return shape + b"i" + value.astype("<i8").tobytes()
    if kind == "f" and value.dtype.itemsize <= 8:
        wide = value.astype("<f8")
        if bool((np.isfinite(wide) & (np.abs(wide) < _EXACT)).all()) and bool((wide == np.trunc(wide)).all()):
            return shape + b"i" + wide.astype("<i8").tobytes()  # whole numbers: equal to those of integers
        wide = wide + 0.0  # no negative zero
        wide[np.isnan(wide)] = np.nan
        return shape + b"f" + wide.tobytes()
    if kind == "b":
        return shape + b"b" + value.tobytes()
    return _joined(shape, [encoded(part, deep) for part in value.reshape(-1)])


def _joined(kind: bytes, parts: list[bytes]) -> bytes:
    return kind + b"%d[" % len(parts) + b"".join([b"%d:%s" % (len(part), part) for part in parts]) + b"]"


def _other(value: Any, deep: int) -> bytes:
    if isinstance(value, enum.Enum):
        return b"e" + f"{where_is(type(value))}.{value.name}".encode()
    if isinstance(value, np.ndarray):
        return _array(value, deep)
    if isinstance(value, tuple | list):
        return _joined(b"l", [encoded(part, deep) for part in value])
    if isinstance(value, range):
        return _joined(b"l", [_whole(part) for part in value])
    if isinstance(value, Mapping):
        return _joined(b"m", sorted(_joined(b"", [encoded(k, deep), encoded(v, deep)]) for k, v in value.items()))
    if isinstance(value, Set):
        return _joined(b"u", sorted(encoded(part, deep) for part in value))
    if isinstance(value, Recipe):
        return b"r" + fingerprint(value).encode()
    if isinstance(value, FunctionType | BuiltinFunctionType | type | ModuleType):
        return _named(value)
    return _by_kind(value, deep)


def _named(value: Any) -> bytes:
    """Return the bytes of what has a name: that; of a lambda, which shares it with others, its code too."""
    if isinstance(value, ModuleType):
        return b"f" + value.__name__.encode()
    name = where_is(value)
    return b"f" + name.encode() + (b"#" + digest(code_of(value)).encode() if "<" in name else b"")


def _by_kind(value: Any, deep: int) -> bytes:
    if isinstance(value, bool | np.bool_):
        return b"b1" if value else b"b0"
    if isinstance(value, np.generic):  # before str and float, which some of them are
        return _scalar(value)
    if type(value).__name__ == "NaTType":  # of pandas, which need not be here
        return b"tnat"
    for kind, how in _KINDS:
        if isinstance(value, kind):
            told: bytes = how(value)
            return told
    if is_dataclass(value):
        inside = [_joined(b"", [f.name.encode(), encoded(getattr(value, f.name), deep)]) for f in fields(value)]
        return _joined(b"o" + where_is(type(value)).encode(), inside)
    return _reduced(value, deep)


def _reduced(value: Any, deep: int) -> bytes:
    """Return any object's bytes from what would rebuild it, which is its content: a pickle's own bytes are not."""
    try:
        found = copyreg.dispatch_table[type(value)](value) if type(value) in copyreg.dispatch_table else None
        parts = value.__reduce_ex__(2) if found is None else found
    except Exception as error:
        raise StreamConfigError(
            f"a point got {value!r}, wanted a value that can be told by its content: {type(error).__name__}: {error}.\n"
            "  Sweep over a name or a number, and look the object up in the function."
        ) from error
    if isinstance(parts, str):
        return b"f" + f"{type(value).__module__}:{parts}".encode()
    make, args, *more = parts
    state, items, pairs = (*more, None, None, None)[:3]
    inside = [encoded(make, deep), encoded(args, deep), encoded(state, deep)]
    inside += [encoded(list(rest), deep) for rest in (items, pairs) if rest is not None]
    return _joined(b"o", inside)


_KINDS: Final[tuple[tuple[Any, Any], ...]] = (
    (int, _whole),
    (float, _float),
    (complex, _complex),
    (str, lambda value: b"s" + str(value).encode("utf-8", "surrogatepass")),
    (bytes | bytearray, lambda value: b"y" + bytes(value)),
    (datetime, _datetime),
    (date, lambda value: _datetime(datetime(value.year, value.month, value.day))),
    (timedelta, _timedelta),
    (Fraction, _fraction),
    (Decimal, _decimal),
    (PurePath, lambda value: b"p" + value.as_posix().encode("utf-8", "surrogatepass")),
)
_HOW: Final[dict[type, Any]] = {
    int: _whole,
    float: _float,
    bool: lambda value: b"b1" if value else b"b0",
    str: lambda value: b"s" + value.encode("utf-8", "surrogatepass"),
    type(None): lambda value: b"-",
    type(...): lambda value: b"...",
    np.float64: lambda value: _float(float(value)),
    np.int64: lambda value: _whole(int(value)),
    np.str_: lambda value: b"s" + str(value).encode("utf-8", "surrogatepass"),
}
