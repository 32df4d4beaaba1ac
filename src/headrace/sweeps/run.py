"""The engine of every sweep: calls a function at points, here or wherever an executor runs, and hands on what comes.

Serially a call costs a turn of a loop: calls are made in slices of about a twentieth of a second, and what is counted,
timed, shown and placed is so once a slice. Where a function takes ``rng``, its generator is at the address of the point
(``point_key`` of its settings) below the sweep's seed: the same in any order, process and round.
"""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.core.functions import takes_rng
from headrace.core.items import nbytes
from headrace.core.key import Key, Seed, seed_integer
from headrace.errors import StreamConfigError
from headrace.sweeps.failures import FailFast, Failure, OnError, check_on_error, failure, note
from headrace.sweeps.outputs import FIXED, own
from headrace.sweeps.parse import GIVEN
from headrace.sweeps.points import Points, point_key
from headrace.sweeps.progress import Progress

if TYPE_CHECKING:
    from headrace.parallel.executors import Engine, Outcome

Places = Sequence[int]
Take = Callable[[Places, list[Any]], None]
Keep = Callable[[Any], Any]
_two_words: Final = struct.Struct("<QQ").unpack
_SLICE: Final = 0.05  # seconds of calls between two looks at the clock
_MOST: Final = 512  # calls in a slice: more results than these would be walked over by the garbage collector,
_HELD: Final = 1 << 20  # and about how many bytes of them
_ELSEWHERE: Final = {  # settings of others, which reach a runner where they are misspelt or misplaced
    **dict.fromkeys(("missing_only", "overwrite", "sync"), "Harvester.harvest_combos"),
    **dict.fromkeys(("chunks", "engine", "data_name", "full_ds", "allow_pickle"), "Harvester"),
    **dict.fromkeys(("harvester", "sampler"), "label"),
    **dict.fromkeys(("var_names", "var_dims", "var_coords", "fn_args", "resources", "attrs"), "Runner"),
    **dict.fromkeys(("combos", "cases", "constants"), "run_combos and harvest_combos"),
    "to_df": "Runner",
    "default_combos": "Sampler",
}


class How(NamedTuple):
    """How a sweep is run: everything that changes no result.

    Attributes
    ----------
    shuffle : bool or int
        Run in another order; a number is the seed of that order. Results come back in order all the same.
    parallel, executor, num_workers
        Where calls run: see :mod:`headrace.parallel.executors`.
    verbosity : int
        0 for silence, 1 for a progress bar, 2 for the settings of the last call beside it.
    desc : str, optional
        What stands before the bar.
    on_error : {"raise", "keep", "nan"}
        Whether the first error ends the sweep, or failed calls are kept apart, or simply are missing.
    fail_fast : bool
        Whether a sweep that goes on after errors ends when its first calls all fail alike.
    seed : int
        The root of the random numbers of functions that take ``rng``.
    """

    shuffle: Any = False
    parallel: Any = False
    executor: Any = None
    num_workers: Any = None
    verbosity: int = 1
    desc: str | None = None
    on_error: OnError = "raise"
    fail_fast: bool = True
    seed: Seed = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any], who: str) -> How:
        """Return these settings, or raise for one that there is not."""
        unknown = [name for name in settings if name not in cls._fields]
        if unknown:
            raise StreamConfigError(_unknown(who, unknown[0], cls._fields))
        made = cls(**settings)
        for name in ("shuffle", "verbosity"):
            if not _is_whole(settings.get(name, 0)):
                raise StreamConfigError(
                    f"{who} got {name}={settings[name]!r}, wanted "
                    + ("True, False or a whole number: the seed of the order." if name == "shuffle" else "0, 1 or 2.")
                    + f"\n  Leave {name} out for the usual way."
                )
        check_on_error(made.on_error)
        seed_integer(made.seed)
        return made

    @property
    def key(self) -> Key:
        """The root of random numbers."""
        return Key(self.seed)

    def engine(self) -> Engine | None:
        """Return who runs the calls; None for here, one after the other."""
        nothing = self.executor is None and self.num_workers is None and not self.parallel
        if nothing and "joblib" not in sys.modules:  # whose context may name a backend
            return None
        from headrace.parallel.executors import resolve  # many modules that a serial sweep does not need

        return resolve(self.executor, self.parallel, self.num_workers)


def _is_whole(value: Any) -> bool:
    try:
        return value is None or (not isinstance(value, str) and int(value) == value)
    except (TypeError, ValueError, OverflowError):
        return False


def _unknown(who: str, name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # of errors only

    near = get_close_matches(name, [*known, *_ELSEWHERE], 1)
    meant = ""
    if near:
        whose = f" of {_ELSEWHERE[near[0]]}" if near[0] in _ELSEWHERE else ""
        meant = f" Did you mean {near[0]!r}{whose}?"
        if near[0] == name:
            meant = f" {name!r} is one{whose}."
    return f"{who} got the setting {name!r}, wanted one of {', '.join(known)}.{meant}"


class Left(Exception):  # it is never told: a SystemExit is made of it
    """A function left Python, in a worker."""

    def told(self) -> SystemExit:
        """Return what it did, with what was noted since."""
        made = SystemExit(*self.args).with_traceback(self.__traceback__)
        for text in getattr(self, "__notes__", ()):
            made.add_note(text)
        return made


class Task:
    """A function with its fixed arguments and its random numbers: what travels to workers, once.

    Parameters
    ----------
    fn
        The function.
    fixed
        Arguments that are the same in every call, and win over settings of the same name.
    key
        The root of its random numbers.
    """

    def __init__(self, fn: Callable[..., Any], fixed: Mapping[str, Any], key: Key) -> None:
        self.fn: Callable[..., Any] = fn
        self.fixed: dict[str, Any] = dict(fixed)
        self.key: Key | None = key.child("point") if GIVEN not in fixed and takes_rng(fn) else None

    def __call__(self, /, **settings: Any) -> Any:  # an argument may be called self
        if self.key is not None:
            return self.fn(**{**settings, **self.fixed, GIVEN: self.rng(point_key(settings))})
        return self.fn(**{**settings, **self.fixed})

    def rng(self, key: bytes) -> Any:
        """Return the generator of the point with a key."""
        assert self.key is not None
        return self.key.child(key.hex()).rng()

    def walk(self, points: Points, at: Places | None) -> Iterator[dict[str, Any]]:
        """Yield the arguments of each call, in one dict that changes."""
        walk = points.walk(self.fixed, at)
        return walk if self.key is None else self._with_rng(walk, points, at)

    def _with_rng(self, walk: Iterator[dict[str, Any]], points: Points, at: Places | None) -> Iterator[dict[str, Any]]:
        assert self.key is not None
        keys = points.keys() if at is None else (point_key(points[i]) for i in at)
        moved = _Moved(self.key)
        for settings, key in zip(walk, keys, strict=True):
            settings[GIVEN] = moved.to(key)
            yield settings


class Held:
    """A task as workers call it, where a SystemExit would end the run of all: it travels as what a sweep can go on after."""

    def __init__(self, task: Task) -> None:
        self.task: Task = task
        self.fn: Callable[..., Any] = task.fn  # whose name errors tell

    def __call__(self, /, **settings: Any) -> Any:
        try:
            return self.task(**settings)
        except SystemExit as leaving:
            raise Left(leaving.code).with_traceback(leaving.__traceback__) from None


class _Moved:
    """One generator that is moved to the address of each point, at half the cost of one for each; valid during a call."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._rng = key.rng()
        self._bit_generator = self._rng.bit_generator
        self._words: list[int] = [0, 0]
        self._state = {
            "bit_generator": "Philox",
            "state": {"counter": [0, 0, 0, 0], "key": self._words},
            "buffer": [0, 0, 0, 0],
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }

    def to(self, key: bytes) -> Any:
        """Return the generator at the point with a key: the numbers of :meth:`Task.rng`."""
        self._words[:] = _two_words(self._key.child(key.hex()).bits)
        self._bit_generator.state = self._state
        return self._rng


def sweep(task: Task, points: Points, how: How, take: Take, *, owned: bool = False) -> list[Failure]:
    """Call a task at points, and give what comes to ``take(places, values)``; return what failed.

    Parameters
    ----------
    task, points, how
        What is called, where, and in which way.
    take
        Is handed numbers of points and their results, some at a time. A failed call has its
        :class:`~headrace.sweeps.failures.Failure` for a result. Before an error is raised, what came is handed over.
    owned
        Whether results of calls here are copied where a later call could change them.
    """
    at = order_of(len(points), how.shuffle)
    engine = how.engine()
    bar = Progress(len(points), how.verbosity, how.desc)
    watch = _Watch(task.fn, points, how)
    try:
        if engine is None:
            _here(task, points, at, watch, bar, take, own if owned else None)
        else:
            _elsewhere(task, points, at, engine, watch, bar, take)
    finally:
        bar.close()
    return watch.failures


def order_of(n: int, shuffle: Any) -> list[int] | None:
    """Return the order in which points are run; None for their own.

    Examples
    --------
    >>> order_of(3, False), sorted(order_of(3, 7)), order_of(5, 7) == order_of(5, 7)
    (None, [0, 1, 2], True)
    """
    if not shuffle:
        return None
    order = list(range(n))
    random.Random(int(shuffle)).shuffle(order)  # a generator of its own: the global one is the user's
    return order


class _Watch:
    """What is done about errors."""

    def __init__(self, fn: Callable[..., Any], points: Points, how: How) -> None:
        self.fn, self.points = fn, points
        self.goes_on = how.on_error != "raise"
        self.fast = FailFast() if how.fail_fast and self.goes_on else None
        self.failures: list[Failure] = []

    def failed(self, i: int, error: BaseException) -> Failure:
        """Return what is kept of the failed call of point ``i``, or raise its error."""
        settings = self.points[i]
        # A function that leaves Python, as argparse does, has failed; Ctrl-C is no failure.
        if (
            not self.goes_on
            or not isinstance(error, Exception | SystemExit)
            or (self.fast is not None and self.fast.failed(error))
        ):
            note(error, self.fn, settings)
            raise error
        made = failure(self.fn, settings, error)
        self.failures.append(made)
        return made

    def succeeded(self) -> None:
        if self.fast is not None:
            self.fast.succeeded()


def _here(
    task: Task, points: Points, at: list[int] | None, watch: _Watch, bar: Progress, take: Take, kept: Keep | None
) -> None:
    walk, fn, size = task.walk(points, at), task.fn, len(points)
    lo, n, most = 0, 1, _MOST
    order: Places = range(size) if at is None else at
    while lo < size:
        out: list[Any] = []
        failed = len(watch.failures)
        began = perf_counter()
        if bar.detailed:
            bar.show(points[order[lo]])
        try:
            if watch.goes_on:
                _forgiving(fn, islice(walk, n), out, watch, order, lo, kept)
            else:
                _calls(fn, islice(walk, n), out, kept)
        except BaseException as error:
            done = lo + len(out)
            with suppress(Exception):  # what was raised first is told
                take(order[lo:done], out)
            if done < size:
                note(error, fn, points[order[done]])
            raise
        passed = perf_counter() - began
        take(order[lo : lo + len(out)], out)
        if lo == 0:
            most = max(1, min(most, _HELD // max(1, _bytes(out[0]))))
        lo += len(out)
        bar.update(len(out), failed=len(watch.failures) - failed)
        n = max(1, min(n * 2 if passed < _SLICE / 2 else n // 2 if passed > _SLICE else n, most))


def _calls(fn: Callable[..., Any], walk: Iterator[dict[str, Any]], out: list[Any], kept: Keep | None) -> None:
    append, fixed = out.append, FIXED
    if kept is None:
        for settings in walk:
            append(fn(**settings))
        return
    for settings in walk:
        made = fn(**settings)
        append(made if type(made) in fixed else kept(made))


def _forgiving(
    fn: Callable[..., Any],
    walk: Iterator[dict[str, Any]],
    out: list[Any],
    watch: _Watch,
    order: Places,
    lo: int,
    kept: Keep | None,
) -> None:
    for settings in walk:
        try:
            made = fn(**settings)
            if kept is not None:
                made = kept(made)
            watch.succeeded()
        except (Exception, SystemExit) as error:
            made = watch.failed(order[lo + len(out)], error)
        out.append(made)


def _elsewhere(
    task: Task, points: Points, at: list[int] | None, engine: Engine, watch: _Watch, bar: Progress, take: Take
) -> None:
    places: list[int] = []
    values: list[Any] = []
    held, looked = 0, perf_counter()
    failed = 0

    def hand_over() -> None:
        nonlocal places, values, held, failed, looked
        if places:
            taken, made = places, values
            places, values, held, looked = [], [], 0, perf_counter()
            take(taken, made)
            bar.update(len(taken), points[taken[-1]] if bar.detailed else None, len(watch.failures) - failed)
            failed = len(watch.failures)

    from headrace.parallel.executors import outcomes

    coming = outcomes(Held(task), map(dict, points.walk({}, at)), executor=engine, stops=not watch.goes_on)
    weight = 0
    try:
        for number, (value, error, _) in coming:
            i = number if at is None else at[number]
            if error is not None:
                value = watch.failed(i, error.told() if isinstance(error, Left) else error)
            else:
                watch.succeeded()
                weight = weight or _bytes(value)
            places.append(i)
            values.append(value)
            held += weight
            if held > _HELD or len(places) >= _MOST or perf_counter() - looked > _SLICE:
                hand_over()
    finally:
        _close(coming)
        with suppress(Exception) if sys.exc_info()[0] else nullcontext():  # what was raised first is told
            hand_over()


def run_points(
    fn: Callable[..., Any],
    points: Points,
    *,
    constants: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    how: How = How(),  # noqa: B008  # a frozen tuple
    progress: Progress | None = None,
) -> Iterator[tuple[int, Outcome]]:
    """Yield (number of the point, outcome) as calls are done: for who keeps each result with its time.

    Parameters
    ----------
    fn, points
        What is called, and where; ``points.constants`` are handed over too.
    constants, resources
        Further arguments; constants win over resources, and both over settings of the same name.
    how
        Where and in which order; its ``verbosity`` shows a bar unless ``progress`` is given.
    progress
        A bar that the caller moves on itself, when what came is safe.

    Yields
    ------
    i, outcome
        ``outcome.value``, or ``outcome.error`` where the call failed and ``on_error`` says to go on, with a note of its
        arguments; ``outcome.seconds`` is what it took.

    Raises
    ------
    BaseException
        What the function raised, with a note of its arguments, after every outcome that came before it; and what the
        executor raised.
    """
    task = Task(fn, {**(resources or {}), **points.constants, **(constants or {})}, how.key)
    at = order_of(len(points), how.shuffle)
    watch = _Watch(fn, points, how)
    from headrace.parallel.executors import outcomes  # which an outcome needs, too

    engine = how.engine()
    bar = Progress(len(points), how.verbosity, how.desc) if progress is None else None
    coming: Any = (
        _one_by_one(task, points, at)
        if engine is None
        else outcomes(Held(task), map(dict, points.walk({}, at)), executor=engine, stops=not watch.goes_on)
    )
    try:
        for number, outcome in coming:
            i = number if at is None else at[number]
            if outcome.error is not None:
                if isinstance(outcome.error, Left):
                    outcome = outcome._replace(error=outcome.error.told())
                watch.failed(i, outcome.error)
            else:
                watch.succeeded()
            yield i, outcome
            if bar is not None:
                bar.update(1, points[i] if bar.detailed else None, outcome.error is not None)
    finally:
        _close(coming)
        if bar is not None:
            bar.close()


def _one_by_one(task: Task, points: Points, at: list[int] | None) -> Iterator[tuple[int, Outcome]]:
    from headrace.parallel.executors import Outcome

    fn, clock = task.fn, perf_counter
    for number, settings in enumerate(task.walk(points, at)):
        began = clock()
        try:
            made = Outcome(fn(**settings), None, clock() - began)
        except BaseException as error:  # Ctrl-C too: it is noted and raised where outcomes are looked at
            made = Outcome(None, error, clock() - began)
        yield number, made


def _close(outcomes: Any) -> None:
    """Cancel what has not begun."""
    close = getattr(outcomes, "close", None)
    if close is not None:
        close()


def _bytes(value: Any) -> int:
    """Return about how large a result is."""
    if isinstance(value, Failure):
        return 1
    found: int = nbytes(value) if not hasattr(value, "nbytes") else int(value.nbytes)
    return found
