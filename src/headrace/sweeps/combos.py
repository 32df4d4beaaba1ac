"""A function at every combination of arguments, or at cases, its results as nested tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.sweeps.arguments import check_arguments
from headrace.sweeps.failures import Failure
from headrace.sweeps.parse import parse_fn_args, parse_mapping
from headrace.sweeps.place import check_cells
from headrace.sweeps.points import Points
from headrace.sweeps.run import How, Task, sweep

_EMPTY: Any = object()  # a place where nothing has come


def combo_runner(
    fn: Callable[..., Any],
    combos: Any = None,
    *,
    cases: Any = None,
    constants: Any = None,
    split: bool = False,
    flat: bool = False,
    shuffle: bool | int = False,
    parallel: Any = False,
    executor: Any = None,
    num_workers: int | None = None,
    verbosity: int = 1,
    desc: str | None = None,
    on_error: Any = "raise",
    fail_fast: bool = True,
    seed: Any = 0,
) -> Any:
    """The results of a function at every combination of some values.

    Parameters
    ----------
    fn
        Called with keywords. A parameter ``rng`` is filled with a generator that belongs to the point alone.
    combos
        Values of arguments: a mapping, or (name, values) pairs. The last argument moves fastest. Values are anything
        that can be iterated over, or a function that returns it; see :mod:`headrace.sweeps.designs` for some that are
        spread well, and for several arguments at once.
    cases
        Dicts of arguments that are run as they are, each with every combination.
    constants
        Further arguments of every call; they win over arguments of the same name, which no labelled sweep allows.
    split
        Give a tuple of results for each output instead of results that are tuples.
    flat
        Give results in one tuple, in the order of evaluation.
    shuffle
        Run in a random order, with a number as its seed; results come in order.
    parallel, executor, num_workers
        Where calls run: here by default, in processes for ``parallel=True`` or a number of workers, or on anything
        with ``submit`` or ``apply_async``. See :mod:`headrace.parallel.executors`.
    verbosity
        0 for silence, 1 for a progress bar, 2 for arguments beside it.
    desc
        What stands before the bar.
    on_error
        ``"raise"`` the first error, with a note of its arguments; ``"keep"`` errors in place of results; or leave what
        is missing (``"nan"``).
    fail_fast
        Whether to raise all the same when the first calls all fail alike.
    seed
        The root of what ``rng`` draws.

    Returns
    -------
    results
        Nested tuples whose axes are the arguments of cases, each with the values seen, then those of combos. Places
        that are no case hold NaN (None for texts and booleans), in the structure of a result. Without combos and cases
        the one result itself.

    Raises
    ------
    StreamConfigError
        When arguments cannot be read, one is both in cases and combos, or they are not those of the function.
    DataError
        When results cannot be split, or cases lie too far apart for nested tuples.

    Examples
    --------
    >>> combo_runner(lambda a, b: 10 * a + b, {"a": [1, 2], "b": [3, 4]}, verbosity=0)
    ((13, 14), (23, 24))
    >>> combo_runner(lambda a, b: a, cases=[{"a": 1, "b": 2}, {"a": 3, "b": 4}], verbosity=0)
    ((1, nan), (nan, 3))
    """
    how = How(shuffle, parallel, executor, num_workers, verbosity, desc, on_error, fail_fast, seed)
    how = How.of(how._asdict(), "combo_runner")
    points = Points(combos, cases, constants, fn_args=None if _names_given(cases) else parse_fn_args(fn))
    return nested(fn, points, how, split=split, flat=flat)


def case_runner(
    fn: Callable[..., Any],
    fn_args: Any,
    cases: Any,
    combos: Any = None,
    constants: Any = None,
    split: bool = False,
    shuffle: bool | int = False,
    parse: bool = True,
    parallel: Any = False,
    executor: Any = None,
    num_workers: int | None = None,
    verbosity: int = 1,
    desc: str | None = None,
    on_error: Any = "raise",
    fail_fast: bool = True,
    seed: Any = 0,
) -> Any:
    """The results of a function at some cases, in one tuple, in their order.

    Parameters
    ----------
    fn
        As for :func:`combo_runner`.
    fn_args
        Names of the values of a case; None where cases are dicts.
    cases
        Dicts of arguments, tuples for ``fn_args``, or values of its only one.
    combos, constants, split, shuffle, parallel, executor, num_workers, verbosity, desc, on_error, fail_fast, seed
        As for :func:`combo_runner`.
    parse
        Makes no difference: what is parsed already stays as it is.

    Returns
    -------
    results : tuple
        A result for each case, or for each output a tuple of them.

    Raises
    ------
    StreamConfigError, DataError
        As for :func:`combo_runner`.

    Examples
    --------
    >>> case_runner(lambda a, b: a - b, ["a", "b"], [(5, 2), (4, 4)], verbosity=0)
    (3, 0)
    """
    how = How(shuffle, parallel, executor, num_workers, verbosity, desc, on_error, fail_fast, seed)
    how = How.of(how._asdict(), "case_runner")
    names = parse_fn_args(fn, fn_args) if fn_args is not None or not _names_given(cases) else None
    return nested(fn, Points(combos, cases, constants, fn_args=names), how, split=split, flat=True)


def nested(
    fn: Callable[..., Any], points: Points, how: How, *, resources: Any = None, split: bool = False, flat: bool = False
) -> Any:
    """Return the results of a function at points as :func:`combo_runner` does."""
    if not callable(fn):
        raise StreamConfigError(
            f"a sweep got {fn!r}, wanted a function.\n  The function stands first: combo_runner(fn, combos)."
        )
    if len(points):
        check_arguments(fn, {**parse_mapping(resources), **points.constants, **dict.fromkeys(points.names)})
    if not flat:
        check_cells(points, "Give flat=True for one tuple, or run cases into a table: to_df=True.")
    values: list[Any] = []
    in_order = not how.shuffle and how.engine() is None

    def append(places: Any, came: list[Any]) -> None:
        values.extend(came)

    def assign(places: Any, came: list[Any]) -> None:
        for i, value in zip(places, came, strict=True):
            values[i] = value

    if not in_order:
        values.extend(repeat(_EMPTY, len(points)))
    failures = sweep(
        Task(fn, {**parse_mapping(resources), **points.constants}, how.key), points, how, append if in_order else assign
    )
    like: Any = next((value for value in values if type(value) is not Failure), np.nan)
    k = _outputs(values) if split else 0
    if failures:
        kept = how.on_error == "keep"
        hole = nan_like(like)
        values = [_instead(v, kept, hole, k) if type(v) is Failure else v for v in values]
    if split:
        return tuple(arranged(list(each), points, flat, like[n]) for n, each in enumerate(zip(*values, strict=True)))
    return arranged(values, points, flat, like)


def _instead(failed: Failure, kept: bool, hole: Any, k: int) -> Any:
    found = failed.error if kept else hole
    return found if not k or (not kept and isinstance(hole, tuple)) else (found,) * k


def _outputs(values: list[Any]) -> int:
    """Return how many outputs every result has."""
    counts = {len(v) if hasattr(v, "__len__") else -1 for v in values if type(v) is not Failure}
    if len(counts) > 1 or counts == {-1}:
        raise DataError(
            "split=True got results of different lengths, or without one, wanted as many outputs from every call.\n"
            "  Leave split out, and the results are as they came."
        )
    return counts.pop() if counts else 0


def arranged(values: list[Any], points: Points, flat: bool, like: Any) -> Any:
    """Return results in their places: nested tuples, one for each axis."""
    if flat:
        return tuple(values)
    if not points.blocks:
        return values[0]
    if points.no_cases:
        return ()
    if not points.is_grid:
        found: list[Any] = [_EMPTY] * points.cells
        for place, value in zip(points.places().tolist(), values, strict=True):
            found[place] = value
        hole = nan_like(like)
        values = [hole if value is _EMPTY else value for value in found]
    shape = points.shape
    made: Iterable[Any] = values
    for k in range(len(shape) - 1, 0, -1):
        listed, width = list(made), shape[k]
        if width:
            made = [tuple(listed[i : i + width]) for i in range(0, len(listed), width)]
        else:
            made = [()] * int(np.prod(shape[:k], dtype=int))
    return tuple(made)


def nan_like(result: Any) -> Any:
    """Return what stands where nothing was run: NaN in the structure of a result, None for texts and booleans.

    Examples
    --------
    >>> nan_like(3), nan_like("a"), nan_like((1, 2.0)), nan_like(np.zeros(2))
    (nan, None, (nan, nan), array([nan, nan]))
    """
    if isinstance(result, dict) or hasattr(result, "dims"):
        from headrace.sweeps.datasets import nan_dataset

        return nan_dataset(result)
    if result is None or isinstance(result, bool | np.bool_ | str | bytes):
        return None
    if isinstance(result, np.ndarray):
        return np.full(result.shape, np.nan) if result.ndim else np.nan
    if isinstance(result, Iterable):
        return tuple(_nan_part(part) for part in result)
    return np.nan


def _nan_part(part: Any) -> Any:
    shape = () if isinstance(part, str | bytes) else np.shape(part)
    return np.full(shape, np.nan) if shape else np.nan


def _names_given(cases: Any) -> bool:
    """Tell whether cases carry the names of their arguments."""
    if cases is None or isinstance(cases, dict) or hasattr(cases, "columns"):
        return True
    return isinstance(cases, list | tuple) and all(isinstance(case, dict) for case in cases[:1])
