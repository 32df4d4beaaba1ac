"""Those who run chunks of calls, whoever they are: what :func:`outcomes` needs of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from headrace.parallel.executors.chunk import Chunk, Done
from headrace.parallel.executors.outcome import Outcome
from headrace.parallel.executors.source import Source
from headrace.parallel.executors.task import Task

__all__ = ["Crew", "Engine", "Report"]


class Report(NamedTuple):
    """A chunk that is with the crew no more.

    Attributes
    ----------
    chunk
        What was submitted.
    done
        What came of its first calls; None where nobody knows.
    lost
        What came of calls whose worker died of them, by their place in the chunk.
    error
        What the executor raised.
    """

    chunk: Chunk
    done: Done | None = None
    lost: Mapping[int, Outcome] = MappingProxyType({})
    error: BaseException | None = None


class Crew(ABC):
    """Who runs the chunks of one run. One thread feeds it and waits.

    Attributes
    ----------
    workers
        How many there are, or are taken to be.
    heavy
        Bytes of results that are to travel together at most.
    """

    workers: int
    heavy: ClassVar[int] = 1 << 20

    def feed(self, source: Source) -> None:
        """Have the crew take what it can use now."""
        while self.room(source.sizes.chunk_seconds) and (chunk := source.take()) is not None:
            self.submit(chunk)

    @abstractmethod
    def room(self, seconds: float) -> bool:
        """Tell whether one more chunk is of use now, when one takes about so many ``seconds`` (0: nobody knows)."""

    @abstractmethod
    def submit(self, chunk: Chunk) -> None:
        """Have somebody run ``chunk``."""

    @abstractmethod
    def wait(self) -> list[Report]:
        """Return what has been done, at least one chunk; nothing where nothing is under way."""

    @abstractmethod
    def close(self) -> None:
        """Give up what is not done. A crew of our own is free at once; an executor of the caller's stays as it is."""


class Engine(NamedTuple):
    """How calls are to be run: what ``resolve`` returns.

    Attributes
    ----------
    name
        For messages.
    hire
        Returns the crew for a task.
    apart
        Whether they are known to be other processes, to which the function has to be sent.
    near
        Whether these share our file system.
    ours
        Whether they are of our own making, so that their errors say all.
    """

    name: str
    hire: Callable[[Task], Crew]
    apart: bool = False
    near: bool = False
    ours: bool = False
