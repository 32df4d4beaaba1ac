"""The loop that hands calls out and takes in what came of them, whoever runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any

from headrace.errors import WorkerError
from headrace.parallel.executors.chunk import Call, unreadable
from headrace.parallel.executors.crew import Crew, Engine, Report
from headrace.parallel.executors.failure import explained
from headrace.parallel.executors.outcome import Outcome
from headrace.parallel.executors.resolve import resolve
from headrace.parallel.executors.sizes import Sizes
from headrace.parallel.executors.source import Source
from headrace.parallel.executors.task import Task, name_of
from headrace.parallel.undisturbed import undisturbed

__all__ = ["outcomes"]


def outcomes(
    fn: Callable[..., Any],
    calls: Iterable[Call],
    *,
    executor: Any = None,
    parallel: bool | int = False,
    num_workers: int | None = None,
    cancel: bool = True,
    stops: bool = False,
) -> Iterator[tuple[int, Outcome]]:
    """Give what comes of each call of ``fn``, with the number of the call, as they finish.

    Cheap calls travel together, without being asked for: how many is learnt from how long the first ones take. So many
    are under way that nobody waits, and no more, however slowly the outcomes are taken. What a call raises is its
    outcome; the others go on.

    Parameters
    ----------
    fn
        The function. It travels to processes by cloudpickle, once: lambdas and functions of a notebook work.
    calls
        Keyword arguments of each call. They are drawn as they are needed, and numbered from 0.
    executor, parallel, num_workers
        Who runs them, as :func:`resolve` says.
    cancel
        Whether closing early gives up the calls under way. Those that have not begun are given up in either case;
        with False, closing waits for the others.
    stops
        Whether the caller ends with the first failure: then no call that travels with it is made after it, and of what
        arrives together the failure comes last.

    Yields
    ------
    number, outcome
        In the order in which the calls finish; serially, in the order of the calls.

    Raises
    ------
    StreamConfigError
        When the executor is none, or the function cannot be sent.
    WorkerError
        When an executor fails: its message names the calls that are lost. A worker of our own that dies is the
        outcome of the call that it died of.

    Examples
    --------
    >>> for number, outcome in outcomes(lambda x: 1 / x, [{"x": 2}, {"x": 0}]):
    ...     print(number, outcome.value, repr(outcome.error))
    0 0.5 None
    1 None ZeroDivisionError('division by zero')
    """
    engine = executor if isinstance(executor, Engine) else resolve(executor, parallel, num_workers)
    return _serial(fn, calls) if engine is None else _gathered(fn, calls, engine, cancel, stops)


def _serial(fn: Callable[..., Any], calls: Iterable[Call]) -> Iterator[tuple[int, Outcome]]:
    name = name_of(fn)
    for number, call in enumerate(calls):
        since = perf_counter()
        try:
            outcome = Outcome(fn(**call), None, perf_counter() - since)
        except Exception as error:
            seconds = perf_counter() - since
            outcome = Outcome(None, explained(error, number, name), seconds)
        yield number, outcome


def _gathered(
    fn: Callable[..., Any], calls: Iterable[Call], engine: Engine, cancel: bool, stops: bool
) -> Iterator[tuple[int, Outcome]]:
    task: Task | None = None
    crew: Crew | None = None
    try:
        with undisturbed():  # no Ctrl-C comes between a file that is made and its name
            task = Task(fn, near=engine.near, stops=stops)
        if engine.apart:
            task.as_bytes()  # raises now what could otherwise only be told by a worker
        crew = engine.hire(task)
        source = Source(calls, Sizes(crew.workers, crew.heavy))
        crew.feed(source)
        while reports := crew.wait():
            for report in sorted(reports, key=_fails) if stops else reports:
                yield from _told(report, source, task, engine)
            crew.feed(source)
    except GeneratorExit:
        if task is not None:
            task.finish()  # so that nothing more begins
        while crew is not None and not cancel and crew.wait():
            pass
        raise
    finally:
        with undisturbed():
            if task is not None:
                task.finish()
            if crew is not None:
                crew.close()


def _fails(report: Report) -> bool:
    """Tell whether some call of a chunk failed, or all are lost."""
    return report.done is None or bool(report.done.failed) or bool(report.lost)


def _told(report: Report, source: Source, task: Task, engine: Engine) -> Iterator[tuple[int, Outcome]]:
    """Give the outcomes of a chunk, and give back to the source what has to be done again or has not begun."""
    done, numbers = report.done, report.chunk.numbers
    if report.error is not None:
        if engine.ours:
            raise report.error
        raise _broken(engine, numbers, report.error) from report.error
    n = 0
    if done is not None:
        if done.unread is not None:
            raise unreadable(task, done.unread)
        if not done.wanted and not (task.stops and task.there):  # after a failure that is to come
            raise WorkerError(
                f"{engine.name} did not run {_listed(numbers)} of {task.name}: the file {task.path} is gone, which says "
                "that nobody waits for them.\n  Leave the files headrace-*.task in the folder for temporary files alone."
            )
        source.sizes.learn(done)
        n = len(done.values)
    if n + len(report.lost) < len(numbers):
        source.give_back(report.chunk, n, report.lost)
    for pair in () if done is None else done.outcomes(numbers, task):
        error = pair[1].error
        if error is not None and not isinstance(error, Exception):
            raise error  # a SystemExit ends the run, as it would serially
        yield pair
    for k, outcome in report.lost.items():
        yield numbers[k], outcome


def _broken(engine: Engine, numbers: list[int], error: BaseException) -> WorkerError:
    return WorkerError(
        f"{engine.name} lost {_listed(numbers)}: {type(error).__qualname__}: {error}\n"
        "  It is the executor that failed, and not the function: perhaps a worker was killed, or memory ran out. "
        "Hand over a fresh one, or use parallel=, whose workers are replaced."
    )


def _listed(numbers: list[int]) -> str:
    """Return the numbers of calls as a person would list them.

    Examples
    --------
    >>> _listed([3]), _listed([3, 4, 5, 9])
    ('call 3', 'calls 3 to 5, 9')
    """
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    told = [f"{a}" if a == b else f"{a} to {b}" for a, b in spans[:20]] + (["..."] if len(spans) > 20 else [])
    return f"call{'s' if len(numbers) > 1 else ''} {', '.join(told)}"
