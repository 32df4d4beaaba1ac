"""The end of the line: somewhere items are kept."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

from headrace.core.closing import Closing

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@runtime_checkable
class Sink(Protocol[T_contra]):
    """Takes items one by one; what was written is kept for good when :meth:`close` has returned.

    ``close`` twice is fine; ``write`` after ``close`` raises. Leaving a ``with`` block closes.
    """

    def write(self, item: T_contra) -> None:
        """Take one item."""

    def close(self) -> None:
        """Keep what was written and let go of everything."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ListSink(Closing, Generic[T]):
    """A sink that keeps its items in ``items``, a list.

    Examples
    --------
    >>> with ListSink() as sink:
    ...     drain("abc", sink)
    3
    >>> sink.items
    ['a', 'b', 'c']
    """

    def __init__(self) -> None:
        self.items: list[T] = []
        self._closed = False

    def write(self, item: T) -> None:
        """Keep one item."""
        if self._closed:
            raise ValueError("write() got an item after close()")
        self.items.append(item)

    def close(self) -> None:
        """Take no more."""
        self._closed = True


def drain(stream: Iterable[T], sink: Sink[T], limit: int | None = None) -> int:
    """Write the items of a stream, at most ``limit``, to a sink; return how many. The sink stays open.

    A sink may look at the stream before: its ``check_source(stream)``, where it has one, raises what speaks against it.

    Examples
    --------
    >>> import headrace as hr
    >>> sink = ListSink()
    >>> hr.drain(hr.Streamer(range(10)), sink, limit=3), sink.items
    (3, [0, 1, 2])
    """
    check = getattr(sink, "check_source", None)
    if check is not None:
        check(stream)
    written = 0
    for item in islice(stream, limit):
        sink.write(item)
        written += 1
    return written
