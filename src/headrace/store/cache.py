"""Results of a function kept on disk, by its arguments."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

from headrace.core.optional import optional


def cache_to_disk(
    fn: Callable[..., Any] | None = None, *, cachedir: str | os.PathLike[str] = "__xyz_cache__", **kwargs: Any
) -> Any:
    """Return a function that looks up on disk what it was called with before, in this session or in an earlier one.

    Parameters
    ----------
    fn
        What is to be called once per set of arguments. Without it, a decorator.
    cachedir
        The folder; delete it to forget.
    **kwargs
        For ``joblib.Memory`` (``verbose``, 0 here, ``mmap_mode``, ``compress``, ...) and its ``cache`` (``ignore``,
        ``cache_validation_callback``).

    Notes
    -----
    The cache is joblib's: it knows results by the function's name, its code and the contents of the arguments, and
    stores them as pickles.

    Raises
    ------
    MissingExtraError
        When joblib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = cache_to_disk(abs, cachedir=folder)
    ...     root(-3), root(-3), root.check_call_in_cache(-3)
    (3, 3, True)
    """
    if fn is None:
        return lambda fn: cache_to_disk(fn, cachedir=cachedir, **kwargs)
    joblib = optional("joblib", "store", "cache_to_disk")
    of_cache = set(inspect.signature(joblib.Memory.cache).parameters) - {"self", "func", "verbose", "mmap_mode"}
    for_cache = {name: kwargs.pop(name) for name in list(kwargs) if name in of_cache}
    memory = joblib.Memory(cachedir, **{"verbose": 0, **kwargs})
    return memory.cache(fn, **for_cache)
