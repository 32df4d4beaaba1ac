"""Devices at the other end of a link: heard, timed, and found again when they are lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from headrace.errors import DataError, DeviceLostError, StreamConfigError
from headrace.live.devices.beside import Beside
from headrace.live.devices.threaded import Threaded
from headrace.live.wires.link import Link
from headrace.live.wires.messages import as_parser
from headrace.live.wires.parsers import Parser
from headrace.live.wires.stamps import Stamps

LOOK: Final = 0.2  # seconds after which it looks whether the device is silent
FIRST_PAUSE: Final = 0.05  # seconds before a device that was lost is tried again; they double
LONGEST_PAUSE: Final = 5.0
FIRST_ROW: Final = 5.0  # seconds that the first row is waited for

Connection = Literal["none", "connecting", "connected", "lost"]


class Linked(Threaded):
    """A device at the other end of a link, such as a serial port.

    Subclasses may write :meth:`rows` and :meth:`greet`.

    A device that was reached once and is lost is tried again, after pauses that grow; meanwhile it is active, and
    ``stats()["link"]`` is ``"lost"``. One that cannot be reached at all has failed.

    Parameters
    ----------
    link
        The way to it.
    parser
        Makes rows of what comes: a :class:`~headrace.live.Parser`, or a function of bytes that gives a row, a
        list of rows, or None.
    rate
        Rows a second, if they come evenly; without times of the device, they are timed by it.
    device_time
        The column that has the device's own times, if there is one.
    tick, wrap
        Seconds that one unit of it stands for, and units after which it begins at 0 again.
    stamp
        Whether rows have times: a column ``timestamp_key``, and ``received_key``.
    received_key
        The column of the moments at which rows came, where they are timed otherwise; None for none. With the device's
        times in a recording, the clocks can be fitted again: :func:`~headrace.live.fit_pairs`.
    reconnect
        Whether a device that is lost is tried again; if not, it fails.
    silence
        Seconds without a byte after which it counts as lost; None: never.
    followers
        Functions that are asked whenever rows have come: their values are columns. A dict of them by name, or a list,
        which have the names that functions have.
    on_error
        After an exception of the parser: ``"fail"``, or ``"skip"`` what came, and count it.
    timestamp_key, clock, max_bytes, overflow, patience
        As for :class:`~headrace.live.Threaded`.

    Attributes
    ----------
    link : Link
        The way to it.
    parser : Parser
        What makes rows.
    stamps : Stamps
        What times them.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> class Canned:
    ...     quick = True
    ...
    ...     def prepare(self, clock):
    ...         self.clock, self.sent = clock, [b"1", b"22"]
    ...
    ...     def receive(self, timeout):
    ...         return [(self.clock.now(), data) for data in (self.sent.pop(0) for _ in self.sent[:])]
    ...
    ...     def connect(self): ...
    ...     def disconnect(self): ...
    ...     def interrupt(self): ...
    ...     def release(self): ...
    >>> with Linked(Canned(), lambda data: {"length": len(data)}) as device:
    ...     while device.stats()["pending"] < 2:
    ...         _ = device.arrived.wait(1.0)
    >>> device.read()["length"], device.stats()["connects"]
    (array([1, 2]), 1)
    """

    policies: tuple[str, ...] = ("fail", "skip")
    link: Link
    parser: Parser
    reconnect: bool
    silence: float | None
    last_error: BaseException | None

    def __init__(
        self,
        link: Link,
        parser: Any,
        *,
        rate: float | None = None,
        device_time: str | None = None,
        tick: float = 1.0,
        wrap: float | None = None,
        stamp: bool = True,
        received_key: str | None = "received",
        reconnect: bool = True,
        silence: float | None = None,
        followers: Mapping[str, Any] | Sequence[Any] | None = None,
        timestamp_key: str = "timestamp",
        **options: Any,
    ) -> None:
        who = type(self).__name__
        if silence is not None and not silence > 0:
            raise StreamConfigError(
                f"{who} got silence={silence!r}, wanted seconds, more than 0, or None.\n  None: it is never lost by that."
            )
        self.link, self.parser = link, as_parser(parser, who)
        self.reconnect, self.silence = reconnect, silence
        self.stamps: Stamps = Stamps(
            who,
            timestamp_key if stamp else None,
            received_key,
            device_time=device_time,
            tick=tick,
            wrap=wrap,
            rate=rate,
        )
        self.stamps.check(self.parser.names)
        super().__init__(
            rate=rate, names=(*self.stamps.names, *self.parser.names), timestamp_key=timestamp_key, **options
        )
        self.beside: Beside = Beside(followers)
        self._connection: Connection = "none"
        self._connects = self._losses = self._heard = self._bad = 0
        self._newest: dict[str, Any] = {}
        self._came = threading.Event()

    # --- what subclasses write ----------------------------------------------------------------------

    def rows(self, data: bytes) -> Mapping[str, Any]:
        """Return the rows, ``(n, ...)`` for each column, that are complete with what came now."""
        return self.parser.feed(data)

    def greet(self) -> None:
        """Tell the device what it is to do; called whenever it is connected."""

    # --- the device ---------------------------------------------------------------------------------

    def opened(self) -> None:
        self.stamps.begin()
        self._connection = "connecting"
        self._came.clear()
        try:
            self.link.prepare(self.clock)
            self.beside.start()
            if self.link.quick:
                self._connect()
        except BaseException:
            self.closed()
            raise

    def closed(self) -> None:
        self._connection = "none"
        try:
            self.link.disconnect()
            self.link.release()
        finally:
            self.beside.stop()

    def unblock(self) -> None:
        self.link.interrupt()

    def run(self, stopping: threading.Event) -> None:
        ever, pause = self._connection == "connected", FIRST_PAUSE
        while not stopping.is_set():
            before = self._heard
            try:
                if self._connection != "connected":
                    self._connect()
                    ever = True
                self._listen(stopping)
            except DeviceLostError as error:
                if self._connection == "connected":
                    self._losses += 1
                    if self._heard > before:  # and not one that is lost at once, over and over
                        pause = FIRST_PAUSE
                self._connection = "lost"
                self.link.disconnect()
                if stopping.is_set():
                    return
                if not ever or not self.reconnect:
                    raise
                self._errors += 1
                self.last_error = error
                self.clock.wait_until(self.clock.now() + pause, stopping)
                pause = min(LONGEST_PAUSE, 2 * pause)

    def _connect(self) -> None:
        self.link.connect()
        self.parser.reset()
        self.stamps.restart(fresh=self.link.quick)  # such as by wire, which is its power, too
        self._connection = "connected"
        self._connects += 1
        self.greet()

    def _listen(self, stopping: threading.Event) -> None:
        heard = self.clock.now()
        while not stopping.is_set():
            for came, data in self.link.receive(LOOK if self.silence is None else min(LOOK, self.silence / 2)):
                heard = came
                self._take(came, data)
            if self.silence is not None and self.clock.now() - heard > self.silence:
                raise DeviceLostError(
                    f"{self!r} has said nothing for {self.clock.now() - heard:.3g} seconds, and silence={self.silence!r}.\n"
                    "  Is it switched on, and near? silence=None waits for ever."
                )
        for came, data in self.link.receive(0.0):  # what had come by the stop
            self._take(came, data)

    def _take(self, came: float, data: bytes) -> None:
        self._heard += len(data)
        try:
            columns = dict(self.rows(data))
        except Exception as error:
            error.add_note(f"  while reading {len(data)} bytes that came from {self!r}")
            if self.on_error != "skip":
                raise
            self.parser.reset()
            self._errors += 1
            self.last_error = error
            return
        bad, self._bad = self._bad, self.parser.bad
        self.stamps.lost(self._bad - bad)
        n = len(next(iter(columns.values()))) if columns else 0  # put_block looks whether all have that
        if n:
            columns = self.beside.beside(columns, n, came - self.anchor.now)
            self._newest = columns
            self._came.set()
            self.put_block({**self.stamps.columns(columns, n, came, self.anchor), **columns})

    def __call__(self) -> dict[str, Any]:
        """Return its newest row, as a source of a :class:`~headrace.live.Sampler` does, without times.

        Raises
        ------
        DataError
            When none has come, not within 5 seconds either.
        """
        if not self._came.wait(FIRST_ROW):
            raise DataError(
                f"{self!r} was asked for a row, and none has come within {FIRST_ROW} seconds.\n"
                "  Start it first; stats() says whether it is connected, and what came."
            )
        return {name: column[-1] for name, column in self._newest.items()}

    def send(self, data: bytes) -> None:
        """Send bytes to the device.

        Raises
        ------
        DeviceLostError
            When it is not connected, or lost.
        """
        if self._connection != "connected":
            raise DeviceLostError(
                f"{self!r} got {len(data)} bytes to send, and is not connected.\n"
                "  Start it first; stats()['link'] says whether it is 'connected'."
            )
        self.link.send(data)

    def stats(self) -> dict[str, Any]:
        """Return what it counts.

        Returns
        -------
        counts
            Those of :meth:`Threaded.stats`; ``link``: ``"none"``, ``"connecting"``, ``"connected"`` or ``"lost"``; how
            often it ``connects``, and was lost: ``losses``; ``bytes`` that came, ``bad`` pieces that were no row, and
            ``strays``: rows whose device time was no time, and ``clocks``: how often its clock has begun again.
        """
        return {
            **super().stats(), "link": self._connection, "connects": self._connects, "losses": self._losses,
            "bytes": self._heard, "bad": self.parser.bad, "strays": self.stamps.strays,
            "clocks": self.stamps.clocks,
        }  # fmt: skip
