"""A lock in a handle: open in a copy, in a pickle, and in a forked child, whoever holds it here."""

from __future__ import annotations

import os
from threading import RLock
from typing import Any

from headrace.core.alive import Alive
from headrace.errors import ClosedError, StreamConfigError


class NotBegun:
    """What a handle has in place of what its constructor makes, until that has run."""

    def __get__(self, handle: Any, kind: type[Any]) -> Any:
        if handle is None:
            return self
        raise StreamConfigError(
            f"{kind.__name__} got asked before its base was made, wanted super().__init__(source) in its own __init__.\n"
            "  Call it first. A class without a source, whose get(n) makes the frames, is derived from "
            "headrace.compat.convis.streams.Stream."
        )


NOT_BEGUN: Any = NotBegun()


class Locked:
    """A handle whose verbs are whole: each holds ``self._lock``, and one may call another. Once closed it says so.

    A subclass calls ``_unlock()`` when it is made, and leaves ``_lock`` out of its state.
    """

    _lock: Any = NOT_BEGUN

    def _unlock(self) -> None:
        """Have a lock that nobody holds."""
        self._lock = RLock()
        _HANDLES.add(self)

    def _is_closed(self) -> ClosedError:
        return ClosedError(
            f"{type(self).__name__} got asked after close(), wanted an open one.\n  Make a new one, or close it later."
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._unlock()


_HANDLES: Alive[Locked] = Alive()


def _unlock_in_child() -> None:
    # Another thread of the parent may hold one, and there is none in the child to open it.
    for handle in list(_HANDLES):
        handle._unlock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)
