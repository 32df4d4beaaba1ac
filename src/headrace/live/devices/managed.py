"""What a ``with`` block does with something that is started and stopped, or has an end that may fail."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self


class Managed:
    """Starts on entry, and stops on exit; what stopping raises does not hide what ended the block.

    Examples
    --------
    >>> class Lamp(Managed):
    ...     def start(self):
    ...         print("on")
    ...
    ...     def stop(self):
    ...         print("off")
    >>> with Lamp():
    ...     print("reading")
    on
    reading
    off
    """

    def start(self) -> None:
        """Begin."""
        raise NotImplementedError

    def stop(self) -> None:
        """End."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leave(self.stop, self, error)


def leave(end: Callable[[], object], who: Any, error: BaseException | None) -> None:
    """End something as a ``with`` block is left: what ending raises does not hide what ended the block.

    Parameters
    ----------
    end
        Ends it.
    who
        What it is, for a note.
    error
        What ended the block, if anything.

    Raises
    ------
    Exception
        What ``end`` raises, when nothing else has ended the block.

    Examples
    --------
    >>> leave(lambda: 1 / 0, "a lamp", failed := ValueError("dark"))
    >>> failed.__notes__
    ["  and 'a lamp' failed meanwhile: ZeroDivisionError('division by zero')"]
    """
    try:
        end()
    except Exception as failure:
        if error is None:
            raise
        if failure is not error:
            error.add_note(f"  and {who!r} failed meanwhile: {failure!r}")
