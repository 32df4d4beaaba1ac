"""Have the disk keep what a recorder has written, about each second, beside whoever writes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Final

from headrace.errors import ClosedError
from headrace.live.devices.clock import Anchor, Clock
from headrace.live.recording.container import Writer

ANCHOR: Final = 10.0  # seconds from one look at both clocks to the next


class Keeping:
    """The thread that has the disk keep what was written, about each second, and looks at both clocks now and then.

    It knows the file and not the recorder: one that is forgotten can go.
    """

    def __init__(self, writer: Writer, clock: Clock, every: float) -> None:
        self.error: BaseException | None = None  # not raised yet
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=_keep,
            args=(writer, clock, every, self._stopping, self._failed),
            name="headrace-recorder",
            daemon=True,
        )
        self._thread.start()

    def _failed(self, error: BaseException) -> None:
        self.error = error

    def check(self) -> None:
        """Raise what the disk said, once."""
        error, self.error = self.error, None
        if error is not None:
            raise error

    def stop(self, *, wait: bool = True) -> None:
        """End the thread."""
        self._stopping.set()
        if wait and self._thread is not threading.current_thread():
            self._thread.join()


def _keep(
    writer: Writer, clock: Clock, every: float, stopping: threading.Event, failed: Callable[[BaseException], None]
) -> None:
    looked = 0.0
    while True:
        try:
            if time.monotonic() - looked >= ANCHOR:
                looked = time.monotonic()
                now = Anchor.of(clock)
                writer.append(b"CLCK", json.dumps({"name": "host", "now": now.now, "wall": now.wall}).encode())
            writer.sync()
        except ClosedError:
            return
        except Exception as error:
            failed(error)
        if stopping.wait(every):
            return
