"""The kinds of value that are met less often, as typed bytes: moments, sets, datasets, and what else has a plain content."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from headrace.core.optional import optional
from headrace.store.ledger_values import Out, Packing

Kind = tuple[bytes, Callable[[Any], Any], Callable[[Any], Any]]
_EPOCH: Final = datetime(1970, 1, 1)
_PATHS: Final = {kind.__name__: kind for kind in (PurePath, PurePosixPath, PureWindowsPath, PosixPath, WindowsPath)}


class _No(Exception):
    """A value has more in it than its kind usually has."""


def add_kind(packing: Packing, value: Any, out: Out) -> bool:
    """Append a value's bytes; tell whether it is of a kind that is known here."""
    for kind, (letter, plain, _) in _kinds():
        if type(value) is kind:
            try:
                content = plain(value)
            except _No:
                return False
            out.append(letter)
            packing.add(content, out)
            return True
    return False


def _made(build: Callable[[Any], Any]) -> Callable[[Packing, Any, int], tuple[Any, int]]:
    def take(packing: Packing, data: Any, at: int) -> tuple[Any, int]:
        content, at = packing.take(data, at)
        return build(content), at

    return take


def _kinds() -> list[tuple[type, Kind]]:
    """Return the kinds that a value can be of: of packages that are not loaded there are no values."""
    found = list(_KINDS)
    if "pandas" in sys.modules:
        pd = sys.modules["pandas"]
        stamp, gap = getattr(pd, "Timestamp", None), getattr(pd, "Timedelta", None)
        if stamp is not None and gap is not None:
            found += [(stamp, _STAMP), (gap, _GAP), (type(getattr(pd, "NaT", None)), _NAT)]
            found.append((type(getattr(pd, "NA", None)), _NA))
    if "xarray" in sys.modules:
        xr = sys.modules["xarray"]
        if hasattr(xr, "Dataset") and hasattr(xr, "DataArray"):
            found += [(xr.Dataset, _DATASET), (xr.DataArray, _DATA_ARRAY)]
    return found


# --- moments --------------------------------------------------------------------------------------


def _zone(zone: Any) -> Any:
    if zone is None:
        return None
    if type(zone) is timezone:
        name = zone.tzname(None)
        offset = zone.utcoffset(None)
        return [_gap(offset), None if name == timezone(offset).tzname(None) else name]
    if type(zone) is ZoneInfo and zone.key is not None:
        return zone.key
    raise _No


def _as_zone(plain: Any) -> Any:
    if plain is None:
        return None
    if isinstance(plain, str):
        return ZoneInfo(plain)
    offset, name = _as_gap(plain[0]), plain[1]
    if name is not None:
        return timezone(offset, name)
    return UTC if not offset else timezone(offset)


def _moment(value: datetime) -> Any:
    bare = value.replace(tzinfo=None, fold=0)
    return [_gap(bare - _EPOCH), value.fold, _zone(value.tzinfo)]


def _as_moment(plain: Any) -> datetime:
    return (_EPOCH + _as_gap(plain[0])).replace(fold=plain[1], tzinfo=_as_zone(plain[2]))


def _gap(value: timedelta) -> int:
    return (value.days * 86400 + value.seconds) * 10**6 + value.microseconds


def _as_gap(microseconds: int) -> timedelta:
    days, left = divmod(microseconds, 86400 * 10**6)
    return timedelta(days, 0, left)


def _clock(value: time) -> Any:
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, _zone(value.tzinfo)]


def _as_clock(plain: Any) -> time:
    hour, minute, second, microsecond, fold, zone = plain
    return time(hour, minute, second, microsecond, tzinfo=_as_zone(zone), fold=fold)


# --- of pandas and xarray -------------------------------------------------------------------------


def _stamp(value: Any) -> Any:
    zone = value.tzinfo
    if zone is not None and not isinstance(zone, timezone | ZoneInfo):
        raise _No
    bare = value.tz_convert("UTC").tz_localize(None) if zone is not None else value
    return [int(bare.asm8.astype(np.int64)), value.unit, _zone(zone), value.fold]


def _as_stamp(plain: Any) -> Any:
    pd = optional("pandas", "sweeps", "a ledger with a pandas.Timestamp in it")
    count, unit, zone, _ = plain
    made = pd.Timestamp(np.datetime64(count, unit)).as_unit(unit)
    return made if zone is None else made.tz_localize("UTC").tz_convert(_as_zone(zone))


def _delta(value: Any) -> Any:
    return [int(value.asm8.astype(np.int64)), value.unit]


def _as_delta(plain: Any) -> Any:
    pd = optional("pandas", "sweeps", "a ledger with a pandas.Timedelta in it")
    return pd.Timedelta(np.timedelta64(plain[0], plain[1])).as_unit(plain[1])


def _of_pandas(name: str) -> Callable[[Any], Any]:
    return lambda plain: getattr(optional("pandas", "sweeps", f"a ledger with a pandas.{name} in it"), name)


def _variable(variable: Any) -> Any:
    return [list(variable.dims), np.asarray(variable.values), dict(variable.attrs)]


def _coords(coords: Any) -> dict[Any, Any]:
    made = {}
    for name, each in coords.items():
        if name in coords.xindexes and type(coords.xindexes[name]).__name__ != "PandasIndex":
            raise _No  # of several levels, or somebody's own
        made[name] = _variable(each.variable)
    return made


def _dataset(value: Any) -> Any:
    return [
        {name: _variable(each.variable) for name, each in value.data_vars.items()},
        _coords(value.coords),
        dict(value.attrs),
    ]


def _as_dataset(plain: Any) -> Any:
    xr = optional("xarray", "sweeps", "a ledger with a dataset in it")
    variables, coords, attrs = plain
    return xr.Dataset(
        {name: xr.Variable(*each) for name, each in variables.items()},
        {name: xr.Variable(*each) for name, each in coords.items()},
        attrs,
    )


def _data_array(value: Any) -> Any:
    return [value.name, _variable(value.variable), _coords(value.coords)]


def _as_data_array(plain: Any) -> Any:
    xr = optional("xarray", "sweeps", "a ledger with a data array in it")
    name, (dims, data, attrs), coords = plain
    return xr.DataArray(data, {n: xr.Variable(*each) for n, each in coords.items()}, dims, name, attrs)


_STAMP: Final[Kind] = (b"S", _stamp, _as_stamp)
_GAP: Final[Kind] = (b"G", _delta, _as_delta)
_NAT: Final[Kind] = (b"N", lambda value: None, _of_pandas("NaT"))
_NA: Final[Kind] = (b"M", lambda value: None, _of_pandas("NA"))
_DATASET: Final[Kind] = (b"X", _dataset, _as_dataset)
_DATA_ARRAY: Final[Kind] = (b"x", _data_array, _as_data_array)
_PATH: Final[Kind] = (
    b"p",
    lambda value: [type(value).__name__, str(value)],
    lambda plain: _PATHS[plain[0]](plain[1]),
)
_KINDS: Final[list[tuple[type, Kind]]] = [
    (datetime, (b"T", _moment, _as_moment)),
    (date, (b"D", lambda value: value.toordinal(), date.fromordinal)),
    (time, (b"k", _clock, _as_clock)),
    (timedelta, (b"L", _gap, _as_gap)),
    (set, (b"e", list, set)),
    (frozenset, (b"E", list, frozenset)),
    (bytearray, (b"B", bytes, bytearray)),
    (range, (b"r", lambda value: [value.start, value.stop, value.step], lambda plain: range(*plain))),
    (slice, (b"/", lambda value: [value.start, value.stop, value.step], lambda plain: slice(*plain))),
    (type(...), (b".", lambda value: None, lambda plain: ...)),
    (Decimal, (b"m", str, Decimal)),
    (Fraction, (b"q", lambda value: [value.numerator, value.denominator], lambda plain: Fraction(*plain))),
    (UUID, (b"U", lambda value: value.bytes, lambda plain: UUID(bytes=plain))),
    *[(kind, _PATH) for kind in _PATHS.values()],
]
TAKE_KIND: Final[dict[int, Callable[[Packing, Any, int], tuple[Any, int]]]] = {
    ord(letter): _made(build)
    for letter, _, build in [*(kind for _, kind in _KINDS), _STAMP, _GAP, _NAT, _NA, _DATASET, _DATA_ARRAY]
}
