"""Every kind of executor that calls can be handed to, made for one test module and ended behind it."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import multiprocessing.pool
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from headrace.parallel import executors
from support.require import require

Asked = dict[str, Any]  # keyword arguments of outcomes


class Kind(NamedTuple):
    """One kind of executor.

    ``apart`` tells that calls run in other processes, ``parallel`` that what finishes first is told first; ``dies`` whether a worker that ends is noticed at once (and not
    tried again and again first), and ``ours`` that it then costs one call only.
    """

    make: Callable[[], AbstractContextManager[Asked]]
    apart: bool
    parallel: bool = True
    dies: bool = False
    ours: bool = False


@contextmanager
def _none() -> Iterator[Asked]:
    yield {}


@contextmanager
def _threads() -> Iterator[Asked]:
    yield {"executor": "threads", "num_workers": 2}


@contextmanager
def _processes() -> Iterator[Asked]:
    yield {"parallel": 2}
    executors.shutdown()


@contextmanager
def _cf_threads() -> Iterator[Asked]:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {"executor": pool}


def _cf(method: str) -> Callable[[], AbstractContextManager[Asked]]:
    @contextmanager
    def make() -> Iterator[Asked]:
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            yield {"executor": pool}

    return make


@contextmanager
def _mp() -> Iterator[Asked]:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        yield {"executor": pool}
        pool.terminate()
        pool.join()


@contextmanager
def _mp_threads() -> Iterator[Asked]:
    with multiprocessing.pool.ThreadPool(2) as pool:
        yield {"executor": pool}


@contextmanager
def _loky() -> Iterator[Asked]:
    loky = require("loky")
    pool = loky.ProcessPoolExecutor(2)
    yield {"executor": pool}
    pool.shutdown(wait=True, kill_workers=True)


@contextmanager
def _joblib() -> Iterator[Asked]:
    require("joblib")
    yield {"executor": "joblib", "num_workers": 2}
    _end_lokys()


def _context(backend: str) -> Callable[[], AbstractContextManager[Asked]]:
    @contextmanager
    def make() -> Iterator[Asked]:
        with require("joblib").parallel_config(backend=backend, n_jobs=2):
            yield {}
        _end_lokys()

    return make


def _end_lokys() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)


@contextmanager
def _dask() -> Iterator[Asked]:
    distributed = require("distributed")
    with (
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield {"executor": client}


@contextmanager
def _dask_named() -> Iterator[Asked]:
    distributed = require("distributed")
    yield {"executor": "dask", "num_workers": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distributed.default_client().shutdown()


@contextmanager
def _ray() -> Iterator[Asked]:
    require("ray")
    paths = os.pathsep.join(path for path in sys.path if path)
    with executors.RayExecutor(
        num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": paths}}
    ) as pool:
        yield {"executor": pool}


@contextmanager
def _submitit() -> Iterator[Asked]:
    submitit = require("submitit")
    with tempfile.TemporaryDirectory() as folder:
        pool = submitit.LocalExecutor(folder=folder)
        pool.update_parameters(timeout_min=5)
        yield {"executor": pool, "num_workers": 2}


@contextmanager
def _view() -> Iterator[Asked]:
    ipyparallel = require("ipyparallel")
    with ipyparallel.Cluster(n=2, log_level=40) as client:
        yield {"executor": client.load_balanced_view()}


KINDS = {
    "serial": Kind(_none, apart=False, parallel=False),
    "threads": Kind(_threads, apart=False),
    "processes": Kind(_processes, apart=True, dies=True, ours=True),
    "cf-threads": Kind(_cf_threads, apart=False),
    "cf-fork": Kind(_cf("fork"), apart=True, dies=True),
    "cf-spawn": Kind(_cf("spawn"), apart=True, dies=True),
    "loky": Kind(_loky, apart=True, dies=True),
    "joblib": Kind(_joblib, apart=True, dies=True),
    "joblib-context-threading": Kind(_context("threading"), apart=False),
    "joblib-context-loky": Kind(_context("loky"), apart=True, dies=True),
    "joblib-context-multiprocessing": Kind(_context("multiprocessing"), apart=True, parallel=False),
    "mp-pool": Kind(_mp, apart=True, dies=True),
    "mp-threadpool": Kind(_mp_threads, apart=False),
    "dask": Kind(_dask, apart=True),
    "dask-by-name": Kind(_dask_named, apart=True),
    "ray": Kind(_ray, apart=True, dies=False),
    "submitit": Kind(_submitit, apart=True, dies=True),
    "ipyparallel": Kind(_view, apart=True, dies=False),
}
