"""A decorator that makes a runner of a function, where the function is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import update_wrapper
from importlib import import_module
from typing import Any

from headrace.core.functions import name_of_function
from headrace.errors import StreamConfigError
from headrace.sweeps.runner import Runner


def decorator(
    kind: Any,
    room: str,
    var_names: Any,
    names: tuple[Any, ...],
    harvester: bool | str,
    sampler: bool | str,
    engine: str | None,
    settings: Mapping[str, Any],
) -> Callable[[Callable[..., Any]], Any]:
    """Return what makes a runner of a function, or a harvester or sampler of that.

    Parameters
    ----------
    kind
        The class of runners.
    room
        The module that has Harvester and Sampler: they are made of runners, so that it is imported later.
    var_names, harvester, sampler, engine
        As for :func:`label`.
    names, settings
        For the runner.

    Raises
    ------
    StreamConfigError
        When it was written without parentheses, or both a harvester and a sampler are asked for.
    """
    if callable(var_names):
        raise StreamConfigError(
            f"label got the function {name_of_function(var_names)} for var_names, wanted names for its results."
            "\n  Write parentheses: @label('y'), or @label(None) where it returns a dict."
        )
    if harvester and sampler:
        raise StreamConfigError(
            "label got a harvester and a sampler, wanted one of them.\n"
            "  A harvester keeps combinations and cases, a sampler rows of random settings."
        )

    def decorated(fn: Callable[..., Any]) -> Any:
        made: Any = kind(fn, var_names, *names, **settings)
        name = harvester or sampler
        if name:
            keeping = getattr(import_module(room), "Harvester" if harvester else "Sampler")
            more = {} if engine is None else {"engine": engine}
            made = keeping(made, None if name is True else name, **more)
        return update_wrapper(made, fn, updated=())

    return decorated


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

    Parameters
    ----------
    var_names, fn_args, var_dims, var_coords, constants, resources, attrs, **default_runner_settings
        As for :class:`Runner`.
    harvester, sampler
        True to wrap the runner in one in memory, or the name of what it keeps on disk.
    engine
        What a harvester or sampler writes.

    Raises
    ------
    StreamConfigError
        When both a harvester and a sampler are asked for, or the parentheses are missing: ``@label("y")``.

    Examples
    --------
    >>> @label(var_names=["sum", "product"], verbosity=0)
    ... def both(a, b):
    ...     return a + b, a * b
    >>> both.run_combos({"a": [1, 2], "b": [3]})["product"].values.ravel(), both(1, 2), both.__name__
    (array([3, 6]), (3, 2), 'both')
    """
    names = (fn_args, var_dims, var_coords, constants, resources, attrs)
    return decorator(Runner, "headrace.sweeps", var_names, names, harvester, sampler, engine, default_runner_settings)
