"""Which files a stream of several files reads, and in which order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from glob import glob
from os import PathLike, fspath
from os.path import isdir, isfile, join, realpath
from pathlib import Path
from typing import Any, Literal, get_args

from headrace.errors import StreamConfigError
from headrace.frames.base.paths import check_file

Sort = Literal["natural", "plain"]
_SEP = re.escape("".join({os.sep, os.altsep or os.sep}))
_BELOW = re.compile(rf"(?:^|(?<=[{_SEP}]))\*\*(?:[{_SEP}]+|$)")  # a ** between separators


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
        A pattern as :mod:`glob` knows them, whose files are sorted, ``**`` standing for any folders, each of which is looked
        into once, whatever links lead there; or files in their order, some perhaps more than once.
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
        found = [name for name in _matching(str(pattern)) if not isdir(name)]
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


def _matching(pattern: str) -> list[str]:
    """Return the names that a pattern matches, in any order; those in folders that several paths lead to once."""
    try:
        if not _BELOW.search(pattern):
            return glob(pattern)
        known: dict[tuple[str, str], str] = {}
        folders: dict[str, str] = {}
        for name in _below("", pattern, set()):
            folder, last = os.path.split(name)
            real = folders.get(folder)
            if real is None:
                real = folders[folder] = realpath(folder)
            known.setdefault((real, last), name)
        return list(known.values())
    except ValueError:  # of what can be in no name, a null byte
        return []


def _below(root: str, pattern: str, seen: set[tuple[str, int, int]]) -> Iterator[str]:
    """Yield the names that a pattern matches from a folder on; glob goes 40 times around where a link leads back."""
    found = _BELOW.search(pattern)
    if found is None:
        yield from (join(root, name) for name in glob(pattern, root_dir=root or None))
        return
    head, tail = pattern[: found.start()], pattern[found.end() :] or "*"
    for first in glob(head, root_dir=root or None) if head else [""]:
        for folder in _folders(join(root, first), tail, seen):
            yield from _below(folder, tail, seen)


def _folders(top: str, tail: str, seen: set[tuple[str, int, int]]) -> Iterator[str]:
    """Yield a folder and those below, but hidden ones and those that were looked into for ``tail``; links come last."""
    plain, links = [top], list[str]()
    while plain or links:
        folder = plain.pop() if plain else links.pop(0)
        try:
            stat = os.stat(folder or os.curdir)
            place = (tail, stat.st_dev, stat.st_ino)
            if place in seen:
                continue
            with os.scandir(folder or os.curdir) as inside:
                entries = sorted((e for e in inside if e.name[0] != "." and e.is_dir()), key=lambda e: e.name)
        except OSError:  # gone, or not to be looked into: glob passes it, too
            continue
        seen.add(place)
        yield folder
        plain += [join(folder, entry.name) for entry in reversed(entries) if not entry.is_symlink()]
        links += [join(folder, entry.name) for entry in entries if entry.is_symlink()]
