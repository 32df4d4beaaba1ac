"""Exceptions on a socket: told as texts, and raised again at the other end."""

from __future__ import annotations

import builtins
import traceback
from typing import Final

import headrace.errors
from headrace.errors import HeadraceError
from headrace.parallel.protocol import Failed

_TEXT: Final = 1 << 16  # letters of an error's text at most


class LinkError(HeadraceError, ConnectionError):
    """The other end of a socket is not there, is gone, or a message got lost on the way."""


class RemoteError(HeadraceError, RuntimeError):
    """An exception of the stream on the server whose type this program does not know; the message names it."""


def told(error: BaseException) -> tuple[str, str, list[str], str]:
    """Return an exception as texts: its type, its message, its notes, its traceback.

    Examples
    --------
    >>> told(KeyError("X"))[:3]
    ('builtins:KeyError', 'X', [])
    """
    try:
        message = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
        trace = "".join(traceback.format_exception(error))
        notes = [_clean(note) for note in getattr(error, "__notes__", ())]
    except Exception:  # an exception whose own __str__ raises
        message, trace, notes = "", "", []
    kind = type(error)
    return f"{kind.__module__}:{kind.__qualname__}", _clean(message), notes[:20], _clean(trace[-_TEXT:])


def _clean(text: object) -> str:
    return str(text)[:_TEXT].encode("utf-8", "replace").decode()


def raisable(failed: Failed) -> BaseException:
    """Return the exception that was told: of its own type where that is Python's or headrace's and takes a text.

    Examples
    --------
    >>> raisable(Failed(0, 0, "builtins:ValueError", "no", [], ""))
    ValueError('no')
    >>> raisable(Failed(0, 0, "shop:SoldOut", "no tea", [], ""))
    RemoteError('shop:SoldOut: no tea')
    """
    module, _, name = failed.kind.partition(":")
    home = {"builtins": builtins, "headrace.errors": headrace.errors}.get(module)
    kind = getattr(home, name, None) if home is not None else None
    error: BaseException | None = None
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, StopIteration | Warning):
        try:
            error = kind(failed.message)
        except TypeError:  # one of those that take more than a text
            error = None
    if error is None or isinstance(error, StopAsyncIteration):
        error = RemoteError(f"{failed.kind}: {failed.message}")
    for note in failed.notes:
        error.add_note(note)
    if failed.trace:
        error.add_note("  on the server:\n" + failed.trace.rstrip())
    return error
