"""How fast a stream gives its items, which side holds up the other, and what a perfect loader would gain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from time import perf_counter, process_time
from typing import Any, Final, NamedTuple

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.items import nbytes
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.parallel.stats import Stats

_SHOWN: Final = 8  # stages in a report
_KEPT: Final = 64  # items kept at most for the replay,
_KEPT_BYTES: Final = 64_000_000  # and as many bytes


class Measured(NamedTuple):
    """What :func:`measure` found; seconds are of the clock on the wall, ``cpu`` apart.

    ``perfect`` is how many items a second the consumer takes when they are there at once; 0 without a consumer.
    """

    items: int
    nbytes: int
    seconds: float
    first: float  # seconds from opening to the first item
    cpu: float  # seconds of the processor that this process used, the consumer included
    perfect: float
    stages: tuple[tuple[str, Stats], ...]  # the background stages, outermost first

    @property
    def rate(self) -> float:
        """Items a second, the first one left out."""
        return (self.items - 1) / self.seconds if self.items > 1 and self.seconds else 0.0

    @property
    def gain(self) -> float:
        """How many times faster a loader that costs nothing would be; 0 where no consumer was given."""
        return self.perfect / self.rate if self.rate else 0.0

    def __str__(self) -> str:
        if not self.items:
            return "the stream has no items"
        lines = [
            f"first item      {_time(self.first)}",
            f"items           {self.items} in {self.seconds:.2f} s",
            f"rate            {self.rate:,.1f} items/s, {_size(self.nbytes / self.items * self.rate)}/s",
            f"this process    {_time(self.cpu / self.items)} of CPU an item",
        ]
        for name, stats in self.stages[:_SHOWN]:
            lines.append(f"{name}")
            if not stats.ahead:
                lines.append("  inline        nothing runs ahead")
                continue
            lines.append(f"  queue         {stats.occupancy:.0%} of {_size(stats.ahead)} full, {stats.queued} items")
            if stats.cpu:
                lines.append(f"  delivering    {_time(stats.cpu / max(1, stats.items))} of CPU an item")
            if stats.worked:
                busy = stats.worked / max(stats.seconds, 1e-9) / max(stats.workers, 1)
                lines.append(f"  workers       {stats.workers}, {min(busy, 1):.0%} busy")
            if stats.copied:
                lines.append(f"  copies        {stats.copied} blocks: the consumer keeps what it is given")
            lines.append(f"  bottleneck    {_held_up(stats)}")
        if len(self.stages) > _SHOWN:
            lines.append(f"and {len(self.stages) - _SHOWN} more stages, in .stages")
        if self.perfect:
            gain = f"{self.gain:.2f} times faster" if self.gain >= 1.05 else "no faster"
            lines.append(f"a perfect loader would be {gain}: {self.perfect:,.1f} items/s")
        elif self.rate:
            lines.append(f"a consumer that takes less than {_time(1 / self.rate)} an item waits for this stream")
        return "\n".join(lines)


def measure(stream: Any, seconds: float = 5.0, consumer: Callable[[Any], object] | None = None) -> Measured:
    """Draw from a stream for a while and tell how fast it is, and where it is held up.

    Parameters
    ----------
    stream
        A stream, or what makes one.
    seconds
        How long; after that as long again for a ``consumer`` on items that are kept.
    consumer
        What is done with each item, such as a training step. With it the report says what a perfect loader would gain:
        the consumer is timed once more on items that are already there.

    Returns
    -------
    Measured
        Prints as a report.

    Raises
    ------
    StreamConfigError
        When ``seconds`` is not positive, or the consumer cannot be called.

    Examples
    --------
    >>> import headrace as hr
    >>> found = hr.parallel.measure(hr.Streamer(range(1000)) | hr.prefetch(), seconds=1)
    >>> found.items, [name for name, _ in found.stages]
    (1000, ['background'])
    """
    if not seconds > 0:
        raise StreamConfigError(f"measure(seconds=) got {seconds!r}, wanted a number of seconds above 0.")
    if consumer is not None and (not callable(consumer) or isinstance(consumer, Stream)):
        raise StreamConfigError(f"measure(consumer=) got {consumer!r}, wanted a function of one item.")
    kept: list[Any] = []
    count = size = kept_bytes = 0
    with as_stream(stream).open() as cursor:
        cpu, began = process_time(), perf_counter()
        now = first = began
        for item in cursor:
            now = perf_counter()
            if not count:
                first = now
            count += 1
            mine = nbytes(item)
            size += mine
            if consumer is not None:
                if len(kept) < _KEPT and kept_bytes + mine <= _KEPT_BYTES:
                    kept.append(item)
                    kept_bytes += mine
                consumer(item)
            del item
            if (now := perf_counter()) - first >= seconds:
                break
        cpu = process_time() - cpu
        stages = tuple((inside.stream.node_name, inside.stats()) for inside in _stages(cursor))
    perfect = _replayed(kept, seconds, consumer) if consumer is not None and kept else 0.0
    return Measured(count, size, now - first, first - began, cpu, perfect, stages)


def _replayed(kept: list[Any], seconds: float, consumer: Callable[[Any], object]) -> float:
    """Return how many items a second the consumer takes when they are there."""
    began, n = perf_counter(), 0
    for item in cycle(kept):
        consumer(item)
        n += 1
        if perf_counter() - began >= seconds:
            break
    return n / (perf_counter() - began)


def _stages(cursor: Cursor[Any]) -> Iterator[Any]:
    """Yield the cursors that count what they do, outermost first."""
    if hasattr(cursor, "stats"):
        yield cursor
    found: list[Any] = [getattr(cursor, name, None) for name in cursor.inner]
    if hasattr(cursor, "open_cursors"):  # of a mux
        found += [member for _, member in cursor.open_cursors()]
    for inside in found + list(getattr(cursor, "sources", ())):  # of a zip
        if isinstance(inside, Cursor):
            yield from _stages(inside)


def _held_up(stats: Stats) -> str:
    share = max(stats.consumer_waited, stats.worker_waited / max(stats.workers, 1)) / max(stats.seconds, 1e-9)
    if stats.bottleneck == "source":
        return f"the source: the consumer waits for it {share:.0%} of the time"
    if stats.bottleneck == "consumer":
        return "the consumer: the source waits for room"
    return "none: neither side waits"


def _time(seconds: float) -> str:
    for unit, name in ((1, "s"), (1e-3, "ms")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e6:.3g} us"


def _size(n: float) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n >= unit:
            return f"{n / unit:.3g} {name}"
    return f"{n:.0f} B"
