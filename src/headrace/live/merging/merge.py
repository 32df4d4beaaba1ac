"""One row for each row of a leader, with what its followers said at that moment."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.active import Active
from headrace.live.devices.calls import takes_time
from headrace.live.devices.clock import SYSTEM
from headrace.live.devices.managed import Managed
from headrace.live.devices.protocol import State
from headrace.live.devices.wake import Wake
from headrace.live.merging.company import Company
from headrace.live.merging.follow import DeviceFollower, hows_of, per_follower
from headrace.live.merging.follow_function import FunctionFollower
from headrace.live.merging.held import Held
from headrace.live.merging.history import Array


class Merge(Managed):
    """A device whose rows are those of a leader, each with the values of followers at its moment.

    A follower at a lower rate gives a value several times, one at a higher rate is skipped now and then; both are
    counted. Times are compared in Unix seconds; devices that tell their ``anchor`` are compared on the monotonic
    clock, which no step of the wall clock changes.

    Parameters
    ----------
    leader
        A device whose rows have times.
    followers
        By name: devices, or functions. ``f(t)`` is asked for each row, with the seconds from the start to its moment;
        ``f()`` is asked in the leader's thread whenever it has made rows, and so once for each chunk of a microphone.
    how
        What a row takes from a device: the ``"latest"`` sample up to its moment; the ``"nearest"``; a value on the
        straight line between two (``"linear"``); ``"all"`` since the row before, as a column of arrays; or of those
        the ``"window:mean"``, ``"window:any"``, ``"window:count"``. One for all, or a dict by name.
    max_age
        Seconds beyond which a value is missing; one for all, or a dict by name.
    before
        Rows from before the first sample of a follower: ``"nan"``, they have NaN; ``"wait"``, they are left out, and
        counted as dropped. With ``"nan"`` integers and truths become float64.
    timestamps
        Whether ``<follower>_timestamp`` is a column: the time of the sample taken.
    on_error
        After a failure of a follower: ``"fail"``, or ``"skip"``: go on with the values there are.
    patience
        Seconds for which a row waits for a later sample, with ``"nearest"`` and ``"linear"``.
    hold
        Seconds for which rows wait for the very first sample of a device that runs, such as one that is being connected:
        only that says what its columns are. Rows that have waited so long, and those of a leader that has ended, are
        given without them; they are there from the first sample on.
    like
        For a device that may say nothing for long, such as one that sends marks: an example of each column's value,
        ``{"ring": {"acc": np.zeros(3)}}``. Its columns are there from the first row, and nothing waits for a sample.
    max_bytes
        How much of each follower is kept for rows to come, and of rows that wait for a first sample.

    Raises
    ------
    StreamConfigError
        When the leader is no device, or a parameter is none of these.

    Examples
    --------
    >>> from headrace.live import Sampler, VirtualClock
    >>> clock = VirtualClock()
    >>> fast = Sampler({"x": lambda t: t}, 4, clock=clock)
    >>> slow = Sampler({"y": lambda t: 10 * t}, 2, clock=clock)
    >>> with Merge(fast, {"slow": slow, "double": lambda t: 2 * t}) as merged:
    ...     clock.advance(1.0)
    ...     block = merged.read()
    >>> block["x"].tolist(), block["slow_y"].tolist(), block["double"].tolist()
    ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 5.0, 5.0, 10.0], [0.0, 0.5, 1.0, 1.5, 2.0])
    >>> merged.stats()["followers"]["slow"]["repeated"]
    2
    """

    before: Literal["nan", "wait"]
    on_error: Literal["fail", "skip"]
    patience: float
    hold: float

    def __init__(
        self,
        leader: Any,
        followers: Mapping[str, Any],
        how: str | Mapping[str, str] = "latest",
        *,
        max_age: float | Mapping[str, float] | None = None,
        before: Literal["nan", "wait"] = "nan",
        timestamps: bool = True,
        on_error: Literal["fail", "skip"] = "fail",
        patience: float = 1.0,
        hold: float = 30.0,
        like: Mapping[str, Mapping[str, Any]] | None = None,
        max_bytes: int = 1 << 26,
    ) -> None:
        if not hasattr(leader, "read"):
            raise StreamConfigError(
                f"Merge got leader {leader!r}, wanted a device, whose rows the others follow.\n"
                "  A function gets a clock by Sampler({'x': function}, sample_rate)."
            )
        for name, value, wanted in (("before", before, ("nan", "wait")), ("on_error", on_error, ("fail", "skip"))):
            if value not in wanted:
                raise StreamConfigError(
                    f"Merge got {name}={value!r}, wanted one of {', '.join(wanted)}.\n  The default is {wanted[0]!r}."
                )
        hows, ages = hows_of(how, followers), per_follower("max_age", max_age, followers, None)
        self.leader = leader
        self.arrived: Wake = Wake()
        self.before, self.on_error, self.patience, self.hold = before, on_error, patience, hold
        self.clock: Any = getattr(leader, "clock", SYSTEM)
        self.timestamp_key: str = getattr(leader, "timestamp_key", "timestamp")
        options: dict[str, Any] = {"gaps": before == "nan", "timestamps": timestamps, "max_bytes": max_bytes}
        likes = per_follower("like", like or {}, followers, None)
        self.followers: dict[str, Any] = {
            name: DeviceFollower(name, each, hows[name], ages[name], like=likes[name], **options)
            if hasattr(each, "read")
            else FunctionFollower(name, each, takes_time(each, name), leader)
            for name, each in followers.items()
        }
        self._state: State = "idle"
        self._failures: list[BaseException] = []
        self._held = Held(leader, self.timestamp_key, patience=patience, hold=hold, max_bytes=max_bytes)
        self._company = Company(leader, self.followers, self.arrived, strict=on_error == "fail")
        self._delivered = self._dropped = 0
        self._names: tuple[str, ...] = ()
        self._turn = threading.RLock()

    # --- starting and stopping ----------------------------------------------------------------------

    def start(self) -> None:
        """Start the followers and then the leader, those that do not run yet; of no effect while it runs.

        Raises
        ------
        Exception
            What one of them raises; the others are stopped again.
        """
        with self._turn:
            if self._state == "running":
                return
            self._failures = []
            self._company.start(repr(self))
            self._company.align(self.clock)
            self._state = "running"

    def stop(self) -> None:
        """Stop what it has started; rows that were not read yet still can be. Twice is fine.

        Raises
        ------
        Exception
            A failure that :meth:`read` has not raised.
        """
        with self._turn:
            if self._state != "running":
                return
            self._failures += self._company.stop()
            self._state = "stopped"
            self._raise_failure()

    # --- reading ------------------------------------------------------------------------------------

    def read(self) -> Block:
        """Return the leader's rows that came since the last read, with the followers' values, without waiting.

        Raises
        ------
        DataError
            When rows have no times, or two columns one name.
        Exception
            What the leader or a follower failed with, once. The rows for which a function raised are dropped, and
            counted.
        """
        with self._turn:
            self._raise_failure()
            block = self._merged()
            if self._failures:
                if not block:
                    self._raise_failure()
                self.arrived.set()  # there is more to come: the failure
            return block

    def _raise_failure(self) -> None:
        if self._failures:
            failure, *self._failures = self._failures
            self._state = "failed" if self._state == "stopped" else self._state
            raise failure

    def _merged(self) -> Block:
        over = not self.leader.is_active  # looked at first: what it has then is all
        try:
            self._held.add(self.clock.now(), self.leader.read())  # before the followers: what came before is there
        except Exception as error:
            self._failures.append(error)
        for name, each in self.followers.items():
            try:
                each.poll()
            except Exception as error:
                error.add_note(f"  while reading follower {name!r}")
                if self.on_error == "fail":
                    self._failures.append(error)
        at, rows = self._held.moments()
        n = len(at) if over or not len(at) else self._held.free(self.followers.values(), self.clock.now(), at, rows)
        if not n:
            return self._block({}, rows[:0])
        try:
            return self._given(at[:n], rows[:n])
        except BaseException:
            self._dropped += n  # followers have gone on: nobody can say any more what belongs to these rows
            raise

    def _given(self, at: Array, rows: Array) -> Block:
        """Give out the first rows that are held."""
        columns = self._held.take(len(at))
        out = np.zeros(len(at), bool)
        for name, each in self.followers.items():
            found, none = each.columns(at, rows)
            out |= none
            twice = [column for column in found if column in columns]
            if twice:
                raise DataError(
                    f"Merge got two columns {twice[0]!r}, one of follower {name!r}, wanted a name for each.\n"
                    "  Call the follower something else."
                )
            columns.update(found)
        if self.before == "wait" and out.any():
            self._dropped += int(out.sum())
            rows = rows[~out]
            columns = {name: column[~out] for name, column in columns.items()}
        self._delivered += len(rows)
        return self._block(columns if len(rows) else {}, rows)

    def _block(self, columns: dict[str, Array], rows: Array) -> Block:
        self._names = tuple(columns) or self._names
        first = int(rows[0]) if len(rows) else self._delivered + self._dropped
        return Block(columns, first=first, rate=self.rate, timestamp=self.timestamp_key)

    # --- what it is ---------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How it is: ``"idle"``, ``"running"``, ``"stopped"`` or ``"failed"``, as its leader and followers are."""
        if self._state != "running":
            return self._state
        states = self._company.states()
        if "failed" in states or any(getattr(each, "failure", None) for each in self.followers.values()):
            return "failed"
        return "running" if self.leader.state == "running" else "stopped"

    @property
    def is_active(self) -> Active:
        """Whether it runs; true or false, and callable."""
        return Active(self.state == "running")

    @property
    def rate(self) -> float | None:
        """Rows a second, those of the leader."""
        rate: float | None = self.leader.rate
        return rate

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns, as far as they are known."""
        return self._names or (*self.leader.names, *(name for each in self.followers.values() for name in each.names()))

    def stats(self) -> dict[str, Any]:
        """Return what it counts.

        Returns
        -------
        counts
            Rows ``produced`` by the leader, ``delivered``, ``dropped`` and ``pending`` (the first is the sum of the
            others), ``late``; and ``followers``, by name: samples ``skipped`` and ``lost``, rows ``repeated`` and
            ``missing``, ``age_max`` and ``age_p99`` in seconds.
        """
        with self._turn:
            leader = self.leader.stats()
            return {
                "produced": leader["produced"],
                "delivered": self._delivered,
                "dropped": leader["dropped"] + self._dropped,
                "pending": leader["pending"] + self._held.n,
                "late": leader.get("late", 0),
                "followers": {name: each.stats() for name, each in self.followers.items()},
            }

    def __repr__(self) -> str:
        return f"Merge({self.leader!r}, {list(self.followers)})"
