"""Small helpers that Pescador's users import."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sized
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from headrace.compat.pescador.exceptions import PescadorError

__all__ = ["Deprecated", "PescadorError", "batch_length", "deprecated", "get_rng", "moved", "rename_kw"]

P = ParamSpec("P")
R = TypeVar("R")


class Deprecated:
    """The default of a parameter that has another name now."""

    def __repr__(self) -> str:
        return "<DEPRECATED parameter>"


def rename_kw(
    old_name: str, old_value: Any, new_name: str, new_value: Any, version_deprecated: str, version_removed: str
) -> Any:
    """Return the value of a parameter that has two names, with a ``DeprecationWarning`` when the old one is used.

    Call it from the function that has the parameter: the warning points at that function's caller.

    Examples
    --------
    >>> rename_kw("k", Deprecated(), "n_active", 3, "2.0", "3.0")
    3
    """
    if isinstance(old_value, Deprecated):
        return new_value
    warnings.warn(
        f"The parameter {old_name!r} was renamed to {new_name!r} in version {version_deprecated}, and goes in "
        f"{version_removed}.",
        DeprecationWarning,
        stacklevel=3,
    )
    return old_value


def moved(moved_from: str, version: str, version_removed: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for a function that had another name: each call gives a ``DeprecationWarning``."""
    return _warning(f"{moved_from} was moved in version {version}, and goes in {version_removed}: call {{}}.")


def deprecated(version: str, version_removed: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for a function that will go: each call gives a ``DeprecationWarning``."""
    return _warning(f"{{}} is deprecated since version {version}, and goes in {version_removed}.")


def _warning(text: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        said = text.format(f"{function.__module__}.{function.__qualname__}")

        @wraps(function)
        def warned(*args: P.args, **kwargs: P.kwargs) -> R:
            warnings.warn(said, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return warned

    return decorate


def batch_length(batch: Mapping[Any, Sized]) -> int | None:
    """Return the length that all values of a batch have; None for a batch without values.

    Raises
    ------
    PescadorError
        When lengths differ; names them.

    Examples
    --------
    >>> batch_length({"X": [1, 2, 3], "y": "abc"})
    3
    """
    lengths = {name: len(value) for name, value in batch.items()}
    if len(set(lengths.values())) > 1:
        raise PescadorError(f"batch_length got values of different lengths: {lengths}.")
    return next(iter(lengths.values()), None)


def get_rng(random_state: Any) -> Any:
    """Return a source of random numbers: ``numpy.random`` itself for None, a ``RandomState`` for an integer.

    A ``RandomState`` or a ``Generator`` is returned as it is; a ``SeedSequence`` makes a ``Generator``.

    Raises
    ------
    PescadorError
        For anything else.
    """
    if random_state is None:
        return np.random
    if isinstance(random_state, np.random.RandomState | np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.SeedSequence):
        return np.random.default_rng(random_state)
    if isinstance(random_state, int | np.integer) and 0 <= random_state < 2**32:
        return np.random.RandomState(int(random_state))
    raise PescadorError(
        f"random_state got {random_state!r}, wanted None, an integer from 0 to 2**32 - 1, a RandomState, a Generator "
        "or a SeedSequence."
    )
