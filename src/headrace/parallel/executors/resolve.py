"""Who runs the calls: from what a user hands over to how chunks are handed out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.parallel.executors import joblibs, on_dask, on_ray
from headrace.parallel.executors.chunk import run
from headrace.parallel.executors.counting import cpus, workers_of
from headrace.parallel.executors.crew import Crew, Engine
from headrace.parallel.executors.futures import FutureCrew, Submit
from headrace.parallel.executors.on_ray import RayExecutor
from headrace.parallel.executors.pools import Watch, applied, apply_of
from headrace.parallel.executors.processes import ProcessCrew
from headrace.parallel.executors.task import Task
from headrace.parallel.executors.threads import ThreadCrew

__all__ = ["resolve"]

_NEAR_POOLS: Final = ("multiprocessing.pool.Pool", "multiprocess.pool.Pool", "billiard.pool.Pool")
_LOKYS: Final = "loky.process_executor.ProcessPoolExecutor"  # joblib has a copy of its own


def resolve(executor: Any = None, parallel: bool | int = False, num_workers: int | None = None) -> Engine | None:
    """Return who runs the calls, or None where they are to run here, one after another.

    Parameters
    ----------
    executor
        An instance with ``submit`` (of concurrent.futures, loky, mpi4py.futures, dask.distributed, submitit,
        :class:`RayExecutor`, ...) or with ``apply_async`` (multiprocessing's pools, ipyparallel's views): it is used,
        and never shut down. Or a name: ``"serial"``, ``"threads"``, ``"processes"``, ``"dask"``, ``"ray"``,
        ``"mpi"``, ``"joblib"``.
    parallel
        True for worker processes of our own, one per processor; a number for so many.
    num_workers
        How many, which asks for worker processes where nothing else is asked for. With an executor that does not say
        how many it has, it says so.

    Returns
    -------
    engine
        With nothing asked for, that of a ``joblib.parallel_config`` around the call where there is one, and else None.

    Raises
    ------
    StreamConfigError
        When ``executor`` is none, or a number makes no sense.
    MissingExtraError
        When the package that a name stands for is not installed.

    Examples
    --------
    >>> resolve() is None, resolve("serial") is None
    (True, True)
    >>> resolve(parallel=4).name
    '4 processes'
    """
    n = _number("num_workers", num_workers)
    if n is None and parallel and not isinstance(parallel, bool | np.bool_):
        n = _number("parallel", parallel)
    if isinstance(executor, Engine):
        return executor
    if isinstance(executor, str):
        return _named(executor, n)
    if executor is not None:
        return _handed(executor, n)
    if (found := joblibs.context()) is not None:
        return _joblib(n or found[1])
    return _processes(n) if parallel or n is not None else None


def _number(name: str, given: Any) -> int | None:
    if given is None:
        return None
    try:
        n = given.__index__()
    except (AttributeError, TypeError):
        n = 0
    if n < 1:
        hint = (
            "Pass parallel=True for one per processor." if name == "parallel" else "Leave it out for one per processor."
        )
        raise StreamConfigError(f"{name}= got {given!r}, wanted a number of workers of at least 1.\n  {hint}")
    return int(n)


# --- by name ----------------------------------------------------------------------------------------


def _named(name: str, n: int | None) -> Engine | None:
    if name not in _NAMES:
        raise StreamConfigError(
            f"executor= got {name!r}, wanted one of {', '.join(map(repr, _NAMES))}, or an instance with submit or "
            "apply_async.\n  Hand over the executor itself, as in executor=ProcessPoolExecutor(4)."
        )
    return _NAMES[name](n)


def _serial(n: int | None) -> None:
    return None


def _threads(n: int | None) -> Engine:
    n = n or cpus()
    return Engine(f"{n} threads", partial(ThreadCrew, workers=n), ours=True)


def _processes(n: int | None) -> Engine:
    n = n or cpus()
    return Engine(f"{n} processes", partial(ProcessCrew, workers=n), apart=True, ours=True)


def _joblib(n: int | None) -> Engine:
    return Engine("joblib", partial(joblibs.JoblibCrew, jobs=n))


def _dask(n: int | None) -> Engine:
    return _handed(on_dask.client(n), n)


def _ray(n: int | None) -> Engine:
    ray: Any = optional("ray", "cluster", "executor='ray'")
    return _handed(RayExecutor() if ray.is_initialized() else RayExecutor(num_cpus=n), n)


def _mpi(n: int | None) -> Engine:
    futures: Any = optional("mpi4py.futures", "cluster", "executor='mpi'")
    if n not in _mpis:  # which mpi4py ends with the program
        _mpis[n] = futures.MPIPoolExecutor(n) if n is not None else futures.MPIPoolExecutor()
    return _handed(_mpis[n], n)


_mpis: dict[int | None, Any] = {}


_NAMES: Final[dict[str, Callable[[int | None], Engine | None]]] = {
    "serial": _serial,
    "threads": _threads,
    "processes": _processes,
    "dask": _dask,
    "ray": _ray,
    "mpi": _mpi,
    "joblib": _joblib,
}


# --- handed over ------------------------------------------------------------------------------------


def _handed(executor: Any, n: int | None) -> Engine:
    name = _name(executor)
    if isinstance(executor, type):
        raise StreamConfigError(
            f"executor= got the class {executor.__name__}, wanted an instance.\n  Call it: {executor.__name__}(...)."
        )
    if pools := [kind for kind in _kinds(executor) if kind.endswith(".pool.Pool")]:  # a ThreadPool is one, too
        near = pools[-1] in _NEAR_POOLS and not any(kind.endswith(".pool.ThreadPool") for kind in _kinds(executor))
        return _futures(name, executor, applied(executor), n, apart=near, near=near, watch=True)
    if isinstance(executor, RayExecutor):
        return _futures(name, executor, on_ray.submit_of(executor), n)
    if hasattr(executor, "submit"):
        if _package(executor) == "distributed":
            return _futures(name, executor, on_dask.submit_of(executor), n)
        near = _makes_processes(executor)
        return _futures(name, executor, _submit_of(executor), n, apart=near, near=near)
    if hasattr(executor, "apply_async"):
        return _futures(name, executor, apply_of(executor), n)
    raise StreamConfigError(
        f"executor= got {executor!r}, wanted an instance with submit or apply_async, or one of "
        f"{', '.join(map(repr, _NAMES))}.\n  Pools of concurrent.futures, loky, multiprocessing, dask, Ray, mpi4py, "
        "submitit and ipyparallel have one of them."
    )


def _futures(
    name: str,
    executor: Any,
    submit: Submit,
    n: int | None,
    *,
    apart: bool = False,
    near: bool = False,
    watch: bool = False,
) -> Engine:
    def hire(task: Task) -> Crew:
        workers = workers_of(executor, n, name)
        return FutureCrew(task, submit, workers, Watch(executor) if watch and near else None)

    return Engine(name, hire, apart=apart, near=near)


def _submit_of(executor: Any) -> Submit:
    return lambda task, chunk: executor.submit(run, task, chunk)


def _makes_processes(executor: Any) -> bool:
    """Tell whether an executor is known to run calls in processes of this machine."""
    return any(kind.endswith(("concurrent.futures.process.ProcessPoolExecutor", _LOKYS)) for kind in _kinds(executor))


def _kinds(executor: Any) -> list[str]:
    """Return the classes of an executor by name: nothing has to be imported to know them."""
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in type(executor).__mro__]


def _package(executor: Any) -> str:
    return type(executor).__module__.partition(".")[0]


def _name(executor: Any) -> str:
    return f"the {type(executor).__name__} handed over"
