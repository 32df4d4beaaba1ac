"""Worker processes of our own as a crew: a worker that dies costs the call that it died of, and no other."""

from __future__ import annotations

from typing import Final

from headrace.errors import WorkerError
from headrace.parallel.executors.chunk import Chunk
from headrace.parallel.executors.crew import Crew, Report
from headrace.parallel.executors.messages import Gone
from headrace.parallel.executors.outcome import Outcome
from headrace.parallel.executors.pool import Hired, hire, let_go, listened
from headrace.parallel.executors.task import Task
from headrace.parallel.undisturbed import undisturbed

__all__ = ["ProcessCrew"]

_LONG: Final = 0.02  # seconds of a chunk from which on none waits behind another, where it would wait for that one
_LOOK: Final = 60.0  # seconds between two returns from waiting
_VAIN: Final = 3  # workers in a row that may die before they begin a call


class ProcessCrew(Crew):
    """``workers`` processes, hired from those that are warm.

    When one dies, the call it was running has a WorkerError as its outcome; the others of its chunk are made by
    another worker, those included that had returned and not been sent yet.
    """

    heavy = 1 << 19  # half of what a pipe holds, so that a worker need not wait until it is read

    def __init__(self, task: Task, workers: int) -> None:
        self.workers = workers
        self._task = task
        self._hired: list[Hired] = []
        self._dead: list[Report] = []
        self._vain = 0

    def room(self, seconds: float) -> bool:
        if len(self._hired) < self.workers:
            return True
        deep = 2 if 0 < seconds < _LONG else 1
        return any(len(worker.doing) < deep for worker in self._hired)

    def submit(self, chunk: Chunk) -> None:
        worker = min(self._hired, key=lambda each: len(each.doing), default=None)
        if worker is None or (worker.doing and len(self._hired) < self.workers):
            with undisturbed():  # no Ctrl-C comes between a worker and the list of those to be let go
                worker = hire()
                self._hired.append(worker)
        try:
            worker.serve(self._task)
            worker.give(chunk)
        except Gone:  # which is seen to where it is listened to: it may have told something before
            if chunk not in worker.doing:
                worker.doing.append(chunk)

    def _busy(self) -> bool:
        return any(worker.doing for worker in self._hired)

    def wait(self) -> list[Report]:
        reports, self._dead = self._dead, []
        while not reports and self._busy():
            for worker in listened([each for each in self._hired if each.doing], _LOOK):
                chunk = worker.doing[0]
                try:
                    reports.append(Report(chunk, worker.take()))
                    self._vain = 0
                except Gone:
                    self._bury(worker)
                    reports += self._dead
                    self._dead = []
        return reports

    def _bury(self, worker: Hired) -> None:
        """Note what is lost with a worker that has died."""
        at, how, pid = worker.at, worker.death(), worker.pid
        chunks, name = list(worker.doing), self._task.name
        with undisturbed():
            self._hired.remove(worker)
            let_go([worker])
        for chunk in chunks:
            if at in chunk.numbers:
                self._vain = 0
                error = WorkerError(
                    f"call {at} of {name} was lost: its worker (pid {pid}) {how} while it ran.\n"
                    "  The system kills processes when memory runs out; a crash inside a compiled library looks alike. "
                    "Other calls go on in other workers."
                )
                self._dead.append(Report(chunk, lost={chunk.numbers.index(at): Outcome(None, error, float("nan"))}))
                continue
            self._dead.append(Report(chunk))
        if not any(report.lost for report in self._dead):
            self._vain += 1
            if self._vain > _VAIN + self.workers:
                error = WorkerError(
                    f"parallel= gets nothing done: {self._vain} workers in a row died before they began a call; "
                    f"the last one {how}.\n  What they printed may say why. Or use executor='threads'."
                )
                self._dead = [Report(chunk, error=error) for chunk in chunks]

    def close(self) -> None:
        hired, self._hired = self._hired, []
        let_go(hired)
