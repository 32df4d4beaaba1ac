"""How far a file of events was looked through: at a file that only grew since, the next look goes on from there."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from headrace.frames.base.unreadable import Stamp, sample_of
from headrace.sources.formats import ArrayFile


class Looked(NamedTuple):
    """Where a look at a file ended, what it found up to there, and what that much of the file is known by.

    Parameters
    ----------
    end
        The byte behind the last event or packet.
    found
        What the reader of a format goes on with; not to be changed.
    known
        What the file is known by up to there.
    """

    end: int
    found: tuple[Any, ...]
    known: Stamp | None = None


def looked_before(last: Looked | None, file: ArrayFile, end: int, begin: int, *found: Any) -> Looked:
    """Return where a look at an open file, up to byte ``end``, goes on.

    It is where the last look ended, when the file only grew since; else ``begin``, where as much as ``found`` is known.
    """
    if last is not None and last.end < end and last.known == _known_by(file, last.end):
        return last
    return Looked(begin, found)


def looked_at(file: ArrayFile, end: int, *found: Any) -> Looked:
    """Return what the next look goes on with, of an open file that was looked through up to byte ``end``."""
    return Looked(end, found, _known_by(file, end))


def _known_by(file: ArrayFile, end: int) -> Stamp:
    place = file.file.fileno()
    return Stamp(end, 0, sample_of(place, end), os.fstat(place).st_ino)  # whenever it was written to
