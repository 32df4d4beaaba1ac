"""A function at combinations or cases, its results as a labelled dataset or a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headrace.errors import DataError
from headrace.sweeps.labels import Labels, dataset_of
from headrace.sweeps.points import Points
from headrace.sweeps.runner import Runner


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
    **settings: Any,
) -> Any:
    """The results of a function at every combination of some values, as an ``xarray.Dataset``.

    Parameters
    ----------
    fn
        Called with keywords: resources, constants and the settings of a point.
    combos, cases
        As for :func:`headrace.sweeps.combo_runner`.
    var_names
        Names of the results: one for the whole of what is returned, several for the parts of it, None where a dict, a
        Dataset or a DataArray is returned.
    var_dims
        Names of the axes of results that are arrays: a mapping from names, or one entry for each. ``...`` keeps a value
        as it is.
    var_coords
        Values along those axes.
    constants
        Further arguments, which are told in the result: as a coordinate where an axis has the name, else an attribute.
        None of them can be swept as well.
    resources
        Further arguments that are not told.
    attrs
        What else to tell.
    to_df
        Give a ``pandas.DataFrame`` instead: a row for each call.
    parse
        Makes no difference: what is parsed already stays as it is.
    shuffle, parallel, num_workers, executor, verbosity, **settings
        As for :func:`headrace.sweeps.combo_runner`.

    Returns
    -------
    dataset
        Variables with an axis for each argument, in order, then their own. Places that are no case, or failed, hold
        NaN, NaT or None.

    Raises
    ------
    StreamConfigError
        When names and arguments cannot be read or do not fit each other.
    DataError
        When results do not fit their names, or points lie too far apart for a grid.

    Examples
    --------
    >>> ds = combo_runner_to_ds(
    ...     lambda a, b: (a + b, a * b), {"a": [1, 2], "b": [3, 4]}, ["sum", "product"], verbosity=0
    ... )
    >>> ds["product"].sel(a=2).values
    array([6, 8])
    """
    settings |= {"shuffle": shuffle, "verbosity": verbosity}
    settings |= {"parallel": parallel, "num_workers": num_workers, "executor": executor}
    runner = Runner(fn, var_names, None, var_dims, var_coords, constants, resources, attrs)
    return runner.run_combos(combos, cases=cases, to_df=to_df, **settings)


def combo_runner_to_df(
    fn: Callable[..., Any], combos: Any, var_names: Any, *, to_df: bool = True, **settings: Any
) -> Any:
    """The results of a function at every combination of some values, as a ``pandas.DataFrame``: a row for each call.

    Parameters
    ----------
    fn, combos, var_names, to_df, **settings
        As for :func:`combo_runner_to_ds`.

    Returns
    -------
    frame
        Columns of arguments, constants, attributes and results, in this order.

    Raises
    ------
    StreamConfigError
        When results have no names, or have axes.

    Examples
    --------
    >>> combo_runner_to_df(lambda a: a * a, {"a": [1, 2]}, "square", verbosity=0).to_dict("list")
    {'a': [1, 2], 'square': [1, 4]}
    """
    return combo_runner_to_ds(fn, combos, var_names, to_df=to_df, **settings)


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

    Parameters
    ----------
    fn_args
        Names of the values of a case; None where cases are dicts, or for those of the function.
    cases, combos
        As for :func:`headrace.sweeps.case_runner`.
    fn, var_names, var_dims, var_coords, constants, resources, attrs, shuffle, to_df, parse, parallel, num_workers
        As for :func:`combo_runner_to_ds`.
    executor, verbosity, **settings
        As for :func:`combo_runner_to_ds`.

    Returns
    -------
    dataset

    Raises
    ------
    StreamConfigError, DataError
        As for :func:`combo_runner_to_ds`.

    Examples
    --------
    >>> case_runner_to_ds(lambda a, b: a + b, None, [(1, 2), (3, 4)], "sum", verbosity=0)["sum"].values
    array([[ 3., nan],
           [nan,  7.]])
    """
    settings |= {"shuffle": shuffle, "verbosity": verbosity}
    settings |= {"parallel": parallel, "num_workers": num_workers, "executor": executor}
    runner = Runner(fn, var_names, fn_args, var_dims, var_coords, constants, resources, attrs)
    return runner.run_cases(cases, combos=combos, to_df=to_df, **settings)


def case_runner_to_df(
    fn: Callable[..., Any], fn_args: Any, cases: Any, var_names: Any, *args: Any, to_df: bool = True, **settings: Any
) -> Any:
    """The results of a function at some cases, as a ``pandas.DataFrame``: a row for each call.

    Parameters
    ----------
    fn, fn_args, cases, var_names, *args, to_df, **settings
        As for :func:`case_runner_to_ds`.

    Returns
    -------
    frame
        Columns of arguments, constants, attributes and results, in this order.

    Raises
    ------
    StreamConfigError
        When results have no names, or have axes.

    Examples
    --------
    >>> case_runner_to_df(lambda a: "x" * a, "a", [2, 3], "text", verbosity=0).to_dict("list")
    {'a': [2, 3], 'text': ['xx', 'xxx']}
    """
    run: Any = case_runner_to_ds  # whose positional arguments end before to_df
    return run(fn, fn_args, cases, var_names, *args, to_df=to_df, **settings)


def results_to_ds(
    results: Any,
    combos: Any,
    var_names: Any,
    var_dims: Any = None,
    var_coords: Any = None,
    constants: Any = None,
    attrs: Any = None,
) -> Any:
    """Results that are there already, nested or in one sequence, as an ``xarray.Dataset``.

    Parameters
    ----------
    results
        What :func:`headrace.sweeps.combo_runner` returned, nested or flat.
    combos
        The combos that it was given.
    var_names, var_dims, var_coords, constants, attrs
        As for :func:`combo_runner_to_ds`.

    Returns
    -------
    dataset

    Raises
    ------
    DataError
        When there are more or fewer results than combinations.

    Examples
    --------
    >>> results_to_ds(((1, 2), (3, 4)), {"a": [1, 2], "b": [3, 4]}, "x")["x"].values
    array([[1, 2],
           [3, 4]])
    """
    points = Points(combos)
    labels = Labels.of(var_names, var_dims, var_coords, attrs)
    known = dict(constants or {})
    columns = labels.columns(points, known)
    columns.take(range(len(points)), _flat(results, points))
    return dataset_of(points, columns, labels, known)


def _flat(results: Any, points: Points) -> list[Any]:
    shape = points.shape
    listed = list(results)
    if len(listed) == len(points) and (len(shape) < 2 or len(listed) != shape[0]):
        return listed
    for size in shape[1:]:
        if not all(
            isinstance(part, Iterable) and not isinstance(part, Mapping) and len(list(part)) == size for part in listed
        ):
            break
        listed = [each for part in listed for each in part]
    if len(listed) != len(points):
        raise DataError(
            f"results_to_ds got {len(listed)} results, wanted {len(points)}: one for each of {points!r}.\n  Give the combos that they were run with."
        )
    return listed
