"""The recording of a system."""

from __future__ import annotations

from typing import Any

from headrace.live.running.pump import Pump
from headrace.live.running.recorded import Recorded


class Recordable:
    """What of a :class:`~headrace.live.System` keeps its rows in a file."""

    _pump: Pump
    _recorded: Recorded
    update_rate: float | None

    def record(self, path: Any, **metadata: Any) -> Any:
        """Record what the source says to a new session, until :meth:`stop_recording` or the end.

        Within the first second after the start, it begins with the first row; later, with the signals' state at the
        next. A source that has ended in that time, before anybody has called ``join`` or ``stop``, is recorded whole
        and at once. Nothing is lost when the disk is slow: what waits goes to a temporary file.

        A recording that fails, on a full disk, is given no more, and everything else goes on: :attr:`recording_failure`
        tells why, the next ``read``, ``join`` or ``stop`` raises it, and another can be begun in its place.

        Parameters
        ----------
        path
            The folder of the session; it must not exist.
        **metadata
            What is to be known of it: JSON values.

        Returns
        -------
        recorder
            A :class:`~headrace.live.Recorder`.

        Raises
        ------
        StreamConfigError
            When it records already, and that has not failed.
        HeadraceError
            When there is something at ``path``, or metadata is no JSON.
        """
        return self.start_recording(path, None, **metadata)

    def start_recording(self, path: Any, recorder: Any = None, **metadata: Any) -> Any:
        """As :meth:`record`; ``recorder`` takes the blocks instead: what has ``write(block)`` and ``stop()``.

        With a recorder of one's own, ``path`` is not used, and metadata are not kept.
        """
        return self._recorded.start(path, recorder, metadata)

    @property
    def recording_failure(self) -> BaseException | None:
        """What the recording has failed with, or the last one, until another begins; None while all is well."""
        return self._recorded.failure

    def stop_recording(self) -> None:
        """End the recording, with all rows that came by now; of no effect when there is none.

        When another thread ends it already, it is waited for.

        Raises
        ------
        WorkerError
            When the other thread is not done with it within the system's ``patience``.
        Exception
            What the recorder failed with, if nobody has been told yet.
        """
        if self.update_rate is None:
            self._pump.catch_up()
        self._recorded.stop()

    def mark(self, name: str, value: Any = None) -> Any:
        """Keep in the recording that something happened now, and how many of its rows had come by then.

        Raises
        ------
        StreamConfigError
            When nothing is recorded, or the recorder keeps no marks.
        SinkError
            When the recording has failed.
        """
        return self._recorded.mark(name, value)
