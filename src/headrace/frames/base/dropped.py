"""Writers that are gone without ``close``: their files are made whole all the same, and it is said."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path


def finish_dropped(who: str, path: Path, process: int, finish: Callable[[], None]) -> None:
    """Finish the file of a writer that is gone, at the end of the program at the latest; for :class:`weakref.finalize`.

    Parameters
    ----------
    who, path
        The writer and its file, for the warning.
    process
        Of the writer: a child that was forked from it has a copy, and leaves the file to its parent.
    finish
        Makes the file whole; it must not hold the writer.
    """
    if process != os.getpid():
        return
    told = "was written now"
    try:
        finish()
    except Exception as error:  # nobody can catch it
        told = f"could not be written: {error.__cause__ or error}"
    warnings.warn(
        f"{who} of {str(path)!r} was dropped without close(), wanted it closed; the file {told}.\n"
        "  Use it in a with block, or call close().",
        ResourceWarning,
        stacklevel=3,  # behind finalize itself: where the writer was dropped
    )
