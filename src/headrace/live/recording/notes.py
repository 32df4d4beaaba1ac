"""What a recording keeps besides rows: marks, and how devices' clocks go."""

from __future__ import annotations

from typing import Any

from headrace.errors import DataError
from headrace.live.devices.clock import Anchor, Clock
from headrace.live.recording.container import Writer
from headrace.live.recording.folder import json_of
from headrace.live.recording.mark import Mark


class Notes:
    """What of a :class:`~headrace.live.Recorder` keeps what is no rows."""

    clock: Clock
    anchor: Anchor
    rows: int
    _writer: Writer
    _lock: Any

    def _open(self, what: str) -> None:
        raise NotImplementedError

    def mark(self, name: str, value: Any = None, now: float | None = None, *, row: int | None = None) -> Mark:
        """Keep that something happened, from any thread; return it.

        Parameters
        ----------
        name
            What.
        value
            More about it: a JSON value.
        now
            When, on the clock; by default now.
        row
            How many rows had come by then; by default those that were written.

        Raises
        ------
        DataError
            When ``value`` is no JSON.
        SinkError
            When the disk takes no more.
        ClosedError
            After :meth:`close`.
        """
        with self._lock:
            self._open("mark")
            at = self.clock.now() if now is None else now
            made = Mark(str(name), value, self.rows if row is None else row, at, self.anchor.unix(at))
            self._keep_mark(made)
        return made

    def copy_mark(self, mark: Mark, row: int, now: float) -> Mark:
        """Keep a mark of another recording, with the time it tells; return it.

        Parameters
        ----------
        mark
            The mark.
        row, now
            How many rows of this recording had come by then, and when, on this clock.

        Raises
        ------
        SinkError
            When the disk takes no more.
        ClosedError
            After :meth:`close`.
        """
        with self._lock:
            self._open("copy_mark")
            made = mark._replace(row=row, now=now)
            self._keep_mark(made)
        return made

    def _keep_mark(self, mark: Mark) -> None:
        self._writer.append(b"MARK", json_of(mark._asdict(), f"mark({mark.name!r}) got a value").encode())

    def align(self, name: str, device: Any, host: Any, **fit: Any) -> None:
        """Keep raw pairs of a device's clock and ours, so that their alignment can be computed again.

        Parameters
        ----------
        name
            The device.
        device, host
            Moments on its clock and on ours, ``(n,)``.
        fit
            What was made of them: slope, offset, ...

        Raises
        ------
        DataError
            When they differ in length, or ``fit`` is no JSON.
        """
        told = {"name": name, "device": list(map(float, device)), "host": list(map(float, host)), "fit": fit}
        if len(told["device"]) != len(told["host"]):
            raise DataError(
                f"align({name!r}) got {len(told['device'])} moments of the device and {len(told['host'])} of ours, "
                "wanted as many.\n  Give them pair by pair."
            )
        with self._lock:
            self._open("align")
            self._writer.append(b"CLCK", json_of(told, f"align({name!r}) got a fit").encode())
