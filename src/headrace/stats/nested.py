"""Lists in lists."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any


def isiterable(obj: object) -> bool:
    """Tell whether a ``for`` loop goes over something.

    Examples
    --------
    >>> isiterable("ab"), isiterable(3)
    (True, False)
    """
    try:
        iter(obj)  # type: ignore[call-overload]  # that is the question
    except TypeError:
        return False
    return True


def prod(it: Iterable[Any]) -> Any:
    """Return the product of some numbers, 1 for none.

    Examples
    --------
    >>> prod([2, 3, 4])
    24
    """
    return math.prod(it)


def unzip(its: Any, zip_level: int = 1) -> Any:
    """Return nested sequences with the innermost of some levels moved to the front.

    Parameters
    ----------
    its
        Sequences, nested ``zip_level`` deep, of items that are sequences of one length themselves.
    zip_level
        How many levels there are around an item; 0 returns ``its`` as it is.

    Raises
    ------
    ValueError
        When items have different lengths.

    Examples
    --------
    >>> unzip([(1, "a"), (2, "b")])
    ((1, 2), ('a', 'b'))
    >>> unzip([[(1, "a"), (2, "b")], [(3, "c"), (4, "d")]], 2)
    (((1, 2), (3, 4)), (('a', 'b'), ('c', 'd')))
    """
    if zip_level < 1:
        return its
    return tuple(zip(*(unzip(each, zip_level - 1) for each in its), strict=True))


def flatten(its: Any, n: int) -> Iterator[Any]:
    """Return the items of sequences that are nested ``n`` deep.

    Examples
    --------
    >>> list(flatten([[1, 2], [3]], 2))
    [1, 2, 3]
    """
    flat: Iterator[Any] = iter(its)
    for _ in range(n - 1):
        flat = chain.from_iterable(flat)
    return flat
