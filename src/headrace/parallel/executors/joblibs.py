"""joblib's backends: what a ``joblib.parallel_config`` context asks for, and whoever has registered one."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from copy import copy
from itertools import chain
from typing import Any

from headrace.core.optional import optional
from headrace.parallel.executors.chunk import Chunk, Done, run
from headrace.parallel.executors.crew import Crew, Report
from headrace.parallel.executors.source import Source
from headrace.parallel.executors.task import Task

__all__ = ["JoblibCrew", "context"]


def context() -> tuple[Any, int | None] | None:
    """Return (backend, jobs) of the ``joblib.parallel_config`` that is in force; None where there is none."""
    joblib = sys.modules.get("joblib")
    if joblib is None:  # then nobody can have entered one
        return None
    parallel: Any = joblib.parallel
    backend, jobs = parallel.get_active_backend()
    default = parallel.BACKENDS[parallel.DEFAULT_BACKEND]
    return None if jobs is None and type(backend) is default else (backend, jobs)


class JoblibCrew(Crew):
    """joblib asks for chunks by itself, in threads of its own, and tells as they are done.

    Parameters
    ----------
    jobs
        As joblib's ``n_jobs``; None takes what the context says, or else all processors.
    """

    def __init__(self, task: Task, jobs: int | None) -> None:
        joblib: Any = optional("joblib", "sklearn", "executor='joblib'")
        known = context()
        jobs = jobs or (known[1] if known is not None else None) or -1
        self._task = task
        self._source: Source | None = None
        self._tells: Iterator[tuple[int, Done]] | None = None
        self._under_way: dict[int, Chunk] = {}
        self._count = 0
        self._failed: BaseException | None = None
        self._delayed = joblib.delayed
        streams = known is None or getattr(known[0], "supports_return_generator", False)
        self._parallel = joblib.Parallel(
            n_jobs=jobs,
            backend=None
            if known is None
            else copy(known[0]),  # one that is in use would be mistaken for the other run's
            batch_size=1,
            pre_dispatch="2*n_jobs",
            return_as="generator_unordered" if streams else "list",
        )
        self._at_once = None if streams else 4  # chunks for each worker that are told together
        self.workers: int = max(1, int(joblib.effective_n_jobs(jobs)))

    def feed(self, source: Source) -> None:
        self._source = source

    def room(self, seconds: float) -> bool:
        return False  # it takes what it needs

    def submit(self, chunk: Chunk) -> None:
        raise AssertionError("joblib takes what it needs")

    def _chunks(self, n: int | None) -> Iterator[Any]:
        source, given = self._source, 0
        assert source is not None
        while n is None or given < n:
            given += 1
            try:
                chunk = source.take()
            except BaseException as error:  # what drawing the calls raises, in a thread of joblib's
                self._failed = error
                return
            if chunk is None:
                return
            self._count += 1
            self._under_way[self._count] = chunk
            yield self._delayed(_numbered)(self._count, self._task, chunk)

    def wait(self) -> list[Report]:
        while True:
            try:
                told = self._next()
            except Exception as error:
                if error is self._failed:
                    raise
                numbers = [number for chunk in self._under_way.values() for number in chunk.numbers]
                return [Report(Chunk(numbers, []), error=error)]
            if told is not None:
                number, done = told
                return [Report(self._under_way.pop(number), done)]
            if not self._begun():
                return []

    def _next(self) -> tuple[int, Done] | None:
        if self._tells is not None and (told := next(self._tells, None)) is not None:
            return told
        if self._failed is not None:
            raise self._failed
        return None

    def _begun(self) -> bool:
        """Have joblib begin with what is left, once more where chunks came back in part; False where nothing is."""
        chunks = self._chunks(None if self._at_once is None else self._at_once * self.workers)
        first = next(chunks, None)
        if first is not None:
            self._tells = iter(self._parallel(chain([first], chunks)))
        return first is not None or self._failed is not None

    def close(self) -> None:
        tells, self._tells = self._tells, None
        if tells is not None and hasattr(tells, "close"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # joblib's, that more was done than is used
                tells.close()


def _numbered(number: int, task: Task, chunk: Chunk) -> tuple[int, Done]:
    return number, run(task, chunk)
