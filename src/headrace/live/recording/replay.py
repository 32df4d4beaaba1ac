"""A recorded session as a stream: the blocks that came, when they came."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.block import Block
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.clock import SYSTEM
from headrace.live.recording.folder import METADATA, RAW, SUFFIX
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.recording import Recording, check_sound
from headrace.live.recording.session import Damaged, Session
from headrace.sources.files_rows import example_file


def replay(
    path: str | os.PathLike[str], speed: float = 1.0, clock: Any = None, *, damaged: Damaged = "raise"
) -> Replay:
    """Give the blocks of a recorded session, as they were and when they came.

    ``replay(path) | graph`` computes what the graph would, as it is. Where knobs were turned, signals were added or a signal
    failed while it was recorded, :meth:`Session.signals <headrace.live.Session.signals>` gives what was computed
    then.

    Parameters
    ----------
    path
        The session's folder.
    speed
        How much faster than it was: 1 keeps its time, ``inf`` waits for nothing. Moments are counted from the first
        block of a pass: one that comes late makes no other late.
    clock
        What time is told by; the machine's by default.
    damaged
        ``"raise"`` at a block that is not what was written, which ``skip()`` passes; ``"skip"``: leave such out.

    Returns
    -------
    Stream
        Of :class:`headrace.core.Block`, read-only and byte for byte those that were recorded; resumed exactly at any of
        them, at any speed. A graph behind it computes what it computed live, as long as nothing of it was changed
        then: ``Session.signals()`` does that, too.

    Raises
    ------
    StreamConfigError
        When there is no session, or ``speed`` is not positive.
    DamageError
        While running: when a block is not what was recorded.

    Examples
    --------
    >>> import tempfile, numpy as np, headrace.signals as s
    >>> from headrace.live import Recorder
    >>> path = tempfile.mkdtemp() + "/monday"
    >>> with Recorder(path) as recorder:
    ...     for i in range(3):
    ...         recorder.write({"x": np.array([i, i])})
    >>> [block["x"].tolist() for block in replay(path, speed=float("inf"))]
    [[0, 0], [1, 1], [2, 2]]
    >>> graph = s.Graph([s.Integrate("x", None, name="sum")])
    >>> [block["sum"].tolist() for block in replay(path, speed=100) | graph]
    [[0.0, 0.0], [0.5, 1.5], [3.0, 5.0]]
    """
    return Replay(Path(path), speed, clock, damaged)


def _example() -> Replay:
    return Replay(example_file("session", _record), inf)


def _record(path: Path) -> None:
    rng = np.random.default_rng(0)
    with Recorder(path) as recorder:
        for i in range(40):
            recorder.write({"timestamp": np.arange(3.0) + 3 * i, "acc": rng.normal(size=(3, 2))})


@register("replay", example=_example)
@recipe
class Replay(Stream[Block]):
    """The recipe of :func:`replay`."""

    # How fast, and by which clock, changes no block: a state goes on at another speed.
    tuning: ClassVar[tuple[str, ...]] = ("speed", "clock")
    path: Path
    speed: float = 1.0
    clock: Any = None
    damaged: Damaged = "raise"

    def __post_init__(self) -> None:
        path = Path(os.path.expanduser(self.path))
        if not (path / METADATA).is_file():
            raise StreamConfigError(
                f"replay(path) got {str(self.path)!r}, where there is no session.\n"
                f"  Name the folder that was recorded to. The current folder is {Path.cwd()}."
            )
        speed = self.speed
        if isinstance(speed, bool) or not isinstance(speed, int | float | np.number) or not speed > 0:
            raise StreamConfigError(
                f"replay(speed=) got {speed!r}, wanted a number above 0.\n  1 is as it was, inf at once."
            )
        if self.damaged not in ("raise", "skip"):
            raise StreamConfigError(f"replay(damaged=) got {self.damaged!r}, wanted 'raise' or 'skip'.")
        self.fix(path=path, speed=float(speed))

    @property
    def size(self) -> float | None:
        """The number of blocks: the file is looked through for it."""
        return len(opened(self)) if self.damaged == "raise" else None

    def start(self, key: Key) -> Cursor[Block]:
        return _Replaying(self, key)


def opened(stream: Replay) -> Recording:
    """Return what is in the file, looked through once for as long as it is the same."""
    file = stream.path / f"{RAW}{SUFFIX}"
    if not file.is_file():
        kind = Session(stream.path).raw_data_path.name
        raise DataError(
            f"replay got a session whose data is {kind}, which does not tell when its rows came.\n"
            "  Cut it yourself: hr.source(session.raw.blocks(64)), or record with a Recorder."
        )
    return _looked_through(file, file.stat().st_size, file.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _looked_through(file: Path, size: int, changed: int) -> Recording:
    found = Recording(file)
    found.close()  # whoever reads it opens it
    return found


class _Replaying(Cursor[Block]):
    stream: Replay
    recording: Recording | None = None
    begun: tuple[float, float] | None = None  # when the first block of this pass was due, and when it came
    accused = passed = False  # of what is damaged between blocks: whether that was told, and passed

    def run(self) -> Generator[Block, None, None]:
        found = self._opened()
        clock = SYSTEM if self.stream.clock is None else self.stream.clock
        speed, arrived = self.stream.speed, found.arrived
        while self.count < len(found):
            i = self.count
            block = found.block(i)
            if speed != inf:
                if self.begun is None:
                    self.begun = clock.now(), float(arrived[i])
                due, came = self.begun
                clock.wait_until(due + (float(arrived[i]) - came) / speed)
            self.count += 1
            yield block

    def _opened(self) -> Recording:
        if self.recording is None:
            self.recording = opened(self.stream).again()
            self.begun = None
            if self.stream.damaged == "skip":
                self.recording.sift()
        if self.stream.damaged == "raise" and not self.passed:
            self.accused = True
            check_sound(self.recording)
            self.accused = False
        return self.recording

    def leap(self, n: int) -> int:
        if self.stream.damaged == "skip":
            return 0  # how many there are is known once all were read
        passed = max(0, min(n, len(opened(self.stream)) - self.count))
        if passed:
            self.restart()
            self.count += passed
            self.begun = None  # what was passed takes no time
        return passed

    def pass_failed(self) -> None:
        if self.accused:
            self.accused, self.passed = False, True
        else:
            self.count += 1
        self.restart()

    def load(self, saved: Any) -> None:
        super().load(saved)
        self.begun = None

    def release(self) -> None:
        found, self.recording = self.recording, None
        if found is not None:
            found.close()
