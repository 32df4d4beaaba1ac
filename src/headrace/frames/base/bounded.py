"""Blocks that no memory holds are refused before a frame of them is made."""

from __future__ import annotations

import os
from functools import cache
from math import inf, prod
from typing import Any

import numpy as np

from headrace.errors import DataError

LOOK = 256  # frames up to which nobody looks
_LEAST = 16  # bytes that a frame costs at least, however small
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory() -> float:
    """Return how many bytes this process may have at most; inf where the system does not tell."""
    return min(_machine(), _allowed())


@cache
def _machine() -> float:
    """Return the bytes of the machine, or of the container."""
    found = [inf]
    if hasattr(os, "sysconf"):
        try:
            found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (OSError, ValueError):  # a name that this system does not know
            pass
    for path in _CGROUPS:
        try:
            with open(path) as told:
                found.append(int(told.read()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(n for n in found if n > 0)


def _allowed() -> float:
    """Return the bytes of address space that are left to this process by ``ulimit -v``."""
    try:
        import resource
    except ImportError:  # Windows
        return inf
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return inf if most == resource.RLIM_INFINITY else most


def check_fits(who: str, n: int, shape: tuple[Any, ...], dtype: Any) -> None:
    """Raise DataError when ``n`` frames are more than memory can hold.

    Examples
    --------
    >>> check_fits("RandomStream.get(1000)", 1000, (24, 24), "f4")
    >>> check_fits("RandomStream.get(10**12)", 10**12, (24, 24), "f4")
    Traceback (most recent call last):
        ...
    headrace.errors.DataError: RandomStream.get(10**12) got 1000000000000 frames of 24 x 24 float32, 2.3e+06 GB, wanted ...
    """
    kind = np.dtype(dtype)
    nbytes = n * max(_LEAST, kind.itemsize * prod(m or 1 for m in shape))
    most = memory()
    if nbytes > most:
        told = f"{n} frames of {' x '.join(map(str, shape))} {kind}"
        raise DataError(
            f"{who} got {told}, {nbytes / 1e9:.2g} GB, wanted what fits into memory, {most / 1e9:.2g} GB.\n"
            "  Ask for fewer at a time, in a loop; none were taken."
        )
