"""What headrace asks of a user's function: does it take ``rng``, how many items does it want."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any


def takes_rng(function: Callable[..., Any]) -> bool:
    """Tell whether a function has a parameter named ``rng``, and so is handed a generator.

    Examples
    --------
    >>> takes_rng(lambda item, rng: item), takes_rng(len)
    (True, False)
    """
    try:
        return _takes_rng(function)
    except TypeError:  # not hashable
        return _takes_rng.__wrapped__(function)


@lru_cache(4096)
def _takes_rng(function: Callable[..., Any]) -> bool:
    try:
        return "rng" in inspect.signature(function).parameters
    except (ValueError, TypeError):  # built-in functions without a signature
        return False


def name_of_function(function: Any) -> str:
    """Return a function's short name for printing.

    Examples
    --------
    >>> name_of_function(len)
    'len'
    """
    inner = getattr(function, "func", None)
    if inner is not None and not hasattr(function, "__qualname__"):
        return f"partial({name_of_function(inner)})"
    return str(getattr(function, "__qualname__", type(function).__qualname__)).replace("<locals>.", "")
