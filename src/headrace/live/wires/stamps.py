"""The columns of times that stand before the rows of a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.clock import Anchor
from headrace.live.devices.device_time import DeviceTime, EvenTime


class Stamps:
    """Times of rows that have come: by the device's own, by their count, or of their arrival.

    Parameters
    ----------
    who
        Whose rows they are, for messages.
    timestamp_key
        The column of the moments at which rows were taken, Unix seconds; None: rows have no times.
    received_key
        That of the moments at which they came, where those are others; None for none.
    device_time, tick, wrap
        The column of the device's own times, seconds a unit of it, and units after which it begins at 0 again.
    rate
        Rows a second, where they come evenly.

    Attributes
    ----------
    names : tuple of str
        The columns.

    Raises
    ------
    StreamConfigError
        When a number is not positive.

    Examples
    --------
    >>> stamps = Stamps("a device", device_time="ms", tick=1e-3)
    >>> anchor = Anchor(now=0.0, wall=1000.0)
    >>> stamps.columns({"ms": np.array([5, 15])}, 2, came=3.0, anchor=anchor)
    {'timestamp': array([1002.99, 1003.  ]), 'received': array([1003., 1003.])}
    """

    def __init__(
        self,
        who: str,
        timestamp_key: str | None = "timestamp",
        received_key: str | None = "received",
        *,
        device_time: str | None = None,
        tick: float = 1.0,
        wrap: float | None = None,
        rate: float | None = None,
    ) -> None:
        self._who, self._key, self._device_time = who, timestamp_key, device_time
        self._tick, self._wrap, self._rate = tick, wrap, rate
        self._strays = self._clocks = 0  # of runs before this one
        self._times = self._made()
        self._received = None if self._times is None else received_key
        found = () if timestamp_key is None else (timestamp_key, self._received)
        self.names: tuple[str, ...] = tuple(name for name in found if name is not None)

    def _made(self) -> DeviceTime | EvenTime | None:
        if self._device_time is not None:
            return DeviceTime(self._device_time, tick=self._tick, wrap=self._wrap)
        return None if self._rate is None else EvenTime(self._rate)

    def check(self, names: tuple[str, ...]) -> None:
        """Look whether a device's columns have room for these, and have what these are made of.

        Raises
        ------
        StreamConfigError
            When they do not.
        """
        twice = [name for name in self.names if name in names]
        if twice:
            raise StreamConfigError(
                f"{self._who} got a column {twice[0]!r}, wanted that name for its own times.\n"
                "  Rename the column, or have timestamp_key= or received_key= be something else."
            )
        if self._device_time is not None and names and self._device_time not in names:
            raise StreamConfigError(
                f"{self._who} got device_time={self._device_time!r}, wanted one of its columns {list(names)}.\n"
                "  It is the one with the device's own times."
            )

    @property
    def strays(self) -> int:
        """Rows whose device time was no time."""
        return self._strays + (0 if self._times is None else self._times.strays)

    @property
    def clocks(self) -> int:
        """How often the device's clock, or the count of its rows, has begun again."""
        return self._clocks + (0 if self._times is None else self._times.clocks)

    def begin(self) -> None:
        """Begin another run."""
        self._strays, self._clocks, self._times = self.strays, self.clocks, self._made()

    def restart(self, *, fresh: bool = False) -> None:
        """Say that the device was lost, and is there again; ``fresh``: it keeps nothing while it is lost."""
        if self._times is not None:
            self._times.restart(fresh=fresh)

    def lost(self, rows: int) -> None:
        """Say that rows have not come."""
        if self._times is not None:
            self._times.lost(rows)

    def columns(self, columns: Mapping[str, Any], n: int, came: float, anchor: Anchor) -> dict[str, Any]:
        """Return the columns of times.

        Parameters
        ----------
        columns
            The device's, ``(n, ...)``.
        n
            How many rows, at least one.
        came
            When they came, on the clock.
        anchor
            One moment in both times.

        Raises
        ------
        DataError
            When one of them has a name that is wanted here, or the device's time is not there.
        """
        try:
            self.check(tuple(columns))
        except StreamConfigError as error:  # of a device whose columns are known only now
            raise DataError(*error.args) from None
        if self._key is None:
            return {}
        received = np.full(n, anchor.unix(came))
        if self._times is None:
            return {self._key: received}
        moments = self._times.moments(columns, n, came)
        found = {self._key: anchor.wall + (moments - anchor.now)}
        if self._received is not None:
            found[self._received] = received
        return found
