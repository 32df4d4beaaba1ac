"""Say where in a composition an exception passed: the traceback already holds every cursor it went through.

Cursors make their items in a generator method, Bounds in methods that are asked for places. When a user's exception
passes through a few of them, the frames of those methods stand in its traceback from the outermost to the innermost:
that is the path, at no cost while nothing fails.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any, Final, NamedTuple

from headrace.errors import HeadraceWarning

_HERE = f"{Path(__file__).parent.parent}{os.sep}"
_NOTES: Final = ("  while drawing item ", "  your function: ")
_INSIDE: Final = "_headrace_inside"
_LIBRARY = f"{Path(os.__file__).parent}{os.sep}"


def explain(error: BaseException, root: Any) -> Any:
    """Add to ``error`` the notes ``while drawing item N of root/...`` and ``your function: ...``.

    Parameters
    ----------
    error
        An exception that came out of ``root``.
    root
        The cursor that was asked for an item.

    Returns
    -------
    cursor
        The innermost cursor the exception passed through: the one that failed.
    """
    names, number, user, failed = _place(error, root)
    inside: Place | None = error.__dict__.get(_INSIDE)
    if inside is not None:  # it comes from another process, where the rest of the way is
        names += inside.names[1:] if failed.stream.node_name == inside.names[0] else inside.names
        number, user = inside.number, inside.user
    note_once(error, f"{_NOTES[0]}{number} of {'/'.join(['root', *names])}")
    if user:
        note_once(error, f"{_NOTES[1]}{user}")
    return failed


class Place(NamedTuple):
    """Where in a composition an exception came from: names of the nodes, number of the item, the user's function."""

    names: list[str]
    number: int
    user: str


def located(error: BaseException, root: Any) -> None:
    """Have ``error`` carry the way from ``root`` on, into whichever process it is sent to and explained in."""
    names, number, user, _ = _place(error, root)
    told = getattr(error, "__notes__", [])
    told[:] = [note for note in told if not note.startswith(_NOTES)]  # of a way that begins at ``root``
    inside: Place | None = error.__dict__.get(_INSIDE)
    place = Place(names, number, user) if inside is None else Place(names + inside.names, inside.number, inside.user)
    setattr(error, _INSIDE, place)


def _place(error: BaseException, root: Any) -> tuple[list[str], int, str, Any]:
    chain, labels, user, number = _passed(error, root)
    failed = next(node for node in reversed(chain) if hasattr(node, "count"))
    names = [
        f"{node.stream.node_name}{label}"
        for k, (node, label) in enumerate(zip(chain, [*labels, ""], strict=True))
        if k == len(chain) - 1 or chain[k + 1].stream is not node.stream  # a pass and the Bound it asks are one node
    ]
    return names, failed.count if number is None else number, user, failed


def told(error: StopIteration) -> RuntimeError:
    """Return what to raise for a user's StopIteration: in a generator it would look like the end of the stream."""
    made = RuntimeError("your function raised StopIteration, which would look like the end of the stream")
    return made.with_traceback(error.__traceback__)


def warn(text: str) -> None:
    """Warn with a :class:`headrace.errors.HeadraceWarning` that points at the user's line, however deep we are."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, HeadraceWarning, stacklevel=level)


def _passed(error: BaseException, root: Any) -> tuple[list[Any], list[str], str, int | None]:
    """Return the cursors and Bounds that the exception left, outermost first, what each calls the next, the function of
    the user's that the innermost one called, and the number of the item if a Bound was making it.
    """
    chain, labels, user, number = [root], [], "", None
    trace = error.__traceback__
    while trace is not None:
        frame, code = trace.tb_frame, trace.tb_frame.f_code
        cursor = frame.f_locals.get("self")
        label = chain[-1].label_of(cursor) if cursor is not None and _has_stream(cursor) else None
        if label is not None:
            chain.append(cursor)
            labels.append(label)
            user, number = "", None
        if chain[-1] is cursor and not hasattr(cursor, "count"):
            number = _number(frame.f_locals, number)
        elif not user and _theirs(code.co_filename):
            user = f"{code.co_name} at {Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return chain, labels, user, number


def _has_stream(thing: Any) -> bool:
    try:
        return hasattr(thing, "stream")
    except Exception:  # of whatever class of whichever package: its __getattr__ may raise anything
        return False


def _number(names: dict[str, Any], known: int | None) -> int | None:
    """Return the number of the item that a Bound was making: the ``i`` of its loop, or the only place asked for."""
    at = names.get("at")
    i = names.get("i", at[0] if at is not None and len(at) == 1 else known)
    return None if i is None else int(i)


def _theirs(file: str) -> bool:
    """Tell whether code is the user's or a package's of theirs: neither ours nor Python's own."""
    ours = file.startswith((_HERE, "<frozen"))
    return not ours and (not file.startswith(_LIBRARY) or "site-packages" in file)


def note_once(error: BaseException, text: str) -> None:
    """Add a note to ``error``, unless it has that one: one error may come by again and again."""
    if text not in getattr(error, "__notes__", ()):
        error.add_note(text)
