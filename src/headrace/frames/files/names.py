"""Which files a stream of several files reads, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from glob import glob
from os import PathLike, fspath
from os.path import isdir, isfile
from pathlib import Path
from typing import Any, Literal, get_args

from headrace.errors import StreamConfigError
from headrace.frames.base.paths import check_file

Sort = Literal["natural", "plain"]


def natural(name: str) -> list[tuple[int, int | str]]:
    """Return what to sort names by so that numbers in them count as numbers.

    Examples
    --------
    >>> sorted(["frame_10.png", "frame_2.png"], key=natural)
    ['frame_2.png', 'frame_10.png']
    """
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def files_of(who: str, filenames: Any, sort: Sort = "natural") -> tuple[Path, ...]:
    """Return the absolute paths of the files that a pattern or a list names.

    Parameters
    ----------
    who
        The name that messages begin with.
    filenames
        A pattern as :mod:`glob` knows them, whose files are sorted, ``**`` standing for any folders; or files in their
        order, some perhaps more than once.
    sort
        ``"natural"`` puts ``frame_2`` before ``frame_10``, ``"plain"`` behind it.

    Raises
    ------
    StreamConfigError
        When there are none, or one is no file.
    """
    if sort not in get_args(Sort):
        raise StreamConfigError(
            f"{who}(sort=) got {sort!r}, wanted 'natural' or 'plain'.\n"
            "  'natural' counts the numbers in names, 'plain' compares letters."
        )
    if isinstance(filenames, str | PathLike):
        pattern = fspath(filenames)
        found = [name for name in glob(str(pattern), recursive=True) if not isdir(name)]  # ** finds folders, too
        if not found:
            what, told = "which no file is called", f"The current folder is {Path.cwd()}."
            if isdir(pattern):
                what, told = "which is a folder", f"Name what lies in it: {str(Path(pattern, '*'))!r}."
            elif isfile(pattern):
                told = "There is a file of just that name, but brackets are a pattern: give it in a list."
            raise StreamConfigError(
                f"{who}(filenames) got {str(pattern)!r}, {what}, wanted at least one file.\n  {told}"
            )
        names: Iterable[Any] = sorted(found, key=natural) if sort == "natural" else sorted(found)
    elif isinstance(filenames, list | tuple):
        # Whatever names no file is refused here, where a dict could not look it up.
        names = [name if isinstance(name, str | PathLike) else check_file(who, name, "filenames") for name in filenames]
    else:
        raise StreamConfigError(
            f"{who}(filenames) got {filenames!r}, wanted a pattern like 'folder/*.png', or a list of files.\n"
            "  A generator is made a list with list(...)."
        )
    known: dict[Any, Path] = {}
    made = tuple(known.get(name) or known.setdefault(name, check_file(who, name, "filenames")) for name in names)
    if not made:
        raise StreamConfigError(
            f"{who}(filenames) got an empty list, wanted at least one file.\n  The current folder is {Path.cwd()}."
        )
    return made
