"""Ray as an executor like those of concurrent.futures."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from headrace.core.notes import warn
from headrace.core.optional import optional
from headrace.parallel.executors.chunk import Chunk, run
from headrace.parallel.executors.futures import Submit
from headrace.parallel.executors.task import Task

__all__ = ["RayExecutor", "RayFuture", "RayGPUExecutor", "submit_of"]

_KEPT: Final = 32  # functions that Ray has been given, and that are not given again


class RayFuture:
    """What a call that Ray runs will return.

    Attributes
    ----------
    ref
        Ray's reference to it.
    """

    ref: Any

    def __init__(self, ref: Any) -> None:
        self.ref = ref

    def result(self, timeout: float | None = None) -> Any:
        """Return what the call returned, after waiting for it; raises what it raised.

        Raises
        ------
        TimeoutError
            When it is not there after ``timeout`` seconds.
        """
        return _ray().get(self.ref, timeout=timeout)

    def done(self) -> bool:
        """Whether it is there, or has failed."""
        ready, _ = _ray().wait([self.ref], timeout=0)
        return bool(ready)

    def cancel(self) -> bool:
        """Give it up, whether or not it has begun; return whether it had not been done."""
        done = self.done()
        if not done:
            _ray().cancel(self.ref)
        return not done

    def add_done_callback(self, tell: Callable[[RayFuture], Any]) -> None:
        """Call ``tell`` with this future when it is done, in a thread of Ray's."""
        self.ref.future().add_done_callback(lambda _: tell(self))


class RayExecutor:
    """Runs calls on Ray, with the interface of the executors of concurrent.futures.

    Parameters
    ----------
    *args, **kwargs
        Of ``ray.init``, where Ray has not been started yet.
    default_remote_opts
        Options of every call, as ``ray.remote`` takes them: ``{"num_cpus": 2}``.

    Raises
    ------
    MissingExtraError
        When Ray is not installed.
    """

    default_remote_opts: dict[str, Any]

    def __init__(self, *args: Any, default_remote_opts: dict[str, Any] | None = None, **kwargs: Any) -> None:
        ray = _ray()
        self._started = not ray.is_initialized()
        if self._started:
            ray.init(*args, **kwargs)
        elif args or any(value is not None for value in kwargs.values()):
            warn(
                "RayExecutor got arguments for ray.init, but Ray runs already: they are ignored.\n"
                "  Leave them out, or call ray.shutdown() before."
            )
        self.default_remote_opts = dict(default_remote_opts or {})
        self._functions: dict[int, tuple[Any, Any]] = {}
        self._stored: dict[int, tuple[Any, Any]] = {}

    @property
    def num_workers(self) -> int:
        """How many calls run at the same time: what Ray has, divided by what a call takes."""
        have, opts = _ray().cluster_resources(), self.default_remote_opts
        takes = {"CPU": opts.get("num_cpus", 1), "GPU": opts.get("num_gpus", 0), **(opts.get("resources") or {})}
        return max(1, int(min((have.get(name, 0) / much for name, much in takes.items() if much), default=1)))

    def submit(
        self, fn: Any, *args: Any, pure: bool = False, remote_opts: dict[str, Any] | None = None, **kwargs: Any
    ) -> RayFuture:
        """Have Ray call ``fn``; return the future of what it returns.

        Parameters
        ----------
        fn
            A function; or any other callable, which is put into Ray's store once.
        *args, **kwargs
            Of the call. Futures and references of Ray's in them, lists, tuples and dicts included, are what they will
            return, wherever that is.
        pure
            Taken and not used, as dask's executors have it: no call is ever taken for an equal one.
        remote_opts
            Options of this call, over the default ones.
        """
        opts = {**self.default_remote_opts, **(remote_opts or {})}
        refs: list[Any] = []
        form = _laid_out((args, kwargs), refs)
        if inspect.isfunction(fn) and not refs:
            return RayFuture(self._remote(fn, opts).remote(*args, **kwargs))
        return RayFuture(self._remote(_call, opts).remote(self._stored_ref(fn), form, *refs))

    def _remote(self, fn: Any, opts: dict[str, Any]) -> Any:
        remote = _kept(self._functions, fn, _ray().remote)
        return remote.options(**opts) if opts else remote

    def _stored_ref(self, fn: Any) -> Any:
        return _kept(self._stored, fn, _ray().put)

    def map(self, func: Any, *iterables: Iterable[Any], remote_opts: dict[str, Any] | None = None) -> Iterator[Any]:
        """Have Ray call ``func`` with the items of the iterables; give what it returns, in their order."""
        futures = [self.submit(func, *items, remote_opts=remote_opts) for items in zip(*iterables, strict=False)]
        return (future.result() for future in futures)

    def scatter(self, data: Any) -> Any:
        """Put ``data`` into Ray's store; return the reference, which calls take as the data itself."""
        return _ray().put(data)

    def shutdown(self) -> None:
        """End Ray, where this executor has started it."""
        self._functions.clear()
        self._stored.clear()
        if self._started:
            _ray().shutdown()

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()


class RayGPUExecutor(RayExecutor):
    """Runs calls on Ray, each with GPUs of its own.

    Parameters
    ----------
    *args, **kwargs
        As of :class:`RayExecutor`.
    gpus_per_task
        How many a call takes; a fraction shares one.
    """

    def __init__(self, *args: Any, gpus_per_task: float = 1, **kwargs: Any) -> None:
        opts = {"num_gpus": gpus_per_task, **(kwargs.pop("default_remote_opts", None) or {})}
        super().__init__(*args, default_remote_opts=opts, **kwargs)


def submit_of(executor: RayExecutor) -> Submit:
    """Return how a chunk is handed to Ray: the function is put into its store once."""
    sent: dict[int, Any] = {}

    def submit(task: Task, chunk: Chunk) -> _DoneFuture:
        if id(task) not in sent:
            sent.clear()
            sent[id(task)] = executor.scatter(task)
        return _DoneFuture(executor.submit(_run, sent[id(task)], chunk).ref)

    return submit


class _DoneFuture(RayFuture):
    """The future of a chunk. Arrays that Ray hands out itself lie in its store, and cannot be written to."""

    def result(self, timeout: float | None = None) -> Any:
        return pickle.loads(super().result(timeout))


def _run(task: Task, chunk: Chunk) -> bytes:
    return pickle.dumps(run(task, chunk), protocol=5)


def _ray() -> Any:
    return optional("ray", "cluster", "RayExecutor")


def _kept(known: dict[int, tuple[Any, Any]], thing: Any, make: Callable[[Any], Any]) -> Any:
    """Return ``make(thing)``, the one of last time where there was one; things are told apart by identity."""
    if id(thing) not in known:
        while len(known) >= _KEPT:
            del known[next(iter(known))]
        known[id(thing)] = thing, make(thing)
    return known[id(thing)][1]


class _Place(NamedTuple):
    """Where in the arguments what a future will return belongs."""

    number: int


def _laid_out(thing: Any, refs: list[Any]) -> Any:
    """Return ``thing`` with places where futures and references were; these are appended to ``refs``."""
    ref = thing.ref if isinstance(thing, RayFuture) else thing if isinstance(thing, _ray().ObjectRef) else None
    if ref is not None:
        refs.append(ref)
        return _Place(len(refs) - 1)
    return _mapped(thing, lambda each: _laid_out(each, refs))


def _filled(thing: Any, values: tuple[Any, ...]) -> Any:
    if isinstance(thing, _Place):
        return values[thing.number]
    return _mapped(thing, lambda each: _filled(each, values))


def _mapped(thing: Any, change: Callable[[Any], Any]) -> Any:
    kind = type(thing)
    if kind is list or kind is tuple:
        return kind(map(change, thing))
    return {name: change(each) for name, each in thing.items()} if kind is dict else thing


def _call(fn: Any, form: Any, *values: Any) -> Any:
    args, kwargs = _filled(form, values)
    return fn(*args, **kwargs)
