"""What a ``with`` block does with something that is started and stopped."""

from __future__ import annotations

from types import TracebackType
from typing import Self


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
        try:
            self.stop()
        except Exception as failure:
            if error is None:
                raise
            if failure is not error:
                error.add_note(f"  and {self!r} failed meanwhile: {failure!r}")
