"""A disk that takes no more: a limit on the length of files stands for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """Let no file become longer than ``most`` bytes."""
    resource: Any = pytest.importorskip("resource")  # not on Windows
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def check_refused(error: BaseException, who: str, path: Any) -> None:
    """Check the parts of the message of a writer whose disk takes no more, and that the system's own is its cause."""
    wanted = rf"{who} could not write to '{re.escape(str(path))}': .*, wanted .*\.\n  .* is .*\. Make room, .*\."
    assert re.fullmatch(wanted, str(error)), error
    assert isinstance(error.__cause__, OSError)
