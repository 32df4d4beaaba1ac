"""Values of parameters as they are handed out: nobody changes a tree through what it gives."""

from __future__ import annotations

from typing import Any

import numpy as np

MOST = 10_000  # entries of a list or dict that are copied; a larger one is handed out as it is


def lent(value: Any) -> Any:
    """Return an array as a view that is only read, lists, dicts and sets as copies, and anything else as it is.

    Examples
    --------
    >>> mask = np.zeros(2)
    >>> lent(mask).flags.writeable, lent([1, [2]])
    (False, [1, [2]])
    """
    kind = type(value)
    if isinstance(value, np.ndarray):
        if not value.flags.writeable:
            return value
        view = value.view()
        view.flags.writeable = False
        return view
    if kind is list or kind is tuple:
        return kind(map(lent, value)) if len(value) <= MOST else value
    if kind is dict:
        return {key: lent(part) for key, part in value.items()} if len(value) <= MOST else value
    return set(value) if kind is set else value


def is_container(value: Any) -> bool:
    """Tell whether a value is one that a function could change, and so is handed a copy of at each call."""
    kind = type(value)
    return kind in (list, dict, set) or (kind is tuple and any(map(is_container, value)))
