"""A progress bar around anything."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any


def progbar(it: Iterable[Any] | None = None, nb: bool = False, **kwargs: Any) -> Any:
    """Return a ``tqdm`` bar, around an iterable or to be updated by hand.

    Parameters
    ----------
    it
        What to iterate over.
    nb
        A bar of the notebook's own; needs ipywidgets.
    **kwargs
        For tqdm. Unless told otherwise, bars are of ASCII characters and show the mean speed.

    Examples
    --------
    >>> list(progbar(range(3), disable=True))
    [0, 1, 2]
    """
    return _bar_class(nb)(it, **{"ascii": True, "smoothing": 0, **kwargs})


@cache
def _bar_class(nb: bool) -> Any:
    if nb:
        from tqdm.notebook import tqdm
    else:
        from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]  # tqdm is Any to mypy
        monitor_interval = 0  # no watching thread, which would outlive what it shows

    return Bar
