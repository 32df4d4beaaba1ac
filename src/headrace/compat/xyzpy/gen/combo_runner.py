"""A function at every combination of some values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.compat.xyzpy.gen.runner import Runner
from headrace.sweeps.combos import combo_runner
from headrace.sweeps.combos import nan_like as nan_like_result
from headrace.sweeps.labelled import results_to_ds

__all__ = ["combo_runner", "combo_runner_to_df", "combo_runner_to_ds", "nan_like_result", "results_to_ds"]


def combo_runner_to_ds(
    fn: Callable[..., Any],
    combos: Any,
    var_names: Any,
    *,
    var_dims: Any = None,
    var_coords: Any = None,
    cases: Any = None,
    constants: Any = None,
    resources: Any = None,
    attrs: Any = None,
    shuffle: bool | int = False,
    parse: bool = True,
    to_df: bool = False,
    parallel: Any = False,
    num_workers: int | None = None,
    executor: Any = None,
    verbosity: int = 1,
    desc: str | None = None,
    **settings: Any,
) -> Any:
    """The results of a function at every combination of some values, as an ``xarray.Dataset``.

    See Also
    --------
    headrace.sweeps.combo_runner_to_ds : what it does.

    Examples
    --------
    >>> import headrace.compat.xyzpy as xyz
    >>> ds = xyz.combo_runner_to_ds(lambda a, b: a * b, {"a": [1, 2], "b": [3, 4]}, "product", verbosity=0)
    >>> ds["product"].sel(a=2).values
    array([6, 8])
    """
    settings |= {"shuffle": shuffle, "verbosity": verbosity, "desc": desc}
    settings |= {"parallel": parallel, "num_workers": num_workers, "executor": executor}
    runner = Runner(fn, var_names, None, var_dims, var_coords, constants, resources, attrs)
    return runner.run_combos(combos, cases=cases, to_df=to_df, **settings)


def combo_runner_to_df(
    fn: Callable[..., Any],
    combos: Any,
    var_names: Any,
    *,
    var_dims: Any = None,
    var_coords: Any = None,
    cases: Any = None,
    constants: Any = None,
    resources: Any = None,
    attrs: Any = None,
    shuffle: bool | int = False,
    parse: bool = True,
    to_df: bool = True,
    parallel: Any = False,
    num_workers: int | None = None,
    executor: Any = None,
    verbosity: int = 1,
    desc: str | None = None,
    **settings: Any,
) -> Any:
    """The results of a function at every combination of some values, as a ``pandas.DataFrame``: a row for each call.

    See Also
    --------
    headrace.sweeps.combo_runner_to_df : what it does.
    """
    return combo_runner_to_ds(
        fn,
        combos,
        var_names,
        var_dims=var_dims,
        var_coords=var_coords,
        cases=cases,
        constants=constants,
        resources=resources,
        attrs=attrs,
        shuffle=shuffle,
        to_df=to_df,
        parallel=parallel,
        num_workers=num_workers,
        executor=executor,
        verbosity=verbosity,
        desc=desc,
        **settings,
    )
