"""What is given every block of a system for as long as somebody looks at it."""

from __future__ import annotations

import _thread
import weakref
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from headrace.errors import StreamConfigError

_NUMBERS: Final = count(1)


class FrontendBase:
    """Is given every block of a system: write :meth:`update`.

    The system does not keep it alive: it ends with :meth:`close`, or when nobody holds it any more.

    Parameters
    ----------
    system
        A :class:`~headrace.live.System`.

    Raises
    ------
    StreamConfigError
        When it is no system.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.live import System, Table
    >>> class Counter(FrontendBase):
    ...     rows = 0
    ...
    ...     def update(self, block):
    ...         self.rows += len(block["x"])
    >>> system = System(Table({"x": np.arange(7)}))
    >>> counter = Counter(system)
    >>> with system:
    ...     _ = system.join(10)
    >>> counter.rows
    7
    """

    system: Any

    def __init__(self, system: Any) -> None:
        if not hasattr(system, "register_data_feed"):
            raise StreamConfigError(
                f"{type(self).__name__} got {system!r}, wanted a System.\n  Wrap a source: System(source, functions)."
            )
        self.system = system
        id_ = f"{type(self).__name__}-{next(_NUMBERS)}"  # no address: one that is gone may still be registered
        system.register_data_feed(id_, _to(weakref.ref(self)))
        self._end = weakref.finalize(self, _deregister, weakref.ref(system), id_)
        self._end.atexit = False

    def update(self, block: Any) -> None:
        """Take a block: a mapping of columns, ``(n, ...)``. Called in a thread of the system."""
        raise NotImplementedError(f"{type(self).__name__} needs a method update(block)")

    def close(self) -> None:
        """Be given no more; when this returns, the last call is over. Twice is fine."""
        found = self._end.detach()
        if found is not None:
            _, _, (system, id_), _ = found
            if system() is not None:
                system().deregister_data_feed(id_)


def _to(frontend: Callable[[], FrontendBase | None]) -> Callable[[Any], None]:
    def update(block: Any) -> None:
        made = frontend()
        if made is not None:
            made.update(block)

    return update


def _deregister(system: Callable[[], Any], id_: str) -> None:
    found = system()
    if found is not None:
        # Whoever drops the last reference may be the feed's own thread, or hold any lock: in another thread.
        _thread.start_new_thread(_quietly, (found, id_))


def _quietly(system: Any, id_: str) -> None:
    try:
        system.deregister_data_feed(id_)
    except Exception:  # it failed, and the system has told so, or is gone
        return
