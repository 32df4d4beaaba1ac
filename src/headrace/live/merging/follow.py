"""What a merge takes from one follower for each row of its leader."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.calls import named
from headrace.live.merging.history import Array, History, with_gaps

HOWS: Final = ("latest", "nearest", "linear", "all", "window:mean", "window:any", "window:count")
AGES: Final = 4096  # the newest of which the 99th percentile is told

Found = tuple[dict[str, Array], Array]  # columns, and which rows have no value yet


def per_follower(what: str, given: Any, followers: Mapping[str, Any], otherwise: Any) -> dict[str, Any]:
    """Return a value for each follower. Raises StreamConfigError for names that are none of theirs."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(followers, given)
    unknown = [name for name in given if name not in followers]
    if unknown:
        raise StreamConfigError(
            f"Merge got {what}= for {unknown}, wanted names among {list(followers)}.\n  Those not named have the default."
        )
    return {name: given.get(name, otherwise) for name in followers}


def hows_of(how: Any, followers: Mapping[str, Any]) -> dict[str, str]:
    """Return how each follower is taken. Raises StreamConfigError for a way that is none."""
    hows = per_follower("how", how, followers, "latest")
    wrong = {name: value for name, value in hows.items() if value not in HOWS}
    if wrong:
        raise StreamConfigError(
            f"Merge got how={wrong}, wanted one of {', '.join(HOWS)}.\n  'latest' is the value at that moment."
        )
    return hows


class Ages:
    """How old the values of a follower's samples were in their rows."""

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=AGES)
        self._oldest = 0.0

    def add(self, ages: Array) -> None:
        if len(ages):
            self._oldest = max(self._oldest, float(ages.max()))
            self._newest.extend(ages[-AGES:].tolist())

    def told(self) -> dict[str, float]:
        p99 = float(np.percentile(list(self._newest), 99)) if self._newest else 0.0
        return {"age_max": self._oldest, "age_p99": p99}


class DeviceFollower:
    """A device with a clock of its own, whose samples are matched by time.

    Parameters
    ----------
    name, device
        The follower.
    how
        One of ``HOWS``.
    max_age
        Seconds beyond which a value is missing.
    gaps
        Whether rows may be given out without a value, so that columns are of a type that has one for that.
    timestamps
        Whether the times of the samples are a column.
    max_bytes
        How much is kept.
    like
        An example of each column's value, where they are known before the first sample.
    """

    name: str
    device: Any
    how: str
    max_age: float | None
    timestamps: bool

    def __init__(
        self,
        name: str,
        device: Any,
        how: str,
        max_age: float | None,
        *,
        gaps: bool,
        timestamps: bool,
        max_bytes: int,
        like: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.device, self.how, self.max_age, self.timestamps = name, device, how, max_age, timestamps
        self.gaps: bool = gaps or max_age is not None or how == "linear"
        self.shift: float = 0.0  # from the follower's Unix seconds to the leader's
        self._history = History(max_bytes, like)
        self._ages = Ages()
        self._since = -np.inf  # the time of the row before
        self._used = self._rows = self._missing = 0
        self._last = -1  # the number of the last sample that a row has

    def poll(self) -> None:
        """Take what the device has. Raises what it raises."""
        block: Block = self.device.read()
        if not block.n:
            return
        if block.times is None:
            raise DataError(
                f"follower {self.name!r} gave rows without times, wanted a column 'timestamp' of Unix seconds.\n"
                "  Say which column it is with timestamp_key= where the device is made."
            )
        times = np.asarray(block.times, dtype=np.float64) + self.shift
        key = getattr(self.device, "timestamp_key", "timestamp")
        self._history.add(times, {name: np.asarray(each) for name, each in block.items() if name != key})

    @property
    def unknown(self) -> bool:
        """Whether nobody can say what its columns are: it runs, and has given no sample."""
        return not self._history.columns and self.how != "window:count" and bool(self.device.is_active)

    def ready(self, at: Array, rows: Array) -> int:
        """Return how many of the next rows, with these moments and numbers, have a value that no later one betters."""
        if self.how == "window:count":
            return len(at)
        if not self._history.columns:
            return 0
        if self.how in ("nearest", "linear"):
            return int(np.searchsorted(at, self._history.times[-1:].max(initial=-np.inf), side="right"))
        return len(at)

    def names(self) -> list[str]:
        """Return its columns, as far as they are known."""
        key = getattr(self.device, "timestamp_key", "timestamp")
        if self.how == "window:count":
            return [f"{self.name}_count"]
        return [named(self.name, name) for name in self._history.columns or self.device.names if name != key]

    def columns(self, at: Array, rows: Array) -> Found:
        """Return the columns of rows at these moments, and which rows have no value yet.

        Before the first sample there are none, but where an example of each is known.
        """
        history, windows = self._history, self.how.startswith(("all", "window"))
        if not len(history) and not history.base and not windows:
            self._missing += len(at)
            return self._nothing(len(at)), np.ones(len(at), bool)
        if not history.columns and self.how != "window:count":
            self._missing += len(at)
            return {}, np.ones(len(at), bool)
        found = self._windows(at) if windows else self._picked(at)
        self._since = float(at[-1]) if len(at) else self._since
        history.forget_before(self._since, keep=0 if windows else 1)
        return found

    def _nothing(self, n: int) -> dict[str, Array]:
        missing = np.ones(n, bool)
        columns = {
            named(self.name, key): with_gaps(np.zeros((n, *like.shape[1:]), like.dtype), missing)
            for key, like in self._history.columns.items()
        }
        if columns and self.timestamps:
            columns[f"{self.name}_timestamp"] = np.full(n, np.nan)
        return columns

    def _picked(self, at: Array) -> Found:
        history, times = self._history, self._history.times
        index = history.nearest(at) if self.how == "nearest" else history.latest(at)
        none = index < 0
        safe = index.clip(0)
        age = np.abs(at - times[safe])
        part = np.zeros(len(at))
        after = safe
        if self.how == "linear":
            after = (safe + 1).clip(max=len(times) - 1)
            gap = times[after] - times[safe]
            exact = at == times[safe]
            part = np.where(exact | (gap <= 0), 0.0, (at - times[safe]) / np.where(gap > 0, gap, 1.0))
            age = np.where(exact, 0.0, np.minimum(age, np.abs(times[after] - at)))
            none = none | (~exact & (after == safe))
        missing = none.copy()
        if self.max_age is not None:
            missing |= age > self.max_age
        columns: dict[str, Array] = {}
        for key, column in history.columns.items():
            value = column[safe]
            if self.how == "linear":
                value = self._between(key, value, column[after], part)
            columns[named(self.name, key)] = with_gaps(value, missing) if self.gaps else value
        if self.timestamps:
            columns[f"{self.name}_timestamp"] = np.where(missing, np.nan, times[safe])
        self._count(index, missing, age)
        return columns, none

    def _between(self, key: str, before: Array, after: Array, part: Array) -> Array:
        self._numbers(key, before)
        if before.dtype.kind in "iub":
            before, after = before.astype(np.float64), after.astype(np.float64)
        weight = part.reshape(-1, *[1] * (before.ndim - 1))
        return np.asarray(before + weight * (after - before), dtype=before.dtype)

    def _numbers(self, key: str, column: Array) -> None:
        if column.dtype.kind not in "iufcb":
            raise DataError(
                f"follower {self.name!r} gave {column.dtype} for {key!r}, wanted numbers for how={self.how!r}.\n"
                "  Take 'latest', 'nearest', 'all' or 'window:count'."
            )

    def _count(self, index: Array, missing: Array, age: Array) -> None:
        numbers = index[~missing] + self._history.base
        if len(numbers):
            self._used += len(np.unique(numbers[numbers > self._last]))
            self._last = max(self._last, int(numbers[-1]))
        self._rows += len(numbers)
        self._missing += int(missing.sum())
        self._ages.add(age[~missing])

    def _windows(self, at: Array) -> Found:
        history = self._history
        hi = np.searchsorted(history.times, at, side="right")
        since = np.concatenate([[self._since], at[:-1]])
        lo = np.minimum(np.searchsorted(history.times, since, side="right"), hi)
        self._used += int((hi - lo).sum())
        self._rows += len(at)
        self._missing += int((hi == lo).sum())
        if len(at):
            self._last = int(hi[-1]) + history.base - 1
        pieces = list(zip(lo.tolist(), hi.tolist(), strict=True))
        if self.how == "window:count":
            return {f"{self.name}_count": hi - lo}, np.zeros(len(at), bool)
        columns = {named(self.name, key): self._windowed(key, each, pieces) for key, each in history.columns.items()}
        if self.how == "all" and self.timestamps:
            columns[f"{self.name}_timestamp"] = _ragged(history.times, pieces)
        return columns, np.zeros(len(at), bool)

    def _windowed(self, key: str, column: Array, pieces: list[tuple[int, int]]) -> Array:
        if self.how == "all":
            return _ragged(column, pieces)
        self._numbers(key, column)
        if self.how == "window:any":
            return np.array([column[lo:hi].any(axis=0) for lo, hi in pieces], bool).reshape(-1, *column.shape[1:])
        dtype = np.result_type(column.dtype, np.float64) if column.dtype.kind in "iub" else column.dtype
        found = np.full((len(pieces), *column.shape[1:]), np.nan, dtype)
        for k, (lo, hi) in enumerate(pieces):
            if hi > lo:
                found[k] = column[lo:hi].mean(axis=0)
        return found

    def stats(self) -> dict[str, Any]:
        """Return samples ``skipped`` and ``lost``, rows ``repeated`` and ``missing``, ages in seconds."""
        windows = self.how.startswith(("all", "window"))
        return {
            "how": self.how, "skipped": 0 if windows else self._last + 1 - self._used,
            "repeated": 0 if windows else self._rows - self._used, "missing": self._missing,
            "lost": self._history.lost, **self._ages.told(),
        }  # fmt: skip


def _ragged(column: Array, pieces: list[tuple[int, int]]) -> Array:
    found = np.empty(len(pieces), object)
    for k, (lo, hi) in enumerate(pieces):
        found[k] = column[lo:hi]
    return found
