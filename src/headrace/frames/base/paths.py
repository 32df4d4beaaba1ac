"""Paths of files that are read or written: absolute, so that a description means the same in any folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from headrace.errors import StreamConfigError
from headrace.frames.base.options import in_short

_LONG, _SHORT = 300, 60  # characters of a path that are told, and of a longer one


def check_file(who: str, path: Any, option: str = "filename") -> Path:
    """Return the absolute path of a file that is there, or raise StreamConfigError when there is none."""
    found = _absolute(who, path, option)
    if not os.path.isfile(found) and not _hidden(found):  # quicker than is_file(), and there may be very many
        what = _no_name(found) or ("is a folder" if os.path.isdir(found) else "is no file")
        raise StreamConfigError(
            f"{who}({option}) got {_told(path)}, which {what}, wanted a file.\n  The current folder is {Path.cwd()}."
        )
    return found


def check_target(who: str, option: str, path: Any) -> Path:
    """Return the absolute path of a file to be written, or raise StreamConfigError when it cannot be one."""
    found = _absolute(who, path, option)
    what = _why_not(found)
    if what:
        raise StreamConfigError(
            f"{who}({option}) got {_told(path)}, which {what}, wanted a file that can be written.\n"
            f"  The current folder is {Path.cwd()}."
        )
    return found


def _absolute(who: str, path: Any, option: str) -> Path:
    try:
        return path if isinstance(path, Path) and path.is_absolute() else Path(path).absolute()
    except TypeError:
        raise StreamConfigError(
            f"{who}({option}) got {in_short(path)}, wanted the path of a file.\n  Give a text or a pathlib.Path."
        ) from None


def _hidden(path: Path) -> bool:
    """Tell whether a folder may not be looked into: opening the file says so."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _no_name(path: Path) -> str:
    """Return why no file can have such a name; nothing where one can."""
    try:
        os.stat(path)
    except ValueError as error:  # of a null byte, or a character that names have no bytes for
        return f"no file can have as its name ({str(error).split(' in position')[0]})"
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return "is too long for a file"
    return ""


def _told(path: Any) -> str:
    """Return a path as messages tell it: a long one is a text of something else, mostly."""
    text = str(path)
    return repr(text) if len(text) <= _LONG else f"{text[:_SHORT]!r}... ({len(text)} characters)"


def _why_not(path: Path) -> str:
    """Return why no file can be written there; nothing where it can, as far as names and permissions tell."""
    what = _no_name(path)
    if what:
        return what
    try:
        if path.is_dir():
            return "is a folder"
        if not path.parent.is_dir():
            return "lies in a folder that is not there"
        there = path.exists()
    except OSError as error:  # above it is a folder that may not be looked into
        return f"cannot be reached ({error.strerror})"
    if there:
        return "" if os.access(path, os.W_OK) else "may not be written"
    return "" if os.access(path.parent, os.W_OK | os.X_OK) else "lies in a folder that may not be written to"
