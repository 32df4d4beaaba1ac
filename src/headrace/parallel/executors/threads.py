"""Threads of this process: for functions that wait, or that compute outside of Python's lock."""

from __future__ import annotations

import contextvars
from queue import SimpleQueue
from threading import Thread
from typing import Final

from headrace.parallel.executors.chunk import Chunk, run
from headrace.parallel.executors.crew import Crew, Report
from headrace.parallel.executors.task import Task

__all__ = ["ThreadCrew"]

_LONG: Final = 0.05  # seconds of a chunk from which on none waits in line


class ThreadCrew(Crew):
    """``workers`` threads that end with the run, and that never keep the program from ending.

    They see the context variables of whoever starts the run, among them numpy's way of handling errors.
    """

    def __init__(self, task: Task, workers: int) -> None:
        self.workers = workers
        self._task = task
        self._under_way = 0
        self._asked: SimpleQueue[Chunk | None] = SimpleQueue()
        self._told: SimpleQueue[Report] = SimpleQueue()
        self._threads: list[Thread] = []

    def room(self, seconds: float) -> bool:
        return self._under_way < self.workers * (1 if seconds > _LONG else 2)

    def submit(self, chunk: Chunk) -> None:
        self._under_way += 1
        self._asked.put(chunk)
        if len(self._threads) < self.workers:
            context = contextvars.copy_context()
            thread = Thread(target=context.run, args=(self._work,), name="headrace-call", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _work(self) -> None:
        while (chunk := self._asked.get()) is not None:
            try:
                report = Report(chunk, run(self._task, chunk))
            except BaseException as error:  # a fault of ours, which must not leave anybody waiting
                report = Report(chunk, error=error)
            self._told.put(report)

    def wait(self) -> list[Report]:
        if not self._under_way:
            return []
        self._under_way -= 1
        return [self._told.get()]

    def close(self) -> None:
        """Have the threads end, each when the call it is at returns: a thread cannot be ended from outside."""
        for _ in self._threads:
            self._asked.put(None)
