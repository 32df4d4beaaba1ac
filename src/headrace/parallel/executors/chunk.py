"""A few calls that travel together, and what came of them."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from headrace.errors import DataError, HeadraceError, StreamConfigError
from headrace.parallel.executors.carry import dumps, is_plain, weight
from headrace.parallel.executors.failure import Failure, arrived, explained, packed
from headrace.parallel.executors.outcome import Outcome
from headrace.parallel.executors.task import Task

__all__ = ["BUDGET", "Call", "Chunk", "Done", "run"]

BUDGET: Final = 0.05  # seconds after which a worker sends what it has, and gives back the calls that have not begun
_HEAVY: Final = 2 << 20  # bytes of results after which it does so

Call: TypeAlias = dict[str, Any]
_HERE: Final = frozenset((int, float, bool, str, np.ndarray, tuple))  # what is a result as it came: the common ones
_outcome: Final = partial(tuple.__new__, Outcome)  # a third of the cost of Outcome(...), which checks nothing either


class Chunk:
    """Calls ``first``, ... of a run, in the order of their numbers.

    Parameters
    ----------
    numbers
        Of the calls, within the run.
    calls
        Keyword arguments of each.
    """

    numbers: list[int]
    calls: list[Any]

    def __init__(self, numbers: list[int], calls: list[Call]) -> None:
        self.numbers = numbers
        self.calls = calls

    def __len__(self) -> int:
        return len(self.numbers)

    def rest(self, n: int) -> Chunk:
        """Return the calls behind the first ``n``."""
        return Chunk(self.numbers[n:], self.calls[n:])

    def __reduce__(self) -> Any:
        return Chunk, (self.numbers, [call if is_plain(call) else _sent(call) for call in self.calls])


class _Bytes(NamedTuple):
    """A value that is no plain data, pickled by itself."""

    data: bytes


class _Unsent(NamedTuple):
    """Why a value is not here."""

    why: str


def _sent(value: Any) -> _Bytes | _Unsent:
    if isinstance(value, _Bytes | _Unsent):  # it has been sent before
        return value
    try:
        return _Bytes(dumps(value))
    except Exception as error:  # whatever objects raise when they are pickled
        return _Unsent(f"{type(error).__name__}: {error}")


class Done:
    """What came of the first calls of a chunk; those behind them have not begun.

    Attributes
    ----------
    values
        What each returned, or raised (then it is in ``failed``).
    seconds
        How long each took.
    nbytes
        About how much that is.
    failed
        Which have raised.
    unread
        Why the function is not there.
    wanted
        Whether anybody waits for it.
    """

    values: list[Any]
    seconds: array[float]
    failed: set[int]
    nbytes: int
    unread: Failure | None
    wanted: bool

    def __init__(self) -> None:
        self.values = []
        self.seconds = array("d")
        self.failed = set()
        self.nbytes = 0
        self.unread = None
        self.wanted = True

    def __reduce__(self) -> Any:
        values = [value if is_plain(value) else self._sent(k, value) for k, value in enumerate(self.values)]
        return _done, (values, self.seconds.tobytes(), self.failed, self.nbytes, self.unread, self.wanted)

    def _sent(self, k: int, value: Any) -> Any:
        if isinstance(value, Failure):
            return value
        return packed(value) if k in self.failed else _sent(value)

    def outcomes(self, numbers: list[int], task: Task) -> Iterator[tuple[int, Outcome]]:
        """Yield the number of each call and what came of it; ``numbers`` are those of the chunk."""
        for k, (number, value, seconds) in enumerate(zip(numbers, self.values, self.seconds, strict=False)):
            if type(value) in _HERE and k not in self.failed:
                yield number, _outcome((value, None, seconds))
            else:
                yield number, self.outcome(k, number, task)

    def outcome(self, k: int, number: int, task: Task) -> Outcome:
        """Return what came of the ``k``-th call of the chunk, which is call ``number`` of the task."""
        value, seconds, name = self.values[k], self.seconds[k], task.name
        if k in self.failed:
            if isinstance(value, Failure):
                return Outcome(None, arrived(value, number, name, task.file), seconds)
            return Outcome(None, explained(value, number, name), seconds)
        kind = type(value)
        if kind is _Bytes:
            try:
                return Outcome(pickle.loads(value.data), None, seconds)
            except Exception as error:  # whatever objects raise when they are read
                return Outcome(None, _lost("be read here", f"{type(error).__name__}: {error}", number, name), seconds)
        if kind is _Unsent:
            return Outcome(None, _lost("be pickled", value.why, number, name), seconds)
        return Outcome(value, None, seconds)


def _lost(what: str, why: str, number: int, name: str) -> DataError:
    return DataError(
        f"{name} returned for call {number} what cannot {what}, so that it did not arrive: {why}.\n"
        "  Return arrays and plain data, or use executor='threads'."
    )


def _done(values: list[Any], seconds: bytes, failed: set[int], nbytes: int, unread: Any, wanted: bool) -> Done:
    done = Done()
    done.values, done.failed, done.nbytes, done.unread, done.wanted = values, failed, nbytes, unread, wanted
    done.seconds.frombytes(seconds)
    return done


def run(task: Task, chunk: Chunk, begin: Callable[[int], None] | None = None, budget: float = BUDGET) -> Done:
    """Make the calls of a chunk, in whichever thread or process this is.

    Parameters
    ----------
    begin
        Is told the number of each call before it begins.
    budget
        Seconds after which no further call begins.
    """
    done = Done()
    if not task.wanted:
        done.wanted = False
        return done
    if task.unread is not None:
        done.unread = packed(task.unread)
        return done
    fn, values, seconds, nbytes = task.fn, done.values, done.seconds, 0
    since = perf_counter()
    until = since + budget
    for k, call in enumerate(chunk.calls):
        if begin is not None:
            begin(chunk.numbers[k])
        try:
            value = fn(**call) if call.__class__ is dict else fn(**_received(call))
        except BaseException as error:  # a SystemExit too: it is raised where the outcomes are wanted
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            done.failed.add(k)
            value = error
            task.over = task.over or task.stops  # also for the chunk that waits behind this one
        values.append(value)
        nbytes += weight(value)
        now = perf_counter()
        seconds.append(now - since)
        if now > until or nbytes > _HEAVY or task.over:
            break
        since = now
    done.nbytes = nbytes
    return done


def _received(call: Any) -> Call:
    """Return the arguments of a call that are no dict here, or that came as bytes."""
    if isinstance(call, _Unsent):
        raise DataError(
            f"the arguments of a call cannot be pickled for another process: {call.why}.\n"
            "  Pass arrays and plain data, or use executor='threads'."
        )
    if not isinstance(call, _Bytes):
        return dict(call)
    try:
        received: Call = pickle.loads(call.data)
    except Exception as error:
        raise DataError(
            f"the arguments of a call cannot be read in the worker: {type(error).__name__}: {error}.\n"
            "  Pass arrays and plain data, or see to it that their module can be imported there."
        ) from error
    return received


def unreadable(task: Task, failure: Failure) -> HeadraceError:
    """Return what to raise when workers cannot read the function."""
    return StreamConfigError(
        f"{task.name} cannot be read by the workers: {failure.said}.\n"
        "  Its module must be importable there, or be the main program."
    )
