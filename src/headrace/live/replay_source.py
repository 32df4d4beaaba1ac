"""A recorded session as a device: what a system reads in place of the sensor that was recorded."""

from __future__ import annotations

import os
import threading
from math import inf

from headrace.live.clock import Clock, SystemClock
from headrace.live.device import Threaded
from headrace.live.pending import Overflow
from headrace.live.priority import exact_timers
from headrace.live.recording import Recording, check_sound
from headrace.live.replay import Replay, opened
from headrace.live.session import Damaged


class ReplaySource(Threaded):
    """The blocks of a recorded session, when they came, for a :class:`~headrace.live.system.System`.

    Its times are those that were recorded. It ends with the recording, and begins again when it is started again.

    Parameters
    ----------
    path
        The session's folder.
    speed
        How much faster than it was; ``inf``: all at once.
    loop
        Whether to begin again at the end, until it is stopped.
    clock
        The source of time.
    damaged
        ``"raise"``: fail at a block that is not what was recorded; ``"skip"``: leave such out.
    max_bytes, overflow
        How much may wait to be read, and what goes when more would: see :class:`~headrace.live.device.Threaded`.

    Raises
    ------
    StreamConfigError
        When there is no session, or a parameter is none of these.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from headrace.live.record import Recorder
    >>> path = tempfile.mkdtemp() + "/monday"
    >>> with Recorder(path) as recorder:
    ...     recorder.write({"timestamp": np.array([10.0, 10.1]), "x": np.array([1, 2])})
    >>> source = ReplaySource(path, speed=float("inf"))
    >>> source.start()
    >>> while source.is_active:
    ...     _ = source.arrived.wait(1.0)
    >>> source.stop()
    >>> source.read()["x"]
    array([1, 2])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        speed: float = 1.0,
        *,
        loop: bool = False,
        clock: Clock | None = None,
        damaged: Damaged = "raise",
        max_bytes: int = 1 << 26,
        overflow: Overflow = "drop_oldest",
    ) -> None:
        self.replay: Replay = Replay(path, speed, None, damaged)  # type: ignore[arg-type]  # brought to its form there
        self.loop: bool = loop
        known = opened(self.replay)
        super().__init__(
            rate=known.rate,
            names=known.names(),
            clock=clock,
            max_bytes=max_bytes,
            overflow=overflow,
        )
        self._recording: Recording | None = None

    def opened(self) -> None:
        found = opened(self.replay).again()
        try:
            if self.replay.damaged == "skip":
                found.sift()
            else:
                check_sound(found)
        except BaseException:
            found.close()
            raise
        self._recording = found

    def closed(self) -> None:
        found, self._recording = self._recording, None
        if found is not None:
            found.close()

    def run(self, stopping: threading.Event) -> None:
        found, clock, speed = self._recording, self.clock, self.replay.speed
        assert found is not None
        if isinstance(clock, SystemClock):
            exact_timers()
        began = clock.now()
        while len(found):
            for i in range(len(found)):
                block = found.block(i)
                due = began if speed == inf else began + float(found.arrived[i] - found.arrived[0]) / speed
                if not clock.wait_until(due, stopping):
                    return
                self.put_block(block)
            if not self.loop:
                return
            began = clock.now()

    def __repr__(self) -> str:
        return f"ReplaySource({str(self.replay.path)!r}, speed={self.replay.speed:g})"
