"""Executors with ``submit``, whoever made them: concurrent.futures, loky, dask, mpi4py, submitit, Ray and others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import sleep
from typing import Any, Final

from headrace.errors import StreamConfigError
from headrace.parallel.executors.chunk import Chunk, Done
from headrace.parallel.executors.crew import Crew, Report
from headrace.parallel.executors.task import Task

__all__ = ["FutureCrew", "Submit"]

Submit = Callable[[Task, Chunk], Any]  # returns a future

_LONG: Final = 0.05  # seconds of a chunk from which on few wait in line
_LOOK: Final = 0.5  # seconds between two looks at whether the executor is alive
_SLEEP: Final = (0.0005, 0.2)  # seconds between two looks at futures that tell nobody: first, and at most


class FutureCrew(Crew):
    """An executor of the caller's. It is never shut down, and what has not begun is cancelled at the end.

    Parameters
    ----------
    submit
        Hands a chunk over and returns its future.
    workers
        How many the executor has.
    alive
        Returns what is wrong when the executor has lost a worker and would not say so.
    """

    def __init__(
        self, task: Task, submit: Submit, workers: int, alive: Callable[[], BaseException | None] | None = None
    ) -> None:
        self.workers = workers
        self._task = task
        self._submit = submit
        self._alive = alive
        self._under_way: dict[int, tuple[Chunk, Any]] = {}
        self._count = 0
        self._quiet: set[int] = set()  # those whose futures have to be asked
        self._told: SimpleQueue[int] = SimpleQueue()

    def room(self, seconds: float) -> bool:
        return len(self._under_way) < self.workers + (1 if seconds > _LONG else self.workers)

    def submit(self, chunk: Chunk) -> None:
        number = self._count = self._count + 1
        try:
            future = self._submit(self._task, chunk)
        except Exception as error:
            future = _Failed(error)
        self._under_way[number] = chunk, future
        tell = getattr(future, "add_done_callback", None)
        if tell is None:
            self._quiet.add(number)
        else:
            tell(lambda _: self._told.put(number))

    def wait(self) -> list[Report]:
        while self._under_way:
            done = self._ask() if self._quiet else self._listen()
            if reports := [report for number in done for report in self._report(number)]:
                return reports
        return []

    def _listen(self) -> list[int]:
        while True:
            try:
                found = [self._told.get(timeout=_LOOK)]
            except Empty:
                if self._alive is not None and (error := self._alive()) is not None:
                    self._fail(error)
                continue
            with suppress(Empty):
                while True:
                    found.append(self._told.get_nowait())
            return found

    def _ask(self) -> list[int]:
        """Wait for futures that do not tell when they are done, by looking again and again, ever less often."""
        pause = _SLEEP[0]
        while True:
            found = [number for number in self._quiet if _is_done(self._under_way[number][1])]
            with suppress(Empty):
                while True:
                    found.append(self._told.get_nowait())
            if found:
                self._quiet.difference_update(found)
                return found
            sleep(pause)
            pause = min(2 * pause, _SLEEP[1])

    def _fail(self, error: BaseException) -> None:
        for number, (chunk, _) in list(self._under_way.items()):
            self._under_way[number] = chunk, _Failed(error)
            self._told.put(number)

    def _report(self, number: int) -> list[Report]:
        if number not in self._under_way:  # told twice, or reported with a failure
            return []
        chunk, future = self._under_way.pop(number)
        report = _report_of(chunk, future)
        if report.error is None:
            return [report]
        # What has arrived is delivered first. Where the executor as a whole is broken, all the rest is lost with it.
        broken, numbers, others = isinstance(report.error, BrokenExecutor), list(chunk.numbers), []
        for other, (chunk, future) in list(self._under_way.items()):
            arrived = _report_of(chunk, future) if _is_done(future) else None
            if arrived is not None and arrived.error is None:
                others.append(arrived)
                del self._under_way[other]
            elif arrived is not None or broken:
                numbers.extend(chunk.numbers)
        return [*others, Report(Chunk(numbers, []), error=report.error)]

    def close(self) -> None:
        for _, future in self._under_way.values():
            cancel = getattr(future, "cancel", None)
            if cancel is not None:
                with suppress(Exception):  # what an executor of somebody's raises: nobody waits for it
                    cancel()
        self._under_way.clear()


class _Failed:
    """The future of a chunk that an executor did not take."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def add_done_callback(self, tell: Callable[[Any], Any]) -> None:
        tell(self)

    def done(self) -> bool:
        return True

    def result(self) -> Any:
        raise self.error


def _report_of(chunk: Chunk, future: Any) -> Report:
    try:
        done = _result(future)
    except (Exception, CancelledError) as error:
        return Report(chunk, error=error)
    if isinstance(done, Done):
        return Report(chunk, done)
    return Report(chunk, error=TypeError(f"what its future gave is a {type(done).__name__}, and not what was returned"))


def _is_done(future: Any) -> bool:
    for name in ("done", "ready"):
        if (ask := getattr(future, name, None)) is not None:
            return bool(ask())
    return True  # then waiting for its result is all that can be done


def _result(future: Any) -> Any:
    for name in ("result", "get"):
        if (take := getattr(future, name, None)) is not None:
            return take()
    raise StreamConfigError(
        f"the executor returned a {type(future).__name__}, which has neither .result() nor .get().\n"
        "  Hand over an executor whose submit returns a future, as those of concurrent.futures do."
    )
