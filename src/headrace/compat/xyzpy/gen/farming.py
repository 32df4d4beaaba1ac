"""Functions with names, and what keeps their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.compat.xyzpy.gen.keeping import Harvester, Sampler
from headrace.compat.xyzpy.gen.runner import Runner
from headrace.sweeps.decorate import decorator

__all__ = ["Harvester", "Runner", "Sampler", "cultivate", "label"]


def label(
    var_names: Any,
    fn_args: Any = None,
    var_dims: Any = None,
    var_coords: Any = None,
    constants: Any = None,
    resources: Any = None,
    attrs: Any = None,
    harvester: bool | str = False,
    sampler: bool | str = False,
    engine: str | None = None,
    **default_runner_settings: Any,
) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that makes a function a :class:`Runner`, or a harvester or sampler of one.

    See Also
    --------
    headrace.sweeps.label : what it does.

    Examples
    --------
    >>> import headrace.compat.xyzpy as xyz
    >>> @xyz.label(var_names=["sum", "difference"])
    ... def both(a, b):
    ...     return a + b, a - b
    >>> both(3, 1), both.run_combos({"a": [1, 2], "b": [3]}, verbosity=0)["difference"].values.ravel()
    ((4, 2), array([-2, -1]))
    """
    names = (fn_args, var_dims, var_coords, constants, resources, attrs)
    return decorator(Runner, __name__, var_names, names, harvester, sampler, engine, default_runner_settings)


def cultivate(
    fn: Any,
    *,
    var_names: Any = None,
    data_name: Any = None,
    runner_opts: Any = None,
    harvester_opts: Any = None,
    combos: Any = None,
    cases: Any = None,
    constants: Any = None,
    name: Any = None,
    parent_dir: Any = None,
    batchsize: Any = None,
    num_batches: Any = None,
    missing_only: bool = True,
    shuffle: bool | int = True,
    subprocess: Any = "auto",
    num_workers: int | None = None,
    num_threads: Any = None,
    gpus: Any = None,
    affinities: Any = None,
    log: Any = False,
    raise_errors: bool = True,
    verbosity: int = 1,
    on_existing: str = "ask",
    on_error: str = "ask",
    clean_up: Any = None,
    **grow_kwargs: Any,
) -> Any:
    """Run a function where it has no result yet, keep each result at once, and return all that there is.

    Parameters
    ----------
    fn
        A function, or a runner or harvester of one.
    var_names, runner_opts
        For the :class:`Runner`.
    data_name, harvester_opts
        For the :class:`Harvester`.
    combos, cases, constants, missing_only, shuffle, num_workers, raise_errors, verbosity, **grow_kwargs
        As for :meth:`Harvester.cultivate`, which tells of the others, too.

    Returns
    -------
    full_ds

    Examples
    --------
    >>> import headrace.compat.xyzpy as xyz
    >>> def power(x, p):
    ...     return {"y": x**p}
    >>> ds = xyz.cultivate(power, data_name="powers.h5", combos={"x": [1, 2, 3], "p": [1, 2]}, verbosity=0)
    >>> ds["y"].sel(p=2).values
    array([1, 4, 9])
    """
    harvester = fn
    if not isinstance(fn, Harvester):
        runner = fn if isinstance(fn, Runner) else Runner(fn, var_names, **(runner_opts or {}))
        harvester = Harvester(runner, data_name, **(harvester_opts or {}))
    return harvester.cultivate(
        combos,
        cases,
        constants,
        name,
        parent_dir,
        batchsize,
        num_batches,
        missing_only,
        shuffle,
        subprocess,
        num_workers,
        num_threads,
        gpus,
        affinities,
        log,
        raise_errors,
        verbosity,
        on_existing,
        on_error,
        clean_up,
        **grow_kwargs,
    )
