"""What a ``with`` block does with something that is closed."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Closing:
    """Closes at the end of a ``with`` block.

    Examples
    --------
    >>> class Box(Closing):
    ...     def close(self):
    ...         print("closed")
    >>> with Box() as box:
    ...     print("open")
    open
    closed
    """

    def close(self) -> None:
        """Let go of what is held. Twice is fine."""
        raise NotImplementedError(f"{type(self).__name__} needs a method close()")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
