"""Names of inputs and outputs, and inputs that must be alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError

Array = np.ndarray[Any, Any]


def names(who: str, values: Any) -> tuple[str, ...]:
    """Return input names given as ``("a", "b")`` or as ``(["a", "b"],)``.

    Raises
    ------
    StreamConfigError
        When there is none, or one is no name.
    """
    if len(values) == 1 and isinstance(values[0], list | tuple):
        values = values[0]
    if not values:
        raise StreamConfigError(
            f"{who} got no input, wanted the names of one or more signals.\n  Name them first, then name=."
        )
    for value in values:
        a_name(who, value)
    return tuple(values)


def a_name(who: str, value: Any) -> str:
    """Return a name.

    Raises
    ------
    StreamConfigError
        When it is none.
    """
    if not isinstance(value, str) or not value:
        raise StreamConfigError(f"{who} got {value!r}, wanted the name of a signal.\n  Inputs come first, then name=.")
    return value


def alike(who: Any, *rows: Array) -> None:
    """Raise a DataError that begins with ``who``, which is printed only then, unless all rows have one shape."""
    shape = rows[0].shape
    for each in rows:  # no generator: it is asked before every step
        if each.shape != shape:
            raise DataError(
                f"{who} got inputs of shapes {', '.join(str(each.shape) for each in rows)}, wanted one shape.\n"
                "  Choose a channel with ExtractDimension, or make them alike with Reshape."
            )
