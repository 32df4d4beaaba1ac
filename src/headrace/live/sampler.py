"""A clock that asks its sources for their values, so many times a second."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from headrace.errors import StreamConfigError
from headrace.live.devices.aside import PLAIN
from headrace.live.devices.calls import row_of, takes_time
from headrace.live.devices.clock import Clock, SystemClock
from headrace.live.devices.pending import Overflow
from headrace.live.devices.priority import come_first, exact_timers
from headrace.live.devices.threaded import Threaded
from headrace.live.sampler_remote import Remote

Late = Literal["skip", "catch up"]


class Sampler(Threaded):
    """Sources asked together, at even moments: one row of their values each.

    The moments are ``k / sample_rate`` seconds after the start, whenever the last one was: the rate is that of the clock,
    and does not drift. A moment that is not kept within its period is late, and counted; with ``late="skip"`` it may have
    no row, and then counts as missed too: rows and missed moments together are the schedule.

    Parameters
    ----------
    sources
        Functions by name, ``f(t)`` of the seconds since the start or ``f()``, giving a number or an array; one that
        gives a dict makes a column of each of its values. Those with ``start`` and ``stop`` are started and stopped.
        A device beside them is merged: :class:`~headrace.live.Merge`.
    sample_rate
        Rows a second.
    sleep_time
        Accepted for those who gave it: nothing is polled any more.
    timestamp_key
        The column of times, Unix seconds, float64.
    prefix
        Whether the values of a dict are called ``name_key``, and not ``key``.
    clock
        The source of time.
    spin
        Seconds of spinning at the end of each wait, for moments kept within microseconds: 80e-6 costs 8 % of a core at
        1 kHz. The thread is scheduled in real time too, where that is allowed, and its sources with it.
    late
        ``"skip"``: a late moment and those missed with it give one row; ``"catch up"``: one each, one after the other.
    on_error
        After an exception in a source: ``"fail"``; ``"skip"`` the row; ``"restart"`` the sources.
    max_bytes, overflow
        How much may wait to be read, and what goes when more would: see :class:`~headrace.live.Threaded`.
    monotonic_key
        A column of the moments in nanoseconds of the monotonic clock, int64, if wanted.
    process
        Whether to run in a process of its own, which a busy interpreter does not disturb; scheduled in real time where
        that is allowed. The sources are sent there: an attribute turned here is not turned there.

    Raises
    ------
    StreamConfigError
        When the rate is not positive, a source is no function of the time or of nothing, or a parameter is not known.

    Examples
    --------
    >>> from headrace.live import VirtualClock
    >>> clock = VirtualClock()
    >>> with Sampler({"x": lambda t: 2 * t, "n": lambda: 7}, sample_rate=10, clock=clock) as sampler:
    ...     clock.advance(0.25)
    ...     block = sampler.read()
    >>> block["x"].tolist(), block["n"].tolist()
    ([0.0, 0.2, 0.4], [7, 7, 7])
    >>> list(block), block.rate, sampler.stats()["late"]
    (['timestamp', 'x', 'n'], 10.0, 0)
    """

    policies: tuple[str, ...] = ("fail", "skip", "restart")

    last_error: BaseException | None
    sample_rate: float
    monotonic_key: str | None
    prefix: bool
    late: Late
    process: bool

    def __init__(
        self,
        sources: Mapping[str, Any],
        sample_rate: float,
        sleep_time: float = 1e-6,
        timestamp_key: str = "timestamp",
        *,
        prefix: bool = False,
        clock: Clock | None = None,
        spin: float = 0.0,
        late: Late = "skip",
        on_error: str = "fail",
        max_bytes: int = 1 << 26,
        overflow: Overflow = "drop_oldest",
        monotonic_key: str | None = None,
        process: bool = False,
    ) -> None:
        rate = _rate(sample_rate)
        if late not in ("skip", "catch up"):
            raise StreamConfigError(
                f"Sampler got late={late!r}, wanted 'skip' or 'catch up'.\n  The default is 'skip'."
            )
        if clock is not None and (spin or (process and not isinstance(clock, SystemClock))):
            raise StreamConfigError(
                f"Sampler got clock={clock!r} and {'spin' if spin else 'process'}=, wanted one of them.\n"
                "  SystemClock(spin=80e-6) is a clock that spins; another process has the machine's clock only."
            )
        names: tuple[str, ...] = (timestamp_key, *([] if monotonic_key is None else [monotonic_key]), *sources)
        chosen = SystemClock(spin) if spin else clock
        super().__init__(
            rate=rate,
            names=names,
            timestamp_key=timestamp_key,
            clock=chosen,
            max_bytes=max_bytes,
            overflow=overflow,
            on_error=on_error,
        )
        self.sources: dict[str, Any] = dict(sources)
        self._columns = names
        # What is set aside is not seen to be too much, or twice, at once.
        self._may_note = len(set(names)) == len(names) and overflow != "fail"
        self._note = self._pending.note
        self.sample_rate, self.monotonic_key = rate, monotonic_key
        self.prefix, self.late, self.process = prefix, late, process
        self._calls: list[tuple[str, Callable[..., Any], bool]] = [
            (name, each, takes_time(each, name)) for name, each in self.sources.items()
        ]
        self._started: list[tuple[str, Any]] = []
        self._missed = self._k = 0
        self._began = 0.0
        self._remote: Remote | None = None
        self._elsewhere: dict[str, int] = {}
        self._options = {
            "sample_rate": rate, "timestamp_key": timestamp_key, "prefix": prefix, "spin": getattr(clock, "spin", spin),
            "late": late, "on_error": on_error, "max_bytes": max_bytes, "overflow": overflow,
            "monotonic_key": monotonic_key,
        }  # fmt: skip

    def start(self) -> None:
        if self._state != "running":
            self._began = math.nan
        super().start()

    def opened(self) -> None:
        if self.process:
            self._elsewhere = self._counts_elsewhere()
            self._remote = Remote(self.sources, self._options, self.anchor)
            return
        try:
            for name, source in self.sources.items():
                start = getattr(source, "start", None)
                if callable(start):
                    start()
                    self._started.append((name, source))
        except BaseException as error:
            error.add_note(f"  while starting source {name!r}")
            try:
                self.closed()
            except Exception as another:
                error.add_note(f"  and stopping the others raised {another!r}")
            raise
        if math.isnan(self._began):  # and not when the sources are opened again after an error
            self._began, self._k = self.clock.now(), 0

    def closed(self) -> None:
        if self._remote is not None:
            self._remote.close(self.patience)
            return
        failed: BaseException | None = None
        while self._started:
            name, source = self._started.pop()
            try:
                stop = getattr(source, "stop", None)
                if callable(stop):
                    stop()
            except BaseException as error:  # the others are stopped all the same
                error.add_note(f"  while stopping source {name!r}")
                failed = failed or error
        if failed is not None:
            raise failed

    def unblock(self) -> None:
        if self._remote is not None:
            self._remote.stop()

    def run(self, stopping: threading.Event) -> None:
        if self._remote is not None:
            for block in self._remote.blocks():
                self.put_block(block)
            return
        if isinstance(self.clock, SystemClock):
            exact_timers()
            if self.clock.spin:
                come_first()
        # All in one function: between two moments others have had the processor's caches, and every call costs anew.
        wait, clock, rate, began, anchor = (
            self.clock.wait_until,
            self.clock.now,
            self.sample_rate,
            self._began,
            self.anchor,
        )
        calls, columns, note, noted, monotonic = self._calls, self._columns, self._note, self.noted, self.monotonic_key
        while wait(began + self._k / rate, stopping):
            now, k = clock(), self._k
            t = now - began
            behind = int(t * rate + 1e-6) - k  # whole periods
            if behind > 0:
                k += self._was_late(behind)
            self._k = k + 1  # at once, so that one that fails is not asked for again
            values: list[Any] = [anchor.wall + (now - anchor.now)]  # as its unix(now)
            if monotonic is not None:
                values.append(round(now * 1e9))
            plain, name = self._may_note, ""
            try:
                for name, source, timed in calls:  # noqa: B007 - told when it raises
                    value = source(t) if timed else source()
                    values.append(value)
                    if value.__class__ not in PLAIN:
                        plain = False
                row = None if plain else row_of(columns, values, prefix=self.prefix)
            except Exception as error:
                error.add_note(f"  while asking source {name!r} for row {k}")
                if self.on_error != "skip":
                    raise
                self._errors += 1
                self.last_error = error
                continue
            if row is not None:
                self.put(row)
                continue
            if note(columns, tuple(values)):
                self._pending.write_noted()
            noted()

    def noted(self) -> None:
        """Wake up who waits for rows: one was noted."""
        self.arrived.set()

    def _was_late(self, behind: int) -> int:
        """Count a moment that is so many periods late; return how many have no row."""
        if self.late != "skip":
            self._late += 1
            return 0
        self._late += behind
        self._missed += behind
        return behind

    def stats(self) -> dict[str, Any]:
        """Return what it counts: see :meth:`Threaded.stats`; and moments ``missed``, the late ones without a row."""
        found = {**super().stats(), "missed": self._missed}
        for name, n in self._counts_elsewhere().items():
            found[name] += n
        return found

    def _counts_elsewhere(self) -> dict[str, int]:
        """What was counted in processes of its own, those of earlier starts included."""
        if self._remote is None:
            return self._elsewhere
        found = dict(self._elsewhere)
        for name, n in self._remote.counts.items():
            found[name] = found.get(name, 0) + n
        found["produced"] = found["dropped"]  # the others are counted here
        return found

    def __repr__(self) -> str:
        return f"Sampler({list(self.sources)}, sample_rate={self.sample_rate:g})"


def _rate(sample_rate: Any) -> float:
    try:
        rate = float(sample_rate)
    except (TypeError, ValueError):
        rate = math.nan
    if not 0 < rate < math.inf:
        raise StreamConfigError(
            f"Sampler got sample_rate={sample_rate!r}, wanted rows a second, more than 0.\n  100 is a row each 10 ms."
        )
    return rate
