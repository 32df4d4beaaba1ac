"""A function at cases, and which cases a dataset has no results for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from headrace.compat.xyzpy.gen.runner import Runner
from headrace.sweeps import missing as native
from headrace.sweeps.combos import case_runner
from headrace.sweeps.missing import is_case_missing, parse_into_cases

__all__ = [
    "case_runner",
    "case_runner_to_df",
    "case_runner_to_ds",
    "find_missing_cases",
    "is_case_missing",
    "parse_into_cases",
]


def case_runner_to_ds(
    fn: Callable[..., Any],
    fn_args: Any,
    cases: Any,
    var_names: Any,
    var_dims: Any = None,
    var_coords: Any = None,
    combos: Any = None,
    constants: Any = None,
    resources: Any = None,
    attrs: Any = None,
    shuffle: bool | int = False,
    to_df: bool = False,
    parse: bool = True,
    parallel: Any = False,
    num_workers: int | None = None,
    executor: Any = None,
    verbosity: int = 1,
    **settings: Any,
) -> Any:
    """The results of a function at some cases, as an ``xarray.Dataset`` on the grid of the values that they have.

    See Also
    --------
    headrace.sweeps.case_runner_to_ds : what it does.
    """
    settings |= {"shuffle": shuffle, "verbosity": verbosity}
    settings |= {"parallel": parallel, "num_workers": num_workers, "executor": executor}
    runner = Runner(fn, var_names, fn_args, var_dims, var_coords, constants, resources, attrs)
    return runner.run_cases(cases, combos=combos, to_df=to_df, **settings)


def case_runner_to_df(
    fn: Callable[..., Any],
    fn_args: Any,
    cases: Any,
    var_names: Any,
    var_dims: Any = None,
    var_coords: Any = None,
    combos: Any = None,
    constants: Any = None,
    resources: Any = None,
    attrs: Any = None,
    shuffle: bool | int = False,
    *,
    to_df: bool = True,
    parse: bool = True,
    parallel: Any = False,
    num_workers: int | None = None,
    executor: Any = None,
    verbosity: int = 1,
    **settings: Any,
) -> Any:
    """The results of a function at some cases, as a ``pandas.DataFrame``: a row for each call.

    See Also
    --------
    headrace.sweeps.case_runner_to_df : what it does.

    Examples
    --------
    >>> import headrace.compat.xyzpy as xyz
    >>> xyz.case_runner_to_df(lambda a: a * a, "a", [2, 3], "square", verbosity=0).to_dict("list")
    {'a': [2, 3], 'square': [4, 9]}
    """
    settings |= {"parallel": parallel, "num_workers": num_workers, "executor": executor, "verbosity": verbosity}
    return case_runner_to_ds(
        fn,
        fn_args,
        cases,
        var_names,
        var_dims,
        var_coords,
        combos,
        constants,
        resources,
        attrs,
        shuffle,
        to_df,
        **settings,
    )


def find_missing_cases(
    ds: Any, ignore_dims: str | Iterable[str] | None = None, method: str = "isnull", show_progbar: bool = False
) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    """The names of arguments, and the values at which no variable of a dataset has data.

    Parameters
    ----------
    ds : xarray.Dataset or xarray.DataArray
        Where to look.
    ignore_dims
        Axes that are no arguments; by default all are.
    method
        ``"isnull"``: NaN, NaT and None are no data; ``"isfinite"``: infinities neither.
    show_progbar
        Makes no difference: nothing here takes long.

    Returns
    -------
    fn_args, cases

    See Also
    --------
    headrace.sweeps.find_missing_cases : which gives dicts.

    Examples
    --------
    >>> import xarray as xr
    >>> find_missing_cases(xr.Dataset({"y": ("a", [1.0, float("nan")])}, {"a": [3, 4]}))
    (('a',), ((4,),))
    """
    ignored = () if ignore_dims is None else (ignore_dims,) if isinstance(ignore_dims, str) else tuple(ignore_dims)
    names = tuple(dim for dim in ds.dims if dim not in ignored)
    found = native.find_missing_cases(ds, ignored, method)
    return names, tuple(tuple(case[name] for name in names) for case in found)
