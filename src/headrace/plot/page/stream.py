"""From the system to browsers: one consumer, so many frames a second, and to each browser only what it keeps up with."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from time import localtime, monotonic, strftime
from typing import Any, Final

from headrace.errors import DataError, StreamConfigError
from headrace.plot.page.controls import controls, turn
from headrace.plot.page.hands import Hands
from headrace.plot.page.messages import Message, parse
from headrace.plot.page.store import Store
from headrace.plot.page.viewer import Viewer

STATUS: Final = 0.25  # seconds from one look at the counters to the next
WAITING: Final = 32  # commands that may wait to be done
READS: Final = 8  # times a turn looks for more rows: then frames are due


class Hub:
    """Reads one system for all viewers, and does what they ask for.

    Parameters
    ----------
    system
        A :class:`headrace.live.System`.
    rate
        Frames a second.
    seconds
        How long rows are kept.
    record_to
        The folder that recordings are made in.
    ranges
        The ends of sliders: see :func:`headrace.plot.page.controls.controls`.
    """

    system: Any
    rate: float
    viewers: list[Viewer]
    failure: BaseException | None
    refused: int
    record_to: Path
    ranges: dict[str, tuple[float, float]]

    def __init__(
        self, system: Any, *, rate: float, seconds: float, record_to: Path, ranges: Mapping[str, tuple[float, float]]
    ) -> None:
        self.system, self.rate = system, rate
        self.record_to, self.ranges = record_to, dict(ranges)
        self.store: Store = Store(seconds)
        self.viewers = []
        self.failure = None  # of the system
        self.refused = 0  # messages
        self.recording: str | None = None
        self._consumer = _consumer(system)
        self._hands = Hands()  # starting and stopping take a while
        self._waiting = 0
        self._controls = self._troubled = ""
        self._looked = float("-inf")

    async def run(self) -> None:
        """Read, and have frames sent, until it is cancelled."""
        due = monotonic()
        while True:
            try:
                new = self._read()
                for viewer in list(self.viewers):
                    viewer.tick(new=new)
            except Exception as error:  # nothing that goes wrong once is to end the page
                self._trouble(error)
            now = monotonic()
            if self.viewers and now - self._looked >= STATUS:
                self.look()
            due = max(due + 1 / self.rate, now)  # one that was missed is not made up for
            await asyncio.sleep(due - now)

    def _read(self) -> bool:
        """Take what the system has said; return whether there was anything."""
        if self.failure is not None:
            if self.system.state == "failed":
                return False
            self.failure = None
        self.store.graph = self.system.graph
        found = False
        for _ in range(READS):
            try:
                block = self._consumer.read()
            except Exception as error:  # of the source, or a signal: the page shows it
                self.failure = error
                break
            if not block:
                break
            try:
                self.store.add(block)
            except Exception as error:  # a column that cannot be shown is no reason to show nothing
                self._trouble(error)
            found = True
        return found

    def _trouble(self, error: BaseException) -> None:
        if (told := _told(error)) != self._troubled:
            self._troubled = told
            for viewer in self.viewers:
                self._tell(viewer, told)

    def _tell(self, viewer: Viewer, why: str) -> None:
        viewer.post("refused", json.dumps({"what": "refused", "why": why}))

    def look(self) -> None:
        """Send the counters, and the controls where they have changed; what goes wrong is said instead."""
        self._looked = monotonic()
        try:
            status = json.dumps(self.status(), default=str, allow_nan=False)
            told = json.dumps(
                {"what": "controls", "controls": [each.told() for each in controls(self.system, self.ranges)]},
                allow_nan=False,
            )
        except Exception as error:  # a device that does not tell its counters, say
            self._trouble(error)
            return
        for viewer in self.viewers:
            viewer.post("status", status)
            if told != self._controls:
                viewer.post("controls", told)
        self._controls = told

    def status(self) -> dict[str, Any]:
        """Return how everything is, as JSON values."""
        stats = self.system.stats()
        failure = self.failure if self.system.state == "failed" else self.system.recording_failure
        recording = any(
            name.startswith("recording") and each["state"] == "running" for name, each in stats["consumers"].items()
        )
        if not recording:
            self.recording = None
        return {
            "what": "status", "state": self.system.state, "failure": None if failure is None else _told(failure),
            "recording": recording, "path": self.recording, "words": self.store.words(), **_plain(stats),
            "viewers": [{"sent": v.sent, "drawn": v.drawn, "dropped": v.dropped} for v in self.viewers],
        }  # fmt: skip

    # --- what viewers ask for ---------------------------------------------------------------------------

    async def join(self, viewer: Viewer) -> None:
        """Take in a viewer, and tell it what there is."""
        self.viewers.append(viewer)
        if self._troubled:
            self._tell(viewer, self._troubled)
        self._controls = ""  # so that the next look sends them
        self.look()
        viewer.tick()

    def leave(self, viewer: Viewer) -> None:
        """Let a viewer go."""
        self.viewers.remove(viewer)

    def hear(self, viewer: Viewer, text: str) -> None:
        """Do what a message asks for. What cannot be done is answered, and of no other effect."""
        try:
            message = parse(text)
        except DataError as error:
            self._refuse(viewer, error)
            return
        if message.what == "drawn":
            viewer.ack(message.frame)
        elif message.what == "view":
            viewer.view.look(min(message.seconds, self.store.seconds), message.pixels)
            viewer.tick()
        elif self._waiting >= WAITING:
            self._refuse(viewer, StreamConfigError("so much is asked for that this is left out."))
        else:
            self._waiting += 1
            future = asyncio.get_running_loop().run_in_executor(self._hands, self._do, message)
            future.add_done_callback(lambda done: self._done(viewer, done))

    def _do(self, message: Message) -> None:
        """Do a command; in a thread of its own, since some wait."""
        system = self.system
        if message.what == "set":
            turn(system, message.path, message.value)
        elif message.what == "start":
            system.start()
        elif message.what == "stop":
            system.stop()
        elif message.what == "record":
            self.record_to.mkdir(parents=True, exist_ok=True)
            path = self.record_to / f"{message.name}-{strftime('%Y%m%d-%H%M%S', localtime())}"
            system.record(path)
            self.recording = str(path)
        elif message.what == "stop recording":
            system.stop_recording()
        else:
            system.mark(message.name)

    def _done(self, viewer: Viewer, done: asyncio.Future[None]) -> None:
        self._waiting -= 1
        error = None if done.cancelled() else done.exception()
        if error is not None:
            self._refuse(viewer, error)
        self.look()

    def _refuse(self, viewer: Viewer, error: BaseException) -> None:
        self.refused += 1
        self._tell(viewer, _told(error))

    def close(self) -> None:
        """Read no more."""
        self._hands.shutdown()
        self._consumer.close()


def _consumer(system: Any) -> Any:
    for k in count(1):
        name = "page" if k == 1 else f"page {k}"
        if name not in system.stats()["consumers"]:
            break
    # Read so many times a second that 64 MiB are seconds of anything a page can show.
    return system.add_consumer(name=name, policy="drop_oldest")


def _told(error: BaseException) -> str:
    notes = "\n".join(["", *getattr(error, "__notes__", ())])
    return f"{type(error).__name__}: {error}{notes}"[:2000]


def _plain(stats: dict[str, Any]) -> dict[str, Any]:
    keys = ("produced", "delivered", "dropped", "pending", "late", "errors", "lag", "policy", "state")
    return {
        "rows": stats["rows"], "blocks": stats["blocks"], "skipped": stats["skipped"], "errors": stats["errors"],
        "restarts": stats["restarts"],
        "source": {k: v for k, v in stats["source"].items() if isinstance(v, int | str) or _is_finite(v)},
        "consumers": {
            name: {key: each[key] for key in keys if key in each} for name, each in stats["consumers"].items()
        },
    }  # fmt: skip


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)  # JSON has no others
